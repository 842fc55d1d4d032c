"""Tickets: what came in, what it looks like, and what to do about it before a credit is spent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from otai.db import utc_now
from otai.errors import NotFound, OtaiError
from otai.jobs import operations as jobs
from otai.jobs import queries as job_queries
from otai.jobs.models import Job
from otai.learning.data.profile import RARE_LABEL_TICKETS, AttributeProfile, Profile
from otai.orgs.permissions import Action
from otai.orgs.quotas import QuotaReached
from otai.serving.predictions import has_learnt
from otai.tickets import arriving_uploads, expected_quality, queries, waiting_uploads
from otai.tickets import jobs as tickets_jobs
from otai.tickets.columns import ColumnRoles
from otai.tickets.models import DataSet
from otai.tickets.options import ImportOptions, ReadOptions
from otai.tickets.problems import DatasetInvalid
from otai.tickets.sample import write_csv
from otai.web import reading_form, uploads
from otai.web.access import MemberRequest, page
from otai.web.columns_form import ROLES, ColumnsForm, role_words
from otai.web.refusals import problems_in_words
from otai.web.views import deleting
from otai.web.views.jobs import working
from otai.web.words import fact_words
from otai.words.quotes import without_quotes

sample_size = 5
labels_shown = 7
sample_tickets = 1_500


@dataclass(frozen=True, slots=True)
class NamedDataSet:
    """A data set by its newest version, and how many versions there are."""

    newest: DataSet
    versions: int
    languages: list[tuple[str, float]]
    attributes: list[str]


@require_safe
@page(Action.VIEW)
def data_sets(request: MemberRequest) -> HttpResponse:
    """The organisation's data sets, and the form for another file."""
    return _data_sets(request)


def _data_sets(request: MemberRequest, *, problem: Exception | None = None, status: int = 200) -> HttpResponse:
    counted = queries.data_sets(request.organisation).order_by("name").values_list("name")
    versions = dict(counted.annotate(versions=Count("id")))
    named = [
        NamedDataSet(
            found,
            versions[found.name],
            languages_of(found.profile["languages"]),
            [attribute["name"] for attribute in found.profile["attributes"]],
        )
        for found in queries.data_sets(request.organisation, newest_only=True)
    ]
    named.sort(key=lambda one: one.newest.imported_at, reverse=True)
    context = {
        "data_sets": named,
        "tickets": sum(one.newest.tickets for one in named),
        **(_on_their_way(request) if request.member.may(Action.UPLOAD_TICKETS) else {}),
        "problem": problem,
        "limit": uploads.most_bytes(),
        "may_upload": request.member.may(Action.UPLOAD_TICKETS),
    }
    return render(request, "web/tickets/list.html", context, status=status)


def _on_their_way(request: MemberRequest) -> dict[str, Any]:
    """Files that nobody has imported yet, and files of which only a part is here."""
    waiting = waiting_uploads.all_waiting(request.organisation)
    ids = {one.id for one in waiting}
    arriving = arriving_uploads.all_arriving(request.organisation, now=utc_now())
    return {"waiting": waiting, "arriving": [one for one in arriving if one.id not in ids]}


def languages_of(shares: dict[str, float], *, most: int = 4) -> list[tuple[str, float]]:
    """The most frequent languages; what rounds to nothing is left out."""
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return [(code, share) for code, share in ordered[:most] if share >= 0.005]


@require_POST
@page(Action.UPLOAD_TICKETS)
def upload(request: MemberRequest) -> HttpResponse:
    """Takes the file and shows what its columns will be taken for. Nothing is imported yet."""
    file = request.FILES.get("file")
    if file is None or not file.size:
        empty = DatasetInvalid("no_file_chosen")
        return _data_sets(request, problem=empty, status=422)
    try:
        kept = uploads.keep(request.organisation, file)
    except (waiting_uploads.TooManyFilesWait, QuotaReached) as too_many:
        # Beside the files that wait, where one of them can be imported or deleted.
        return _data_sets(request, problem=too_many, status=409)
    job = look_at(request, kept)
    if job.has_ended and (problem := _problem_of(job)) is not None and not problem.details.get("remedies"):
        waiting_uploads.forget(kept)
        return _data_sets(request, problem=problem, status=422)
    return redirect("web:upload", slug=request.organisation.slug, upload=kept.id)


