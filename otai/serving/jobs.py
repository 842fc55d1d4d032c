"""What this room leaves to jobs (`otai.jobs`): the next version of a data set, a look at a model's newest tickets, and
the search for what goes with tickets that are deleted. Each reads every ticket of a data set, however many there are.

asked = ask_to_merge(organisation=..., name="support", ...)   # nothing is read yet
job = jobs.wait(asked, seconds=10)                            # or None: to its end
refuse_if_failed(job); job.result
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from otai.errors import NotFound, Refused
from otai.jobs import operations as jobs
from otai.jobs import queries as job_queries
from otai.jobs.folders import arrivals_folder
from otai.jobs.models import Job
from otai.jobs.operations import Asked
from otai.jobs.work import JobKind, JobLane, JobOutcome, ResultOnly
from otai.learning.data.profile import Profile
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.serving import deletion, feedback, queries
from otai.serving.advice import looks
from otai.serving.deletion import COMPARED
from otai.serving.looking import LookResult
from otai.serving.models import ChangeKind, Feedback, ModelVersion
from otai.serving.review import versions as review_versions
from otai.serving.work import ASKED, SAID, STAGED, lines_of
from otai.tickets import queries as tickets
from otai.tickets.files import file_store
from otai.tickets.formats_of_before import made_as_of
from otai.tickets.jobs import LOOK, NEXT_VERSION, long_bounds
from otai.tickets.models import DataSet
from otai.tickets.relabelling import Renamed, plan
from otai.tickets.ticket_index.keeping import StoredVersion, keep_index, put_version
from otai.tickets.versions import (
    CUT,
    UNCUT_AGAIN,
    ChangeInvalid,
    LabelChange,
    LabelNames,
    base_version,
    given_away,
    save_next_version,
)
from otai.words.sentences import Fact

if TYPE_CHECKING:
    from otai.learning.evidence.comparison import Comparison

ROWS_AT_ONCE = 1_000


class ChangedMeanwhile(Refused):
    """Somebody else made a version in between; theirs would be lost. Ask again: the change is then made to the
    newest."""

    code = "data_set_busy"


class MadeVersion:
    """What was staged becomes the next version of its data set, unless somebody made one meanwhile."""

    def store(self, outcome: JobOutcome) -> StoredVersion:
        """The staged tickets and their index as files of the store, before the transaction that names them."""
        return put_version(outcome.folder / STAGED, outcome.organisation)

    def record(self, outcome: JobOutcome, stored: StoredVersion) -> dict[str, Any]:
        """The next version, with what was changed in it; within the job's transaction. Raises ChangedMeanwhile where
        another version was made since the job began."""
        spec, values = outcome.spec, outcome.values
        base = DataSet.objects.get(id=spec["data_set"])
        if _newest(base) != spec["newest"]:
            raise ChangedMeanwhile("busy", name=base.name)
        quotas.require(base.organisation_id, Quota.STORAGE, more=stored.tickets.bytes)
        # A release before asked for it with a sentence.
        made_as = Fact.from_dict(spec["made_as"]) if "made_as" in spec else made_as_of(spec["what"])
        profile = Profile.from_dict(values["profile"])
        made = save_next_version(base, stored.tickets, profile, made_as=made_as, now=outcome.now)
        keep_index(made, stored.index, now=outcome.now)
        if spec["change"] is not None:
            feedback.record_changes(
                made,
                base,
                [LabelChange(**one) for one in values["changes"]],
                changed=values["changed"],
                added=values["added"],
                kind=ChangeKind(spec["change"]),
                by=spec["by"],
                why=spec["why"],
                now=outcome.now,
            )
        if not review_versions.mark(spec.get("answers", ()), made):
            raise ChangedMeanwhile("busy", name=base.name)
        if spec["source"]:
            self._mark_merged([line[0] for line in lines_of(outcome.folder / "source")], made)
        return {"data_set": str(made.id), "changed": values["changed"], "added": values["added"]}

    def _mark_merged(self, statements: Sequence[str], made: DataSet) -> None:
        for start in range(0, len(statements), ROWS_AT_ONCE):
            part = Feedback.objects.filter(id__in=statements[start : start + ROWS_AT_ONCE], merged_into=None)
            if part.filter(withdrawn_at__isnull=False).exists():
                # It is in what was staged: without it, the version is made anew.
                raise ChangedMeanwhile("busy", name=made.name)
            part.update(merged_into=made)

    def done(self, outcome: JobOutcome) -> None:
        """Nothing is left to do once the version is there."""

    def discard(self, stored: StoredVersion) -> None:
        """Deletes the stored files of a version that was not made."""
        stored.delete()


class Looked(ResultOnly):
    """What a look found becomes advice, unless the version or its tickets are gone meanwhile."""

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        version = (
            ModelVersion.objects.filter(id=outcome.spec["version"]).select_related("model", "run__data_set").first()
        )
        newest = DataSet.objects.filter(id=outcome.spec["newest"], deleted_at=None).first()
        if version is None or (outcome.spec["newest"] and newest is None):
            raise NotFound("model")
        given = looks.settle(version, newest, LookResult(**outcome.values), now=outcome.now)
        return {"model": str(version.model_id), "advice": [str(one.id) for one in given]}


class ComparisonKept(ResultOnly):
    """A comparison names labels: of a model that is gone meanwhile nothing is kept."""

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        version = ModelVersion.objects.filter(id=outcome.spec["version"]).first()
        if version is None:
            raise NotFound("model")
        return {"model": str(version.model_id), "comparison": outcome.values}


class Deleted(ResultOnly):
    """What has the tickets' texts is known now; all of it goes, with the tickets."""

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        spec = outcome.spec
        organisation = Organisation.objects.get(id=outcome.organisation)
        going, forgotten = deletion.delete_rows(
            organisation=organisation,
            data_sets=list(DataSet.objects.filter(organisation=organisation, id__in=spec["data_sets"])),
            same=(outcome.values[SAID], outcome.values[ASKED]),
            who=spec["by"],
            now=outcome.now,
            with_models=spec["with_models"],
            job=outcome.job,
        )
        outcome.notes["forgotten"] = forgotten
        return {"data_sets": list(going.data_sets), "tickets": going.tickets, "models": list(going.models)}

    def done(self, outcome: JobOutcome) -> None:
        deletion.delete_traces(outcome.organisation, outcome.notes["forgotten"], now=outcome.now)


