"""The team: who is in, in which role, who is invited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otai.db import utc_now
from otai.errors import OtaiError
from otai.links import absolute
from otai.orgs import operations, queries, quotas
from otai.orgs.models import Organisation, TeamEvent
from otai.orgs.permissions import Action, Role
from otai.orgs.quotas import Quota
from otai.runs.approval import RULE_CHANGED
from otai.runs.spending import LIMIT_CHANGED
from otai.web import once, shown_once
from otai.web.access import MemberRequest, page
from otai.web.accounts.forms import ROLE_WORDS, InviteForm, OrganisationForm, RoleForm, role_choices
from otai.web.accounts.invitation_links import link_of_the_mail
from otai.web.accounts.mail import send_invitation
from otai.web.formats import number, size
from otai.web.lists import first_of
from otai.web.refusals import in_words
from otai.web.words import change_words, who_words


@require_safe
@page(Action.VIEW)
def team(request: MemberRequest) -> HttpResponse:
    """Who is in the team and who was invited."""
    made = shown_once.take(request, _shown(request)) or {}
    return _team_page(request, InviteForm(), made=made, link=made.get("link"), sent=made.get("sent"))


def _team_page(request: MemberRequest, form: InviteForm, *, status: int = 200, **more: Any) -> HttpResponse:
    members = list(queries.members(request.organisation))
    owners = sum(member.role == Role.OWNER for member in members)
    context = {
        "rows": [
            {
                "member": member,
                "key": str(member.id),
                "role": ROLE_WORDS[Role(member.role)][0],
                "is_me": member.user_id == request.user.pk,
                "is_last_owner": owners == 1 and member.role == Role.OWNER,
            }
            for member in members
        ],
        "invitations": [
            {"invitation": invitation, "role": ROLE_WORDS[Role(invitation.role)][0]}
            for invitation in queries.open_invitations(request.organisation, now=utc_now())
        ],
        "role_words": ROLE_WORDS.values(),
        "role_choices": role_choices(),
        "form": form,
        "may_manage": request.member.may(Action.MANAGE_TEAM),
        "tab": "members",
        "once": once.token(),
        **more,
    }
    return render(request, "accounts/team.html", context, status=status)


@require_POST
@page(Action.MANAGE_TEAM, asks_again=True)
def invite(request: MemberRequest) -> HttpResponse:
    """Invites somebody by mail; the link is shown as well."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _team_page(request, form, status=422)
    if not ratelimit.consume(request, action="invite", user=request.user):
        return ratelimit.respond_429(request)
    try:
        made = operations.invite(
            organisation=request.organisation,
            email=form.cleaned_data["email"],
            role=form.cleaned_data["role"],
            who=request.user.email,
            now=utc_now(),
            id=once.id_of(request, form.cleaned_data),
        )
    except OtaiError as refused:
        form.add_error("email", in_words(refused))
        return _team_page(request, form, status=409)
    if not made.token:
        once.lead_to_first(request, _shown(request), made_at=made.invitation.invited_at)
        return redirect("web:team", slug=request.organisation.slug)
    link = absolute(reverse("web:join", args=[made.token]))
    mailed = absolute(reverse("web:join", args=[link_of_the_mail(made.token)]))
    sent = send_invitation(made, link=mailed, inviter=request.user)
    shown_once.keep(
        request, _shown(request), {"email": made.invitation.email, "link": link, "sent": "yes" if sent else ""}
    )
    return redirect("web:team", slug=request.organisation.slug)


def _shown(request: MemberRequest) -> str:
    return f"invitation of {request.organisation.pk}"


@require_POST
@page(Action.MANAGE_TEAM)
def withdraw(request: MemberRequest, invitation: UUID) -> HttpResponse:
    """Takes an invitation back."""
    operations.withdraw_invitation(
        organisation=request.organisation, invitation=invitation, who=request.user.email, now=utc_now()
    )
    messages.success(request, _("The invitation is withdrawn. Its link opens nothing any more."))
    return redirect("web:team", slug=request.organisation.slug)


