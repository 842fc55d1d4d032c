"""`otai model` and `otai predict`: trained models in use."""

from __future__ import annotations

import hashlib
import json as json_module
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from otai.cli.arguments import ModelArgument
from otai.cli.output import (
    JsonOption,
    OrgOption,
    error_console,
    jsonable,
    organisation_named,
    print_json,
    say,
)
from otai.cli.presenters import models as presented
from otai.cli.report_card import report_card_summary
from otai.cli.serve import bundle_path
from otai.db import utc_now
from otai.errors import Invalid
from otai.serving import cards, exports, feedback, queries
from otai.serving.models import ModelVersion
from otai.tickets.columns import ColumnRoles
from otai.tickets.options import ReadOptions
from otai.words.catalogue import percent, say_fact

if TYPE_CHECKING:
    from otai.learning.model.bundle import Bundle
    from otai.learning.model.deciding import Thresholds

app = typer.Typer(help="Trained models: list, choose which version answers, export.", no_args_is_help=True)
Version = Annotated[int | None, typer.Option("--version", help="A version other than the one that is live.")]


@app.command("list")
def list_models(org: OrgOption = None, json: JsonOption = False) -> None:
    """All versions of all models, newest first."""
    organisation = organisation_named(org)
    rows: list[dict[str, Any]] = [
        {
            "model": version.model.name,
            "version": version.number,
            "live": version.model.live_id == version.id,
            "run": version.run.number,
            "mode": version.run.mode,
            "attributes": [attribute["name"] for attribute in version.run.attributes],
            "created_at": version.created_at,
            "bytes": version.bundle_bytes,
            "sha256": version.bundle_sha256,
        }
        for version in queries.versions(organisation)
    ]
    if json:
        print_json(rows)
        return
    presented.show_versions(rows, zone=organisation.zone)


class Format(StrEnum):
    BUNDLE = "bundle"
    HUGGINGFACE = "huggingface"
    ONNX = "onnx"
    OPEN_TICKET_AI = "open-ticket-ai"


