"""Words that give a label away without spelling it: a signature of the agent, a footer of the queue, a note of the
router.

Each of them stands word for word in many tickets and nearly always beside the same label: whole lines, and in the
middle of a line names, addresses, and what follows a greeting. What they are worth is measured: a quick Basic model
reads a sample of the tickets with them and without them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from otai.learning.arrays import Rows
from otai.learning.data.cutting import TextRules, name_key
from otai.learning.data.personal import mask
from otai.learning.data.phrases import normal_words, phrases_of
from otai.learning.data.splitting import text_numbers_of
from otai.learning.data.targets import AttributeTarget, attribute_target, clean_labels
from otai.learning.data.tickets import AttributeKind, AttributeSpec
from otai.learning.errors import InputFailure
from otai.learning.finding import Finding
from otai.learning.recipes import RECIPES

LABEL_GIVEN_AWAY = "label_given_away"

FEWEST_TICKETS = 5
"""Words in fewer tickets of the sample decide nothing."""
CHANCE = 1e-3
"""So rarely would words that decide nothing stand beside one label alone."""
PURITY = 0.95
"""So nearly always they stand beside one label."""
COVERAGE = 0.25
"""In this share of the labelled tickets stand at least one of them."""
LEAST_LOSS = 0.05
"""By so much the measured share of right answers falls without them; what is worth less is what people simply write."""
MEASURED_TICKETS = 1_000
FEWEST_MEASURED = 50
LEFT_DIFFERENT = 0.5
"""In this share of the tickets something of its own is left without them."""
SEARCHED_TICKETS = 10_000
PHRASES_FROM = 4_000
"""Tickets in which names and addresses are looked for; lines are looked for in all of the sample, which is quick."""
LINE_CHARACTERS = (4, 160)
EXAMPLES = 5
MOST_KEPT = 5_000
"""Hashes of lines, and of phrases, that a finding keeps."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Lines and phrases (`lines`, `phrases`: their hashes) that nearly decide an attribute. `with_lines` and `without`
    are shares of right answers (0 to 1) of a quick Basic model that reads them, and of one that does not."""

    attribute: str
    lines: frozenset[str]
    phrases: frozenset[str]
    examples: tuple[str, ...]
    coverage: float
    with_lines: float
    without: float

    def finding(self) -> Finding:
        """For the profile of the tickets: with what to cut, and with examples, for a person has to recognise them.
        Addresses and the like are masked."""
        examples = [mask(example) for example in self.examples]
        kept = {"lines": sorted(self.lines)[:MOST_KEPT], "phrases": sorted(self.phrases)[:MOST_KEPT]}
        values = self._figures | {"shown": [example[:60] for example in examples[:3]], "examples": examples} | kept
        return Finding(LABEL_GIVEN_AWAY, attribute=self.attribute, values=values)

    def finding_of_card(self) -> Finding:
        """For a report card, which is sent around: without a word of any ticket."""
        return Finding(LABEL_GIVEN_AWAY, "warning", self.attribute, self._figures)

    @property
    def _figures(self) -> dict[str, Any]:
        return {
            "coverage": self.coverage,
            "with_lines": self.with_lines,
            "without": self.without,
            "right_of_100": round(100 * self.without),
        }


def find_leaks(texts: Sequence[str], labels: Mapping[str, Sequence[Any]]) -> list[Leak]:
    """The attributes with words that give them away. `texts` is a sample of tickets, `labels` their labels by
    attribute: a text, or a list of texts where a ticket has several, or None."""
    stride = max(1, -(-len(texts) // SEARCHED_TICKETS))
    texts = texts[::stride]
    labels = {name: column[::stride] for name, column in labels.items()}
    every = max(1, len(texts) // PHRASES_FROM)
    lines = _Found.of([_lines(text) for text in texts])
    phrases = _Found.of([phrases_of(text) if row % every == 0 else {} for row, text in enumerate(texts)])
    candidates: list[tuple[float, str, set[str], set[str], list[int]]] = []
    decided: dict[str, set[str]] = {}
    for attribute, column in labels.items():
        labelled = [row for row, label in enumerate(column) if _labels_of(label)]
        if not labelled:
            continue
        by_lines, by_phrases = lines.suspects(column), phrases.suspects(column)
        if not by_lines and not by_phrases:
            continue
        # Where phrases were not looked for, nothing is known of them.
        covered = (
            lines.coverage(by_lines, labelled),
            phrases.coverage(by_phrases, [row for row in labelled if row % every == 0]),
        )
        if max(covered) >= COVERAGE:
            candidates.append((max(covered), attribute, set(by_lines), set(by_phrases), labelled))
            decided[attribute] = {*by_lines.values(), *by_phrases.values()}
    leaks = []
    # Each takes a second; all of them are measured, for what is left out would look as if nothing had been found.
    for covered_share, attribute, suspected, said, labelled in sorted(candidates, key=lambda one: (-one[0], one[1])):
        rules = TextRules(kinds=(), lines=frozenset(suspected), phrases=frozenset(said))
        measured = _share_right_with_and_without(
            texts, _one_each(labels[attribute], decided[attribute]), labelled, rules
        )
        if measured is not None and measured[0] - measured[1] >= LEAST_LOSS:
            examples = tuple(lines.shown(suspected, EXAMPLES) + phrases.shown(said, EXAMPLES))[:EXAMPLES]
            leaks.append(Leak(attribute, rules.lines, rules.phrases, examples, covered_share, *measured))
    return leaks


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
    with threadpool_limits(limits=1, user_api="blas"):
        return [leak.finding_of_card() for leak in find_leaks([texts[row] for row in sample], labels)]


@dataclass(frozen=True)
class _Found:
    """What stands in each ticket, by key; `often` are the keys of more than a few tickets."""

    tickets: Sequence[Mapping[str, str]]
    often: Mapping[str, int]

    @classmethod
    def of(cls, tickets: Sequence[Mapping[str, str]]) -> _Found:
        again = Counter(key for found in tickets for key in found)
        return cls(tickets, {key: count for key, count in again.items() if count >= FEWEST_TICKETS})

    def suspects(self, column: Sequence[Any]) -> dict[str, str]:
        """The keys that stand nearly always beside one label, and not by chance, each with that label."""
        labelled = [_labels_of(labels) for labels in column]
        base = Counter(label for labels in labelled for label in labels)
        if len(base) < 2 or not self.often:
            return {}
        labels_of: dict[str, Counter[str]] = defaultdict(Counter)
        tickets_of: Counter[str] = Counter()
        for found, labels in zip(self.tickets, labelled, strict=True):
            if labels:
                for key in found.keys() & self.often.keys():
                    labels_of[key].update(labels)
                    tickets_of[key] += 1
        tickets = sum(map(bool, labelled))
        deciding = {key: _decided(counts, tickets_of[key], base, tickets) for key, counts in labels_of.items()}
        named = {key: label for key, label in deciding.items() if label is not None}
        as_it_stands = {key: words for found in self.tickets for key, words in found.items() if key in named}
        return {key: label for key, label in named.items() if not _is_label_itself(as_it_stands[key], label)}

    def coverage(self, keys: Collection[str], rows: Sequence[int]) -> float:
        wanted = set(keys)
        return sum(not wanted.isdisjoint(self.tickets[row]) for row in rows) / max(len(rows), 1)

    def shown(self, keys: set[str], most: int) -> list[str]:
        """As they stand in the tickets, the most frequent first."""
        wanted = sorted(keys, key=lambda key: (-self.often[key], key))[:most]
        return [next(found[key] for found in self.tickets if key in found) for key in wanted]


def _labels_of(labels: Any) -> Collection[str]:
    """A ticket's labels, whether it has one or several."""
    if isinstance(labels, str):
        return (labels,)
    return {label for label in labels if isinstance(label, str)} if isinstance(labels, list | tuple) else ()


