"""`otai tickets labels`: labels renamed, joined or left out, with a look at what comes of it first."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from otai.cli.actor import actor
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.db import utc_now
from otai.errors import Invalid
from otai.serving import feedback
from otai.tickets import queries
from otai.tickets.relabelling import Plan, plan

NameArgument = Annotated[str, typer.Argument(help="Name of the data set.")]
AttributeOfLabels = Annotated[str, typer.Option("--attribute", "-a", help="Whose labels.")]
RenameOption = Annotated[
    list[str] | None, typer.Option("--rename", help="OLD=NEW; repeat. Two old ones with one new name are joined.")
]
LeaveOutOption = Annotated[
    list[str] | None, typer.Option("--leave-out", help="This label; repeat. Its tickets stay, without it.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
YesToChange = Annotated[bool, typer.Option("--yes", "-y", help="Change without asking.")]


def changes_of(rename: list[str] | None, leave_out: list[str] | None) -> dict[str, str | None]:
    """Labels by what they become. Raises ChangeInvalid-like Invalid (`change_invalid`) for what is not OLD=NEW."""
    found: dict[str, str | None] = {}
    for said in rename or ():
        old, sign, new = said.partition("=")
        if not old or not new or not sign:
            raise Invalid("not_old_new", text=said, code="change_invalid")
        found[old] = new
    found |= dict.fromkeys(leave_out or ())
    if not found:
        raise Invalid("what", code="change_invalid")
    return found


def labels(
    name: NameArgument,
    attribute: AttributeOfLabels,
    rename: RenameOption = None,
    leave_out: LeaveOutOption = None,
    dry_run: DryRunOption = False,
    yes: YesToChange = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Rename, join or leave out labels: a new version of the data set, the one before stays."""
    changes = {attribute: changes_of(rename, leave_out)}
    data_set = queries.data_set(organisation_named(org), name)
    plans = [as_raw(one) for one in plan(data_set, changes)]
    if not is_wanted(plans, dry_run=dry_run, yes=yes, json=json):
        return
    made = feedback.map_labels(data_set=data_set, mapping=changes, by=actor(), now=utc_now())
    show_made(str(made.data_set), made.data_set.name, made.data_set.version, len(made.changes), json=json)


def as_raw(one: Plan) -> dict[str, Any]:
    """As the API gives it."""
    return {
        "attribute": one.attribute,
        "edits": [{"label": edit.label, "tickets": edit.tickets, "becomes": edit.becomes} for edit in one.edits],
        "after": [{"label": label, "tickets": tickets} for label, tickets in one.after],
        "at_most": one.is_at_most,
        "left_without": one.without_label,
        "learnable_before": one.learnt_before,
        "learnable_after": one.learnt_after,
    }


def is_wanted(plans: Iterable[Mapping[str, Any]], *, dry_run: bool, yes: bool, json: bool) -> bool:
    """Shows what would change, and asks. Raises Invalid (`confirmation_missing`) where nobody is there to ask."""
    plans = list(plans)
    if json and dry_run:
        print_json({"items": plans})
    elif not json:
        for one in plans:
            show_plan(one)
    if dry_run:
        return False
    if not yes:
        if json or not sys.stdin.isatty():
            raise Invalid("relabel", code="confirmation_missing")
        typer.confirm("Make a new version with these labels?", abort=True)
    return True


def show_plan(one: Mapping[str, Any]) -> None:
    """What each label becomes, and how many labels can be learnt then."""
    after = {counted["label"]: counted["tickets"] for counted in one["after"]}
    print_table(
        [one["attribute"], "tickets", "becomes", "then has"],
        [
            [
                edit["label"],
                f"{edit['tickets']:,}",
                edit["becomes"] if edit["becomes"] is not None else "(left out)",
                "" if edit["becomes"] is None else f"{'at most ' if one['at_most'] else ''}{after[edit['becomes']]:,}",
            ]
            for edit in one["edits"]
        ],
        right=["tickets", "then has"],
    )
    say(f"Labels that can be learnt: {one['learnable_before']} now, {one['learnable_after']} then.")
    if one["left_without"]:
        say(f"{one['left_without']:,} tickets lose the label and stay.")


def show_made(title: str, name: str, version: int, changed: int, *, json: bool) -> None:
    """The new version, as a sentence or as JSON."""
    if json:
        print_json({"data_set": name, "version": version, "changed": changed})
        return
    say(f"{title}: {changed:,} labels are others now. The version before stays.")
    say(f"  train it: otai train {name}")
