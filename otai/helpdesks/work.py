"""What jobs do with helpdesks, in their own process: first they ask, with a network and the token that is handed to
them, and then they read what came, with neither. No tables, no settings; a spec in, values and files out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from otai.helpdesks import reading
from otai.helpdesks.asking import TimeLimits, hurried, unhurried
from otai.helpdesks.connecting import System, connected
from otai.helpdesks.helpdesk import Helpdesk
from otai.helpdesks.problems import NoTicketsThere
from otai.helpdesks.values import FieldValue, Ticket, WantedTickets
from otai.jobs.confined import leave_network
from otai.jobs.handing import handed
from otai.jobs.work import Tell
from otai.tickets import work as tickets_work
from otai.tickets.options import ReadOptions
from otai.tickets.reading import preview_columns

SOURCE = "tickets.jsonl"
most_labels = 500
"""Of one field, that are shown to be chosen from."""
most_text, most_title, most_value = 3_000, 300, 300
"""Characters of a ticket that is looked at."""


def get_ready() -> None:
    """Called once in the server that forks jobs; starts no thread."""
    tickets_work.get_ready()


def look(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """Which labels exist, a few tickets as an import would understand them, and what their fields would be taken for:
    `labels` by field, `tickets`, `fields` and `preview` (`Preview.as_dict`; None without tickets)."""
    with _asked(spec, folder, hurried) as helpdesk:
        labels = {field: list(names)[:most_labels] for field, names in helpdesk.labels().items()}
        found = list(itertools.islice(reading.read_tickets(helpdesk, _wanted(spec), reading.Told()), spec["tickets"]))
    _leave()
    shown = {"labels": labels, "tickets": [], "fields": sorted({name for one in found for name in one.fields})}
    chosen = [reading.with_fields(one, spec["fields"]) for one in found]
    if not chosen:
        return {**shown, "preview": None}
    source = folder / SOURCE
    reading.write_tickets(chosen, source)
    preview = preview_columns(source, filename=spec["filename"], options=ReadOptions(), must_have_text=False)
    return {**shown, "tickets": [_shown(one) for one in chosen], "preview": preview.as_dict()}


def read(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """All wanted tickets, imported as a file is (`tickets.work.read`); says how many were read so far, and then how far
    the import is. Raises NoTicketsThere."""
    told, source = reading.Told(), folder / SOURCE
    with _asked(spec, folder, unhurried) as helpdesk:
        found = reading.read_tickets(helpdesk, _wanted(spec), told)
        reading.write_tickets(_counted(found, spec["fields"], told, tell), source)
    _leave()
    if not told.tickets:
        raise NoTicketsThere("none")
    return tickets_work.read({**spec, "source": str(source)}, folder, tell)


@contextmanager
def _asked(spec: Mapping[str, Any], folder: Path, limits: TimeLimits) -> Iterator[Helpdesk]:
    token = handed(folder)
    with connected(System(spec["system"]), spec["address"], token, private=spec["private"], limits=limits) as helpdesk:
        yield helpdesk


def _leave() -> None:
    # Not on every system; the kernel of one that has it holds it.
    with suppress(OSError, AttributeError):
        leave_network()


def _wanted(spec: Mapping[str, Any]) -> WantedTickets:
    since, changed = spec["created_since"], spec.get("changed_since")
    return WantedTickets(
        queues=frozenset(spec["queues"]),
        created_since=date.fromisoformat(since) if since else None,
        changed_since=datetime.fromisoformat(changed) if changed else None,
    )


def _counted(found: Iterable[Ticket], fields: Iterable[str], told: reading.Told, tell: Tell) -> Iterator[Ticket]:
    for ticket in found:
        tell(rows=told.tickets)
        yield reading.with_fields(ticket, fields)


def _shown(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number[:most_value],
        "title": ticket.title[:most_title],
        "created_at": ticket.created_at.isoformat(),
        "fields": {name: _cut(value) for name, value in ticket.fields.items()},
        "text": reading.understood(ticket)[:most_text],
    }


def _cut(value: FieldValue) -> str | list[str]:
    return value[:most_value] if isinstance(value, str) else [one[:most_value] for one in value[:20]]
