"""API keys: made, used, revoked. The secret leaves this module once, in what `create_api_key` returns."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q

from otai.db import new_id, one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.orgs.models import ApiKey, Organisation, SecretKey
from otai.orgs.operations.members import record
from otai.orgs.permissions import Scope

most_api_keys = 100
"""Usable keys of one organisation; nobody keeps an eye on more."""
use_is_noted_every = timedelta(minutes=1)
"""A key that calls a hundred times a second writes once a minute."""

_prefix_alphabet = "abcdefghjkmnpqrstuvwxyz23456789"


class InvalidApiKey(Invalid):
    code = "invalid_api_key"


class TooManyApiKeys(Refused):
    code = "too_many_api_keys"


@dataclass(frozen=True, slots=True)
class KeyMade:
    """`secret` is what the program sends, `otai_<prefix>_<secret>`; it cannot be shown a second time."""

    key: ApiKey
    secret: str


@one_transaction
def create_api_key(
    *,
    organisation: Organisation,
    name: str,
    scopes: Iterable[Scope | str],
    who: str,
    now: datetime,
    expires_at: datetime | None = None,
    id: UUID | None = None,
) -> KeyMade:
    """A key that may do what its scopes say, and nothing else. `id`: named by a form that may be sent twice; where that
    key is there already, none is made, and `secret` is empty. Raises InvalidApiKey (name, scopes, expiry),
    TooManyApiKeys."""
    values, random = new_key(
        ApiKey, name=name, scopes=scopes, known=Scope, who=who, now=now, expires_at=expires_at, id=id
    )
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    if id is not None and (made := ApiKey.objects.filter(organisation=organisation, id=id).first()) is not None:
        return KeyMade(made, "")
    usable = ApiKey.objects.filter(organisation=organisation, revoked_at__isnull=True).exclude(expires_at__lte=now)
    if usable.count() >= most_api_keys:
        raise TooManyApiKeys("keys", keys=most_api_keys)
    key = ApiKey.objects.create(organisation=organisation, **values)
    record(organisation, who=who, what="key_created", subject=key.name, now=now, prefix=key.prefix, scopes=key.scopes)
    return KeyMade(key, f"otai_{key.prefix}_{random}")


def new_key(
    kind: type[SecretKey],
    *,
    name: str,
    scopes: Iterable[str],
    known: type[StrEnum],
    who: str,
    now: datetime,
    expires_at: datetime | None,
    id: UUID | None = None,
) -> tuple[dict[str, Any], str]:
    """The columns of a new key, and the random part of its secret, which is not among them. Raises InvalidApiKey."""
    name = " ".join(name.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise InvalidApiKey("name", field="name")
    wanted = set(scopes)
    if unknown := sorted(wanted - set(known)):
        raise InvalidApiKey("scope", scope=unknown[0], known=list(known), field="scopes")
    if not wanted:
        raise InvalidApiKey("scopes", known=list(known), field="scopes")
    if expires_at is not None and expires_at <= now:
        raise InvalidApiKey("expires_at", field="expires_at")
    random = secrets.token_urlsafe(32)
    return {
        "id": id or new_id(),
        "name": name,
        "prefix": _new_prefix(kind),
        "secret_sha256": hashlib.sha256(random.encode()).hexdigest(),
        "scopes": [scope.value for scope in known if scope in wanted],
        "created_by": who[:200],
        "created_at": now,
        "expires_at": expires_at,
    }, random


@one_transaction
def revoke_api_key(*, organisation: Organisation, key: UUID, who: str, now: datetime) -> ApiKey:
    """The key opens nothing from its next use on. Revoking it again changes nothing. Raises NotFound."""
    found = ApiKey.objects.select_for_update(no_key=True).filter(organisation=organisation, id=key).first()
    if found is None:
        raise NotFound("key")
    if found.revoked_at is None:
        found.revoked_at = now
        found.save(update_fields=["revoked_at"])
        record(organisation, who=who, what="key_revoked", subject=found.name, now=now, prefix=found.prefix)
    return found


def note_use(key: SecretKey, *, now: datetime) -> None:
    """Remembers when the key was last used, at most once a minute. Call it after `queries.key_of`."""
    before = now - use_is_noted_every
    if key.last_used_at is not None and key.last_used_at > before:
        return
    unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    type(key)._default_manager.filter(unnoted, id=key.id).update(last_used_at=now)
    key.last_used_at = now


def _new_prefix(kind: type[SecretKey]) -> str:
    while True:
        # 8 of 31 characters, none of which is mistaken for another: for people to tell keys apart, not part of the
        # secret.
        prefix = "".join(secrets.choice(_prefix_alphabet) for _ in range(8))
        if not kind._default_manager.filter(prefix=prefix).exists():
            return prefix
