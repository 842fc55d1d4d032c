from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.v1.shapes import MoneyOut, Name, Text, Whole, money
from otai.api.vendor.access import VendorNoun, VendorRequest
from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.models import OperatorRequest
from otai.billing.operations.vendor_keys import goodwill_by_key
from otai.billing.vendor_scopes import VendorScope
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.links import absolute
from otai.orgs import queries as orgs
from otai.orgs.access_events import AccessKind, note
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.orgs.sessions import sender
from otai.pricing.price_book import Tier
from otai.words.catalogue import say_actor_to_programs
from otai.words.sentences import Fact

noun = VendorNoun("Organisations")


class CreditsOut(Schema):
    available: int
    held: int
    spent: int


class SuspensionOut(Schema):
    since: datetime
    by: str
    why: str


class VendorOrganisationOut(Schema):
    """What the vendor needs of a customer; nothing of their tickets, models and trainings."""

    organisation: str
    name: str
    time_zone: str
    created_at: datetime
    owners: list[str]
    invited: list[str]
    tier: str
    tier_status: str
    renewal_term: str
    paid_until: datetime | None
    next_grant_at: datetime
    credits: CreditsOut
    owed: list[MoneyOut]
    suspension: SuspensionOut | None


class StateOut(Schema):
    """What a key is told that may suspend and not read."""

    organisation: str
    suspension: SuspensionOut | None


class ProvisionedOut(VendorOrganisationOut):
    link: str | None = Field(
        description="Lets the owner in, for a week. It is shown this once, and null when repeated."
    )
    mailed: bool = Field(description="Whether the mail server took the owner's invitation; if not, pass the link on.")


class ProvisionIn(Schema):
    name: Name
    organisation: Annotated[Text, Field(max_length=63)] = Field(
        "", description="Its short name, in addresses for ever; made of the name if left out."
    )
    time_zone: Name = "UTC"
    tier: Tier = Tier.COMMUNITY
    owner_email: Annotated[Text, Field(min_length=1, max_length=254)]
    language: Annotated[Text, Field(max_length=10)] = Field("", description="Of the invitation, for example de.")


class ReasonIn(Schema):
    why: Text = Field(description="3 to 500 characters; the customer reads it.")


class GrantIn(ReasonIn):
    credits: Whole


class GrantOut(Schema):
    """`state` is `granted`, or `waiting` for a second operator's yes on the desk; then `request` names what waits.
    `available`: null where the key has no `organisations:read`."""

    state: Literal["granted", "waiting"]
    credits: int
    available: int | None
    request: UUID | None


SEEN = {
    "organisation": "acme",
    "name": "Acme Ltd",
    "time_zone": "Europe/Berlin",
    "created_at": "2026-11-02T09:30:00Z",
    "owners": [],
    "invited": ["alice@acme.example"],
    "tier": "pro",
    "tier_status": "unpaid",
    "renewal_term": "month",
    "paid_until": "2026-11-02T09:30:00Z",
    "next_grant_at": "2026-12-02T09:30:00Z",
    "credits": {"available": 100, "held": 0, "spent": 0},
    "owed": [],
    "suspension": None,
}


@noun.post(
    "/organisations",
    VendorScope.ORGANISATIONS_PROVISION,
    ProvisionedOut,
    status=201,
    example={**SEEN, "link": "https://studio.example/account/join/<43 characters>/", "mailed": True},
    body_example={
        "name": "Acme Ltd",
        "organisation": "acme",
        "time_zone": "Europe/Berlin",
        "tier": "pro",
        "owner_email": "alice@acme.example",
        "language": "en",
    },
    repeatable="required",
)
def provision_organisation(request: VendorRequest, asked: ProvisionIn) -> HttpResponse:
    """Make an organisation and invite its owner

    The tier's initial credits are there at once; a paid tier stands for the time of grace until its first month is
    paid. The invitation is mailed, and its link is in this answer and nowhere else.
    """

    def work() -> Any:
        language = billing.checked_language(asked.language)
        made = billing.provision(
            slug=asked.organisation,
            name=asked.name,
            time_zone=asked.time_zone,
            tier=asked.tier,
            owner_email=asked.owner_email,
            who=request.auth.who,
            now=utc_now(),
        )
        # The name of the page where people join; this door knows no more of it.
        link = absolute(reverse("web:join", args=[made.token]))
        mailed = billing.mail_welcome(made, link=link, language=language)
        return {**_organisation(made.organisation), "link": link, "mailed": mailed}

    return keys.once(request, work, secret="link", required=True)  # noqa: S106  the name of a field


@noun.get("/organisations/{organisation}", VendorScope.ORGANISATIONS_READ, VendorOrganisationOut, example=SEEN)
def look_at_organisation(request: VendorRequest, organisation: Name) -> Any:
    """Look at an organisation

    Its tier, credits, what it owes, and whether it is suspended. Its owners see that you looked, by the key's name.
    """
    found = orgs.organisation(organisation)
    return _looked_at(request, found)


