"""All that changes a run: quote, order, progress, cancel, end. One transaction each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from otai.billing import queries as billing
from otai.errors import Invalid, NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.operations import AlreadyRefunded, InsufficientCredits
from otai.orgs.models import Organisation
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.pricing.settlement import Ending, attempt_again, settle
from otai.runs import readiness
from otai.runs.estimates import expected_seconds
from otai.runs.models import Attempt, Event, Quote, Reason, Run
from otai.runs.ordering import Waiting, place
from otai.runs.status import ENDED, MOVES, WORKING, Status, status_after
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet

hold_outlives_due_time_by = timedelta(days=2)
"""A hold's deadline: long after the promise is broken, since the sweep is a safety net, not the way a run ends."""

MODEL_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}"


class QuoteExpired(Refused):
    code = "quote_expired"


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
) -> Quote:
    """A priced offer for a training on `data_set`, good for the price book's `quote_good_for`. Holds nothing.

    Raises UnknownAttribute (not in the data set, or named twice), AttributeCountOutOfRange, ModeNotInTier, NotFound (the data set is not
    the organisation's) and what `readiness.require` raises (a mode whose parts are not installed here).
    """
    if data_set.organisation_id != organisation.id:
        raise NotFound("There is no such data set.")
    if not re.fullmatch(MODEL_NAME_PATTERN, model_name):
        raise InvalidModelName(
            f"The model name {model_name!r} cannot be used: 1 to 100 letters, digits, blanks, dots, hyphens and underscores, beginning "
            "with a letter or digit. For example: support-queue.",
            field="model_name",
        )
    book = billing.price_book()
    tier = billing.tier_of(organisation)
    chosen = _chosen_attributes(data_set, attributes)
    price = pricing.price(book, mode=mode, delivery=delivery, attributes=len(chosen))
    pricing.require_mode(book, tier=tier, mode=mode)
    readiness.require(mode)
    return Quote.objects.create(
        organisation=organisation,
        data_set=data_set,
        model_name=model_name,
        attributes=chosen,
        mode=mode.value,
        delivery=delivery.value,
        reason=reason,
        tier=tier.value,
        price_book=book.version,
        credits=price.credits,
        price_lines=[{"what": line.what, "amount": str(line.amount), "reason": line.reason} for line in price.lines],
        made_at=now,
        due_at=pricing.due_at(book.promises[mode, delivery], ordered_at=now, zone=organisation.zone),
        expires_at=now + book.quote_good_for,
    )


def _chosen_attributes(data_set: DataSet, names: Sequence[str]) -> list[dict[str, Any]]:
    known = {attribute.name: attribute for attribute in tickets.attributes(data_set)}
    if repeated := sorted({name for name in names if list(names).count(name) > 1}):
        raise UnknownAttribute(
            f"{', '.join(repeated)}: named more than once. Name each attribute once.", attributes=repeated
        )
    if unknown := [name for name in names if name not in known]:
        raise UnknownAttribute(
            f"{data_set.name} has no attribute {', '.join(map(repr, unknown))}. It has: {', '.join(known) or 'none'}.",
            unknown=unknown,
            known=list(known),
        )
    return [{"name": name, "kind": known[name].kind, "order": list(known[name].order or [])} for name in names]


