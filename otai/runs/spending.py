"""Who ordered what for how much, and how much each may order in a month.

A month is a calendar month where the organisation is. What counts are credits that are held or spent: a run that failed
or was cancelled gave them back. Included runs cost nothing and count nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from otai.billing.months import Month
from otai.db import one_transaction
from otai.errors import Invalid, Refused
from otai.ledger.models import Hold
from otai.ledger.queries import csv_row
from otai.orgs.models import Member, Organisation, TeamEvent
from otai.orgs.operations.members import record
from otai.orgs.persons import addresses_of
from otai.orgs.queries import team_events
from otai.runs import queries
from otai.runs.approval import RULE_CHANGED
from otai.runs.models import Run, SpendLimit
from otai.units import MAX_CREDITS
from otai.words.actors import read_actor
from otai.words.catalogue import say_actor_to_programs


class SpendLimitReached(Refused):
    """Whoever has a month's limit and has used it waits for the next, or asks for more."""

    code = "spend_limit_reached"


class InvalidSpendLimit(Invalid):
    code = "invalid_spend_limit"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What one person or API key ordered in a month. `limit` is None where there is none."""

    who: str
    runs: int
    credits: int
    limit: int | None


def limits(organisation: Organisation) -> QuerySet[SpendLimit]:
    """Those that stand; that for everybody first."""
    return SpendLimit.objects.filter(organisation=organisation).order_by("member")


def limit_of(organisation: Organisation, who: str) -> int | None:
    """The month's credits of whoever orders: their own limit, else that for everybody; None without one."""
    known = _by_member(organisation)
    return next((known[address] for address in addresses_of(who) if address in known), known.get(""))


def _by_member(organisation: Organisation) -> dict[str, int]:
    return dict(limits(organisation).values_list("member", "monthly_credits"))


def ordered(organisation: Organisation, *, month: Month) -> list[Ordered]:
    """Who ordered what for how much in the month, the most first."""
    known = _by_member(organisation)
    # One person, however their address was written, and whichever it was; shown by their present one.
    runs: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    persons: dict[str, tuple[str, ...]] = {}
    for who, credits in _costing(organisation, month):
        own = persons.get(who.casefold()) or persons.setdefault(who.casefold(), addresses_of(who))
        runs.setdefault(own, []).append((who, credits))
    found = [
        Ordered(
            who=next((who for who, _ in each if who.casefold() == own[0]), own[0]),
            runs=len(each),
            credits=sum(credits for _, credits in each),
            limit=next((known[address] for address in own if address in known), known.get("")),
        )
        for own, each in runs.items()
    ]
    return sorted(found, key=lambda one: (-one.credits, one.who))


@dataclass(frozen=True, slots=True)
class Order:
    """`counts`: its credits are held or spent."""

    run: Run
    counts: bool

    @property
    def credits(self) -> int:
        """What it comes to in its month."""
        return self.run.credits if self.counts else 0


def orders(organisation: Organisation, *, month: Month) -> list[Order]:
    """The month's orders, newest first, also those that gave their credits back."""
    runs = list(queries.without_evidence(_of_month(organisation, month).select_related("data_set").order_by("-number")))
    standing = _standing([run.hold for run in runs])
    return [Order(run, run.hold in standing) for run in runs]


def _costing(organisation: Organisation, month: Month) -> list[tuple[str, int]]:
    """Who ordered each run of the month whose credits are held or spent, and how many those are."""
    rows = list(_of_month(organisation, month).order_by("number").values_list("ordered_by", "hold", "credits"))
    standing = _standing([hold for _, hold, _ in rows])
    # One spelling of a program, also where a release before wrote its orders down.
    return [(str(read_actor(who)), credits) for who, hold, credits in rows if hold in standing]


