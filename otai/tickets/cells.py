"""Cells become tickets: rows of a source in, a batch in the layout of a data set's Parquet file out, bad rows set
aside.

Whole columns at a time where that is possible: Arrow looks for what is rare (NUL, control characters, HTML), and Python
touches only the cells where it was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otai.learning.data.attributes import AttributeKind
from otai.learning.data.privacy.personal import mask
from otai.learning.data.texts.text_mending import TextMender, holds
from otai.learning.data.texts.text_reader import TextReader, null_where_blank
from otai.learning.data.texts.times import EARLIEST, LATEST, is_day_first, is_serial, parse_time, serial_day
from otai.learning.data.texts.writers import writer_of
from otai.learning.data.tickets import ATTRIBUTE_PREFIX
from otai.tickets import own_ids
from otai.tickets.column_names import SPLIT_VALUES, language_code
from otai.tickets.column_stats import FORMULA_TEXT, formula_text
from otai.tickets.columns import AttributeColumns, ColumnRoles
from otai.tickets.day_order import UnsettledDates
from otai.tickets.label_columns import split_labels
from otai.tickets.limits import Limits
from otai.tickets.linking import LINKS, link_columns, links_of
from otai.tickets.missing_values import is_missing
from otai.tickets.problems import BadRows
from otai.tickets.row_order import MESSAGE_ID, SAID_AT, UNORDERED, UPDATED, RowOrder, sortable
from otai.tickets.sources.table import UNSEEN, RowBatch

_SURROGATES = range(0xD800, 0xE000)
TIME = pa.timestamp("us", tz="UTC")
LABELS_REMEMBERED = 100_000
MISSING_EXAMPLES = 5


@dataclass(slots=True)
class Noticed:
    """What was changed or left out on the way, by kind, for the profile's findings."""

    reader: TextReader = field(default_factory=TextReader)
    missing_words: dict[str, int] = field(default_factory=dict)
    """By attribute: the cells that say "-", "N/A" and the like."""
    missing_examples: dict[str, None] = field(default_factory=dict)
    blank_rows: int = 0
    unsettled_dates: list[UnsettledDates] = field(default_factory=list)
    unread_times: int = 0
    unread_times_example: str = ""
    unread_languages: int = 0
    repeated_ids: int = 0
    lost_subject: str | None = None
    """A column of short texts that nothing uses, where there is a body and no subject."""
    unowned_messages: str | None = None
    """A column that numbers messages, where none says of which ticket they are."""

    def add(self, other: Noticed) -> None:
        """What was noticed in a further file: counts of both, of examples the first few."""
        self.reader.add(other.reader)
        for attribute, cells in other.missing_words.items():
            self.missing_words[attribute] = self.missing_words.get(attribute, 0) + cells
        shown = list(self.missing_examples | other.missing_examples)[:MISSING_EXAMPLES]
        self.missing_examples = dict.fromkeys(shown)
        self.blank_rows += other.blank_rows
        self.unsettled_dates += other.unsettled_dates
        self.unread_times += other.unread_times
        self.unread_times_example = self.unread_times_example or other.unread_times_example
        self.unread_languages += other.unread_languages
        self.repeated_ids += other.repeated_ids
        self.lost_subject = self.lost_subject or other.lost_subject
        self.unowned_messages = self.unowned_messages or other.unowned_messages


