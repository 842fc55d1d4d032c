"""`otai advice`: when a new training is worth its credits, and what would raise a model; one step from either to doing
it."""

from __future__ import annotations

import sys
from typing import Annotated, Any
from uuid import UUID

import typer

from otai.cli import training
from otai.cli.actor import actor
from otai.cli.arguments import ModelArgument
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.runs import run_as_dict
from otai.cli.setup import require_installation
from otai.db import utc_now
from otai.errors import Invalid, NotFound
from otai.orgs.models import Organisation
from otai.runs import queries as runs
from otai.serving import advice, queries, versions
from otai.serving.models import Advice, AdviceStatus
from otai.serving.operations import register_completed_runs
from otai.words import advice as words
from otai.words.catalogue import percent, say_actor_to_programs, say_stored

app = typer.Typer(help="When to train again, and what would raise a model.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The advice's id, or as much of it as tells it apart.")]


def advice_as_dict(one: Advice) -> dict[str, Any]:
    """A piece of advice as JSON, with its sentences."""
    return {
        "id": one.id,
        "model": one.version.model.name,
        "version": one.version.number,
        "kind": one.kind,
        "status": one.status,
        **words.told(one, data_set=str(one.data_set or "")),
        "mapping": one.mapping,
        "reason": one.reason,
        "attributes": one.attributes,
        "credits": one.credits,
        "found_at": one.found_at,
        "checked_at": one.checked_at,
        "decided_by": say_actor_to_programs(one.decided_by),
        "decided_why": say_stored(one.decided_why),
    }


