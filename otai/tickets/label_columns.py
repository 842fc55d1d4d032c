"""What the values of a column say about its labels: whether they are codes, and what parts several of them in one
cell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise

from otai.tickets import column_names as names
from otai.tickets.column_names import ColumnName
from otai.tickets.column_stats import ColumnStats, Look
from otai.tickets.columns import SEPARATORS

LABEL_LENGTH = 60
SHARE_OF_SEVERAL = 0.2
"""Of the cells with tags, so many hold several at least."""
MOST_BY_CHANCE = 0.15
MOST_BY_CHANCE_UNSAID = 0.5
"""Where no ticket's text says the cell as it stands: customers say "password reset", and nobody "billing vip"."""
TICKETS_THAT_SAY_IT = 20
"""In texts of fewer tickets a phrase may be missing."""
_ZENDESK = frozenset({
    "summationcolumn", "groupstations", "assigneestations", "initiallyassignedat", "requesterexternalid",
    "requesterwaittimeinminutes", "firstreplytimeinminutes", "firstresolutiontimeinminutes",
    "fullresolutiontimeinminutes", "satisfactionscore",
})  # fmt: skip
"""Columns that Zendesk alone exports. Its tags have no blanks, and blanks part them."""
_JOINED = re.compile(r"[^\W\d_]+_[\w]+")


def separator_of(
    column: ColumnStats, *, must: bool = False, look: Look | None = None, texts: Sequence[str] = ()
) -> str | None:
    """What parts several labels in one cell, if the cells hold several.

    Parts return far more often than whole cells do; a name such as "tags" lowers the bar, and only under such a name is
    a comma or a slash taken for more than punctuation. With `must` the most frequent separator is taken, whatever the
    bar. The other columns (`look`) tell whose export it is, and those named by `texts` what customers say.
    """
    if not column.filled:
        return None
    is_named = column.words.fits(names.MULTI)
    best: tuple[float, str] | None = None
    for separator in SEPARATORS:
        if separator in (",", "/", "\n") and not (is_named or must):
            continue
        if separator == "/" and not must:
            continue
        share = column.share(partial(_holds, separator), most=5_000)
        if share < (0.02 if is_named or must else 0.15):
            continue
        parts = parts_of(column, separator)
        total = sum(parts.values())
        mean_length = sum(len(part) * count for part, count in parts.items()) / max(total, 1)
        returns = total / max(len(parts), 1)
        if not must and (
            mean_length > 40 or returns < (1.5 if is_named else 3.0) or len(parts) >= 2 * max(column.distinct, 2)
        ):
            continue
        # A semicolon hardly stands in a label; a bar or a comma may part the levels of one.
        most = column.distinct - 1 if separator in (";", ";#") else 0.7 * column.distinct
        if not must and not is_named and len(parts) > most:
            continue
        if best is None or share > best[0]:
            best = (share, separator)
    if best is None and column.words.fits(names.BLANK_SEPARATED):
        return " " if must or _are_blank_separated(column, look, texts) else None
    return best[1] if best else None


def _holds(separator: str, value: str) -> bool:
    return separator in value


def _are_blank_separated(column: ColumnStats, look: Look | None, texts: Sequence[str]) -> bool:
    """Tags as Zendesk writes them ("billing vip en"): words in lower case, whose combinations say that each stands for
    itself, if it is not known whose export it is."""
    parts = parts_of(column, " ")
    are_words = sum(count for part, count in parts.items() if part == part.lower()) >= 0.98 * sum(parts.values())
    if not are_words or len(parts) < 2:
        return False
    if look is not None and _is_of_zendesk(one.words for one in look.columns):
        return column.share(_has_blank, most=5_000) > 0
    if column.share(_has_blank, most=5_000) < SHARE_OF_SEVERAL:
        return False
    # In ever new combinations, or in a few that no phrases would make.
    if len(parts) < 0.8 * column.distinct:
        return True
    by_chance = _by_chance(column, parts)
    return by_chance < MOST_BY_CHANCE or (
        # With more cells than two, the others would tell.
        by_chance <= MOST_BY_CHANCE_UNSAID and column.distinct <= 2 and _no_text_says(column, look, texts)
    )


def _has_blank(value: str) -> bool:
    return " " in value


def _is_of_zendesk(columns: Iterable[ColumnName]) -> bool:
    return any(name.folded in _ZENDESK for name in columns)