@app.command("export")
def export(
    name: ModelArgument,
    target: Annotated[Path, typer.Argument(help="File to write, or a folder.")] = Path(),
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="bundle: one file for the Python package; open-ticket-ai: a folder that starts Open Ticket AI; the "
            "others: a folder for one attribute of a Maximum model.",
        ),
    ] = Format.BUNDLE,
    attribute: Annotated[
        str | None, typer.Option("--attribute", "-a", help="With huggingface and onnx: which attribute.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option("--queue", help="With open-ticket-ai: the attribute that is a ticket's queue.")
    ] = None,
    priority: Annotated[
        str | None, typer.Option("--priority", help="With open-ticket-ai: the attribute that is its priority.")
    ] = None,
    precision: Annotated[
        float, typer.Option(help="With open-ticket-ai: how often a label that is set alone has to be right.")
    ] = 0.95,
    with_card: Annotated[
        bool, typer.Option("--card", help="Write the report card beside it, as a page without a word of any ticket.")
    ] = False,
    version: Version = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Take a model elsewhere: as one file that predicts anywhere with the Python package and without a database, for
    transformers, as ONNX, or with what starts Open Ticket AI."""
    trained = queries.version(organisation_named(org), name, version)
    if form is not Format.BUNDLE:
        if form is Format.OPEN_TICKET_AI:
            folder = _export_program(trained, target, queue=queue, priority=priority, precision=precision, json=json)
        else:
            folder = _export_folder(trained, target, form, attribute, json=json)
        if with_card:
            (folder / "report-card.html").write_text(cards.card_page(trained, with_texts=False), encoding="utf-8")
        return
    path = queries.export(trained, target, overwrite=overwrite)
    content = path.read_bytes()
    # With labels renamed since it is another file than the one that was trained.
    sha256, size = hashlib.sha256(content).hexdigest(), len(content)
    page = path.with_suffix(".html") if with_card else None
    if page is not None:
        page.write_text(cards.card_page(trained, with_texts=False), encoding="utf-8")
    if json:
        print_json({"file": path, "sha256": sha256, "bytes": size, "report_card": page})
        return
    presented.show_export(str(trained), path, sha256=sha256)
    if page is not None:
        say(f"Its report card is in {page}.")


def _export_folder(version: ModelVersion, target: Path, form: Format, attribute: str | None, *, json: bool) -> Path:
    exported = exports.write_folder(version, target, form=form.value, attribute=attribute)
    if json:
        print_json(exported)
        return exported.folder
    say(f"{exported.attribute} of {version} is in {exported.folder}: {', '.join(exported.files)}")
    say(f"On {exported.tried} texts its probabilities differ from the network's by at most {exported.difference:.1e}.")
    return exported.folder


def _export_program(
    version: ModelVersion, target: Path, *, queue: str | None, priority: str | None, precision: float, json: bool
) -> Path:
    exported = exports.write_open_ticket_ai(version, target, queue=queue, priority=priority, precision=precision)
    if json:
        print_json(exported)
        return exported.folder
    fields = {"queue": exported.queue, "priority": exported.priority}
    say(f"{version} for Open Ticket AI is in {exported.folder}: {', '.join(exported.files)}")
    for field, attribute in fields.items():
        chosen = f"is set from {attribute}" if attribute else f"stays as it is (--{field} names an attribute)"
        say(f"A ticket's {field} {chosen}.")
    alone = ", ".join(exported.alone) or "nothing"
    say(f"At a precision of {percent(precision)} may be set alone: {alone}. The README says how to start it.")
    return exported.folder


@app.command("card")
def card(
    name: ModelArgument,
    html: Annotated[Path | None, typer.Option("--html", help="Write the whole report card as one HTML page.")] = None,
    texts: Annotated[
        bool,
        typer.Option("--texts/--no-texts", help="With the beginnings of tickets that were confused or look wrong."),
    ] = True,
    version: Version = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """The evidence of a model: how often it is right, what it may decide alone, which labels look wrong, what more
    tickets would bring."""
    trained = queries.version(organisation_named(org), name, version)
    if html is not None:
        if html.exists() and not overwrite:
            raise queries.FileExists("file", path=str(html))
        if not html.parent.is_dir():
            raise queries.NoSuchFolder("folder", parent=html.parent, path=str(html.parent))
        html.write_text(cards.card_page(trained, with_texts=texts), encoding="utf-8")
    evidence = cards.report_card(trained)
    compared = cards.comparison(trained)
    if json:
        shown = evidence if texts else evidence.without_texts()
        print_json({"version": trained.number, "report_card": shown, "compared_with_the_version_before": compared})
        return
    report_card_summary(jsonable(evidence))
    if compared is not None:
        say(f"Better than the version before? {say_fact(compared.answer())}")
    for attribute in compared.attributes if compared else []:
        verdict = "the same as" if attribute.verdict == "same" else f"{attribute.verdict} than"
        say(
            f"  {attribute.name}: {verdict} the version before on {attribute.tickets} common tickets "
            f"({100 * attribute.accuracy.value:+.1f} points, "
            f"{100 * attribute.accuracy.low:+.1f} to {100 * attribute.accuracy.high:+.1f})"
        )
    if html is not None:
        say(f"The whole report card is in {html}.")


def predict(
    name: Annotated[str, typer.Argument(help="Name of the model, or a bundle's file (model.otai).")],
    texts: Annotated[list[str] | None, typer.Argument(help="Tickets; standard input, one a line, if left out.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--in", help="A file of tickets (CSV, Excel, JSON, Parquet), or - for JSON lines on standard input."
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option("--out", help="Where to write: FILE.csv or FILE.jsonl, or - for JSON lines on standard output."),
    ] = "-",
    precision: Annotated[
        float | None, typer.Option(help="0.9, 0.95 or 0.99: each answer says whether it may be decided alone.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", "-c", help="COLUMN=ROLE; roles: subject, body, ticket.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="For example cp1252; found out if left out.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="For example ';'; found out if left out.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Which sheet of a workbook.")] = None,
    header: Annotated[int | None, typer.Option(min=0, help="The row that names the columns, 0 for none.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    version: Version = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """What the model says of new tickets, with its confidence. With --json: one object a ticket, one a line.

    With --in whole files are predicted in bounded memory, row by row; a row that cannot be read is named and the others
    are predicted.
    """
    path, model_version = bundle_path(name, version, org)
    if source is not None:
        roles = ColumnRoles.parse(columns=column or ())
        options = ReadOptions(roles=roles, encoding=encoding, delimiter=delimiter, sheet=sheet, header=header)
        _predict_rows(path, model_version, source, target, precision, overwrite, options)
        return
    texts = presented.texts_given(texts)
    bundle = _answering(path, model_version)
    thresholds = _thresholds(bundle, precision)
    predictions = bundle.predict(texts)
    if model_version is not None:
        feedback.keep(model_version, texts, now=utc_now())
    for text, prediction in zip(texts, predictions, strict=True):
        said = jsonable(prediction)
        alone = None
        if thresholds is not None:
            alone = {name: thresholds.decides_alone(name, one) for name, one in prediction.attributes.items()}
            for name, is_alone in alone.items():
                said["attributes"][name]["decides_alone"] = is_alone
        if json:
            sys.stdout.write(json_module.dumps({"text": text, **said}, ensure_ascii=False) + "\n")
            continue
        presented.show_prediction(text, prediction.attributes, alone)


def _thresholds(bundle: Bundle, precision: float | None) -> Thresholds | None:
    from otai.learning.model.deciding import Thresholds

    return None if precision is None else Thresholds.at(bundle, precision)


def _answering(path: Path, version: ModelVersion | None) -> Bundle:
    """The model of a file; of a version with the names that people have given its labels since. Raises
    BundleInvalid."""
    if version is not None:
        return queries.in_todays_words(version)
    from otai.learning.model.bundle import Bundle

    return Bundle.load(path)


def _predict_rows(
    path: Path,
    version: ModelVersion | None,
    source: str,
    target: str,
    precision: float | None,
    overwrite: bool,
    options: ReadOptions,
) -> None:
    from otai.serving.batches import BatchCount, CsvWriter, JsonLinesWriter, rows_of_file, rows_of_lines

    bundle, counted = _answering(path, version), BatchCount()
    with ExitStack() as stack:
        if target == "-":
            file: IO[str] = sys.stdout
        else:
            file = stack.enter_context(_whole_or_not_at_all(Path(target), overwrite=overwrite))
        writer: CsvWriter | JsonLinesWriter
        if target.lower().endswith(".csv"):
            writer = CsvWriter(file, bundle, precision=precision)
        else:
            writer = JsonLinesWriter(file, _thresholds(bundle, precision))
        if source == "-":
            batches = rows_of_lines(bundle, sys.stdin.buffer)
        else:
            columns = [
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[rows]}"),
                TimeElapsedColumn(),
            ]
            shown = stack.enter_context(Progress(*columns, console=error_console, disable=not sys.stderr.isatty()))
            bar = shown.add_task("predicting", total=1.0, rows="")

            def progress(share: float, rows: int) -> None:
                shown.update(bar, completed=share, rows=f"{rows:,} tickets")

            batches = rows_of_file(bundle, Path(source), options=options, progress=progress)
        for batch in batches:
            writer.write(batch)
            if version is not None:
                feedback.keep(version, [row.text for row in batch], now=utc_now())
            for row in batch:
                counted.add(row)
    if target != "-":
        say(f"{counted.predicted:,} tickets predicted, in {target}.")
    if counted.wrong:
        listed = "; ".join(counted.first_wrong)
        raise Invalid(
            "rows",
            listed=listed + (" ..." if counted.wrong > len(counted.first_wrong) else ""),
            predicted=counted.predicted,
            rows=counted.wrong,
            code="rows_unreadable",
        )


@contextmanager
def _whole_or_not_at_all(target: Path, *, overwrite: bool) -> Iterator[IO[str]]:
    """The file appears under its name only when everything is in it."""
    if target.exists() and not overwrite:
        raise queries.FileExists("file", path=str(target))
    if not target.parent.is_dir():
        raise queries.NoSuchFolder("folder", parent=target.parent, path=str(target.parent))
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
