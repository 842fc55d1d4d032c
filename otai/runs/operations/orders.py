"""A quote is made; a quote is ordered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Max

from otai.billing import operations as billing_operations
from otai.billing import queries as billing
from otai.billing.operations.orders import EqualOrder, minutes_since
from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused, plain
from otai.ledger import operations as ledger
from otai.ledger.operations import InsufficientCredits
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.orgs.suspension import refuse_suspended
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.runs import readiness
from otai.runs.approval import needed_until, tell_approvers
from otai.runs.events import record
from otai.runs.models import Quote, Reason, Run
from otai.runs.operations.moves import hold_reference
from otai.runs.operations.queue_positions import take_place
from otai.runs.spending import require_within_limit
from otai.runs.status import Approval, RunStatus
from otai.tickets import expected_quality
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.words.explained import arrow
from otai.words.sentences import Fact

hold_outlives_due_time_by = timedelta(days=2)
"""A hold's deadline: long after the promise is broken, since the sweep is a safety net, not the way a run ends."""

MODEL_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}"


class QuoteExpired(Refused):
    code = "quote_expired"


class NoGainExpected(Refused):
    """Asked once: a trial on these very tickets lets expect no better answers of Maximum than of Business."""

    code = "no_gain_expected"


class NothingTells(Refused):
    """Asked once, on the page: a trial on these very tickets shows nothing in their texts that tells an attribute."""

    code = "no_signal"


class UnknownAttribute(Invalid):
    code = "unknown_attribute"


class InvalidModelName(Invalid):
    code = "invalid_model_name"


def make_quote(
    *,
    organisation: Organisation,
    data_set: DataSet,
    attributes: Sequence[str],
    mode: Mode,
    delivery: Delivery,
    model_name: str,
    reason: Reason,
    now: datetime,
    key: UUID | None = None,
) -> Quote:
    """A priced offer for a training on `data_set`, good for the price book's `quote_good_for`. Holds nothing.

    With a `key`, made by the caller for this very request, asking again returns the quote of the first time.

    Raises TicketsDeleted, UnknownAttribute (not in the data set, or named twice), AttributeCountOutOfRange,
    ModeNotInTier, NotFound (the data set is not the organisation's) and what `readiness.require` raises (a mode whose
    parts are not installed here). Raises InvalidModelName, and QuotaReached where too many are open.
    """
    if data_set.organisation_id != organisation.id:
        raise NotFound("data_set")
    if not re.fullmatch(MODEL_NAME_PATTERN, model_name):
        raise InvalidModelName("name", model_name=model_name, field="model_name")
    data_set.require_tickets()
    if key is not None and (made := Quote.objects.filter(id=key, organisation=organisation).first()):
        return made
    book = billing.price_book()
    tier = billing.tier_of(organisation)
    chosen = _chosen_attributes(data_set, attributes)
    price = pricing.price(book, mode=mode, delivery=delivery, attributes=len(chosen))
    # What cannot be trained here is no reason to rise to another tier.
    readiness.require(mode)
    pricing.require_mode(book, tier=tier, mode=mode)
    offered = {
        "organisation": organisation,
        "data_set": data_set,
        "model_name": model_name,
        "attributes": chosen,
        "mode": mode.value,
        "delivery": delivery.value,
        "reason": reason,
        "tier": tier.value,
        "price_book": book.version,
        "credits": price.credits,
        "price_lines": [line.as_dict() for line in price.lines],
        "made_at": now,
        "due_at": pricing.due_at(book.promises[mode, delivery], ordered_at=now, zone=organisation.zone),
        "expires_at": now + book.quote_good_for,
    }
    return _kept_quote(organisation, key, offered)


@one_transaction
def _kept_quote(organisation: Organisation, key: UUID | None, offered: dict[str, Any]) -> Quote:
    quotas.require(organisation.id, Quota.OPEN_QUOTES)
    if key is None:
        return Quote.objects.create(**offered)
    # Of two requests at the same time one makes it and the other finds it.
    return Quote.objects.get_or_create(id=key, organisation=organisation, defaults=offered)[0]