class TicketMaker:
    """Turns the rows of one source into tickets under given roles. One pass, in order: it numbers tickets without an id
    by their row.

    `named` are the columns that the customer named. There a cell that cannot be what they said makes its row bad (a
    time that is none, a ticket id for the second time); where we only guessed, it is counted and put right. With
    `joins` rows of one ticket keep its id, and a column `sender` says who wrote them where one of the source does: they
    are made one ticket later (`joining.py`). With `leaves_texts` subjects and bodies stay the cells that they are, for
    a stage of their own (`text_stage.py`). `order` names the columns that say which row of a ticket is the newest and
    which message came first.
    """

    def __init__(
        self,
        columns: Sequence[str],
        roles: ColumnRoles,
        *,
        limits: Limits,
        named: Set[str] = frozenset(),
        day_first: bool | None = None,
        joins: bool = False,
        leaves_texts: bool = False,
        order: RowOrder = UNORDERED,
    ) -> None:
        self._columns = list(columns)
        self._order = order
        self._roles = roles
        self._limits = limits
        self._named = named
        self._day_first = day_first
        self._joins = joins
        self._names: dict[str, str | None] = {}
        self._leaves_texts = leaves_texts
        self._has_serials = False
        self._mender = TextMender()
        self.reader = TextReader()
        self.noticed = Noticed(reader=self.reader)
        self._seen_ids = _SeenIds()
        in_use = {*roles.single.values(), *(name for found in roles.attributes for name in found.columns)}
        self._links = link_columns(columns, in_use)
        self.schema = pa.schema(
            [
                ("ticket", pa.string()),
                ("subject", pa.string()),
                ("body", pa.string()),
                ("language", pa.string()),
                ("created_at", TIME),
                ("split", pa.string()),
                ("row", pa.int64()),
                *((("sender", pa.string()),) if joins and "sender" in roles.single else ()),
                *(((LINKS, pa.list_(pa.string())),) if self._links else ()),
                *(((UPDATED, TIME),) if order.updated is not None else ()),
                *(((SAID_AT, TIME),) if order.said_at is not None else ()),
                *(((MESSAGE_ID, pa.string()),) if order.message_id is not None else ()),
                *(
                    (
                        ATTRIBUTE_PREFIX + found.name,
                        pa.list_(pa.string()) if found.kind is AttributeKind.MULTI else pa.string(),
                    )
                    for found in roles.attributes
                ),
            ]
        )

    def tickets(self, rows: RowBatch, bad: BadRows) -> pa.RecordBatch:
        """The good rows of a batch as tickets. Bad ones go to `bad`, and rows without any content are passed over."""
        n = len(rows.numbers)
        keep = np.ones(n, dtype=bool)
        used = {
            name: index
            for index, name in enumerate(self._columns)
            if name in self._roles.used - set(self._roles.ignored)
        }
        cells = {
            name: self._checked(name, rows.columns[index], rows.numbers, keep, bad) for name, index in used.items()
        }
        blank = keep & ~self._any_filled(cells, n)
        if blank.any():
            self.noticed.blank_rows += int(blank.sum())
            keep &= ~blank
        made = self._made(cells, rows.numbers, keep, bad)
        if self._links:
            linking = {name: _values(rows.columns[self._columns.index(name)]) for name in self._links}
            made[LINKS] = links_of(linking, self._links, made["ticket"].to_pylist())
        made |= self._of_order(rows)
        numbers = pa.array(rows.numbers, pa.int64())
        arrays = {**made, "row": numbers}
        batch = pa.RecordBatch.from_arrays([arrays[name] for name in self.schema.names], schema=self.schema)
        batch = batch if keep.all() else batch.filter(pa.array(keep))
        return self._with_ids(batch, bad)

    # Cells: what no ticket may hold.

    def _checked(self, name: str, column: Any, numbers: list[int], keep: np.ndarray, bad: BadRows) -> pa.Array:
        """The column as strings or lists of strings. Undecodable, NUL and too long cells make their rows bad."""

        def reject(index: int, case: str, **values: Any) -> None:
            if keep[index]:
                keep[index] = False
                bad.add(numbers[index], name, case, **values)

        array = column if isinstance(column, pa.Array) else _array_of(column, reject)
        if pa.types.is_string(array.type) and holds(array, (FORMULA_TEXT.encode(),)):
            formulas = pc.fill_null(pc.starts_with(array, FORMULA_TEXT), False)
            read = [formula_text(cell) for cell in array.filter(formulas).to_pylist()]
            array = pc.replace_with_mask(array, formulas, pa.array(read, pa.string()))
        texts = array.flatten() if pa.types.is_list(array.type) else array
        if holds(texts, (b"\0",)) and pc.any(pc.match_substring(texts, "\0")).as_py():
            for index, cell in enumerate(array.to_pylist()):
                if cell is not None and any(
                    "\0" in text for text in ([cell] if isinstance(cell, str) else cell) if text
                ):
                    reject(index, "zero_byte")
        longest = pc.max(pc.utf8_length(texts)).as_py() or 0
        if longest > self._limits.field_characters:
            for index, cell in enumerate(array.to_pylist()):
                size = (
                    len(cell) if isinstance(cell, str) else max((len(text) for text in cell or () if text), default=0)
                )
                if size > self._limits.field_characters:
                    reject(index, "cell_long", characters=size, most=self._limits.field_characters)
        return array

    @staticmethod
    def _any_filled(cells: dict[str, pa.Array], n: int) -> np.ndarray:
        filled = np.zeros(n, dtype=bool)
        for array in sorted(cells.values(), key=lambda array: array.nbytes):
            if filled.all():
                break
            if pa.types.is_list(array.type):
                has = pc.is_valid(array)
            else:
                has = pc.fill_null(pc.invert(_is_blank(array)), False)
            filled |= has.to_numpy(zero_copy_only=False)
        return filled

    # Columns of the ticket.

    def _made(
        self, cells: dict[str, pa.Array], numbers: list[int], keep: np.ndarray, bad: BadRows
    ) -> dict[str, pa.Array]:
        n = len(numbers)
        single = self._roles.single
        made: dict[str, pa.Array] = {}
        for role in ("subject", "body"):
            made[role] = self._text(_strings(cells[single[role]])) if role in single else pa.nulls(n, pa.string())
        if "sender" in self.schema.names:
            made["sender"] = self._mapped(
                _strings(cells[single["sender"]]), lambda value: writer_of(single["sender"], value)
            )
        made["language"] = (
            self._language(_strings(cells[single["language"]])) if "language" in single else pa.nulls(n, pa.string())
        )
        if "created" in single:
            made["created_at"] = self._times(_strings(cells[single["created"]]), single["created"], numbers, keep, bad)
        else:
            made["created_at"] = pa.nulls(n, pa.timestamp("us", tz="UTC"))
        made["split"] = self._split(_strings(cells[single["split"]])) if "split" in single else pa.nulls(n, pa.string())
        if "ticket" in single:
            made["ticket"] = null_where_blank(self.reader.without_controls(_strings(cells[single["ticket"]])))
        else:
            made["ticket"] = pa.nulls(n, pa.string())
        for attribute in self._roles.attributes:
            columns = [cells[column] for column in attribute.columns]
            make = self._multi if attribute.kind is AttributeKind.MULTI else self._label
            made[ATTRIBUTE_PREFIX + attribute.name] = make(attribute, columns, numbers, keep, bad)
        return made

    def texts_of(self, cells: Sequence[str | None]) -> pa.Array:
        """Cells as the text of tickets, without counting what was changed: for looking at some beforehand."""
        return TextReader().texts_of(_strings(_array_of(cells, lambda index, message: None)))

    def _text(self, cells: pa.Array) -> pa.Array:
        return cells if self._leaves_texts else self.reader.texts_of(cells)

    def _mapped(self, texts: pa.Array, each: Callable[[str], str | None]) -> pa.Array:
        """`each` applied once to each different value."""
        encoded = null_where_blank(texts).dictionary_encode()
        values = pa.array([each(value) for value in encoded.dictionary.to_pylist()], pa.string())
        return values.take(encoded.indices)

    def _language(self, texts: pa.Array) -> pa.Array:
        codes = self._mapped(texts, language_code)
        self.noticed.unread_languages += codes.null_count - null_where_blank(texts).null_count
        return codes

    def _split(self, texts: pa.Array) -> pa.Array:
        # An unknown word ("test_oos") stays as it is: such tickets are neither learnt from nor tested on.
        return self._mapped(texts, lambda value: SPLIT_VALUES.get(value.strip().lower(), value.strip().lower()[:50]))

    def _times(self, texts: pa.Array, column: str, numbers: list[int], keep: np.ndarray, bad: BadRows) -> pa.Array:
        quick = self._quick_times(texts)
        if quick is not None:
            return quick
        if self._day_first is None:
            self._day_first = any(is_day_first(text) for text in texts.to_pylist() if text)
        times: list[datetime | None] = []
        told = texts.to_pylist()
        self._has_serials = self._has_serials or any(is_serial(text) for text in told if text)
        for index, text in enumerate(told):
            time = parse_time(text, month_first=not self._day_first) if text else None
            if time is None and text and self._has_serials:
                time = serial_day(text)
            times.append(time)
            if time is None and text and not text.isspace() and keep[index]:
                if column in self._named:
                    keep[index] = False
                    bad.add(numbers[index], column, "no_time", text=_shown(text, 40))
                else:
                    self.noticed.unread_times += 1
                    self.noticed.unread_times_example = self.noticed.unread_times_example or _shown(text, 40)
        return pa.array(times, pa.timestamp("us", tz="UTC"))

    def _quick_times(self, texts: pa.Array) -> pa.Array | None:
        """The times if all are written alike in a way that Arrow reads; else None."""
        found = _iso_times(texts)
        return found if found is not None else _formatted_times(texts, day_first=self._day_first)

    def _of_order(self, rows: RowBatch) -> dict[str, pa.Array]:
        """What the rows say of their own order. Nothing is refused or counted for it."""
        made: dict[str, pa.Array] = {}
        for name, of in ((UPDATED, self._order.updated), (SAID_AT, self._order.said_at)):
            if of is not None:
                cells = self._cells_of(rows, of)
                made[name] = self._quick_times(cells)
                if made[name] is None:
                    month_first = not self._day_first
                    each = [parse_time(text, month_first=month_first) if text else None for text in cells.to_pylist()]
                    made[name] = pa.array(each, TIME)
        if (numbered := self._order.message_id) is not None:
            cells = self._cells_of(rows, numbered)
            made[MESSAGE_ID] = pa.array([sortable(text) if text else None for text in cells.to_pylist()], pa.string())
        return made

    def _cells_of(self, rows: RowBatch, column: str) -> pa.Array:
        cells = rows.columns[self._columns.index(column)]
        return _strings(cells if isinstance(cells, pa.Array) else _array_of(cells, lambda index, case: None))

    # Labels.

    def _clean_label(self, text: str) -> str | None:
        """A label without blanks around it, runs of blanks inside and what nobody sees; None for a missing one."""
        known = self._names.get(text, text)
        if known is not text or text in self._names:
            return known
        label: str | None = " ".join(
            "".join(" " if _is_control(character) else character for character in UNSEEN.sub("", text)).split()
        )
        if label and is_missing(label):
            if len(self.noticed.missing_examples) < MISSING_EXAMPLES:
                self.noticed.missing_examples[label] = None
            label = None
        label = label or None
        if len(self._names) < LABELS_REMEMBERED:
            self._names[text] = label
        return label

    def _label(
        self, found: AttributeColumns, columns: list[pa.Array], numbers: list[int], keep: np.ndarray, bad: BadRows
    ) -> pa.Array:
        # Several columns of one label are parts of a name.
        parts = [_strings(column) for column in columns]
        whole = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, " ", null_handling="skip")
        cells = null_where_blank(self._mender.labels(whole))
        labels = self._mapped(cells, self._clean_label)
        if missing := labels.null_count - cells.null_count:
            self.noticed.missing_words[found.name] = self.noticed.missing_words.get(found.name, 0) + missing
        self._refuse_long(labels, found, numbers, keep, bad)
        return labels

    def _refuse_long(
        self, labels: pa.Array, found: AttributeColumns, numbers: list[int], keep: np.ndarray, bad: BadRows
    ) -> None:
        most = self._limits.label_characters
        if (pc.max(pc.utf8_length(labels)).as_py() or 0) <= most:
            return
        for index, label in enumerate(labels.to_pylist()):
            if label is not None and len(label) > most and keep[index]:
                keep[index] = False
                bad.add(
                    numbers[index],
                    found.columns[0],
                    "label_long",
                    attribute=found.name,
                    characters=len(label),
                    most=most,
                )

    def _multi(
        self, found: AttributeColumns, columns: list[pa.Array], numbers: list[int], keep: np.ndarray, bad: BadRows
    ) -> pa.Array:
        """The labels of each ticket, each once, in the order of the source; null where all cells are empty."""
        if len(columns) == 1 and pa.types.is_string(columns[0].type):
            # Combinations return: each different cell is taken apart once.
            encoded = self._mender.labels(columns[0]).dictionary_encode()
            parted = [self._labels_of((cell,), found.separator) for cell in encoded.dictionary.to_pylist()]
            made = pa.array(parted, pa.list_(pa.string())).take(encoded.indices)
        else:
            rows = zip(*(column.to_pylist() for column in columns), strict=True)
            made = pa.array([self._labels_of(row, found.separator) for row in rows], pa.list_(pa.string()))
        longest = pc.max(pc.utf8_length(made.flatten())).as_py() or 0
        most = pc.max(pc.list_value_length(made)).as_py() or 0
        if longest > self._limits.label_characters or most > self._limits.labels_of_a_ticket:
            self._refuse_many(made, found, numbers, keep, bad)
        return made

    def _labels_of(self, cells: Sequence[Any], separator: str | None) -> list[str] | None:
        labels: dict[str, None] = {}
        is_given = False
        for cell in cells:
            if cell is None:
                continue
            is_given |= isinstance(cell, list)
            parts = cell if isinstance(cell, list) else split_labels(cell, separator) if separator else [cell]
            for part in parts:
                label = self._clean_label(part) if part else None
                if label is not None:
                    labels[label] = None
        # An empty list in JSON says "none applies"; an empty cell of a table says nothing.
        return list(labels) if labels or is_given else None

    def _refuse_many(
        self, made: pa.Array, found: AttributeColumns, numbers: list[int], keep: np.ndarray, bad: BadRows
    ) -> None:
        for index, labels in enumerate(made.to_pylist()):
            longest = max((len(label) for label in labels or ()), default=0)
            if not keep[index] or (
                longest <= self._limits.label_characters and len(labels or ()) <= self._limits.labels_of_a_ticket
            ):
                continue
            keep[index] = False
            row, column = numbers[index], found.columns[0]
            if longest > self._limits.label_characters:
                bad.add(row, column, "separator_characters", attribute=found.name, longest=longest)
            else:
                bad.add(row, column, "separator_labels", attribute=found.name, labels=len(labels))

    # Ids.

    def _with_ids(self, batch: pa.RecordBatch, bad: BadRows) -> pa.RecordBatch:
        """Every ticket has an id, and no two the same: the source's, else "row 17"."""
        position = batch.schema.get_field_index("ticket")
        given = batch.column(position)
        if given.null_count == len(given):
            ids = pc.binary_join_element_wise(own_ids.ROW, batch.column("row").cast(pa.string()), " ")
            return batch.set_column(position, "ticket", ids)
        numbered = pc.binary_join_element_wise(own_ids.ROW, batch.column("row").cast(pa.string()), " ")
        ids = pc.coalesce(given, numbered)
        repeated = self._seen_ids.add(ids)
        if not repeated.any():
            return batch.set_column(position, "ticket", ids)
        if self._joins:
            self.noticed.repeated_ids += int(repeated.sum())
            return batch.set_column(position, "ticket", ids)
        column = self._roles.single["ticket"]
        if column in self._named:
            for index in np.flatnonzero(repeated).tolist():
                bad.add(batch.column("row")[index].as_py(), column, "id_repeated", id=_shown(ids[index].as_py(), 60))
            return batch.set_column(position, "ticket", ids).filter(pa.array(~repeated))
        self.noticed.repeated_ids += int(repeated.sum())
        told_apart = pc.binary_join_element_wise(ids, pc.binary_join_element_wise("(", numbered, ")", ""), " ")
        return batch.set_column(position, "ticket", pc.if_else(pa.array(repeated), told_apart, ids))


