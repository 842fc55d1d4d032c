"""Does what members may order, and what they ordered, have its cause? Given to billing's audit, which cannot know of
it. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Max

from otai.billing.asked_above import Unexplained
from otai.billing.price_books import book_named
from otai.orgs.models import TeamEvent
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.pricing.published import PriceBookUnknown
from otai.runs.approval import RULE_CHANGED
from otai.runs.business_answers import price_of_business_answers
from otai.runs.guarantee import audit as guarantees
from otai.runs.models import ApprovalRule, Event, Guarantee, GuaranteeEvent, Quote, Run, SpendLimit
from otai.runs.spending import LIMIT_CHANGED
from otai.runs.status import Approval

AS_QUOTED = ("organisation_id", "data_set_id", "model_name", "attributes", "mode", "delivery", "reason")
"""What a run has from its quote."""


def unexplained() -> Iterator[Unexplained]:
    """Each limit, rule, order, approval and guarantee that is not as it was told, and each price that no price book
    has."""
    yield from guarantees.unexplained()
    yield from _limits()
    yield from _rules()
    yield from _orders()
    yield from _moves()
    yield from _guarantees()


def _last_told(what: str) -> dict[tuple[UUID, str], TeamEvent]:
    return {
        (event.organisation_id, event.subject): event
        for event in TeamEvent.objects.filter(what=what).order_by("at", "id").iterator(chunk_size=2000)
    }


def _limits() -> Iterator[Unexplained]:
    """A limit is what its last change said, by whoever changed it; one that was set is there."""
    told = _last_told(LIMIT_CHANGED)
    standing = {(limit.organisation_id, limit.member): limit for limit in SpendLimit.objects.all()}
    for key, limit in standing.items():
        event = told.get(key)
        # Limits of a release before came without an event.
        said = event and (event.details["after"], event.who, event.at)
        if said not in (None, (limit.monthly_credits, limit.set_by[:200], limit.set_at)):
            yield Unexplained("a spend limit is what its last change said", limit.member or "everybody", str(limit))
    for key, event in told.items():
        if event.details["after"] is not None and key not in standing:
            yield Unexplained("a spend limit that was set is there", event.subject or "everybody")


def _rules() -> Iterator[Unexplained]:
    """What waits for approval is what its last change said."""
    told = _last_told(RULE_CHANGED)
    standing = {rule.organisation_id: rule for rule in ApprovalRule.objects.all()}
    for organisation, rule in standing.items():
        event = told.get((organisation, ""))
        as_told = {"above_credits": rule.above_credits, "days": rule.days}
        if event is not None and event.details["after"] != as_told:
            yield Unexplained("the rule of approval is what its last change said", str(organisation), str(rule))
    for (organisation, _), event in told.items():
        if event.details["after"] is not None and organisation not in standing:
            yield Unexplained("a rule of approval that was set is there", str(organisation))


def _orders() -> Iterator[Unexplained]:
    """A run is what its quote offered, at the price that the quote's price book says, or that of Business where it
    answers as Business does."""
    for run in Run.objects.select_related("quote").order_by("id").iterator(chunk_size=500):
        prices = (run.quote.credits, price_of_business_answers(run, run.report_card))
        if run.credits not in prices or any(getattr(run, name) != getattr(run.quote, name) for name in AS_QUOTED):
            yield Unexplained("a run is what its quote offered", str(run.id))
        if _price_of(run.quote) != run.quote.credits:
            yield Unexplained("a quote costs what its price book says", str(run.quote_id), f"{run.credits} credits")


def _price_of(quote: Quote) -> int | None:
    try:
        book = book_named(quote.price_book)
    except PriceBookUnknown:
        return None
    mode, delivery = Mode(quote.mode), Delivery(quote.delivery)
    return pricing.price(book, mode=mode, delivery=delivery, attributes=len(quote.attributes)).credits


def _moves() -> Iterator[Unexplained]:
    """A run is where its last move left it, was ordered by whoever its first names, and approved or refused by whoever
    a later one does."""
    for runs in _pages(Run.objects.order_by("id")):
        told: dict[UUID, list[Event]] = {run.id: [] for run in runs}
        for event in Event.objects.filter(run__in=told).order_by("id"):
            told[event.run_id].append(event)
        for run in runs:
            yield from _as_told(run, told[run.id])


def _pages(runs: Any, size: int = 500) -> Iterator[list[Run]]:
    last = None
    while page := list((runs.filter(id__gt=last) if last else runs).defer("report_card")[:size]):
        yield page
        last = page[-1].id


def _as_told(run: Run, events: list[Event]) -> Iterator[Unexplained]:
    moves = [event for event in events if event.reached]
    if not moves or moves[-1].reached != run.status:
        yield Unexplained("a run is where its last move left it", str(run.id), run.status)
    if not events or (events[0].who, events[0].at) != (run.ordered_by, run.ordered_at):
        yield Unexplained("a run was ordered by who told of it", str(run.id), run.ordered_by)
    if run.approval in ("", Approval.WAITING):
        return
    decided = [(event.who[:200], event.at) for event in moves if event.came_from == "awaiting_approval"]
    if (run.approval_by, run.approval_at) not in decided:
        yield Unexplained("an order was approved or refused by who told of it", str(run.id), run.approval_by)


def _guarantees() -> Iterator[Unexplained]:
    """A guarantee is where its last move left it."""
    moves = GuaranteeEvent.objects.filter(move__contains="-> ")
    last = moves.values_list("guarantee").annotate(last=Max("id")).values_list("last", flat=True)
    told = dict(GuaranteeEvent.objects.filter(id__in=list(last)).values_list("guarantee", "move"))
    for id, status in Guarantee.objects.values_list("id", "status").iterator(chunk_size=500):
        if (move := told.get(id)) is not None and move.partition("-> ")[2] != status:
            yield Unexplained("a guarantee is where its last move left it", str(id), f"{status}, told {move}")
