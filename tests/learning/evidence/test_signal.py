"""Whether anything in the texts tells an attribute: what chance gives, and what a weak signal is worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otai.learning.evidence.expected_quality import TICKETS_TO_TEST, fewest_to_test, tells_nothing
from otai.learning.metrics import chance_of_no_signal_in_scores, standardised

pytestmark = pytest.mark.pure


def labelled(chance: np.random.Generator, tickets: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """One label a ticket, some more frequent, and scores that know nothing of them."""
    codes = chance.choice(labels, tickets, p=np.arange(labels, 0, -1) / (labels * (labels + 1) / 2))
    return np.eye(labels, dtype=bool)[codes], chance.standard_normal((tickets, labels))


def test_labels_that_have_nothing_to_do_with_the_scores_are_found_in_19_of_20() -> None:
    chance = np.random.default_rng(5)
    found = [chance_of_no_signal_in_scores(*labelled(chance, 60, 3), seed=0) > 0.05 for _ in range(100)]
    assert 0.90 <= np.mean(found) <= 0.99


def test_a_label_that_is_the_likeliest_of_every_ticket_hides_no_signal_in_the_scores() -> None:
    """Answers are all the same, and the scores know the rare label a little."""
    chance = np.random.default_rng(3)
    rare = chance.random(900) < 0.15
    scores = np.stack([np.full(900, 3.0), chance.standard_normal(900) + 0.6 * rare], axis=1)
    assert (scores.argmax(axis=1) == 0).mean() > 0.95
    assert not tells_nothing(np.stack([~rare, rare], axis=1), standardised(scores), seed=0)
    assert tells_nothing(np.stack([~rare, rare], axis=1), standardised(scores[chance.permutation(900)]), seed=0)


def test_several_labels_are_tested_label_by_label() -> None:
    chance = np.random.default_rng(4)
    tags = chance.random((800, 4)) < (0.5, 0.3, 0.1, 0.02)
    scores = chance.standard_normal((800, 4))
    assert tells_nothing(tags, standardised(scores), seed=0)
    scores[:, 2] += 1.5 * tags[:, 2]
    assert not tells_nothing(tags, standardised(scores), seed=0), "one of four is told"


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(2, 6), st.lists(st.floats(0.1, 50), min_size=6, max_size=6), st.floats(-9, 9)
)
def test_what_is_said_does_not_hang_on_the_scale_of_a_labels_scores(
    seed: int, labels: int, scales: list[float], moved: float
) -> None:
    actual, scores = labelled(np.random.default_rng(seed), 40, labels)
    scores += actual
    other = scores * np.array(scales[:labels]) + moved
    assert chance_of_no_signal_in_scores(actual, standardised(other), seed=1) == pytest.approx(
        chance_of_no_signal_in_scores(actual, standardised(scores), seed=1), abs=0.011
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_few_tickets_say_nothing_and_none_takes_more_than_two_even_labels(seed: int, labels: int) -> None:
    actual, scores = labelled(np.random.default_rng(seed), 40, labels)
    assert 40 < fewest_to_test(actual) <= TICKETS_TO_TEST
    assert not tells_nothing(actual, standardised(scores), seed=0)
    assert chance_of_no_signal_in_scores(actual, np.zeros_like(scores), seed=0) == 1.0
