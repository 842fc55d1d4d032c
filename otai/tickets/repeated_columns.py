"""Several files of one export, of which one has a column oftener than another: Jira writes as many columns called
Labels as the ticket with most labels needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from otai.learning.data.attributes import AttributeKind
from otai.tickets.column_stats import look_at
from otai.tickets.columns import AttributeColumns, ColumnRoles
from otai.tickets.guessing import guess_roles
from otai.tickets.label_columns import base_of_numbered
from otai.tickets.sources.table import Source


def with_repeated(roles: ColumnRoles, columns: Sequence[str]) -> ColumnRoles:
    """The roles, with the further columns of attributes of several labels that these columns hold."""
    attributes = []
    for found in roles.attributes:
        if found.kind is AttributeKind.MULTI:
            more = (one for one in columns if one not in roles.used and _repeats(one, found.columns[0]))
            found = dataclasses.replace(found, columns=(*found.columns, *more))
        attributes.append(found)
    return dataclasses.replace(roles, attributes=tuple(attributes))


def held_in_several(opened: Source, said: ColumnRoles, *, first: ColumnRoles) -> tuple[AttributeColumns, ...]:
    """Attributes that stand in several columns of this file and in one column of the first, where each cell was taken
    for one label or for none: as they have to be read there. What somebody said of a column holds."""
    known = first.used
    if not any(column not in known and any(_repeats(column, name) for name in known) for column in opened.columns):
        return ()
    guessed = guess_roles(look_at(opened), said.among(opened.columns))
    names = {one.columns[0]: one.name for one in first.attributes}
    single = {*first.ignored, *(one.columns[0] for one in first.attributes if one.kind is not AttributeKind.MULTI)}
    return tuple(
        dataclasses.replace(found, name=names.get(found.columns[0], found.name), columns=found.columns[:1])
        for found in guessed.attributes
        if found.kind is AttributeKind.MULTI and len(found.columns) > 1 and found.columns[0] in single - said.used
    )


def as_several(said: ColumnRoles, several: Sequence[AttributeColumns]) -> ColumnRoles:
    """What was said, and these attributes, as confirmed guesses."""
    reasons = {column: found.reason for found in several for column in found.columns}
    return dataclasses.replace(
        said,
        attributes=(*said.attributes, *several),
        confirmed=(*said.confirmed, *reasons),
        reasons={**said.reasons, **reasons},
    )


def _repeats(column: str, name: str) -> bool:
    """Whether the column is one more of that name: "Labels (2)" of "Labels", "tag_3" of "tag_1"."""
    base = base_of_numbered(column)
    return base is not None and column != name and base in (name, base_of_numbered(name))
