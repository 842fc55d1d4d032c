from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score

import otai.learning
from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.targets import AttributeTarget, attribute_target, clean_labels
from otai.learning.decisions import argmax_codes, argmax_decision
from otai.learning.evidence.evaluation import evaluate, thresholds_for
from otai.learning.evidence.report_card import AttributeReport, ReportCard
from otai.learning.finding import Finding
from otai.learning.metrics import chance_of_no_signal, macro_f1, wilson

pytestmark = pytest.mark.pure

LEARNING = Path(otai.learning.__file__).parent


def target_of(labels: list[str], kind: AttributeKind = AttributeKind.SINGLE) -> AttributeTarget:
    spec = AttributeSpec("queue", kind, ("low", "medium", "high") if kind is AttributeKind.ORDERED else ())
    return attribute_target(spec, clean_labels(labels), np.arange(len(labels)), fewest_tickets=5)


def report_of(target: AttributeTarget, predicted: list[str], confidence: list[float]) -> AttributeReport:
    rows = np.arange(len(predicted))
    probabilities = np.zeros((len(rows), len(target.labels)))
    columns = np.array([target.labels.index(label) for label in predicted])
    probabilities[:] = (1 - np.array(confidence))[:, None] / max(len(target.labels) - 1, 1)
    probabilities[rows, columns] = confidence
    right = np.array(predicted) == np.array(target.labels)[target.codes(rows)]
    return evaluate(
        target,
        train=rows,
        holdout=rows,
        probabilities=probabilities,
        decided=probabilities == probabilities.max(axis=1, keepdims=True),
        thresholds=thresholds_for(np.array(confidence), right, of=len(rows)),
        ticket_ids=[f"T-{row}" for row in rows],
        seed=0,
    )


ACTUAL = ["billing"] * 60 + ["network"] * 30 + ["access"] * 10
PREDICTED = ["billing"] * 55 + ["network"] * 5 + ["network"] * 25 + ["billing"] * 5 + ["access"] * 4 + ["billing"] * 6
CONFIDENCE = [0.95] * 55 + [0.6] * 5 + [0.9] * 25 + [0.55] * 5 + [0.8] * 4 + [0.5] * 6


def test_figures_are_those_that_one_would_count_by_hand() -> None:
    report = report_of(target_of(ACTUAL), PREDICTED, CONFIDENCE)
    assert report.accuracy.value == pytest.approx(0.84)
    assert report.accuracy.low < 0.84 < report.accuracy.high
    assert report.macro_f1.value == pytest.approx(f1_score(ACTUAL, PREDICTED, average="macro"))
    access = next(label for label in report.per_label if label.label == "access")
    assert (access.precision, access.recall, access.holdout_tickets) == (1.0, 0.4, 10)
    assert sum(tickets for _, _, tickets in report.confusion) == 100


def test_guessing_the_majority_stands_beside_every_figure() -> None:
    majority = report_of(target_of(ACTUAL), PREDICTED, CONFIDENCE).majority
    assert majority.label == "billing" and majority.accuracy == pytest.approx(0.6)
    assert majority.macro_f1 == pytest.approx(f1_score(ACTUAL, ["billing"] * 100, average="macro"))


def test_confused_pairs_name_tickets_to_look_at() -> None:
    pair = report_of(target_of(ACTUAL), PREDICTED, CONFIDENCE).confused_pairs[0]
    assert (pair.actual, pair.predicted, pair.tickets) == ("access", "billing", 6)
    assert pair.ticket_ids == ["T-94", "T-95", "T-96", "T-97", "T-98"]


def test_coverage_says_what_the_threshold_gave() -> None:
    at_95 = next(
        one for one in report_of(target_of(ACTUAL), PREDICTED, CONFIDENCE).coverage if one.target_precision == 0.95
    )
    # 55 + 25 + 4 tickets are right down to 0.8; the five below that would make it 84 of 89, less than 95 %.
    assert at_95.threshold == pytest.approx(0.8)
    assert at_95.coverage == pytest.approx(0.84) and at_95.precision == 1.0


def test_a_precision_that_is_never_reached_has_no_threshold() -> None:
    confidence, right = np.linspace(0.1, 0.9, 200), np.arange(200) % 2 == 0
    for one in thresholds_for(confidence, right, of=200):
        assert one.confidence is None and one.coverage == 0


def test_tickets_of_equal_confidence_stay_together() -> None:
    chosen = thresholds_for(np.full(100, 0.7), np.arange(100) < 99, of=100, targets=(0.9, 0.95))
    assert chosen[0].confidence == 0.7 and chosen[0].coverage == 1.0
    assert chosen[1].confidence is None


# 200 tags predicted, sorted by confidence; the first 120 right, then every second one: 160 right.
TAGS_CONFIDENCE = np.linspace(0.99, 0.01, 200)
TAGS_RIGHT = np.arange(200) < 120
TAGS_RIGHT[121::2] = True


