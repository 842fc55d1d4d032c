from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Lower

from otai.errors import Invalid, NotAllowed, NotFound
from otai.orgs import actors
from otai.orgs.founders import Person
from otai.orgs.models import ApiKey, Founding, Invitation, Member, Organisation, SecretKey, TeamEvent, User

KeyKind = TypeVar("KeyKind", bound=SecretKey)


class OrganisationNotNamed(Invalid):
    code = "organisation_not_named"


class ApiKeyUnknown(NotAllowed):
    code = "api_key_unknown"


class ApiKeyEnded(NotAllowed):
    code = "api_key_ended"


def organisation(slug: str) -> Organisation:
    """Raises NotFound."""
    try:
        return Organisation.objects.get(slug=slug)
    except Organisation.DoesNotExist:
        raise NotFound("organisation", slug=slug) from None


def the_only_organisation() -> Organisation:
    """The organisation of an installation that has just one; raises OrganisationNotNamed when a name is needed to
    choose. Raises NotFound where there is none."""
    found = list(Organisation.objects.order_by("slug")[:2])
    if not found:
        raise NotFound("no_organisation_yet")
    if len(found) > 1:
        raise OrganisationNotNamed("many")
    return found[0]


def organisations() -> QuerySet[Organisation]:
    """All organisations of the installation, by their short names."""
    return Organisation.objects.order_by("slug")


def foundings_to_confirm(person: Person) -> list[UUID]:
    """The organisations that wait for the person to confirm the address they were founded with, oldest first."""
    account, address = person.own_keys
    found = Founding.objects.filter(confirmed_at__isnull=True).filter(founders=account).filter(founders=address)
    return list(found.order_by("founded_at").values_list("organisation", flat=True))


def waits_for_confirmation(organisation: UUID) -> bool:
    """Whether its founder's mail address is not confirmed yet: until then nothing is given."""
    return Founding.objects.filter(organisation=organisation, confirmed_at__isnull=True).exists()


def others_by_founder(organisation: UUID) -> dict[str, list[UUID]]:
    """For each that gifts are given once to and who founded it (`founders.py`): the other organisations of theirs."""
    others: dict[str, list[UUID]] = {}
    links = Founding.founders.through.objects
    for key in links.filter(founding=organisation).values_list("founder", flat=True):
        of_key = links.filter(founder=key).exclude(founding=organisation)
        others[key] = list(of_key.values_list("founding", flat=True))
    return others


def member(user: User, slug: str) -> Member:
    """The person's membership of an organisation, with the organisation. Raises NotFound, in the same words whether
    there is no such organisation or it is not theirs."""
    found = Member.objects.select_related("organisation").filter(user=user, organisation__slug=slug).first()
    if found is None:
        raise NotFound("organisation", slug=slug)
    found.user = user
    return found


def memberships(user: User) -> QuerySet[Member]:
    """The organisations of a person, by name."""
    return Member.objects.select_related("organisation").filter(user=user).order_by(Lower("organisation__name"))


def members(organisation: Organisation) -> QuerySet[Member]:
    """The people of an organisation, who came first first."""
    return Member.objects.select_related("user").filter(organisation=organisation).order_by("joined_at", "id")


def with_second_factor(people: Collection[User]) -> set[int]:
    """The keys of those who have a second factor: an authenticator app, a passkey or a security key."""
    from allauth.mfa.models import Authenticator

    protected = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return set(protected.filter(user__in=people).values_list("user_id", flat=True))


def lacks_second_factor(member: Member) -> bool:
    """Whether the organisation asks for one and this member has none."""
    return member.organisation.asks_second_factor and not with_second_factor([member.user])


def member_with_id(organisation: Organisation, id: UUID) -> Member:
    """Raises NotFound, also for another organisation's member."""
    found = members(organisation).filter(id=id).first()
    if found is None:
        raise NotFound("member")
    return found


def open_invitations(organisation: Organisation, *, now: datetime) -> QuerySet[Invitation]:
    """Invitations that can still be accepted, the newest first."""
    return Invitation.objects.filter(
        organisation=organisation, accepted_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=now
    ).order_by("-invited_at", "-id")


def invitations_of(user: User, *, now: datetime) -> QuerySet[Invitation]:
    """Those to this person's mail address that can still be accepted, with their organisations."""
    found = Invitation.objects.select_related("organisation").filter(
        email=user.email.lower(), accepted_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=now
    )
    return found.exclude(organisation__members__user=user).order_by("-invited_at", "-id")


def api_keys(organisation: Organisation) -> QuerySet[ApiKey]:
    """All keys, revoked and expired ones too, the newest first."""
    return ApiKey.objects.filter(organisation=organisation).order_by("-created_at", "-id")


def team_events(organisation: Organisation) -> QuerySet[TeamEvent]:
    """What happened to members, invitations and keys, the newest first."""
    return TeamEvent.objects.filter(organisation=organisation).order_by("-at", "-id")


def key_of(secret: str, *, now: datetime) -> ApiKey:
    """The usable key, with its organisation, that `otai_<prefix>_<secret>` is. Raises as `usable_key` does."""
    return usable_key(secret, brand="otai", among=ApiKey.objects.select_related("organisation"), now=now)


def usable_key(secret: str, *, brand: str, among: QuerySet[KeyKind], now: datetime) -> KeyKind:
    """The usable key that `<brand>_<prefix>_<secret>` is. One query; nothing is written.

    Raises ApiKeyUnknown, and ApiKeyEnded (revoked or expired) to those alone who hold the right secret.
    """
    given_brand, _, rest = secret.partition("_")
    prefix, _, random = rest.partition("_")
    found = None
    if given_brand == brand and random and re.fullmatch(r"[a-z0-9]{1,12}", prefix):
        found = among.filter(prefix=prefix).first()
    # Compared in the same time whether the prefix exists or not, and wherever the first difference is.
    given = hashlib.sha256(random.encode(errors="surrogatepass")).hexdigest()
    is_right = hmac.compare_digest(given, found.secret_sha256 if found else "0" * 64)
    if found is None or not is_right:
        raise ApiKeyUnknown("key")
    if found.revoked_at is not None:
        raise ApiKeyEnded("revoked", name=found.name, on=found.revoked_at)
    if not found.is_usable(now):
        raise ApiKeyEnded("expired", name=found.name, on=found.expires_at)
    return found


def person_behind(organisation: UUID, who: str) -> str:
    """The mail address of whoever is written beside something: the person, or who made the key that a program used;
    `who` itself where neither is known."""
    if key := actors.key_of(who):
        made = ApiKey.objects.filter(prefix=key[1], organisation=organisation).first()
        return made.created_by if made else who
    return who


def usable_keys_made_by(organisation: Organisation, addresses: Sequence[str], *, now: datetime) -> list[ApiKey]:
    """Keys that still open something, by who made them: whoever leaves may still know them."""
    usable = ApiKey.objects.filter(organisation=organisation, revoked_at__isnull=True).exclude(expires_at__lte=now)
    known = {address.lower() for address in addresses}
    return [key for key in usable.order_by("created_at", "id") if key.created_by.lower() in known]
