"""Which columns say what nobody knows when a ticket comes in: by their names, by their values, by when they are
filled, and by what changes from one export to the next.

A model that learns them learns nothing it could use, and one that reads them looks better than it is.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

from otai.learning.data.attributes import AttributeKind
from otai.tickets import column_names as names
from otai.tickets.afterwards_words import AFTERWARDS_NAMES, LATER_OBJECTS, NAME_THINGS_TOO, RESOLVING, UNITS
from otai.tickets.column_names import ColumnName, name_of
from otai.tickets.column_stats import ColumnStats, Look
from otai.tickets.columns import NAMED, ColumnRoles, as_stored
from otai.tickets.joining import Joined
from otai.words.sentences import Fact

_ENDED = re.compile(
    r"\b(closed|resolved|solved|done|completed?|finished|fixed|geschlossen|erledigt|gel(oe|ö)st|abgeschlossen|ferm[eé]e?|r[eé]solue?|termin[eé]e?|cl[oô]tur[eé]e?|"
    r"cerrad[oa]|resuelt[oa]|terminad[oa]|chius[oa]|risolt[oa]|completat[oa]|gesloten|opgelost|afgerond|afgehandeld|zamkni[eę]t[eya]|rozwi[aą]zan[eya]|"
    r"zako[nń]czon[eya]|fechad[oa]|resolvid[oa]|encerrad[oa]|conclu[ií]d[oa])\b",
    re.IGNORECASE,
)
_OUTCOME = re.compile(
    r"(cannot|can't|could not|unable to|not) (be )?(reproduced?|reproducible|fix(ed)?)|won'?t (fix|do)|by design|as designed|deferred|"
    r"duplicate|obsolete|rejected|declined|abandoned|cancell?ed|workaround( .*)?|no longer needed|self[- ]?resolved",
    re.IGNORECASE,
)
_DURATION = re.compile(
    r"-?\d{1,4}:\d{2}(:\d{2})?|(\d+([.,]\d+)? ?(d|h|m|s|min|mins|hrs?|hours?|days?|minutes?|std|stunden|tage?|jours?|heures?|ore|giorni|uur|dagen|godz|dni|horas?|d[ií]as?|dias?)\.? ?)+",
    re.IGNORECASE,
)

_GOING = re.compile(
    r"(re)?open(ed)?|new|to ?do|in progress|working on it|stuck|pending|waiting( .*)?|on hold|assigned|active|backlog|triage|neu|offen|"
    r"in (arbeit|bearbeitung)|wartend|zugewiesen|nouveau|ouvert|en (cours|attente|curso|espera)|nuevo|abierto|nuovo|aperto|"
    r"in (corso|attesa|behandeling)|nieuw|open(staand)?|now[ye]|otwart[ye]|w (toku|trakcie)|novo|aberto|em (andamento|espera)",
    re.IGNORECASE,
)
_UNTOUCHED = re.compile(
    r"new|neu(es ticket)?|nouve(au|lle)|nuev[oa]|nuov[oa]|nieuw|now[ye]|nov[oa]|un(assigned|triaged|touched)|to ?do|backlog|triage|created|"
    r"erstellt|angelegt|submitted|registered|received|eingegangen|cr[eé][eé]e?|creado|creato|aangemaakt|utworzon[ey]|criado",
    re.IGNORECASE,
)
"""States of tickets that nobody has looked at yet."""
_YES_OR_NO = re.compile(r"true|false|yes|no|1|0|ja|nein|oui|non|si|sí|sì|nee|tak|nie|sim|não", re.IGNORECASE)
_GOES_ON = re.compile(
    r"open|isopen|active|isactive|offen|aktiv|ouvert|abierto|aperto|otwarte|aberto|onhold", re.IGNORECASE
)
_COUNTED = re.compile(
    r"messages|threads|articles|artikel|nachrichten|mensajes|messaggi|berichten|wiadomosci|mensagens|"
    r"posts|attachments|anhaenge",
    re.IGNORECASE,
)

LEAST_SEEN_AGAIN = 20
MOSTLY_CHANGED = 0.5
"""Of at least so many tickets that came again with an agent, this share has another value then."""

LEAST_OPEN_ROWS = 20
"""Fewer open tickets than these say nothing about when a column is filled."""


FILLED_ALIKE = 0.9
"""The share of open tickets with a label, of that of tickets that are through."""
LABELS_APART = 0.35
"""So far may the shares of labels of open tickets and of others be apart (total variation, 0 to 1); some dozens of
tickets are apart by half of it by chance."""
_TELLS_NOTHING = re.compile(rf"{_YES_OR_NO.pattern}|[-+]?\d+([.,]\d+)?", re.IGNORECASE)
"""Yes, no and counts."""

_PAIRS = names.AFTERWARDS_PAIRS | names.AFTERWARDS


def named(name: ColumnName) -> str | None:
    """The word of a name that stands for what nobody knows when a ticket comes in; None where it has none."""
    if (core := "".join(name.core)) in AFTERWARDS_NAMES:
        return core
    later = next((thing for part in name.parts[:-1] if (thing := "".join(part)) in LATER_OBJECTS), None)
    return later or name.mentions(names.AFTERWARDS, _PAIRS)


def by_name(column: ColumnStats) -> str | None:
    """The word of the column's name that tells; None where it tells nothing."""
    word = named(column.words)
    if (
        word is None
        and column.words.core
        and _COUNTED.fullmatch(column.words.core[-1])
        and column.share(str.isdecimal) > 0.9
    ):
        return column.words.core[-1]
    if word is not None and word not in column.words.words and (column.words.rank(names.SORTING) or (9, 0))[0] <= 1:
        # A word that only begins like one of them: "odpowiedzialna", who is responsible, like "odpowiedzi", answers.
        return None if " " not in word else word
    return word