def _one_each(column: Sequence[Any], decided: set[str]) -> Sequence[Any]:
    """One label a ticket: of several, the rarest of those that words decide, and "-" for tickets that have none of
    them."""
    if not any(isinstance(labels, list | tuple) for labels in column):
        return column
    often = Counter(label for labels in column for label in _labels_of(labels))
    found: list[str | None] = []
    for labels in column:
        told = sorted(decided.intersection(_labels_of(labels)), key=lambda label: (often[label], label))
        found.append(told[0] if told else _NONE_OF_THEM if labels is not None else None)
    return found


_NONE_OF_THEM = "-"


def _decided(counts: Counter[str], stand_in: int, base: Counter[str], tickets: int) -> str | None:
    """The label beside which words that stand in so many tickets do so too often for chance: of several, the rarest."""
    best: tuple[float, str] | None = None
    for label, most in counts.items():
        share = base[label] / tickets
        # The first ticket names the label, whichever it is; the others agree.
        decides = most >= FEWEST_TICKETS and most >= PURITY * stand_in and share <= 0.6
        if decides and share ** (most - 1) < CHANCE and (best is None or (share, label) < best):
            best = share, label
    return best[1] if best else None


def _is_label_itself(words: str, label: str) -> bool:
    """What spells the label is another finding (`label_in_text`), and often what customers write themselves: the name
    of a product."""
    return set(normal_words(words)) <= set(normal_words(label))


def _lines(text: str) -> dict[str, str]:
    found = {}
    for line in text.split("\n"):
        squeezed = " ".join(line.split())
        if LINE_CHARACTERS[0] <= len(squeezed) <= LINE_CHARACTERS[1]:
            found[name_key(squeezed)] = squeezed
    return found


def _share_right_with_and_without(
    texts: Sequence[str], column: Sequence[Any], labelled: Sequence[int], rules: TextRules
) -> tuple[float, float] | None:
    """The share of right answers with the words and without; None where there are too few tickets to tell."""
    stride = max(1, -(-len(labelled) // MEASURED_TICKETS))
    rows = labelled[::stride]
    if len(rows) < FEWEST_MEASURED:
        return None
    values = [column[row] for row in rows]
    as_they_are = [texts[row] for row in rows]
    cut = list(_cut(as_they_are, rules))
    if len(np.unique(text_numbers_of(cut))) < LEFT_DIFFERENT * len(rows):
        # The words were all that these tickets say: their message, not something beside it.
        return None
    with_words, without = _share_right(as_they_are, values), _share_right(cut, values)
    return None if with_words is None or without is None else (with_words, without)


def _cut(texts: Sequence[str], rules: TextRules) -> Iterator[str]:
    for text in texts:
        yield rules.without_given(text) or text.partition("\n")[0]


def _share_right(texts: Sequence[str], labels: Sequence[str]) -> float | None:
    """Of a Basic model, measured on tickets that it did not learn; None where nothing can be learnt."""
    # They load scipy, which takes longer than most commands of `otai` that come by here and measure nothing.
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
    right = out_of_fold.scores[known].argmax(axis=1) == target.codes(out_of_fold.rows[known])
    return float(right.mean())
