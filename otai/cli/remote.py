"""The command line against a Studio elsewhere: `OTAI_URL` and `OTAI_API_KEY`, or `otai login`.

The same words as against an installation of one's own: `otai tickets import`, `otai quote`, `otai train`, `otai runs`,
`otai predict`, `otai model`, `otai statement`, `otai balance`. What works on an installation itself (workers, pools,
organisations ...) stays local; `otai runs watch` is for here alone, since who trains on this machine watches anyway.
"""

from __future__ import annotations

import json as json_module
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from otai.cli import relabelling
from otai.cli import tickets as local_tickets
from otai.cli.elsewhere import login_file, stored
from otai.cli.given_files import readable
from otai.cli.import_bar import ImportBar
from otai.cli.output import JsonOption, print_json, say
from otai.cli.presenters import credits, data_sets, models, prices, runs
from otai.cli.presenters.words import count
from otai.cli.report_card import report_card_summary
from otai.cli.runs import Number
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
from otai.cli.training import AcceptNoGain, DeliveryOption, ModeOption
from otai.client import Balance, ModelVersion, Quote, Run, Saving, StatementLine, Studio
from otai.errors import Invalid, OtaiError
from otai.jobs.stopping import told_to_stop_as_exception
from otai.learning.data.profile import Profile
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs.status import RunStatus
from otai.tickets.columns import ColumnRoles