def ends_with(column: ColumnStats, word: str | None) -> bool:
    """Whether the word is what the column holds, and a person only whose it is: customer interactions, work
    phone."""
    if word is None or not column.words.core:
        return False
    last = column.words.core[-1]
    if last in names.NAME_PARTS:
        return False
    is_of_afterwards = names.entry_of(last, names.AFTERWARDS) is not None or _COUNTED.fullmatch(last) is not None
    return is_of_afterwards or "".join(column.words.core).endswith(word.replace(" ", ""))


def resolves(column: ColumnStats) -> bool:
    """Whether the column names the group that is to resolve a ticket (resolver group, Lösungsgruppe), which is chosen
    when it comes in."""
    words = column.words.words
    return any(word in RESOLVING or word.startswith(tuple(RESOLVING)) for word in words) and any(
        word in UNITS or word.endswith(tuple(UNITS)) for word in words
    )


def may_name_a_thing(column: ColumnStats) -> bool:
    """Whether what the name says of afterwards may as well be a thing that tickets are about (feedback type, the
    product Solution): then the values decide."""
    told = {entry for word in column.words.words if (entry := names.entry_of(word, names.AFTERWARDS))}
    decisive = (by_name(column) or "").replace(" ", "")
    return bool(told) and told <= NAME_THINGS_TOO and decisive in {*told, "followup"}


def is_state(column: ColumnStats) -> bool:
    """Whether the column says how far a ticket is, which nobody knows when it comes in."""
    words = column.words
    if words.folded in _ALSO_PLACES and not column.share(_says_a_state):
        return False
    if (
        _GOES_ON.fullmatch("".join(words.core))
        and column.share(lambda value: _YES_OR_NO.fullmatch(value.strip())) > 0.9
    ):
        return True
    return words.is_one_of(names.STATUS) or (
        bool(words.parts) and any(word in names.STATUS for word in (*words.parts[-1], *words.core))
    )


_ALSO_PLACES = frozenset(("stand", "state", "stato", "estado"))
"""A stand at a fair, a state of a country."""


def _says_a_state(value: str) -> bool:
    return any(said.match(value.strip()) for said in (_GOING, _ENDED, _OUTCOME, _TELLS_NOTHING))


def is_outcome(column: ColumnStats) -> bool:
    """Whether the values say how tickets ended, or how far they are, whatever the column is called: Fixed,
    Deferred, Duplicate; New, Completed."""
    if column.distinct < 2 or column.is_capped or column.mean_length > 40:
        return False
    going = column.share(lambda value: _GOING.fullmatch(value.strip()) is not None)
    if 0 < going < 1 and going + column.share(lambda value: _ENDED.match(value.strip()) is not None) >= 0.95:
        return True
    return column.share(lambda value: bool(_OUTCOME.fullmatch(value.strip()) or _ENDED.match(value.strip()))) >= 0.9


def by_values(column: ColumnStats) -> bool:
    """Durations, such as 0:05:00 or "3 d 4 h"."""
    return bool(column.filled) and column.share(lambda value: _DURATION.fullmatch(value) is not None) >= 0.9