class _SeenIds:
    """Which ids came before, at 8 bytes each: 64-bit hashes, keyed anew in each process so that nobody can aim at a
    clash.

    They lie in a few sorted runs that double in size, so that a batch is looked up in all of them quickly.
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def add(self, ids: pa.Array) -> np.ndarray:
        """For each id (bool), whether it was there before, in this batch or an earlier one."""
        hashes = np.fromiter(map(hash, ids.to_pylist()), dtype=np.int64, count=len(ids))
        _, first = np.unique(hashes, return_index=True)
        repeated = np.ones(len(ids), dtype=bool)
        repeated[first] = False
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            repeated |= run[places] == hashes
        if not repeated.all():
            self._runs.append(np.sort(hashes[~repeated]))
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) >= len(self._runs[-2]):
            merged = np.concatenate((self._runs.pop(), self._runs.pop()))
            # In place: of millions of ids each further copy is tens of megabytes.
            merged.sort()
            self._runs.append(merged)
        return repeated


def _iso_times(texts: pa.Array) -> pa.Array | None:
    """The times if all are ISO 8601 alike, which Arrow reads a hundred times faster; else None. Without a zone they are
    in UTC."""
    texts = null_where_blank(texts)
    for kind in (pa.timestamp("us", tz="UTC"), pa.timestamp("us")):
        try:
            times = texts.cast(kind)
        except pa.ArrowInvalid:
            continue
        times = pc.assume_timezone(times, "UTC") if kind.tz is None else times
        return times if _are_possible(times) else None
    return None


_DOTTED = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y")
_DAY_SLASHED = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y")
_MONTH_SLASHED = ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y")
_ALIKE = re.compile(r"(\d{1,2})([./])(\d{1,2})[./]\d{4}(?: \d{1,2}:\d{2}(:\d{2})?)?")
_DAYS = r"^(?P<left>\d{1,2})[./](?P<right>\d{1,2})[./]\d{4}(?: \d{1,2}:\d{2}(?::\d{2})?)?$"


def _formatted_times(texts: pa.Array, *, day_first: bool | None) -> pa.Array | None:
    """The times if all are written as the first is, with dots or slashes; else None. Many times faster than one by one,
    with the same result (`parse_time`)."""
    texts = null_where_blank(texts)
    example = next((text for text in texts[:100].to_pylist() if text), "")
    found = _ALIKE.fullmatch(example)
    if found is None or (found[2] == "/" and day_first is None):
        return None
    formats = _DOTTED if found[2] == "." else _DAY_SLASHED if day_first else _MONTH_SLASHED
    chosen = formats[1] if found[4] else formats[0] if ":" in example else formats[2]
    parts = pc.extract_regex(texts, _DAYS)
    times = pc.strptime(texts, format=chosen, unit="us", error_is_null=True)
    if not parts.null_count == times.null_count == texts.null_count:
        return None
    times = pc.assume_timezone(times, "UTC")
    # The 31st of February would be one of March.
    days = pc.struct_field(parts, "right" if formats is _MONTH_SLASHED else "left").cast(pa.int64())
    if not pc.all(pc.fill_null(pc.equal(pc.day(times), days), True)).as_py():
        return None
    return times if _are_possible(times) else None


def _are_possible(times: pa.Array) -> bool:
    ends = pc.min_max(times.cast(pa.int64())).as_py()
    first, last = (int(end.timestamp() * 1e6) for end in (EARLIEST, LATEST))
    return ends["min"] is None or first <= ends["min"] <= ends["max"] < last


def _array_of(column: Sequence[Any], reject: Callable[[int, str], None]) -> pa.Array:
    try:
        try:
            return pa.array(column, pa.string())
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            # Some rows of a JSON file may hold one label as a text, others a list.
            lists = [([cell] if cell else None) if isinstance(cell, str) else cell for cell in column]
            return pa.array(lists, pa.list_(pa.string()))
    except UnicodeEncodeError:
        cleaned = []
        for index, cell in enumerate(column):
            if any(_has_surrogates(text) for text in (cell if isinstance(cell, list) else [cell]) if text):
                reject(index, "undecodable")
                cell = None
            cleaned.append(cell)
        return _array_of(cleaned, reject)


def _shown(cell: str, most: int) -> str:
    """The beginning of a cell without personal data, also of what would be cut in two."""
    return mask(cell[:200])[:most]


def _values(column: Any) -> Sequence[Any]:
    return column.to_pylist() if isinstance(column, pa.Array) else column


def _has_surrogates(text: str) -> bool:
    return any(ord(character) in _SURROGATES for character in text)


def _is_control(character: str) -> bool:
    return character < " " or character == "\x7f"


def _strings(array: pa.Array) -> pa.Array:
    """Lists joined by commas, where a column that should hold single values has lists."""
    if not pa.types.is_list(array.type):
        return array
    return pa.array(
        [None if cell is None else ", ".join(text for text in cell if text) for cell in array.to_pylist()], pa.string()
    )


def _is_blank(texts: pa.Array) -> pa.Array:
    return pc.or_(pc.utf8_is_space(texts), pc.equal(pc.binary_length(texts), 0))