def _chosen_attributes(data_set: DataSet, names: Sequence[str]) -> list[dict[str, Any]]:
    # Of labels nothing is asked here, and there may be thousands.
    known = {attribute.name: attribute for attribute in tickets.attributes(data_set).prefetch_related(None)}
    if repeated := sorted({name for name in names if list(names).count(name) > 1}):
        raise UnknownAttribute("repeated", attributes=repeated)
    if unknown := [name for name in names if name not in known]:
        raise UnknownAttribute("unknown", data_set=data_set.name, unknown=unknown, known=list(known))
    return [{"name": name, "kind": known[name].kind, "order": list(known[name].order or [])} for name in names]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """What a guarantee adds to the order of an included run: the lot that pays for it, and the file to train on."""

    guarantee: UUID
    funding_lot: UUID
    tickets_file: str


@one_transaction
def order_run(
    *,
    organisation: Organisation,
    quote: UUID,
    who: str,
    now: datetime,
    asked_at: datetime | None = None,
    inclusion: Inclusion | None = None,
    knows_no_gain: bool = False,
    refuses_equal: bool = False,
) -> Run:
    """The run that `quote` offers, queued, with its credits held: both or neither. Ordering a quote again returns the
    same run. Above what the organisation lets pass unasked it waits for approval, and is due from then on.

    The quote must be good at `asked_at`, when somebody said yes to it: now, if left out. `inclusion` is the guarantee's
    alone (`included.py`). `knows_no_gain`: whoever orders was told that Maximum is not expected to gain, where it is
    not, and wants it all the same. `refuses_equal`: just what was ordered within a day is asked about.

    Raises EqualOrder, NotFound (also for another organisation's quote), QuoteExpired, TicketsDeleted, ModeNotInTier
    (the tier fell since the quote), NoGainExpected, OrganisationSuspended, SpendLimitReached (the month's credits of
    whoever orders) and InsufficientCredits, which says what is missing and which packages cover it.
    """
    offered = Quote.objects.select_related("data_set").filter(id=quote, organisation=organisation).first()
    if offered is None:
        raise NotFound("quote")
    if ordered := Run.objects.filter(quote=offered).first():
        return ordered
    require_open(offered, now=asked_at or now)
    mode, delivery = Mode(offered.mode), Delivery(offered.delivery)
    book = billing.price_book()
    readiness.require(mode)
    pricing.require_mode(book, tier=billing.tier_of(organisation), mode=mode)
    if mode is Mode.MAXIMUM and inclusion is None and not knows_no_gain:
        refuse_unknowing(offered)
    due_at = pricing.due_at(book.promises[mode, delivery], ordered_at=now, zone=organisation.zone)
    # Two orders of one organisation take their numbers one after the other; other organisations do not wait.
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    # Whoever suspends the organisation holds the same lock.
    refuse_suspended(organisation)
    # Whoever deletes tickets holds the same lock, and has made sure that no run needs them.
    offered.data_set.refresh_from_db(fields=["deleted_at"])
    offered.data_set.require_tickets()
    # The other order of this very quote may have been the one we waited for.
    if ordered := Run.objects.filter(quote=offered).first():
        return ordered
    if refuses_equal:
        refuse_equal(offered, now=now)
    number = (Run.objects.filter(organisation=organisation).aggregate(last=Max("number"))["last"] or 0) + 1
    run = Run(organisation=organisation, number=number, quote=offered, data_set=offered.data_set)
    if inclusion is None:
        require_within_limit(organisation, who=who, credits=offered.credits, now=now)
        # What a bank takes back is taken before a run can; an included run has done so before its grant.
        billing_operations.collect_before_spending(organisation, now=now)
        run.approval_until = needed_until(organisation, credits=offered.credits, now=now)
    waits = (run.approval_until - now) if run.approval_until else timedelta(0)
    held = _place_hold(run, offered=offered, deadline_at=due_at + waits + hold_outlives_due_time_by, now=now)
    run.model_name, run.attributes = offered.model_name, offered.attributes
    run.mode, run.delivery, run.reason = offered.mode, offered.delivery, offered.reason
    run.credits, run.hold = offered.credits, held
    if inclusion is not None:
        run.guarantee_id, run.funding_lot = inclusion.guarantee, inclusion.funding_lot
        run.tickets_file = inclusion.tickets_file
    run.ordered_by, run.ordered_at, run.queued_at, run.due_at = who, now, now, due_at
    take_place(run, now=now)
    if run.approval_until:
        run.status, run.approval = RunStatus.AWAITING_APPROVAL, Approval.WAITING
        run.expected_start_at = run.expected_finish_at = None
    run.save(force_insert=True)
    why = Fact("run.ordered", {"credits": offered.credits})
    record(run, move=arrow("", run.status), who=who, why=why, now=now, quote=str(offered.id), to=run.status)
    if run.approval_until:
        tell_approvers(run, now=now)
    return run


