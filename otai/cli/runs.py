"""`otai runs`: trainings that were ordered, what became of them, and cancelling one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import typer

from otai.cli.actor import actor
from otai.cli.arguments import RunArgument, WhyOption
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.presenters import runs as presented
from otai.cli.presenters.words import moment
from otai.cli.report_card import report_card_summary
from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.runs import operations, queries
from otai.runs.approval import Approver
from otai.runs.models import Attempt, Run
from otai.runs.status import RunStatus
from otai.words.actors import ActorKind, read_actor
from otai.words.catalogue import say_actor_to_programs

app = typer.Typer(help="Training runs: list, show, approve, cancel, refund.", no_args_is_help=True)


def run_as_dict(run: Run) -> dict[str, Any]:
    """A run as JSON; credits are whole, times in UTC."""
    return {
        "run": run.number,
        "id": run.id,
        "model": run.model_name,
        "data_set": str(run.data_set),
        "mode": run.mode,
        "delivery": run.delivery,
        "reason": run.reason,
        "attributes": [attribute["name"] for attribute in run.attributes],
        "status": run.status,
        "approval": run.approval,
        "ending": run.ending,
        "credits": run.credits,
        "charged": run.credits if run.status == RunStatus.COMPLETED else 0,
        "ordered_at": run.ordered_at,
        "due_at": run.due_at,
        "expected_start_at": run.expected_start_at,
        "expected_finish_at": run.expected_finish_at,
        "expected_late_at": run.expected_late_at,
        "ended_at": run.ended_at,
        "attempts": run.attempt,
        "failures": run.failures,
        "stage": run.stage,
        "steps_done": run.steps_done,
        "steps_total": run.steps_total,
        "failure_code": run.failure_code,
        "failure_message": run.what_failed,
    }


@app.command("list")
def list_runs(org: OrgOption = None, json: JsonOption = False) -> None:
    """All runs of the organisation, newest first."""
    organisation = organisation_named(org)
    found = queries.runs(organisation)
    if json:
        print_json([run_as_dict(run) for run in found])
        return
    presented.show_runs(map(shown, found), zone=organisation.zone)


def shown(run: Run) -> presented.Run:
    """The run as the presenter has it."""
    shown = presented.Run.of(run, model=run.model_name, data_set=str(run.data_set))
    return replace(shown, failure_message=run.what_failed)


def _expectation(run: Run, organisation: Organisation) -> str:
    if run.status == RunStatus.AWAITING_APPROVAL:
        until = _local(organisation, run.approval_until)
        return f"waits for approval until {until}; it is due from its approval on (otai runs approve {run.number})"
    if run.expected_start_at is None:
        return "nobody can say yet when it begins: no worker is there for it (otai worker)"
    begins = "began" if run.status != RunStatus.QUEUED else "expected to begin"
    late = ", later than promised" if run.expected_late_at else ""
    ready = _local(organisation, run.expected_finish_at)
    return f"{begins} {_local(organisation, run.expected_start_at)}, expected to be ready {ready}{late}"


def _where(attempts: list[Attempt]) -> list[str]:
    """On what it was really trained, whatever its delivery promises."""
    return list(dict.fromkeys(f"trained on {_machine(attempt)}" for attempt in attempts))


def _machine(attempt: Attempt) -> str:
    where = f"{attempt.hardware}, pool {attempt.pool}" if attempt.pool else attempt.hardware
    if not attempt.devices:
        return where
    ran_on = [f"{one['count']} x {one['name']}" for one in attempt.devices if one["kind"] == "gpu"]
    cores = sum(one["count"] for one in attempt.devices if one["kind"] == "cpu")
    gpus = "GPU: " + ", ".join(ran_on) if ran_on else "no GPU used"
    return f"{where} (threads: {cores}; {gpus})"


def _short(who: str) -> str:
    """A person's name as it is; of a worker's name (`host/boot.namespace/pid.start`) host and process."""
    host, _, rest = who.partition("/")
    if rest and read_actor(who).kind is ActorKind.NAMED:
        return f"worker {host}:{rest.rpartition('/')[2].partition('.')[0]}"
    return say_actor_to_programs(who)


def _local(organisation: Organisation, at: datetime | None) -> str:
    return moment(at, organisation.zone) if at else ""


@app.command("show")
def show(
    number: RunArgument,
    org: OrgOption = None,
    log: Annotated[bool, typer.Option("--log", help="Print the training's log as well.")] = False,
    json: JsonOption = False,
) -> None:
    """One run: its history, its report card, its log."""
    organisation = organisation_named(org)
    run = queries.run(organisation, number)
    attempts = list(run.attempts.order_by("number"))
    happened = list(queries.events(run))
    if json:
        print_json(
            {
                **run_as_dict(run),
                "events": [
                    {"at": e.at, "move": e.what, "who": say_actor_to_programs(e.who), **e.explained()} for e in happened
                ],
                "attempts": [
                    {
                        "number": a.number,
                        "worker": a.worker,
                        "pool": a.pool,
                        "hardware": a.hardware,
                        "devices": a.devices,
                        "started_at": a.started_at,
                        "ended_at": a.ended_at,
                        "outcome": a.outcome,
                        "log": a.log,
                    }
                    for a in attempts
                ],
                "report_card": run.report_card,
            }
        )
        return
    expected = [] if run.has_ended else [_expectation(run, organisation)]
    presented.show_run(shown(run), zone=organisation.zone, also=[*expected, *_where(attempts)])
    print_table(
        ["when", "what happened", "who", "why"],
        [
            [f"{e.at.astimezone(organisation.zone):%Y-%m-%d %H:%M:%S}", e.happened(), _short(e.who), e.said()]
            for e in happened
        ],
    )
    if run.report_card:
        report_card_summary(run.report_card)
    if log:
        for attempt in attempts:
            say(f"\nLog of attempt {attempt.number} on {attempt.hardware} ({attempt.outcome or 'at work'}):")
            say(attempt.log)


@app.command("cancel")
def cancel(number: RunArgument, org: OrgOption = None, json: JsonOption = False) -> None:
    """Cancel a run that has not ended; its credits are given back in full."""
    organisation = organisation_named(org)
    run = operations.cancel_run(organisation=organisation, number=number, who=actor(), now=utc_now())
    if json:
        print_json(run_as_dict(run))
    else:
        presented.show_cancelled(shown(run))


@app.command("approve")
def approve(number: RunArgument, org: OrgOption = None, json: JsonOption = False) -> None:
    """Approve an order that waits for it. It is queued, and due from now on; whoever ordered it cannot."""
    organisation = organisation_named(org)
    run = operations.approve_run(organisation=organisation, number=number, by=Approver(actor()), now=utc_now())
    if json:
        print_json(run_as_dict(run))
    else:
        presented.show_approved(shown(run), zone=organisation.zone)


@app.command("decline")
def decline(
    number: RunArgument,
    why: Annotated[str, typer.Option(help="The reason; whoever ordered reads it.")],
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Decline an order that waits for approval; its credits are given back."""
    run = operations.decline_run(
        organisation=organisation_named(org), number=number, by=Approver(actor()), why=why, now=utc_now()
    )
    if json:
        print_json(run_as_dict(run))
    else:
        presented.show_declined(shown(run))


@app.command("refund")
def refund(
    number: RunArgument,
    why: WhyOption,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: give back the credits of a completed run that was found faulty."""
    organisation = organisation_named(org)
    run = operations.refund_run(organisation=organisation, number=number, why=why, who=actor(), now=utc_now())
    if json:
        print_json(run_as_dict(run))
    else:
        say(f"The {run.credits} credits of run {run.number} are given back: {why}")