@require_POST
@page(Action.MANAGE_TEAM, asks_again=True)
def change_role(request: MemberRequest, member: UUID) -> HttpResponse:
    """Gives a member another role; the last owner stays one."""
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            changed = operations.change_role(
                organisation=request.organisation,
                member=member,
                role=form.cleaned_data["role"],
                who=request.user.email,
                now=utc_now(),
            )
        except operations.LastOwner as refused:
            messages.error(request, in_words(refused))
        else:
            messages.success(
                request,
                _("%(person)s is now: %(role)s.")
                % {"person": changed.user.email, "role": ROLE_WORDS[Role(changed.role)][0]},
            )
    return redirect("web:team", slug=request.organisation.slug)


@require_POST
@page(Action.MANAGE_TEAM, asks_again=True)
def remove(request: MemberRequest, member: UUID) -> HttpResponse:
    """Takes a member out of the team; the last owner stays."""
    leaving = queries.member_with_id(request.organisation, member)
    try:
        keys = operations.remove_member(
            organisation=request.organisation, member=member, who=request.user.email, now=utc_now()
        )
    except operations.LastOwner as refused:
        messages.error(request, in_words(refused))
    else:
        messages.success(request, _("%(person)s is not in the team any more.") % {"person": leaving.user.email})
        if keys:
            messages.warning(
                request,
                _(
                    "Keys that %(person)s made go on working, and %(person)s may know them: %(keys)s. "
                    "Revoke what you do not trust."
                )
                % {"person": leaving.user.email, "keys": ", ".join(keys)},
            )
        if leaving.user_id == request.user.pk:
            return redirect("web:front_door")
    return redirect("web:team", slug=request.organisation.slug)


@require_POST
@page(Action.VIEW)
def leave(request: MemberRequest) -> HttpResponse:
    """Everybody may go, except the only owner."""
    try:
        operations.remove_member(
            organisation=request.organisation, member=request.member.id, who=request.user.email, now=utc_now()
        )
    except operations.LastOwner as refused:
        messages.error(request, in_words(refused))
        return redirect("web:profile", slug=request.organisation.slug)
    messages.success(
        request, _("You are not in %(organisation)s any more.") % {"organisation": request.organisation.name}
    )
    return redirect("web:front_door")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.MANAGE_ORGANISATION)
