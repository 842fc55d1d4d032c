"""How a delimited file is written, found from its first lines: what parts its fields, and how quotes inside them are
escaped."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

DELIMITERS = (",", ";", "\t", "|")
MOST_UNUSUAL = 8
"""Of other characters, how many are tried: each costs reading the first lines once."""
CLEARLY_A_TABLE = 0.8
UNUSUAL_REGULARITY = 0.95
UNUSUAL_RECORDS = 3
_WITHIN_WORDS = frozenset("\"'_-.()[]{}<>?")
"""Signs that stand in names and sentences, and part nothing."""


def can_part_fields(sign: str) -> bool:
    """Whether the sign can part fields: one character, and neither a quote nor the end of a line."""
    return len(sign) == 1 and sign not in '"\r\n'


def dialect_of(start: str, delimiter: str | None) -> tuple[str, str | None]:
    """The delimiter and the escape character (None: quotes are doubled) under which the first lines make the most
    regular table, and which the header and the quotes do not speak against."""
    candidates = [delimiter] if delimiter else list(DELIMITERS)
    passed_over = set() if delimiter else _not_in_header(start)
    best: tuple[float, int, str, str | None] = (-1.0, 0, delimiter or ",", None)
    # A backslash before a quote is an escape only if reading it so makes the table more regular.
    escapes: list[str | None] = [None, "\\"] if '\\"' in start else [None]
    for rank, candidate in enumerate(candidates):
        penalty = 0.5 * _misplaced_quotes(start, candidate) + (0.5 if candidate in passed_over else 0.0)
        for escape in escapes:
            width, regular, _ = _regularity(start, candidate, escape)
            score = regular * (1 - penalty) if width > 1 or delimiter else 0.0
            if (score, -rank) > (best[0], -best[1]) and score > best[0] + 1e-9:
                best = (score, rank, candidate, escape)
    if delimiter is None and (unusual := _unusual(start)):
        sign, header, score = unusual
        # Commas of texts make a table, too; that of the sign has names above it, between which no comma stands.
        if best[0] < CLEARLY_A_TABLE * score or best[2] not in header:
            return sign, None
    return best[2], best[3]


def _unusual(start: str) -> tuple[str, str, float] | None:
    """Another character that parts the lines into a table with names above it (`^`, `~`, `§`, `:`, a control character
    of a database), with the line of the names and how regular the table is; None where there is none."""
    lines = [line for line in start.split("\n") if line.strip()]
    in_lines = Counter(sign for line in lines for sign in set(line))
    signs = [sign for sign, count in in_lines.most_common() if count >= UNUSUAL_RECORDS and _may_part(sign)]
    best: tuple[str, str, float] | None = None
    for sign in signs[:MOST_UNUSUAL]:
        header = next(line for line in lines if sign in line)
        if not _names_columns(header, sign):
            continue
        width, regular, records = _regularity(start, sign, None)
        # What stands above the names is a title of some words; a word alone names the one column of what is below.
        has_title = header is not lines[0]
        is_a_column = has_title and (width == 2 or " " not in lines[0].strip())
        if records < UNUSUAL_RECORDS or regular < UNUSUAL_REGULARITY or is_a_column:
            continue
        score = regular * (1 - 0.5 * _misplaced_quotes(start, sign))
        if best is None or score > best[2] + 1e-9:
            best = sign, header, score
    return best


def _may_part(sign: str) -> bool:
    return not (sign.isalnum() or sign in _WITHIN_WORDS or sign in DELIMITERS or sign in " \xa0\r")


def _names_columns(header: str, delimiter: str) -> bool:
    """Whether short names stand in the line, each another, between the delimiters."""
    cells = [cell.strip().strip('"').strip() for cell in header.split(delimiter)]
    return len(set(cells)) == len(cells) and all(0 < len(cell) <= 60 and not cell.isdigit() for cell in cells)


def _not_in_header(start: str) -> set[str]:
    """Delimiters that the first line lacks while it has another, which also stands in the line where they first appear.

    So rows that end early or late make no table of the bars in their texts. A title with a comma above a table by
    semicolons says nothing: the header below it has no comma.
    """
    lines = [line for line in start.splitlines() if line.strip()]
    if not lines:
        return set()
    of_header = [delimiter for delimiter in DELIMITERS if delimiter in lines[0]]
    absent = [delimiter for delimiter in DELIMITERS if delimiter not in lines[0]]
    first_with = {delimiter: next((line for line in lines if delimiter in line), "") for delimiter in absent}
    return {delimiter for delimiter in absent if any(other in first_with[delimiter] for other in of_header)}


def _misplaced_quotes(start: str, delimiter: str) -> float:
    """The share of the quotes that under this delimiter neither begin nor end a field, nor are doubled inside one."""
    there = start.count('"')
    if not there:
        return 0.0
    return 1 - sum(found[0].count('"') for found in quoted_field(delimiter).finditer(start)) / there


def _regularity(start: str, delimiter: str, escape: str | None) -> tuple[int, float, int]:
    """The most frequent width of the first records under this dialect, the share of them that have it (0 to 1, a little
    more for wider), and how many records there are. Titles above the header, of one field, count for little; notes
    below the tickets are few."""
    reader = csv.reader(
        io.StringIO(start, newline=""), delimiter=delimiter, strict=True, escapechar=escape, doublequote=escape is None
    )
    widths: Counter[int] = Counter()
    records = titles = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            records += 1
            continue
        if row:
            titles += len(row) == 1 and records == titles
            records += 1
            widths[len(row)] += 1
    if not widths:
        return 0, 0.0, records
    width, good = max(widths.items(), key=lambda item: (item[1], item[0]))
    wider = min(width, 50) * 1e-4
    if records < 2:
        return width, 0.5 + wider, records
    above = titles if width > 1 and titles < good else 0
    return width, good / (records - 0.75 * above) + wider, records


def quoted_field(delimiter: str) -> re.Pattern[str]:
    """A whole field in quotes."""
    edge = re.escape(delimiter)
    return re.compile(rf'(?:^|{edge})"(?:[^"]|"")*+"(?={edge}|\r|\n|$)', flags=re.MULTILINE)


def formula_text(delimiter: str) -> re.Pattern[str]:
    """A whole field written ="0010001"."""
    edge = re.escape(delimiter)
    return re.compile(rf'(?:^|{edge})="[^"\r\n]*"(?={edge}|\r|\n|$)', flags=re.MULTILINE)