@pytest.mark.parametrize(
    ("multi", "of", "coverage"),
    [
        # One label a ticket: 130 of 200 tickets are decided alone, whether right or wrong. At 130, 125 are right.
        (False, 200, 0.65),
        # Several labels: 125 given labels are found among those that the tickets have, even if as many were predicted
        # as given.
        (True, 200, 0.625),
        (True, 250, 0.5),
        (True, 125, 1.0),
    ],
)
def test_coverage_is_of_tickets_or_of_labels_given_whatever_their_number(multi: bool, of: int, coverage: float) -> None:
    [at_90] = thresholds_for(TAGS_CONFIDENCE, TAGS_RIGHT, of=of, multi=multi, targets=(0.9,))
    assert (at_90.coverage, at_90.precision) == pytest.approx((coverage, 125 / 130))


def test_several_labels_are_counted_alike_on_the_card_and_by_its_threshold() -> None:
    tags = [("a", "b"), ("a",), ("b",), ("c",), ("a", "c"), ("b",)] * 20
    spec = AttributeSpec("tags", AttributeKind.MULTI)
    target = attribute_target(spec, clean_labels(tags), np.arange(len(tags)), fewest_tickets=5)
    # As many labels are predicted as given, 160, but a ticket gets the labels of the next one.
    given = target.y > 0
    decided = np.roll(given, -1, axis=0)
    probabilities = np.where(decided, 0.9, 0.1)
    assert decided.sum() == given.sum() == 160
    hits = int((decided & given).sum())
    thresholds = thresholds_for(probabilities[decided], given[decided], of=160, multi=True, targets=(0.1,))
    report = evaluate(
        target,
        train=np.arange(len(tags)),
        holdout=np.arange(len(tags)),
        probabilities=probabilities,
        decided=decided,
        thresholds=thresholds,
        ticket_ids=[""] * len(tags),
        seed=0,
    )
    [found] = report.coverage
    assert (found.coverage, found.expected_coverage, found.tickets) == (hits / 160, hits / 160, 160)
    assert report.curve[-1].coverage == hits / 160


def test_an_ordered_attribute_says_how_far_off_it_is() -> None:
    labels = ["low"] * 10 + ["medium"] * 10 + ["high"] * 10
    report = report_of(target_of(labels, AttributeKind.ORDERED), ["low"] * 30, [0.5] * 30)
    assert report.labels == ["low", "medium", "high"]
    assert report.mean_absolute_error == pytest.approx(1.0)
    assert report.majority.mean_absolute_error is not None


def test_intervals_hold_the_value_even_for_labels_with_one_ticket() -> None:
    actual = sparse.csr_matrix(np.eye(6))
    estimate = macro_f1(actual, actual, seed=0)
    assert estimate.low <= estimate.value == 1.0 <= estimate.high


def test_wilson_stays_inside_zero_and_one() -> None:
    assert wilson(0, 10).low == 0 and 0.2 < wilson(0, 10).high < 0.35
    assert wilson(10, 10).high == pytest.approx(1)
    assert wilson(0, 0).high == 1


def test_a_report_card_comes_back_from_json_unchanged() -> None:
    report = report_of(target_of(ACTUAL), PREDICTED, CONFIDENCE)
    card = ReportCard(
        mode="basic",
        recipe={"mode": "basic", "refit": True},
        seed=3,
        tickets=100,
        train_tickets=80,
        holdout_tickets=20,
        holdout="chosen",
        final_model_learnt_holdout=True,
        attributes=[report],
        findings=[Finding("small_holdout", values={"tickets": 20})],
        seconds={"training": 1.5},
    )
    assert ReportCard.from_json(card.to_json()) == card
    assert card.attribute("queue") is report


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": 99}', '{"format": 1}', "nonsense"])
def test_what_is_no_report_card_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ReportCard.from_json(text)


def test_answers_that_have_nothing_to_do_with_the_tickets_are_told_by_one_label_and_by_several_alike() -> None:
    chance = np.random.default_rng(4)
    truth, drawn = (np.eye(3, dtype=np.bool_)[chance.integers(0, 3, 200)] for _ in range(2))
    known = truth.copy()
    known[:120] = drawn[:120]
    # A fourth label that nobody gives or has makes no difference; one that one ticket has makes it several labels.
    several = np.hstack([truth, np.zeros((200, 1), np.bool_)])
    several[0, 3] = True
    for answers, is_signal in ((drawn, False), (known, True)):
        beside = np.hstack([answers, np.zeros((200, 1), np.bool_)])
        by_one, by_several = (chance_of_no_signal(*pair, seed=0) for pair in ((truth, answers), (several, beside)))
        assert by_one == by_several and (by_one < 0.01) is is_signal


def test_of_equal_scores_the_first_label_is_given_and_that_is_decided_in_one_place() -> None:
    scores = np.array([[0.2, 0.4, 0.4], [0.5, 0.5, 0.0], [0.0, 0.1, 0.9]])
    assert argmax_codes(scores).tolist() == [1, 0, 2]
    assert argmax_codes(argmax_decision(scores)).tolist() == [1, 0, 2]
    assert argmax_decision(scores).sum(axis=1).tolist() == [1, 1, 1]
    files = {path.relative_to(LEARNING).as_posix(): path.read_text(encoding="utf-8") for path in LEARNING.rglob("*.py")}
    assert {name for name, code in files.items() if "argmax(axis=" in code} == {"decisions.py"}
