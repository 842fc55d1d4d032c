"""`otai model live | rollback | show | keep-tickets | delete`: which version of a model answers, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otai.cli.actor import actor
from otai.cli.arguments import ModelArgument, WhyOption
from otai.cli.models import Version, app
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.presenters import models
from otai.db import utc_now
from otai.serving import deletion, queries, versions
from otai.serving.models import Move
from otai.words.catalogue import say_actor_to_programs

MOVES = {
    Move.LIVE: "-> live",
    Move.BACK: "rolled back",
    Move.WAITS: "waits for a decision",
    Move.KEEPS_TICKETS: "keeps tickets",
}


@app.command("live")
def live(
    name: ModelArgument,
    version: Annotated[int, typer.Argument(help="The version that answers from now on.")],
    why: WhyOption = "",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Decide which version answers, whatever its comparison said."""
    found = versions.go_live(
        organisation=organisation_named(org), name=name, number=version, who=actor(), why=why, now=utc_now()
    )
    _said(found, f"{found} is live.", json=json)


@app.command("rollback")
def rollback(name: ModelArgument, why: WhyOption = "", org: OrgOption = None, json: JsonOption = False) -> None:
    """Take back the version that is live: the one before answers again."""
    found = versions.roll_back(organisation=organisation_named(org), name=name, who=actor(), why=why, now=utc_now())
    _said(found, f"{found} is live again.", json=json)


@app.command("keep-tickets")
def keep_tickets(
    name: ModelArgument,
    days: Annotated[int, typer.Argument(min=0, max=90, help="How long; 0: none, and those kept are deleted.")],
    org: OrgOption = None,
) -> None:
    """Keep the tickets that the model is asked about for some days, so that drift shows. Off unless you turn it on."""
    versions.keep_tickets(organisation=organisation_named(org), name=name, days=days, who=actor(), now=utc_now())
    say(f"Tickets are kept for {days} days." if days else "No tickets are kept.")


@app.command("delete")
def delete(
    name: ModelArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete it for good.")] = False,
    org: OrgOption = None,
) -> None:
    """Delete a model with all its versions, and what was made from tickets along the way."""
    organisation = organisation_named(org)
    found = queries.version(organisation, name).model
    if not yes:
        models.show_would_go(name)
        return
    deletion.delete_model(organisation=organisation, id=found.id, who=actor(), now=utc_now())
    models.show_gone(name)


@app.command("show")
def show(name: ModelArgument, version: Version = None, org: OrgOption = None, json: JsonOption = False) -> None:
    """One version: how it compared with the one before, what was changed in its tickets, and when it answered."""
    organisation = organisation_named(org)
    shown = queries.version(organisation, name, version)
    changes = versions.label_changes_of(shown)
    happened = list(versions.events(shown.model))
    if json:
        print_json(
            {
                "model": name,
                "version": shown.number,
                "live": versions.is_live(shown),
                "run": shown.run.number,
                "comparison": versions.comparison_told(shown) or None,
                "renamed": shown.renamed,
                "label_changes": changes,
                "events": [
                    {
                        "at": e.at,
                        "move": e.what.value,
                        "version": e.version and e.version.number,
                        "who": say_actor_to_programs(e.who),
                        **e.explained(),
                    }
                    for e in happened
                ],
            }
        )
        return
    say(f"{shown}{', live' if versions.is_live(shown) else ''}: run {shown.run.number}, of {shown.run.data_set}")
    if told := versions.comparison_told(shown):
        say(f"Compared with version {told['with']}: {told['why']}")
    for change in changes:
        say(
            f"{change['data_set']}: {change['why']} ({change['changed']} labels are others, {change['added']} tickets "
            f"new), by {change['by']}"
        )
        for changed in change["changes"][:10]:
            say(
                f"  {changed['ticket']}, {changed['attribute']}: {', '.join(changed['was']) or '-'} -> "
                f"{', '.join(changed['now']) or '-'}"
            )
    print_table(
        ["when", "what happened", "version", "who", "why"],
        [
            [
                f"{e.at.astimezone(organisation.zone):%Y-%m-%d %H:%M}",
                MOVES[e.what],
                e.version and e.version.number,
                say_actor_to_programs(e.who),
                e.said(),
            ]
            for e in happened
        ],
    )


def _said(version: Any, sentence: str, *, json: bool) -> None:
    if json:
        print_json({"model": version.model.name, "version": version.number, "live": True})
    else:
        say(sentence)
