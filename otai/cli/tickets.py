"""`otai tickets`: bring tickets in, see what came in, list and delete."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import ExitStack
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otai.cli import relabelling
from otai.cli.actor import actor
from otai.cli.given_files import must_be_readable, readable
from otai.cli.import_bar import ImportBar
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.presenters import data_sets
from otai.db import utc_now
from otai.errors import Invalid
from otai.jobs import operations as jobs
from otai.jobs.admission import place_in_queue
from otai.jobs.models import Job
from otai.serving import deletion
from otai.tickets import jobs as tickets_jobs
from otai.tickets import queries, versions
from otai.tickets.columns import ColumnRoles
from otai.tickets.models import DataSet
from otai.tickets.options import ImportOptions, ReadOptions
from otai.tickets.sample import write_csv
from otai.words import findings as words
from otai.words.catalogue import percent, say_fact
from otai.words.sentences import Fact

if TYPE_CHECKING:
    from otai.learning.evidence.expectation import ModeExpectation

app = typer.Typer(help="Bring tickets in, and see what came in.", no_args_is_help=True)

FileArgument = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, JSON, Excel (.xlsx, .xls), OpenDocument (.ods), XML, HTML tables, mbox or Parquet; also packed "
        "as .gz or .zip."
    ),
]
FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        help="As many as belong together (older exports first): rows of one ticket's id become one ticket.",
        metavar="FILE...",
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column", "-c", help="COLUMN=ROLE; roles: subject, body, language, created, ticket, split, attribute, ignore."
    ),
]
AttributeOption = Annotated[list[str] | None, typer.Option("--attribute", "-a", help="This column is an attribute.")]
MultiOption = Annotated[
    list[str] | None, typer.Option("--multi", help="Several labels a ticket: 'tags:|' or 'tag=tag_1,tag_2,tag_3'.")
]
OrderedOption = Annotated[
    list[str] | None, typer.Option("--ordered", help="Labels from low to high: priority=low,medium,high.")
]
IgnoreOption = Annotated[list[str] | None, typer.Option("--ignore", help="Leave this column out.")]
EncodingOption = Annotated[str | None, typer.Option(help="For example cp1252; found out if left out.")]
DelimiterOption = Annotated[str | None, typer.Option(help="For example ';'; found out if left out.")]
SheetOption = Annotated[
    str | None, typer.Option(help="Which sheet of a workbook; the one with the tickets if left out.")
]
HeaderOption = Annotated[
    int | None,
    typer.Option(min=0, max=200, help="Number of the row that names the columns, 0 for none; found out if left out."),
]


class Dates(StrEnum):
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


DatesOption = Annotated[
    Dates | None, typer.Option(help="How 03/04/2026 is read; found out over the whole file if left out.")
]
AddOption = Annotated[
    bool, typer.Option("--add", help="Add to the newest version: the newest row of a ticket's id wins.")
]
KeepQuotesOption = Annotated[
    bool, typer.Option("--keep-quotes", help="Leave earlier mails, signatures and the like in the texts.")
]
MaskOption = Annotated[
    bool, typer.Option("--mask", help="Replace personal data by its kind before anything is stored.")
]
VersionOption = Annotated[int | None, typer.Option("--version", help="An earlier version; the newest if left out.")]


def _roles(
    column: list[str] | None,
    attribute: list[str] | None,
    multi: list[str] | None,
    ordered: list[str] | None,
    ignore: list[str] | None,
) -> ColumnRoles:
    return ColumnRoles.parse(
        columns=column or (), attributes=attribute or (), multi=multi or (), ordered=ordered or (), ignore=ignore or ()
    )


@app.command("import")
def import_(
    files: FilesArgument,
    name: Annotated[
        str | None, typer.Option(help="Name of the data set; the file's if left out. A known name: next version.")
    ] = None,
    column: ColumnOption = None,
    attribute: AttributeOption = None,
    multi: MultiOption = None,
    ordered: OrderedOption = None,
    ignore: IgnoreOption = None,
    skip_bad_rows: Annotated[bool, typer.Option("--skip-bad-rows", help="Leave bad rows out and count them.")] = False,
    add: AddOption = False,
    keep_quotes: KeepQuotesOption = False,
    mask: MaskOption = False,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header: HeaderOption = None,
    dates: DatesOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Import tickets. Columns are guessed (see `otai tickets columns FILE`) and can be named; bad rows refuse the whole
    import."""
    options = ImportOptions(
        roles=_roles(column, attribute, multi, ordered, ignore),
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
        header=header,
        dates=dates,
        skip_bad_rows=skip_bad_rows,
        keep_quotes=keep_quotes,
        mask=mask,
        add=add,
    )
    organisation = organisation_named(org)
    for file in files:
        must_be_readable(file)
    with ExitStack() as kept:
        first, *further = [kept.enter_context(readable(one)) for one in files]
        bar = kept.enter_context(ImportBar(wanted=not json))

        def show(job: Job) -> None:
            place = place_in_queue(job, now=utc_now())
            bar.reads(place=place, tickets=job.rows_read, bytes_read=job.bytes_read, bytes_total=job.bytes_total)

        asked = tickets_jobs.ask_for_import(
            organisation=organisation,
            name=name or first.name.split(".")[0],
            source=first,
            filename=", ".join(one.name for one in (first, *further)),
            further=further,
            options=options,
            who=actor(),
            in_place=True,
            now=utc_now(),
        )
        job = jobs.wait(asked, seconds=None, on_progress=None if json else show)
    tickets_jobs.refuse_if_failed(job)
    data_set = tickets_jobs.imported(job)
    if json:
        print_json(_as_dict(data_set) | {"profile": _profile_said(data_set), "roles": data_set.roles})
        return
    data_sets.show_import(data_set, is_added=add)
    data_sets.show_columns(ColumnRoles.from_dict(data_set.roles))
    data_sets.show_profile(queries.profile(data_set))


