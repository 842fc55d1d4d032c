"""`otai feedback`: what people say the right labels are; collected, counted, and made training data in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otai.cli.actor import actor
from otai.cli.arguments import ModelArgument
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.db import utc_now
from otai.errors import Invalid
from otai.serving import feedback, queries
from otai.tickets import queries as tickets
from otai.words.catalogue import say_actor_to_programs

app = typer.Typer(
    help="Corrections by people: give, list, merge into the tickets; fix and rename labels.", no_args_is_help=True
)


@app.command("give")
def give(
    name: ModelArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help="A table, CSV or any other that can be imported, with text (or subject and body), and a column for "
            "each attribute with the right label."
        ),
    ],
    complete: Annotated[
        bool, typer.Option("--complete", help="It speaks of every ticket of its time, of right ones as well.")
    ] = False,
    version: Annotated[int | None, typer.Option("--version", help="A version other than the one that is live.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Of this batch; the same key again changes nothing. Else the file's hash.")
    ] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Give feedback from a file. It is never trained on silently: see `otai feedback merge`."""
    asked_version = queries.version(organisation_named(org), name, version)
    attributes = {attribute["name"]: attribute["kind"] for attribute in asked_version.run.attributes}
    corrections, of_file = feedback.read_file(file, attributes=attributes)
    given = feedback.give(
        version=asked_version, corrections=corrections, by=actor(), key=key or of_file, now=utc_now(), complete=complete
    )
    if json:
        print_json(given)
        return
    again = " It was given before; nothing changed." if given.replayed else ""
    say(f"{given.statements} statements about {asked_version}: the model was right in {given.right}.{again}")


@app.command("list")
def list_feedback(
    name: ModelArgument,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Feedback on a model, newest first, and what waits to be merged."""
    organisation = organisation_named(org)
    offered = feedback.offer(organisation, name)
    corrections = feedback.listed(organisation, name)[:limit]
    if json:
        print_json(
            {
                "waiting": {"statements": offered.statements, "tickets": offered.tickets, "wrong": offered.wrong},
                "into": str(offered.into) if offered.into else None,
                "feedback": [
                    {
                        "at": one.given_at,
                        "by": say_actor_to_programs(one.given_by),
                        "version": one.version.number,
                        "ticket": one.ticket,
                        "text": one.text,
                        "attribute": one.attribute,
                        "predicted": one.predicted,
                        "corrected": one.corrected,
                        "is_right": one.is_right,
                        "merged": one.merged_into_id is not None,
                    }
                    for one in corrections
                ],
            }
        )
        return
    say(
        f"{offered.statements} statements about {offered.tickets} tickets wait; the model was wrong in {offered.wrong}."
    )
    if offered.statements:
        say(f"  make them training data: otai feedback merge {name}")
    print_table(
        ["when", "ticket", "attribute", "predicted", "right is", "by", ""],
        [
            [
                f"{one.given_at.astimezone(organisation.zone):%Y-%m-%d}",
                one.ticket or one.text[:40],
                one.attribute,
                ", ".join(one.predicted),
                ", ".join(one.corrected),
                say_actor_to_programs(one.given_by),
                "merged" if one.merged_into_id else "",
            ]
            for one in corrections
        ],
    )


@app.command("merge")
def merge(
    name: ModelArgument,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Make all waiting feedback part of a new version of the model's tickets. Training it is a step of its own."""
    made = feedback.merge(organisation=organisation_named(org), name=name, by=actor(), why=why, now=utc_now())
    _said(made, json=json)


@app.command("fix")
def fix(
    data_set: Annotated[str, typer.Argument(help="Name of the tickets.")],
    attribute: Annotated[str, typer.Option("--attribute", "-a", help="Whose labels are fixed.")],
    label: Annotated[list[str], typer.Argument(help="TICKET=LABEL; repeat. Several labels of a ticket apart by |.")],
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Fix labels of tickets: a new version of the data set, the one before stays."""
    pairs = [one.partition("=") for one in label]
    if wrong := next(
        (one for one, (ticket, sign, _) in zip(label, pairs, strict=True) if not ticket or not sign), None
    ):
        raise Invalid("not_ticket_label", text=wrong, code="change_invalid")
    chosen = tickets.data_set(organisation_named(org), data_set)
    labels = [(ticket, attribute, tuple(filter(None, value.split("|")))) for ticket, _, value in pairs]
    _said(feedback.correct_labels(data_set=chosen, labels=labels, by=actor(), now=utc_now()), json=json)


@app.command("rename")
def rename(
    data_set: Annotated[str, typer.Argument(help="Name of the tickets.")],
    attribute: Annotated[str, typer.Option("--attribute", "-a", help="Whose labels are renamed.")],
    names: Annotated[list[str], typer.Argument(help="OLD=NEW; repeat. Two old ones with one new one are joined.")],
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Rename or join labels: a new version of the data set, the one before stays."""
    pairs = [one.partition("=") for one in names]
    if wrong := next((one for one, (old, sign, new) in zip(names, pairs, strict=True) if not old or not new), None):
        raise Invalid("not_old_new", text=wrong, code="change_invalid")
    chosen = tickets.data_set(organisation_named(org), data_set)
    mapping = {attribute: {old: new for old, _, new in pairs}}
    _said(feedback.map_labels(data_set=chosen, mapping=mapping, by=actor(), now=utc_now()), json=json)


def _said(made: feedback.NextVersion, *, json: bool) -> None:
    if json:
        print_json(
            {
                "data_set": made.data_set.name,
                "version": made.data_set.version,
                "changed": len(made.changes),
                "added": made.added,
                "changes": made.changes,
            }
        )
        return
    say(f"{made.data_set}: {len(made.changes)} labels are others now, {made.added} tickets are new.")
    say(f"  train it: otai train {made.data_set.name}")
