"""Whether today's tickets are still what a model was trained for: tests whose false alarms are bounded, and signals
that are large enough to act upon.

The tickets kept aside at the training (`model/reference.py`) and the new ones are two samples; if nothing changed, they
could be exchanged. Each test asks how often an exchange would show as much (a permutation, or the exact or normal law
of a count), and all tests of one check share `FALSE_ALARMS` between them, so that a check of unchanged tickets advises
a training at most so often. A difference that is certain and small is no reason to pay for a training, so each signal
must also be worth it (`LEAST_EFFECT`).

Confidence falls where inputs change; it cannot fall where people change their minds about labels. That shows in
feedback. The share that was right is the model's mean confidence and what came on top of it or was missing; the two
waver independently, so each is tested and the p-values are combined (Fisher's method), which finds a loss with fewer
tickets than counting right answers does. Words and languages are looked at for the reason why.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from otai.learning.arrays import Floats, Matrix
from otai.learning.estimate import Estimate
from otai.learning.metrics import wilson
from otai.learning.model.bundle import Bundle
from otai.learning.model.reference import Reference, sketch

FALSE_ALARMS = {"confidence": 0.0015, "unfamiliar": 0.0005, "accuracy": 0.006, "language": 0.0005}
"""How often each kind of test may be wrong in one check of unchanged tickets: 0.85 % together. Divided among a model's
attributes."""

WORDS_CHANGED = 0.001
"""Below this the words have changed. That says why, and is no reason to train by itself, so it uses up no false
alarms."""

LEAST_EFFECT = {"confidence": 0.03, "unfamiliar": 0.03, "accuracy": 0.04, "language": 0.05}
"""What a signal must amount to: points of confidence or accuracy lost, or the share of tickets in a new language."""

FEWEST_TICKETS, FEWEST_MEASURED = 100, 50
FEWEST_OF_HISTORY = 400
"""Of a version's own earlier tickets, to compare with them as well. It learnt the tickets kept aside since they were
measured, so it is usually better than they say; its own time knows that, and a fall from there shows sooner. Both
comparisons then share their false alarms."""

NEW_LANGUAGE_SHARE = 0.02
"""A language that fewer of the training tickets had is new to the model."""

MOST_PERMUTATIONS = 4_999
ENOUGH_EXCEEDED = 20
"""A permutation test that was exceeded so often is over: its answer is "nothing", whatever follows (Besag and Clifford
1991)."""


@dataclass(frozen=True)
class DescribedTickets:
    """New tickets as a model sees them; shapes as in Reference."""

    known_words: Floats
    sketches: Matrix
    confidence: Floats
    language: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.known_words)


def look(bundle: Bundle, texts: Sequence[str], languages: Sequence[str | None]) -> DescribedTickets:
    """What the model sees in these tickets. Reads the texts; keeps none."""
    matrix, known = bundle.features.read(bundle.as_learnt(texts))
    probabilities = bundle.probabilities(texts)
    confidence = [model.confidence(probabilities[model.spec.name]) for model in bundle.attributes]
    return DescribedTickets(
        known_words=known,
        sketches=sketch(matrix, bundle.features),
        confidence=np.stack(confidence, axis=1),
        language=tuple(code or "" for code in languages),
    )


@dataclass(frozen=True)
class JudgedTickets:
    """New tickets of which people said whether the model was right about an attribute: 0/1 and how sure it was, shape
    (tickets,)."""

    right: Floats
    confidence: Floats


@dataclass(frozen=True)
class Signal:
    """One test of a check. `before` and `now` are shares or means with `now`'s 95 % interval; `is_drift`: certain
    enough, and large enough.

    `compared_with` in `details` is `training` or `weeks_before`. The doors say it (`otai.words.advice`).
    """

    kind: str
    attribute: str | None
    before: float
    now: Estimate
    p_value: float
    limit: float
    tickets: int
    is_drift: bool
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON; `details` stand beside the other values."""
        return {
            "kind": self.kind,
            "attribute": self.attribute,
            "before": self.before,
            "now": {"value": self.now.value, "low": self.now.low, "high": self.now.high},
            "p_value": self.p_value,
            "limit": self.limit,
            "tickets": self.tickets,
            "is_drift": self.is_drift,
            **self.details,
        }


