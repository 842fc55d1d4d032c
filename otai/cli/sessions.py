"""`otai sessions`: for operators, where a person is signed in, and signing them out."""

from __future__ import annotations

import typer

from otai.cli.arguments import EmailArgument
from otai.cli.output import JsonOption, print_json, print_table, say
from otai.cli.presenters.words import count
from otai.db import utc_now
from otai.errors import NotFound
from otai.orgs import sessions
from otai.orgs.models import User

app = typer.Typer(help="Sessions of a person: list, end.", no_args_is_help=True)


@app.command("list")
def list_sessions(email: EmailArgument, json: JsonOption = False) -> None:
    """Where somebody is signed in."""
    rows = [
        {
            "browser": " ".join(filter(None, sessions.browser_named(found.user_agent))),
            "address": found.ip,
            "since": found.created_at,
            "last_seen": found.last_seen_at,
        }
        for found in sessions.sessions_of(_person(email), now=utc_now())
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ["browser", "address", "since (UTC)", "last seen (UTC)"],
        [
            [row["browser"], row["address"], f"{row['since']:%Y-%m-%d %H:%M}", f"{row['last_seen']:%Y-%m-%d %H:%M}"]
            for row in rows
        ],
    )


@app.command("end")
def end_sessions(email: EmailArgument) -> None:
    """Sign somebody out everywhere, at once."""
    ended = sessions.end_sessions(_person(email))
    say(f"{email} is signed out: {count(ended, 'session')} ended.")


def _person(email: str) -> User:
    found = User.objects.filter(email__iexact=email).first()
    if found is None:
        raise NotFound("person", email=email)
    return found