@noun.post(
    "/organisations/{organisation}/suspend",
    VendorScope.ORGANISATIONS_SUSPEND,
    VendorOrganisationOut | StateOut,
    example={
        **SEEN,
        "suspension": {
            "since": "2026-11-09T08:00:00Z",
            "by": "CRM (vendor key k3m9pq2x)",
            "why": "The contract is being settled.",
        },
    },
    body_example={"why": "The contract is being settled."},
)
def suspend_organisation(request: VendorRequest, organisation: Name, asked: ReasonIn) -> Any:
    """Suspend an organisation

    Its people sign in and read, its models predict, trainings that were ordered finish; nothing is ordered, no month is
    renewed, and monthly credits wait. The customer is told by mail and on every page. Suspending it again changes
    nothing.
    """
    found = orgs.organisation(organisation)
    return _state(request, billing.suspend(organisation=found, who=request.auth.who, why=asked.why, now=utc_now()))


@noun.post(
    "/organisations/{organisation}/resume",
    VendorScope.ORGANISATIONS_SUSPEND,
    VendorOrganisationOut | StateOut,
    example=SEEN,
    body_example={"why": "The contract is settled."},
)
def resume_organisation(request: VendorRequest, organisation: Name, asked: ReasonIn) -> Any:
    """Resume an organisation

    Everything can be ordered again; monthly credits of months that were paid come at once. Resuming it again changes
    nothing.
    """
    found = orgs.organisation(organisation)
    return _state(request, billing.resume(organisation=found, who=request.auth.who, why=asked.why, now=utc_now()))


@noun.post(
    "/organisations/{organisation}/grants",
    VendorScope.CREDITS_GRANT,
    GrantOut,
    status=201,
    example={"state": "granted", "credits": 20, "available": 111, "request": None},
    body_example={"credits": 20, "why": "The outage of 2 November."},
    repeatable="required",
)
def grant_goodwill(request: VendorRequest, organisation: Name, asked: GrantIn) -> HttpResponse:
    """Grant goodwill credits

    Above what the organisation may be given without a second operator, in one piece or in several, the grant waits for
    an operator who did not make this key.
    """
    customer = orgs.organisation(organisation)

    def work() -> Any:
        made = goodwill_by_key(
            by=request.auth.key,
            organisation=customer,
            credits=asked.credits,
            why=asked.why,
            key=keys.key_of(request, required=True),
            now=utc_now(),
        )
        waits = made if isinstance(made, OperatorRequest) else None
        return {
            "state": "waiting" if waits else "granted",
            "credits": asked.credits,
            "available": ledger.balance(customer.id).available if _may_read(request) else None,
            "request": waits.id if waits else None,
        }

    return keys.once(request, work, required=True)


def _looked_at(request: VendorRequest, organisation: Organisation) -> dict[str, Any]:
    who = request.auth.who
    about = Fact("access.vendor_api")
    note(organisation, AccessKind.OPERATOR_READ, who=who, now=utc_now(), about=about, **sender(request))
    return _organisation(organisation)


def _state(request: VendorRequest, organisation: Organisation) -> dict[str, Any]:
    """All of it to a key that may read it too, and else whether it is suspended."""
    if _may_read(request):
        return _looked_at(request, organisation)
    told = _organisation(organisation)
    return {name: told[name] for name in StateOut.model_fields}


def _may_read(request: VendorRequest) -> bool:
    return VendorScope.ORGANISATIONS_READ in request.auth.key.scopes


def _organisation(organisation: Organisation) -> dict[str, Any]:
    subscription = queries.subscription_of(organisation)
    balance = ledger.balance(organisation.id)
    since = organisation.suspended_at
    owners = orgs.members(organisation).filter(role=Role.OWNER)
    invited = orgs.open_invitations(organisation, now=utc_now()).filter(role=Role.OWNER)
    return {
        "organisation": organisation.slug,
        "name": organisation.name,
        "time_zone": organisation.time_zone,
        "created_at": organisation.created_at,
        "owners": [member.user.email for member in owners],
        "invited": [invitation.email for invitation in invited],
        "tier": subscription.tier,
        "tier_status": subscription.status,
        "renewal_term": subscription.renewal_term,
        "paid_until": subscription.paid_until_at,
        "next_grant_at": subscription.next_grant_at,
        "credits": {"available": balance.available, "held": balance.held, "spent": balance.spent},
        "owed": [money(amount) for amount in queries.owed(organisation).owed],
        "suspension": since
        and {"since": since, "by": say_actor_to_programs(organisation.suspended_by), "why": organisation.suspended_why},
    }
