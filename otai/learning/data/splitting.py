"""Which tickets are kept aside to measure on.

A holdout is only evidence if nothing in it was seen in training, so tickets with the same text or of one thread
always stay together. And it is only comparable if it stays the same: a ticket's place is decided by a hash of its text,
so that a data set with a few tickets more keeps nearly all of its holdout.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from otai.learning.arrays import Rows
from otai.learning.data.normalisation import normalise, same_text_key

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Split:
    """Row numbers, ascending. `fixed_by_customer` says that the data set came with its split."""

    train: Rows
    holdout: Rows
    fixed_by_customer: bool
    duplicates_moved: int = 0
    """Rows taken out of a fixed split's training part because the same text stands in its test part."""
    newest: Rows | None = None
    """Those of the holdout that are its newest tickets; None where nobody knows which are, or the customer chose."""


def text_numbers_of(texts: Sequence[str]) -> Rows:
    """A number for each text, equal for equal texts, shape (texts,)."""
    numbers: dict[bytes, int] = {}
    return np.asarray([numbers.setdefault(same_text_key(text), len(numbers)) for text in texts], np.int64)


_REPLY = re.compile(
    r"^(?:\s*+(?:re|aw|antw|antwort|wg|fw|fwd|tr|rv|rif|r|i|sv|vs|vb|odp|pd|res|enc|doorst)\s*+(?:(?:\[\d+\]|\(\d+\))\s*+)?:)++\s*+",
    re.IGNORECASE,
)
MOST_IN_A_THREAD = 12
"""A subject that more tickets share is no thread but what people write ("Re: Printer")."""
FEWEST_SUBJECT_WORDS = 3


MOST_LINKED = 50
"""What more tickets name is no conversation but a project or a known error that much hangs on."""


def related_numbers_of(texts: Sequence[str], links: Sequence[Sequence[str]] | None = None) -> Rows:
    """A number for each text, shape (texts,): equal for equal texts, and for the tickets of one thread.

    Helpdesks export a thread as several tickets where a customer answers a closed one ("Re: printer 4711 is broken"
    beside "printer 4711 is broken"), and name the other ticket: those that share one of their `links` belong together.
    """
    numbers = text_numbers_of(texts)
    first = np.arange(len(texts), dtype=np.int64)

    def root(number: int) -> int:
        while first[number] != number:
            first[number] = first[first[number]]
            number = int(first[number])
        return number

    for rows in (*_answered(texts), *_linked(links or ())):
        roots = sorted({root(int(numbers[row])) for row in rows})
        first[roots] = roots[0]
    return np.asarray([root(number) for number in numbers.tolist()], np.int64)


def _answered(texts: Sequence[str]) -> list[list[int]]:
    """The rows of each subject that one of them answers."""
    threads: dict[str, list[int]] = {}
    answered: set[str] = set()
    for row, text in enumerate(texts):
        subject = text.partition("\n")[0]
        bare = _REPLY.sub("", subject)
        words = normalise(bare).split()
        if len(words) < FEWEST_SUBJECT_WORDS or len(bare) > 200:
            continue
        thread = " ".join(words)
        threads.setdefault(thread, []).append(row)
        if len(bare) < len(subject):
            answered.add(thread)
    return [threads[thread] for thread in answered if len(threads[thread]) <= MOST_IN_A_THREAD]


def _linked(links: Sequence[Sequence[str]]) -> list[list[int]]:
    """The rows of each link that several share."""
    sharing: dict[str, list[int]] = {}
    for row, named in enumerate(links):
        for link in named:
            sharing.setdefault(link, []).append(row)
    return [rows for rows in sharing.values() if 2 <= len(rows) <= MOST_LINKED]


def rows_with_text(texts: Sequence[str]) -> Rows:
    """The rows that say anything at all: the only ones that can be learnt from. Shape (rows,), ascending."""
    return np.asarray([row for row, text in enumerate(texts) if text and not text.isspace()], np.int64)


def split_as_given(text_numbers: Rows, splits: Sequence[str | None]) -> Split | None:
    """The customer's own split; None if it names no test tickets or no training tickets. Equal texts have equal
    numbers.

    A training ticket whose text also stands in the test part is left out of training: the yardstick wins.
    """
    train = [row for row, split in enumerate(splits) if split == TRAIN]
    test = [row for row, split in enumerate(splits) if split == TEST]
    if not train or not test:
        return None
    tested = set(text_numbers[test].tolist())
    kept = [row for row in train if int(text_numbers[row]) not in tested]
    return Split(
        train=np.asarray(kept, np.int64),
        holdout=np.asarray(test, np.int64),
        fixed_by_customer=True,
        duplicates_moved=len(train) - len(kept),
    )


