"""What the rows of a file say of their own order: when a ticket was last changed, when a message was written, and its
number.

Of rows with one ticket's id the newest has the labels, and the first message is the text (`joining.py`). Such columns
are no attributes and have no role; a file that does not name them is read in its own order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from otai.learning.data.texts.times import parse_time
from otai.tickets import column_names as names
from otai.tickets.column_names import ColumnName, is_bare_number, name_of
from otai.tickets.column_stats import ColumnStats, Look
from otai.tickets.columns import ColumnRoles
from otai.tickets.problems import BadRows
from otai.tickets.sources.table import Source

UPDATED, SAID_AT, MESSAGE_ID = "updated_at", "message_at", "message_id"
"""Columns of staged rows and of data sets: when the labels of a ticket were last changed, when the message that is its
text was written, and that message's number as digits that sort as text."""

VARIES = 0.5
"""Of tickets with several rows, so many have several values in a column that is of each message."""
ALIKE_NUMBERED = 0.95
ROWS_A_TICKET = 1.05
MOST_DIGITS = 20
LONGEST_NUMBER = 40


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_CHANGED = _words(
    "updat modif modyf aktualis aktualiz actualis actualiz atualiz aggiorn bijgewerkt geaendert aenderung changed "
    "change gewijzigd wijzig zmien zmian alterado alteracao alterad edited bearbeitet bearbeitung misajour miseajour "
    "misejour touched revised activity aktivitaet activite actividad attivita activiteit aktywnosc atividade export "
    "modstamp snapshot"
)
"""How words begin that say that something was changed; the surest first."""
_IN_COMPOUNDS = frozenset(_words("updat modif modyf aktualis geaendert aenderung bearbeitung wijzig"))
"""Those that stand in the middle of words too."""
_BESIDE = frozenset(
    _words(
        "last latest date time at on datetime timestamp ts day ticket tickets case issue incident request record row "
        "system sys stamp mod the of was is in utc gmt zuletzt letzte letzter letztes am um datum zeit zeitpunkt der "
        "des vorgang anfrage meldung stoerung le la les de du derniere dernier heure el fecha hora ultima ultimo il "
        "data ora di del della op tijd laatst laatste van het em da do ostatnia ostatni ostatnio czas dnia jour mise "
        "mis a jour to lastly most recent fields when"
    )
)
"""What may stand beside such a word, for the time to be that of the ticket's last change."""
MESSAGE_THINGS = frozenset(
    _words(
        "message messages comment comments article articles note notes reply replies response entry post mail email "
        "part update activity interaction event journal nachricht nachrichten kommentar kommentare artikel notiz "
        "antwort eintrag beitrag commentaire commentaires reponse entree mensaje mensajes comentario comentarios "
        "respuesta nota entrada messaggio messaggi commento commenti risposta voce bericht berichten opmerking "
        "opmerkingen reactie antwoord wiadomosc wiadomosci komentarz komentarze odpowiedz wpis mensagem mensagens "
        "resposta turn step utterance thread sent gesendet envoye enviado inviato verzonden wyslano"
    )
)
_NUMBERS = frozenset(
    _words(
        "id ids number nummer nr no num n key index seq sequence sequenz position pos order rank step turn numero "
        "numer num volgnummer reihenfolge lfdnr lfd laufnummer lp kolejnosc orden ordre ordem ordine volgorde #"
    )
)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class RowOrder:
    """The columns of a file that say it; None where none does. `of_messages`: their names say that rows are messages.
    `created_varies`: the time of creation is that of each message."""

    updated: str | None = None
    said_at: str | None = None
    message_id: str | None = None
    of_messages: bool = False
    created_varies: bool = False
    is_beside: bool = False

    @property
    def columns(self) -> set[str]:
        """All of them."""
        return {one for one in (self.updated, self.said_at, self.message_id) if one is not None}


UNORDERED = RowOrder()