def check(
    reference: Reference,
    seen: DescribedTickets,
    names: Sequence[str],
    *,
    accuracy: Mapping[str, tuple[float, int]],
    judged: Mapping[str, JudgedTickets] | None = None,
    history: DescribedTickets | None = None,
    judged_before: Mapping[str, JudgedTickets] | None = None,
    seed: int = 0,
) -> list[Signal]:
    """All tests on the new tickets; `names` are the model's attributes, `accuracy` what was measured at the training
    and on how many tickets.

    `history` and `judged_before` are tickets of the same version before these. Fewer than 100 tickets say nothing: then
    there is no signal at all.
    """
    signals: list[Signal] = []
    chance = np.random.default_rng(seed)
    if len(seen) >= FEWEST_TICKETS and len(reference) >= FEWEST_MEASURED:
        befores: list[tuple[str, NDArray[Any]]] = [("training", reference.confidence)]
        if history is not None and len(history) >= FEWEST_OF_HISTORY:
            befores.append(("weeks_before", history.confidence))
        # Where nobody gave feedback, its share of false alarms is free for what is left to look at.
        allowed = FALSE_ALARMS["confidence"] + (0.0 if judged else FALSE_ALARMS["accuracy"])
        limit = allowed / max(len(names), 1) / len(befores)
        for at, name in enumerate(names):
            signals += [
                _confidence(before[:, at], seen.confidence[:, at], name, when, limit=limit, chance=chance)
                for when, before in befores
            ]
        signals.append(_unfamiliar(reference, seen, chance=chance))
        signals.append(_words(reference, seen, chance=chance))
        signals += _languages(reference, seen)
    asked = [
        name for name, feedback in (judged or {}).items() if len(feedback.right) >= FEWEST_TICKETS and name in accuracy
    ]
    for name in asked:
        at = list(names).index(name)
        share, tickets = accuracy[name]
        feedback = (judged or {})[name]
        then: list[tuple[str, float, int, NDArray[Any]]] = [("training", share, tickets, reference.confidence[:, at])]
        earlier = (judged_before or {}).get(name)
        if earlier is not None and len(earlier.right) >= FEWEST_OF_HISTORY:
            then.append(("weeks_before", float(earlier.right.mean()), len(earlier.right), earlier.confidence))
        limit = FALSE_ALARMS["accuracy"] / len(asked) / len(then)
        signals += [_accuracy(was, of, before, feedback, name, when, limit=limit) for when, was, of, before in then]
    return signals


def permutation_p(before: Floats, now: Floats, *, chance: np.random.Generator) -> float:
    """How often tickets exchanged at random have a mean of `now` that lies as far below that of `before`. One-sided;
    stops when it is clear."""
    both = np.concatenate([before, now])
    total, size = both.sum(), len(now)
    observed = now.sum()
    exceeded = done = 0
    while done < MOST_PERMUTATIONS and exceeded < ENOUGH_EXCEEDED:
        batch = min(250, MOST_PERMUTATIONS - done)
        # The smaller part is drawn; a draw of either is an exchange of both.
        fewer, is_now = (size, True) if size <= len(before) else (len(before), False)
        keys = chance.random((batch, len(both)), dtype=np.float32)
        drawn = both[np.argpartition(keys, fewer - 1, axis=1)[:, :fewer]].sum(axis=1)
        sums = drawn if is_now else total - drawn
        exceeded += int((sums <= observed + 1e-9).sum())
        done += batch
    return (exceeded + 1) / (done + 1)


def _mean(values: Floats) -> Estimate:
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half))


def _confidence(
    before: NDArray[Any], now: Floats, name: str, when: str, *, limit: float, chance: np.random.Generator
) -> Signal:
    was, is_now = float(before.mean()), _mean(now)
    p_value = permutation_p(before.astype(np.float64), now, chance=chance)
    drop = was - is_now.value
    return Signal(
        "confidence",
        name,
        was,
        is_now,
        p_value,
        limit,
        len(now),
        p_value <= limit and drop >= LEAST_EFFECT["confidence"],
        {"compared_with": when},
    )


def _unfamiliar(reference: Reference, seen: DescribedTickets, *, chance: np.random.Generator) -> Signal:
    was, is_now = float(reference.known_words.mean()), _mean(seen.known_words)
    p_value = permutation_p(reference.known_words.astype(np.float64), seen.known_words, chance=chance)
    limit = FALSE_ALARMS["unfamiliar"]
    return Signal(
        "unfamiliar",
        None,
        was,
        is_now,
        p_value,
        limit,
        len(seen),
        p_value <= limit and was - is_now.value >= LEAST_EFFECT["unfamiliar"],
    )


