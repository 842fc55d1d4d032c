"""Made-up tickets for exports in the manner of one helpdesk or another, and what must come out of each."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.tickets.test_other_helpdesks import agent, body, subject, team

ROWS = 120
FIRST = datetime(2026, 1, 5, 8, 12, tzinfo=UTC)
SOLVED = "We have replaced the part and told the customer how to go on from here."

Made = Callable[[], tuple[str, bytes]]
"""Gives a file's name and content."""


@dataclass(frozen=True)
class Right:
    """What must come out: the roles (None: not looked at), all that is proposed, and what is no attribute. Others may
    be kept."""

    subject: str | None
    body: str | None
    ticket: str | None
    created: str | None
    proposed: set[str]
    never: set[str]


def ended(n: int) -> bool:
    return n % 3 > 0


def then(n: int, value: str) -> str:
    """A cell that is filled where the ticket is closed."""
    return value if ended(n) else ""


def person(n: int) -> str:
    return f"{('Ada', 'Ben', 'Cleo', 'Dirk', 'Elsa')[n % 5]} {('Ahrens', 'Bauer', 'Conrad', 'Dahl')[n // 5 % 4]}"


def kind(n: int) -> str:
    return ("Incident", "Question")[n * 3 % 7 % 2]


def topic(n: int) -> str:
    return ("Hardware", "Software", "Access", "Other")[n * 7 % 9 % 4]


def urgency(n: int, *words: str) -> str:
    return (words or ("Low", "Medium", "High"))[n * 5 % len(words or "abc")]


def at(n: int, pattern: str = "%Y-%m-%d %H:%M:%S", *, hours: int = 0) -> str:
    return (FIRST + timedelta(hours=7 * n + hours)).strftime(pattern)


_CHOICE = re.compile(r"\[([^]]*~[^]]*)\]")


def cell(template: str, n: int) -> str:
    """The cell of row `n`: "?" in front fills it where the ticket is closed, "[a~b]" takes the next word each row, and
    names in braces say the rest."""
    if template.startswith("?"):
        return then(n, cell(template[1:], n))
    words = _CHOICE.sub(lambda found: found[1].split("~")[n % len(found[1].split("~"))], template)
    return words.format(
        n=n, few=n % 7, subject=subject(n), body=body(n), team=team(n), agent=agent(n), person=person(n), kind=kind(n),
        topic=topic(n), subtopic=topic(n + 1), subsubtopic=topic(n + 2), urgency=urgency(n), solved=SOLVED,
        mail=f"c{n}@globex.example", state="Closed" if ended(n) else "Open", first=person(n).split()[0],
        last=person(n).split()[1], agent_first=agent(n).split()[0], agent_last=agent(n).split()[1],
        agent_number=len(agent(n)), at=FIRST + timedelta(hours=7 * n), later=FIRST + timedelta(hours=7 * n + 9),
    )  # fmt: skip


def columns(text: str) -> list[tuple[str, str]]:
    """Names and templates of "Name = template | Name = template ..."."""
    return [(name.strip(), template.strip()) for name, _, template in (one.partition(" = ") for one in text.split("|"))]


def table(
    text: str,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    name: str = "export.csv",
    before: str = "",
    after: str = "",
    line_end: str = "",
) -> Made:
    """A delimited file of these columns, of which several may have one name."""

    def made() -> tuple[str, bytes]:
        file = io.StringIO()
        writer = csv.writer(file, delimiter=delimiter, lineterminator=f"{line_end}\r\n")
        writer.writerow([column for column, _ in columns(text)])
        writer.writerows([cell(template, n) for _, template in columns(text)] for n in range(ROWS))
        return name, (before + file.getvalue() + after).encode(encoding)

    return made


def message_rows(header: str, *messages: str, delimiter: str = ",") -> Made:
    """A delimited file with a row for each message of a ticket; `messages` are templates of rows."""

    def made() -> tuple[str, bytes]:
        file = io.StringIO()
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header.split("|"))
        for n in range(ROWS):
            writer.writerows([cell(template, n) for template in row.split("|")] for row in messages)
        return "export.csv", file.getvalue().encode()

    return made
