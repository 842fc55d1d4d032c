"""What whoever made the key is told by the Studio elsewhere, and how."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from otai.cli.output import JsonOption, print_json, print_table
from otai.cli.remote.signing_in import studio

app = typer.Typer(help="Notifications: what you were told, and what you want to hear.", no_args_is_help=True)


@app.command("list")
def list_notifications(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50, json: JsonOption = False
) -> None:
    """What you were told in the last 30 days."""
    with studio() as there:
        found = list(islice(there.notifications(), limit))
    if json:
        print_json(found)
        return
    print_table(["when", "what"], [[one["happened_at"], one["title"]] for one in found])


@app.command("choices")
def choices(json: JsonOption = False) -> None:
    """What you are told, and how."""
    with studio() as there:
        found = there.notification_choices()
    if json:
        print_json(found)
        return
    print_table(
        ["kind", "mail", "browser", "above credits", "meaning"],
        [
            [
                one["kind"],
                one["mail"],
                "yes" if one["in_browser"] else "no",
                one["above_credits"] if one["kind"] == "order_above_limit" else "",
                one["meaning"],
            ]
            for one in found
        ],
    )


@app.command("choose")
def choose(
    kind: Annotated[str, typer.Argument(help="As `otai notifications choices` lists it.")],
    mail: Annotated[str | None, typer.Option(help="at_once, daily or off.")] = None,
    browser: Annotated[bool | None, typer.Option(help="In browsers that allow it.")] = None,
    above: Annotated[int | None, typer.Option(help="A colleague's orders of more credits.")] = None,
    json: JsonOption = False,
) -> None:
    """Choose how one kind is told; what is left out stays as it is. The key needs the scope runs:order."""
    with studio() as there:
        chosen = there.choose_notification(kind, mail=mail, in_browser=browser, above_credits=above)
    if json:
        print_json(chosen)
    else:
        print_table(["kind", "mail", "browser"], [[chosen["kind"], chosen["mail"], chosen["in_browser"]]])
