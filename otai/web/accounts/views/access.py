"""Who signed in, from where, and what was refused."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from otai.db import utc_now
from otai.orgs import access_events
from otai.orgs.access_events import AccessKind, about_said
from otai.orgs.permissions import Action
from otai.web.access import MemberRequest, page
from otai.words.catalogue import ENGLISH

shown_at_once = 200

WORDS: dict[str, tuple[str | Promise, str, str]] = {
    AccessKind.SIGNED_IN: (_("Signed in"), "good", "check"),
    AccessKind.SIGN_IN_FAILED: (_("Wrong password"), "warning", "alert"),
    AccessKind.SIGN_IN_LOCKED: (_("Too many attempts, made to wait"), "bad", "ban"),
    AccessKind.SECOND_FACTOR_FAILED: (_("Wrong second factor"), "warning", "alert"),
    AccessKind.REFUSED: (_("Refused: not in their role or scopes"), "warning", "ban"),
    AccessKind.KEY_WRONG: (_("Key with a wrong end"), "warning", "key"),
    AccessKind.KEY_REVOKED: (_("Revoked key used"), "bad", "key"),
    AccessKind.KEY_EXPIRED: (_("Expired key used"), "warning", "key"),
    AccessKind.OPERATOR_READ: (_("Read by an operator of ours"), "quiet", "eye"),
    AccessKind.IMPERSONATION_BEGUN: (_("An operator of ours looks as a member"), "warning", "eye"),
    AccessKind.IMPERSONATION_ENDED: (_("The operator's look is over"), "quiet", "eye"),
}
"""Word, tone and icon of each."""


@require_safe
@page(Action.READ_ACCESS)
def access(request: MemberRequest) -> HttpResponse:
    """The newest events, one kind of them if asked."""
    events, language = access_events.access_events(request.organisation), get_language() or ENGLISH
    chosen = request.GET.get("what", "")
    if chosen in WORDS:
        events = events.filter(what=chosen)
    rows = [
        {
            "event": event,
            "words": WORDS.get(event.what, (event.what, "quiet", "info")),
            "about": about_said(event, language=language),
        }
        for event in events[:shown_at_once]
    ]
    context = {
        "rows": rows,
        "kinds": [(what, words[0]) for what, words in WORDS.items()],
        "chosen": chosen,
        "most": shown_at_once,
        "tab": "access",
    }
    return render(request, "accounts/access.html", context)


@require_safe
@page(Action.READ_ACCESS, downloads=True)
def access_lines(request: MemberRequest) -> StreamingHttpResponse:
    """All that is kept, as JSON lines."""
    found = access_events.access_events(request.organisation)
    lines = access_events.json_lines(found.iterator())
    response = StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8")
    day = utc_now().astimezone(request.organisation.zone).date()
    name = f"access-{request.organisation.slug}-{day}.jsonl"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
