"""Finding: anything of the organisation by its name, as a page and as what Ctrl-K opens; and the keys there are."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from otai.orgs.permissions import Action
from otai.web.access import MemberRequest, local_path, page
from otai.web.find import Seeker, find, longest_asked
from otai.web.frame import KEYS_COOKIE, PageFrame
from otai.web.middleware import is_part
from otai.web.views.front import year_in_seconds
from otai.web.views.handbook import is_operator
from otai.words.catalogue import ENGLISH


@require_safe
@page(Action.VIEW, costs=True)
def find_page(request: MemberRequest) -> HttpResponse:
    """What goes by the words in `?q=`; for htmx the list alone, and with `?panel` what the panel begins with."""
    asked = request.GET.get("q", "").strip()[:longest_asked]
    seeker = Seeker(
        organisation=request.organisation,
        language=get_language() or ENGLISH,
        operator=is_operator(request),
        may_open=PageFrame(request).may_open,
    )
    context = {"asked": asked, "kinds": find(asked, seeker)}
    if not is_part(request):
        return render(request, "web/find/page.html", context)
    return render(request, "web/find/panel.html" if "panel" in request.GET else "web/find/found.html", context)


@require_safe
@page(Action.VIEW)
def shortcuts(request: MemberRequest) -> HttpResponse:
    """The keys there are, and the switch that turns those of one letter off."""
    return render(request, "web/find/keys_panel.html" if is_part(request) else "web/find/keys.html")


@require_POST
def switch_keys(request: HttpRequest) -> HttpResponse:
    """Keys of one letter on or off in this browser, kept in a cookie as the theme is."""
    response = HttpResponseRedirect(local_path(request, request.POST.get("next", ""), otherwise="/"))
    response.set_cookie(
        KEYS_COOKIE,
        "off" if request.POST.get("keys") == "off" else "on",
        max_age=year_in_seconds,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response
