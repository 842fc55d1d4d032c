"""All that others read of guarantees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from otai.billing import queries as billing
from otai.errors import NotFound, Refused
from otai.learning.evidence.acceptance import Criterion, Outcome
from otai.orgs import queries as orgs
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier, VerdictRule
from otai.runs.guarantee import files, holdout
from otai.runs.guarantee_status import GuaranteeOccurrence, GuaranteeStatus
from otai.runs.models import Guarantee, GuaranteeEvent, Run
from otai.runs.status import RunStatus
from otai.tickets.files import file_store
from otai.tickets.models import DataSet
from otai.words.explained import arrow


def levels_reached(tiers: Iterable[Tier]) -> list[Tier]:
    """The tiers that were a rise when they came, in order: each includes a guarantee. Falling to a lower tier reaches
    nothing."""
    order = list(Tier)
    reached: list[Tier] = []
    for tier in tiers:
        if not reached or order.index(tier) > order.index(reached[-1]):
            reached.append(tier)
    return reached


def guarantees(organisation: Organisation) -> QuerySet[Guarantee]:
    """Those that were opened so far, the highest level last."""
    found = Guarantee.objects.filter(organisation=organisation).select_related("data_set", "run", "improvement_run")
    return found.order_by("opened_at", "id")


class NoGuarantee(Refused):
    code = "no_guarantee"


def guarantee(organisation: Organisation, tier: Tier | None = None) -> Guarantee:
    """That of the tier, or of the highest level reached. Raises NotFound. `operations.open_guarantees` opens what is
    due."""
    found = guarantees(organisation)
    chosen = found.filter(tier=tier).first() if tier else found.last()
    if chosen is None:
        which = f"in {tier.title}" if tier else "yet"
        raise NotFound("guarantee_of", tier=which, organisation=organisation.slug)
    return chosen


def due_levels(organisation: Organisation) -> list[Tier]:
    """The tiers that the organisation has reached and that bring it a guarantee: not before its founder's mail address
    is confirmed, and not where another organisation of the same person or company had that tier's
    (docs/policies.md)."""
    if orgs.waits_for_confirmation(organisation.id):
        return []
    others = {other for ids in orgs.others_by_founder(organisation.id).values() for other in ids}
    had = set(Guarantee.objects.filter(organisation__in=others).values_list("tier", flat=True))
    return [tier for tier in levels_reached(billing.tiers_reached(organisation)) if tier.value not in had]


def waiting() -> QuerySet[Guarantee]:
    """Criteria that wait for an operator's yes, and fees that wait for a look, the oldest proposal first."""
    asked = Q(waits_for_operator=True) | Q(status=GuaranteeStatus.IN_REVIEW)
    found = Guarantee.objects.filter(asked).select_related("organisation", "data_set", "run", "improvement_run")
    return found.order_by("proposed_at", "id")


def criteria(guarantee: Guarantee) -> list[Criterion]:
    """What was proposed or agreed, as values."""
    return [Criterion.from_dict(one) for one in guarantee.criteria]


def events(guarantee: Guarantee) -> QuerySet[GuaranteeEvent]:
    """What happened, oldest first."""
    return guarantee.events.order_by("id")


def why_declined(guarantee: Guarantee) -> str:
    """An operator's reason where they declined the criteria that stand, or the fee; else nothing."""
    last = events(guarantee).last()
    declined = (GuaranteeOccurrence.CRITERIA_DECLINED, arrow(GuaranteeStatus.IN_REVIEW, GuaranteeStatus.DECLINED))
    return last.why_as_text if last is not None and last.move in declined else ""


def corrections(guarantee: Guarantee) -> tuple[holdout.Relabelled, ...]:
    """Labels of the tickets to measure on that count corrected in the improvement run. Reads the labels of these
    tickets, and nothing else."""
    run = guarantee.improvement_run
    gone = ("", files.TICKETS_DELETED)
    if run is None or guarantee.holdout_file in gone or run.tickets_file in gone:
        return ()
    names = [attribute["name"] for attribute in run.attributes]
    return holdout.corrections_of(files.path_of(guarantee.holdout_file), files.path_of(run.tickets_file), names=names)


def corrected_labels(guarantee: Guarantee) -> int:
    """How many these are, as it was written down when the improvement run was ordered. Reads no file."""
    run = guarantee.improvement_run
    if run is None or guarantee.holdout_file in ("", files.TICKETS_DELETED) or run.data_set.deleted_at is not None:
        return 0
    ordered = events(guarantee).filter(details__run=run.number, details__has_key="corrected_labels").last()
    return int(ordered.details["corrected_labels"]) if ordered is not None else 0


def measured_again(guarantee: Guarantee) -> dict[str, list[Outcome]]:
    """Both included versions on the labels that count now, and on those that were agreed: `"first"`, `"improvement"`,
    `"first, as agreed"`, `"improvement, as agreed"`. Empty where no label was corrected. Loads both models."""
    from otai.learning.evidence.measuring import measure
    from otai.learning.model.bundle import Bundle

    corrected = corrections(guarantee)
    if not corrected:
        return {}
    held = files.table_at(guarantee.holdout_file)
    tables = {"": holdout.with_corrections(held, corrected), ", as agreed": held}
    by_bound = guarantee.verdict_rule == VerdictRule.LOWER_BOUND
    again = {}
    for name, run in (("first", guarantee.run), ("improvement", guarantee.improvement_run)):
        if run is None or not run.bundle_file:
            continue
        bundle = Bundle.load(file_store().local_path(run.bundle_file))
        for suffix, table in tables.items():
            again[name + suffix] = measure(
                bundle, holdout.labelled_tickets(table), criteria(guarantee), by_bound=by_bound
            )
    return again


@dataclass(frozen=True, slots=True)
class Likely:
    """What one attribute reached when it was last trained on tickets of this name, and what more tickets would bring.
    Estimates as dicts with `value`, `low` and `high`; `forecasts` as the report card has them."""

    attribute: str
    run: int
    mode: str
    accuracy: dict[str, float]
    macro_f1: dict[str, float]
    coverage_at_95_precision: float | None
    forecasts: list[dict[str, Any]]


def likely(data_set: DataSet) -> list[Likely]:
    """What is likely for each attribute, from the newest completed run on any version of the data set; nothing before
    the first one."""
    run = (
        Run.objects.filter(
            organisation_id=data_set.organisation_id, data_set__name=data_set.name, status=RunStatus.COMPLETED
        )
        .order_by("-number")
        .first()
    )
    if run is None:
        return []
    return [
        Likely(
            attribute=found["name"],
            run=run.number,
            mode=run.mode,
            accuracy=found["accuracy"],
            macro_f1=found["macro_f1"],
            coverage_at_95_precision=next(
                (one["coverage"] for one in found["coverage"] if one["target_precision"] == 0.95), None
            ),
            forecasts=(found.get("learning_curve") or {}).get("forecasts", []),
        )
        for found in (run.report_card or {}).get("attributes", [])
    ]


def holdout_csv(guarantee: Guarantee) -> Iterator[str]:
    """The tickets to measure on as CSV text, line by line; a thousand of them are in memory at once. Raises NoGuarantee
    while no criteria were proposed, and TicketsDeleted."""
    if not guarantee.holdout_file:
        raise NoGuarantee("holdout")
    return files.as_csv(files.path_of(guarantee.holdout_file), corrections(guarantee))
