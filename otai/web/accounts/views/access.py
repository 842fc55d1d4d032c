"""Who signed in, from where, and what was refused."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from otai.db import utc_now
from otai.orgs import access_events
from otai.orgs.access_events import AccessKind
from otai.orgs.models import AccessEvent
from otai.orgs.permissions import Action
from otai.web.access import MemberRequest, page

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


_WAYS: dict[str, str | Promise] = {
    "password": _("by password"),
    "password mfa": _("by password and second factor"),
    "mfa": _("by passkey"),
}
_READ: dict[str, str | Promise] = {
    "accountant": _("A file for the accountant"),
    "balancedifference": _("Differences of the provider's balance"),
    "balancemove": _("Movements of the provider's balance"),
    "bankentry": _("Bank entries"),
    "chargeattempt": _("Charges"),
    "closedmonth": _("Closed months"),
    "coupon": _("Coupons"),
    "creditwatch": _("Low credits and top-up"),
    "custompackage": _("Own packages"),
    "event": _("Events"),
    "guarantee": _("Guarantees"),
    "hold": _("Held credits"),
    "invoice": _("Invoices"),
    "notice": _("Mails"),
    "operatorrequest": _("What waits for a second operator"),
    "organisation": _("Organisations"),
    "payment": _("Payments"),
    "paymentmethod": _("Payment methods"),
    "paymentrefund": _("Refunds"),
    "purchase": _("Orders"),
    "reversal": _("Payments taken back"),
    "subscription": _("Tiers"),
    "vatidcheck": _("Checks of VAT ids"),
    "vendorkey": _("Vendor keys"),
    "webhookevent": _("News of the provider"),
    "writeoff": _("Write-offs"),
}
"""The desk's tables, by the names that events keep of them."""


def about_words(event: AccessEvent) -> str:
    """What an event is about, in the reader's language: how somebody signed in, which table or row was read."""
    if event.what == AccessKind.SIGNED_IN:
        return str(_WAYS.get(event.about, event.about))
    if event.what == AccessKind.OPERATOR_READ:
        table, _space, row = event.about.removeprefix("list of ").partition(" ")
        if table in _READ:
            is_list = event.about.startswith("list of ")
            said = gettext("%(table)s, a list") if is_list else "%(table)s: %(row)s"
            return said % {"table": _READ[table], "row": row}
    return str(event.about)


@require_safe
@page(Action.READ_ACCESS)
def access(request: MemberRequest) -> HttpResponse:
    """The newest events, one kind of them if asked."""
    found = access_events.access_events(request.organisation)
    chosen = request.GET.get("what", "")
    if chosen in WORDS:
        found = found.filter(what=chosen)
    rows = [
        {"event": event, "words": WORDS.get(event.what, (event.what, "quiet", "info")), "about": about_words(event)}
        for event in found[:shown_at_once]
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
