"""Invitations: a link for one mail address, good for a week, used once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from otai.db import new_id, one_transaction
from otai.errors import Invalid, NotAllowed, NotFound, Refused
from otai.orgs.models import Invitation, Member, Organisation, User
from otai.orgs.operations.members import AlreadyMember, add_member, checked_role, record
from otai.orgs.permissions import Role

invitation_lasts = timedelta(days=7)
most_open_invitations = 50
"""For one organisation. Each is a mail to an address that somebody typed: more would make us a sender of unwanted
mail."""
most_in_a_day = 100
most_to_one_in_a_day = 5
"""Withdrawn ones, and those in whose place a new one came, are mails, too."""


class InvalidInvitation(Invalid):
    code = "invalid_invitation"


class TooManyInvitations(Refused):
    code = "too_many_invitations"


class InvitationUnknown(NotFound):
    code = "invitation_unknown"


class InvitationOver(Refused):
    code = "invitation_over"


class InvitationForAnother(NotAllowed):
    code = "invitation_for_another"


class InvitationUnconfirmed(NotAllowed):
    code = "invitation_unconfirmed"


@dataclass(frozen=True, slots=True)
class InvitationMade:
    """`token` belongs into the link and nowhere else: it is not kept."""

    invitation: Invitation
    token: str


@one_transaction
def invite(
    *, organisation: Organisation, email: str, role: Role | str, who: str, now: datetime, id: UUID | None = None
) -> InvitationMade:
    """An invitation with a new link; an open one for the same address ends, so that the newest mail is the one that
    works.

    `id`: named by a form that may be sent twice; where that invitation is there already, nothing changes and `token` is
    empty. Raises InvalidInvitation (no mail address), RoleUnknown, AlreadyMember, TooManyInvitations.
    """
    role = checked_role(role)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidInvitation("email", email=email, field="email") from None
    if len(email) > 254:
        raise InvalidInvitation("long", field="email")
    token = secrets.token_urlsafe(32)
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    if id is not None and (made := Invitation.objects.filter(organisation=organisation, id=id).first()) is not None:
        return InvitationMade(made, "")
    if Member.objects.filter(organisation=organisation, user__email__iexact=email).exists():
        raise AlreadyMember("member", organisation=organisation.name, email=email)
    _require_few_today(organisation, email, now=now)
    is_open = Invitation.objects.filter(organisation=organisation, accepted_at__isnull=True, withdrawn_at__isnull=True)
    is_open.filter(email=email).update(withdrawn_at=now)
    waiting = is_open.filter(expires_at__gt=now).count()
    if waiting >= most_open_invitations:
        raise TooManyInvitations("open", waiting=waiting)
    invitation = Invitation.objects.create(
        id=id or new_id(),
        organisation=organisation,
        email=email,
        role=role.value,
        token_sha256=_sha256(token),
        invited_by=who[:200],
        invited_at=now,
        expires_at=now + invitation_lasts,
    )
    record(organisation, who=who, what="invited", subject=email, now=now, role=role.value)
    return InvitationMade(invitation, token)


def _require_few_today(organisation: Organisation, email: str, *, now: datetime) -> None:
    today = Invitation.objects.filter(organisation=organisation, invited_at__gt=now - timedelta(days=1))
    if today.filter(email=email).count() >= most_to_one_in_a_day:
        raise TooManyInvitations("address", most=most_to_one_in_a_day, email=email)
    if today.count() >= most_in_a_day:
        raise TooManyInvitations("day", most=most_in_a_day)


@one_transaction
def withdraw_invitation(*, organisation: Organisation, invitation: UUID, who: str, now: datetime) -> None:
    """The link stops working. Once withdrawn or accepted, this changes nothing. Raises NotFound."""
    found = Invitation.objects.select_for_update(no_key=True).filter(organisation=organisation, id=invitation).first()
    if found is None:
        raise NotFound("invitation")
    if found.accepted_at is not None or found.withdrawn_at is not None:
        return
    found.withdrawn_at = now
    found.save(update_fields=["withdrawn_at"])
    record(organisation, who=who, what="invitation_withdrawn", subject=found.email, now=now)


def open_invitation(token: str, *, now: datetime) -> Invitation:
    """What the link invites to. Raises InvitationUnknown, and InvitationOver (used, withdrawn, expired)."""
    return _checked_open(_found(token), now=now)


@one_transaction
def accept_invitation(*, token: str, user: User, now: datetime, is_confirmed: bool = True) -> Member:
    """The person joins in the role they were invited to. Opening the link again after joining changes nothing.
    `is_confirmed`: whether their mail address is, or need not be.

    Raises InvitationUnknown, InvitationOver, InvitationForAnother where it is addressed to another mail address, and
    InvitationUnconfirmed: a forwarded link lets nobody in.
    """
    return _accept(_found(token, lock=True), user=user, now=now, is_confirmed=is_confirmed)


@one_transaction
def accept_own_invitation(*, invitation: UUID, user: User, now: datetime, is_confirmed: bool) -> Member:
    """As `accept_invitation`, without the link: the confirmed address says enough. Raises the same, and
    InvitationUnknown for one that is for another address."""
    rows = Invitation.objects.select_related("organisation").select_for_update(of=("self",), no_key=True)
    found = rows.filter(id=invitation, email=user.email.lower()).first()
    if found is None:
        raise InvitationUnknown()
    return _accept(found, user=user, now=now, is_confirmed=is_confirmed)


def _accept(invitation: Invitation, *, user: User, now: datetime, is_confirmed: bool) -> Member:
    organisation = invitation.organisation
    if user.email.lower() != invitation.email:
        raise InvitationForAnother("another", you=user.email, email=invitation.email)
    member = Member.objects.filter(organisation=organisation, user=user).first()
    if member is not None and invitation.accepted_by_id == user.pk:
        return member
    _checked_open(invitation, now=now)
    if not is_confirmed:
        raise InvitationUnconfirmed("unconfirmed", email=invitation.email)
    invitation.accepted_at, invitation.accepted_by = now, user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    if member is not None:
        return member
    return add_member(organisation=organisation, user=user, role=invitation.role, who=user.email, now=now)


def _found(token: str, *, lock: bool = False) -> Invitation:
    rows = Invitation.objects.select_related("organisation")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    found = rows.filter(token_sha256=_sha256(token)).first()
    if found is None:
        raise InvitationUnknown()
    return found


def _checked_open(invitation: Invitation, *, now: datetime) -> Invitation:
    if invitation.accepted_at is not None:
        raise InvitationOver("used", why="used", organisation=invitation.organisation.name)
    if invitation.withdrawn_at is not None:
        raise InvitationOver("withdrawn", why="withdrawn", organisation=invitation.organisation.name)
    if now >= invitation.expires_at:
        raise InvitationOver(
            "expired", until=invitation.expires_at, why="expired", organisation=invitation.organisation.name
        )
    return invitation


def _sha256(token: str) -> str:
    # A token has 256 random bits: a plain hash is safe, and finding the row by it takes no secret comparison.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
