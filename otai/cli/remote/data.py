"""Data of an organisation of the Studio elsewhere: how long it is kept, its export, its deletion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otai.cli.output import JsonOption, print_json
from otai.cli.presenters import closing
from otai.cli.privacy import Days, Hours, Yes
from otai.cli.remote.signing_in import studio
from otai.errors import Invalid

app = typer.Typer(help="The organisation's data: how long it is kept, export, deletion.", no_args_is_help=True)


@app.command("retention")
def retention(
    tickets: Days = None, feedback: Days = None, logs: Days = None, uploads: Hours = None, json: JsonOption = False
) -> None:
    """After how many days tickets, feedback and logs are deleted, and after how many hours files that wait; shows it,
    or sets what is given."""
    asked = {"tickets_days": tickets, "feedback_days": feedback, "logs_days": logs, "uploads_hours": uploads}
    with studio() as there:
        standing = there.retention()
        if any(days is not None for days in asked.values()):
            given = {name: days or None for name, days in asked.items() if days is not None}
            standing = there.set_retention(**{**standing, **given})
    if json:
        print_json(standing)
    else:
        closing.show_retention(standing)


@app.command("export")
def export(path: Annotated[Path, typer.Argument(help="The zip to write.")], json: JsonOption = False) -> None:
    """Have all that is kept of the organisation exported, wait for it and download it; needs the scope data:export."""
    with studio() as there:
        made = there.wait_for_export(there.ask_for_export()["id"])
        there.download_export(made, path)
        name = there.organisation()["name"] if not json else ""
    if json:
        print_json({**made, "file": str(path)})
    else:
        closing.show_export(name, path)


@app.command("delete")
def delete(
    organisation: Annotated[str, typer.Argument(help="Its short name, to confirm.")] = "",
    yes: Yes = False,
    json: JsonOption = False,
) -> None:
    """Delete the organisation: it only reads for 30 days, can be taken back, and is erased then; needs the scope
    data:erase."""
    with studio() as there:
        found = there.organisation_deletion()
        if yes:
            if not organisation:
                raise Invalid("name", code="name_missing")
            found = there.delete_organisation(organisation)
    if json:
        print_json(found)
        return
    closing.show_closing(organisation or "This organisation", found)
    closing.show_asked(found) if yes else closing.show_not_asked(needed="its short name and --yes")


@app.command("keep")
def keep() -> None:
    """Take the deletion of the organisation back, while its 30 days last."""
    with studio() as there:
        there.keep_organisation()
    closing.show_kept("The organisation")
