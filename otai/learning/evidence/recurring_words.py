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
from otai.learning.data.cuts.phrases import normal_words

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


@dataclass(frozen=True, slots=True)
class ShareThreshold:
    """In so many of its label's tickets, or of all, stands what decides it (0 to 1). `holds_label`: also words with the
    whole label among them count; `any_word`: words of which one is in the label do not."""

    of_label: float
    of_all: float
    holds_label: bool
    any_word: bool = False


NO_THRESHOLD = ShareThreshold(of_label=0, of_all=0, holds_label=True)

Finder = Callable[[str], Mapping[str, str]]
"""Of a text the words that count, by key, as they stand there."""


@dataclass(frozen=True)
class RecurringWords:
    """The words that stand in several tickets, by number, the most frequent first. `first` names for each the ticket of
    `texts` in which it was first seen; in `rows` and `words` stands each word of each ticket, in the order of words.
    `is_read` says which tickets were looked at. Of a label's tickets, or of all, so many have to hold a word that
    decides (`threshold`)."""

    texts: Sequence[str]
    find: Finder
    keys: Sequence[str]
    first: Rows
    rows: Rows
    words: Rows
    is_read: Mask
    threshold: ShareThreshold

    @classmethod
    def of(
        cls, texts: Sequence[str], find: Finder, *, most_tickets: int, threshold: ShareThreshold = NO_THRESHOLD
    ) -> RecurringWords:
        """What `find` names in so many of the texts, spread over all."""
        known: dict[str, int] = {}
        first, in_rows, numbers = array("q"), array("q"), array("q")
        is_read = np.zeros(len(texts), bool)
        for row in islice(spread(len(texts)), most_tickets):
            if len(numbers) >= MOST_WORDS:
                break
            is_read[row] = True
            for key in find(texts[row]):
                number = known.setdefault(key, len(known))
                if number == len(first):
                    first.append(row)
                in_rows.append(row)
                numbers.append(number)
        all_keys = list(known)
        return cls.counted(
            texts,
            find,
            lambda number: all_keys[number],
            (np.array(first, np.int64), np.array(in_rows, np.int64), np.array(numbers, np.int64)),
            is_read,
            threshold,
        )

    @classmethod
    def counted(
        cls,
        texts: Sequence[str],
        find: Finder,
        key_of: Callable[[int], str],
        occurrences: tuple[Rows, Rows, Rows],
        is_read: Mask,
        threshold: ShareThreshold,
    ) -> RecurringWords:
        """Those of the words that stand in several tickets. `occurrences`: of each word the ticket in which it was
        first seen; tickets; and the words that stand in them."""
        first, rows, words = occurrences
        tickets = np.bincount(words, minlength=len(first))
        kept = np.argsort(-tickets, kind="stable")[: int((tickets >= FEWEST_TICKETS).sum())]
        renumbered = np.full(len(first), -1, np.int64)
        renumbered[kept] = np.arange(len(kept))
        words = renumbered[words]
        order = np.argsort(words, kind="stable")[int((words < 0).sum()) :]
        keys = [key_of(number) for number in kept.tolist()]
        return cls(texts, find, keys, first[kept], rows[order], words[order], is_read, threshold)

    def deciding(self, labelled: Labelled) -> dict[int, str]:
        """The words that stand nearly always beside one label, and not by chance, each with that label; of several the
        rarest."""
        labelled = labelled.where(self.is_read)
        if len(labelled.names) < 2 or not self.keys:
            return {}
        stand_in = np.bincount(self.words[labelled.count[self.rows] > 0], minlength=len(self.keys))
        tickets = max(int((labelled.count > 0).sum()), 1)
        of_label = np.bincount(labelled.labels, minlength=len(labelled.names))
        share = of_label / tickets
        label_of: dict[int, str] = {}
        for words, labels, most in self._beside(labelled):
            # The first ticket names the label, whichever it is; the others agree.
            decides = (most >= FEWEST_TICKETS) & (most >= PURITY * stand_in[words]) & (share[labels] <= LARGEST_LABEL)
            decides &= share[labels] ** (most - 1) < CHANCE
            decides &= (most >= self.threshold.of_label * of_label[labels]) | (most >= self.threshold.of_all * tickets)
            pairs = zip(words[decides].tolist(), labels[decides].tolist(), strict=True)
            for word, label in sorted(pairs, key=lambda one: (one[0], share[one[1]], labelled.names[one[1]])):
                label_of.setdefault(word, labelled.names[label])
        said = self.as_they_stand(label_of)
        return {word: label for word, label in label_of.items() if not self._spells(label, said[word])}

    def _spells(self, label: str, said: str) -> bool:
        """What spells the label is another finding (`label_in_text`), and often what customers write themselves: the
        name of a product."""
        words, of_label = set(normal_words(said)), set(normal_words(label))
        if self.threshold.any_word and words & of_label:
            return True
        return words <= of_label or (of_label <= words and not self.threshold.holds_label)

    def _beside(self, labelled: Labelled) -> Iterator[tuple[Rows, Rows, Rows]]:
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


def spread(tickets: int) -> Iterator[int]:
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
class Labelled:
    """The labels of tickets as numbers: of ticket r they are `count[r]` places of `labels` from `starts[r]`."""

    names: Sequence[str]
    labels: Rows
    starts: Rows
    count: Rows

    @classmethod
    def of(cls, column: Sequence[Any]) -> Labelled:
        """Of a column that has a ticket's label, a list of its labels, or None."""
        codes: dict[str, int] = {}
        labels, count = array("q"), array("q")
        for of_ticket in map(labels_of, column):
            labels.extend(codes.setdefault(label, len(codes)) for label in of_ticket)
            count.append(len(of_ticket))
        counts = np.array(count, np.int64)
        return cls(list(codes), np.array(labels, np.int64), np.cumsum(counts) - counts, counts)

    def where(self, is_read: Mask) -> Labelled:
        """The same labels; the other tickets have none."""
        count = np.where(is_read, self.count, 0)
        return Labelled(self.names, self.labels[np.repeat(is_read, self.count)], np.cumsum(count) - count, count)
