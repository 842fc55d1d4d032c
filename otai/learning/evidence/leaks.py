"""Lines that give a label away without spelling it: a signature of the agent, a footer of the queue, a note of the router.

Each of them stands word for word in many tickets and nearly always beside the same label. What they are worth is measured: a quick Basic
model reads a sample of the tickets with them and without them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otai.learning.data.cutting import name_key, without_lines
from otai.learning.data.tickets import AttributeKind, AttributeSpec, LabelledTickets

FEWEST_TICKETS = 8
"""A line in fewer tickets of the sample decides nothing."""
PURITY = 0.95
"""So nearly always a line stands beside one label."""
COVERAGE = 0.25
"""In this share of the labelled tickets stands at least one such line."""
WORTH = 0.05
"""By so much the measured share of right answers falls without the lines; what is worth less is what people simply write."""
MEASURED_TICKETS = 1_000
LINE_CHARACTERS = (4, 160)
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Leak:
    """Lines (`keys`, their hashes) that nearly decide an attribute. `with_lines` and `without` are shares of right answers (0 to 1) of a
    quick Basic model."""

    attribute: str
    keys: frozenset[str]
    examples: tuple[str, ...]
    coverage: float
    with_lines: float
    without: float


MOST_MEASURED = 3
"""Attributes, those first in which such lines cover most tickets: each takes a second."""


def find_leaks(texts: Sequence[str], labels: Mapping[str, Sequence[Any]]) -> list[Leak]:
    """The attributes with lines that give them away. `texts` is a sample of tickets, `labels` their labels by attribute (single ones only)."""
    lines = [_lines(text) for text in texts]
    again = Counter(key for found in lines for key in found)
    often = {key for key, count in again.items() if count >= FEWEST_TICKETS}
    shown = {key: line for found in lines for key, line in found.items() if key in often}
    candidates: list[tuple[float, str, set[str], list[int]]] = []
    for attribute, column in labels.items():
        suspects = _suspects(lines, column, often)
        labelled = [row for row, label in enumerate(column) if isinstance(label, str)]
        if not suspects or not labelled:
            continue
        covered = sum(not suspects.isdisjoint(lines[row]) for row in labelled) / len(labelled)
        if covered >= COVERAGE:
            candidates.append((covered, attribute, suspects, labelled))
    leaks = []
    for covered, attribute, suspects, labelled in sorted(candidates, key=lambda one: (-one[0], one[1]))[:MOST_MEASURED]:
        measured = _worth(texts, labels[attribute], labelled, suspects)
        if measured is not None and measured[0] - measured[1] >= WORTH:
            examples = sorted(suspects, key=lambda key: -again[key])[:EXAMPLES]
            leaks.append(
                Leak(attribute, frozenset(suspects), tuple(shown[key] for key in examples), covered, *measured)
            )
    return leaks


def _lines(text: str) -> dict[str, str]:
    found = {}
    for line in text.split("\n"):
        squeezed = " ".join(line.split())
        if LINE_CHARACTERS[0] <= len(squeezed) <= LINE_CHARACTERS[1]:
            found[name_key(squeezed)] = squeezed
    return found


def _suspects(lines: Sequence[Mapping[str, str]], column: Sequence[Any], often: set[str]) -> set[str]:
    base = Counter(label for label in column if isinstance(label, str))
    if len(base) < 2:
        return set()
    labels_of: dict[str, Counter[str]] = defaultdict(Counter)
    for found, label in zip(lines, column, strict=True):
        if isinstance(label, str):
            for key in often & found.keys():
                labels_of[key][label] += 1
    tickets = sum(base.values())
    suspects = set()
    for key, counts in labels_of.items():
        label, most = counts.most_common(1)[0]
        if most >= FEWEST_TICKETS and most >= PURITY * counts.total() and base[label] <= 0.6 * tickets:
            suspects.add(key)
    return suspects


def _worth(
    texts: Sequence[str], column: Sequence[Any], labelled: Sequence[int], keys: set[str]
) -> tuple[float, float] | None:
    """The share of right answers with the lines and without; None where there are too few tickets to tell."""
    from otai.learning.evidence.expected_quality import expected

    rows = labelled[:: max(1, len(labelled) // MEASURED_TICKETS)][:MEASURED_TICKETS]
    values = [column[row] for row in rows]
    shares = []
    for each in (
        [texts[row] for row in rows],
        [without_lines(texts[row], frozenset(keys)) or texts[row].partition("\n")[0] for row in rows],
    ):
        tickets = LabelledTickets([str(row) for row in rows], each, ["en"] * len(rows), {"x": values})
        found = expected(tickets, [AttributeSpec("x", AttributeKind.SINGLE)])["x"].modes.get("basic")
        if found is None:
            return None
        shares.append(float(found.accuracy.value))
    return shares[0], shares[1]
