"""The tests on new tickets: quiet when nothing changed, and not when something did. How often is measured in
benchmarks/advice.py."""

from __future__ import annotations

import numpy as np
import pytest

from otai.learning.evidence.drift import FALSE_ALARMS, DescribedTickets, JudgedTickets, check, permutation_p
from otai.learning.model.reference import Reference

pytestmark = pytest.mark.pure


def reference(chance: np.random.Generator, tickets: int = 800) -> Reference:
    return Reference(
        known_words=chance.beta(9, 1, tickets).astype(np.float32),
        sketches=chance.normal(size=(tickets, 64)).astype(np.float32),
        confidence=chance.beta(8, 2, (tickets, 1)).astype(np.float32),
        language=tuple(["en"] * tickets),
        languages={"en": 3_000, "de": 3},
    )


def seen(
    chance: np.random.Generator, tickets: int = 400, *, sure: float = 8, words: float = 9, german: int = 0
) -> DescribedTickets:
    return DescribedTickets(
        known_words=chance.beta(words, 1, tickets),
        sketches=chance.normal(size=(tickets, 64)).astype(np.float32),
        confidence=chance.beta(sure, 2, (tickets, 1)),
        language=tuple(["de"] * german + ["en"] * (tickets - german)),
    )


def drifted(chance: np.random.Generator, now: DescribedTickets, judged: JudgedTickets | None = None) -> set[str]:
    found = check(
        reference(chance),
        now,
        ["queue"],
        accuracy={"queue": (0.8, 800)},
        judged={"queue": judged} if judged else None,
    )
    return {signal.kind for signal in found if signal.is_drift}


def test_all_tests_together_are_wrong_in_less_than_one_check_of_a_hundred() -> None:
    assert sum(FALSE_ALARMS.values()) < 0.01


def test_unchanged_tickets_are_quiet() -> None:
    chance = np.random.default_rng(1)
    assert sum(bool(drifted(chance, seen(chance))) for _ in range(40)) <= 1


def test_a_fall_of_confidence_unknown_words_and_a_new_language_show() -> None:
    chance = np.random.default_rng(2)
    assert drifted(chance, seen(chance, sure=5)) == {"confidence"}
    assert drifted(chance, seen(chance, words=4)) == {"unfamiliar"}
    assert drifted(chance, seen(chance, german=40)) == {"language"}
    assert drifted(chance, seen(chance, german=8)) == set(), "two in a hundred are not worth a training"


def test_what_people_say_shows_where_tickets_do_not_change() -> None:
    chance = np.random.default_rng(3)
    now = seen(chance)
    sure = now.confidence[:, 0]
    as_before = JudgedTickets((chance.random(400) < sure).astype(float), sure)
    worse = JudgedTickets((chance.random(400) < sure - 0.12).astype(float), sure)
    assert drifted(chance, now, as_before) == set()
    assert drifted(chance, now, worse) == {"accuracy"}


def test_a_difference_that_is_certain_and_small_is_no_reason_to_pay() -> None:
    chance = np.random.default_rng(4)
    now = seen(chance, tickets=20_000, sure=7.5)
    found = check(reference(chance, 20_000), now, ["queue"], accuracy={})
    confidence = next(signal for signal in found if signal.kind == "confidence")
    assert confidence.p_value <= confidence.limit
    assert not confidence.is_drift


def test_few_tickets_say_nothing() -> None:
    chance = np.random.default_rng(5)
    assert check(reference(chance), seen(chance, tickets=99, sure=1), ["queue"], accuracy={}) == []


def test_a_permutation_p_value_is_what_chance_makes_it() -> None:
    chance = np.random.default_rng(6)
    found = [permutation_p(chance.normal(size=200), chance.normal(size=100), chance=chance) for _ in range(200)]
    assert 0.02 <= np.mean([p <= 0.1 for p in found]) <= 0.18
    assert min(found) > 0