_WORK = "otai.serving.work"
VERSION = JobKind(NEXT_VERSION, f"{_WORK}:next_version", JobLane.LONG, long_bounds, MadeVersion())
CUTTING = JobKind(NEXT_VERSION, f"{_WORK}:cut_version", JobLane.LONG, long_bounds, MadeVersion())
LOOKING = JobKind(LOOK, f"{_WORK}:look_at_model", JobLane.LONG, long_bounds, Looked())
SAME_TEXTS = JobKind("same_texts", f"{_WORK}:same_texts", JobLane.QUICK, long_bounds, ResultOnly())
"""Somebody waits for it, before anything is deleted."""
COMPARISON = JobKind(COMPARED, f"{_WORK}:compare_versions", JobLane.QUICK, long_bounds, ComparisonKept())
"""Somebody waits for it, too."""
DELETION = JobKind("deletion", f"{_WORK}:same_texts", JobLane.LONG, long_bounds, Deleted())


def ask_to_merge(*, organisation: Organisation, name: str, by: str, now: datetime, why: str = "") -> Asked:
    """`feedback.merge` as a job. Raises NotFound, NothingToMerge and TooManyJobs."""
    base, waiting = feedback.to_merge(organisation, name)
    statements = ([s.id, s.ticket, s.text, s.language, s.attribute, s.labels] for s in map(feedback.statement, waiting))
    with _lines(statements) as source:
        return _ask_for_version(
            base, made_as=feedback.merged(name), change=ChangeKind.FEEDBACK, by=by, now=now,
            why=why, source=source,
        )  # fmt: skip


def ask_to_correct(
    *,
    data_set: DataSet,
    labels: Sequence[tuple[str, str, LabelNames]],
    by: str,
    now: datetime,
    why: str = "",
) -> Asked:
    """`feedback.correct_labels` as a job. Raises TicketsDeleted and TooManyJobs; ChangeInvalid is the job's to say."""
    return _ask_for_version(
        data_set, made_as=feedback.CORRECTED, change=ChangeKind.LABELS_CORRECTED, by=by, now=now, why=why,
        labels=[[ticket, attribute, list(found)] for ticket, attribute, found in labels],
    )  # fmt: skip


