"""Tickets are deleted: what trainings and guarantees made of them keeps its figures, and not a word of any ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Length

from otai.learning.evidence.report_card import values_with_names, values_without_labels, values_without_tickets
from otai.orgs.models import Organisation
from otai.runs.events import record
from otai.runs.guarantee import moves as guarantees
from otai.runs.guarantee.files import TICKETS_DELETED
from otai.runs.guarantee_status import BEFORE_THE_RUN, GuaranteeOccurrence, GuaranteeStatus
from otai.runs.models import Attempt, Event, Guarantee, Quote, Run
from otai.runs.status import OPEN, RunOccurrence, RunStatus
from otai.tickets.erasing import forget_names, let_go, names_that_tickets_may_have_said
from otai.tickets.models import DataSet
from otai.words.sentences import Fact

MODEL_DELETED = "deleted"
"""Stands for the file and its hash in a run whose model was deleted: it was made, and is not there any more."""


def made_from(organisation: Organisation | UUID, data_sets: Sequence[UUID]) -> QuerySet[Run]:
    """Runs that learnt from the data sets, or were measured on tickets that a guarantee took from them."""
    found = Run.objects.filter(Q(data_set__in=data_sets) | Q(guarantee__data_set__in=data_sets))
    return found.filter(organisation=organisation).order_by("number")


def open_runs_on(organisation: Organisation, data_sets: Sequence[UUID]) -> list[int]:
    """The numbers of those that wait or train: they need the tickets."""
    return list(made_from(organisation, data_sets).filter(status__in=sorted(OPEN)).values_list("number", flat=True))


@dataclass(frozen=True, slots=True)
class Kept:
    """How much trainings and guarantees keep of tickets, and what will be left of it."""

    runs: int
    report_cards: int
    unordered_quotes: int
    guarantee_tickets: int
    guarantees_given_up: tuple[str, ...]
    """Tiers whose guarantee can be decided no more without the tickets: criteria that were agreed, an improvement that
    is still due."""


def kept_of(organisation: Organisation, data_sets: Sequence[UUID]) -> Kept:
    """What is left of these data sets in runs, quotes and guarantees: what a deletion tells beforehand."""
    runs = made_from(organisation, data_sets)
    held = Guarantee.objects.filter(organisation=organisation, data_set__in=data_sets)
    undecided = {*BEFORE_THE_RUN, GuaranteeOccurrence, GuaranteeStatus.MISSED}
    return Kept(
        runs=runs.count(),
        report_cards=runs.filter(status=RunStatus.COMPLETED).count(),
        unordered_quotes=Quote.objects.filter(data_set__in=data_sets, run=None).count(),
        guarantee_tickets=sum(held.exclude(holdout_file=TICKETS_DELETED).values_list("holdout_tickets", flat=True)),
        guarantees_given_up=tuple(one.tier for one in held.order_by("opened_at") if one.status in undecided),
    )


def forget_tickets(*, organisation: Organisation, data_sets: Sequence[UUID], who: str, now: datetime) -> None:
    """Within the transaction that empties the data sets, which has made sure that no run on them is open."""
    Quote.objects.filter(data_set__in=data_sets, run=None).delete()
    runs = made_from(organisation, data_sets)
    for run in runs.select_for_update(of=("self",), no_key=True).order_by("number"):
        let_go([run.tickets_file.replace(TICKETS_DELETED, ""), run.checkpoint_file], now=now)
        run.tickets_file = run.tickets_file and TICKETS_DELETED
        run.checkpoint_file = ""
        if run.report_card is not None:
            run.report_card = values_without_tickets(run.report_card)
        # What went wrong is said with labels, and by parts that are not ours with anything; the code stays.
        _forget_what_was_said(run)
        if run.failure_message or run.failure:
            run.failure_message, run.failure = "", {}
        run.save(update_fields=["tickets_file", "checkpoint_file", "report_card", "failure_message", "failure"])
        if run.bundle_file in ("", MODEL_DELETED):
            forget_labels(run)
        Attempt.objects.filter(run=run).annotate(length=Length("log")).filter(length__gt=0).update(log="")
        record(run, move=RunOccurrence.TICKETS_DELETED, who=who, now=now)
    for guarantee in Guarantee.objects.select_for_update(of=("self",), no_key=True).filter(
        organisation=organisation, data_set__in=data_sets
    ):
        _forget_held(guarantee, who=who, now=now)
    for data_set in DataSet.objects.filter(id__in=data_sets):
        _forget_names_of(data_set)


WORDS_OF_A_FAILURE = {"failure", "said"}
"""Values of the facts of a failure (`moves.said_by`) that may hold labels."""


def _forget_what_was_said(run: Run) -> None:
    """Of the run's history; the codes stay."""
    for event in Event.objects.filter(run=run):
        values = event.details.get("why", {}).get("values", {})
        if values.keys() & WORDS_OF_A_FAILURE:
            event.details["why"]["values"] = {name: values[name] for name in values.keys() - WORDS_OF_A_FAILURE}
        elif run.failure_message and run.failure_message in event.why:
            # A line of release 0.1, which kept sentences.
            event.why = event.why.replace(run.failure_message, run.failure_code).strip()
        else:
            continue
        event.save(update_fields=["why", "details"])


