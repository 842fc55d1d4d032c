"""Numbers that somebody gave a ticket, and what they begin with: of 4711-000123 the part before the hyphen, of
INC0012345 the letters, of 4711000123 the first digits.

A desk that counts by queue (4711-… is the network, 4712-… the billing) writes the queue into every ticket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NUMBER = re.compile(
    r"(?<![\w./,+@:=&?%-])(?P<before>(?:[A-Za-z0-9]{1,12}[-/_]){0,3})(?P<letters>[A-Za-z]{0,8})(?P<digits>\d{3,14})"
    r"(?!\w|[-./,:]\w)"
)
_DIGITS = re.compile(r"\d{3}")
_DATE = re.compile(r"\d{1,4}[-/_]\d{1,2}[-/_]\d{1,4}")
_FEWEST_DIGITS = 6
"""Of a run of fewer digits the first ones are no part of their own: it is an amount, a year, a port."""
_MOST_FIRST_DIGITS = 4
_CLOSING = {"[": "]", "(": ")"}


@dataclass(frozen=True, slots=True)
class Number:
    """Where a number stands in a text, with the brackets or the # around it, and all that it begins with."""

    start: int
    end: int
    said: str
    beginnings: tuple[str, ...]


def numbers_in(text: str) -> Iterator[Number]:
    """The numbers of a text; dates, telephone numbers and amounts are none."""
    if not _DIGITS.search(text):
        return
    for match in _NUMBER.finditer(text):
        if beginnings := tuple(_beginnings(match)):
            start, end = match.span()
            start -= text[start - 1 : start] == "#"
            if start and _CLOSING.get(text[start - 1]) == text[end : end + 1]:
                start, end = start - 1, end + 1
            yield Number(start, end, match[0].casefold(), beginnings)


def _beginnings(match: re.Match[str]) -> Iterator[str]:
    before, digits = re.sub("[/_]", "-", match["before"].casefold()), match["digits"]
    is_telephone = match[0].startswith("0") and not digits.startswith("0")
    if is_telephone or _DATE.fullmatch(match[0]):
        return
    parts = before.split("-")[:-1]
    yield from ("-".join(parts[:count]) + "-" for count in range(1, len(parts) + 1))
    whole = before + match["letters"].casefold()
    if match["letters"]:
        yield whole
    # Those that are counted up from 0 begin with it all.
    if len(digits) >= _FEWEST_DIGITS and not digits.startswith("0"):
        yield from (whole + digits[:count] for count in range(1, _MOST_FIRST_DIGITS + 1))
