"""Times as exports write them: ISO 8601, German and English dates, seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Outside of this a number that looks like a time is none."""

_FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y %H:%M", "%d.%m.%y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
    "%d/%b/%y %I:%M %p", "%d/%b/%Y %H:%M", "%d %b %Y %H:%M", "%d %b %Y", "%b %d, %Y", "%b %d, %Y %H:%M", "%B %d, %Y", "%d %B %Y",
    "%d-%b-%Y %H:%M:%S", "%d-%b-%Y", "%Y%m%d",
)  # fmt: skip
_SLASHED = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d{2})(.*)", re.DOTALL)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def parse_time(text: str, *, month_first: bool = True) -> datetime | None:
    """The time that a cell states, in UTC (a time without a zone is taken for UTC); None if it states none.

    `month_first` decides what 03/04/2026 means where both readings are dates; the import finds it out for the column as a whole.
    """
    text = text.strip()
    if not 6 <= len(text) <= 40 or not any(character.isdigit() for character in text):
        return None
    found = _iso(text) or _number(text) or _slashed(text, month_first=month_first) or _written(text)
    if found is None:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    try:
        found = found.astimezone(UTC)
    except OverflowError:
        return None
    return found if EARLIEST <= found < LATEST else None


def is_day_first(text: str) -> bool:
    """True for a slashed date that can only be read day first, such as 25/03/2026."""
    match = _SLASHED.fullmatch(text.strip())
    return match is not None and int(match[1]) > 12


def _iso(text: str) -> datetime | None:
    if not text[:4].isdigit() or text[4:5] != "-":
        return None
    cleaned = re.sub(r" ?(UTC|GMT|Z)$", "+00:00", text)
    try:
        return datetime.fromisoformat(cleaned)
    except ValueError:
        return None


def _number(text: str) -> datetime | None:
    """Seconds or milliseconds since 1970; other numbers are no times."""
    if not re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", text):
        return None
    return datetime.fromtimestamp(float(text) / (1000 if len(text) == 13 and "." not in text else 1), tz=UTC)


def _slashed(text: str, *, month_first: bool) -> datetime | None:
    match = _SLASHED.fullmatch(text)
    if match is None:
        return None
    first, second, year, clock = int(match[1]), int(match[3]), match[4], match[5].replace(",", "").upper()
    month, day = (first, second) if month_first and first <= 12 else (second, first)
    if month > 12:
        month, day = day, month
    date = f"{year if len(year) == 4 else '20' + year}-{month}-{day}"
    for pattern in _CLOCKS:
        try:
            return datetime.strptime(date + clock, f"%Y-%m-%d{pattern}")  # noqa: DTZ007
        except ValueError:
            continue
    return None


_BEGINS_AS_DATE = re.compile(r"\d{1,4}[./\- ]|\d{8}$|[A-Za-z]{3,9},? \d")


def _written(text: str) -> datetime | None:
    # Trying every format takes a while; most cells that are no dates show it at once.
    if not _BEGINS_AS_DATE.match(text):
        return None
    for pattern in _FORMATS:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007
        except ValueError:
            continue
    if "," in text or ":" in text:
        try:
            return parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
    return None