def _of_month(organisation: Organisation, month: Month) -> QuerySet[Run]:
    zone = organisation.zone
    return Run.objects.filter(
        organisation=organisation,
        ordered_at__gte=month.begins(zone),
        ordered_at__lt=month.ends(zone),
        guarantee__isnull=True,
    )


def _standing(holds: list[UUID]) -> set[UUID]:
    found = Hold.objects.filter(id__in=holds, state__in=["held", "captured"])
    return set(found.values_list("id", flat=True))


COLUMNS = ("run", "ordered_at", "ordered_by", "model", "tickets", "mode", "delivery", "state", "credits", "counted")


def spreadsheet(organisation: Organisation, *, month: Month) -> str:
    """The month's orders as CSV, a line for each; `counted` is what it comes to in its month."""
    lines = [csv_row(list(COLUMNS))]
    for order in orders(organisation, month=month):
        run = order.run
        at = run.ordered_at.astimezone(organisation.zone).isoformat(timespec="seconds")
        what = [
            at,
            say_actor_to_programs(run.ordered_by),
            run.model_name,
            str(run.data_set),
            run.mode,
            run.delivery,
            run.status,
        ]
        lines.append(csv_row([run.number, *what, run.credits, order.credits]))
    return "".join(lines)


def left_in_month(organisation: Organisation, *, who: str, now: datetime) -> int | None:
    """The credits for which they may still order in this month; None where there is no limit."""
    most = limit_of(organisation, who)
    return (
        None if most is None else max(0, most - _spent(organisation, who=who, month=Month.at(now, organisation.zone)))
    )


def _spent(organisation: Organisation, *, who: str, month: Month) -> int:
    own = addresses_of(who)
    return sum(each for by, each in _costing(organisation, month) if by.casefold() in own)


def require_within_limit(organisation: Organisation, *, who: str, credits: int, now: datetime) -> None:
    """Whoever orders has the month's credits for it. Under the organisation's lock, so that two orders at once are
    counted one after the other. Raises SpendLimitReached."""
    most = limit_of(organisation, who)
    if most is None:
        return
    month = Month.at(now, organisation.zone)
    spent = _spent(organisation, who=who, month=month)
    if spent + credits > most:
        raise SpendLimitReached(
            "month",
            credits=credits,
            most=most,
            spent=spent,
            left=max(0, most - spent),
            who=who,
            begins=month.ends(organisation.zone).date().isoformat(),
        )


@one_transaction
def set_limit(*, organisation: Organisation, member: str, monthly_credits: int | None, who: str, now: datetime) -> None:
    """Sets what a member may order runs for in a month; None: no limit of their own, also of somebody who left.
    `member` is their mail address, empty for everybody. Raises InvalidSpendLimit."""
    member = member.strip().casefold()
    if monthly_credits is not None and not 0 <= monthly_credits <= MAX_CREDITS:
        raise InvalidSpendLimit("credits", most=MAX_CREDITS, field="monthly_credits")
    if (
        member
        and monthly_credits is not None
        and not Member.objects.filter(organisation=organisation, user__email__iexact=member).exists()
    ):
        raise InvalidSpendLimit("member", member=member[:200], field="member")
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    rows = SpendLimit.objects.filter(organisation=organisation, member=member)
    before = rows.values_list("monthly_credits", flat=True).first()
    if before == monthly_credits:
        return
    if monthly_credits is None:
        rows.delete()
    else:
        SpendLimit.objects.update_or_create(
            organisation=organisation,
            member=member,
            defaults={"monthly_credits": monthly_credits, "set_by": who, "set_at": now},
        )
    record(organisation, who=who, what=LIMIT_CHANGED, subject=member, now=now, before=before, after=monthly_credits)


LIMIT_CHANGED = "spend_limit_changed"


def changes(organisation: Organisation) -> QuerySet[TeamEvent]:
    """Who changed limits and the approval of orders, from what to what; the newest first."""
    return team_events(organisation).filter(what__in=[LIMIT_CHANGED, RULE_CHANGED])