def forget_models(*, runs: Sequence[UUID], who: str, now: datetime) -> None:
    """The runs' models are deleted: what remains of their evidence are figures, without a word of any ticket. Within a
    transaction."""
    learnt_from = Run.objects.filter(id__in=runs).values("data_set")
    emptied = DataSet.objects.select_for_update(of=("self",), no_key=True).filter(id__in=learnt_from)
    # Before their runs, by the order of docs/ledger.md.
    without_tickets = list(emptied.exclude(deleted_at=None).order_by("id"))
    found = Run.objects.select_for_update(of=("self",), no_key=True).select_related("data_set")
    for run in found.filter(id__in=runs).order_by("number"):
        # Of whatever format the card is: what this release cannot read has words in it all the same.
        run.report_card = values_without_tickets(run.report_card)
        run.bundle_file, run.bundle_sha256, run.bundle_bytes = MODEL_DELETED, MODEL_DELETED, 0
        run.save(update_fields=["bundle_file", "bundle_sha256", "bundle_bytes", "report_card"])
        if run.data_set.deleted_at is not None:
            forget_labels(run)
        record(run, move=RunOccurrence.MODEL_DELETED, who=who, now=now)
    for data_set in without_tickets:
        _forget_names_of(data_set)


def forget_labels(run: Run) -> None:
    """Neither its tickets nor its model are there any more: nobody needs to know what its labels were called."""
    without_order = [{**attribute, "order": []} for attribute in run.attributes]
    card = run.report_card and values_without_labels(values_without_tickets(run.report_card))
    Run.objects.filter(id=run.id).update(attributes=without_order, report_card=card)
    Quote.objects.filter(id=run.quote_id).update(attributes=without_order)


def _forget_names_of(data_set: DataSet) -> None:
    """Names of attributes that may be words of a ticket, once no model that learnt from the data set answers any more:
    from its row, its runs, quotes and guarantees."""
    runs = Run.objects.filter(data_set=data_set)
    if runs.exclude(bundle_file__in=("", MODEL_DELETED)).exists():
        return
    names = names_that_tickets_may_have_said(data_set)
    if not names:
        return
    for run in runs.select_for_update(of=("self",), no_key=True).order_by("number"):
        attributes = [{**one, "name": names.get(one["name"], one["name"])} for one in run.attributes]
        card = run.report_card and values_with_names(run.report_card, names)
        Run.objects.filter(id=run.id).update(attributes=attributes, report_card=card)
        Quote.objects.filter(id=run.quote_id).update(attributes=attributes)
    for guarantee in Guarantee.objects.filter(Q(data_set=data_set) | Q(run__data_set=data_set)):
        guarantee.criteria = _renamed(guarantee.criteria, names)
        guarantee.verdict = _renamed(guarantee.verdict, names)
        guarantee.improvement_verdict = _renamed(guarantee.improvement_verdict, names)
        guarantee.waits_because = _renamed(guarantee.waits_because, names)
        guarantee.save(update_fields=["criteria", "verdict", "improvement_verdict", "waits_because"])
        for event in guarantee.events.all():
            event.details = _renamed(event.details, names)
            event.save(update_fields=["details"])
    forget_names(data_set)


def _renamed(values: Any, names: Mapping[str, str], *, at: str = "") -> Any:
    """Criteria and verdicts with other names of attributes, without the sentences that a release before kept beside
    them (`in_words`)."""
    if isinstance(values, list):
        return [_renamed(one, names, at=at) for one in values]
    if isinstance(values, dict):
        return {name: _renamed(one, names, at=name) for name, one in values.items() if name != "in_words"}
    if at == "attribute":
        return names.get(values, values)
    return values


def _forget_held(guarantee: Guarantee, *, who: str, now: datetime) -> None:
    let_go([guarantee.holdout_file.replace(TICKETS_DELETED, "")], now=now)
    why = Fact("guarantee.tickets_deleted")
    if guarantee.status not in BEFORE_THE_RUN:
        Guarantee.objects.filter(id=guarantee.id).update(holdout_file=TICKETS_DELETED)
        guarantees.record(guarantee, move=GuaranteeOccurrence.TICKETS_DELETED, who=who, why=why, now=now)
        return
    emptied: dict[str, Any] = {
        "criteria": [],
        "proposed_by": "",
        "proposed_at": None,
        "waits_for_operator": False,
        "waits_because": [],
        "data_set": None,
        "holdout_file": "",
        "holdout_sha256": "",
        "holdout_tickets": 0,
        "agreed_by": "",
        "agreed_at": None,
    }
    if guarantee.status == GuaranteeStatus.AGREED:
        guarantees.move(guarantee, GuaranteeStatus.OPEN, who=who, why=why, now=now, **emptied)
    else:
        Guarantee.objects.filter(id=guarantee.id).update(**emptied)
        guarantees.record(guarantee, move=GuaranteeOccurrence.PROPOSAL_WITHDRAWN, who=who, why=why, now=now)
