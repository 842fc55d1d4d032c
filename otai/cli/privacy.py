"""`otai org delete`, `keep`, `retention`, `export`, `import` and `otai people`: how data leaves, and how it is
erased."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from otai.cli.actor import actor
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, say
from otai.cli.presenters import closing
from otai.cli.presenters.words import count
from otai.cli.team import app
from otai.db import utc_now

people_app = typer.Typer(help="People with an account: export what is kept of them, erase them.", no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only what would happen is said.")]
Days = Annotated[int | None, typer.Option(min=0, help="Days; 0: kept until somebody deletes it.")]
Hours = Annotated[int | None, typer.Option(min=0, help="Hours that files wait for their columns; 0: a day.")]


@app.command("delete")
def delete(yes: Yes = False, org: OrgOption = None) -> None:
    """Delete an organisation: it only reads for 30 days, can be taken back, and is erased then."""
    from otai.privacy import organisations

    organisation = organisation_named(org)
    closing.show_closing(organisation.name, asdict(organisations.what_closes(organisation)))
    if not yes:
        closing.show_not_asked(needed="--yes")
        return
    found = organisations.ask_to_delete(organisation=organisation, who=actor(), now=utc_now())
    closing.show_asked({"erased_at": found.closing_at})


@app.command("keep")
def keep(org: OrgOption = None) -> None:
    """Take the deletion of an organisation back, while its 30 days last."""
    from otai.privacy import organisations

    found = organisations.take_back(organisation=organisation_named(org), who=actor(), now=utc_now())
    closing.show_kept(found.name)


@app.command("retention")
def show_retention(
    tickets: Days = None,
    feedback: Days = None,
    logs: Days = None,
    uploads: Hours = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """After how many days tickets, feedback and logs are deleted, and after how many hours files that wait; shows it,
    or sets what is given."""
    from otai.privacy import retention

    organisation = organisation_named(org)
    asked = {"tickets_days": tickets, "feedback_days": feedback, "logs_days": logs, "uploads_hours": uploads}
    standing = retention.periods(organisation)
    if any(days is not None for days in asked.values()):
        wanted = {**asdict(standing), **{name: days or None for name, days in asked.items() if days is not None}}
        standing = retention.set_periods(
            organisation=organisation, wanted=retention.Periods(**wanted), who=actor(), now=utc_now()
        )
    if json:
        print_json(asdict(standing))
        return
    closing.show_retention(asdict(standing))


@app.command("export")
def export(
    path: Annotated[Path, typer.Argument(help="The zip to write.")], org: OrgOption = None, json: JsonOption = False
) -> None:
    """Write all that is kept of an organisation to a zip (docs/export.md)."""
    from otai.privacy import exports

    organisation = organisation_named(org)
    exports.write_organisation(organisation, path, now=utc_now())
    if json:
        print_json({"organisation": organisation.slug, "file": str(path), "bytes": path.stat().st_size})
    else:
        closing.show_export(organisation.name, path)


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="An export of an organisation.", exists=True, dir_okay=False)],
    slug: Annotated[str, typer.Option(help="Another short name than it had.")] = "",
    credits: Annotated[
        int | None, typer.Option(min=0, help="Credits available afterwards; as many as it had if left out.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """For operators: make an organisation from an export of another installation."""
    from otai.privacy import imports

    made = imports.import_organisation(path, who=actor(), now=utc_now(), slug=slug, credits=credits)
    if json:
        waits = made.waits.id if made.waits else None
        print_json({"organisation": made.organisation.slug, "rows": made.rows, "credits": made.credits, "waits": waits})
        return
    came = f"{count(sum(made.rows.values()), 'row')}, {count(made.files, 'file')}"
    say(f"{made.organisation.name} ({made.organisation.slug}) is here: {came}. Invite its people: otai org invite.")
    if made.waits:
        say(f"The opening balance, {count(made.credits, 'credit')}, is not there yet: it waits for a second operator.")
        say(f"otai billing approve {made.waits.id} --why ...")
    else:
        say(f"{count(made.credits, 'credit')} granted.")


@people_app.command("export")
def export_person(
    email: Annotated[str, typer.Argument(help="Their mail address.")],
    path: Annotated[Path, typer.Argument(help="The zip to write.")],
) -> None:
    """Write all that is kept of a person to a zip."""
    from otai.privacy import exports, persons

    with path.open("wb") as file:
        exports.write_person(persons.account(email), file, now=utc_now())
    say(f"Written to {path}.")


@people_app.command("erase")
def erase(email: Annotated[str, typer.Argument(help="Their mail address.")], yes: Yes = False) -> None:
    """Erase an account: a number stands for the person in everything that is kept."""
    from otai.privacy import persons

    user = persons.account(email)
    if not yes:
        say(f"{user.email} is person {user.pk} from then on. Nothing was changed. With --yes it is erased.")
        return
    erasure = persons.erase_person(user=user, who=actor(), now=utc_now())
    say(f"Erased: {user.email} is person {erasure.person} in {count(erasure.went['rows'], 'row')} that are kept.")
