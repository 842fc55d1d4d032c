"""JSON: one object a line (JSON Lines), or one array of objects. Nested objects become columns with a dot, lists become labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.table import RowBatcher, Rows, clean_name, unique_header
from otai.tickets.sources.text import TextFile, position_in_file

KEYS_FROM_ROWS = 20_000
"""The columns are the keys of the first rows; one that appears only later is left out and reported."""

DEEPEST = 3
"""Objects nested deeper than this are kept as JSON text: fields.customer.name is still a column."""

READ_CHARACTERS = 1 << 20


class JsonSource:
    """A table of JSON objects. Rows are numbered from 1: the line in JSON Lines, the element in an array."""

    def __init__(self, text: TextFile, *, is_array: bool) -> None:
        self._text = text
        self._limits = text.limits
        self._is_array = is_array
        self._position = 0
        self.late_keys: dict[str, int] = {}
        keys: dict[str, None] = {}
        first_problem = BadRows(skip=True)
        seen = 0
        for seen, (_, row, _) in enumerate(self._objects(first_problem), start=1):
            keys.update(dict.fromkeys(row))
            if len(keys) > self._limits.columns:
                raise refused(f"The rows have more than {self._limits.columns} different keys; that is the most.")
            if seen >= KEYS_FROM_ROWS:
                break
        if not keys:
            BadRows.refuse(first_problem)
            raise refused("The file holds no JSON objects with keys, so there is nothing to import.")
        self._keys = list(keys)
        self.columns = unique_header(self._keys, self._limits)
        self.format = f"{'JSON array' if is_array else 'JSON Lines'}, {text.description}"

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[Rows]:
        batch = RowBatcher(len(self.columns))
        self.late_keys = {}
        known = set(self._keys)
        for number, row, characters in self._objects(bad):
            if not row.keys() <= known:
                for key in row.keys() - known:
                    if len(self.late_keys) < self._limits.columns:
                        self.late_keys.setdefault(clean_name(key)[: self._limits.label_characters], number)
            if batch.add(number, [row.get(key) for key in self._keys], characters):
                yield batch.take()
        if len(batch):
            yield batch.take()

    def _objects(self, bad: BadRows) -> Iterator[tuple[int, dict[str, Any], int]]:
        documents = self._elements() if self._is_array else self._lines()
        for number, text, document in documents:
            if number > self._limits.rows:
                raise refused(f"The file has more than {self._limits.rows:,} rows. Import it in parts.", row=number)
            if document is None:
                try:
                    document = _parse(text)
                except (ValueError, RecursionError) as error:
                    bad.add(number, None, f"it is no JSON: {_reason(error)}")
                    continue
            if not isinstance(document, dict):
                bad.add(number, None, f'it is {_kind(document)}, not an object such as {{"subject": ...}}')
                continue
            yield number, _flat(document), len(text)

    def _lines(self) -> Iterator[tuple[int, str, Any]]:
        with self._text.open() as handle:
            for number, line in enumerate(handle, start=1):
                if number & 0x3FF == 0:
                    self._position = position_in_file(handle)
                if line.strip():
                    yield number, line, None

    def _elements(self) -> Iterator[tuple[int, str, Any]]:
        """The elements of the array one by one; only one of them is in memory. Damage ends the import: nothing tells where the next begins."""
        decoder = _decoder()
        with self._text.open() as handle:
            buffer, at, number, is_end = "", 0, 0, False

            def more() -> None:
                nonlocal buffer, at, is_end
                chunk = handle.read(READ_CHARACTERS)
                is_end = not chunk
                buffer, at = buffer[at:] + chunk, 0
                self._position = position_in_file(handle)

            def next_character() -> str:
                nonlocal at
                while True:
                    while at < len(buffer) and buffer[at] in " \t\r\n\ufeff":
                        at += 1
                    if at < len(buffer) or is_end:
                        return buffer[at : at + 1]
                    more()

            assert next_character() == "["
            at += 1
            while (character := next_character()) != "]":
                if number:
                    if character != ",":
                        raise self._damaged(number, f"expected , or ] and found {character!r}")
                    at += 1
                    next_character()
                number += 1
                while True:
                    try:
                        element, end = decoder.raw_decode(buffer, at)
                        # A number or word at the buffer's end may go on; an object cannot.
                        break
                    except (ValueError, RecursionError) as error:
                        if (
                            is_end
                            or isinstance(error, RecursionError)
                            or len(buffer) - at > 4 * self._limits.field_characters
                        ):
                            raise self._damaged(number, _reason(error)) from None
                        more()
                yield number, buffer[at:end], element
                at = end

    def _damaged(self, number: int, reason: str) -> Exception:
        return refused(
            f"The JSON array cannot be read beyond element {number:,}: {reason}. Export it again, best as JSON Lines (one object a line).",
            row=number,
        )


def _refuse_constant(name: str) -> str:
    # NaN and Infinity are no JSON, but exports of data frames have them: as text they are seen as missing.
    return name


def _decoder() -> json.JSONDecoder:
    # Numbers stay as they are written: 007 is no JSON, but 1.10 and 1e5 are, and as labels they are names.
    return json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


_DECODER = _decoder()


def _parse(text: str) -> Any:
    return _DECODER.decode(text.lstrip("\ufeff"))


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1:,}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _kind(document: Any) -> str:
    if isinstance(document, list):
        return "a list"
    return "a text or number" if document is not None else "null"


def _flat(document: dict[str, Any], prefix: str = "", depth: int = 1) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        name = prefix + key
        if isinstance(value, dict) and value and depth < DEEPEST:
            flat |= _flat(value, f"{name}.", depth + 1)
        else:
            flat[name] = _cell(value)
    return flat


def _cell(value: Any) -> Any:
    """A string, None, or a list of strings; whatever is nested otherwise stays JSON text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(item is None or isinstance(item, str | bool) for item in value):
        return [_cell(item) for item in value if item is not None]
    return json.dumps(value, ensure_ascii=False)
