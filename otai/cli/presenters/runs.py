"""Runs: ordered, watched, listed, ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Protocol

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from otai.cli.output import console, print_table, say
from otai.cli.presenters.words import count, moment
from otai.cli.report_card import report_card_summary
from otai.pricing.price_book import Delivery, Mode
from otai.runs.status import ENDED, RunStatus

NOT_COMPLETED = 8
"""The exit code of a command that followed a run to an end that is not its completion."""


class RunFound(Protocol):
    """What the table's row and the client's answer have in common; values as in the table, such as `business`."""

    @property
    def number(self) -> int: ...
    @property
    def mode(self) -> str: ...
    @property
    def delivery(self) -> str: ...
    @property
    def attributes(self) -> Sequence[Any]: ...
    @property
    def status(self) -> str: ...
    @property
    def credits(self) -> int: ...
    @property
    def steps_done(self) -> int: ...
    @property
    def steps_total(self) -> int: ...
    @property
    def ordered_at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def failure_code(self) -> str: ...
    @property
    def failure_message(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the command line shows it, wherever it was found. `attributes` counts them."""

    number: int
    model: str
    data_set: str
    mode: Mode
    delivery: Delivery
    attributes: int
    status: RunStatus
    credits: int
    steps_done: int
    steps_total: int
    ordered_at: datetime
    due_at: datetime
    failure_code: str
    failure_message: str

    @classmethod
    def of(cls, found: RunFound, *, model: str, data_set: str) -> Run:
        """The run under the names of its model and its data set."""
        return cls(
            number=found.number,
            model=model,
            data_set=data_set,
            mode=Mode(found.mode),
            delivery=Delivery(found.delivery),
            attributes=len(found.attributes),
            status=RunStatus(found.status),
            credits=found.credits,
            steps_done=found.steps_done,
            steps_total=found.steps_total,
            ordered_at=found.ordered_at,
            due_at=found.due_at,
            failure_code=found.failure_code,
            failure_message=found.failure_message,
        )

    @property
    def has_ended(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.status in ENDED

    @property
    def progress(self) -> str:
        """The status, with how much is done while it trains."""
        if self.steps_total and not self.has_ended:
            return f"{self.status} {100 * self.steps_done // self.steps_total} %"
        return self.status

    @property
    def charge(self) -> str:
        """What the run costs, in words: held, spent, or nothing."""
        match self.status:
            case RunStatus.COMPLETED:
                return f"{self.credits} spent"
            case RunStatus.FAILED | RunStatus.CANCELLED:
                return f"0 ({self.credits} given back)"
            case _:
                return f"{self.credits} held"


def show_runs(found: Iterable[Run], *, zone: tzinfo | None) -> None:
    """Prints runs as a table, times in the zone."""
    print_table(
        ["run", "model", "mode", "delivery", "attributes", "status", "credits", "ordered", "due"],
        [
            [
                run.number,
                run.model,
                run.mode.title,
                run.delivery.title,
                run.attributes,
                run.progress,
                run.charge,
                moment(run.ordered_at, zone),
                moment(run.due_at, zone),
            ]
            for run in found
        ],
        right=["run", "attributes"],
    )


def show_run(run: Run, *, zone: tzinfo | None, also: Sequence[str] = ()) -> None:
    """What a run is and where it stands. `also` are further lines, before the one that says why it failed."""
    say(f"Run {run.number}: {run.mode.title}, {run.delivery.title}, of {run.data_set} as {run.model}")
    say(f"{run.progress}, {run.charge}; due {moment(run.due_at, zone)}")
    for line in also:
        say(line)
    if run.failure_message:
        say(f"{run.failure_code}: {run.failure_message}")


def show_ordered(run: Run, *, left: int) -> None:
    """`left`: the credits that the organisation has besides."""
    say(f"Run {run.number} is ordered: {count(run.credits, 'credit')} held, {left} left.")


def show_waits(run: Run) -> None:
    """Prints that the order is not trained before somebody approves it."""
    say("  It waits for approval by an owner or a member for billing; they are told by mail.")
    say(f"  approve it: otai runs approve {run.number}")


def show_approved(run: Run, *, zone: tzinfo | None) -> None:
    """Prints that the order is queued, and when it is due."""
    say(f"Run {run.number} is approved; due {moment(run.due_at, zone)}.")


def show_declined(run: Run) -> None:
    """Prints that nobody trains the order, and what was given back."""
    say(f"Run {run.number} is declined: {count(run.credits, 'credit')} given back, nothing charged.")


def show_cancelled(run: Run) -> None:
    """Prints that the run was cancelled, and what was given back."""
    say(f"Run {run.number} is cancelled: {run.credits} credits given back, nothing charged.")


def training_bar(*, quiet: bool) -> Progress:
    """A bar of the steps of a training: `add_task("waiting", total=None)`, then `update(description=stage, completed=,
    total=)`."""
    words = TextColumn("{task.description}")
    columns = [words, BarColumn(), MofNCompleteColumn(), TextColumn("steps"), TimeElapsedColumn()]
    return Progress(*columns, console=console, disable=quiet)


def show_completed(run: Run, card: Mapping[str, Any], *, version: str) -> None:
    """`version` names the model version that the run became: `support v3`."""
    report_card_summary(dict(card))
    say(f"Model {version} is ready: {count(run.credits, 'credit')} spent.")
    say(f"  try it:    otai predict {run.model} 'My printer is on fire'")
    say(f"  take away: otai model export {run.model} .")


def show_not_completed(run: Run, *, watch: str = "") -> None:
    """How the run failed or was cancelled; or, while it goes on, the command that watches it (none: nothing is
    said)."""
    if run.has_ended:
        say(f"Run {run.number} {run.status}: {run.failure_message or 'cancelled'}")
        say(f"  {count(run.credits, 'credit')} given back, nothing charged.")
    elif watch:
        say(f"  watch it: otai runs {watch} {run.number}")


def exit_unless_completed(run: Run) -> None:
    """A run that ended otherwise is an exit code; one that still goes on is none."""
    if run.has_ended and run.status is not RunStatus.COMPLETED:
        raise typer.Exit(NOT_COMPLETED)