def _words(reference: Reference, seen: DescribedTickets, *, chance: np.random.Generator) -> Signal:
    """Whether the words changed at all: the distance between the two means of the sketches. Says why, and is no reason
    by itself."""
    before, now = reference.sketches.astype(np.float64), seen.sketches.astype(np.float64)
    both = np.vstack([before, now])
    total = both.sum(axis=0)
    fewer = min(len(before), len(now))

    def distance(sums: NDArray[Any]) -> Floats:
        gap = sums / fewer - (total - sums) / (len(both) - fewer)
        return np.asarray((gap**2).sum(axis=-1))

    observed = float(distance((now if len(now) == fewer else before).sum(axis=0)))
    exceeded = done = 0
    while done < MOST_PERMUTATIONS and exceeded < ENOUGH_EXCEEDED:
        batch = 50
        picked = np.zeros((batch, len(both)), np.float32)
        keys = chance.random((batch, len(both)), dtype=np.float32)
        np.put_along_axis(picked, np.argpartition(keys, fewer - 1, axis=1)[:, :fewer], 1.0, axis=1)
        exceeded += int((distance(picked @ both.astype(np.float32)) >= observed).sum())
        done += batch
    p_value = (exceeded + 1) / (done + 1)
    was, is_now = float(reference.known_words.mean()), _mean(seen.known_words)
    return Signal(
        "words",
        None,
        was,
        is_now,
        p_value,
        WORDS_CHANGED,
        len(now),
        False,
        {"changed": p_value <= WORDS_CHANGED},
    )


def _languages(reference: Reference, seen: DescribedTickets) -> list[Signal]:
    trained = sum(reference.languages.values())
    counts = Counter(code for code in seen.language if code)
    before = Counter(reference.language)
    asked = [code for code in counts if reference.languages.get(code, 0) < NEW_LANGUAGE_SHARE * trained]
    signals = []
    for code in sorted(asked):
        table = [[counts[code], len(seen) - counts[code]], [before[code], len(reference) - before[code]]]
        p_value = float(stats.fisher_exact(table, alternative="greater").pvalue)
        share = wilson(counts[code], len(seen))
        limit = FALSE_ALARMS["language"] / len(asked)
        known = reference.languages.get(code, 0)
        signals.append(
            Signal(
                "language",
                None,
                known / max(trained, 1),
                share,
                p_value,
                limit,
                len(seen),
                p_value <= limit and share.value >= LEAST_EFFECT["language"],
                {"language": code, "learnt": known, "of": trained},
            )
        )
    return signals


def _accuracy(
    share: float, tickets: int, before: NDArray[Any], judged: JudgedTickets, name: str, when: str, *, limit: float
) -> Signal:
    """`share` of `tickets` were right before. Two independent losses, combined: of confidence, and of right answers
    beside it."""
    many, few = len(judged.right), max(min(len(before), tickets), 1)
    sure, was_sure = float(judged.confidence.mean()), float(before.mean())
    of_confidence = math.sqrt(float(judged.confidence.var(ddof=1)) / many + float(before.var(ddof=1)) / few)
    less_sure = (was_sure - sure) / max(of_confidence, 1e-9)
    # If confidences are what they say, a right answer varies around its own by c (1 - c).
    variance_now = float((judged.confidence * (1 - judged.confidence)).mean())
    variance_then = max(float((before * (1 - before)).mean()), share * (1 - share) - float(before.var()))
    of_gap = math.sqrt(max(variance_now, variance_then) / many + variance_then / max(tickets, 1))
    less_right = ((share - was_sure) - (float(judged.right.mean()) - sure)) / max(of_gap, 1e-9)
    p_value = float(
        stats.combine_pvalues([max(float(stats.norm.sf(z)), 1e-300) for z in (less_sure, less_right)]).pvalue
    )
    measured = wilson(float(judged.right.sum()), many)
    return Signal(
        "accuracy",
        name,
        share,
        measured,
        p_value,
        limit,
        many,
        p_value <= limit and share - measured.value >= LEAST_EFFECT["accuracy"],
        {"compared_with": when, "mean_confidence": sure, "mean_confidence_before": was_sure},
    )