def order_run(*, organisation: Organisation, quote: UUID, who: str, now: datetime) -> Run:
    """The run that `quote` offers, queued, with its credits held: both or neither. Ordering a quote again returns the same run.

    Raises NotFound (also for another organisation's quote), QuoteExpired, ModeNotInTier (the tier fell since the quote) and
    InsufficientCredits, which says what is missing and which packages cover it.
    """
    with transaction.atomic():
        offered = Quote.objects.select_related("data_set").filter(id=quote, organisation=organisation).first()
        if offered is None:
            raise NotFound("There is no such quote. Ask for a new one: otai quote.")
        if ordered := Run.objects.filter(quote=offered).first():
            return ordered
        if not pricing.is_open(expires_at=offered.expires_at, now=now):
            raise QuoteExpired(
                f"The quote of {offered.credits} credits stood until {offered.expires_at:%H:%M} UTC. Ask for a new one.",
                expired_at=offered.expires_at.isoformat(),
            )
        mode, delivery = Mode(offered.mode), Delivery(offered.delivery)
        book = billing.price_book()
        pricing.require_mode(book, tier=billing.tier_of(organisation), mode=mode)
        readiness.require(mode)
        due_at = pricing.due_at(book.promises[mode, delivery], ordered_at=now, zone=organisation.zone)
        # Two orders of one organisation take their numbers one after the other; other organisations do not wait.
        Organisation.objects.select_for_update().get(id=organisation.id)
        # The other order of this very quote may have been the one we waited for.
        if ordered := Run.objects.filter(quote=offered).first():
            return ordered
        number = (Run.objects.filter(organisation=organisation).aggregate(last=Max("number"))["last"] or 0) + 1
        run = Run(organisation=organisation, number=number, quote=offered, data_set=offered.data_set)
        held = _place_hold(run, offered=offered, deadline_at=due_at + hold_outlives_due_time_by, now=now)
        run.model_name = offered.model_name
        run.attributes = offered.attributes
        run.mode, run.delivery, run.reason = offered.mode, offered.delivery, offered.reason
        run.credits, run.hold = offered.credits, held
        run.ordered_by, run.ordered_at, run.queued_at, run.due_at = who, now, now, due_at
        _take_place(run, now=now)
        run.save(force_insert=True)
        _record(run, move="-> queued", who=who, why=f"{offered.credits} credits held", now=now, quote=str(offered.id))
    return run


def _place_hold(run: Run, *, offered: Quote, deadline_at: datetime, now: datetime) -> UUID:
    what = f"{Mode(offered.mode).title} {Delivery(offered.delivery).title} training of {offered.model_name} (run {run.number})"
    try:
        return ledger.place_hold(
            organisation=offered.organisation_id,
            credits=offered.credits,
            key=f"order:{offered.id}",
            reference=hold_reference(run.id),
            reason=what,
            deadline_at=deadline_at,
            now=now,
        ).hold
    except InsufficientCredits as refused:
        missing = refused.details["missing"]
        packages = pricing.packages_covering(billing.price_book(), missing)
        covering = " or ".join(f"the {package.title} ({package.price})" for package in packages)
        enough = all(package.credits >= missing for package in packages)
        refused.message = (
            f"This run needs {offered.credits} credits; {refused.details['available']} are available, {missing} are missing. "
            + (f"{covering[0].upper()}{covering[1:]} covers it." if enough else f"Buy {covering} more than once.")
        )
        refused.details["packages"] = [
            {"credits": p.credits, "price_cents": p.price.cents, "currency": p.price.currency} for p in packages
        ]
        raise


def _take_place(run: Run, *, now: datetime) -> None:
    """Sets where the run stands in the queue (ordering.py)."""
    run.expected_seconds = expected_seconds(
        mode=Mode(run.mode), tickets=run.data_set.tickets, attributes=len(run.attributes)
    )
    own_ahead = Run.objects.filter(organisation_id=run.organisation_id, status=Status.QUEUED).exclude(id=run.id).count()
    found = place(
        Waiting(
            delivery=Delivery(run.delivery),
            due_at=run.due_at,
            queued_at=run.queued_at,
            expected_seconds=run.expected_seconds,
            own_ahead=own_ahead,
        ),
        now=now,
    )
    run.lane, run.counts_as_due_at, run.rises_at = found.lane, found.counts_as_due_at, found.rises_at
    run.place_reasons = list(found.reasons)


def hold_reference(run: UUID) -> str:
    return f"run:{run}"


def _record(run: Run, *, move: str, who: str, now: datetime, why: str = "", **details: Any) -> None:
    Event.objects.create(
        run=run, organisation_id=run.organisation_id, at=now, move=move, who=who, why=why, details=details
    )


