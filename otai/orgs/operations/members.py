"""People of an organisation and their roles. An organisation with members always keeps an owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.orgs.languages import languages, listed
from otai.orgs.models import Member, Organisation, TeamEvent, User
from otai.orgs.permissions import Role
from otai.orgs.persons import addresses_of
from otai.orgs.queries import usable_keys_made_by


class RoleUnknown(Invalid):
    code = "role_unknown"


class LanguageUnknown(Invalid):
    code = "language_unknown"


class AlreadyMember(Refused):
    code = "already_member"


class LastOwner(Refused):
    code = "last_owner"


def add_member(*, organisation: Organisation, user: User, role: Role | str, who: str, now: datetime) -> Member:
    """Someone joins: the owner at sign-up, everybody else by `accept_invitation`. Raises AlreadyMember, RoleUnknown."""
    role = checked_role(role)
    member = Member(organisation=organisation, user=user, role=role.value, joined_at=now)
    try:
        with transaction.atomic():
            member.save(force_insert=True)
            record(organisation, who=who, what="member_joined", subject=user.email, now=now, role=role.value)
    except IntegrityError:
        raise AlreadyMember("member", organisation=organisation.name, email=user.email) from None
    return member


@one_transaction
def change_role(*, organisation: Organisation, member: UUID, role: Role | str, who: str, now: datetime) -> Member:
    """Another role for a member, from their next request on. The same role again changes nothing.

    Raises NotFound (also for another organisation's member), RoleUnknown, LastOwner.
    """
    role = checked_role(role)
    membership = _locked(organisation, member)
    if membership.role == role:
        return membership
    _keep_an_owner(membership, doing="given another role")
    before, membership.role = membership.role, role.value
    membership.save(update_fields=["role"])
    record(
        organisation,
        who=who,
        what="role_changed",
        subject=membership.user.email,
        now=now,
        role=role.value,
        before=before,
    )
    return membership


@one_transaction
def remove_member(*, organisation: Organisation, member: UUID, who: str, now: datetime) -> list[str]:
    """The person is out from their next request on; what they ordered and the keys they made stay the organisation's.
    Returns the prefixes of those keys that still open something: the person may know them.

    Raises NotFound (also for another organisation's member) and LastOwner.
    """
    found = _locked(organisation, member)
    _keep_an_owner(found, doing="removed")
    email = found.user.email
    keys = [key.prefix for key in usable_keys_made_by(organisation, addresses_of(email), now=now)]
    record(organisation, who=who, what="member_removed", subject=email, now=now, role=found.role, keys=keys)
    found.delete()
    return keys


def set_language(*, user: User, language: str) -> None:
    """The language that this person reads, or "" for what the browser asks for. Raises LanguageUnknown."""
    if language and language not in languages():
        raise LanguageUnknown(
            "language", known=listed(), language=language, field="language", languages=list(languages())
        )
    user.language = language
    user.save(update_fields=["language"])


def checked_role(role: Role | str) -> Role:
    """The role by its name. Raises RoleUnknown, which lists the roles."""
    if role not in tuple(Role):
        raise RoleUnknown("role", role=role, known=list(Role), field="role")
    return Role(role)


def record(organisation: Organisation, *, who: str, what: str, subject: str, now: datetime, **details: Any) -> None:
    """Writes a line of the team's history, in the caller's transaction."""
    TeamEvent.objects.create(
        organisation=organisation, at=now, who=who[:200], what=what, subject=subject, details=details
    )


def _locked(organisation: Organisation, member: UUID) -> Member:
    # Two owners who leave at the same moment would each see the other: whoever changes roles has the organisation's row
    # first.
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    found = Member.objects.select_related("user").filter(organisation=organisation, id=member).first()
    if found is None:
        raise NotFound("member")
    return found


def _keep_an_owner(member: Member, *, doing: str) -> None:
    if member.role != Role.OWNER:
        return
    others = Member.objects.filter(organisation=member.organisation_id, role=Role.OWNER).exclude(id=member.id)
    if not others.exists():
        raise LastOwner("owner", email=member.user.email)
