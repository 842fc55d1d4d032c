"""What ends the texts of many tickets word for word, learnt from the tickets themselves: a company's address below
every mail, a slogan.

Rules for signatures cannot know it, for it has no greeting above it and no telephone number in it. It is found by how
it recurs: the same last lines below ever different texts. Only hashes of them are kept.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otai.learning.data.cuts.reported import reports
from otai.learning.data.mail_patterns import SIGN_OFF

MOST_LINES = 8
FEWEST_TICKETS = 8
LEAST_SHARE = 0.01
"""In fewer of the tickets looked at than these it is no rule."""
COUPLED = 0.6
"""So often the lines stand together where the last of them ends a text: sentences that people write in any order do
not."""
DIFFERENT_TEXTS = 0.5
"""So many of the texts above it differ: an alarm that comes a hundred times is the message itself."""
ONE_FORM = 0.5
"""Lines of which so many have digits of their own are no boilerplate."""
LONG_LINE = 60
"""A single line is taken only if it has so many characters and stands nowhere else."""
DECIDES = 0.95
"""Lines that stand beside one label alone are left to the finding about labels given away, where the customer
decides."""
MOST_TAILS = 500
KEY_CHARACTERS = 16
_DIGITS = re.compile(r"\d+")


def squeezed_key(text: str) -> str:
    """A hash under which case, blanks and digits' values do not matter."""
    return exact_key(_DIGITS.sub("0", text))


def exact_key(text: str) -> str:
    """The same under which only case and blanks do not matter."""
    squeezed = " ".join(text.casefold().split())
    return hashlib.blake2b(squeezed.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(slots=True)
class _Seen:
    tickets: int = 0
    above: set[int] = field(default_factory=set)
    lines: int = 1
    characters: int = 0
    last: str = ""
    rows: list[int] = field(default_factory=list)
    forms: set[int] = field(default_factory=set)
    """Hashes of the lines with their digits as they are."""
    is_reported: bool = False


def tails_of(texts: Sequence[str], labels: Mapping[str, Sequence[Any]] | None = None) -> frozenset[str]:
    """The keys of the endings that recur in a sample of texts. `labels` by attribute, one a text: an ending that
    decides one is no boilerplate."""
    seen: dict[str, _Seen] = defaultdict(_Seen)
    anywhere: Counter[str] = Counter()
    for row, text in enumerate(texts):
        for above, ending in _endings(text.split("\n")):
            tail = seen[_key_of(ending)]
            tail.tickets += 1
            tail.above.add(hash(above))
            tail.lines, tail.characters, tail.last = len(ending), max(map(len, ending)), ending[-1]
            tail.rows.append(row)
            tail.forms.add(hash("\n".join(ending)))
            tail.is_reported = tail.is_reported or (tail.tickets == 1 and any(map(reports, ending)))
    fewest = max(FEWEST_TICKETS, LEAST_SHARE * len(texts))
    often = {key: tail for key, tail in seen.items() if tail.tickets >= fewest}
    if not often:
        return frozenset()
    lasts = {squeezed_key(tail.last) for tail in often.values()}
    for text in texts:
        anywhere.update(lasts.intersection(map(squeezed_key, text.split("\n"))))
    columns = [column for column in (labels or {}).values() if len(set(map(str, column))) > 1]
    kept = [
        key
        for key, tail in often.items()
        if _is_boilerplate(tail, anywhere) and not any(_decides(tail, column) for column in columns)
    ]
    return frozenset(sorted(kept, key=lambda key: -often[key].tickets)[:MOST_TAILS])


def _is_boilerplate(found: _Seen, anywhere: Counter[str]) -> bool:
    if found.is_reported or len(found.forms) > ONE_FORM * found.tickets:
        # Other numbers in each ticket, or what a machine said to the customer: their words.
        return False
    with_last = anywhere[squeezed_key(found.last)]
    is_long = found.lines > 1 or found.characters >= LONG_LINE
    needed = COUPLED if found.lines > 1 else DECIDES
    return is_long and found.tickets >= needed * with_last and len(found.above) >= DIFFERENT_TEXTS * found.tickets


def _decides(found: _Seen, column: Sequence[Any]) -> bool:
    counts = Counter(str(column[row]) for row in found.rows if column[row] is not None)
    return bool(counts) and max(counts.values()) >= DECIDES * counts.total()


def _endings(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """(what stands above, the last lines) for one to MOST_LINES last lines. A greeting is the writer's own, and so is a
    text's first line."""
    filled = [line for line in lines if line.strip()]
    for size in range(1, min(MOST_LINES, len(filled) - 1) + 1):
        if SIGN_OFF.match(filled[-size]):
            return
        yield "\n".join(filled[:-size]), filled[-size:]


def _key_of(lines: Sequence[str]) -> str:
    """Two hashes in one: of the last line, by which it is looked for, and of all of them."""
    return squeezed_key(lines[-1]) + squeezed_key("\n".join(lines))


def without_tails(lines: list[str], tails: frozenset[str]) -> tuple[list[str], list[str]]:
    """The lines without the longest ending that is one of `tails`, and what was taken away."""
    longest: list[str] = []
    last = next((line for line in reversed(lines) if line.strip()), "")
    key = squeezed_key(last)
    if not any(tail.startswith(key) for tail in tails):
        return lines, []
    for above, ending in _endings(lines):
        if _key_of(ending) in tails and above.strip():
            longest = ending
    if not longest:
        return lines, []
    left = len(longest)
    end = len(lines)
    while left:
        end -= 1
        left -= bool(lines[end].strip())
    return lines[:end], ["\n".join(longest)]