def row_order(source: Source, look: Look, roles: ColumnRoles, are_times: Mapping[str, bool]) -> RowOrder:
    """What a file's rows say. `are_times` tells which columns hold times. Reads the file's beginning once more where
    ids repeat in a long file: whether a column is of each message shows between rows that follow each other."""
    if "ticket" not in roles.single:
        return UNORDERED
    in_use = {*roles.single.values(), *(name for found in roles.attributes for name in found.columns)}
    free = [column for column in look.columns if column.name not in in_use and column.filled and not column.lists]
    times = [column for column in free if are_times.get(column.name)]
    ticket = look.column(roles.single["ticket"])
    updated = _updated(times)
    if ticket.tickets_a_value < ROWS_A_TICKET:
        number = None if ticket.tickets_a_value == 0 else _called_message_id(free, look)
        return RowOrder(updated, message_id=number)
    rows = RowsOfTickets(source, look, roles.single["ticket"])
    said_at, is_named = _said_at(times, roles.single.get("created"), rows)
    number, is_numbered = _message_id([*free], ticket, rows)
    created = roles.single.get("created")
    varies = created is not None and rows.varies(created)
    return RowOrder(updated, said_at, number, of_messages=is_named or is_numbered, created_varies=varies)


def rules_of(order: RowOrder, roles: ColumnRoles, look: Look) -> dict[str, str]:
    """The columns that decide, by what they decide: `updated` or `created` which row of a ticket is the newest, `said`
    which message came first."""
    created = roles.single.get("created")
    repeats = "ticket" in roles.single and look.column(roles.single["ticket"]).tickets_a_value >= ROWS_A_TICKET
    said = order.said_at or (created if order.created_varies else order.message_id or (created if repeats else None))
    named = {"updated": order.updated, "created": created, "said": said}
    return {name: column for name, column in named.items() if column is not None}


def is_of_changes(name: ColumnName) -> int | None:
    """How surely a column's name says when a ticket was last changed, the smaller the surer; None where it does not."""
    words = [word for part in name.parts for word in part]
    best: int | None = None
    together = "".join(words)
    for rank, stem in enumerate(_CHANGED):
        held = [word for word in words if word.startswith(stem) or (stem in _IN_COMPOUNDS and stem in word)]
        is_told = bool(held) or (stem.startswith("mis") and stem in together)
        if is_told and all(word in held or word in _BESIDE for word in words):
            best = rank if best is None else min(best, rank)
    return best


def _updated(times: Sequence[ColumnStats]) -> str | None:
    ranked = [(rank, -column.filled, at, column.name) for at, column in enumerate(times)
              if (rank := is_of_changes(column.words)) is not None]  # fmt: skip
    return min(ranked)[3] if ranked else None


class RowsOfTickets:
    """Rows that follow each other, by ticket: which columns differ between the rows of one."""

    def __init__(self, source: Source, look: Look, ticket: str) -> None:
        self._cells = {column.name: column.cells for column in look.columns}
        if len(self._cells[ticket]) < look.rows:
            first = next(source.batches(BadRows(skip=True)), None)
            if first is not None:
                self._cells = {
                    name: [cell if isinstance(cell, str) else None for cell in cells]
                    for name, cells in zip(source.columns, first.lists(), strict=True)
                }
        self._tickets = self._cells[ticket]

    def varies(self, column: str) -> bool:
        """Whether the rows of a ticket mostly have several values there."""
        values: dict[str, set[str]] = {}
        filled: Counter[str] = Counter()
        for ticket, cell in self.pairs(column):
            values.setdefault(ticket, set()).add(cell)
            filled[ticket] += 1
        several = [ticket for ticket, count in filled.items() if count > 1]
        return bool(several) and sum(len(values[ticket]) > 1 for ticket in several) >= VARIES * len(several)

    def ever_varies(self, column: str) -> bool:
        """Whether the rows of more than a few tickets have several values there."""
        return len(set(self.pairs(column))) > 1.05 * len({ticket for ticket, _ in self.pairs(column)})

    def is_of_each(self, column: str) -> bool:
        """Whether no two rows of a ticket have the same value there."""
        pairs = list(self.pairs(column))
        return len(pairs) > 0 and len(set(pairs)) >= 0.98 * len(pairs) and self.varies(column)

    def pairs(self, column: str) -> Iterator[tuple[str, str]]:
        """Each row's ticket and its cell, where both are filled."""
        for ticket, cell in zip(self._tickets, self._cells[column], strict=True):
            if ticket and cell:
                yield ticket, cell


