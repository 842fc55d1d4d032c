"""The guess: looks at the first rows of a source, weighs each column's name and values, and says in words what decided.

The order matters and is the order of certainty: the customer's word, the split, language, ids and times by name, the texts, labels in
several columns, attributes by their values. What is left is ignored, each with its reason.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from otai.learning.data.tickets import AttributeKind
from otai.tickets import column_names as names
from otai.tickets.column_names import folded, language_code
from otai.tickets.columns import SEPARATORS, AttributeColumns, ColumnRoles
from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.table import Source
from otai.tickets.times import parse_time

GUESSED_ROWS = 50_000
GUESSED_CHARACTERS = 64_000_000
"""As many rows as these are looked at. Files sorted by queue are common: a few hundred rows would show one queue."""
DISTINCT_KEPT = 2_000_000
"""Different values remembered, all columns together."""

LABEL_LENGTH = 60
TICKETS_A_LABEL = 3.0
"""A column whose values return less often on average names things (people, orders), it does not sort tickets."""
MOST_LABELS = 2_000


@dataclass(slots=True)
class ColumnStats:
    """What the first rows show of one column. `counts` holds its values up to a bound; `is_capped` when there were more."""

    name: str
    filled: int = 0
    characters: int = 0
    longest: int = 0
    lists: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    is_capped: bool = False

    @property
    def folded(self) -> str:
        return folded(self.name)

    @property
    def mean_length(self) -> float:
        return self.characters / self.filled if self.filled else 0.0

    @property
    def distinct(self) -> int:
        return len(self.counts)

    @property
    def tickets_a_value(self) -> float:
        return self.filled / self.distinct if self.distinct else 0.0

    def share(self, test: object, *, most: int = 500) -> float:
        """The share of values (each counted as often as it occurs, over the `most` frequent) for which `test` holds."""
        assert callable(test)
        looked = self.counts.most_common(most)
        total = sum(count for _, count in looked)
        return sum(count for value, count in looked if test(value)) / total if total else 0.0


@dataclass(slots=True)
class Look:
    """The first rows of a source: how many, whether these are all, and each column's statistics."""

    rows: int
    is_whole: bool
    columns: list[ColumnStats]

    def column(self, name: str) -> ColumnStats:
        return next(column for column in self.columns if column.name == name)

    @property
    def where(self) -> str:
        return f"{self.rows:,} rows" if self.is_whole else f"the first {self.rows:,} rows"


