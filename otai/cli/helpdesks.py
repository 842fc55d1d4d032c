"""`otai helpdesks`: tickets from where they are, read over a helpdesk's API."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from otai.cli import tickets
from otai.cli.output import JsonOption, OrgOption, console, print_json, print_table, say
from otai.cli.presenters import data_sets
from otai.errors import Refused
from otai.helpdesks import reading
from otai.helpdesks.connecting import System, connected
from otai.helpdesks.values import FieldValue, Ticket, WantedTickets
from otai.tickets import jobs as tickets_jobs
from otai.tickets.options import ReadOptions

app = typer.Typer(
    help="Read tickets from a helpdesk: nothing is ever written there (docs/helpdesks/README.md).",
    no_args_is_help=True,
)

SystemArgument = Annotated[System, typer.Argument(help="Which system it is.")]
AddressArgument = Annotated[str, typer.Argument(help="Where it is, https://...")]
TokenOption = Annotated[
    str,
    typer.Option(
        prompt="Token", hide_input=True, envvar="OTAI_HELPDESK_TOKEN", help="Its API token; asked if left out."
    ),
]
QueueOption = Annotated[
    list[str] | None, typer.Option("--queue", help="Only tickets of this queue (group); repeat. All if left out.")
]
FromOption = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="Only tickets that came in on this day or later."),
]
ChangedOption = Annotated[
    datetime | None,
    typer.Option(
        "--changed-since",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Only tickets that changed since (UTC): what to --add.",
    ),
]


class NoTicketsThere(Refused):
    code = "no_tickets_at_helpdesk"


@app.command()
def check(system: SystemArgument, address: AddressArgument, token: TokenOption, json: JsonOption = False) -> None:
    """Try address and token, and show which labels exist there."""
    with connected(system, address, token) as helpdesk:
        labels = helpdesk.labels()
    if json:
        print_json(labels)
        return
    say("The helpdesk answers, and the token may read it.")
    print_table(["field", "labels"], [[field, ", ".join(names)] for field, names in labels.items()])


@app.command()
def preview(
    system: SystemArgument,
    address: AddressArgument,
    token: TokenOption,
    queue: QueueOption = None,
    created_since: FromOption = None,
    most: Annotated[int, typer.Option("--tickets", min=1, max=100, help="How many.")] = 10,
    json: JsonOption = False,
) -> None:
    """Show a few tickets as an import would understand them, without importing."""
    wanted = _wanted(queue, created_since, None)
    with connected(system, address, token) as helpdesk:
        shown = list(itertools.islice(reading.read_tickets(helpdesk, wanted, reading.Told()), most))
    with _file_of(shown, address) as file:
        roles = tickets_jobs.preview_here(file, ReadOptions()).roles
    if json:
        print_json({"tickets": [_as_dict(one) for one in shown], "roles": roles.as_dict()})
        return
    for ticket in shown:
        say(f"{ticket.number} {ticket.title}")
        say(f"    {'; '.join(f'{name}: {_labels(value)}' for name, value in ticket.fields.items())}")
        say(f"    {' '.join(reading.understood(ticket).split())[:300] or 'no message'}")
    data_sets.show_columns(roles)


@app.command("import")
def import_(
    system: SystemArgument,
    address: AddressArgument,
    token: TokenOption,
    name: Annotated[str, typer.Option(help="Name of the data set. A known name: next version.")],
    queue: QueueOption = None,
    created_since: FromOption = None,
    changed_since: ChangedOption = None,
    attribute: tickets.AttributeOption = None,
    ordered: tickets.OrderedOption = None,
    ignore: tickets.IgnoreOption = None,
    add: tickets.AddOption = False,
    keep_quotes: tickets.KeepQuotesOption = False,
    mask: tickets.MaskOption = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Read the tickets and import them. What their columns are for is guessed, as of a file."""
    wanted = _wanted(queue, created_since, changed_since)
    told = reading.Told()
    with connected(system, address, token) as helpdesk:
        counted = _counted_aloud(reading.read_tickets(helpdesk, wanted, told), told, wanted=not json)
        with _file_of(counted, address) as file:
            tickets.import_(
                [file], name=name, attribute=attribute, ordered=ordered, ignore=ignore, add=add,
                keep_quotes=keep_quotes, mask=mask, org=org, json=json,
            )  # fmt: skip
    if told.gone and not json:
        say(f"{told.gone:,} tickets were gone when they were to be read.")


def _wanted(queues: list[str] | None, created_since: datetime | None, changed_since: datetime | None) -> WantedTickets:
    return WantedTickets(
        queues=frozenset(queues or ()),
        created_since=created_since.date() if created_since else None,
        changed_since=changed_since.replace(tzinfo=UTC) if changed_since else None,
    )


@contextmanager
def _file_of(found: Iterable[Ticket], address: str) -> Iterator[Path]:
    """The tickets as a file for as long as the block takes, called by the helpdesk's host. Raises NoTicketsThere."""
    with tempfile.TemporaryDirectory(prefix="otai-helpdesk-") as folder:
        file = Path(folder) / f"{urlsplit(address).hostname}.jsonl"
        reading.write_tickets(found, file)
        if not file.stat().st_size:
            raise NoTicketsThere("none")
        yield file


def _counted_aloud(found: Iterable[Ticket], told: reading.Told, *, wanted: bool) -> Iterator[Ticket]:
    """The same tickets; says how many there are so far, where somebody looks at a window."""
    if not wanted or not sys.stdout.isatty():
        yield from found
        return
    with console.status("Reading tickets") as status:
        for ticket in found:
            status.update(f"Reading tickets, {told.tickets:,} so far")
            yield ticket


def _labels(value: FieldValue) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _as_dict(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "title": ticket.title,
        "created_at": ticket.created_at,
        "fields": ticket.fields,
        "text": reading.understood(ticket),
    }