def _said_at(times: Sequence[ColumnStats], created: str | None, rows: RowsOfTickets) -> tuple[str | None, bool]:
    """The time of each message beside that of its ticket, and whether its name says that it is one. None where the
    ticket's own column has it."""
    varying = [column for column in times if rows.varies(column.name)]
    named = [column for column in varying if is_of_a_message(column.words)]
    if named:
        return named[0].name, True
    if created is not None and rows.varies(created):
        return None, is_of_a_message(name_of(created))
    ranked = [
        (column.words.rank(names.CREATED) or (9, 0), at, column.name)
        for at, column in enumerate(varying)
        if column.words.fits(frozenset(names.CREATED)) or is_of_changes(column.words) is not None
    ]
    return (min(ranked)[2], False) if ranked else (None, False)


def is_of_a_message(name: ColumnName) -> bool:
    """Whether a column's name speaks of messages."""
    return any(word in MESSAGE_THINGS for part in name.parts for word in part) or name.folded in MESSAGE_THINGS or any(
        name.folded.startswith(thing) for thing in MESSAGE_THINGS if len(thing) >= 5
    )  # fmt: skip


def _is_number_of_a_message(name: ColumnName) -> bool:
    words = [word for part in name.parts for word in part]
    ends = any(word in _NUMBERS for word in words) or any(name.folded.endswith(one) for one in ("id", "nr", "number"))
    return is_of_a_message(name) and (ends or "#" in name.raw or "№" in name.raw)


def tells_of_messages(name: ColumnName) -> bool:
    """Whether a column of this name is one of messages: their number, or when they were written."""
    return _is_number_of_a_message(name) or (is_of_a_message(name) and name.rank(names.CREATED) is not None)


def unowned_messages(look: Look, roles: ColumnRoles) -> str | None:
    """The column that numbers messages in a table that does not say of which ticket they are, though several have one
    subject: each of them became a ticket. None where there is none."""
    subject = roles.single.get("subject")
    if "ticket" in roles.single or subject is None or look.column(subject).tickets_a_value < ROWS_A_TICKET:
        return None
    return next((one.name for one in look.columns if _is_number_of_a_message(one.words)), None)


def _message_id(free: Sequence[ColumnStats], ticket: ColumnStats, rows: RowsOfTickets) -> tuple[str | None, bool]:
    """The column that numbers the messages of a ticket, and whether it is called so."""
    named = [one for one in free if _is_number_of_a_message(one.words)]
    bare = [one for one in free if is_bare_number(one.words)]
    for column, is_named in [*((one, True) for one in named), *((one, False) for one in bare)]:
        if column.filled < 0.9 * max(ticket.filled, 1) or not _are_numbers(column) or not rows.is_of_each(column.name):
            continue
        return column.name, is_named
    # Ids that have no order still tell that rows are messages.
    return None, any(rows.is_of_each(one.name) for one in named)


def _called_message_id(free: Sequence[ColumnStats], look: Look) -> str | None:
    named = [one for one in free if _is_number_of_a_message(one.words) and one.filled > 0.9 * look.rows]
    return next((one.name for one in named if _are_numbers(one) and one.tickets_a_value < ROWS_A_TICKET), None)


def _are_numbers(column: ColumnStats) -> bool:
    """Whether the values are numbers of one form (4711, A-4711, 100-2): random ids have no order."""
    values = [value for value, _ in column.counts.most_common(500)]
    if not values or max(map(len, values)) > LONGEST_NUMBER:
        return False
    forms = Counter(_DIGITS.sub("0", value) for value in values)
    form, count = forms.most_common(1)[0]
    is_time = sum(parse_time(value) is not None for value in values[:50]) > 0.9 * len(values[:50])
    return "0" in form and form.count("0") <= 3 and count >= ALIKE_NUMBERED * len(values) and not (
        is_time and not all(value.isdecimal() for value in values[:50])
    )  # fmt: skip


def sortable(number: str) -> str | None:
    """The digits of a message's number, each run filled up with zeros, so that texts sort as numbers do."""
    runs = _DIGITS.findall(number[:LONGEST_NUMBER])
    return ".".join(run.lstrip("0").rjust(MOST_DIGITS, "0") for run in runs) if runs else None
