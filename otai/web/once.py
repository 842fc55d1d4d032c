"""Forms that make something, sent more than once: by a double click, or from a page that was sent again.

The page carries a token of its own, and what is made gets an id that the token and the words of the form decide: the
same form sent again names the same id, and the room that makes it finds it there. The same page with other words makes
another.
"""

from __future__ import annotations

import hashlib
import json
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.utils.translation import gettext as _

from otai.db import new_id, utc_now
from otai.web import shown_once
from otai.web.access import MemberRequest

waits_seconds = 3
"""For the first of several requests at once, whose secret the others lead to."""


def token() -> str:
    """For the hidden field `once`."""
    return str(new_id())


def id_of(request: MemberRequest, *said: Any) -> UUID | None:
    """What the form makes. None where it brought no token: then each sending makes something."""
    try:
        brought = UUID(request.POST.get("once", ""))
    except ValueError:
        return None
    words = json.dumps(
        [str(request.organisation.pk), str(request.user.pk), brought.hex, request.path, *said], default=str
    )
    # A UUIDv7 as all ids: the time of the token, and the hash in place of chance.
    chance = int.from_bytes(hashlib.sha256(words.encode()).digest()[:16]) & ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=(brought.int >> 80 << 80) | (chance & ((1 << 80) - 1)) | (7 << 76) | (2 << 62))


def lead_to_first(request: MemberRequest, what: str, *, made_at: datetime) -> None:
    """The form had done its work: the page that is redirected to shows the first one's secret, once, or says that it
    was shown."""
    until = time.monotonic() + waits_seconds
    while utc_now() - made_at < timedelta(seconds=shown_once.waits_seconds):
        if shown_once.waits(request, what):
            return
        if time.monotonic() > until or utc_now() - made_at > timedelta(seconds=2 * waits_seconds):
            break
        time.sleep(0.1)
    messages.info(request, _("This form was sent before, and did its work then. Nothing was made a second time."))
