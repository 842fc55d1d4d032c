"""Secrets of endpoints, and signatures with them, as Standard Webhooks says.

A secret lies sealed under the installation's key in the endpoint's row. So no table, backup or log holds one in the
clear, who reads the database cannot sign in our name, and the key can be changed while the secret stays. It is shown
once, when it is made.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections import Counter
from datetime import datetime
from uuid import UUID

from otai import keyring
from otai.db import one_transaction
from otai.outbound.models import Endpoint

PURPOSE = "webhook secret"


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sealed(secret: str, endpoint: UUID) -> str:
    """The secret as the endpoint's row keeps it."""
    return keyring.seal(secret.encode(), purpose=PURPOSE, of=str(endpoint))


def opened(sealed_secret: str, endpoint: UUID) -> str:
    """The secret that a row keeps. Raises SecretKeyMissing."""
    return keyring.unseal(sealed_secret, purpose=PURPOSE, of=str(endpoint)).decode()


def headers(endpoint: Endpoint, *, webhook_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """What proves to the receiver that the body is ours, lately made and unchanged; for a while with the secret before
    as well."""
    timestamp = int(now.timestamp())
    kept = [endpoint.sealed_secret, *([endpoint.sealed_previous] if endpoint.has_previous_secret(now) else [])]
    signatures = [_signature(opened(one, endpoint.id), webhook_id, timestamp, body) for one in kept]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def by_key() -> dict[str, int]:
    """How many secrets are sealed under which key, by its id."""
    kept = Endpoint.objects.values_list("sealed_secret", "sealed_previous")
    return dict(Counter(keyring.key_id_of(one) for both in kept for one in both if one))


def rewrap() -> int:
    """Seals the secrets of all endpoints under the current key; how many were under another."""
    ids = list(Endpoint.objects.values_list("id", flat=True))
    return sum(_rewrapped(id) for id in ids)


@one_transaction
def _rewrapped(id: UUID) -> int:
    endpoint = Endpoint.objects.select_for_update(no_key=True).filter(id=id).first()
    if endpoint is None:
        return 0
    changed = 0
    for column in ("sealed_secret", "sealed_previous"):
        kept = getattr(endpoint, column)
        anew = keyring.resealed(kept, purpose=PURPOSE, of=str(id)) if kept else None
        if anew is not None:
            setattr(endpoint, column, anew)
            changed += 1
    if changed:
        endpoint.save(update_fields=["sealed_secret", "sealed_previous"])
    return changed
