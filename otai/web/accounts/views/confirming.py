"""Between signing up and the confirmed address: the browser that signed up waits here."""

from __future__ import annotations

from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.stages import EmailVerificationStage, LoginStage, LoginStageController
from allauth.account.utils import has_verified_email
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def look_into_your_mail(request: HttpRequest) -> HttpResponseBase:
    """Says where the mail went, sends it again, and goes on once the address is confirmed, wherever that was.

    An address that has an account already is answered in the same way, so that nobody learns of it here.
    """
    if request.user.is_authenticated:
        return redirect("web:front_door")
    stage = LoginStageController.enter(request, EmailVerificationStage.key)
    if request.method == "POST":
        return _pressed(request, stage)
    return render(request, "account/verification_sent.html", {"address": _address(stage), "waits": stage is not None})


def _pressed(request: HttpRequest, stage: LoginStage | None) -> HttpResponseBase:
    here = redirect("account_email_verification_sent")
    if stage is None:
        messages.info(request, _("You signed up a while ago: sign in, and we send you a link if one is needed."))
        return redirect("account_login")
    login = stage.login
    if login.user is not None and has_verified_email(login.user, login.email):
        answer: HttpResponse = stage.exit()
        return answer
    if "again" not in request.POST:
        messages.error(request, _("Your address is not confirmed yet. Open the link in our mail first."))
    elif not send_verification_email_at_login(request, login):
        messages.error(request, _("We sent the mail a short while ago. Wait three minutes before we send it again."))
    return here


def _address(stage: LoginStage | None) -> str:
    if stage is None:
        return ""
    return str(stage.login.email or getattr(stage.login.user, "email", ""))