class Ended:
    """Which sampled rows are of tickets that are through, by a column of states; nothing where no column tells."""

    def __init__(self, look: Look) -> None:
        self.rows: list[bool] | None = None
        self.untouched: list[bool] = []
        self.column = ""
        for column in look.columns:
            if not is_state(column) or column.distinct > 50:
                continue
            share = column.share(lambda value: _ENDED.search(value) is not None)
            if 0.02 < share < 0.98:
                self.rows = [cell is not None and _ENDED.search(cell) is not None for cell in column.cells]
                self.untouched = [
                    cell is not None and _UNTOUCHED.fullmatch(cell.strip()) is not None for cell in column.cells
                ]
                self.column = column.name
                return

    def same_before(self, column: ColumnStats) -> bool:
        """The column is filled while tickets are open as it is when they are through, and with much the same labels:
        it is decided before the work ends, whatever it is called."""
        if self.rows is None or column.name == self.column or column.lists or column.is_capped or column.distinct < 2:
            return False
        if column.share(lambda value: _TELLS_NOTHING.fullmatch(value.strip())) > 0.9:
            return False
        cells = list(zip(column.cells, self.rows, strict=True))
        ended = Counter(cell for cell, is_ended in cells if is_ended and cell is not None)
        going = Counter(cell for cell, is_ended in cells if not is_ended and cell is not None)
        through = sum(self.rows)
        still = len(self.rows) - through
        if min(sum(ended.values()), sum(going.values())) < LEAST_OPEN_ROWS:
            return False
        if going.total() / still < FILLED_ALIKE * ended.total() / through:
            return False
        apart = sum(abs(ended[label] / ended.total() - going[label] / going.total()) for label in ended | going) / 2
        return apart <= LABELS_APART

    def only_then(self, column: ColumnStats) -> bool:
        """The column is filled where a ticket is through, and (nearly) nowhere else."""
        return self._fills_at_the_end(column, [False] * len(column.cells))

    def only_then_though_begun(self, column: ColumnStats) -> bool:
        """The same, of a column whose name says that it sorts tickets: those that nobody has looked at yet have no
        queue, and say nothing."""
        return self._fills_at_the_end(column, self.untouched)

    def _fills_at_the_end(self, column: ColumnStats, passed_over: list[bool]) -> bool:
        if self.rows is None or column.name == self.column or not column.filled:
            return False
        cells = list(zip(column.cells, self.rows, passed_over, strict=True))
        ended = [cell is not None for cell, is_ended, _ in cells if is_ended]
        going = [cell is not None for cell, is_ended, is_passed in cells if not is_ended and not is_passed]
        if len(going) < LEAST_OPEN_ROWS or len(ended) < LEAST_OPEN_ROWS:
            return False
        return sum(ended) / len(ended) > 0.3 and sum(going) / len(going) < 0.03


def same_people(column: ColumnStats, agents: ColumnStats) -> bool:
    """The values are names of the agents in another column (who resolved it, who answered last)."""
    if not column.distinct or column.is_capped or agents.is_capped or agents.distinct < 2:
        return False
    return column.share(lambda value: value in agents.counts) >= 0.8


def agent_of(roles: ColumnRoles) -> str | None:
    """The attribute that says who works on a ticket."""
    for found in roles.attributes:
        words = name_of(found.columns[0])
        is_of_people = words.fits(names.AGENT) and not words.fits(names.SORTING - names.AGENT)
        if is_of_people and found.kind is not AttributeKind.MULTI:
            return found.name
    return None


def without_changed_later(roles: ColumnRoles, joined: Joined) -> ColumnRoles:
    """The roles without proposing what mostly changed while somebody worked on the ticket: nobody knows its last value
    when the ticket comes in. What the customer named stays."""
    agent = agent_of(roles)
    if joined.seen_again < LEAST_SEEN_AGAIN:
        return roles
    kept, reasons = [], dict(roles.reasons)
    for found in roles.attributes:
        changed = joined.changed.get(found.name, 0)
        is_said = found.name == agent or not found.proposed or found.reason == NAMED
        if not is_said and changed >= MOSTLY_CHANGED * joined.seen_again:
            values = {"why": as_stored(found.reason), "agent": agent, "changed": changed, "tickets": joined.seen_again}
            reason = Fact("changed_later", values)
            found = dataclasses.replace(found, proposed=False, reason=reason)
            reasons |= dict.fromkeys(found.columns, reason)
        kept.append(found)
    return dataclasses.replace(roles, attributes=tuple(kept), reasons=reasons)