def organisation(request: MemberRequest) -> HttpResponse:
    """The organisation's name and time zone."""
    form = OrganisationForm(
        request.POST or None, initial={"name": request.organisation.name, "time_zone": request.organisation.time_zone}
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.change_organisation(
                organisation=request.organisation, who=request.user.email, now=utc_now(), **form.cleaned_data
            )
        except operations.InvalidOrganisation as wrong:
            form.add_error(wrong.details.get("field"), in_words(wrong))
        else:
            messages.success(request, _("Saved."))
            return redirect("web:organisation", slug=request.organisation.slug)
    people = [member.user for member in queries.members(request.organisation)]
    events, all_events = first_of(queries.team_events(request.organisation), 50)
    context = {
        "form": form,
        "tab": "organisation",
        "people": len(people),
        "protected": len(queries.with_second_factor(people)),
        "quotas": quotas_shown(request.organisation),
        "events": [_in_words(event) for event in events],
        "all_events": all_events,
    }
    return render(request, "accounts/organisation.html", context, status=422 if form.errors else 200)


@require_POST
@page(Action.MANAGE_ORGANISATION, asks_again=True)
def second_factor(request: MemberRequest) -> HttpResponse:
    """Whether everybody here needs a second factor. Who asks for it has one."""
    asked = request.POST.get("asked") == "yes"
    if asked and not queries.with_second_factor([request.user]):
        messages.warning(request, _("Set up your own second factor first: you would shut yourself out."))
        return redirect("mfa_index")
    operations.ask_second_factor(organisation=request.organisation, asked=asked, who=request.user.email, now=utc_now())
    messages.success(
        request,
        _("Everybody here needs a second factor now.") if asked else _("Nobody here needs a second factor any more."),
    )
    return redirect("web:organisation", slug=request.organisation.slug)


QUOTA_NAMES: dict[Quota, str | Promise] = {
    Quota.STORAGE: gettext_lazy("Data sets and models, stored"),
    Quota.DATA_SETS: gettext_lazy("Data sets"),
    Quota.WAITING_UPLOADS: gettext_lazy("Uploads that wait for their columns"),
    Quota.OPEN_QUOTES: gettext_lazy("Open quotes"),
    Quota.IMPORTS: gettext_lazy("Imports at once"),
    Quota.STREAMS: gettext_lazy("Live streams"),
    Quota.REQUESTS: gettext_lazy("API requests in this minute"),
}


def quotas_shown(organisation: Organisation) -> list[dict[str, Any]]:
    """How much there may be of each, and how much there is, as the reader's language writes it."""

    def said(quota: Quota, amount: int | None) -> str | None:
        if amount is None:
            return None
        return size(amount) if quota is Quota.STORAGE else number(amount)

    return [
        {
            "name": QUOTA_NAMES[quota],
            "used": said(quota, quotas.used(organisation.id, quota)),
            "most": said(quota, bound.most),
            "is_lifted": bound.is_lifted,
        }
        for quota, bound in quotas.bounds(organisation.id).items()
    ]


WENT: dict[str, str | Promise] = {
    "tickets": gettext_lazy("Tickets"),
    "feedback": gettext_lazy("pieces of feedback"),
    "logs": gettext_lazy("logs"),
    "webhook_messages": gettext_lazy("webhook messages"),
    "team_events": gettext_lazy("events"),
    "access_events": gettext_lazy("sign-ins and refusals"),
    "uploads": gettext_lazy("files that waited"),
}
"""What a round of retention deletes, by the name under which its event counts it."""


def _in_words(event: TeamEvent) -> dict[str, Any]:
    if event.what in (LIMIT_CHANGED, RULE_CHANGED):
        return {"at": event.at, "who": event.who, "words": change_words(event)}
    role = ROLE_WORDS[Role(event.details["role"])][0] if event.details.get("role") in tuple(Role) else ""
    words = {
        "member_joined": _("%(subject)s joined: %(role)s"),
        "member_removed": _("%(subject)s left or was removed"),
        "role_changed": _("%(subject)s: now %(role)s"),
        "invited": _("%(subject)s invited: %(role)s"),
        "invitation_withdrawn": _("Invitation of %(subject)s withdrawn"),
        "key_created": _("Key %(subject)s made"),
        "key_revoked": _("Key %(subject)s revoked"),
        "second_factor_asked": _("Everybody needs a second factor"),
        "second_factor_not_asked": _("Nobody needs a second factor any more"),
        "person_erased": _("%(subject)s erased the account"),
        "closing_asked": _("Deletion of the organisation asked for"),
        "closing_taken_back": _("Deletion of the organisation taken back"),
        "organisation_imported": _("Imported from another installation"),
        "export_asked": _("Export asked for"),
        "export_ready": _("Export ready"),
        "export_downloaded": _("Export downloaded"),
        "retention_set": _("How long data is kept was set"),
        "retention_deleted": _("Deleted, since its time was over: %(went)s"),
        "organisation_changed": _("Name or time zone changed"),
        quotas.LIFTED: _("Bound set by us: %(subject)s"),
        "helpdesk_connected": _("Helpdesk %(subject)s connected"),
        "helpdesk_changed": _("Helpdesk %(subject)s changed"),
        "helpdesk_disconnected": _("Helpdesk %(subject)s disconnected"),
        "webhook_created": _("Webhook %(subject)s made"),
        "webhook_changed": _("Webhook %(subject)s changed"),
        "webhook_secret_rotated": _("Webhook %(subject)s has a new secret"),
        "webhook_deleted": _("Webhook %(subject)s deleted"),
        "webhook_disabled": _("Webhook %(subject)s turned off: it took nothing for days"),
    }
    # An event of a release to come, which has no words here yet, is shown by its code, never as an error.
    said = words.get(event.what, f"{event.what}: %(subject)s")
    went = (
        ", ".join(f"{number(count)} {WENT.get(name, name)}" for name, count in sorted(event.details.items()))
        if event.what == "retention_deleted"
        else ""
    )
    subject = who_words(event.subject)
    return {"at": event.at, "who": event.who, "words": said % {"subject": subject, "role": role, "went": went}}
