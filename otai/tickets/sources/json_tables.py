"""JSON that is a table without keys in its rows: a list of lists below its names, or the columns one by one.

Data frames and query tools write it so: {"columns": [...], "data": [[...], ...]}, {"subject": ["a", "b"], "queue":
[...]}, {"subject": {"0": "a", "1": "b"}, ...}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from otai.tickets.sources.json_cursor import BLANK, DECODER
from otai.tickets.sources.json_lists import TEXTS_OF_A_TICKET
from otai.tickets.sources.text import TextFile

FIRST_CHARACTERS = 1 << 20
MOST_CHARACTERS = 64 << 20
"""A table by columns has to be held whole."""
_DEEPEST = 3
Documents = list[dict[str, Any]]


def rows_of_lists(elements: Iterator[tuple[Any, int]]) -> Iterator[tuple[Any, int]]:
    """Elements as they are, but where the first is a list of names, the lists below it are its rows."""
    first = next(elements, None)
    if first is None:
        return
    second = next(elements, None)
    names = first[0]
    if second is None or not _are_names(names) or not isinstance(second[0], list):
        yield from chain((one for one in (first, second) if one is not None), elements)
        return
    for row, characters in chain((second,), elements):
        yield _named(names, row), characters


def table_by_columns(text: TextFile) -> Documents | None:
    """The rows of a document that is one table by columns, or rows without keys beside their names; None for anything
    else."""
    with text.open() as handle:
        content = handle.read(FIRST_CHARACTERS)
        while True:
            try:
                document, end = DECODER.raw_decode(content, len(content) - len(content.lstrip(BLANK)))
                break
            except RecursionError:
                return None
            except ValueError:
                more = handle.read(len(content)) if len(content) < MOST_CHARACTERS else ""
                if not more:
                    return None
                content += more
        if content[end:].strip(BLANK) or handle.read(FIRST_CHARACTERS).strip(BLANK):
            # Several documents: each is a ticket.
            return None
    return _rows(document, depth=0)


def _rows(document: Any, *, depth: int) -> Documents | None:
    if not isinstance(document, Mapping) or depth > _DEEPEST:
        return None
    if any(isinstance(document.get(key), str) for key in TEXTS_OF_A_TICKET):
        # A ticket, whatever tables it may hold.
        return None
    found = _by_columns(document) or _beside_names(document)
    if found is not None:
        return found
    for value in document.values():
        if (found := _rows(value, depth=depth + 1)) is not None:
            return found
    return None


def _by_columns(document: Mapping[str, Any]) -> Documents | None:
    columns = list(document.values())
    if len(columns) < 2:
        return None
    if all(isinstance(column, list) for column in columns):
        rows = len(columns[0])
        are_cells = all(
            len(column) == rows and not any(isinstance(cell, dict | list) for cell in column) for column in columns
        )
        return (
            [dict(zip(document, row, strict=True)) for row in zip(*columns, strict=True)]
            if are_cells and rows > 1
            else None
        )
    if not all(isinstance(column, Mapping) and len(column) > 1 for column in columns):
        return None
    numbers = list(columns[0])
    if not all(list(column) == numbers for column in columns) or not all(number.isdigit() for number in numbers):
        return None
    return [{name: column[number] for name, column in document.items()} for number in numbers]


def _beside_names(document: Mapping[str, Any]) -> Documents | None:
    """{"columns": ["subject", ...], "data": [["a", ...], ...]}; names may be objects that have one."""
    for rows in document.values():
        if not isinstance(rows, list) or len(rows) < 2 or not all(isinstance(row, list) for row in rows):
            continue
        for listed in document.values():
            names = [_name_of(one) for one in listed] if isinstance(listed, list) and listed is not rows else []
            if _are_names(names) and all(len(row) <= len(names) for row in rows) and len(rows[0]) == len(names):
                return [_named(names, row) for row in rows]
    return None


def _name_of(listed: Any) -> Any:
    if isinstance(listed, Mapping):
        return next((listed[key] for key in ("name", "display_name", "title", "label") if key in listed), None)
    return listed


def _are_names(listed: Any) -> bool:
    return (
        isinstance(listed, list)
        and len(listed) > 1
        and all(isinstance(name, str) and 0 < len(name.strip()) <= 100 for name in listed)
        and len(set(listed)) == len(listed)
    )


def _named(names: list[str], row: Any) -> Any:
    if not isinstance(row, list) or len(row) > len(names):
        return row
    return dict(zip(names, [*row, *[None] * (len(names) - len(row))], strict=True))
