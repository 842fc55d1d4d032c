"""`otai helpdesks`: tickets from where they are, read over a helpdesk's API."""

from __future__ import annotations

import itertools
import os
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
from otai.cli.actor import actor
from otai.cli.output import JsonOption, OrgOption, console, organisation_named, print_json, print_table, say
from otai.cli.presenters import data_sets
from otai.db import utc_now
from otai.helpdesks import jobs as helpdesk_jobs
from otai.helpdesks import operations, queries, reading
from otai.helpdesks.connecting import System, connected
from otai.helpdesks.models import HelpdeskConnection
from otai.helpdesks.operations import ToRead
from otai.helpdesks.problems import NoTicketsThere
from otai.helpdesks.values import FieldValue, Ticket, WantedTickets
from otai.jobs import operations as jobs
from otai.tickets import jobs as tickets_jobs
from otai.tickets.columns import ColumnRoles
from otai.tickets.options import ImportOptions, ReadOptions

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


KeptArgument = Annotated[str, typer.Argument(help="Its name, as `otai helpdesks list` shows it.")]
FieldOption = Annotated[list[str] | None, typer.Option("--field", help="Only this field of tickets; repeat.")]


@app.command()
def connect(
    system: SystemArgument,
    address: AddressArgument,
    token: TokenOption,
    name: Annotated[str, typer.Option(help="What to call it; the address's host, if left out.")] = "",
    queue: QueueOption = None,
    created_since: FromOption = None,
    field: FieldOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Keep a helpdesk, with its token sealed, so that it can be read again by its name."""
    made = operations.connect(
        organisation=organisation_named(org),
        name=name,
        system=system,
        address=address,
        token=token,
        to_read=ToRead(queue or (), created_since.date() if created_since else None, field or ()),
        who=actor(),
        now=utc_now(),
    )
    if json:
        print_json(_connection_as_dict(made))
    else:
        say(f"{made.name} is connected. Look at it with: otai helpdesks look {made.name}")


@app.command("list")
def list_connections(org: OrgOption = None, json: JsonOption = False) -> None:
    """All helpdesks that are kept."""
    found = list(queries.connections(organisation_named(org)))
    if json:
        print_json([_connection_as_dict(one) for one in found])
        return
    rows = [
        [one.name, one.system, one.address, ", ".join(one.queues) or "all", one.created_since or "all"] for one in found
    ]
    print_table(["name", "system", "address", "queues", "since"], rows)


@app.command()
def change(
    name: KeptArgument,
    rename: Annotated[str | None, typer.Option(help="Another name.")] = None,
    address: Annotated[str | None, typer.Option(help="Another address; its token is asked anew.")] = None,
    new_token: Annotated[bool, typer.Option("--new-token", help="Another token, which is asked.")] = False,
    queue: QueueOption = None,
    created_since: FromOption = None,
    field: FieldOption = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All queues, fields and times again, but for what is said.")
    ] = False,
    org: OrgOption = None,
) -> None:
    """Change a helpdesk; what is left out stays."""
    organisation = organisation_named(org)
    kept = queries.connection_named(organisation, name)
    token = None
    if new_token or address is not None:
        token = os.environ.get("OTAI_HELPDESK_TOKEN") or typer.prompt("Token", hide_input=True)
    before = ToRead() if all_ else ToRead(kept.queues, kept.created_since, kept.fields)
    since = created_since.date() if created_since else before.created_since
    operations.change(
        organisation=organisation,
        connection=kept.id,
        name=rename,
        address=address,
        token=token,
        to_read=ToRead(queue or before.queues, since, field or before.fields),
        who=actor(),
        now=utc_now(),
    )
    say("It is changed.")


@app.command()
def look(name: KeptArgument, org: OrgOption = None, json: JsonOption = False) -> None:
    """Try a kept helpdesk, and show ten of its tickets as an import would understand them."""
    kept = queries.connection_named(organisation_named(org), name)
    found = helpdesk_jobs.look_of(jobs.wait(helpdesk_jobs.ask_for_look(kept, who=actor(), now=utc_now()), seconds=None))
    roles = ColumnRoles.from_dict(found["preview"]["roles"]) if found["preview"] else None
    if json:
        shown = {name: found[name] for name in ("labels", "fields", "tickets")}
        print_json({**shown, "roles": roles.as_dict() if roles else None})
        return
    print_table(["field", "labels"], [[field, ", ".join(names)] for field, names in found["labels"].items()])
    for ticket in found["tickets"]:
        say(f"{ticket['number']} {ticket['title']}")
        say(f"    {'; '.join(f'{name}: {_labels(value)}' for name, value in ticket['fields'].items())}")
        say(f"    {' '.join(ticket['text'].split())[:300] or 'no message'}")
    if roles is not None:
        data_sets.show_columns(roles)


@app.command()
def fetch(
    name: KeptArgument,
    data_set: Annotated[str, typer.Option("--name", help="Name of the data set. A known name: next version.")],
    changed_since: ChangedOption = None,
    add: tickets.AddOption = False,
    keep_quotes: tickets.KeepQuotesOption = False,
    mask: tickets.MaskOption = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Import the tickets of a kept helpdesk."""
    kept = queries.connection_named(organisation_named(org), name)
    options = ImportOptions(add=add, keep_quotes=keep_quotes, mask=mask)
    since = _in_utc(changed_since)
    asked = helpdesk_jobs.ask_for_import(
        kept, name=data_set, options=options, changed_since=since, who=actor(), now=utc_now()
    )
    job = jobs.wait(asked, seconds=None)
    helpdesk_jobs.refuse_if_failed(job)
    made = tickets_jobs.imported(job)
    if json:
        print_json({"data_set": made.name, "version": made.version, "tickets": made.tickets, "id": made.id})
    else:
        say(f"{made}: {made.tickets:,} tickets.")


@app.command()
def disconnect(name: KeptArgument, org: OrgOption = None) -> None:
    """Forget a helpdesk with its token. What was imported stays."""
    organisation = organisation_named(org)
    kept = queries.connection_named(organisation, name)
    operations.disconnect(organisation=organisation, connection=kept.id, who=actor(), now=utc_now())
    say("It is disconnected, and its token is gone.")


def _connection_as_dict(connection: HelpdeskConnection) -> dict[str, Any]:
    names = ("id", "name", "system", "address", "queues", "created_since", "fields", "created_at", "created_by")
    return {name: getattr(connection, name) for name in names}


def _wanted(queues: list[str] | None, created_since: datetime | None, changed_since: datetime | None) -> WantedTickets:
    return WantedTickets(
        queues=frozenset(queues or ()),
        created_since=created_since.date() if created_since else None,
        changed_since=_in_utc(changed_since),
    )


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


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