def _move(run: Run, *, to: Status, who: str, why: str, now: datetime, **changes: Any) -> bool:
    """Moves the run, if it is still where we last saw it and still in the attempt we saw: one compare-and-swap, one event.

    False: someone moved it first, and nothing was written.
    """
    was = Status(run.status)
    assert to in MOVES[was], f"{was} -> {to} is no move"
    moved = Run.objects.filter(id=run.id, status=was, attempt=run.attempt).update(status=to, **changes)
    if not moved:
        return False
    for name, value in {"status": to, **changes}.items():
        setattr(run, name, value)
    _record(run, move=f"{was} -> {to}", who=who, why=why, now=now, attempt=run.attempt)
    return True


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run and the attempt at it that the claiming worker now owns."""

    run: Run
    attempt: Attempt


def begin_attempt(run: Run, *, worker: str, hardware: str, now: datetime) -> Claimed | None:
    """QUEUED -> TRAINING for `worker`. None: another worker was first. Call inside a transaction."""
    number = run.attempt + 1
    began = _move(
        run,
        to=Status.TRAINING,
        who=worker,
        why=f"attempt {number} on {hardware}",
        now=now,
        attempt=number,
        worker=worker,
        heartbeat_at=now,
        started_at=run.started_at or now,
        stage="starting",
        steps_done=0,
        steps_total=0,
    )
    if not began:
        return None
    attempt = Attempt.objects.create(run=run, number=number, worker=worker, hardware=hardware, started_at=now)
    return Claimed(run, attempt)


@transaction.atomic
def record_progress(
    *, run: UUID, attempt: int, stage: str, steps_done: int, steps_total: int, log: str | None, now: datetime
) -> bool:
    """A heartbeat with what has been done. False: the attempt is no longer the run's own (cancelled, or taken over), so stop.

    `log` replaces the attempt's log so far; None leaves it.
    """
    found = Run.objects.filter(id=run, attempt=attempt, status__in=sorted(WORKING)).first()
    if found is None:
        return False
    if stage == "evaluating" and found.status == Status.TRAINING:
        _move(found, to=Status.EVALUATING, who=found.worker, why="training is done", now=now)
    kept = Run.objects.filter(id=run, attempt=attempt, status__in=sorted(WORKING)).update(
        heartbeat_at=now, stage=stage, steps_done=steps_done, steps_total=steps_total
    )
    if log is not None:
        Attempt.objects.filter(run=run, number=attempt).update(log=log)
    return bool(kept)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. For COMPLETED with the stored model and its report card, else with the failure's code and message."""

    ending: Ending
    bundle_file: str = ""
    bundle_sha256: str = ""
    bundle_bytes: int = 0
    report_card: dict[str, Any] | None = None
    failure_code: str = ""
    failure_message: str = ""


class RunMoved(Refused):
    code = "run_moved"


@transaction.atomic
def end_run(*, run: UUID, attempt: int, outcome: Outcome, who: str, log: str | None, now: datetime) -> Run:
    """Ends the attempt and settles the run, or queues it again while attempts remain after a failure of ours.

    The hold is captured or released in the same transaction as the run's ending. Raises RunMoved when the attempt is no longer the run's
    own: it was cancelled, ended or taken over meanwhile, and this result counts for nothing.
    """
    found = Run.objects.select_for_update().filter(id=run).first()
    if found is None:
        raise NotFound("There is no such run.")
    if found.attempt != attempt or found.status not in WORKING:
        raise RunMoved(f"Attempt {attempt} of run {found.number} is no longer its own: the run is {found.status}.")
    closing: dict[str, Any] = {"ended_at": now, "outcome": outcome.failure_code or outcome.ending.value}
    if log is not None:
        closing["log"] = log
    Attempt.objects.filter(run=found, number=attempt, ended_at__isnull=True).update(**closing)
    most_attempts = billing.price_book().system_failure_attempts
    if attempt_again(ending=outcome.ending, attempts=attempt, most_attempts=most_attempts):
        why = f"{outcome.failure_code}: {outcome.failure_message} Attempt {attempt} of {most_attempts}."
        _require_moved(
            _move(found, to=Status.QUEUED, who=who, why=why, now=now, queued_at=now, worker="", stage=""), found
        )
        return found
    if outcome.ending is Ending.COMPLETED and found.status == Status.TRAINING:
        _require_moved(_move(found, to=Status.EVALUATING, who=who, why="training is done", now=now), found)
    _settle(found, outcome=outcome, who=who, now=now)
    return found


