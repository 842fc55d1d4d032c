"""Signed-out forms keep what was typed: where a form was open too long, cookies went, or too many came, it comes back
filled in. Secrets are typed anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure

TYPED = "typed"
FORMS = frozenset(
    {
        *("account_login", "account_signup", "account_reset_password", "account_reset_password_from_key"),
        *("account_email_verification_sent", "account_confirm_email", "mfa_authenticate", "web:join"),
    }
)
"""Pages with a form for who is not signed in; each shows its form when it is asked for."""
SECRET = re.compile(r"password|credential|code|token|csrf|invited_by|terms", re.I)
longest = 300


def forged_or_too_old(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Django's view where a form's token is missing or not ours: nothing was done. The form comes back with what was
    typed, except where it is a signed-in one."""
    shown = _shown_again(
        request, 403, _("This form was open for too long, or cookies are off. Nothing was done: send it once more.")
    )
    return shown or csrf_failure(request, reason=reason)


def too_many(request: HttpRequest) -> HttpResponseBase:
    """allauth's view where one came too often: the form comes back, with what was typed."""
    said = _("Too many attempts. Wait a few minutes, then send it once more.")
    return _shown_again(request, 429, said) or render(request, "429.html", status=429)


def keep_typed(request: HttpRequest, typed: Mapping[str, Any]) -> None:
    """For the form on the page that is redirected to."""
    request.session[TYPED] = _harmless(typed)


def put_back(request: HttpRequest, form: BaseForm) -> None:
    """What was typed before, into a form that is shown anew."""
    if form.is_bound:
        return
    kept = request.session.pop(TYPED, None) if TYPED in request.session else None
    typed = getattr(request, TYPED, None) or kept or {}
    form.initial = {**form.initial, **{name: value for name, value in typed.items() if name in form.fields}}


def _shown_again(request: HttpRequest, status: int, said: str) -> HttpResponseBase | None:
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return None
    if match.view_name not in FORMS or request.user.is_authenticated or request.method != "POST":
        return None
    setattr(request, TYPED, _harmless(request.POST))
    messages.error(request, said)
    request.method = "GET"
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    if isinstance(response, HttpResponse) and hasattr(response, "render"):
        response = response.render()
    if response.status_code == 200:
        response.status_code = status
    return response


def _harmless(typed: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value)[:longest] for name, value in typed.items() if not SECRET.search(name)}