def look_at(request: MemberRequest, kept: waiting_uploads.WaitingUpload) -> Job:
    """The job that finds out what the columns are; done, mostly, while the page waits for it."""
    asked = tickets_jobs.ask_for_preview(
        organisation=request.organisation,
        source=partial(waiting_uploads.opened, kept),
        filename=kept.filename,
        content_sha256=f"upload {kept.id}",
        must_have_text=False,
        who=request.user.email,
        now=utc_now(),
        options=ReadOptions(**reading_form.options_of(kept.reading)),
    )
    waiting_uploads.remember(kept, preview=asked.job.id)
    return jobs.wait(asked, seconds=settings.OTAI_JOBS_WAIT_SECONDS)


def _problem_of(job: Job) -> OtaiError | None:
    try:
        tickets_jobs.refuse_if_failed(job)
    except OtaiError as problem:
        return problem
    return None


@require_POST
@page(Action.UPLOAD_TICKETS)
def sample(request: MemberRequest) -> HttpResponse:
    """Synthetic tickets, for looking around before one's own are at hand."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="otai-sample-") as folder:
        path = write_csv(Path(folder) / "sample.csv", tickets=sample_tickets)
        asked = tickets_jobs.ask_for_import(
            organisation=request.organisation,
            name="sample",
            source=path,
            filename="synthetic-tickets.csv",
            who=request.user.email,
            now=utc_now(),
        )
    job = jobs.wait(asked, seconds=settings.OTAI_JOBS_WAIT_SECONDS)
    messages.success(request, _("These tickets are made up. A model of them is for looking around only."))
    return redirect("web:job", slug=request.organisation.slug, job=job.id)


@page(Action.UPLOAD_TICKETS)
def settle_upload(request: MemberRequest, upload: UUID) -> HttpResponse:
    """The columns of an uploaded file, as guessed and as corrected; and the import."""
    try:
        kept = waiting_uploads.waiting(request.organisation, upload)
    except NotFound:
        done = tickets_jobs.import_of_upload(request.organisation, upload)
        if done is None:
            raise
        # Sent again by "back" or "reload" after the import: it is led to what came of it.
        return redirect("web:job", slug=request.organisation.slug, job=done.id)
    importing = _job(request, kept.importing)
    if importing is not None and (importing.is_done or not importing.has_ended):
        # Also for a form that was sent twice.
        return _to_job(request, importing, kept)
    looking = _job(request, kept.preview) or look_at(request, kept)
    if not looking.has_ended:
        return working(request, looking)
    if (unreadable := _problem_of(looking)) is not None:
        if unreadable.details.get("remedies") or kept.reading:
            # What was said about the reading, or can be said, may be what helps.
            context = {"upload": kept, "problem": unreadable, **reading_form.context_of(kept.reading)}
            return render(request, "web/tickets/unreadable.html", context)
        waiting_uploads.forget(kept)
        return _data_sets(request, problem=unreadable, status=422)
    preview = tickets_jobs.preview(looking)
    problem = _problem_of(importing) if importing is not None and request.method != "POST" else None
    said = request.POST if request.method == "POST" else kept.said
    name = said.get("name", "").strip() or suggested_name(kept.filename)
    form = ColumnsForm(preview, said, is_sent=request.method == "POST")
    is_looking = "look" in request.POST
    if request.method == "POST" and form.is_consistent() and not is_looking:
        try:
            job = _import(request, kept, name=name, roles=form.roles())
            if not job.has_ended:
                return _to_job(request, job, kept)
            tickets_jobs.refuse_if_failed(job)
        except OtaiError as refused:
            problem = refused
        else:
            return _to_job(request, job, kept)
    if problem is not None:
        form.refuse(problem)
    details = problem.details if problem else {}
    context = {
        "upload": kept,
        "name": name,
        "columns": form.columns,
        "rows": form.rows,
        **reading_form.context_of(kept.reading, sheets=preview.sheets, format=preview.format),
        "unsettled_dates": preview.unsettled_dates,
        "wrong_columns": len(form.errors),
        "is_without_text": not form.errors and not form.has_text,
        "roles": ROLES,
        "format": preview.format,
        "where": preview.look.where,
        "rows_seen": preview.look.rows,
        "is_whole": preview.look.is_whole,
        "rows_become": preview.rows_become,
        "problem": problem,
        "problems": problems_in_words(details.get("problems", [])) if problem and details.get("row") else [],
        "problem_count": details.get("problem_count", 0),
        # PostgreSQL refuses a question that holds a NUL; no data set is called so.
        "versions": queries.data_sets(request.organisation).filter(name=name.replace("\0", "")).count(),
        "known_names": queries.data_sets(request.organisation, newest_only=True).values_list("name", flat=True),
        "wishes": {wish: wish in said for wish in WISHES},
    }
    return render(
        request, "web/tickets/columns.html", context, status=422 if (problem or form.errors) and not is_looking else 200
    )


@require_POST
@page(Action.UPLOAD_TICKETS)
def read_upload(request: MemberRequest, upload: UUID) -> HttpResponse:
    """The file read differently: another header, sheet, encoding ... What was chosen for its columns is asked anew, for
    they may be others."""
    kept = waiting_uploads.waiting(request.organisation, upload)
    importing = _job(request, kept.importing)
    if importing is not None and not importing.has_ended:
        return _to_job(request, importing, kept)
    kept = waiting_uploads.remember(
        kept, reading=reading_form.said_in(request.POST), preview=None, importing=None, said={}
    )
    job = look_at(request, kept)
    answer: HttpResponse = redirect("web:upload", slug=request.organisation.slug, upload=kept.id)
    if not job.has_ended and request.headers.get("HX-Request"):
        # A page of its own shows how far it is.
        answer = HttpResponse(status=204, headers={"HX-Redirect": str(answer["Location"])})
    return answer


def _job(request: MemberRequest, id: UUID | None) -> Job | None:
    """None where it is forgotten already: its answer is kept for a day."""
    try:
        return job_queries.job_with_id(request.organisation, id) if id else None
    except NotFound:
        return None


WISHES = ("keep_quotes", "mask", "add")
"""What an import can be asked beside its columns, as the form calls it and `ImportOptions` too."""


def _import(request: MemberRequest, kept: waiting_uploads.WaitingUpload, *, name: str, roles: ColumnRoles) -> Job:
    wishes: dict[str, Any] = {wish: wish in request.POST for wish in ("skip_bad_rows", *WISHES)}
    options = ImportOptions(roles=roles, **reading_form.options_of(kept.reading), **wishes)
    asked = tickets_jobs.ask_for_import(
        organisation=request.organisation,
        name=name,
        source=partial(waiting_uploads.opened, kept),
        filename=kept.filename,
        content_sha256=f"upload {kept.id}",
        options=options,
        who=request.user.email,
        now=utc_now(),
        upload=kept.path.parent,
    )
    said = {
        field: value
        for field, value in request.POST.items()
        if field == "name" or field in WISHES or field.startswith(("role-", "separator-", "sign-", "order-"))
    }
    # Before the import can be done, and the upload gone.
    waiting_uploads.remember(kept, importing=asked.job.id, said={**said, "name": name})
    return jobs.wait(asked, seconds=settings.OTAI_JOBS_WAIT_SECONDS)


def _to_job(request: MemberRequest, job: Job, kept: waiting_uploads.WaitingUpload) -> HttpResponse:
    """The job's page leads on to the data set when it is done, and back to the columns when nothing came of it."""
    address = reverse("web:job", args=[request.organisation.slug, job.id])
    return redirect(f"{address}?upload={kept.id}")