def split_by_hash(
    texts: Sequence[str],
    labels: Mapping[str, Sequence[tuple[str, ...]]],
    *,
    share: float,
    fewest_tickets: int,
    seed: int,
    links: Sequence[Sequence[str]] | None = None,
) -> Split:
    """Keeps about `share` of the tickets aside, of each label of each attribute about the same share.

    `labels[attribute][row]` holds the labels of a row (none: empty), `links[row]` what it shares with related ones.
    Every ticket is dealt with in the stratum of its rarest label, in which the tickets with the lowest hashes are kept
    aside; a label never loses a ticket to the holdout when that would leave it fewer than `fewest_tickets` to learn
    from. Same input and seed, same split.
    """
    numbered = _Numbered.of(labels, len(texts))
    strata: dict[int, list[list[int]]] = {}
    for rows in _same_texts(texts, links, seed=seed):
        strata.setdefault(numbered.stratum(rows, fewest_tickets=fewest_tickets), []).append(rows)

    spare = [tickets - fewest_tickets for tickets in numbered.tickets]
    wanted = [share * tickets for tickets in numbered.tickets]
    held: list[int] = []
    # Rarest first: a frequent label always finds other tickets, a rare one does not.
    for stratum in sorted(strata, key=lambda number: (numbered.tickets[number] if number >= 0 else len(texts), number)):
        size = sum(len(rows) for rows in strata[stratum])
        quota = share * size if stratum < 0 else min(wanted[stratum], share * size + 0.5)
        taken = 0
        for rows in strata[stratum]:
            cost = numbered.counted(rows)
            learnable = [number for number in cost if numbered.tickets[number] >= fewest_tickets]
            if taken + len(rows) > quota + 0.5 or any(spare[number] < cost[number] for number in learnable):
                continue
            for number, tickets in cost.items():
                spare[number] -= tickets
                wanted[number] -= tickets
            held.extend(rows)
            taken += len(rows)
    holdout = np.asarray(sorted(held), np.int64)
    train = np.setdiff1d(np.arange(len(texts)), holdout)
    return Split(train=train, holdout=holdout, fixed_by_customer=False)


FEWEST_NEWEST = 50
"""Fewer new tickets than this say nothing about time, so all of the holdout is chosen at random."""

LEAST_SHARE_WITH_TIMES = 0.9


def newest_apart(
    created_at: Sequence[datetime | None] | None,
    related_numbers: Rows,
    labels: Mapping[str, Sequence[tuple[str, ...]]],
    *,
    share: float,
    fewest_tickets: int,
) -> Rows:
    """About `share` of the tickets, the newest, by their places, shape (tickets apart,), ascending: what comes in
    tomorrow is like them.

    Tickets with equal numbers stay together, and are as old as the oldest of them. A label never loses a ticket when
    that would leave it fewer than `fewest_tickets`. Empty where most times are unknown, all are one, or too few tickets
    would be new.
    """
    none = np.zeros(0, np.int64)
    if created_at is None:
        return none
    times = np.asarray([np.nan if time is None else time.timestamp() for time in created_at])
    timed = np.flatnonzero(np.isfinite(times))
    quota = share * len(times)
    if len(timed) < LEAST_SHARE_WITH_TIMES * len(times) or quota < FEWEST_NEWEST or np.ptp(times[timed]) == 0:
        return none
    groups: dict[int, list[int]] = {}
    for place, number in enumerate(related_numbers.tolist()):
        groups.setdefault(number, []).append(place)
    # A group with a ticket of unknown time is as old as can be.
    firsts = {number: float(np.nan_to_num(times[places], nan=-np.inf).min()) for number, places in groups.items()}
    numbered = _Numbered.of(labels, len(times))
    spare = [tickets - fewest_tickets for tickets in numbered.tickets]
    held: list[int] = []
    for number in sorted(groups, key=lambda number: (-firsts[number], number)):
        cost = numbered.counted(groups[number])
        learnable = [label for label in cost if numbered.tickets[label] >= fewest_tickets]
        if any(spare[label] < cost[label] for label in learnable) or not np.isfinite(firsts[number]):
            continue
        if len(held) + len(groups[number]) > quota:
            break
        for label, tickets in cost.items():
            spare[label] -= tickets
        held.extend(groups[number])
    return np.asarray(sorted(held), np.int64) if len(held) >= FEWEST_NEWEST else none


def _same_texts(texts: Sequence[str], links: Sequence[Sequence[str]] | None, *, seed: int) -> list[list[int]]:
    """The rows of each text or thread, in the order of the salted hash of the first of them."""
    groups: dict[bytes, list[int]] = {}
    firsts: dict[int, bytes] = {}
    for row, number in enumerate(related_numbers_of(texts, links).tolist()):
        groups.setdefault(firsts.setdefault(number, same_text_key(texts[row])), []).append(row)
    salt = seed.to_bytes(8, "little", signed=True)
    ordered = sorted(groups, key=lambda key: hashlib.blake2b(key, digest_size=8, key=salt).digest())
    return [groups[key] for key in ordered]


@dataclass(frozen=True)
class _Numbered:
    """Labels of all attributes as numbers: those of each row, and how many tickets each has."""

    of_row: list[list[int]]
    tickets: list[int]

    @classmethod
    def of(cls, labels: Mapping[str, Sequence[tuple[str, ...]]], rows: int) -> _Numbered:
        numbers: dict[tuple[str, str], int] = {}
        of_row: list[list[int]] = [[] for _ in range(rows)]
        for attribute, column in labels.items():
            for row, row_labels in enumerate(column):
                for label in row_labels:
                    of_row[row].append(numbers.setdefault((attribute, label), len(numbers)))
        tickets = Counter(number for row_numbers in of_row for number in row_numbers)
        return cls(of_row, [tickets[number] for number in range(len(numbers))])

    def counted(self, rows: Sequence[int]) -> Counter[int]:
        """How many of these rows have each label."""
        return Counter(number for row in rows for number in self.of_row[row])

    def stratum(self, rows: Sequence[int], *, fewest_tickets: int) -> int:
        """The rarest label of these rows that can be learnt, or -1: labels too rare for that must not decide where a
        ticket goes."""
        learnable = {number for number in self.counted(rows) if self.tickets[number] >= fewest_tickets}
        return min(learnable, key=lambda number: (self.tickets[number], number), default=-1)
