"""First and last name of who works on a ticket, in two columns: one person, whose name is both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otai.tickets import known_afterwards
from otai.tickets.column_doubles import is_number_of
from otai.tickets.column_names import AGENT, name_of
from otai.tickets.column_stats import ColumnStats, Look

_FIRST = frozenset(
    ("first", "firstname", "givenname", "vorname", "prenom", "nombre", "voornaam", "imie", "nomeproprio")
)
_LAST = frozenset(
    (
        *("last", "lastname", "surname", "familyname", "nachname", "familienname", "nom", "nomdefamille", "apellido"),
        *("apellidos", "cognome", "achternaam", "nazwisko", "sobrenome", "apelido"),
    )
)
_ADDRESSES = frozenset(("id", "email", "username", "login", "handle"))
_WHOLE = frozenset(("name", "fullname", "displayname"))
"""Last words of columns of the same person that say as much as both halves."""
_BETWEEN = frozenset(("of", "the", "des", "der", "de", "du", "l", "d", "del", "della", "dell", "van", "do", "da"))
_TICKETS_A_PERSON = 3
"""An agent works on more tickets than a customer sends."""


@dataclass(frozen=True, slots=True)
class HalvesOfName:
    """The two columns, what the attribute of both is called, and columns of ids and addresses of the same people."""

    first: ColumnStats
    last: ColumnStats
    name: str
    people: int
    doubles: tuple[ColumnStats, ...]


def agents_in_halves(look: Look, candidates: Sequence[ColumnStats]) -> Iterator[HalvesOfName]:
    """Agents whose names stand in two columns, where no other column names agents."""
    halves: dict[tuple[str, ...], dict[bool, ColumnStats]] = {}
    for column in candidates:
        if (half := _half_of(column)) is not None:
            halves.setdefault(half[0], {})[half[1]] = column
    for rest, columns in halves.items():
        if len(columns) < 2:
            continue
        first, last = columns[True], columns[False]
        doubles = tuple(
            column
            for column in candidates
            if _is_beside(column, last) and (is_number_of(column, last) or column.words.parts[-1][-1] in _ADDRESSES)
        )
        names_agents = [
            column
            for column in look.columns
            if column.words.fits(AGENT)
            and _half_of(column) is None
            and (not _is_beside(column, last) or column.words.parts[-1][-1] in _WHOLE)
        ]
        people = {pair for pair in look.rows_of(first, last) if all(pair)}
        rows = sum(all(pair) for pair in look.rows_of(first, last))
        if not names_agents and len(people) > 1 and rows >= _TICKETS_A_PERSON * len(people):
            yield HalvesOfName(first, last, _called(first, rest), len(people), doubles)


def _half_of(column: ColumnStats) -> tuple[tuple[str, ...], bool] | None:
    """The words beside "first name" or "last name" that say whose it is, and whether it is the first; None for another
    column, and one of other people than agents."""
    words = tuple(word for word in column.words.words if word not in _BETWEEN)
    for size in (2, 1):
        for half, rest in ((words[-size:], words[:-size]), (words[:size], words[size:])):
            joined = "".join(half)
            if rest and (joined in _FIRST or joined in _LAST):
                # "Vorname des Bearbeiters" has a genitive.
                names = [name_of(" ".join((*rest[:-1], word))) for word in (rest[-1], rest[-1].removesuffix("s"))]
                if any(name.fits(AGENT) for name in names) and known_afterwards.named(names[0]) is None:
                    return rest, joined in _FIRST
    return None


def _is_beside(column: ColumnStats, half: ColumnStats) -> bool:
    """Whether both are of one object: assignee.id, assignee.last."""
    return len(half.words.parts) > 1 and column is not half and column.words.parts[:-1] == half.words.parts[:-1]


def _called(column: ColumnStats, rest: tuple[str, ...]) -> str:
    """What the file calls these people ("Assignee" of "Assignee First Name"), the column's whole name where that cannot
    be told."""
    words = [word for word in re.split(r"[\s._:-]+", column.name) if "".join(name_of(word).words) in rest]
    return " ".join(words) or column.name
