"""What of accounts hangs on the installation's secret keys: secrets of authenticator apps and recovery codes, which are
encrypted, and sessions, which are signed and know their person's password by a keyed hash.

Links in mails cannot be signed anew: those of a former key end with it (docs/accounts.md says after how long).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import signing
from django.utils.crypto import constant_time_compare

from otai import keyring
from otai.db import one_transaction, utc_now
from otai.orgs.models import User

SECOND_FACTOR = "second factor"


def _encrypted(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("secret", "seed"):
        if isinstance(data.get(name), str):
            yield name, data[name]


def _key_id(token: str) -> str:
    for key in keyring.known():
        try:
            keyring.fernet(key, SECOND_FACTOR).decrypt(token.encode())
        except InvalidToken:
            continue
        return key.id
    return ""


def _with_secrets() -> Any:
    return Authenticator.objects.filter(type__in=[Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES])


def second_factors_by_key() -> dict[str, int]:
    """How many secrets of second factors each key opens, by its id; "" of those that none does."""
    found = _with_secrets().values_list("data", flat=True).iterator()
    return dict(Counter(_key_id(token) for data in found for _, token in _encrypted(data)))


def rewrap_second_factors() -> int:
    """Encrypts them under the current key; how many were under another. What no key opens stays as it is."""
    return sum(_rewrapped_factor(id) for id in list(_with_secrets().values_list("pk", flat=True)))


@one_transaction
def _rewrapped_factor(id: int) -> int:
    found = Authenticator.objects.select_for_update(no_key=True).filter(pk=id).first()
    current, changed = keyring.current_key().id, 0
    for name, token in list(_encrypted(found.data)) if found else ():
        if _key_id(token) not in ("", current):
            found.data[name] = keyring.fernets(SECOND_FACTOR).rotate(token.encode()).decode()
            changed += 1
    if changed:
        found.save(update_fields=["data"])
    return changed


def _signer(key: keyring.InstallationKey) -> signing.TimestampSigner:
    return signing.TimestampSigner(key=key.secret.decode(), salt=SessionStore().key_salt, fallback_keys=[])


def _session_key_id(data: str) -> str:
    for key in keyring.known():
        try:
            _signer(key).unsign(data)
        except signing.BadSignature:
            continue
        return key.id
    return ""


def _alive() -> Any:
    return Session.objects.filter(expire_date__gt=utc_now())


def sessions_by_key() -> dict[str, int]:
    """How many sessions that go on are signed with which key, by its id. One that no key knows has ended already."""
    counted = Counter(map(_session_key_id, _alive().values_list("session_data", flat=True).iterator()))
    del counted[""]
    return dict(counted)


def rewrap_sessions() -> int:
    """Signs sessions that go on with the current key; how many were signed with another."""
    return sum(_rewrapped_session(key) for key in list(_alive().values_list("session_key", flat=True)))


@one_transaction
def _rewrapped_session(session_key: str) -> int:
    found = Session.objects.select_for_update(no_key=True).filter(session_key=session_key).first()
    if found is None or _session_key_id(found.session_data) in ("", keyring.current_key().id):
        return 0
    store = SessionStore()
    values = store.decode(found.session_data)
    person = User.objects.filter(pk=values[SESSION_KEY]).first() if SESSION_KEY in values else None
    if person is not None and any(
        constant_time_compare(values.get(HASH_SESSION_KEY, ""), one) for one in person.get_session_auth_fallback_hash()
    ):
        values[HASH_SESSION_KEY] = person.get_session_auth_hash()
    found.session_data = store.encode(values)
    found.save(update_fields=["session_data"])
    return 1