@app.command("check")
def check(
    name: Annotated[str | None, typer.Argument(help="Name of the model; all models if left out.")] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Look at the newest tickets and labels of a model. Says nothing when nothing is wrong."""
    organisation = organisation_named(org)
    names = [name] if name else sorted(set(queries.versions(organisation).values_list("model__name", flat=True)))
    found = [one for each in names for one in advice.check(organisation=organisation, name=each, now=utc_now())]
    if json:
        print_json([advice_as_dict(one) for one in found])
        return
    if not found:
        say("Nothing advises a training.")
    for one in found:
        _show(one)


def _show(one: Advice) -> None:
    price = f"{one.credits} credits" if one.credits else "no credits"
    say(f"{one.version}: {one.get_kind_display()} ({price}), {str(one.id)[-8:]}")
    told = words.told(one, data_set=str(one.data_set or ""))
    say(f"  {told['title']}")
    for evidence in told["evidence"]:
        if evidence["sentence"] != told["title"]:
            p_value = f" (p {evidence['p_value']:.2g})" if "p_value" in evidence else ""
            say(f"  - {evidence['sentence']}{p_value}")
    points = told["chart"].get("points")
    if points:
        print_table(
            [told["chart"]["title"], "before", "now"],
            [[point["label"], _number(point["before"]), _number(point["now"])] for point in points],
            right=["before", "now"],
        )
    if not advice.has_tickets_first(one.evidence):
        say(f"  follow it: otai advice follow {str(one.id)[-8:]}")


def _number(value: float) -> str:
    return percent(value, places=1) if isinstance(value, float) else str(value)


def _advice(organisation: Organisation, id: str) -> Advice:
    try:
        return advice.advice(organisation, UUID(id))
    except ValueError:
        pass
    found = [one for one in advice.all_advice(organisation)[:1000] if str(one.id).endswith(id.lower())]
    if len(found) != 1:
        raise NotFound("advice_id", found=len(found), id=id)
    return found[0]


@app.command("list")
def list_advice(
    every: Annotated[bool, typer.Option("--all", help="Decided and outdated advice as well.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """What was advised."""
    found = advice.all_advice(organisation_named(org))
    if not every:
        found = found.filter(status=AdviceStatus.OPEN)
    if json:
        print_json([advice_as_dict(one) for one in found])
        return
    print_table(
        ["id", "model", "kind", "status", "credits", "what was found"],
        [[str(one.id)[-8:], str(one.version), one.kind, one.status, one.credits, str(one)] for one in found],
        right=["credits"],
    )


@app.command("follow")
def follow(
    id: Id,
    with_feedback: Annotated[
        bool, typer.Option("--with-feedback", help="Merge the waiting feedback into the tickets first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Order without asking.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Order only; a worker trains it (otai worker).")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Order the training that the advice proposes, with its reason; or, for renamed labels, use the new names at no
    cost."""
    require_installation()
    organisation = organisation_named(org)
    advised = _advice(organisation, id)
    if advised.credits and not yes:
        if json or not sys.stdin.isatty():
            raise Invalid("order", code="confirmation_missing")
        say(advised.title)
        typer.confirm(f"Train for {advised.credits} credits?", abort=True)
    run = advice.follow(
        organisation=organisation, id=advised.id, who=actor(), now=utc_now(), with_feedback=with_feedback
    )
    if run is None:
        if json:
            print_json({"renamed": advised.mapping, "credits": 0})
        else:
            say("The model uses the new names from now on; nothing was charged.")
        return
    if not json:
        say(f"Run {run.number} is ordered: {run.credits} credits held.")
    if not detach:
        training.train_here(run, quiet=json)
        register_completed_runs(now=utc_now(), organisation=organisation)
    run = runs.run(organisation, run.number)
    if json:
        print_json(run_as_dict(run))
        return
    say(f"Run {run.number} is {run.status}.")
    if hasattr(run, "version"):
        made = queries.version(organisation, run.model_name, run.version.number)
        why = versions.comparison_told(made).get("why", "")
        say(f"{made} is {'live' if versions.is_live(made) else 'not live'}: {why}")


@app.command("dismiss")
def dismiss(
    id: Id,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "",
    org: OrgOption = None,
) -> None:
    """Say no to advice; it is not given again while nothing else is found."""
    organisation = organisation_named(org)
    advice.dismiss(organisation=organisation, id=_advice(organisation, id).id, who=actor(), why=why, now=utc_now())
    say("Dismissed.")


@app.command("improve")
def improve(
    name: ModelArgument,
    version: Annotated[int | None, typer.Option("--version", help="A version other than the one that is live.")] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """What would most likely raise each attribute, from the evidence of its training."""
    improvements = advice.improvements(organisation_named(org), name, version)
    if json:
        print_json(improvements)
        return
    for attribute, ideas in improvements.items():
        say(f"{attribute}:")
        for idea in ideas:
            gain = (
                f" [{100 * idea.gain.value:+.1f} points, {100 * idea.gain.low:+.1f} to {100 * idea.gain.high:+.1f}]"
                if idea.gain
                else ""
            )
            say(f"  {idea.sentence}{gain}")
            for suspect in idea.details.get("suspects", [])[:10]:
                say(
                    f"    {suspect['ticket']}: {', '.join(suspect['given'])} -> {', '.join(suspect['suggested'])} "
                    f"({percent(suspect['confidence'])})  {suspect['excerpt'][:80]}"
                )
        if not ideas:
            say("  no step is known that would surely raise it")


@app.command("fix-labels")
def fix_labels(
    name: ModelArgument,
    attribute: Annotated[str, typer.Option("--attribute", "-a", help="Whose labels are fixed.")],
    ticket: Annotated[
        list[str] | None, typer.Option("--ticket", help="Only this ticket's; repeat. All that are listed if left out.")
    ] = None,
    version: Annotated[int | None, typer.Option("--version", help="A version other than the one that is live.")] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Accept labels that the training suspected to be wrong: a new version of the tickets, the one before stays."""
    made = advice.accept_suspects(
        organisation=organisation_named(org),
        name=name,
        attribute=attribute,
        who=actor(),
        now=utc_now(),
        ticket_ids=ticket,
        number=version,
    )
    if json:
        print_json({"data_set": made.data_set.name, "version": made.data_set.version, "changed": len(made.changes)})
    else:
        say(f"{made.data_set}: {len(made.changes)} labels are others now. Train it: otai train {made.data_set.name}")