equal_within = timedelta(days=1)


def refuse_equal(offered: Quote, *, now: datetime) -> None:
    """Raises EqualOrder where a run of just this was ordered within a day: the same version of tickets, attributes,
    mode, name and reason. One that failed or was cancelled, and cost nothing, is none."""
    since = Run.objects.filter(
        organisation=offered.organisation_id,
        data_set=offered.data_set_id,
        mode=offered.mode,
        model_name=offered.model_name,
        reason=offered.reason,
        ordered_at__gt=now - equal_within,
    ).exclude(status__in=[RunStatus.FAILED, RunStatus.CANCELLED])
    names = {attribute["name"] for attribute in offered.attributes}
    for number, attributes, at in since.order_by("-number").values_list("number", "attributes", "ordered_at"):
        if {attribute["name"] for attribute in attributes} == names:
            raise EqualOrder("run", run=number, minutes=minutes_since(at, now=now))


def refuse_unknowing(offered: Quote) -> None:
    """Raises NoGainExpected where the trial of Maximum on these tickets gained nothing. Reads what is stored."""
    names = [attribute["name"] for attribute in offered.attributes]
    if (found := expected_quality.no_gain_expected(offered.data_set, names)) is not None:
        raise NoGainExpected("order", **found.values)


def refuse_no_signal(offered: Quote) -> None:
    """Raises NothingTells where the trial on these tickets shows of an attribute that nothing in the texts tells it.
    Reads what is stored."""
    names = [attribute["name"] for attribute in offered.attributes]
    if found := expected_quality.warnings(offered.data_set, names):
        raise NothingTells("order", named=[str(one.attribute) for one in found])


def require_open(offered: Quote, *, now: datetime) -> None:
    """Raises QuoteExpired."""
    if not pricing.is_open(expires_at=offered.expires_at, now=now):
        raise QuoteExpired("quote", credits=offered.credits, expired_at=offered.expires_at.isoformat())


def _place_hold(run: Run, *, offered: Quote, deadline_at: datetime, now: datetime) -> UUID:
    # Without the model's name: a customer gave it, and the ledger never forgets.
    what = {"mode": offered.mode, "delivery": offered.delivery, "run": run.number}
    try:
        return ledger.place_hold(
            organisation=offered.organisation_id,
            credits=offered.credits,
            key=f"order:{offered.id}",
            reference=hold_reference(run.id),
            reason=Fact("moved_why.ordered", what),
            deadline_at=deadline_at,
            now=now,
        ).hold
    except InsufficientCredits as refused:
        missing = refused.details["missing"]
        packages = pricing.packages_covering(billing.price_book(), missing)
        enough = all(package.credits >= missing for package in packages)
        raise InsufficientCredits(
            "covered" if enough else "covered_twice",
            **refused.details,
            covering=[
                Fact("package", {"package": package.title, "price": plain(package.price)}) for package in packages
            ],
            packages=[
                {"credits": p.credits, "price_cents": p.price.cents, "currency": p.price.currency} for p in packages
            ],
        ) from refused