def ask_to_apply_review(*, data_set: DataSet, by: str, now: datetime, why: str = "") -> Asked:
    """The next version with all that was decided of labels that looked wrong, as a job. Where an answer changes
    meanwhile, nothing is made (ChangedMeanwhile). Raises ChangeInvalid where nothing waits, QuotaReached,
    TicketsDeleted and TooManyJobs."""
    waiting = review_versions.changes_waiting(data_set)
    if not waiting.count:
        raise ChangeInvalid("nothing_decided", data_set=str(waiting.data_set))
    named: dict[str, Any] = {
        "made_as": feedback.LOOKED_THROUGH, "change": ChangeKind.LABELS_CORRECTED, "by": by, "why": why, "now": now,
        "labels": [[ticket, attribute, list(found)] for (ticket, attribute), found in waiting.labels.items()],
        "more": {"answers": [[str(row.id), row.decided_at.isoformat()] for row in waiting.rows if row.decided_at]},
    }  # fmt: skip
    if not waiting.statements:
        return _ask_for_version(waiting.data_set, **named)
    said = ([s.id, s.ticket, s.text, s.language, s.attribute, s.labels] for s in waiting.statements)
    with _lines(said) as source:
        return _ask_for_version(waiting.data_set, source=source, **named)


def ask_to_map(*, data_set: DataSet, mapping: Mapping[str, Renamed], by: str, now: datetime, why: str = "") -> Asked:
    """`feedback.map_labels` as a job. Raises ChangeInvalid, TicketsDeleted and TooManyJobs."""
    planned = {one.attribute: one.renamed for one in plan(data_set, mapping)}
    return _ask_for_version(
        data_set, made_as=feedback.RENAMED, change=ChangeKind.LABELS_MAPPED, by=by, now=now, why=why, mapping=planned
    )


def ask_to_cut(*, data_set: DataSet, by: str, now: datetime) -> Asked:
    """`versions.without_given_lines` as a job, which also looks for the lines where the import found none. Raises
    TicketsDeleted and TooManyJobs; ChangeInvalid is the job's to say."""
    found = given_away(data_set)
    given = None if found is None else {"lines": sorted(found[0]), "phrases": sorted(found[1])}
    return _ask_for_version(
        data_set, made_as=CUT, change=None, by=by, now=now, why="", kind=CUTTING, more={"given": given}
    )


def ask_to_uncut(*, data_set: DataSet, by: str, now: datetime) -> Asked:
    """`versions.with_texts_uncut` as a job. Raises TicketsDeleted and TooManyJobs; ChangeInvalid is the job's to
    say."""
    return _ask_for_version(
        data_set, made_as=UNCUT_AGAIN, change=None, by=by, now=now, why="", kind=CUTTING, more={"uncut": True}
    )


def _newest(base: DataSet) -> str | None:
    found = tickets.data_sets(base.organisation, newest_only=True).filter(name=base.name).first()
    return None if found is None else str(found.id)


def _ask_for_version(
    base: DataSet,
    *,
    made_as: Fact,
    change: ChangeKind | None,
    by: str,
    why: str,
    now: datetime,
    labels: Sequence[Any] = (),
    mapping: Mapping[str, Renamed] | None = None,
    source: Path | None = None,
    kind: JobKind = VERSION,
    more: Mapping[str, Any] | None = None,
) -> Asked:
    base.require_tickets()
    # Known before anything is read; what others bring meanwhile is counted when the rows are written.
    quotas.refuse_full(base.organisation_id, Quota.STORAGE)
    spec: dict[str, Any] = {
        "data_set": str(base.id),
        "base": base_version(base).as_dict(),
        "labels": list(labels),
        "mapping": mapping or {},
        "given": None,
        "uncut": False,
        "answers": [],
        "newest": _newest(base),
        "source": None,
        "made_as": made_as.as_dict(),
        "change": None if change is None else change.value,
        "by": by,
        "why": why,
        **(more or {}),
    }
    return jobs.ask(
        organisation=base.organisation, kind=kind, spec=spec, subject=str(base), who=by, now=now, source=source
    )


def ask_to_look(*, organisation: Organisation, name: str, who: str, now: datetime) -> Asked | None:
    """`advice.check` as a job; its result says which advice is open then. None: nothing is new, so that nothing needs
    to be read, and nothing is advised. Raises NotFound and TooManyJobs."""
    version = queries.version(organisation, name)
    newest = looks.newest_of(organisation, version)
    if not looks.anything_new(version, newest, now=now):
        return None
    spec = {
        "version": str(version.id),
        "newest": str(newest.id) if newest is not None else None,
        "bundle": str(file_store().local_path(version.bundle_file)),
        "facts": dataclasses.asdict(looks.facts_of(version, newest, now=now)),
    }
    with _lines(looks.seen_of(version, now=now)) as source:
        return jobs.ask(
            organisation=organisation, kind=LOOKING, spec=spec, subject=str(newest or version), who=who, now=now,
            source=source,
        )  # fmt: skip