def _require_moved(moved: bool, run: Run) -> None:
    if not moved:
        raise RunMoved(f"Run {run.number} was moved by someone else meanwhile.")


def _settle(run: Run, *, outcome: Outcome, who: str, now: datetime) -> None:
    """The last move of a run, and with it the resolution of its hold."""
    settlement = settle(held=run.credits, ending=outcome.ending)
    moved = _move(
        run,
        to=status_after(outcome.ending),
        who=who,
        why=" ".join(filter(None, [outcome.failure_message, settlement.in_words])),
        now=now,
        ended_at=now,
        ending=outcome.ending,
        failure_code=outcome.failure_code,
        failure_message=outcome.failure_message,
        bundle_file=outcome.bundle_file,
        bundle_sha256=outcome.bundle_sha256,
        bundle_bytes=outcome.bundle_bytes,
        report_card=outcome.report_card,
    )
    _require_moved(moved, run)
    resolve = ledger.capture if settlement.capture else ledger.release
    resolve(
        organisation=run.organisation_id,
        hold=run.hold,
        key=f"settle:{run.id}",
        reason=f"Run {run.number}: {settlement.in_words}",
        now=now,
    )


class RunHasEnded(Refused):
    code = "run_has_ended"


@transaction.atomic
def cancel_run(*, organisation: Organisation, number: int, who: str, now: datetime) -> Run:
    """Cancels the run and gives its credits back, whatever a worker is doing with it: the worker finds out at its next heartbeat.

    Raises NotFound and RunHasEnded.
    """
    run = Run.objects.select_for_update().filter(organisation=organisation, number=number).first()
    if run is None:
        raise NotFound(f"There is no run {number}.", number=number)
    if run.status in ENDED:
        raise RunHasEnded(
            f"Run {number} has ended already ({run.status}); there is nothing to cancel.", status=run.status
        )
    Attempt.objects.filter(run=run, number=run.attempt, ended_at__isnull=True).update(
        ended_at=now, outcome=Ending.CANCELLED.value
    )
    _settle(run, outcome=Outcome(Ending.CANCELLED), who=who, now=now)
    return run


REFUNDED = "credits refunded"


class RunNotCharged(Refused):
    code = "run_not_charged"


def refund_run(*, organisation: Organisation, number: int, why: str, who: str, now: datetime) -> Run:
    """Gives back the credits of a completed run found faulty, to the lots they came from, once (policies.md, "Charging a run").

    Raises NotFound, RunNotCharged and AlreadyRefunded.
    """
    if not why.strip():
        raise Invalid("A credit refund needs a reason.", code="reason_missing", field="why")
    with transaction.atomic():
        run = Run.objects.select_for_update().filter(organisation=organisation, number=number).first()
        if run is None:
            raise NotFound(f"There is no run {number}.", number=number)
        if run.status != Status.COMPLETED:
            raise RunNotCharged(f"Run {number} is {run.status}: it was not charged, so there is nothing to refund.")
        if run.events.filter(move=REFUNDED).exists():
            raise AlreadyRefunded(f"The {run.credits} credits of run {number} were given back already.", number=number)
        ledger.credit_refund(
            organisation=organisation.id, hold=run.hold, key=f"refund:{run.id}", reason=f"Run {number}: {why}", now=now
        )
        _record(run, move=REFUNDED, who=who, why=why, now=now, credits=run.credits)
    return run
