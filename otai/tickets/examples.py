"""A few values of a column as people read them, without personal data: of threads the messages, of objects what they
say, of markup the text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from otai.learning.data.privacy.personal import mask
from otai.learning.data.texts.text_reader import TextReader
from otai.learning.data.texts.threads import STARTS_AS_LIST, first_customer_message, holds_threads, messages_of
from otai.learning.data.texts.writers import writer_of
from otai.tickets.column_stats import ColumnStats
from otai.tickets.label_columns import LABEL_LENGTH

EXAMPLES_KEPT = 5
EXAMPLE_CHARACTERS = 300
BETWEEN_MESSAGES = " · "
_ENDS = ("]", "}]", '"}]', '"}}]', "}}]")
"""What a list of messages may lack that was cut somewhere."""


def examples_of(column: ColumnStats, *, as_text: bool = False) -> list[tuple[str, int]]:
    """The most frequent values and how often each was seen. Of threads the messages of the first tickets; where the
    column is the text of the tickets (`as_text`), the message that is taken."""
    if not column.lists and holds_threads(column.cells):
        cells = [cell for cell in column.cells if cell][:EXAMPLES_KEPT]
        return [(_shown(_thread(_mended_end(cell), as_text=as_text) or cell), 1) for cell in cells]
    frequent = column.counts.most_common(EXAMPLES_KEPT)
    values = [_object(value) for value, _ in frequent]
    if column.mean_length > LABEL_LENGTH:
        values = _as_imported(values)
    return [(_shown(value), count) for value, (_, count) in zip(values, frequent, strict=True)]


def examples_of_messages(column: ColumnStats, senders: ColumnStats) -> list[tuple[str, int]]:
    """Values of a column of texts where rows are messages: those of customers, in the order of the file, or the most
    frequent where the sampled rows have none."""
    said = zip(column.cells, senders.cells, strict=True)
    of_customers = (cell for cell, who in said if cell and (not who or writer_of(senders.name, who) != "desk"))
    found = list(islice(dict.fromkeys(of_customers), EXAMPLES_KEPT))
    return [(_shown(text), 1) for text in _as_imported(found)] or examples_of(column)


def _shown(text: str) -> str:
    return mask(text)[:EXAMPLE_CHARACTERS]


def _as_imported(values: Sequence[str]) -> list[str]:
    read = TextReader().texts_of(pa.array(values, pa.string())).to_pylist()
    return [text or value for text, value in zip(read, values, strict=True)]


def _thread(cell: str, *, as_text: bool) -> str:
    if as_text:
        taken = first_customer_message(cell)
        return _as_imported([taken])[0] if taken else ""
    return BETWEEN_MESSAGES.join(_as_imported([text for _, _, text in messages_of(cell)]))


def _mended_end(cell: str) -> str:
    """The cell; of a list of messages that was cut in the sample, its beginning as a whole list."""
    if re.match(STARTS_AS_LIST, cell) is None or _is_json(cell):
        return cell
    # A sign that was cut in two is none.
    beginning = re.sub(r"\\(?:u[0-9a-f]{0,3})?$", "", cell)
    return next((whole for whole in map(beginning.__add__, _ENDS) if _is_json(whole)), cell)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _object(value: str) -> str:
    """What an object says, without its keys; any other value as it is."""
    if not value.startswith(("{", "[{")):
        return value
    try:
        said = list(_said(json.loads(value)))
    except (ValueError, RecursionError):
        return value
    return ", ".join(said) or value


def _said(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _said(one)
    elif value not in (None, "") and not isinstance(value, bool):
        yield str(value)