def _no_text_says(column: ColumnStats, look: Look | None, texts: Sequence[str]) -> bool:
    """Whether of the tickets with such a cell, some dozens, none says in its text what the cell says."""
    if look is None or not texts:
        return False
    said = [
        (tags.lower(), "\n".join(text for text in row if text).lower())
        for tags, *row in look.rows_of(column, *(look.column(name) for name in texts))
        if tags and " " in tags
    ]
    return len(said) >= TICKETS_THAT_SAY_IT and not any(tags in text for tags, text in said)


def _by_chance(column: ColumnStats, parts: Counter[str]) -> float:
    """How likely phrases ("password reset") make cells that look like several tags each; 0 where they cannot, 1 where
    they do not."""
    several = {value: value.split() for value in column.counts if " " in value.strip()}
    if any(_JOINED.fullmatch(part) for part in parts):
        # Whoever writes password_reset joins the words of one tag, for blanks part them.
        return 0.0
    holders = Counter(word for value in column.counts for word in set(value.split()))
    alone = {value for value in column.counts if value not in several}
    again = sum(
        column.counts[value]
        for value, words in several.items()
        if not alone.isdisjoint(words) and all(holders[word] > 1 for word in words)
    )
    if again >= 0.5 * sum(column.counts[value] for value in several):
        return 0.0
    # Tags are written in alphabetical order; phrases come to it by chance, and seldom are the only tags of a helpdesk.
    if any(words != sorted(words) for words in several.values()):
        return 1.0
    return math.prod(1 / math.factorial(min(len(words), 10)) for words in several.values())


def parts_of(column: ColumnStats, separator: str | None) -> Counter[str]:
    """The labels in the column's cells with their numbers of tickets; cells are split at the separator, if there is
    one."""
    if separator is None:
        return column.counts
    parts: Counter[str] = Counter()
    for value, count in column.counts.items():
        for part in split_labels(value, separator):
            parts[part] += count
    return parts


_BRACKETS = {"[": "]", "{": "}", "(": ")"}


def split_labels(cell: str, separator: str) -> list[str]:
    """The labels of one cell. A list as programs write it into a table (["a", "b"], ['a', 'b'], {a,b}) is one, too."""
    cell = cell.strip()
    is_list = len(cell) > 1 and _BRACKETS.get(cell[0]) == cell[-1] and separator == ","
    parts = [part.strip() for part in (cell[1:-1] if is_list else cell).split(separator)]
    if is_list:
        parts = [part[1:-1] if len(part) > 1 and part[0] == part[-1] and part[0] in "\"'" else part for part in parts]
    return [part for part in parts if part]


def are_codes(column: ColumnStats) -> bool:
    """Decimal numbers that are names of classes, such as 1.1, 1.10 and 2.21: measured ones have one number of decimals,
    or one form."""
    values = [value.replace(",", ".") for value in column.counts]
    forms = {len(value.partition(".")[2]) for value in values}
    has_final_zero = any("." in value and value.endswith("0") for value in values)
    return not column.is_capped and len(values) <= 300 and len(forms) > 1 and has_final_zero


_NUMBERED = re.compile(r"(.*?\D)[ _.\-]?[(\[]?(\d{1,3})[)\]]?'*")


def base_of_numbered(column: str) -> str | None:
    """The name without its number, of columns such as "tag_1", "Labels (2)", "Label [3]" and "labels.0"; None where it
    ends with none."""
    match = _NUMBERED.fullmatch(column)
    return match[1].rstrip(" _.-([") if match else None


def are_one_attribute(base: str, members: Sequence[ColumnStats], *, is_repeated: bool) -> bool:
    """Whether columns of one base name (tag1, tag2) are cells of one multi-label attribute."""
    if any(column.mean_length > LABEL_LENGTH for column in members):
        return False
    if base in names.MULTI:
        return True
    if is_repeated:
        # Two columns of one name may also be two things (two fields called Status): then they share no values.
        first, rest = set(members[0].counts), set().union(*(column.counts for column in members[1:]))
        return bool(first & rest) or not rest
    # Without a telling name: fewer and fewer cells filled, and the same words in them. (sub_category1 and sub_category2
    # are two things.)
    filled = [column.filled for column in members]
    if any(later > earlier for earlier, later in pairwise(filled)) or filled[-1] > 0.8 * filled[0]:
        return False
    first, last = set(members[0].counts), set(members[-1].counts)
    is_number = all(value.isdigit() for value in last)
    return bool(last) and not is_number and len(first & last) >= 0.5 * len(last)
