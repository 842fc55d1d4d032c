"""Which words stand in many of some tickets, and beside which labels: the search behind `leaks.py`.

Its work has a bound, whatever the tickets are like: so many words of all tickets and so many labels of each count.
Words are kept as numbers, and read again from the text in which they were first seen.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from otai.learning.arrays import Mask, Rows
from otai.learning.data.phrases import normal_words

FEWEST_TICKETS = 5
"""Words in fewer tickets of the sample decide nothing."""
CHANCE = 1e-3
"""So rarely would words that decide nothing stand beside one label alone."""
PURITY = 0.95
"""So nearly always they stand beside one label."""
LARGEST_LABEL = 0.6
"""Beside a label of more tickets than this share words stand by chance."""
MOST_WORDS = 1_500_000
"""In all tickets together: what has more in its first tickets is read no further. 350 MB at most."""
LABELS_OF_A_TICKET = 50
_PAIRS_AT_ONCE = 1_000_000
"""Of a word and a label that stand together: bounds the memory of counting them."""

Finder = Callable[[str], Mapping[str, str]]
"""Of a text the words that count, by key, as they stand there."""


@dataclass(frozen=True)
class RecurringWords:
    """The words that stand in several tickets, by number, the most frequent first. `first` names for each the ticket of
    `texts` in which it was first seen; in `rows` and `words` stands each word of each ticket, in the order of words.
    `is_read` says which tickets were looked at."""

    texts: Sequence[str]
    find: Finder
    keys: Sequence[str]
    first: Rows
    rows: Rows
    words: Rows
    is_read: Mask

    @classmethod
    def of(cls, texts: Sequence[str], find: Finder, *, most_tickets: int) -> RecurringWords:
        """What `find` names in so many of the texts, spread over all."""
        known: dict[str, int] = {}
        first, in_rows, numbers = array("q"), array("q"), array("q")
        is_read = np.zeros(len(texts), bool)
        for row in islice(_spread(len(texts)), most_tickets):
            if len(numbers) >= MOST_WORDS:
                break
            is_read[row] = True
            for key in find(texts[row]):
                number = known.setdefault(key, len(known))
                if number == len(first):
                    first.append(row)
                in_rows.append(row)
                numbers.append(number)
        rows, words = np.array(in_rows, np.int64), np.array(numbers, np.int64)
        tickets = np.bincount(words, minlength=len(known))
        kept = np.argsort(-tickets, kind="stable")[: int((tickets >= FEWEST_TICKETS).sum())]
        renumbered = np.full(len(known), -1, np.int64)
        renumbered[kept] = np.arange(len(kept))
        words = renumbered[words]
        order = np.argsort(words, kind="stable")[int((words < 0).sum()) :]
        all_keys = list(known)
        return cls(
            texts,
            find,
            [all_keys[number] for number in kept],
            np.array(first, np.int64)[kept],
            rows[order],
            words[order],
            is_read,
        )

    def deciding(self, column: Sequence[Any]) -> dict[int, str]:
        """The words that stand nearly always beside one label, and not by chance, each with that label; of several the
        rarest. `column` has a ticket's label, a list of its labels, or None."""
        labelled = _Labelled.of([labels if read else None for labels, read in zip(column, self.is_read, strict=True)])
        if len(labelled.names) < 2 or not self.keys:
            return {}
        stand_in = np.bincount(self.words[labelled.count[self.rows] > 0], minlength=len(self.keys))
        share = np.bincount(labelled.labels) / max(int((labelled.count > 0).sum()), 1)
        found: dict[int, str] = {}
        for words, labels, most in self._beside(labelled):
            # The first ticket names the label, whichever it is; the others agree.
            decides = (most >= FEWEST_TICKETS) & (most >= PURITY * stand_in[words]) & (share[labels] <= LARGEST_LABEL)
            decides &= share[labels] ** (most - 1) < CHANCE
            pairs = zip(words[decides].tolist(), labels[decides].tolist(), strict=True)
            for word, label in sorted(pairs, key=lambda one: (one[0], share[one[1]], labelled.names[one[1]])):
                found.setdefault(word, labelled.names[label])
        said = self.as_they_stand(found)
        return {word: label for word, label in found.items() if not _is_label_itself(said[word], label)}

    def _beside(self, labelled: _Labelled) -> Iterator[tuple[Rows, Rows, Rows]]:
        """Words, labels, and in how many tickets the two stand together; all labels of a word at once."""
        sizes = labelled.count[self.rows]
        ends = np.cumsum(sizes)
        last_of_words = np.append(np.flatnonzero(np.diff(self.words)), len(self.words) - 1)
        start = 0
        while start < len(self.words):
            wanted = np.searchsorted(ends, (ends[start - 1] if start else 0) + _PAIRS_AT_ONCE)
            end = int(last_of_words[min(np.searchsorted(last_of_words, wanted), len(last_of_words) - 1)]) + 1
            some = sizes[start:end]
            places = np.repeat(labelled.starts[self.rows[start:end]] - (np.cumsum(some) - some), some)
            labels = labelled.labels[places + np.arange(len(places))]
            pairs, most = np.unique(
                np.repeat(self.words[start:end], some) * len(labelled.names) + labels, return_counts=True
            )
            yield pairs // len(labelled.names), pairs % len(labelled.names), most
            start = end

    def as_they_stand(self, words: Collection[int]) -> dict[int, str]:
        """The words as the text has them in which they were first seen."""
        by_text: dict[int, list[int]] = {}
        for word in words:
            by_text.setdefault(int(self.first[word]), []).append(word)
        said: dict[int, str] = {}
        for row, those in by_text.items():
            found = self.find(self.texts[row])
            said |= {word: found[self.keys[word]] for word in those}
        return said

    def stand_in(self, words: Collection[int]) -> Mask:
        """Of each ticket whether one of these words stands in it."""
        wanted = np.zeros(len(self.keys), bool)
        wanted[np.fromiter(words, np.int64)] = True
        hit = np.zeros(len(self.texts), bool)
        hit[self.rows[wanted[self.words]]] = True
        return hit


def _spread(tickets: int) -> Iterator[int]:
    """All of them, in an order of which every beginning is spread over all."""
    for first in (0, 8, 4, 12, 2, 10, 6, 14, *range(1, 16, 2)):
        yield from range(first, tickets, 16)


def labels_of(labels: Any) -> Collection[str]:
    """A ticket's labels, whether it has one or several."""
    if isinstance(labels, str):
        return (labels,)
    if not isinstance(labels, list | tuple):
        return ()
    return dict.fromkeys(label for label in labels[:LABELS_OF_A_TICKET] if isinstance(label, str))


@dataclass(frozen=True)
class _Labelled:
    """The labels of tickets as numbers: of ticket r they are `count[r]` places of `labels` from `starts[r]`."""

    names: Sequence[str]
    labels: Rows
    starts: Rows
    count: Rows

    @classmethod
    def of(cls, column: Sequence[Any]) -> _Labelled:
        codes: dict[str, int] = {}
        labels, count = array("q"), array("q")
        for of_ticket in map(labels_of, column):
            labels.extend(codes.setdefault(label, len(codes)) for label in of_ticket)
            count.append(len(of_ticket))
        counts = np.array(count, np.int64)
        return cls(list(codes), np.array(labels, np.int64), np.cumsum(counts) - counts, counts)


def _is_label_itself(words: str, label: str) -> bool:
    """What spells the label is another finding (`label_in_text`), and often what customers write themselves: the name
    of a product."""
    return set(normal_words(words)) <= set(normal_words(label))
