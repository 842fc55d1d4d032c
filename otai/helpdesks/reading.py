"""Tickets of a helpdesk as the file that an import reads, one JSON document a line: what is learnt from them is decided
there, by the rules of every other file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otai.helpdesks.helpdesk import Helpdesk
from otai.helpdesks.problems import HelpdeskRefused
from otai.helpdesks.values import Article, Ticket, WantedTickets
from otai.learning.data.cuts.cutting import KINDS, TextRules, cut
from otai.learning.data.texts.reading import as_imported


@dataclass(slots=True)
class Told:
    """How many tickets were read, and how many were gone when they were to be read."""

    tickets: int = 0
    gone: int = 0


def read_tickets(helpdesk: Helpdesk, wanted: WantedTickets, told: Told) -> Iterator[Ticket]:
    """The wanted tickets with their articles, page by page; `told` counts along. Raises HelpdeskRefused,
    HelpdeskUnavailable."""
    cursor: str | None = None
    while True:
        page = helpdesk.page(wanted, cursor)
        for ticket in page.tickets:
            try:
                read = helpdesk.read(ticket)
            except HelpdeskRefused as refused:
                # Deleted or merged since its page was asked for.
                if refused.case != "not_there":
                    raise
                told.gone += 1
                continue
            told.tickets += 1
            yield read
        if page.cursor is None:
            return
        cursor = page.cursor


def write_tickets(tickets: Iterable[Ticket], file: Path) -> None:
    """Writes the tickets into the file as they come, one a line."""
    with file.open("w", encoding="utf-8") as out:
        for ticket in tickets:
            out.write(json.dumps(as_document(ticket), ensure_ascii=False) + "\n")


def with_fields(ticket: Ticket, fields: Iterable[str]) -> Ticket:
    """The ticket with these of its fields alone; all of them where none is named."""
    wanted = set(fields)
    if not wanted:
        return ticket
    kept = {name: value for name, value in ticket.fields.items() if name in wanted}
    return dataclasses.replace(ticket, fields=kept)


def as_document(ticket: Ticket) -> dict[str, Any]:
    """The ticket as a line of the file."""
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in ticket.fields.items()},
        "number": ticket.number,
        "title": ticket.title,
        "created_at": ticket.created_at.isoformat(),
        "articles": [_as_document(one) for one in ticket.articles],
    }


def _as_document(article: Article) -> dict[str, Any]:
    return {
        "sender": article.writer.value,
        "internal": article.is_internal,
        "created_at": article.written_at.isoformat(),
        "subject": article.subject,
        "body": article.body,
    }


def understood(ticket: Ticket) -> str:
    """The ticket's text as an import takes it: the customer's first message, without what every import cuts."""
    articles = json.dumps([_as_document(one) for one in ticket.articles], ensure_ascii=False)
    [text] = as_imported([articles]) if ticket.articles else [""]
    return cut(text, TextRules(kinds=KINDS)).text