def look_at(source: Source) -> Look:
    """Statistics of the first rows; bad ones are passed over, the import reports them."""
    stats = [ColumnStats(name) for name in source.columns]
    most_distinct = max(1_000, min(20_000, DISTINCT_KEPT // max(len(stats), 1)))
    rows = characters = 0
    is_whole = True
    batches = source.batches(BadRows(skip=True))
    for batch in batches:
        rows += len(batch.numbers)
        for column, cells in zip(stats, batch.columns, strict=True):
            characters += _count(column, cells, most_distinct)
        if rows >= GUESSED_ROWS or characters >= GUESSED_CHARACTERS:
            is_whole = next(batches, None) is None
            break
    return Look(rows, is_whole, stats)


def _count(column: ColumnStats, cells: Sequence[object], most_distinct: int) -> int:
    values: list[str] = []
    for cell in cells if isinstance(cells, list | tuple) else cells.to_pylist():  # type: ignore[attr-defined]
        if isinstance(cell, list):
            column.lists += 1
            values += [label for label in cell if label]
            column.filled += 1
        elif cell and not cell.isspace():
            values.append(cell)
            column.filled += 1
    size = sum(map(len, values))
    column.characters += size
    column.longest = max(column.longest, max(map(len, values), default=0))
    if len(column.counts) < most_distinct:
        # Texts are told apart by their beginnings; keeping them whole would keep the file.
        column.counts.update(value[:300].strip() for value in values)
        column.is_capped = len(column.counts) >= most_distinct
    return size


def guess_roles(look: Look, overrides: ColumnRoles | None = None, *, must_have_text: bool = True) -> ColumnRoles:
    """A role for every column, the customer's word first. Each role or its absence is explained in `why`.

    Raises ColumnsInvalid for overrides that do not fit the header, and DatasetInvalid when no column can be the text, unless the caller
    goes on to ask for it (`must_have_text`).
    """
    given = (overrides or ColumnRoles()).resolved([column.name for column in look.columns])
    guess = _Guess(look, given)
    guess.run()
    return guess.result(must_have_text=must_have_text)


class _Guess:
    def __init__(self, look: Look, given: ColumnRoles) -> None:
        self.look = look
        self.single = dict(given.single)
        self.attributes: dict[str, AttributeColumns] = {}
        self.why: dict[str, str] = dict.fromkeys(given.used, "named when importing") | dict(given.why)
        self.open = [column for column in look.columns if column.name not in given.used]
        self.given = given

    def run(self) -> None:
        for found in self.given.attributes:
            self.attributes[found.columns[0]] = self._completed(found)
        self._empties()
        self._split()
        self._language()
        self._ticket_id()
        self._created()
        self._texts()
        self._numbered()
        for column in list(self.open):
            self._attribute(column)

    def result(self, *, must_have_text: bool) -> ColumnRoles:
        order = [column.name for column in self.look.columns]
        used = {*self.single.values(), *(name for found in self.attributes.values() for name in found.columns)}
        roles = ColumnRoles(
            single=self.single,
            attributes=tuple(sorted(self.attributes.values(), key=lambda found: order.index(found.columns[0]))),
            ignored=tuple(name for name in order if name not in used),
            why={name: self.why[name] for name in order},
        )
        if must_have_text and "subject" not in self.single and "body" not in self.single:
            raise refused(
                "No column looks like the text of a ticket. Name it: --column COLUMN=body. The columns are: "
                + "; ".join(f"{name!r} ({self.why[name]})" for name in order[:12])
                + (" ..." if len(order) > 12 else "")
                + ".",
                columns=order,
            )
        roles.must_be_consistent()
        return roles

    def _take(self, column: ColumnStats, why: str) -> None:
        self.open.remove(column)
        self.why[column.name] = why

    def _role(self, role: str, column: ColumnStats, why: str) -> None:
        self.single[role] = column.name
        self._take(column, why)

    def _named(self, synonyms: Sequence[str]) -> Iterator[ColumnStats]:
        """Open columns that bear one of the names, in the order of the names."""
        for name in synonyms:
            yield from [column for column in self.open if column.folded == name]

    # The steps, in order of certainty.

    def _empties(self) -> None:
        for column in list(self.open):
            if not column.filled:
                self._take(column, f"empty in {self.look.where}")

    def _split(self) -> None:
        if "split" in self.single:
            return
        for column in list(self.open):
            known = column.share(lambda value: _split_value(value) is not None)
            values = {_split_value(value) for value in column.counts}
            if (column.folded in names.SPLIT and known >= 0.3) or (known == 1.0 and {"train", "test"} <= values):
                self._role("split", column, f"says of each ticket whether it is for training or test: {_some(column)}")
                return

    def _language(self) -> None:
        if "language" in self.single:
            return
        for column in self._named(names.LANGUAGE):
            if column.share(lambda value: language_code(value) is not None) >= 0.9:
                self._role("language", column, f"its name, and its values are languages: {_some(column)}")
                return

    def _ticket_id(self) -> None:
        if "ticket" in self.single:
            return
        for column in self._named(names.TICKET):
            unique = (
                column.distinct >= 0.95 * min(column.filled, 1_000) and column.tickets_a_value < 1.05
            ) or column.is_capped
            if (
                unique
                and column.mean_length <= 64
                and column.share(_is_id) >= 0.9
                and column.filled >= 0.9 * self.look.rows
            ):
                self._role("ticket", column, "its name, and every value is different")
                return

    def _created(self) -> None:
        dates = [column for column in self.open if column.mean_length <= 40 and column.share(_is_date, most=200) >= 0.9]
        if "created" not in self.single:
            named = [column for name in names.CREATED for column in dates if column.folded == name]
            chosen = named or [
                column for column in dates if re.search("creat|open|receiv|submit|erstellt|eingang", column.folded)
            ]
            if (
                not chosen
                and len(dates) == 1
                and not re.search("clos|resol|updat|due|end|geschlossen|geaendert", dates[0].folded)
            ):
                chosen = dates
            if chosen:
                self._role(
                    "created",
                    chosen[0],
                    f"its values are times, such as {next(iter(chosen[0].counts))!r}, and its name fits",
                )
        for column in dates:
            if column in self.open:
                self._take(column, "times, but not the time the ticket came in")

    def _texts(self) -> None:
        """Subject and body: by name first, then the longest column of free text."""
        for role, synonyms in (("subject", names.SUBJECT), ("body", names.BODY)):
            if role in self.single:
                continue
            fitting = [column for column in self._named(synonyms) if _could_be_text(column)]
            if fitting:
                # Of several that fit by name, the one that says most.
                best = max(fitting, key=lambda column: column.characters)
                self._role(
                    role, best, f"its name, and its values are texts ({best.mean_length:.0f} characters on average)"
                )
        free = [column for column in self.open if _is_free_text(column) and not _is_about_afterwards(column)]
        if "body" not in self.single and "subject" not in self.single and not free:
            free = [column for column in self.open if column.share(_has_blank) > 0.5 and column.tickets_a_value < 2]
        if "body" not in self.single and free:
            best = max(free, key=lambda column: column.characters)
            subject = self.single.get("subject")
            # A second text beside a subject is the body; without a name that fits it must be the longer one.
            if subject is None or best.mean_length > self.look.column(subject).mean_length:
                self._role(
                    "body", best, f"the longest column of free text ({best.mean_length:.0f} characters on average)"
                )
        for column in list(self.open):
            if _is_about_afterwards(column) and (_is_free_text(column) or column.mean_length > LABEL_LENGTH):
                self._take(column, "by its name written after the ticket came in; new tickets will not have it")

    def _numbered(self) -> None:
        """tag_1 .. tag_8, or a header repeated as ticket systems export labels: one multi-label attribute."""
        groups: dict[str, list[ColumnStats]] = defaultdict(list)
        for column in self.open:
            if match := re.fullmatch(r"(.*?\D)[ _.\-]?\(?(\d{1,3})\)?'*", column.name):
                groups[match[1].rstrip(" _.-(")].append(column)
        for base, group in groups.items():
            twin = next((column for column in self.open if column.name == base), None)
            members = ([twin] if twin else []) + group
            if len(members) < 2 or not _are_one_attribute(folded(base), members, is_repeated=twin is not None):
                continue
            if any(found.name == base for found in self.attributes.values()):
                continue
            labels = len(set().union(*(column.counts for column in members)))
            why = f"{len(members)} columns that hold the same kind of labels ({labels:,} different): one multi-label attribute"
            self.attributes[members[0].name] = AttributeColumns(
                base, AttributeKind.MULTI, tuple(column.name for column in members), why=why
            )
            for column in members:
                self._take(column, why)

    def _attribute(self, column: ColumnStats) -> None:
        separator = _separator(column)
        if separator is not None or column.lists:
            found = AttributeColumns(column.name, AttributeKind.MULTI, (column.name,), separator=separator)
            parted = f"separated by {separator!r}" if separator else "as lists"
            labels = len(_parts(column, separator))
            if labels < 2:
                self._take(column, "every list holds the same")
                return
            found = dataclasses.replace(found, why=f"several labels in a cell, {parted}, {labels:,} different")
        else:
            reason = self._no_attribute(column)
            if reason is not None:
                self._take(column, reason)
                return
            order = (
                order_of(column.counts)
                if column.folded in names.ORDERED or _ends_as(column.folded, names.ORDERED)
                else ()
            )
            kind = AttributeKind.ORDERED if order else AttributeKind.SINGLE
            why = f"{column.distinct:,} different values, {column.tickets_a_value:,.0f} tickets each on average"
            if order:
                why += f"; they have an order: {' < '.join(order)}"
            found = AttributeColumns(column.name, kind, (column.name,), order=order, why=why)
        self.attributes[column.name] = found
        self._take(column, found.why)

    def _no_attribute(self, column: ColumnStats) -> str | None:
        """Why the column is no attribute; None if it is one."""
        where = self.look.where
        distinct = f"more than {column.distinct:,}" if column.is_capped else f"{column.distinct:,}"
        if column.distinct == 1:
            return f"the same value in all filled cells of {where}: {_some(column)}"
        if column.folded in names.STATUS:
            return "a state that changes while the ticket is worked on; a new ticket has none yet. To learn it all the same: --attribute"
        if column.share(_is_mail_address) > 0.5 and column.folded not in names.ATTRIBUTE:
            return "e-mail addresses"
        if column.mean_length > LABEL_LENGTH or column.longest > 200:
            return f"free text ({column.mean_length:.0f} characters on average)"
        is_named = column.folded in names.ATTRIBUTE or _ends_as(column.folded, names.ATTRIBUTE)
        if column.folded in names.PERSON and not is_named:
            return "by its name it is about a person, not about the kind of ticket"
        if column.folded in names.TICKET and column.tickets_a_value < 1.5:
            return "numbers or names of single tickets"
        needed = 1.5 if is_named else TICKETS_A_LABEL
        if column.is_capped or column.distinct > MOST_LABELS or column.tickets_a_value < needed:
            return f"{distinct} different values in {where}: they name single things and do not sort tickets"
        if column.share(_is_decimal) > 0.5:
            return "measured numbers"
        return None

    def _completed(self, found: AttributeColumns) -> AttributeColumns:
        """What the customer left out of an attribute they named: a separator, an order."""
        column = self.look.column(found.columns[0])
        if (
            found.kind is AttributeKind.MULTI
            and found.separator is None
            and len(found.columns) == 1
            and not column.lists
        ):
            return dataclasses.replace(found, separator=_separator(column, must=True))
        if found.kind is AttributeKind.ORDERED and not found.order:
            order = order_of(column.counts)
            if not order:
                raise refused(
                    f"The order of {found.name!r} cannot be told from its labels ({_some(column)}). Give it: "
                    f"--ordered {found.name}=low,medium,high.",
                    column=column.name,
                )
            return dataclasses.replace(found, order=order)
        return found


def order_of(labels: Iterator[str] | Counter[str] | Sequence[str]) -> tuple[str, ...]:
    """The labels from low to high if they all stand on a known scale, or all are whole numbers or begin with one; else empty."""
    found = sorted({" ".join(label.split()) for label in labels if label.strip()})
    if not 2 <= len(found) <= 25:
        return ()
    for scale in names.ORDERS:
        places = {re.sub(r"[\s_\-]+", " ", step): place for place, step in enumerate(scale)}
        keys = [re.sub(r"[\s_\-]+", " ", label.casefold()).strip() for label in found]
        if all(key in places for key in keys) and len({places[key] for key in keys}) == len(keys):
            return tuple(sorted(found, key=lambda label: places[re.sub(r"[\s_\-]+", " ", label.casefold()).strip()]))
    numbers = {label: int(match[1]) for label in found if (match := re.match(r"\s*(-?\d{1,3})(?:\b|$)", label))}
    if len(numbers) == len(found) and len(set(numbers.values())) == len(found):
        return tuple(sorted(found, key=numbers.__getitem__))
    return ()


def _separator(column: ColumnStats, *, must: bool = False) -> str | None:
    """What parts several labels in one cell, if the cells hold several.

    Parts return far more often than whole cells do; a name such as "tags" lowers the bar, and only under such a name is a comma or a
    slash taken for more than punctuation. With `must` the most frequent separator is taken, whatever the bar.
    """
    if not column.filled:
        return None
    is_named = column.folded in names.MULTI
    best: tuple[float, str] | None = None
    for separator in SEPARATORS:
        if separator in (",", "/", "\n") and not (is_named or must):
            continue
        if separator == "/" and not must:
            continue
        share = column.share(lambda value, separator=separator: separator in value, most=5_000)
        if share < (0.02 if is_named or must else 0.15):
            continue
        parts = _parts(column, separator)
        total = sum(parts.values())
        mean_length = sum(len(part) * count for part, count in parts.items()) / max(total, 1)
        returns = total / max(len(parts), 1)
        if not must and (
            mean_length > 40 or returns < (1.5 if is_named else 3.0) or len(parts) >= 2 * max(column.distinct, 2)
        ):
            continue
        if not must and not is_named and (len(parts) > 0.7 * column.distinct):
            continue
        if best is None or share > best[0]:
            best = (share, separator)
    return best[1] if best else None


def _parts(column: ColumnStats, separator: str | None) -> Counter[str]:
    if separator is None:
        return column.counts
    parts: Counter[str] = Counter()
    for value, count in column.counts.items():
        for part in value.split(separator):
            if part.strip():
                parts[part.strip()] += count
    return parts


def _are_one_attribute(base: str, members: Sequence[ColumnStats], *, is_repeated: bool) -> bool:
    if any(column.mean_length > LABEL_LENGTH for column in members):
        return False
    if base in names.MULTI or is_repeated:
        return True
    # Without a telling name: fewer and fewer cells filled, and the same words in them. (sub_category1 and sub_category2 are two things.)
    filled = [column.filled for column in members]
    if any(later > earlier for earlier, later in pairwise(filled)) or filled[-1] > 0.8 * filled[0]:
        return False
    first, last = set(members[0].counts), set(members[-1].counts)
    is_number = all(value.isdigit() for value in last)
    return bool(last) and not is_number and len(first & last) >= 0.5 * len(last)


def _could_be_text(column: ColumnStats) -> bool:
    """Fits the name of a text: not an id, a date or a handful of labels."""
    if column.lists:
        return False
    if column.folded in names.SURE_TEXTS:
        return True
    if column.share(_has_blank) < 0.2:
        return False
    return column.tickets_a_value < 3 or column.mean_length > LABEL_LENGTH or column.filled < 20


def _is_free_text(column: ColumnStats) -> bool:
    return (
        column.share(_has_blank) >= 0.5
        and column.mean_length >= 15
        and (column.tickets_a_value < 2 or column.mean_length > LABEL_LENGTH)
    )


def _is_about_afterwards(column: ColumnStats) -> bool:
    return column.folded in names.AFTERWARDS or _ends_as(column.folded, names.AFTERWARDS)


def _ends_as(name: str, synonyms: Sequence[str]) -> bool:
    return any(len(synonym) >= 5 and name.endswith(synonym) for synonym in synonyms)


def _split_value(value: str) -> str | None:
    return names.SPLIT_VALUES.get(value.strip().lower())


def _is_id(value: str) -> bool:
    return not _has_blank(value)


def _has_blank(value: str) -> bool:
    return " " in value.strip()


def _is_date(value: str) -> bool:
    return parse_time(value) is not None


def _is_mail_address(value: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None


def _is_decimal(value: str) -> bool:
    return re.fullmatch(r"-?\d+[.,]\d+", value) is not None


def _some(column: ColumnStats) -> str:
    shown = [value if len(value) <= 30 else value[:29] + "…" for value, _ in column.counts.most_common(4)]
    return ", ".join(map(repr, shown)) + (" ..." if column.distinct > 4 else "")
