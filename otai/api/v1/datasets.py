from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys, uploads
from otai.api.access import Caller, CallerRequest
from otai.api.cursors import Page, page_of
from otai.api.endpoints import Noun
from otai.api.shown import as_the_caller_may
from otai.api.v1.jobs import JobOut
from otai.api.v1.shapes import Name, Text
from otai.api.waiting import accepted, preview_out, waited_for
from otai.db import utc_now
from otai.errors import NotAllowed, NotFound
from otai.orgs.permissions import Action
from otai.serving import deletion
from otai.serving import jobs as serving_jobs
from otai.tickets import expected_quality, queries
from otai.tickets import jobs as tickets_jobs
from otai.tickets.columns import ColumnRoles
from otai.tickets.models import DataSet
from otai.tickets.options import ImportOptions, ReadOptions
from otai.words.catalogue import say_fact
from otai.words.findings import with_sentences

noun = Noun("Tickets")
WordsIn = Annotated[list[Text], Field(max_length=500)]


class DataSetOut(Schema):
    """One import of tickets. It never changes: importing again under the same name makes the next version.

    `deleted_at` is null while its tickets are there. Afterwards counts, hash and figures are what is left of it.
    """

    id: UUID
    name: str
    version: int
    tickets: int
    left_out_rows: int
    source_filename: str = Field(description="Of an import; empty where a version was made from the one before.")
    made_as: dict[str, Any] | None = Field(
        description="What was done to the version before, as a code with values, `said` in English; null: an import."
    )
    source_format: str
    imported_at: datetime
    bytes: int
    sha256: str
    deleted_at: datetime | None


class ImportedOut(DataSetOut):
    profile: dict[str, Any] = Field(
        description="What was found: languages, attributes with their most frequent labels, findings."
    )
    roles: dict[str, Any] = Field(description="What each column was used for, and why.")


class DataSetsOut(Schema):
    items: list[DataSetOut]
    next: str | None


class TicketsOut(Schema):
    items: list[dict[str, Any]]


