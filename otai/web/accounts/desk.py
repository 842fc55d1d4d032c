"""The way into the operator's desk: the page where everybody signs in, with its limits, and a second factor where that
is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.utils import is_mfa_enabled
from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _

from otai.db import utc_now
from otai.orgs.sessions import is_recent
from otai.web.access import PageView, come_back_to


def open_our_tables() -> None:
    """The tables of our rooms, and no other's: those of allauth and Django offer to change mail addresses, second
    factors and sessions past our rules, and nobody would be told."""
    for installed in apps.get_app_configs():
        if installed.name.startswith("otai.") and module_has_submodule(installed.module, "admin"):
            import_module(f"{installed.name}.admin")


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether this person must set up a second factor before the desk opens."""
    return settings.OTAI_DESK_SECOND_FACTOR and not is_mfa_enabled(request.user)


def ask_again_before_it_is_done() -> None:
    """Whoever signed in a while ago says who they are once more before anything is done at the desk; the form is then
    done as it was sent, but for files, which are sent anew. Reading and signing out ask for nothing."""
    opened: Callable[..., PageView] = admin.site.admin_view

    def admin_view(view: PageView, cacheable: bool = False) -> PageView:
        @wraps(view)
        def asked(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
            is_done = request.method not in ("GET", "HEAD") and request.path != reverse("admin:logout")
            if is_done and not is_recent(request, now=utc_now()):
                # allauth's middleware keeps what was sent, asks, and does it then.
                raise ReauthenticationRequired
            return view(request, *args, **named)

        return opened(asked, cacheable)

    admin.site.admin_view = admin_view  # type: ignore[method-assign, assignment]


def close_the_side_door() -> None:
    """Django's own sign-in of the desk counts no attempts and knows no second factor."""
    may_enter = admin.site.has_permission
    sign_in = secure_admin_login(admin.site.login)

    def has_permission(request: HttpRequest) -> bool:
        return may_enter(request) and not lacks_second_factor(request)

    def login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        if may_enter(request) and lacks_second_factor(request):
            messages.warning(request, _("The desk asks for a second factor: set one up, then come back."))
            come_back_to(request, request.GET.get("next") or reverse("admin:index"))
            return redirect("mfa_index")
        response: HttpResponseBase = sign_in(request, extra_context)
        return response

    admin.site.has_permission = has_permission  # type: ignore[method-assign]
    admin.site.login = login  # type: ignore[assignment]