app = typer.Typer(
    name="otai",
    help="OTAI Studio, at the address of OTAI_URL or `otai login`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
tickets_app = typer.Typer(help="Bring tickets in, and see what came in.", no_args_is_help=True)
runs_app = typer.Typer(help="Training runs: list, show, watch, cancel.", no_args_is_help=True)
model_app = typer.Typer(help="Trained models: list, export.", no_args_is_help=True)
app.add_typer(tickets_app, name="tickets")
app.add_typer(runs_app, name="runs")
app.add_typer(model_app, name="model")


def studio() -> Studio:
    """The client of the Studio elsewhere: from OTAI_URL and OTAI_API_KEY, else as `otai login` kept it."""
    if os.environ.get("OTAI_URL"):
        return Studio()
    kept = stored()
    return Studio(kept.get("url"), kept.get("key"))


@app.command("login")
def login(
    url: Annotated[str, typer.Argument(help="The Studio's address, https://...")],
    key: Annotated[str, typer.Option(prompt="API key", hide_input=True, envvar="OTAI_API_KEY", help="An API key.")],
) -> None:
    """Remember a Studio and its key: the commands named here then go there, until `otai logout`."""
    with Studio(url, key) as tried:
        organisation = tried.organisation()
    path = login_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Ours alone from its first byte on: the key opens what its scopes say.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json_module.dump({"url": url, "key": key}, out)
    say(f"Signed in to {url} as {organisation['name']} ({organisation['organisation']}).")


@app.command("logout")
def logout() -> None:
    """Forget the Studio and its key."""
    login_file().unlink(missing_ok=True)
    say("Signed out. Revoke the key in the Studio if nobody else uses it.")


@app.command("balance")
def balance(json: JsonOption = False) -> None:
    """Credits: available, held, spent."""
    with studio() as there:
        found = there.organisation()
    if json:
        print_json(found)
        return
    say(f"{found['name']}, {Tier(found['tier']).title}: {credits.balance_in_words(Balance.of(found['balance']))}")
    for warning in found["warnings"]:
        say(f"! {warning['message']}")


@app.command("statement")
def statement(
    limit: Annotated[int, typer.Option(min=1, help="How many lines, the newest first.")] = 50, json: JsonOption = False
) -> None:
    """The latest movements of credits."""
    with studio() as there:
        lines = list(islice(there.statement(), limit))
        if json:
            print_json(lines)
            return
        organisation = there.organisation()
    credits.show_statement(map(StatementLine.of, lines), of=organisation["name"], zone=None)
    say(f"Balance: {credits.balance_in_words(Balance.of(organisation['balance']))}")


@tickets_app.command("import")
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


@tickets_app.command("columns")
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
        found = there.preview_columns(
            given, column=column, attribute=attribute, multi=multi, ordered=ordered, ignore=ignore
        )
    if json:
        print_json(found)
    else:
        say(f"{file.name}: {found['format']}; looked at {found['rows_looked_at']:,} rows.")
        data_sets.show_columns(ColumnRoles.from_dict(found["roles"]))


@tickets_app.command("list")
def list_tickets(json: JsonOption = False) -> None:
    """The data sets and their versions."""
    with studio() as there:
        found = list(there.data_sets())
    if json:
        print_json([one.raw for one in found])
    else:
        data_sets.show_data_sets(found, zone=None)


@tickets_app.command("profile")
def profile(name: relabelling.NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """What came in: tickets, languages, labels, and problems with what to do about them."""
    with studio() as there:
        found = there.data_set_details(there.data_set(name, version).id)
    if json:
        print_json(found.raw)
        return
    data_sets.show_details(found, Profile.from_dict(found.raw["profile"]), zone=None)


@tickets_app.command("labels")
def labels(
    name: relabelling.NameArgument,
    attribute: relabelling.AttributeOfLabels,
    rename: relabelling.RenameOption = None,
    leave_out: relabelling.LeaveOutOption = None,
    dry_run: relabelling.DryRunOption = False,
    yes: relabelling.YesOption = False,
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


@tickets_app.command("cut")
def cut(name: relabelling.NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """Make a new version without what gives a label away. The version before keeps it."""
    with studio() as there:
        made = there.data_set_details(there.cut(there.data_set(name, version).id).id)
    if json:
        print_json(made.raw)
        return
    data_sets.show_cut(made, Profile.from_dict(made.raw["profile"]))


@tickets_app.command("uncut")
def uncut(name: relabelling.NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """Make a new version with the texts as they came, before the import cut them. The version before stays."""
    with studio() as there:
        made = there.data_set_details(there.uncut(there.data_set(name, version).id).id)
    if json:
        print_json(made.raw)
        return
    data_sets.show_uncut(made, Profile.from_dict(made.raw["profile"]))


tickets_app.command("sample")(local_tickets.sample)


@app.command("quote")
def quote(
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    attributes: Annotated[int | None, typer.Option(help="Number of attributes to predict.")] = None,
    data_set: Annotated[
        str | None, typer.Option("--data-set", help="Count the usable attributes of these tickets.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """What a training costs, line by line, when it would be ready, and what would be cheaper. Orders nothing."""
    if (attributes is None) == (data_set is None):
        raise Invalid("what", code="nothing_to_price")
    with studio() as there:
        if data_set is not None:
            attributes = len(there.quote(there.data_set(data_set).id, mode="basic").attributes)
        assert attributes is not None
        priced = there.price(attributes, mode=mode.value, delivery=delivery.value)
    if json:
        print_json(priced)
        return
    prices.show_price(
        {(Mode(one["mode"]), Delivery(one["delivery"])): _offer(one) for one in priced["offers"]},
        mode=mode,
        delivery=delivery,
        attributes=attributes,
        in_words=priced["in_words"],
        tier=None,
        cheaper=[Saving.of(one) for one in priced["cheaper"]],
        balance=priced["balance"],
        zone=None,
    )


def _offer(raw: Mapping[str, Any]) -> prices.Offer:
    needs = Tier(raw["needs_tier"]) if raw["needs_tier"] and not raw["available"] else None
    return prices.Offer(raw["credits"], raw["promise"], datetime.fromisoformat(raw["due_at"]), needs_tier=needs)


@app.command("train")
def train(
    data_set: Annotated[str, typer.Argument(help="Name of the imported tickets.")],
    attribute: AttributeOption = None,
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    model: Annotated[str | None, typer.Option(help="Name of the model; the data set's if left out.")] = None,
    reason: Annotated[
        str, typer.Option(help="Why you train: new_model, labels_changed, drift, new_language.")
    ] = "new_model",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Order without asking.")] = False,
    accept_no_gain: AcceptNoGain = False,
    detach: Annotated[bool, typer.Option("--detach", help="Order only, and do not wait.")] = False,
    json: JsonOption = False,
) -> None:
    """Quote, order and watch: shows the price, asks, and follows the training to its end."""
    with studio() as there:
        chosen = there.data_set(data_set).id
        if mode is Mode.MAXIMUM and not accept_no_gain:
            # Where a trial comes to nothing, nobody knows: that keeps nobody from training.
            with suppress(OtaiError):
                there.expected_quality(chosen, maximum=True)
        offered = there.quote(
            chosen,
            attributes=attribute,
            mode=mode.value,
            delivery=delivery.value,
            model=model,
            reason=reason,
        )
        if not json:
            prices.show_quote(_quote(offered), zone=None)
        if not yes:
            if json or not sys.stdin.isatty():
                raise Invalid("order", code="confirmation_missing")
            # The quote has shown what is expected: whoever says yes to it knows.
            accept_no_gain = typer.confirm(f"Train for {count(offered.credits, 'credit')}?", abort=True)
        run = there.order(offered.id, accept_no_gain=accept_no_gain)
        if not json:
            runs.show_ordered(_run(run), left=offered.balance_after)
        waits = run.status == RunStatus.AWAITING_APPROVAL
        if waits and not json:
            runs.show_waits(_run(run))
        if not detach and not waits:
            run = _watched(there, run, quiet=json)
        _end(there, run, json=json, detached=detach or waits)


def _quote(offered: Quote) -> prices.Quote:
    return prices.Quote(
        model=offered.model,
        attributes=offered.attributes,
        credits=offered.credits,
        lines=offered.lines,
        price_book=offered.price_book,
        due_at=offered.due_at,
        expires_at=offered.expires_at,
        begins_at=None,
        ready_at=offered.expected_finish_at,
        balance=offered.balance,
        warnings=[_with_command(one["code"], f"{one['message']} {one['advice']}") for one in offered.warnings],
    )


def _with_command(code: str, sentence: str) -> str:
    hint = data_sets.NEXT.get(code, "")
    return f"{sentence} ({hint})" if hint else sentence


def _run(run: Run) -> runs.Run:
    return runs.Run.of(run, model=run.model, data_set=run.data_set_name)


def _watched(there: Studio, run: Run, *, quiet: bool) -> Run:
    with runs.training_bar(quiet=quiet) as bar:
        task = bar.add_task("waiting", total=None)

        def show(seen: Any) -> None:
            bar.update(
                task,
                description=seen["stage"] or seen["status"],
                completed=seen["steps_done"],
                total=seen["steps_total"] or None,
            )

        return there.wait_for_run(run.number, on_progress=show)


def _end(there: Studio, run: Run, *, json: bool, detached: bool = False) -> None:
    card = there.report_card(run.number) if run.status == "completed" else None
    if json:
        print_json({**run.raw, "report_card": card})
    elif card is not None:
        # The version is registered just after the run has ended.
        version = f"{run.model} v{run.model_version}" if run.model_version else run.model
        runs.show_completed(_run(run), card, version=version)
    else:
        runs.show_not_completed(_run(run), watch="watch" if detached else "")
    runs.exit_unless_completed(_run(run))


@runs_app.command("list")
def list_runs(json: JsonOption = False) -> None:
    """All runs, newest first."""
    with studio() as there:
        found = list(there.runs())
    if json:
        print_json([run.raw for run in found])
        return
    runs.show_runs(map(_run, found), zone=None)


@runs_app.command("show")
def show(number: Number, json: JsonOption = False) -> None:
    """One run and its report card."""
    with studio() as there:
        run = there.run(number)
        card = there.report_card(number) if run.status == "completed" else None
    if json:
        print_json({**run.raw, "report_card": card})
        return
    runs.show_run(_run(run), zone=None)
    if card is not None:
        report_card_summary(card)


@runs_app.command("watch")
def watch(number: Number, json: JsonOption = False) -> None:
    """Follow a run to its end."""
    with studio() as there:
        _end(there, _watched(there, there.run(number), quiet=json), json=json)


@runs_app.command("cancel")
def cancel(number: Number, json: JsonOption = False) -> None:
    """Cancel a run that has not ended; its credits are given back in full."""
    with studio() as there:
        run = there.cancel(number)
    if json:
        print_json(run.raw)
    else:
        runs.show_cancelled(_run(run))


@runs_app.command("approve")
def approve(number: Number, json: JsonOption = False) -> None:
    """Approve an order that waits for it, with a key that has the scope runs:approve."""
    with studio() as there:
        run = there.approve(number)
    if json:
        print_json(run.raw)
    else:
        runs.show_approved(_run(run), zone=None)


@runs_app.command("decline")
def decline(
    number: Number,
    why: Annotated[str, typer.Option(help="The reason; whoever ordered reads it.")],
    json: JsonOption = False,
) -> None:
    """Decline an order that waits for approval; its credits are given back."""
    with studio() as there:
        run = there.decline(number, why=why)
    if json:
        print_json(run.raw)
    else:
        runs.show_declined(_run(run))


@app.command("predict")
def predict(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    texts: Annotated[list[str] | None, typer.Argument(help="Tickets; standard input, one a line, if left out.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Another version.")] = None,
    json: JsonOption = False,
) -> None:
    """What the model says of new tickets, with its confidence. With --json: one object a ticket, one a line."""
    texts = models.texts_given(texts)
    with studio() as there:
        found = there.predict(name, texts, version=version)
    for text, prediction in zip(texts, found, strict=True):
        if json:
            rows = {
                attribute: {"labels": said.labels, "confidence": said.confidence}
                for attribute, said in prediction.attributes.items()
            }
            sys.stdout.write(json_module.dumps({"text": text, "attributes": rows}, ensure_ascii=False) + "\n")
            continue
        models.show_prediction(text, prediction.attributes)


@model_app.command("list")
def list_models(json: JsonOption = False) -> None:
    """All versions of all models, newest first."""
    with studio() as there:
        found = list(there.models())
    if json:
        print_json([version.raw for version in found])
    else:
        models.show_versions((_version(one) for one in found), zone=None)


def _version(found: ModelVersion) -> dict[str, Any]:
    # A Studio of the version before does not say which one is live.
    return {**found.raw, "created_at": found.created_at, "live": found.raw.get("live", False)}


@model_app.command("export")
def export(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    target: Annotated[Path, typer.Argument(help="File to write, or a folder.")] = Path(),
    version: Annotated[int | None, typer.Option("--version", help="Another version.")] = None,
    json: JsonOption = False,
) -> None:
    """Download the model: one file that predicts anywhere, with the Python package and without a database."""
    with studio() as there:
        path = there.download(name, target, version=version)
    if json:
        print_json({"file": path, "bytes": path.stat().st_size})
    else:
        say(f"{name} is in {path} ({models.megabytes(path.stat().st_size)})")
