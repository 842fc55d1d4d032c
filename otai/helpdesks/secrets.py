"""Tokens of helpdesks: each lies sealed under the installation's key in its connection's row; nobody is shown one."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from otai import keyring
from otai.db import one_transaction
from otai.helpdesks.models import HelpdeskConnection

PURPOSE = "helpdesk token"


def sealed(token: str, connection: UUID) -> str:
    """The token as the connection's row keeps it."""
    return keyring.seal(token.encode(), purpose=PURPOSE, of=str(connection))


def token_of(connection: HelpdeskConnection) -> str:
    """The token that the row keeps. Raises SecretKeyMissing."""
    return keyring.unseal(connection.sealed_token, purpose=PURPOSE, of=str(connection.id)).decode()


def by_key() -> dict[str, int]:
    """How many tokens are sealed under which key, by its id."""
    kept = HelpdeskConnection.objects.values_list("sealed_token", flat=True)
    return dict(Counter(keyring.key_id_of(one) for one in kept))


def rewrap() -> int:
    """Seals all tokens under the current key; how many were under another."""
    ids = list(HelpdeskConnection.objects.values_list("id", flat=True))
    return sum(_rewrapped(id) for id in ids)


@one_transaction
def _rewrapped(id: UUID) -> int:
    connection = HelpdeskConnection.objects.select_for_update(no_key=True).filter(id=id).first()
    anew = keyring.resealed(connection.sealed_token, purpose=PURPOSE, of=str(id)) if connection is not None else None
    if connection is None or anew is None:
        return 0
    connection.sealed_token = anew
    connection.save(update_fields=["sealed_token"])
    return 1
