"""Checks that a webhook is the Studio's, unchanged and recent (Standard Webhooks)."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from otai.errors import NotAllowed

tolerance_seconds = 300


class InvalidWebhook(NotAllowed):
    """Not ours, changed on the way, or too old. Answer with a status of 400 and do nothing else."""

    code = "invalid_webhook"


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None) -> dict[str, Any]:
    """The message: `type`, `timestamp`, `data`. `body` is what came in, byte for byte; `secret` is the endpoint's,
    `whsec_...`.

    The same `webhook-id` may come twice: remember it, and do once what it causes. Raises InvalidWebhook.
    """
    lower_cased = {name.lower(): value for name, value in headers.items()}
    try:
        webhook_id, stamp, given = (lower_cased[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        timestamp = int(stamp)
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (KeyError, ValueError, binascii.Error):
        raise InvalidWebhook("headers") from None
    if abs((time.time() if now is None else now) - timestamp) > tolerance_seconds:
        raise InvalidWebhook("old")
    wanted = b"v1," + base64.b64encode(hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, "sha256"))
    signatures = given.encode(errors="replace").split(b" ")
    if not any(hmac.compare_digest(wanted, signature) for signature in signatures):
        raise InvalidWebhook("signature")
    message = json.loads(body)
    assert isinstance(message, dict)
    return message
