"""Tickets that come in several files, or are added to a version that is there: their columns need not be the same.

A column that only later files have becomes an attribute of all tickets, of which the earlier ones have no label; one
that a later file lacks leaves its tickets without that label. One that is called otherwise and means the same is the
same. All three are said.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from otai.learning.data.attributes import AttributeKind
from otai.learning.finding import Finding
from otai.tickets.columns import NAMED, AttributeColumns, ColumnRoles
from otai.tickets.renamed_columns import renamed, with_renamed
from otai.tickets.repeated_columns import with_repeated

COLUMNS_CAME, COLUMNS_LACKING, COLUMNS_RENAMED = "columns_came", "columns_lacking", "columns_renamed"
MOST_NAMED = 50


class Growing:
    """What the columns of all that was read so far are used for. `roles` is None before the first file of a data set
    that begins."""

    def __init__(self, roles: ColumnRoles | None) -> None:
        self.roles = roles
        self._came: list[str] = []
        self._lacking: list[str] = []
        self._renamed: dict[str, str] = {}

    def of_file(self, columns: Sequence[str], said: ColumnRoles) -> ColumnRoles:
        """What is known of a file with these columns: as in the tickets before, but for what somebody said of them; the
        rest is to be guessed. Raises ColumnsInvalid where `said` does not fit."""
        if self.roles is None:
            return said
        known = self.roles.among(columns).resolved(columns)
        told = said.resolved(columns)
        others = renamed(self.roles, columns, frozenset(told.used))
        self._renamed |= {column: found.name for column, found in others.items()}
        return with_repeated(overruled(with_renamed(known, others), told), columns)

    def add(self, roles: ColumnRoles) -> None:
        """After a file was guessed: its `roles` join those of the tickets before."""
        if self.roles is None:
            self.roles = roles
            return
        before, now = self.roles, {found.name for found in roles.attributes}
        texts = [column for role, column in before.single.items() if role not in roles.single]
        lacking = [*texts, *(found.name for found in before.attributes if found.name not in now)]
        self._lacking += [name for name in lacking if name not in self._lacking]
        self.roles = joined(before, roles)
        self._came += [found.name for found in self.roles.attributes[len(before.attributes) :]]

    def add_beside(self, roles: ColumnRoles) -> None:
        """After a table that belongs to the tickets: its attributes are theirs too. It lacks nothing."""
        assert self.roles is not None
        self.roles = joined(self.roles, ColumnRoles(attributes=roles.attributes, reasons=roles.reasons))

    def hold_in_several(self, several: Sequence[AttributeColumns]) -> None:
        """From now on these attributes have several labels: so far each cell was one, or was passed over."""
        assert self.roles is not None
        self.roles = joined(self.roles, ColumnRoles(attributes=tuple(several)))

    def findings(self) -> Iterator[Finding]:
        """Which columns came with later files, which those lack, and which they call otherwise."""
        if self._renamed:
            pairs = [f"{column} = {name}" for column, name in self._renamed.items()]
            yield Finding(COLUMNS_RENAMED, values={"columns": pairs[:MOST_NAMED]})
        for code, names in ((COLUMNS_CAME, self._came), (COLUMNS_LACKING, self._lacking)):
            if names:
                severity = "warning" if code == COLUMNS_LACKING else "note"
                yield Finding(code, severity, values={"columns": names[:MOST_NAMED]})


def overruled(known: ColumnRoles, said: ColumnRoles) -> ColumnRoles:
    """The known roles, but for the columns of which somebody said something else. What was shown as a guess and left as
    it is counts for columns that are not known."""
    counts = said.used.difference(known.used.intersection(said.confirmed))
    told = said.only(counts)
    rest = known.only(known.used.difference(counts))
    names = {found.name for found in told.attributes}
    return ColumnRoles(
        single={**rest.single, **told.single},
        attributes=(*(found for found in rest.attributes if found.name not in names), *told.attributes),
        ignored=(*rest.ignored, *told.ignored),
        confirmed=(*rest.used.difference(told.used), *told.confirmed),
    )


def joined(before: ColumnRoles, roles: ColumnRoles) -> ColumnRoles:
    """The roles of both: an attribute of several labels in one of them is so in all, and attributes that only `roles`
    has come last."""
    there = {found.name for found in before.attributes}
    later = {found.name: found for found in roles.attributes}
    attributes = tuple(_joined(found, later.get(found.name)) for found in before.attributes)
    new = tuple(found for found in roles.attributes if found.name not in there)
    reasons = {column: found.reason for found in new for column in found.columns}
    in_use = {column for found in (*attributes, *new) for column in found.columns}
    ignored = dict.fromkeys([*before.ignored, *(column for column in roles.ignored if column not in before.used)])
    return ColumnRoles(
        single={role: column for role, column in before.single.items() if column not in in_use},
        attributes=(*attributes, *new),
        ignored=tuple(column for column in ignored if column not in in_use),
        reasons={**roles.reasons, **before.reasons, **reasons},
        confirmed=before.confirmed,
    )


def _joined(before: AttributeColumns, later: AttributeColumns | None) -> AttributeColumns:
    if later is None:
        return before
    is_multi = AttributeKind.MULTI in (before.kind, later.kind)
    # What somebody said with the later file holds.
    found = later if later.reason == NAMED else before
    if not is_multi:
        return found
    columns = tuple(dict.fromkeys((*before.columns, *later.columns)))
    separator = later.separator if before.separator is None else before.separator
    return dataclasses.replace(found, kind=AttributeKind.MULTI, columns=columns, separator=separator, order=())
