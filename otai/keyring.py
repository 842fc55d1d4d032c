"""The installation's secret keys: the current one, which seals and signs, and former ones, with which what was sealed
before is still opened.

Each key has an id that tells it apart and says nothing of it; what is sealed names the id. So a key can be changed,
what hangs on the former one be counted and sealed anew (`otai keys rewrap`), and the former key be forgotten.
docs/decisions/0646 says why.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from otai.errors import Unavailable

FORM = "s1"
NONCE_BYTES = 12


class SecretKeyMissing(Unavailable):
    """Something is sealed under a key that is neither the current nor a former one of this installation."""

    code = "secret_key_missing"


@dataclass(frozen=True, slots=True)
class InstallationKey:
    """One key of the installation. `id`: eight hexadecimal digits, the same wherever the key is the same."""

    id: str
    secret: bytes

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose alone: who has them has no others."""
        return hmac.digest(self.secret, b"otai " + purpose.encode(), "sha256")


def key_of(text: str) -> InstallationKey:
    """The key whose text is that of OTAI_SECRET_KEY or of its file."""
    secret = text.encode()
    return InstallationKey(hmac.digest(secret, b"otai key id", hashlib.sha256).hex()[:8], secret)


def known() -> tuple[InstallationKey, ...]:
    """The current key first, then the former ones that are still accepted."""
    return tuple(dict.fromkeys(key_of(text) for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)))


def current_key() -> InstallationKey:
    """The key that seals and signs what is made now."""
    return key_of(settings.SECRET_KEY)


def seal(plain: bytes, *, purpose: str, of: str) -> str:
    """`plain` encrypted under the current key (AES-256-GCM) as text without blanks. It opens for the same purpose and
    the same row alone: `of` names it, so that nobody can put one row's secret into another."""
    key, nonce = current_key(), secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key.derived(purpose)).encrypt(nonce, plain, _bound(purpose, of))
    return ":".join((FORM, key.id, base64.urlsafe_b64encode(nonce + sealed).decode()))


def unseal(sealed: str, *, purpose: str, of: str) -> bytes:
    """What was sealed. Raises SecretKeyMissing where its key is not here, or it is not what was sealed here."""
    id = key_id_of(sealed)
    key = next((key for key in known() if key.id == id), None)
    if key is None:
        raise SecretKeyMissing("key", id=id)
    packed = base64.urlsafe_b64decode(sealed.split(":")[2])
    try:
        return AESGCM(key.derived(purpose)).decrypt(packed[:NONCE_BYTES], packed[NONCE_BYTES:], _bound(purpose, of))
    except InvalidTag:
        raise SecretKeyMissing("changed", id=id) from None


def key_id_of(sealed: str) -> str:
    """The id of the key under which it was sealed; empty for what is nothing sealed."""
    parts = sealed.split(":")
    return parts[1] if len(parts) == 3 and parts[0] == FORM else ""


def resealed(sealed: str, *, purpose: str, of: str) -> str | None:
    """The same under the current key; None where it is so already. Raises SecretKeyMissing."""
    if key_id_of(sealed) == current_key().id:
        return None
    return seal(unseal(sealed, purpose=purpose, of=of), purpose=purpose, of=of)


def fernet(key: InstallationKey, purpose: str) -> Fernet:
    """Encrypts for `purpose` under one key, with what it encrypts naming no key."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"otai {purpose} ".encode() + key.secret).digest()))


def fernets(purpose: str) -> MultiFernet:
    """Encrypts under the current key; decrypts under former ones as well."""
    return MultiFernet([fernet(key, purpose) for key in known()])


def _bound(purpose: str, of: str) -> bytes:
    return f"{purpose}\0{of}".encode()


@dataclass(frozen=True, slots=True)
class Hanging:
    """One kind of thing that hangs on secret keys. `by_key` counts them by the key's id, "" where no key here opens
    them; `rewrap` makes them hang on the current one and returns how many it changed."""

    kind: str
    by_key: Callable[[], Mapping[str, int]]
    rewrap: Callable[[], int]


kinds: list[Hanging] = []
"""Every room that seals or signs something for longer than a day adds its own when the apps are ready."""


def add_kind(added: Hanging) -> None:
    """Adds what hangs on keys, once."""
    if all(kind.kind != added.kind for kind in kinds):
        kinds.append(added)


def hanging_on(ids: Sequence[str]) -> dict[str, int]:
    """By kind, how many things hang on the keys with these ids; kinds of which none does are left out."""
    counted = {kind.kind: kind.by_key() for kind in kinds}
    found = {kind: sum(by_key.get(id, 0) for id in ids) for kind, by_key in counted.items()}
    return {kind: number for kind, number in found.items() if number}


def former_ids() -> tuple[str, ...]:
    """The ids of the former keys."""
    return tuple(key.id for key in known()[1:])


def hanging_on_lost() -> dict[str, int]:
    """By kind, how many things no key of this installation opens."""
    here = {key.id for key in known()}
    found = {kind.kind: sum(n for id, n in kind.by_key().items() if id not in here) for kind in kinds}
    return {kind: number for kind, number in found.items() if number}


def rewrap() -> dict[str, int]:
    """Makes all that hangs on a former key hang on the current one; how many of each kind were changed. Safe to run
    again, beside servers that go on working."""
    return {kind.kind: kind.rewrap() for kind in kinds}
