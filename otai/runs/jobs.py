"""What this room leaves to jobs (`otai.jobs`): choosing the tickets that a guarantee is measured on, and telling apart
what an included run learns from. Both read every ticket of a data set.

asked = ask_to_propose(organisation=..., data_set=..., criteria=..., ...)
asked.job, once it is done, has made the proposal; where `asked` is a guarantee, just that was proposed before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from otai.jobs import operations as jobs
from otai.jobs.models import Job
from otai.jobs.operations import Asked
from otai.jobs.work import JobKind, JobLane, JobOutcome
from otai.learning.evidence.acceptance import Criterion
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.runs.guarantee import files, operations
from otai.runs.guarantee.holdout import Chosen, TrainingFile
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee, Quote, Run
from otai.runs.operations import included
from otai.runs.work import STAGED
from otai.tickets import expected_quality
from otai.tickets.erasing import delete_files
from otai.tickets.files import StoredFile, file_store
from otai.tickets.jobs import HOLDOUT, INCLUDED_RUN, attributes_to_try, long_bounds
from otai.tickets.models import DataSet


class _Kept:
    """What the work staged is a file of the guarantee, until the rows that speak of it are not written after all."""

    def store(self, outcome: JobOutcome) -> StoredFile:
        guarantee = UUID(outcome.spec["guarantee"])
        return files.keep(outcome.folder / STAGED, organisation=outcome.organisation, guarantee=guarantee)

    def done(self, outcome: JobOutcome) -> None:
        delete_files()

    def discard(self, stored: StoredFile) -> None:
        file_store().delete(stored.path)


class HoldoutChosen(_Kept):
    """The chosen tickets and the criteria become the guarantee's."""

    def record(self, outcome: JobOutcome, stored: StoredFile) -> dict[str, Any]:
        """The criteria with the tickets that were chosen for them; within the job's transaction. Raises what
        `record_proposal` does."""
        spec = outcome.spec
        proposal = operations.Proposal(
            Guarantee.objects.get(id=spec["guarantee"]),
            DataSet.objects.get(id=spec["data_set"]),
            tuple(Criterion.from_dict(one) for one in spec["criteria"]),
        )
        chosen = Chosen(**outcome.values["chosen"])
        if expected := outcome.values["expected"]:
            expected_quality.keep(proposal.data_set, expected, now=outcome.now)
        found = operations.record_proposal(proposal, chosen, stored, who=spec["by"], now=outcome.now)
        return {"guarantee": str(found.id), "data_set": spec["data_set"]}


class IncludedRunOrdered(_Kept):
    """The run is ordered: the customer said yes when the job was asked for, and it costs them nothing."""

    def record(self, outcome: JobOutcome, stored: StoredFile) -> dict[str, Any]:
        """The guarantee's run, ordered with the file that was written for it; within the job's transaction. Raises what
        `record_order` does."""
        spec = outcome.spec
        wanted = included.WantedRun(
            Guarantee.objects.get(id=spec["guarantee"]),
            Quote.objects.select_related("data_set").get(id=spec["quote"]),
            GuaranteeStatus(spec["to"]),
            spec["measured_on"],
        )
        run = included.record_order(
            wanted,
            TrainingFile(**outcome.values),
            stored,
            who=spec["by"],
            now=outcome.now,
            # The quote was good when they said yes to it, however long the job waited for its turn.
            asked_at=Job.objects.get(id=outcome.job).asked_at,
        )
        return {"run": run.number, "data_set": str(run.data_set_id)}


_WORK = "otai.runs.work"
PROPOSING = JobKind(HOLDOUT, f"{_WORK}:choose_holdout", JobLane.LONG, long_bounds, HoldoutChosen())
ORDERING = JobKind(INCLUDED_RUN, f"{_WORK}:training_file", JobLane.LONG, long_bounds, IncludedRunOrdered())


def ask_to_propose(
    *,
    organisation: Organisation,
    data_set: DataSet,
    criteria: Sequence[Criterion],
    who: str,
    now: datetime,
    tier: Tier | None = None,
) -> Asked | Guarantee:
    """`guarantee.operations.propose` as a job; the guarantee where just this stands already. Raises CriteriaInvalid,
    CriteriaFrozen, TicketsDeleted, NotFound and TooManyJobs; HoldoutImpossible and too few tickets are the job's to
    say."""
    proposal = operations.checked_proposal(
        organisation=organisation, data_set=data_set, criteria=criteria, now=now, tier=tier
    )
    if proposal.stands:
        return proposal.guarantee
    spec = {
        "guarantee": str(proposal.guarantee.id),
        "data_set": str(data_set.id),
        "tickets": str(files.tickets_of(data_set)),
        "criteria": [criterion.as_dict() for criterion in criteria],
        "attributes": [
            [one.name, one.kind.value, list(one.order)] for one in files.specs_of(data_set, proposal.attributes)
        ],
        "try_out": attributes_to_try(data_set) if operations.must_be_tried(data_set) else [],
        "share": operations.holdout_share(),
        "by": who,
    }
    return jobs.ask(organisation=organisation, kind=PROPOSING, spec=spec, subject=str(data_set), who=who, now=now)


def ask_to_order(
    *,
    organisation: Organisation,
    quote: UUID,
    improvement: bool,
    who: str,
    now: datetime,
    tier: Tier | None = None,
) -> Asked | Run:
    """`order_included_run` or `order_improvement_run` as a job; the run where that quote was ordered already. Raises
    what they raise but for HoldoutImpossible, which is the job's to say, and TooManyJobs."""
    to = GuaranteeStatus.IMPROVING if improvement else GuaranteeStatus.TRAINING
    wanted = included.checked_order(organisation=organisation, quote=quote, to=to, now=now, tier=tier)
    if isinstance(wanted, Run):
        return wanted
    parting = included.parting(wanted.guarantee, wanted.quote)
    spec = {
        "guarantee": str(wanted.guarantee.id),
        "quote": str(wanted.quote.id),
        "to": to.value,
        "tickets": str(parting["source"]),
        "held": str(parting["held"]),
        "measured_on": wanted.measured_on,
        "names": parting["names"],
        "own_ids": parting["own_ids"],
        "called": parting["called"],
        "by": who,
    }
    data_set = wanted.quote.data_set
    return jobs.ask(organisation=organisation, kind=ORDERING, spec=spec, subject=str(data_set), who=who, now=now)