ENDINGS = (
    *(".gz", ".zip", ".tar", ".tgz", ".csv", ".tsv", ".txt", ".xlsx", ".xlsb", ".xlsm", ".xls", ".ods"),
    *(".jsonl", ".ndjson", ".json", ".parquet", ".xml", ".html", ".htm", ".mbox", ".eml"),
)
"""Of files, outermost first; a data set is called as its file without them."""


def suggested_name(filename: str) -> str:
    """A data set's name out of a file's: without endings, at most 200 characters."""
    stem = filename.strip().strip(".")
    for ending in ENDINGS:
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
    stem = "".join(letter for letter in stem if letter.isprintable()).strip()
    return stem[:200] or _("tickets")


@require_POST
@page(Action.UPLOAD_TICKETS)
def drop_upload(request: MemberRequest, upload: UUID) -> HttpResponse:
    """Ends the upload's jobs and deletes it; also one of which only a part is here."""
    arriving_uploads.drop(request.organisation, upload, now=utc_now())
    return redirect("web:tickets", slug=request.organisation.slug)


@dataclass(frozen=True, slots=True)
class LabelBar:
    name: str
    count: int
    share: float
    width: float
    is_rare: bool


@dataclass(frozen=True, slots=True)
class AttributeView:
    """An attribute as a person looks at it: its most frequent labels as bars, the others counted (`unnamed`)."""

    found: AttributeProfile
    bars: list[LabelBar]
    more: list[LabelBar]
    unnamed: int
    rare: int
    missing_share: float
    findings: list[Any]