class EstimateOut(Schema):
    """A share with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class ExpectedOut(Schema):
    accuracy: EstimateOut
    macro_f1: EstimateOut | None


class TriedGainOut(Schema):
    """By how much Maximum was better than Business in a trial on `tickets` of these: in the mean of accuracy and macro
    F1 (`gain`, with its 95 % interval), and in each of them."""

    gain: float
    low: float
    high: float
    accuracy: float
    macro_f1: float
    tickets: int


class ExpectationOut(Schema):
    """`guessing` is what always answering the most frequent label would reach. `no_signal`: nothing in the texts tells
    the attribute, so do not buy a training for it. `gain_of_maximum`: null where Maximum was not tried."""

    attribute: str
    guessing: float
    tried_on: int
    unknown: str
    fact: dict[str, Any] | None = Field(description="What `unknown` says, as a code with values.")
    no_signal: bool
    gain_of_maximum: TriedGainOut | None
    modes: dict[str, ExpectedOut | None]


class ExpectedQualityOut(Schema):
    items: list[ExpectationOut]


class UnsettledDatesOut(Schema):
    """Dates of which nothing says whether the day or the month comes first: one of them, and how they are read where
    `dates` does not say it."""

    column: str
    example: str
    read_as: Literal["day-first", "month-first"]


class PreviewOut(Schema):
    """What an import would take each column for."""

    format: str
    rows_looked_at: int
    roles: dict[str, Any]
    unsettled_dates: UnsettledDatesOut | None = None


class Reading(Schema):
    """How the file is to be read. All of it is found out where nothing is said."""

    filename: Annotated[Text, Field(max_length=300)] = Field("", description="What the file is called.")
    upload: UUID | None = Field(None, description="A file that came in parts (`POST /uploads`), instead of a body.")
    column: WordsIn = Field([], description="COLUMN=ROLE, for example text=body; repeat the parameter.")
    attribute: WordsIn = Field([], description="This column is an attribute.")
    multi: WordsIn = Field([], description="Several labels a ticket: tags:| or tag=tag_1,tag_2.")
    ordered: WordsIn = Field([], description="Labels from low to high: priority=low,medium,high.")
    ignore: WordsIn = Field([], description="Leave this column out.")
    encoding: Annotated[Text, Field(max_length=40)] = Field("", description="For example cp1252.")
    delimiter: Annotated[Text, Field(max_length=4)] = Field("", description="For example ;")
    sheet: Annotated[Text, Field(max_length=100)] = Field("", description="Which sheet of a workbook.")
    header: int | None = Field(
        None, ge=0, le=200, description="Number of the row that names the columns; 0: none does."
    )
    dates: Literal["day-first", "month-first"] | None = Field(
        None, description="How 03/04/2026 is read, where nothing in the file settles it."
    )

    def options(self) -> ReadOptions:
        """What was said, as the import takes it. Raises ColumnsInvalid."""
        return ReadOptions(**self._said())

    def _said(self) -> dict[str, Any]:
        roles = ColumnRoles.parse(
            columns=self.column,
            attributes=self.attribute,
            multi=self.multi,
            ordered=self.ordered,
            ignore=self.ignore,
        )
        return {
            "roles": roles,
            "encoding": self.encoding or None,
            "delimiter": self.delimiter or None,
            "sheet": self.sheet or None,
            "header": self.header,
            "dates": self.dates,
        }


class Import(Reading):
    name: Annotated[Text, Field(max_length=200)] = Field(
        "", description="Name of the data set; the file's if left out. A known name makes its next version."
    )
    skip_bad_rows: bool = Field(False, description="Leave bad rows out and count them, instead of refusing the file.")
    add: bool = Field(
        False,
        description="Add to the newest version of `name`: the newest row of a ticket's id wins. "
        "Columns are read as they were there, unless you say otherwise; a further column that sorts tickets becomes an "
        "attribute (`columns_came`), and what is lacking is said (`columns_lacking`).",
    )
    keep_quotes: bool = Field(False, description="Leave earlier mails, signatures and the like in the texts.")
    mask: bool = Field(
        False, description="Replace personal data by its kind before anything is stored; the same when predicting."
    )

    def options(self) -> ImportOptions:
        """What was said, as the import takes it. Raises ColumnsInvalid."""
        return ImportOptions(
            **self._said(),
            skip_bad_rows=self.skip_bad_rows,
            add=self.add,
            keep_quotes=self.keep_quotes,
            mask=self.mask,
        )


class DataSetQuery(Page):
    name: Name | None = Field(None, description="Only the versions of this data set.")
    deleted: bool = Field(False, description="Those whose tickets were deleted as well.")


class Deletion(Schema):
    """How much is to be deleted."""

    versions: Literal["one", "all"] = Field("one", description="`all`: every version of its name.")
    with_models: bool = Field(
        False, description="The models that learnt from it as well, with all their versions; needs models:manage."
    )


class DeletionOut(Schema):
    """What goes and what stays. `open_runs` stand in the way: cancel them, or let them end.

    `report_cards` keep their figures and lose the words and ids of tickets; `feedback` and `asked_about` are those
    whose text is one of the tickets'; `guarantees_given_up` can be decided no more. `staying_models` hold no word of a
    ticket, and answer with the names of labels.
    """

    data_sets: list[str]
    tickets: int
    bytes: int
    report_cards: int
    feedback: int
    asked_about: int
    label_changes: int
    guarantee_tickets: int
    guarantees_given_up: list[str]
    unordered_quotes: int
    staying_runs: int
    staying_models: list[str]
    open_runs: list[int]


DATA_SET = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "name": "support",
    "version": 2,
    "tickets": 12480,
    "left_out_rows": 0,
    "source_filename": "export-2026-11.csv",
    "made_as": None,
    "source_format": "CSV separated by semicolons, UTF-8",
    "imported_at": "2026-11-02T09:30:00Z",
    "bytes": 1843200,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "deleted_at": None,
}
IMPORTED = {**DATA_SET, "profile": {"tickets": 12480, "languages": {"en": 0.71, "de": 0.29}}, "roles": {}}


@noun.post(
    "/data-sets",
    Action.UPLOAD_TICKETS,
    ImportedOut,
    status=201,
    example=IMPORTED,
    body_content=uploads.BODY_CONTENT,
    later=JobOut,
    repeatable=True,
    errors=[400, 409, 413, 503],
)
def import_data_set(request: CallerRequest, asked: Annotated[Import, Query()]) -> HttpResponse:
    """Import tickets

    The body is the file itself, or a form with the field `file`: CSV, TSV, JSON Lines, JSON, Excel (.xlsx, .xls),
    OpenDocument (.ods), XML, an HTML table, an mbox or Parquet, also packed as .gz or .zip. The answer is 202 with a
    job, which says how far the import is and at last which data set came of it; with `Prefer: wait=20` it is held back,
    and is the data set where the import is done by then. A bad row refuses the whole file and is named. `POST
    /data-sets/preview` shows what columns would be taken for, without importing.
    """
    caller = request.auth
    options = asked.options()

    def work(upload: uploads.Upload) -> Any:
        begun = tickets_jobs.ask_for_import(
            organisation=caller.organisation,
            name=asked.name or PurePosixPath(upload.filename).name.split(".")[0],
            source=upload.source,
            filename=upload.filename,
            content_sha256=upload.sha256,
            options=options,
            who=caller.who,
            now=utc_now(),
            arrived=asked.upload,
        )
        job = waited_for(request, begun, otherwise=0)
        if not job.has_ended:
            return job
        data_set = tickets_jobs.imported(job)
        return imported_out(data_set)

    if asked.upload is None:
        with uploads.received(request, filename=asked.filename) as upload:
            return keys.once(request, partial(work, upload), content_sha256=upload.sha256)
    return keys.once(request, lambda: _of_arrived(asked, caller, work), content_sha256=f"upload {asked.upload}")


def _of_arrived(asked: Reading, caller: Caller, work: Callable[[uploads.Upload], Any]) -> Any:
    """Within the idempotency key: asked again, the file is gone and the first answer stands."""
    assert asked.upload is not None
    return work(uploads.arrived(caller.organisation, asked.upload, filename=asked.filename))


@noun.post(
    "/data-sets/preview",
    Action.UPLOAD_TICKETS,
    PreviewOut,
    body_content=uploads.BODY_CONTENT,
    later=JobOut,
    errors=[400, 409, 413, 503],
    example={
        "format": "CSV separated by semicolons, UTF-8",
        "rows_looked_at": 12480,
        "roles": {"single": {"body": "text"}, "attributes": [{"name": "queue", "kind": "single"}]},
    },
)
def preview_data_set(request: CallerRequest, asked: Annotated[Reading, Query()]) -> Any:
    """What would each column be taken for?

    Reads the beginning of the file and imports nothing. Overrules are given as for an import. Where that takes longer
    than two seconds, the answer is 202 with a job, whose `result` has it in the end.
    """
    options = asked.options()
    caller = request.auth
    with (
        uploads.received(request, filename=asked.filename)
        if asked.upload is None
        else nullcontext(uploads.arrived(caller.organisation, asked.upload, filename=asked.filename))
    ) as upload:
        begun = tickets_jobs.ask_for_preview(
            organisation=caller.organisation,
            source=upload.source,
            filename=upload.filename,
            content_sha256=upload.sha256,
            options=options,
            who=caller.who,
            now=utc_now(),
        )
        job = waited_for(request, begun)
    if not job.has_ended:
        return accepted(job)
    assert job.result is not None
    return preview_out(job.result)


@noun.get("/data-sets", Action.VIEW, DataSetsOut, example={"items": [DATA_SET], "next": None})
def list_data_sets(request: CallerRequest, asked: Annotated[DataSetQuery, Query()]) -> Any:
    """Data sets by name, the newest version first"""
    found = queries.data_sets(request.auth.organisation, with_deleted=asked.deleted)
    if asked.name is not None:
        found = found.filter(name=asked.name)
    found = found.defer("profile", "roles")
    return page_of(found, request.auth, asked, of="data-sets", by=["name", "-version"], shown=data_set_out)


@noun.get(
    "/data-sets/{uuid:data_set}",
    Action.VIEW,
    ImportedOut,
    example=IMPORTED,
)
def get_data_set(request: CallerRequest, data_set: UUID) -> Any:
    """One data set, with what was found in it

    Words that findings quote from tickets stand there for a key with `tickets:read`; else "…" does.
    """
    return imported_out(data_set_of(request.auth, data_set), request.auth)


@noun.get(
    "/data-sets/{uuid:data_set}/tickets",
    Action.READ_TICKETS,
    TicketsOut,
    errors=[409, 503],
    example={"items": [{"ticket": "4711", "subject": "Invoice wrong", "body": "...", "attribute:queue": "billing"}]},
)
def list_tickets(
    request: CallerRequest,
    data_set: UUID,
    offset: Annotated[int, Query(ge=0, le=20_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    """The tickets themselves, in the order of the source"""
    found = data_set_of(request.auth, data_set, without_profile=True)
    return {"items": list(queries.tickets(found, offset=offset, limit=limit))}


@noun.get(
    "/data-sets/{uuid:data_set}/expected-quality",
    Action.VIEW,
    ExpectedQualityOut,
    example={
        "items": [
            {
                "attribute": "queue",
                "guessing": 0.31,
                "tried_on": 4000,
                "unknown": "",
                "fact": None,
                "no_signal": False,
                "gain_of_maximum": None,
                "modes": {
                    "basic": {"accuracy": {"value": 0.86, "low": 0.84, "high": 0.88}, "macro_f1": None},
                    "business": None,
                    "maximum": None,
                },
            }
        ]
    },
    errors=[409, 503],
)
def get_expected_quality(
    request: CallerRequest,
    data_set: UUID,
    maximum: Annotated[
        bool, Query(description="Try Maximum too, on a few hundred of the tickets; it takes a minute or two.")
    ] = False,
) -> Any:
    """What a training on these tickets would probably reach

    By attribute and mode, with 95 % intervals; null where nobody can say. The first request for a data set tries it
    out, which takes some seconds: 202 with a job, where it takes longer than two. The answer is kept; ask again when
    the job is done. Maximum is unknown until it was tried (`maximum`): `gain_of_maximum` is what it gained over
    Business.
    """
    asked = data_set_of(request.auth, data_set)
    if (expectations := expected_quality.stored(asked)) is None:
        begun = tickets_jobs.ask_for_expected_quality(data_set=asked, who=request.auth.who, now=utc_now())
        job = waited_for(request, begun)
        if not job.has_ended:
            return accepted(job)
        expectations = expected_quality.stored(asked) or {}
    if maximum and (trial := tickets_jobs.ask_for_maximum_trial(data_set=asked, who=request.auth.who, now=utc_now())):
        job = waited_for(request, trial)
        if not job.has_ended:
            return accepted(job)
        expectations = expected_quality.stored(asked) or {}
    return {
        "items": [
            {
                "attribute": name,
                "guessing": each.guessing,
                "tried_on": each.tried_on,
                "unknown": say_fact(each.unknown) if each.unknown else "",
                "fact": each.unknown and each.unknown.as_dict(),
                "no_signal": each.no_signal,
                "gain_of_maximum": asdict(each.gain_of_maximum) if each.gain_of_maximum else None,
                "modes": {mode: asdict(said) if said else None for mode, said in each.modes.items()},
            }
            for name, each in expectations.items()
        ]
    }


@noun.get(
    "/data-sets/{uuid:data_set}/deletion",
    Action.VIEW,
    DeletionOut,
    later=JobOut,
    errors=[503],
    example={
        "data_sets": ["support v2"],
        "tickets": 12480,
        "bytes": 1843200,
        "report_cards": 3,
        "feedback": 41,
        "asked_about": 0,
        "label_changes": 1,
        "guarantee_tickets": 2496,
        "guarantees_given_up": [],
        "unordered_quotes": 2,
        "staying_runs": 3,
        "staying_models": ["support"],
        "open_runs": [],
    },
)
def get_deletion(request: CallerRequest, data_set: UUID, asked: Annotated[Deletion, Query()]) -> Any:
    """What deleting it would take, and what would stay

    Changes nothing. Ask it before `DELETE`, with the same parameters. Where there is feedback, its texts are compared
    with the tickets': where that takes longer than two seconds, the answer is 202 with a job; ask again when it is
    done.
    """
    caller = request.auth
    found = _to_delete(data_set_of(caller, data_set), asked)
    begun = serving_jobs.ask_what_goes(organisation=caller.organisation, data_sets=found, who=caller.who, now=utc_now())
    same: deletion.SameTexts = ([], [])
    if begun is not None:
        job = waited_for(request, begun)
        if not job.has_ended:
            return accepted(job)
        same = serving_jobs.same_texts_of(job)
    return deletion_out(deletion.what_goes_with_tickets(organisation=caller.organisation, data_sets=found, same=same))


@noun.delete("/data-sets/{uuid:data_set}", Action.UPLOAD_TICKETS, later=JobOut, errors=[409, 503])
def delete_data_set(request: CallerRequest, data_set: UUID, asked: Annotated[Deletion, Query()]) -> HttpResponse:
    """Delete a data set's tickets

    It cannot be undone. The file goes, and every word of the tickets wherever it was copied to: report cards, tickets
    that a guarantee is measured on, feedback, vectors, kept answers. Name, counts, hash and figures stay, so that
    trainings and invoices of before can be read. Refused while a run on it waits or trains (`data_set_in_use`): cancel
    it first. Deleting again changes nothing. Where there is feedback, its texts are compared with the tickets': where
    that takes longer than two seconds, the answer is 202 with the job that deletes.
    """
    caller = request.auth
    if asked.with_models and not caller.may(Action.MANAGE_MODELS):
        raise NotAllowed("models_too", needs=Action.MANAGE_MODELS.value)
    named: dict[str, Any] = {
        "organisation": caller.organisation,
        "data_sets": _to_delete(data_set_of(caller, data_set), asked),
        "who": caller.who,
        "now": utc_now(),
        "with_models": asked.with_models,
    }
    begun = serving_jobs.ask_to_delete(**named)
    if begun is None:
        deletion.delete_tickets(**named)
        return HttpResponse(status=204)
    job = waited_for(request, begun)
    if not job.has_ended:
        return accepted(job)
    return HttpResponse(status=204)


def _to_delete(data_set: DataSet, asked: Deletion) -> list[DataSet]:
    return deletion.versions_of(data_set) if asked.versions == "all" else [data_set]


def deletion_out(going: deletion.TicketsGoing) -> dict[str, Any]:
    """What the deletion of a data set takes and leaves, as JSON."""
    renamed = {"feedback": going.said_about_them, "label_changes": going.changes}
    return {name: renamed[name] if name in renamed else getattr(going, name) for name in DeletionOut.model_fields}


def imported_out(data_set: DataSet, caller: Caller | None = None) -> dict[str, Any]:
    """As `ImportedOut`: with the profile, each finding with its sentence and what to do, and what the columns were used
    for. All of it for whoever sent the tickets just now; else as the `caller` may see it."""
    profile, roles = data_set.profile, data_set.roles
    if caller is not None:
        profile, roles = as_the_caller_may(caller, profile), as_the_caller_may(caller, roles)
    return {**data_set_out(data_set), "profile": with_sentences(profile, of_card=False), "roles": roles}


def data_set_of(caller: Caller, id: UUID, *, without_profile: bool = False) -> DataSet:
    """Raises NotFound, also for another organisation's. The profile is long, and a price needs nothing of it."""
    rows = DataSet.objects.filter(organisation=caller.organisation, id=id)
    found = (rows.defer("profile", "roles") if without_profile else rows).first()
    if found is None:
        raise NotFound("data_set")
    return found


def data_set_out(data_set: DataSet) -> dict[str, Any]:
    """A data set as JSON."""
    made_as = data_set.made_as and {**data_set.made_as, "said": say_fact(data_set.made_as)}
    said = {"made_as": made_as, "source_format": say_fact(queries.read_as(data_set))}
    return {**{name: getattr(data_set, name) for name in DataSetOut.model_fields}, **said}
