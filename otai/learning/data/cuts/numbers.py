"""Numbers that somebody gave a ticket, and what they begin with: of 4711-000123 the part before the hyphen, of
INC0012345 the letters, of 4711000123 the first digits. Links are such numbers, too: of
https://desk.example/net/form?id=17 the page.

A desk that counts by queue (4711-… is the network, 4712-… the billing) writes the queue into every ticket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

_NUMBER = re.compile(
    r"(?<![\w./,+@:=&?%-])(?P<before>(?:[A-Za-z0-9]{1,12}[-/_]){0,3})(?P<letters>[A-Za-z]{0,8})(?P<digits>\d{3,14})"
    r"(?!\w|[-./,:]\w)"
)
_DIGITS = re.compile(r"\d{3}")
_DATE = re.compile(r"\d{1,4}[-/_]\d{1,2}[-/_]\d{1,4}")
_FEWEST_DIGITS = 6
"""Of a run of fewer digits the first ones are no part of their own: it is an amount, a year, a port."""
_MOST_FIRST_DIGITS = 4
_LINK = re.compile(
    r"(?:https?://|www\.)(?P<host>[\w.:-]{3,80})(?P<path>/[^\s<>\"'?#]{0,200})?(?P<rest>[?#][^\s<>\"']{0,200})?"
)
_MOST_PARTS_OF_A_PATH = 3
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
    if "://" in text or "www." in text:
        yield from _links_in(text)
    if not _DIGITS.search(text):
        return
    for match in _NUMBER.finditer(text):
        if beginnings := tuple(_beginnings(match)):
            start, end = match.span()
            start -= text[start - 1 : start] == "#"
            if start and _CLOSING.get(text[start - 1]) == text[end : end + 1]:
                start, end = start - 1, end + 1
            yield Number(start, end, match[0].casefold(), beginnings)


def _links_in(text: str) -> Iterator[Number]:
    """Links with something of their own in each ticket: what they begin with is their host, and parts of the path
    without a digit."""
    for match in _LINK.finditer(text):
        parts = (match["path"] or "").casefold().strip("/.,;:!)").split("/")
        named = list(takewhile(lambda part: part and not any(sign.isdigit() for sign in part), parts))
        if len(named) == len(parts) and not match["rest"]:
            # The same in all tickets: it is a word like any other.
            continue
        host = match["host"].casefold()
        pages = ("/".join([host, *named[:count]]) for count in range(1, min(len(named), _MOST_PARTS_OF_A_PATH) + 1))
        yield Number(match.start(), match.end(), match[0].casefold(), (f"{host}/", *(f"{page}/" for page in pages)))


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
