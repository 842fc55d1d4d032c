"""Tickets of the Studio elsewhere: bring them in, see what came in, change labels and cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer

from otai.cli import relabelling
from otai.cli import tickets as local_tickets
from otai.cli.given_files import readable
from otai.cli.import_bar import ImportBar
from otai.cli.output import JsonOption, print_json
from otai.cli.presenters import data_sets
from otai.cli.remote.signing_in import studio
from otai.cli.tickets import (
    AddOption,
    AttributeOption,
    ColumnOption,
    DatesOption,
    DelimiterOption,
    EncodingOption,
    FileArgument,
    HeaderOption,
    IgnoreOption,
    KeepQuotesOption,
    MaskOption,
    MultiOption,
    OrderedOption,
    SheetOption,
    VersionOption,
)
from otai.client import Studio
from otai.errors import Invalid, OtaiError
from otai.jobs.stopping import told_to_stop_as_exception
from otai.learning.data.profile import Profile
from otai.tickets.columns import ColumnRoles

app = typer.Typer(help="Bring tickets in, and see what came in.", no_args_is_help=True)


@app.command("import")
def import_tickets(
    file: FileArgument,
    name: Annotated[str | None, typer.Option(help="Name of the data set; the file's if left out.")] = None,
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
    json: JsonOption = False,
) -> None:
    """Upload and import tickets. Columns are guessed and can be named; bad rows refuse the whole import."""
    with readable(file) as given, studio() as there, ImportBar(wanted=not json) as bar, _ends_with_us(there) as begun:

        def show(job: Mapping[str, Any]) -> None:
            begun[:] = [job["id"]]
            how_far = job["progress"]
            bar.reads(
                place=job["place"],
                tickets=how_far["rows"],
                bytes_read=how_far["bytes_read"],
                bytes_total=how_far["bytes_total"],
            )

        data_set = there.import_tickets(
            given,
            name=name or "",
            skip_bad_rows=skip_bad_rows,
            add=add,
            keep_quotes=keep_quotes,
            mask=mask,
            on_progress=bar.uploads,
            on_job=show,
            column=column,
            attribute=attribute,
            multi=multi,
            ordered=ordered,
            ignore=ignore,
            encoding=encoding,
            delimiter=delimiter,
            sheet=sheet,
            header=header,
            dates=dates,
        )
    if json:
        print_json(data_set.raw)
        return
    data_sets.show_import(data_set)
    data_sets.show_columns(ColumnRoles.from_dict(data_set.raw["roles"]))
    data_sets.show_profile(Profile.from_dict(data_set.raw["profile"]))


@contextmanager
def _ends_with_us(there: Studio) -> Iterator[list[str]]:
    """Ctrl-C, or a signal to stop, cancels the job whose id is put into the list: as in an installation here,
    whoever stops the command wants no import."""
    begun: list[str] = []
    try:
        with told_to_stop_as_exception():
            yield begun
    except (KeyboardInterrupt, SystemExit):
        if begun:
            # It may have ended at this moment, or the line may be gone.
            with suppress(OtaiError):
                there.cancel_job(begun[-1])
        raise


@app.command("columns")
def columns(
    file: FileArgument,
    column: ColumnOption = None,
    attribute: AttributeOption = None,
    multi: MultiOption = None,
    ordered: OrderedOption = None,
    ignore: IgnoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show what each column would be taken for, and why, without importing."""
    with readable(file) as given, studio() as there:
        preview = there.preview_columns(
            given, column=column, attribute=attribute, multi=multi, ordered=ordered, ignore=ignore
        )
    if json:
        print_json(preview)
    else:
        data_sets.show_preview(
            file.name,
            format=preview["format"],
            looked_at=f"{preview['rows_looked_at']:,} rows",
            roles=ColumnRoles.from_dict(preview["roles"]),
            unsettled_dates=preview.get("unsettled_dates"),
        )


@app.command("list")
def list_tickets(json: JsonOption = False) -> None:
    """The data sets and their versions."""
    with studio() as there:
        found = list(there.data_sets())
    if json:
        print_json([one.raw for one in found])
    else:
        data_sets.show_data_sets(found, zone=None)


@app.command("profile")
def profile(name: relabelling.NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """What came in: tickets, languages, labels, and problems with what to do about them."""
    with studio() as there:
        found = there.data_set_details(there.data_set(name, version).id)
    if json:
        print_json(found.raw)
        return
    data_sets.show_details(found, Profile.from_dict(found.raw["profile"]), zone=None)


@app.command("labels")
def labels(
    name: relabelling.NameArgument,
    attribute: relabelling.AttributeOfLabels,
    rename: relabelling.RenameOption = None,
    leave_out: relabelling.LeaveOutOption = None,
    dry_run: relabelling.DryRunOption = False,
    yes: relabelling.YesToChange = False,
    json: JsonOption = False,
) -> None:
    """Rename, join or leave out labels: a new version of the data set, the one before stays."""
    changes = {attribute: relabelling.changes_of(rename, leave_out)}
    with studio() as there:
        data_set = there.data_set(name)
        plans = there.preview_labels(data_set.id, changes)
        if not relabelling.is_wanted(plans, dry_run=dry_run, yes=yes, json=json):
            return
        made, changed = there.change_labels(data_set.id, changes)
    relabelling.show_made(f"{made.name} v{made.version}", made.name, made.version, changed, json=json)


@app.command("cut")
def cut(name: relabelling.NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """Make a new version without what gives a label away. The version before keeps it."""
    with studio() as there:
        made = there.data_set_details(there.cut(there.data_set(name, version).id).id)
    if json:
        print_json(made.raw)
        return
    data_sets.show_cut(made, Profile.from_dict(made.raw["profile"]))


@app.command("uncut")
def uncut(name: relabelling.NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """Make a new version with the texts as they came, before the import cut them. The version before stays."""
    with studio() as there:
        made = there.data_set_details(there.uncut(there.data_set(name, version).id).id)
    if json:
        print_json(made.raw)
        return
    data_sets.show_uncut(made, Profile.from_dict(made.raw["profile"]))


@app.command("delete")
def delete(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    version: VersionOption = None,
    all_versions: Annotated[bool, typer.Option("--all-versions", help="Every version of that name.")] = False,
    with_models: Annotated[
        bool, typer.Option("--with-models", help="The models that learnt from them as well, with all their versions.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and what would stay.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete; without, only what would go is said.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete tickets for good, wherever words of theirs were copied to. Figures stay."""
    if (version is None) != all_versions:
        raise Invalid("version", code="version_missing")
    with studio() as there:
        chosen = there.data_set(name, version)
        going = there.what_deleting_takes(chosen.id, all_versions=all_versions)
        if yes and not dry_run:
            there.delete_data_set(chosen.id, all_versions=all_versions, with_models=with_models)
    if json:
        print_json(going)
    elif yes and not dry_run:
        models = going["staying_models"] if with_models else []
        data_sets.show_deleted(going["data_sets"], going["tickets"], models=models)
    else:
        data_sets.show_going(going, with_models=with_models)


app.command("sample")(local_tickets.sample)
