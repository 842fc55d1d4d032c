"""API keys: made, shown once, revoked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs import operations, queries
from otai.orgs.permissions import Action, Scope
from otai.web import once, shown_once
from otai.web.access import MemberRequest, page
from otai.web.accounts.forms import SCOPE_WORDS, ApiKeyForm
from otai.web.refusals import in_words


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.MANAGE_KEYS, asks_again=True)
def keys(request: MemberRequest) -> HttpResponse:
    """The organisation's API keys, and a form for another, which is shown once."""
    now = utc_now()
    form = ApiKeyForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            lifetime = form.lifetime
            try:
                made = operations.create_api_key(
                    organisation=request.organisation,
                    name=form.cleaned_data["name"],
                    scopes=form.cleaned_data["scopes"],
                    who=request.user.email,
                    now=now,
                    expires_at=now + lifetime if lifetime else None,
                    id=once.id_of(request, form.cleaned_data),
                )
            except OtaiError as refused:
                form.add_error(None, in_words(refused))
                status = 409
            else:
                if made.secret:
                    shown_once.keep(request, _shown(request), {"name": made.key.name, "secret": made.secret})
                else:
                    once.lead_to_first(request, _shown(request), made_at=made.key.created_at)
                return redirect("web:keys", slug=request.organisation.slug)
        else:
            status = 422
    rows: list[dict[str, Any]] = [
        {
            "key": key,
            "id": str(key.id),
            "scopes": [SCOPE_WORDS[Scope(scope)] for scope in key.scopes if scope in tuple(Scope)],
            "usable": key.is_usable(now),
        }
        for key in queries.api_keys(request.organisation)[:200]
    ]
    shown = shown_once.take(request, _shown(request)) if request.method != "POST" else None
    return render(
        request,
        "accounts/keys.html",
        {"rows": rows, "form": form, "made": shown, "tab": "keys", "once": once.token()},
        status=status,
    )


def _shown(request: MemberRequest) -> str:
    return f"key of {request.organisation.pk}"


@require_POST
@page(Action.MANAGE_KEYS)
def revoke(request: MemberRequest, key: UUID) -> HttpResponse:
    """Revokes a key; programs that use it are refused from then on."""
    revoked = operations.revoke_api_key(
        organisation=request.organisation, key=key, who=request.user.email, now=utc_now()
    )
    messages.success(
        request,
        _("The key %(name)s is revoked. Programs that use it are refused from now on.") % {"name": revoked.name},
    )
    return redirect("web:keys", slug=request.organisation.slug)
