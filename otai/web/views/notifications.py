"""What a member is told: the news of the last weeks, what they choose to hear and how, and the end of mails by a
link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs.permissions import Action
from otai.orgs.unsubscribing import unsubscribing
from otai.outbound import notifications as rules
from otai.outbound import operations, queries
from otai.outbound.models import MailTiming, Notification, NotificationKind
from otai.units import MAX_CREDITS
from otai.web.access import MemberRequest, page
from otai.web.refusals import in_words
from otai.words import news
from otai.words.catalogue import ENGLISH

shown_at_once = 50
MAILS = (
    (MailTiming.AT_ONCE, gettext_lazy("At once")),
    (MailTiming.DAILY, gettext_lazy("In the daily mail")),
    (MailTiming.OFF, gettext_lazy("No mail")),
)


class ChoiceForm(forms.Form):
    """One kind: how it is told; of a colleague's order also from where on."""

    mail = forms.ChoiceField(choices=MAILS, label=gettext_lazy("Mail"))
    in_browser = forms.BooleanField(required=False, label=gettext_lazy("In the browser"))
    above_credits = forms.IntegerField(
        required=False, min_value=0, max_value=MAX_CREDITS, label=gettext_lazy("More credits than")
    )

    def __init__(self, chosen: rules.ChosenNotification, data: Any = None) -> None:
        initial = {name: getattr(chosen, name) for name in ("mail", "in_browser", "above_credits")}
        super().__init__(data, prefix=chosen.kind.value, initial=initial)
        self.kind = chosen.kind
        self.named = news.kind(chosen.kind.value, language=get_language() or ENGLISH)
        if chosen.kind != NotificationKind.ORDER_ABOVE_LIMIT:
            del self.fields["above_credits"]


@require_safe
@page(Action.VIEW)
def notifications(request: MemberRequest) -> HttpResponse:
    """The member's news, the newest first, and a form for what they hear."""
    return _shown(request, _forms(request))


@require_POST
@page(Action.VIEW)
def choose_notifications(request: MemberRequest) -> HttpResponse:
    """Keeps what the form says of each kind."""
    filled = _forms(request, request.POST)
    if not all(form.is_valid() for form in filled):
        return _shown(request, filled, status=422)
    for form in filled:
        given = {name: value for name, value in form.cleaned_data.items() if value is not None}
        try:
            operations.choose(member=request.member, kind=form.kind.value, now=utc_now(), **given)
        except OtaiError as refused:
            form.add_error(None, in_words(refused))
            return _shown(request, filled, status=422)
    messages.success(request, _("Saved."))
    return redirect("web:notifications", slug=request.organisation.slug)


def _forms(request: MemberRequest, data: Any = None) -> list[ChoiceForm]:
    chosen = rules.choices_of([request.member])[request.member.id]
    return [ChoiceForm(one, data) for one in chosen.values()]


def _shown(request: MemberRequest, choices: list[ChoiceForm], *, status: int = 200) -> HttpResponse:
    context = {
        "told": [told(one) for one in queries.notifications(request.member)[:shown_at_once]],
        "choices": choices,
        "mail_is_on": rules.mail_is_on(),
        "address": request.member.user.email,
        "digest_at": rules.digest_at,
    }
    return render(request, "web/notifications/list.html", context, status=status)


def told(one: Notification) -> dict[str, Any]:
    """A notification as pages and browsers show it: `id`, `title`, `page`, and `at`, when it happened."""
    event, data = one.message.event, one.message.payload["data"]
    title = news.title(event, data, language=get_language() or ENGLISH)
    return {"id": str(one.id), "title": title, "page": rules.page_of(one.message), "at": one.message.happened_at}


@require_safe
@page(Action.VIEW)
def fresh_notifications(request: MemberRequest) -> HttpResponse:
    """What came since `after`, as JSON for the script that shows it in the browser; without it only where to go on."""
    wanted = queries.notifications(request.member).filter(in_browser=True)
    newest = wanted.first()
    try:
        after = UUID(request.GET["after"]) if request.GET.get("after") else None
    except ValueError:
        raise Http404 from None
    found = list(wanted.filter(id__gt=after).order_by("id")[:10]) if after else []
    last = str(found[-1].id) if found else str(after or (newest.id if newest else UUID(int=0)))
    items = [{name: value for name, value in told(one).items() if name != "at"} for one in found]
    return JsonResponse({"items": items, "last": last})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a mail, signed: one button ends mails of its kind, and so does the mail program's own (a POST, RFC
    8058). Looking at it changes nothing: programs that look for viruses follow links."""
    found = unsubscribing(token)
    if found is None:
        return render(request, "web/notifications/unsubscribe.html", {"unknown": True}, status=404)
    member, what = found
    if request.method == "POST":
        operations.unsubscribe(member=member, what=what, now=utc_now())
    kind = news.kind(what, language=get_language() or ENGLISH)
    context = {"kind": kind, "organisation": member.organisation, "done": request.method == "POST"}
    return render(request, "web/notifications/unsubscribe.html", context)
