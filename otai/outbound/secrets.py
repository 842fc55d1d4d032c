"""Secrets of endpoints, and signatures with them, as Standard Webhooks says.

A secret is worked out from the installation's key and the endpoint's salt whenever it is needed. So no table, backup or
log holds one, and who reads the database cannot sign in our name. It is shown once, when it is made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

from django.conf import settings

from otai.outbound.models import Endpoint


def new_salt() -> str:
    """32 random bytes in hexadecimal, from which with the installation's key a secret is derived."""
    return secrets.token_hex(32)


def secret_of(endpoint: UUID, salt: str) -> str:
    """`whsec_` and 32 bytes in base64."""
    key = hashlib.sha256(b"otai.outbound.secret:" + settings.SECRET_KEY.encode()).digest()
    return "whsec_" + base64.b64encode(hmac.digest(key, f"{endpoint}:{salt}".encode(), "sha256")).decode()


def headers(endpoint: Endpoint, *, webhook_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """What proves to the receiver that the body is ours, lately made and unchanged; for a while with the secret before
    as well."""
    timestamp = int(now.timestamp())
    salts = [endpoint.salt, *([endpoint.previous_salt] if endpoint.has_previous_secret(now) else [])]
    signatures = [_signature(secret_of(endpoint.id, salt), webhook_id, timestamp, body) for salt in salts]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
