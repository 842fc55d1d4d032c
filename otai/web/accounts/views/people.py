"""A person's own pages: profile, organisations, and joining one by a link."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs import queries
from otai.orgs.models import User
from otai.orgs.operations import (
    InvalidOrganisation,
    InvitationForAnother,
    InvitationOver,
    InvitationUnconfirmed,
    InvitationUnknown,
    TooManyOrganisations,
    accept_invitation,
    accept_own_invitation,
    open_invitation,
    set_language,
)
from otai.orgs.permissions import Action, Role
from otai.web.access import MemberRequest, page, signed_in
from otai.web.accounts.forms import ROLE_WORDS, NewOrganisationForm, ProfileForm
from otai.web.accounts.invitation_links import INVITATION, token_of
from otai.web.accounts.sign_up import is_confirmed, sign_up_organisation
from otai.web.middleware import status_of
from otai.web.refusals import in_words


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.VIEW)
def profile(request: MemberRequest) -> HttpResponse:
    """A person's own name and language."""
    user = request.user
    form = ProfileForm(
        request.POST if request.method == "POST" else None,
        initial={"name": user.get_full_name(), "language": user.language or request.LANGUAGE_CODE},
    )
    if request.method == "POST" and form.is_valid():
        user.first_name, user.last_name = form.cleaned_data["name"], ""
        user.save(update_fields=["first_name", "last_name"])
        language = form.cleaned_data["language"]
        set_language(user=user, language=language)
        with override(language):
            messages.success(request, _("Saved."))
        response = redirect("web:profile", slug=request.organisation.slug)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        return response
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    context = {
        "form": form,
        "role": ROLE_WORDS[Role(request.member.role)],
        "has_app": Authenticator.Type.TOTP in kinds,
        "passkeys": kinds.count(Authenticator.Type.WEBAUTHN),
        "others": [other for other in queries.memberships(user) if other.organisation_id != request.organisation.id],
    }
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def organisations(request: HttpRequest) -> HttpResponse:
    """The organisations of a person, and a new one. Whoever is in none lands here."""
    user = cast(User, request.user)
    form = NewOrganisationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            member = sign_up_organisation(
                user=user,
                name=form.cleaned_data["organisation"],
                time_zone=form.cleaned_data["time_zone"] or "UTC",
                now=utc_now(),
            )
        except (InvalidOrganisation, TooManyOrganisations) as wrong:
            form.add_error("organisation", in_words(wrong))
        else:
            return redirect("web:home", slug=member.organisation.slug)
    context = {
        "form": form,
        "invitations": [
            {"invitation": invitation, "role": ROLE_WORDS[Role(invitation.role)][0]}
            for invitation in (queries.invitations_of(user, now=utc_now()) if is_confirmed(user) else [])
        ],
        "members": [
            {"member": member, "role": ROLE_WORDS[Role(member.role)][0]} for member in queries.memberships(user)
        ],
    }
    return render(request, "accounts/organisations.html", context, status=422 if form.errors else 200)


REFUSALS = (InvitationUnknown, InvitationOver, InvitationForAnother, InvitationUnconfirmed)


@require_POST
@signed_in
def join_invited(request: HttpRequest, invitation: UUID) -> HttpResponse:
    """Joins by an invitation to the confirmed address, without its link."""
    user = cast(User, request.user)
    try:
        member = accept_own_invitation(invitation=invitation, user=user, now=utc_now(), is_confirmed=is_confirmed(user))
    except REFUSALS as refused:
        return _cannot_join(request, refused)
    request.session.pop(INVITATION, None)
    messages.success(request, _("Welcome to %(organisation)s.") % {"organisation": member.organisation.name})
    return redirect("web:home", slug=member.organisation.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation. Looking at it changes nothing; signed in as who it is for, one button joins."""
    user = request.user
    now = utc_now()
    link, token = token, token_of(token)
    if request.method == "POST" and user.is_authenticated:
        try:
            member = accept_invitation(token=token, user=user, now=now, is_confirmed=is_confirmed(user))
        except REFUSALS as refused:
            return _cannot_join(request, refused)
        request.session.pop(INVITATION, None)
        messages.success(request, _("Welcome to %(organisation)s.") % {"organisation": member.organisation.name})
        return redirect("web:home", slug=member.organisation.slug)
    try:
        invitation = open_invitation(token, now=now)
    except (InvitationUnknown, InvitationOver) as refused:
        return _cannot_join(request, refused)
    if not user.is_authenticated:
        # So that signing up, on the next page, knows what it is for.
        request.session[INVITATION] = link
    context = {
        "invitation": invitation,
        "role": ROLE_WORDS[Role(invitation.role)],
        "is_for_me": user.is_authenticated and user.email.lower() == invitation.email,
    }
    return render(request, "accounts/join.html", context)


def _cannot_join(request: HttpRequest, refused: OtaiError) -> HttpResponse:
    return render(request, "accounts/cannot_join.html", {"why": in_words(refused)}, status=status_of(refused))