def attribute_view(profile: Profile, attribute: AttributeProfile) -> AttributeView:
    """An attribute with its labels as bars."""
    # Labels that have an order are read in it; the others from most to least.
    rank = {label: number for number, label in enumerate(attribute.order)}
    labels = sorted(attribute.labels, key=lambda one: rank.get(one.name, len(rank))) if rank else list(attribute.labels)
    largest = max((label.count for label in labels), default=1)
    bars = [
        LabelBar(
            label.name,
            label.count,
            label.count / max(attribute.labelled, 1),
            round(100 * label.count / largest, 2),
            label.training_count < RARE_LABEL_TICKETS,
        )
        for label in labels
    ]
    return AttributeView(
        attribute,
        bars[:labels_shown],
        bars[labels_shown:],
        attribute.label_count - len(bars),
        attribute.rare_labels,
        attribute.missing / max(profile.tickets, 1),
        [finding for finding in profile.findings if finding.attribute == attribute.name],
    )


@require_safe
@page(Action.VIEW)
def data_set(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """What is in a data set, or what is left of a deleted one."""
    shown = queries.data_set_with_id(request.organisation, data_set)
    if shown.deleted_at is not None:
        return deleting.left(request, shown)
    may_read = request.member.may(Action.READ_TICKETS)
    if not may_read:
        # Of this row in memory only.
        shown.profile, shown.roles = without_quotes(shown.profile), without_quotes(shown.roles)
    profile = queries.profile(shown)
    versions = list(
        queries.data_sets(request.organisation).filter(name=shown.name).order_by("-version").defer("profile", "roles")
    )
    roles = ColumnRoles.from_dict(shown.roles)
    context = {
        "data_set": shown,
        "is_newest": versions[0].id == shown.id,
        "newest": versions[0],
        "versions": versions,
        "profile": profile,
        "read_as": queries.read_as(shown),
        "languages": languages_of(profile.languages),
        **_what_stands_out(shown, profile),
        "attributes": [attribute_view(profile, one) for one in profile.attributes],
        "learnable": sum(one.is_learnable for one in profile.attributes),
        "columns": [(column, role_words(roles, column), fact_words(why)) for column, why in roles.reasons.items()],
        "may_read": may_read,
        "has_learnt": may_read and has_learnt(request.organisation, shown),
        "may_train": request.member.may(Action.TRAIN),
        "may_delete": request.member.may(Action.UPLOAD_TICKETS),
        "may_change": request.member.may(Action.UPLOAD_TICKETS) and versions[0].id == shown.id,
        **(_sample(request, shown) if may_read else {}),
    }
    return render(request, "web/tickets/data_set.html", context)


def _what_stands_out(shown: DataSet, profile: Profile) -> dict[str, Any]:
    """What is said of all tickets, and whether something is said below, with an attribute. What a trial on these
    tickets found against buying a training is said here as well as where one is bought."""
    named = [one.name for one in profile.attributes]
    of_all = [finding for finding in profile.findings if finding.attribute not in named]
    return {
        "findings": [*of_all, *expected_quality.warnings(shown, named)],
        "attributes_stand_out": len(of_all) < len(profile.findings),
    }


@require_GET
@page(Action.READ_TICKETS)
def data_set_sample(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """A few of the tickets; htmx turns the pages."""
    found = queries.data_set_with_id(request.organisation, data_set)
    return render(request, "web/tickets/sample.html", {"data_set": found, **_sample(request, found)})


def _sample(request: MemberRequest, found: DataSet) -> dict[str, Any]:
    asked = request.GET.get("from", "0")
    offset = int(asked) if asked.isdecimal() and len(asked) < 9 else 0
    offset = min(offset, max(0, found.tickets - 1))
    names = [attribute["name"] for attribute in found.profile["attributes"]]
    rows = []
    for ticket in queries.tickets(found, offset=offset, limit=sample_size):
        labels = []
        for name in names:
            value = ticket.get(f"attribute:{name}")
            if value:
                labels.append((name, ", ".join(value) if isinstance(value, list) else value))
        rows.append({**ticket, "labels": labels, "body": (ticket.get("body") or "")[:2000]})
    return {
        "sample": rows,
        "sample_from": offset + 1,
        "sample_to": offset + len(rows),
        "sample_newer": max(0, offset - sample_size) if offset else None,
        "sample_older": offset + sample_size if offset + sample_size < found.tickets else None,
    }
