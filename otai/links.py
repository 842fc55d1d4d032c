"""Links that leave this installation: in mails, in webhooks, in answers of the API."""

from __future__ import annotations

from django.conf import settings


def absolute(path: str) -> str:
    """`/acme/` as an address for anybody, `https://studio.example/acme/`: from `OTAI_BASE_URL`, never from a request's
    Host."""
    return f"{settings.OTAI_BASE_URL}{path}"
