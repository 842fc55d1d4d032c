"""Trainings at the Studio elsewhere: list, show, watch, cancel, approve, decline."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otai.cli.arguments import RunArgument
from otai.cli.output import JsonOption, print_json
from otai.cli.presenters import runs
from otai.cli.remote.signing_in import studio
from otai.cli.report_card import report_card_summary
from otai.client import Run, Studio

app = typer.Typer(help="Training runs: list, show, watch, cancel.", no_args_is_help=True)


def shown(run: Run) -> runs.Run:
    """The run as the presenters of an installation of one's own show it."""
    return runs.Run.of(run, model=run.model, data_set=run.data_set_name)


def watched(there: Studio, run: Run, *, quiet: bool) -> Run:
    """The run at its end, with a bar until then. Raises what the client raises."""
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


def ended(there: Studio, run: Run, *, json: bool, detached: bool = False) -> None:
    """Shows how the run ended, or that it waits. Raises typer.Exit where it failed or was cancelled."""
    card = there.report_card(run.number) if run.status == "completed" else None
    if json:
        print_json({**run.raw, "report_card": card})
    elif card is not None:
        # The version is registered just after the run has ended.
        version = f"{run.model} v{run.model_version}" if run.model_version else run.model
        runs.show_completed(shown(run), card, version=version)
    else:
        runs.show_not_completed(shown(run), watch="watch" if detached else "")
    runs.exit_unless_completed(shown(run))


@app.command("list")
def list_runs(json: JsonOption = False) -> None:
    """All runs, newest first."""
    with studio() as there:
        found = list(there.runs())
    if json:
        print_json([run.raw for run in found])
        return
    runs.show_runs(map(shown, found), zone=None)


@app.command("show")
def show(number: RunArgument, json: JsonOption = False) -> None:
    """One run and its report card."""
    with studio() as there:
        run = there.run(number)
        card = there.report_card(number) if run.status == "completed" else None
    if json:
        print_json({**run.raw, "report_card": card})
        return
    runs.show_run(shown(run), zone=None)
    if card is not None:
        report_card_summary(card)


@app.command("watch")
def watch(number: RunArgument, json: JsonOption = False) -> None:
    """Follow a run to its end."""
    with studio() as there:
        ended(there, watched(there, there.run(number), quiet=json), json=json)


@app.command("cancel")
def cancel(number: RunArgument, json: JsonOption = False) -> None:
    """Cancel a run that has not ended; its credits are given back in full."""
    with studio() as there:
        run = there.cancel(number)
    if json:
        print_json(run.raw)
    else:
        runs.show_cancelled(shown(run))


@app.command("approve")
def approve(number: RunArgument, json: JsonOption = False) -> None:
    """Approve an order that waits for it, with a key that has the scope runs:approve."""
    with studio() as there:
        run = there.approve(number)
    if json:
        print_json(run.raw)
    else:
        runs.show_approved(shown(run), zone=None)


@app.command("decline")
def decline(
    number: RunArgument,
    why: Annotated[str, typer.Option(help="The reason; whoever ordered reads it.")],
    json: JsonOption = False,
) -> None:
    """Decline an order that waits for approval; its credits are given back."""
    with studio() as there:
        run = there.decline(number, why=why)
    if json:
        print_json(run.raw)
    else:
        runs.show_declined(shown(run))
