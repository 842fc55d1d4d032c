"""Which columns say what nobody knows when a ticket comes in: by their names, by their values, and by when they are
filled.

A model that learns them learns nothing it could use, and one that reads them looks better than it is.
"""

from __future__ import annotations

import re

from otai.tickets import column_names as names
from otai.tickets.column_stats import ColumnStats, Look

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

LEAST_OPEN_ROWS = 20
"""Fewer open tickets than these say nothing about when a column is filled."""


def by_name(column: ColumnStats) -> str | None:
    """The word of the column's name that tells; None where it tells nothing."""
    word = column.words.mentions(names.AFTERWARDS, names.AFTERWARDS_PAIRS)
    if word is not None and word not in column.words.words and (column.words.rank(names.SORTING) or (9, 0))[0] <= 1:
        # A word that only begins like one of them: "odpowiedzialna", who is responsible, like "odpowiedzi", answers.
        return None if " " not in word else word
    return word


def is_state(column: ColumnStats) -> bool:
    """Whether the column says how far a ticket is, which nobody knows when it comes in."""
    words = column.words
    return words.is_one_of(names.STATUS) or (
        bool(words.parts) and any(word in names.STATUS for word in (*words.parts[-1], *words.core))
    )


def is_outcome(column: ColumnStats) -> bool:
    """Whether the values say how tickets ended, whatever the column is called: Fixed, Deferred, Duplicate."""
    if column.distinct < 2 or column.is_capped or column.mean_length > 40:
        return False
    return column.share(lambda value: bool(_OUTCOME.fullmatch(value.strip()) or _ENDED.match(value.strip()))) >= 0.9


def by_values(column: ColumnStats) -> bool:
    """Durations, such as 0:05:00 or "3 d 4 h"."""
    return bool(column.filled) and column.share(lambda value: _DURATION.fullmatch(value) is not None) >= 0.9


class Ended:
    """Which sampled rows are of tickets that are through, by a column of states; nothing where no column tells."""

    def __init__(self, look: Look) -> None:
        self.rows: list[bool] | None = None
        self.column = ""
        for column in look.columns:
            if not is_state(column) or column.distinct > 50:
                continue
            share = column.share(lambda value: _ENDED.search(value) is not None)
            if 0.02 < share < 0.98:
                self.rows = [cell is not None and _ENDED.search(cell) is not None for cell in column.cells]
                self.column = column.name
                return

    def only_then(self, column: ColumnStats) -> bool:
        """The column is filled where a ticket is through, and (nearly) nowhere else."""
        if self.rows is None or column.name == self.column or not column.filled:
            return False
        ended = [cell is not None for cell, is_ended in zip(column.cells, self.rows, strict=True) if is_ended]
        going = [cell is not None for cell, is_ended in zip(column.cells, self.rows, strict=True) if not is_ended]
        if len(going) < LEAST_OPEN_ROWS or len(ended) < LEAST_OPEN_ROWS:
            return False
        return sum(ended) / len(ended) > 0.3 and sum(going) / len(going) < 0.03


def same_people(column: ColumnStats, agents: ColumnStats) -> bool:
    """The values are names of the agents in another column (who resolved it, who answered last)."""
    if not column.distinct or column.is_capped or agents.is_capped or agents.distinct < 2:
        return False
    return column.share(lambda value: value in agents.counts) >= 0.8
