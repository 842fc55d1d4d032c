from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema

from otai.api.access import Caller, CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.shapes import MoneyOut, Name, money
from otai.billing import queries as billing
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.orgs import quotas
from otai.orgs.operations import change_organisation
from otai.orgs.permissions import Action
from otai.orgs.quotas import Quota

noun = Noun("Organisation")


class BalanceOut(Schema):
    """Credits that can be spent, that are reserved for runs not ended yet, and that were spent."""

    available: int
    held: int
    spent: int


class OwedOut(Schema):
    """For payments that were taken back: money and credits owed, and credits frozen while a dispute is open. While
    money is owed, nothing is bought by card."""

    amounts: list[MoneyOut]
    credits: int
    frozen_credits: int


class WarningOut(Schema):
    code: str
    message: str


class QuotaOut(Schema):
    """How much there may be at once. `most` null: no bound. `is_lifted`: set for your organisation alone."""

    quota: str
    used: int
    most: int | None
    is_lifted: bool


class QuotasOut(Schema):
    tier: str
    items: list[QuotaOut]


class OrganisationOut(Schema):
    organisation: str
    name: str
    time_zone: str
    tier: str
    balance: BalanceOut
    owed: OwedOut
    next_grant_at: datetime
    next_grant_credits: int
    warnings: list[WarningOut]


class CallerOut(Schema):
    """Who calls, and what they may do here."""

    organisation: str
    name: str
    kind: str
    role: str | None
    scopes: list[str]
    actions: list[str]


class OrganisationIn(Schema):
    name: Name
    time_zone: Name


EXAMPLE = {
    "organisation": "acme",
    "name": "Acme Ltd",
    "time_zone": "Europe/Berlin",
    "tier": "pro",
    "balance": {"available": 91, "held": 3, "spent": 6},
    "owed": {"amounts": [], "credits": 0, "frozen_credits": 0},
    "next_grant_at": "2026-12-02T09:30:00Z",
    "next_grant_credits": 50,
    "warnings": [{"code": "low_balance", "message": "91 credits are left, fewer than 100."}],
}


def _organisation(caller: Caller) -> dict[str, Any]:
    organisation = caller.organisation
    subscription = billing.subscription_of(organisation)
    terms = billing.price_book().tiers[billing.tier_of(organisation)]
    balance = ledger.balance(organisation.id)
    owed = billing.owed(organisation)
    return {
        "organisation": organisation.slug,
        "name": organisation.name,
        "time_zone": organisation.time_zone,
        "tier": subscription.tier,
        "balance": {"available": balance.available, "held": balance.held, "spent": balance.spent},
        "owed": {
            "amounts": [money(amount) for amount in owed.owed],
            "credits": owed.credits,
            "frozen_credits": owed.frozen_credits,
        },
        "next_grant_at": subscription.next_grant_at,
        "next_grant_credits": terms.monthly_credits,
        "warnings": [{"code": found.code, "message": found.message} for found in billing.warnings(organisation)],
    }


@noun.get("/organisation", Action.VIEW, OrganisationOut, example=EXAMPLE)
def get_organisation(request: CallerRequest) -> Any:
    """Your organisation

    Its tier, its credits, when the next ones come, and what every page of the Studio warns of.
    """
    return _organisation(request.auth)


@noun.get(
    "/organisation/quotas",
    Action.VIEW,
    QuotasOut,
    example={
        "tier": "Pro",
        "items": [{"quota": "data_sets", "used": 3, "most": 200, "is_lifted": False}],
    },
)
def list_quotas(request: CallerRequest) -> Any:
    """How much you may have at once, and how much there is

    Storage in bytes, data sets by name, waiting uploads on all machines, open quotes, imports under way,
    event streams, and requests of this minute. Beyond it the answer is `quota_reached`, `too_many_streams` or
    `too_many_requests`, and says what lifts the bound.
    """
    organisation = request.auth.organisation.id
    found = quotas.bounds(organisation)
    items = [
        {"quota": quota, "used": quotas.used(organisation, quota), "most": bound.most, "is_lifted": bound.is_lifted}
        for quota, bound in found.items()
    ]
    return {"tier": found[Quota.STORAGE].tier, "items": items}


@noun.patch(
    "/organisation",
    Action.MANAGE_ORGANISATION,
    OrganisationOut,
    example=EXAMPLE,
    body_example={"name": "Acme Ltd", "time_zone": "Europe/Berlin"},
)
def change_organisation_settings(request: CallerRequest, asked: OrganisationIn) -> Any:
    """Change name or time zone

    What was due stays due; grants and due times from now on follow the new zone.
    """
    caller = request.auth
    changed = change_organisation(
        organisation=caller.organisation, name=asked.name, time_zone=asked.time_zone, who=caller.who, now=utc_now()
    )
    caller.organisation.name, caller.organisation.time_zone = changed.name, changed.time_zone
    return _organisation(caller)


@noun.get(
    "/me",
    Action.VIEW,
    CallerOut,
    example={
        "organisation": "acme",
        "name": "nightly import",
        "kind": "api_key",
        "role": None,
        "scopes": ["read", "tickets:write"],
        "actions": ["view", "upload_tickets"],
    },
)
def get_me(request: CallerRequest) -> Any:
    """Who calls

    The key or person of this request, and what they may do.
    """
    caller = request.auth
    return {
        "organisation": caller.organisation.slug,
        "name": caller.key.name if caller.key else caller.who,
        "kind": "api_key" if caller.key else "person",
        "role": caller.member.role if caller.member else None,
        "scopes": caller.scopes,
        "actions": [action.value for action in Action if caller.may(action)],
    }
