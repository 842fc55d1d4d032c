"""How large the body of a request may be, by its path: the one table, for the front, for the pages and for the API."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings

page_bytes = 2 << 20
"""Of a page's form: a try-it text, a note."""

document_bytes = 2_621_440
"""Of a JSON document for the API."""

news_bytes = 512 << 10
"""Of a payment provider's news: its events are a few kilobytes."""

form_bytes = 64 << 10
"""What the form around a file adds to it."""

part_bytes = 16 << 20
"""Of one part of a file that arrives in parts: what a broken connection loses at most."""

PARTS = re.compile(r"/api/v1/uploads/[0-9a-f-]{36}")
"""The addresses that take a part of a file."""

UPLOADS = re.compile(r"/[^/]+/tickets/upload|/api/v1/data-sets(/preview)?|/api/v1/imports")
"""The addresses that take a file."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`is_upload`: a file, for members only. `needs_length`: a body that does not say its length is refused; a browser
    always says it, while a program may stream what it makes (`curl -T -`)."""

    most_bytes: int
    is_upload: bool = False
    needs_length: bool = False


def most_upload_bytes() -> int:
    """Of an uploaded file."""
    return int(settings.OTAI_UPLOAD_MOST_BYTES)


def bound_of(path: str) -> Bound:
    """How large a body may be that is sent to the path (in bytes), and whether its length must be said first."""
    is_api = path.startswith("/api/")
    if UPLOADS.fullmatch(path):
        return Bound(most_upload_bytes() + form_bytes, is_upload=True, needs_length=not is_api)
    if PARTS.fullmatch(path):
        return Bound(part_bytes, is_upload=True)
    if path.startswith("/webhooks/"):
        return Bound(news_bytes)
    return Bound(document_bytes) if is_api else Bound(page_bytes, needs_length=True)
