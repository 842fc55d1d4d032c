"""Tickets are deleted, and models are: each with all that was made from it, and with a word beforehand on what goes and
what stays.

History keeps figures, never content (docs/decisions/0309). Deleting tickets leaves a row with name, counts, hash and
figures, and takes every word of them from wherever it was copied to. A model is a product of its own: it holds no word
of any ticket, but it answers with the names of labels, so those stay in its evidence until it is deleted as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from otai.db import made_at
from otai.errors import NotFound, Refused
from otai.jobs import operations as jobs
from otai.jobs.models import Job
from otai.orgs.models import Organisation
from otai.runs import operations as runs
from otai.runs.guarantee_status import DECIDED
from otai.runs.models import Attempt, Guarantee, Run
from otai.runs.status import OPEN
from otai.serving.models import (
    Advice,
    AdviceCheck,
    DataSetChange,
    Feedback,
    ModelEvent,
    ModelVersion,
    ObservedTicket,
    ReviewItem,
    TrainedModel,
)
from otai.serving.review import versions as review_versions
from otai.serving.work import ASKED, SAID, matching
from otai.tickets import erasing
from otai.tickets import queries as tickets
from otai.tickets.erasure_hooks import forget_elsewhere
from otai.tickets.files import file_store
from otai.tickets.jobs import cancel_jobs_that_make_of, forget_jobs
from otai.tickets.models import DataSet, TicketIndex, UploadPart


class ModelInUse(Refused):
    code = "model_in_use"


@dataclass(frozen=True, slots=True)
class Going:
    """How much of each goes with a model."""

    versions: int
    feedback: int
    kept_tickets: int
    advice: int


def what_goes(model: TrainedModel) -> Going:
    """To be shown before anybody says yes."""
    return Going(
        versions=ModelVersion.objects.filter(model=model).count(),
        feedback=Feedback.objects.filter(version__model=model).count(),
        kept_tickets=ObservedTicket.objects.filter(version__model=model).count(),
        advice=Advice.objects.filter(version__model=model).count(),
    )


COMPARED = "comparison"
"""The kind of a job that compares two versions (`serving.jobs`); its answer names labels."""


def delete_model(*, organisation: Organisation, id: UUID, who: str, now: datetime) -> Going:
    """Deletes the model for good. Raises NotFound, and ModelInUse while a training of it is under way or a guarantee is
    decided by it."""
    with transaction.atomic():
        # The whole row, since it is deleted: whoever is about to refer to it waits, and then finds it gone.
        model = TrainedModel.objects.select_for_update().filter(organisation=organisation, id=id).first()
        if model is None:
            raise NotFound("model")
        _require_unused(model)
        going = _delete_model(model, who=who, now=now)
    # Not before: one that is just being written down finds the model gone by now, or is here.
    answers = Job.objects.filter(organisation=organisation, kind=COMPARED, result__model=str(id))
    jobs.remove_folders(jobs.forget(answers))
    erasing.delete_files()
    erasing.wipe_freed_pages()
    return going


def _delete_model(model: TrainedModel, *, who: str, now: datetime) -> Going:
    going = what_goes(model)
    files = set(ModelVersion.objects.filter(model=model).values_list("bundle_file", flat=True))
    TrainedModel.objects.filter(id=model.id).update(live=None)
    Feedback.objects.filter(version__model=model).delete()
    ObservedTicket.objects.filter(version__model=model).delete()
    AdviceCheck.objects.filter(version__model=model).delete()
    Advice.objects.filter(version__model=model).delete()
    ModelEvent.objects.filter(model=model).delete()
    made_by = list(ModelVersion.objects.filter(model=model).values_list("run", flat=True))
    ModelVersion.objects.filter(model=model).delete()
    model.delete()
    runs.forget_models(runs=made_by, who=who, now=now)
    still_used = set(Run.objects.filter(bundle_file__in=files).values_list("bundle_file", flat=True))
    erasing.let_go(files - still_used, now=now)
    return going


def _require_unused(model: TrainedModel) -> None:
    same_name = Run.objects.filter(organisation_id=model.organisation_id, model_name=model.name)
    if under_way := same_name.filter(status__in=sorted(OPEN)).order_by("number").first():
        raise ModelInUse("run", model=model.name, run=under_way.number)
    promised = Guarantee.objects.filter(run__in=same_name).exclude(status__in=sorted(DECIDED)).first()
    if promised is not None:
        raise ModelInUse("guarantee", tier=promised.tier, model=model.name, guarantee=str(promised.id))


class DataSetInUse(Refused):
    """A run that waits or trains needs the tickets. `runs` names them: cancel them or let them end, then delete."""

    code = "data_set_in_use"


@dataclass(frozen=True, slots=True)
class TicketsGoing:
    """What deleting these data sets takes, what it leaves, and what stands in its way. Counts, but for names of data
    sets and models.

    `said_about_them` are pieces of feedback, and `asked_about` tickets kept from predictions, whose text is one of the
    tickets'. `vectors` go for the whole organisation, since nobody keeps which are whose; they are made again when they
    are needed.
    """

    data_sets: tuple[str, ...]
    tickets: int
    bytes: int
    report_cards: int
    said_about_them: int
    asked_about: int
    changes: int
    guarantee_tickets: int
    guarantees_given_up: tuple[str, ...]
    unordered_quotes: int
    staying_runs: int
    staying_models: tuple[str, ...]
    open_runs: tuple[int, ...]
    elsewhere: dict[str, int] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    """Those that were deleted with them."""


def versions_of(data_set: DataSet) -> list[DataSet]:
    """All versions of its name that have their tickets, oldest first."""
    found = tickets.data_sets(data_set.organisation).filter(name=data_set.name)
    return list(found.order_by("version"))


SameTexts = tuple[Sequence[UUID | str], Sequence[UUID | str]]
"""Ids of the feedback, and of the tickets kept from predictions, that have the text of a ticket that goes."""


def what_goes_with_tickets(
    *, organisation: Organisation, data_sets: Sequence[DataSet], same: SameTexts | None = None
) -> TicketsGoing:
    """To be shown before anybody says yes. Reads the tickets where there is feedback or kept tickets to compare with,
    unless what is the `same` was found out before (`serving.jobs.ask_what_goes`)."""
    said, asked = _same_texts(organisation, data_sets) if same is None else same
    return _going(organisation, data_sets, said, asked)


def delete_tickets(
    *,
    organisation: Organisation,
    data_sets: Sequence[DataSet],
    who: str,
    now: datetime,
    with_models: bool = False,
) -> TicketsGoing:
    """Deletes the tickets of these data sets for good, and on request the models that learnt from them. Data sets whose
    tickets are gone are passed over.

    Raises DataSetInUse while a run on them is open, and ModelInUse (`with_models`); nothing is changed then. Reads the
    tickets in this process where there is feedback or kept tickets to compare with; for the web,
    `serving.jobs.ask_to_delete` does so in a job.
    """
    # Before the transaction: tickets are read for it, which may take minutes.
    same = _same_texts(organisation, data_sets)
    going, forgotten = delete_rows(
        organisation=organisation, data_sets=data_sets, same=same, who=who, now=now, with_models=with_models
    )
    delete_traces(organisation.id, forgotten, now=now)
    return going


def delete_rows(
    *,
    organisation: Organisation,
    data_sets: Sequence[DataSet],
    same: SameTexts,
    who: str,
    now: datetime,
    with_models: bool,
    job: UUID | None = None,
) -> tuple[TicketsGoing, list[UUID]]:
    """The rows of a deletion, in one transaction, and which jobs were forgotten with them (but for `job`, which does
    it). `delete_traces` is next."""
    said, asked = same
    with transaction.atomic():
        cancel_jobs_that_make_of(organisation.id, data_sets)
        # Orders take the same lock: none can come in between.
        Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
        if with_models:
            _lock_models_of(organisation, [one.id for one in data_sets])
        locked = DataSet.objects.select_for_update(of=("self",), no_key=True)
        there = list(
            locked.filter(organisation=organisation, id__in=[one.id for one in data_sets], deleted_at=None).order_by(
                "id"
            )
        )
        ids = [one.id for one in there]
        require_no_open_run(organisation, there)
        going = _going(organisation, there, said, asked)
        models = _models_of(organisation, ids) if with_models else []
        for model in models:
            _require_unused(model)
        for rows, wanted in ((Feedback.objects, said), (ObservedTicket.objects, asked)):
            for start in range(0, len(wanted), 1_000):
                rows.filter(id__in=wanted[start : start + 1_000]).delete()
        _changes(ids).update(changes=[])
        review_versions.forget(organisation, there)
        forgotten = forget_jobs(organisation.id, there, but=job)
        elsewhere = forget_elsewhere(organisation.id, [*ids, *forgotten])
        erasing.empty(there, who=who, now=now)
        runs.forget_tickets(organisation=organisation, data_sets=ids, who=who, now=now)
        for model in models:
            _delete_model(model, who=who, now=now)
    going = dataclasses.replace(going, elsewhere=elsewhere, models=tuple(model.name for model in models))
    return going, forgotten


def delete_everything(*, organisation: Organisation, who: str, now: datetime) -> tuple[TicketsGoing, list[UUID]]:
    """All tickets and models of an organisation that is erased, with all that was said about them. Within a
    transaction, after its runs were cancelled; `delete_traces` is next. Raises DataSetInUse."""
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    models = _lock_all_models(organisation)
    _kept(organisation).delete()
    _feedback(organisation).delete()
    ReviewItem.objects.filter(organisation=organisation).delete()
    data_sets = list(DataSet.objects.filter(organisation=organisation))
    going, forgotten = delete_rows(
        organisation=organisation, data_sets=data_sets, same=([], []), who=who, now=now, with_models=False
    )
    for model in models:
        _delete_model(model, who=who, now=now)
    return dataclasses.replace(going, models=tuple(model.name for model in models)), forgotten


def delete_traces(organisation: UUID, forgotten: Sequence[UUID], *, now: datetime) -> None:
    """What is no row: files of tickets and models, what forgotten jobs left on this machine, pages that the database
    freed."""
    erasing.delete_files()
    jobs.remove_folders(forgotten)
    erasing.forget_on_this_machine(organisation, before=now)
    erasing.wipe_freed_pages()


def require_no_open_run(organisation: Organisation, data_sets: Sequence[DataSet]) -> None:
    """Raises DataSetInUse."""
    if waiting := runs.open_runs_on(organisation, [one.id for one in data_sets]):
        raise DataSetInUse("runs", count=len(waiting), name=_listed(data_sets), runs=waiting)


def _going(
    organisation: Organisation, data_sets: Sequence[DataSet], said: Sequence[UUID | str], asked: Sequence[UUID | str]
) -> TicketsGoing:
    there = [one for one in data_sets if one.deleted_at is None]
    ids = [one.id for one in there]
    kept = runs.kept_of(organisation, ids)
    return TicketsGoing(
        data_sets=tuple(str(one) for one in there),
        tickets=sum(one.tickets for one in there),
        bytes=sum(one.bytes for one in there),
        report_cards=kept.report_cards,
        said_about_them=len(said),
        asked_about=len(asked),
        changes=_changes(ids).count(),
        guarantee_tickets=kept.guarantee_tickets,
        guarantees_given_up=kept.guarantees_given_up,
        unordered_quotes=kept.unordered_quotes,
        staying_runs=kept.runs,
        staying_models=tuple(model.name for model in _models_of(organisation, ids)),
        open_runs=tuple(runs.open_runs_on(organisation, ids)),
    )


def _listed(data_sets: Sequence[DataSet]) -> str:
    return ", ".join(str(one) for one in data_sets) or "This data set"


def _changes(data_sets: Sequence[UUID]) -> QuerySet[DataSetChange]:
    """What says of single tickets how their labels changed, from or to one of these."""
    return DataSetChange.objects.filter(Q(data_set__in=data_sets) | Q(base__in=data_sets)).exclude(changes=[])


def _models_of(organisation: Organisation, data_sets: Sequence[UUID]) -> list[TrainedModel]:
    made_by = runs.made_from(organisation, data_sets).values("id")
    found = TrainedModel.objects.filter(organisation=organisation, versions__run__in=made_by).distinct()
    return list(found.order_by("name"))


def _lock_models_of(organisation: Organisation, data_sets: Sequence[UUID]) -> None:
    """With their advice and versions, before the data sets and their runs (docs/ledger.md), and whole: they are
    deleted."""
    _lock_all_models(organisation, [model.id for model in _models_of(organisation, data_sets)])


def _lock_all_models(organisation: Organisation, only: Sequence[UUID] | None = None) -> list[TrainedModel]:
    """As `_lock_models_of`, of the whole organisation."""
    models = TrainedModel.objects.select_for_update().filter(organisation=organisation)
    locked = list((models if only is None else models.filter(id__in=only)).order_by("id"))
    ids = [model.id for model in locked]
    list(Advice.objects.select_for_update(of=("self",)).filter(version__model__in=ids).order_by("id"))
    list(ModelVersion.objects.select_for_update().filter(model__in=ids).order_by("id"))
    return locked


def _same_texts(organisation: Organisation, data_sets: Sequence[DataSet]) -> tuple[list[str], list[str]]:
    """Which feedback and which kept tickets have the text of a ticket that goes, and that no other version of its name
    keeps."""
    if not has_texts_to_compare(organisation, data_sets):
        return [], []
    going, others = going_and_others(organisation, data_sets)
    files = [[file_store().local_path(one.file) for one in part] for part in (going, others)]
    return matching(files[0], files[1], texts_of(organisation))


def has_texts_to_compare(organisation: Organisation, data_sets: Sequence[DataSet]) -> bool:
    """Whether there are tickets that go, and feedback or kept tickets that may be of the same text."""
    there = any(one.deleted_at is None for one in data_sets)
    return there and (_feedback(organisation).exists() or _kept(organisation).exists())


def going_and_others(organisation: Organisation, data_sets: Sequence[DataSet]) -> tuple[list[DataSet], list[DataSet]]:
    """The data sets that have tickets to go, and the versions of their names that stay."""
    going = [one for one in data_sets if one.deleted_at is None]
    others = tickets.data_sets(organisation).filter(name__in={one.name for one in going})
    return going, list(others.exclude(id__in=[one.id for one in going]))


def texts_of(organisation: Organisation) -> Iterator[list[str]]:
    """[kind, id, text] of all feedback and kept tickets, as `serving.work.matching` reads them."""
    for kind, rows in ((SAID, _feedback(organisation)), (ASKED, _kept(organisation))):
        for id, text in rows.order_by("id").values_list("id", "text").iterator():
            yield [kind, str(id), text]


def _feedback(organisation: Organisation) -> QuerySet[Feedback]:
    return Feedback.objects.filter(organisation=organisation)


def _kept(organisation: Organisation) -> QuerySet[ObservedTicket]:
    return ObservedTicket.objects.filter(version__model__organisation=organisation)


orphan_after = timedelta(days=1)
"""A file is stored before the row that speaks of it; nothing takes so long in between."""


def sweep_orphans(*, now: datetime) -> int:
    """Deletes files with tickets that no row speaks of, because a process died between storing the file and writing the
    row, or while a cluster trained on them. Returns how many. Once a day on each machine: listing an
    object store takes its time."""
    mark = Path(settings.OTAI_HOME) / "forgotten" / "orphans-swept-on"
    if mark.is_file() and mark.read_text() == now.date().isoformat():
        return 0
    spoken_of = {
        *DataSet.objects.values_list("file", flat=True),
        *TicketIndex.objects.values_list("file", flat=True),
        *UploadPart.objects.values_list("file", flat=True),
        *Guarantee.objects.values_list("holdout_file", flat=True),
        *Run.objects.values_list("tickets_file", flat=True),
    }
    there = [path for folder in ("tickets", "guarantees", "uploads") for path in file_store().paths(folder)]
    orphans = [path for path in there if path not in spoken_of and _is_old(path, now=now)]
    orphans += [path for path in file_store().paths("jobs") if _is_old(path, now=now) and not _is_trained_on(path)]
    erasing.let_go(orphans, now=now)
    erasing.delete_files()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(now.date().isoformat())
    return len(orphans)


def _is_trained_on(path: str) -> bool:
    """Whether the attempt whose things these are (`jobs/<attempt>/...`) goes on."""
    return Attempt.objects.filter(id=UUID(path.split("/")[-2]), ended_at__isnull=True).exists()


def _is_old(path: str, *, now: datetime) -> bool:
    """The folder of a file is an id that says when it was made: .../<UUIDv7>/<sha256>.parquet."""
    try:
        return made_at(UUID(path.split("/")[-2])) < now - orphan_after
    except (ValueError, IndexError):
        return False
