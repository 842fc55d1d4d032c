"""Sentences of the desk inside of lines that otherwise differ ("… handed to the northern bench for repair …"), and
numbers that begin alike, beside the names and lines that `recurring_words.py` finds.

Any few words that recur beside one label are mostly what customers write ("reset my password"). What a desk writes
stands in far more of a label's tickets, word for word: that tells the two apart (`DESK_WRITES`).
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice

import numpy as np

from otai.learning.arrays import Rows
from otai.learning.data.cuts.numbers import numbers_in
from otai.learning.data.cuts.phrases import (
    LOOKED_AT_CHARACTERS,
    RUN_WORDS,
    beginnings_of,
    normal_words,
    phrase_key,
    runs_of,
)
from otai.learning.data.cuts.reported import reports
from otai.learning.evidence.recurring_words import FEWEST_TICKETS, MOST_WORDS, RecurringWords, ShareThreshold, spread

DESK_WRITES = ShareThreshold(of_label=0.25, of_all=0.025, holds_label=False)
"""Measured on eight public sets and the synthetic samples: what customers write reaches it in 6 % of the tickets at
most (docs/decisions/0305)."""
SHORT_AND_OFTEN = ShareThreshold(of_label=0.6, of_all=0.06, holds_label=False, any_word=True)
"""Of three words, which customers write, too: in most of a label's tickets they are no chance of wording."""
ADDS_WORDS = 0.8
"""A run in fewer of the tickets of the run one word beside it adds what follows or precedes only in some: words of the
customer's sentence."""
MOST_TICKETS_WITH_ONE = 2
"""A number that was given to one ticket stands in no more (a follow-up names it); the code of an error does."""
LONGEST_REPORT = 160
"""Characters. In a longer line a desk may have written beside it."""
_DIGITS = re.compile(r"\d+")
_BREAK = 0
"""Between lines: no run goes over it."""


def recurring_runs(
    texts: Sequence[str], *, most_tickets: int, size: int = RUN_WORDS, threshold: ShareThreshold = DESK_WRITES
) -> RecurringWords:
    """So many words in a row inside of a line, in so many of the texts. Lines that recur up to their numbers are left
    to the search for lines: a form wrote them, or a customer who writes in forms, and all of it decides alike."""
    rows = list(islice(spread(len(texts)), most_tickets))
    often = Counter(
        _but_for_numbers(line) for row in rows for line in set(texts[row][:LOOKED_AT_CHARACTERS].split("\n"))
    )
    known: dict[str, int] = {}
    words, owners = array("q"), array("q")
    is_read = np.zeros(len(texts), bool)
    for row in rows:
        if len(words) >= MOST_WORDS:
            break
        is_read[row] = True
        before = len(words)
        for line in texts[row][:LOOKED_AT_CHARACTERS].split("\n"):
            if often[_but_for_numbers(line)] < FEWEST_TICKETS and not _is_report(line):
                words.extend(known.setdefault(word, len(known) + 1) for word in normal_words(line))
                words.append(_BREAK)
        owners.extend([row] * (len(words) - before))
    starts, of_row, run = _runs(np.array(words, np.int64), np.array(owners, np.int64), size)
    spelt = ["", *known]

    def key_of(number: int) -> str:
        start = int(starts[number])
        return phrase_key([spelt[word] for word in words[start : start + size]])

    first = np.array(owners, np.int64)[starts]
    find = partial(runs_of, words=size)
    return RecurringWords.counted(texts, find, key_of, (first, of_row, run), is_read, threshold)


def whole_phrases(runs: RecurringWords, deciding: Mapping[int, str]) -> dict[int, str]:
    """Of the runs that decide a label those of the desk's own words: without those that reach into the sentence that
    the customer wrote before or behind it."""
    tickets = np.bincount(runs.words, minlength=len(runs.keys))
    words_of = {run: tuple(normal_words(said)) for run, said in runs.as_they_stand(deciding).items()}
    often: Counter[tuple[str, ...]] = Counter()
    for run, words in words_of.items():
        for side, part in ((_BEGINS, words[:-1]), (_ENDS, words[1:])):
            often[(side, *part)] = max(often[(side, *part)], int(tickets[run]))
    return {
        run: deciding[run]
        for run, words in words_of.items()
        # What begins with its end stands one word further on, and the other way round.
        if tickets[run] >= ADDS_WORDS * max(often[(_ENDS, *words[:-1])], often[(_BEGINS, *words[1:])])
    }


_BEGINS, _ENDS = "<", ">"


def _is_report(line: str) -> bool:
    """A line that says what a machine said, and hardly more."""
    return len(line) <= LONGEST_REPORT and reports(line)


def _but_for_numbers(line: str) -> str:
    return _DIGITS.sub("0", line)


def _runs(words: Rows, owners: Rows, size: int) -> tuple[Rows, Rows, Rows]:
    """Of each different run where it first stands; tickets; and the runs in them, each once a ticket."""
    places = max(len(words) - size + 1, 0)
    hashes, whole = np.zeros(places, np.uint64), np.ones(places, bool)
    for at in range(size):
        part = words[at : at + places]
        whole &= part != _BREAK
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + part.astype(np.uint64)
    there = np.flatnonzero(whole)
    _, first, run = np.unique(hashes[there], return_index=True, return_inverse=True)
    width = int(owners.max(initial=0)) + 1
    pairs = np.unique(run * width + owners[there])
    return there[first], pairs % width, pairs // width


def recurring_beginnings(texts: Sequence[str], *, most_tickets: int) -> RecurringWords:
    """What the numbers begin with that only one ticket has, in so many of the texts."""
    rows = islice(spread(len(texts)), most_tickets)
    often = Counter(
        said for row in rows for said in {one.said for one in numbers_in(texts[row][:LOOKED_AT_CHARACTERS])}
    )
    seldom = {said for said, tickets in often.items() if tickets <= MOST_TICKETS_WITH_ONE}

    def beginnings_of_seldom(text: str) -> dict[str, str]:
        return beginnings_of(text, only=seldom)

    return RecurringWords.of(texts, beginnings_of_seldom, most_tickets=most_tickets, threshold=DESK_WRITES)