@app.command()
def columns(
    file: FileArgument,
    column: ColumnOption = None,
    attribute: AttributeOption = None,
    multi: MultiOption = None,
    ordered: OrderedOption = None,
    ignore: IgnoreOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header: HeaderOption = None,
    dates: DatesOption = None,
    json: JsonOption = False,
) -> None:
    """Show what each column would be taken for, and why, without importing."""
    roles = _roles(column, attribute, multi, ordered, ignore)
    options = ReadOptions(roles=roles, encoding=encoding, delimiter=delimiter, sheet=sheet, header=header, dates=dates)
    with readable(file) as given:
        preview = tickets_jobs.preview_here(given, options)
    asked = dataclasses.asdict(preview.unsettled_dates) if preview.unsettled_dates else None
    if json:
        shown = {"format": say_fact(preview.format), "rows_looked_at": preview.look.rows, "unsettled_dates": asked}
        print_json(shown | preview.roles.as_dict())
        return
    data_sets.show_preview(
        file.name,
        format=say_fact(preview.format),
        looked_at=say_fact(Fact.from_dict(preview.look.where)),
        roles=preview.roles,
        unsettled_dates=asked,
        rows_become=[say_fact(one) for one in preview.rows_become],
    )


@app.command()
def profile(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    version: VersionOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """What came in: tickets, languages, labels, and problems with what to do about them."""
    data_set = queries.data_set(organisation_named(org), name, version)
    if json:
        print_json(_as_dict(data_set) | {"profile": _profile_said(data_set)})
        return
    data_sets.show_details(data_set, queries.profile(data_set), zone=UTC)


@app.command("expect")
def expect(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    version: VersionOption = None,
    maximum: Annotated[bool, typer.Option("--maximum", help="Try Maximum too: a minute or two.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """What quality each mode would probably reach on these tickets, before anything is ordered. Tried once for each
    version: a few seconds."""
    from otai.tickets import expected_quality

    data_set = queries.data_set(organisation_named(org), name, version)
    if (expected := expected_quality.stored(data_set)) is None:
        asked = tickets_jobs.ask_for_expected_quality(data_set=data_set, who=actor(), now=utc_now())
        tickets_jobs.refuse_if_failed(jobs.wait(asked, seconds=None))
        expected = expected_quality.stored(data_set) or {}
    if maximum and (trial := tickets_jobs.ask_for_maximum_trial(data_set=data_set, who=actor(), now=utc_now())):
        tickets_jobs.refuse_if_failed(jobs.wait(trial, seconds=None))
        expected = expected_quality.stored(data_set) or {}
    if json:
        print_json(expected)
        return
    modes = list(next(iter(expected.values())).modes) if expected else []
    print_table(
        ["attribute", "guessing", *modes],
        [
            [attribute, percent(one.guessing) if one.tried_on else "", *(_share(one.modes[mode]) for mode in modes)]
            for attribute, one in expected.items()
        ],
        right=["guessing"],
    )
    for attribute, likely in expected.items():
        if likely.unknown:
            say(f"! {attribute}: {say_fact(likely.unknown)}")
    for warning in expected_quality.warnings(data_set, list(expected), mode="maximum"):
        say(f"! {words.message(warning)} {words.advice(warning, door='command')}")
    say(
        "The share that will be right, with the interval in which it lies 95 times in 100; unknown: not tried "
        "(Maximum: --maximum), or too few tickets."
    )


def _share(expected: ModeExpectation | None) -> str:
    if expected is None:
        return "unknown"
    accuracy = expected.accuracy
    return f"{percent(accuracy.value)} ({percent(accuracy.low)} to {percent(accuracy.high)})"


@app.command("cut")
def cut(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    version: VersionOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Make a new version without the lines that give a label away (see `otai tickets profile`). The version before
    keeps them."""
    made = versions.without_given_lines(queries.data_set(organisation_named(org), name, version), now=utc_now())
    if json:
        print_json(_as_dict(made) | {"profile": _profile_said(made)})
        return
    data_sets.show_cut(made, queries.profile(made))


@app.command("uncut")
def uncut(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    version: VersionOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Make a new version with the texts as they came, before the import cut them (see `otai tickets profile`). The
    version before stays."""
    made = versions.with_texts_uncut(queries.data_set(organisation_named(org), name, version), now=utc_now())
    if json:
        print_json(_as_dict(made) | {"profile": _profile_said(made)})
        return
    data_sets.show_uncut(made, queries.profile(made))


app.command("labels")(relabelling.labels)


@app.command("list")
def list_(org: OrgOption = None, json: JsonOption = False) -> None:
    """The data sets and their versions."""
    found = list(queries.data_sets(organisation_named(org)))
    if json:
        print_json([_as_dict(data_set) for data_set in found])
        return
    if not found:
        say(
            "There are no tickets yet. Import some: otai tickets import FILE, or make synthetic ones: otai tickets "
            "sample FILE."
        )
        return
    data_sets.show_data_sets(found, zone=UTC)


@app.command()
def delete(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    version: Annotated[int | None, typer.Option("--version", help="Which version.")] = None,
    all_versions: Annotated[bool, typer.Option("--all-versions", help="Every version of that name.")] = False,
    with_models: Annotated[
        bool, typer.Option("--with-models", help="The models that learnt from them as well, with all their versions.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and what would stay.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Delete tickets for good, wherever words of theirs were copied to. Figures stay: counts, report cards, what
    trainings cost."""
    if (version is None) != all_versions:
        raise Invalid("version", code="version_missing")
    organisation = organisation_named(org)
    if version is not None:
        chosen = [queries.data_set(organisation, name, version)]
    else:
        chosen = deletion.versions_of(queries.data_set(organisation, name))
    for data_set in chosen:
        data_set.require_tickets()
    if not (yes and not dry_run):
        going = deletion.what_goes_with_tickets(organisation=organisation, data_sets=chosen)
        if dry_run:
            print_json(dataclasses.asdict(going)) if json else data_sets.show_going(
                _as_the_api_says(going), with_models=with_models
            )
            return
        if not sys.stdin.isatty():
            raise Invalid("delete", code="confirmation_missing")
        data_sets.show_going(_as_the_api_says(going), with_models=with_models)
        typer.confirm("Delete this for good?", abort=True)
    gone = deletion.delete_tickets(
        organisation=organisation, data_sets=chosen, who=actor(), now=utc_now(), with_models=with_models
    )
    if json:
        print_json(dataclasses.asdict(gone))
        return
    data_sets.show_deleted(gone.data_sets, gone.tickets, models=gone.models)


def _as_the_api_says(going: deletion.TicketsGoing) -> dict[str, Any]:
    renamed = {"feedback": going.said_about_them, "label_changes": going.changes}
    return {**dataclasses.asdict(going), **renamed}


@app.command()
def sample(
    file: Annotated[Path, typer.Argument(help="Where to write the CSV.")],
    tickets: Annotated[int, typer.Option(help="How many.")] = 1200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same tickets.")] = 7,
) -> None:
    """Write synthetic tickets (English and German) to try things with."""
    try:
        write_csv(file, tickets=tickets, seed=seed)
    except OSError as error:
        raise Invalid("file", file=file, error=error.strerror, code="file_not_writable") from None
    say(
        f"{tickets:,} synthetic tickets written to {file}. They are made up; no model of them is of use on real "
        "tickets."
    )


def _as_dict(data_set: DataSet) -> dict[str, Any]:
    return {
        "name": data_set.name,
        "version": data_set.version,
        "tickets": data_set.tickets,
        "left_out_rows": data_set.left_out_rows,
        "bytes": data_set.bytes,
        "sha256": data_set.sha256,
        "source_filename": data_set.source_filename,
        "made_as": data_set.made_as,
        "source_format": say_fact(queries.read_as(data_set)),
        "imported_at": data_set.imported_at,
    }


def _profile_said(data_set: DataSet) -> dict[str, Any]:
    """The profile, each finding with its sentence and what to do: as the API gives it."""
    return words.with_sentences(data_set.profile, of_card=False)
