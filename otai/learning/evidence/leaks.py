"""Words that give a label away without spelling it: a signature of the agent, a footer of the queue, a note of the
router.

Each of them stands word for word in many tickets and nearly always beside the same label: whole lines, and in the
middle of a line names, addresses, what follows a greeting, sentences of the desk, and what numbers begin with. What
they are worth is measured: a quick Basic model reads a sample of the tickets with them and without them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from otai.learning.arrays import Mask, Rows
from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.cuts.cutting import TextRules, line_key
from otai.learning.data.cuts.phrases import RUN_WORDS, SHORT_RUN_WORDS, phrases_of
from otai.learning.data.cuts.reported import reports
from otai.learning.data.privacy.personal import mask
from otai.learning.data.profiling import sampled_text
from otai.learning.data.splitting import text_numbers_of
from otai.learning.data.targets import AttributeTarget, attribute_target, clean_labels
from otai.learning.errors import InputFailure
from otai.learning.evidence.recurring_sentences import (
    DESK_WRITES,
    SHORT_AND_OFTEN,
    recurring_beginnings,
    recurring_runs,
    whole_phrases,
)
from otai.learning.evidence.recurring_words import Labelled, RecurringWords, labels_of
from otai.learning.finding import Finding
from otai.learning.recipes import RECIPES

LABEL_GIVEN_AWAY = "label_given_away"
LINES_NOT_MEASURED = "lines_not_measured"
LINES_LEFT = "lines_left"

COVERAGE = 0.25
"""In this share of the labelled tickets stand at least one of them."""
LEAST_LOSS = 0.05
"""By so much the measured share of right answers falls without them; what is worth less is what people simply write."""
MEASURED_TICKETS = 1_000
FEWEST_MEASURED = 50
MEASURED_ALTOGETHER = 10_000
"""Tickets of all attributes together: of many attributes each is measured on fewer."""
FEWEST_OF_MANY = 250
"""Measured on fewer tickets a loss of `LEAST_LOSS` is not told from chance: of more attributes than that leaves room
for, those with the most such words are measured, and the others named (`lines_not_measured`)."""
FEWEST_OF_LABEL = 10
"""Tickets of a label that are measured: of hundreds of labels only some take part."""
LEFT_DIFFERENT = 0.5
"""In this share of the tickets something of its own is left without them."""
SEARCHED_TICKETS = 10_000
PHRASES_FROM = 4_000
"""Tickets in which names and addresses are looked for; lines are looked for in more, which is quick."""
LINE_CHARACTERS = (2, 160)
EXAMPLES = 5
MOST_CUT = 40_000
"""Lines and phrases of all attributes that are cut at once, those in the most tickets: they travel with the data set
and its models. A version without them is looked at again, and says what is left (`lines_left`)."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Lines and phrases (`lines`, `phrases`: their hashes, the most frequent first) that nearly decide an attribute.
    `with_lines` and `without` are shares of right answers (0 to 1) of a quick Basic model that reads them, and of one
    that does not."""

    attribute: str
    lines: tuple[str, ...]
    phrases: tuple[str, ...]
    examples: tuple[str, ...]
    coverage: float
    with_lines: float
    without: float
    some_labels: tuple[int, int] | None = None
    """The shares are of tickets of so many labels, of so many; None: of all."""

    def finding(self, *, most: int = MOST_CUT) -> Finding:
        """For the profile of the tickets: with what to cut (of lines and of phrases half of `most`), and with examples,
        for a person has to recognise them. Addresses and the like are masked."""
        examples = [mask(example) for example in self.examples]
        kept = {"lines": sorted(self.lines[: most // 2]), "phrases": sorted(self.phrases[: most // 2])}
        values = self._figures | {"shown": [example[:60] for example in examples[:3]], "examples": examples} | kept
        return Finding(LABEL_GIVEN_AWAY, attribute=self.attribute, values=values)

    def left_of(self, most: int) -> list[Finding]:
        """What is more than that."""
        left = max(len(self.lines) - most // 2, 0) + max(len(self.phrases) - most // 2, 0)
        return [Finding(LINES_LEFT, attribute=self.attribute, values={"left": left})] if left else []

    def finding_of_card(self) -> Finding:
        """For a report card, which is sent around: without a word of any ticket."""
        return Finding(LABEL_GIVEN_AWAY, "warning", self.attribute, self._figures)

    @property
    def _figures(self) -> dict[str, Any]:
        figures = {
            "coverage": self.coverage,
            "with_lines": self.with_lines,
            "without": self.without,
            "right_of_100": round(100 * self.without),
        }
        if self.some_labels is None:
            return figures
        measured, labels = self.some_labels
        return figures | {"measured_labels": measured, "labels": labels}


class NotJudged(Enum):
    """What words are worth cannot be measured: too few tickets have a label more than a few times."""

    NOT_JUDGED = "not judged"


NOT_JUDGED = NotJudged.NOT_JUDGED


@dataclass(frozen=True)
class Leaks:
    """What gives labels away. Of `not_measured` attributes it was found and not measured: they are too many, or have
    too few tickets of each label."""

    measured: tuple[Leak, ...]
    not_measured: tuple[str, ...] = ()

    def findings(self) -> list[Finding]:
        """For the profile of the tickets."""
        most = MOST_CUT // max(len(self.measured), 1)
        told = [finding for leak in self.measured for finding in (leak.finding(most=most), *leak.left_of(most))]
        return [*told, *self._left_out("note")]

    def findings_of_card(self) -> list[Finding]:
        """For a report card, which is sent around: without a word of any ticket."""
        return [*(leak.finding_of_card() for leak in self.measured), *self._left_out("warning")]

    def _left_out(self, severity: str) -> list[Finding]:
        if not self.not_measured:
            return []
        named = {"attributes": len(self.not_measured), "named": list(self.not_measured[:EXAMPLES])}
        return [Finding(LINES_NOT_MEASURED, severity, values=named)]


@dataclass(frozen=True)
class _Suspicion:
    """Words that nearly decide an attribute, not yet measured: by number, each with the label beside it."""

    attribute: str
    found: Sequence[Mapping[int, str]]
    """By search: lines, and what is cut as phrases."""
    shares: Sequence[float]
    """Of the labelled tickets those in which some of them stand, by search."""
    labelled: Rows

    @property
    def coverage(self) -> float:
        return max(self.shares)

    def without_lines(self) -> _Suspicion:
        return replace(self, found=[{}, *self.found[1:]], shares=[0.0, *self.shares[1:]])


def find_leaks(texts: Sequence[str], labels: Mapping[str, Sequence[Any]]) -> Leaks:
    """The attributes with words that give them away. `texts` is a sample of tickets, `labels` their labels by
    attribute: a text, or a list of texts where a ticket has several, or None.

    Whatever the tickets are like, so many of them are read, so many words of each are counted, and so many tickets are
    measured; what that leaves out is in the answer."""
    stride = max(1, -(-len(texts) // SEARCHED_TICKETS))
    texts = [sampled_text(text) for text in texts[::stride]]
    labels = {name: column[::stride] for name, column in labels.items()}
    searches = (
        RecurringWords.of(texts, _lines, most_tickets=SEARCHED_TICKETS),
        RecurringWords.of(texts, phrases_of, most_tickets=PHRASES_FROM),
        recurring_beginnings(texts, most_tickets=PHRASES_FROM),
        *(
            recurring_runs(texts, most_tickets=PHRASES_FROM, size=size, threshold=threshold)
            for size, threshold in ((RUN_WORDS, DESK_WRITES), (SHORT_RUN_WORDS, SHORT_AND_OFTEN))
        ),
    )
    suspicions = []
    for attribute, column in labels.items():
        as_numbers = Labelled.of(column)
        labelled = np.flatnonzero(as_numbers.count)
        by_search = [words.deciding(as_numbers) for words in searches]
        by_search[-2:] = (whole_phrases(*each) for each in zip(searches[-2:], by_search[-2:], strict=True))
        if any(by_search):
            # Where they were not looked for, nothing is known of them.
            shares = [
                _share(words.stand_in(those)[labelled[words.is_read[labelled]]])
                for words, those in zip(searches, by_search, strict=True)
            ]
            suspicions.append(_Suspicion(attribute, by_search, shares, labelled))
    suspicions = sorted(
        (each for each in suspicions if each.coverage >= COVERAGE), key=lambda one: (-one.coverage, one.attribute)
    )
    measured = suspicions[: MEASURED_ALTOGETHER // FEWEST_OF_MANY]
    tickets = min(MEASURED_TICKETS, MEASURED_ALTOGETHER // max(len(measured), 1))
    with _one_thread(wanted=bool(measured)):
        leaks = [_measured(one, texts, labels[one.attribute], searches, tickets=tickets) for one in measured]
    untold = [one.attribute for one, leak in zip(measured, leaks, strict=True) if leak is NOT_JUDGED]
    return Leaks(
        tuple(leak for leak in leaks if isinstance(leak, Leak)),
        (*untold, *(one.attribute for one in suspicions[len(measured) :])),
    )


@contextmanager
def _one_thread(*, wanted: bool) -> Iterator[None]:
    """A system of a thousand tickets is solved in milliseconds; a library's threads that spin beside each other, and
    beside all else on the machine, make seconds of it. Only what is loaded already can be told so."""
    if not wanted:
        yield
        return
    # scipy brings a library of its own.
    from scipy.linalg import blas, lapack  # noqa: F401

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def _share(hits: Mask) -> float:
    return float(hits.mean()) if len(hits) else 0.0


def _measured(
    suspicion: _Suspicion,
    texts: Sequence[str],
    column: Sequence[Any],
    searches: Sequence[RecurringWords],
    *,
    tickets: int,
) -> Leak | NotJudged | None:
    """The words with what they are worth; None where that is little."""
    numbers = [sorted(those) for those in suspicion.found]
    lines, *phrases = ([words.keys[n] for n in those] for words, those in zip(searches, numbers, strict=True))
    line_keys, phrase_keys = tuple(lines), tuple(key for keys in phrases for key in keys)
    rules = TextRules(kinds=(), lines=frozenset(line_keys), phrases=frozenset(phrase_keys))
    decided = {label for those in suspicion.found for label in those.values()}
    one_each = _one_each(column, decided)
    rows, is_of_some = _measured_on(one_each, suspicion.labelled, tickets)
    shares = _share_right_with_and_without(texts, one_each, rows, rules)
    if isinstance(shares, NotJudged):
        return shares
    if shares is None and lines and suspicion.without_lines().coverage >= COVERAGE:
        # Whole messages that are alike up to their numbers: what stands within them may still be the desk's.
        return _measured(suspicion.without_lines(), texts, column, searches, tickets=tickets)
    if shares is None or shares[0] - shares[1] < LEAST_LOSS:
        return None
    shown = [words.as_they_stand(those[:EXAMPLES]) for words, those in zip(searches, numbers, strict=True)]
    examples = [said[word] for said in shown for word in sorted(said)][:EXAMPLES]
    labels = (len({one_each[row] for row in rows}), len({one_each[row] for row in suspicion.labelled}))
    some_labels = labels if is_of_some else None
    return Leak(suspicion.attribute, line_keys, phrase_keys, tuple(examples), suspicion.coverage, *shares, some_labels)


def given_away(texts: Sequence[str], targets: Sequence[AttributeTarget], train: Rows) -> list[Finding]:
    """The same for a report card, in the tickets that a training learns from."""
    sample = train[:: max(1, -(-len(train) // SEARCHED_TICKETS))]
    labels = {
        target.spec.name: [
            [target.labels[code] for code in np.flatnonzero(row)] if known else None
            for row, known in zip(np.asarray(target.y[sample]), target.known[sample], strict=True)
        ]
        if target.spec.is_multi
        else [
            target.labels[code] if known else None
            for code, known in zip(target.codes(sample), target.known[sample], strict=True)
        ]
        for target in targets
    }
    return find_leaks([texts[row] for row in sample], labels).findings_of_card()


def _one_each(column: Sequence[Any], decided: set[str]) -> Sequence[Any]:
    """One label a ticket: of several, the rarest of those that words decide, and "-" for tickets that have none of
    them."""
    if not any(isinstance(labels, list | tuple) for labels in column):
        return column
    often = Counter(label for labels in column for label in labels_of(labels))
    found: list[str | None] = []
    for labels in column:
        told = sorted(decided.intersection(labels_of(labels)), key=lambda label: (often[label], label))
        found.append(told[0] if told else _NONE_OF_THEM if labels is not None else None)
    return found


_NONE_OF_THEM = "-"


def _lines(text: str) -> dict[str, str]:
    found = {}
    for line in text.split("\n"):
        squeezed = " ".join(line.split())
        if LINE_CHARACTERS[0] <= len(squeezed) <= LINE_CHARACTERS[1] and not reports(squeezed):
            found[line_key(squeezed)] = squeezed
    return found


def _share_right_with_and_without(
    texts: Sequence[str], column: Sequence[Any], rows: Rows, rules: TextRules
) -> tuple[float, float] | NotJudged | None:
    """The share of right answers with the words and without; None where the words are all that the tickets say: their
    message, not something beside it."""
    if len(rows) < FEWEST_MEASURED:
        return NOT_JUDGED
    values = [column[row] for row in rows]
    as_they_are = [texts[row] for row in rows]
    cut = list(_cut(as_they_are, rules))
    if len(np.unique(text_numbers_of(cut))) < LEFT_DIFFERENT * len(rows):
        return None
    with_words, without = _share_right(as_they_are, values), _share_right(cut, values)
    return NOT_JUDGED if with_words is None or without is None else (with_words, without)


def _measured_on(column: Sequence[Any], labelled: Rows, tickets: int) -> tuple[Rows, bool]:
    """So many of the labelled tickets, spread over all. Where so few have hardly any label twice, tickets of some
    labels (the second value is True then), whose share of right answers says as much about the words."""
    rows = labelled[:: max(1, -(-len(labelled) // tickets))]
    often = Counter(column[row] for row in rows)
    if sum(count for count in often.values() if count >= FEWEST_OF_LABEL) >= len(rows) / 2:
        return rows, False
    of_label: dict[str, list[int]] = defaultdict(list)
    for row in labelled.tolist():
        of_label[column[row]].append(row)
    enough = sorted((those for those in of_label.values() if len(those) >= FEWEST_OF_LABEL), key=len, reverse=True)
    some = enough[:: max(1, -(-len(enough) * FEWEST_OF_LABEL // tickets))]
    return np.array(sorted(row for those in some for row in those[:FEWEST_OF_LABEL]), np.int64), True


def _cut(texts: Sequence[str], rules: TextRules) -> Iterator[str]:
    for text in texts:
        yield rules.without_given(text) or text.partition("\n")[0]


def _share_right(texts: Sequence[str], labels: Sequence[str]) -> float | None:
    """Of a Basic model, measured on tickets that it did not learn; None where nothing can be learnt."""
    # They load scipy, which takes longer than most commands of `otai` that come by here and measure nothing.
    from otai.learning.decisions import argmax_codes
    from otai.learning.features.text import TextFeatures
    from otai.learning.linear.cross_fitting import CrossFitting, Inputs

    recipe = RECIPES["basic"]
    rows = np.arange(len(texts))
    same_text = text_numbers_of(texts)
    try:
        target = attribute_target(
            AttributeSpec("x", AttributeKind.SINGLE), clean_labels(labels), rows, fewest_tickets=recipe.fewest_tickets
        )
    except InputFailure:
        return None
    features, matrix = TextFeatures.fit(texts, min_tickets=1)
    nothing = Inputs(matrix[:0], np.zeros((0, 0), np.float32))
    fitting = CrossFitting(
        features,
        (Inputs(matrix, np.zeros((len(texts), 0), np.float32)), nothing),
        [target],
        train=rows,
        holdout=rows[:0],
        same_text=same_text,
        refit=False,
        candidates=recipe.candidates,
        tickets_to_calibrate=len(texts),
    )
    (out_of_fold,), _ = fitting.measure(lambda: None)
    known = target.known[out_of_fold.rows]
    if not known.any():
        return None
    right = argmax_codes(out_of_fold.scores[known]) == target.codes(out_of_fold.rows[known])
    return float(right.mean())