def ask_what_goes(*, organisation: Organisation, data_sets: Sequence[DataSet], who: str, now: datetime) -> Asked | None:
    """The search for feedback and kept tickets with the text of one of these; `same_texts_of` its job, for
    `what_goes_with_tickets`.

    None: there is nothing to compare with. An answer of today to the same question is given again.
    """
    if not deletion.has_texts_to_compare(organisation, data_sets):
        return None
    return _ask_for_same_texts(SAME_TEXTS, organisation, data_sets, {}, who=who, now=now, answered_is_enough=True)


def ask_to_delete(
    *, organisation: Organisation, data_sets: Sequence[DataSet], who: str, now: datetime, with_models: bool = False
) -> Asked | None:
    """`delete_tickets` as a job. None where there is nothing to compare with: then it reads no ticket, and is done at
    once by whoever asks.

    Raises DataSetInUse where a run is open now, and TooManyJobs.
    """
    if not deletion.has_texts_to_compare(organisation, data_sets):
        return None
    deletion.require_no_open_run(organisation, data_sets)
    more = {"data_sets": sorted(str(one.id) for one in data_sets), "by": who, "with_models": with_models}
    return _ask_for_same_texts(DELETION, organisation, data_sets, more, who=who, now=now)


def _ask_for_same_texts(
    kind: JobKind,
    organisation: Organisation,
    data_sets: Sequence[DataSet],
    more: Mapping[str, Any],
    *,
    who: str,
    now: datetime,
    answered_is_enough: bool = False,
) -> Asked:
    going, others = deletion.going_and_others(organisation, data_sets)
    spec = {
        "going": [str(file_store().local_path(one.file)) for one in going],
        "others": [str(file_store().local_path(one.file)) for one in others],
        **more,
    }
    with _lines(deletion.texts_of(organisation)) as source:
        return jobs.ask(
            organisation=organisation, kind=kind, spec=spec, subject=", ".join(map(str, going)), who=who, now=now,
            source=source, answered_is_enough=answered_is_enough,
        )  # fmt: skip


def same_texts_of(job: Job) -> tuple[list[UUID], list[UUID]]:
    """What a finished search found of the same texts: the ids of feedback, and of tickets kept of what models were
    asked."""
    assert job.kind == SAME_TEXTS.name and job.result is not None
    return [UUID(id) for id in job.result[SAID]], [UUID(id) for id in job.result[ASKED]]


def ask_to_compare(*, older: ModelVersion, newer: ModelVersion, who: str, now: datetime) -> Asked:
    """`cards.comparison` as a job, which reads what both models keep of the tickets that they were measured on;
    `comparison_of` its job. An answer of today is given again. Raises FileStoreUnavailable and TooManyJobs."""
    spec = {
        "older": str(file_store().local_path(older.bundle_file)),
        "newer": str(file_store().local_path(newer.bundle_file)),
        "version": str(newer.id),
    }
    return jobs.ask(
        organisation=newer.model.organisation, kind=COMPARISON, spec=spec, subject=str(newer), who=who, now=now,
        answered_is_enough=True,
    )  # fmt: skip


def comparison_of(job: Job) -> Comparison:
    """What a finished comparison of two versions found."""
    from otai.learning.evidence.comparison import Comparison

    assert job.kind == COMPARISON.name and job.result is not None
    return Comparison.from_dict(job.result["comparison"])


REFUSALS = (ChangeInvalid, ChangedMeanwhile, quotas.QuotaReached, deletion.DataSetInUse, deletion.ModelInUse)


def refuse_if_failed(job: Job) -> None:
    """Raises why the job came to nothing: what the work refused (ChangeInvalid ...), or how its process ended."""
    job_queries.refuse_if_failed(job, REFUSALS)


@contextmanager
def _lines(rows: Iterable[Any]) -> Iterator[Path]:
    """A file with a line of JSON for each; it goes afterwards, the job has its own by then."""
    with tempfile.TemporaryDirectory(dir=arrivals_folder(), prefix="rows-") as folder:
        path = Path(folder) / "rows.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, default=str) + "\n")
        yield path
