"""Two versions on the tickets that neither had learnt when it was measured."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from otai.learning.data.tickets import LabelledTickets, Value
from otai.learning.errors import BundleInvalid
from otai.learning.evidence.comparison import AttributeComparison, compare, holm
from otai.learning.model.bundle import Bundle
from otai.learning.model.holdout import HoldoutLabels, HoldoutRecord, text_hashes
from otai.learning.recipes import recipe_for
from otai.learning.training import Trained, train
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets

pytestmark = pytest.mark.pure

BASIC = recipe_for("basic")


def with_queues(tickets: LabelledTickets, queues: list[Value]) -> LabelledTickets:
    return dataclasses.replace(tickets, attributes={**tickets.attributes, "queue": queues})


@pytest.fixture(scope="module")
def older() -> Trained:
    """Trained on 1 000 tickets; somebody put most of those about hardware into Network."""
    chance = random.Random(3)
    tickets = made_up_tickets(1_000, noise=0.0)
    queues: list[Value] = [
        "Network" if queue == "Hardware" and chance.random() < 0.7 else queue for queue in tickets.attributes["queue"]
    ]
    return train(with_queues(tickets, queues), [QUEUE, PRIORITY, TAGS], BASIC)


@pytest.fixture(scope="module")
def newer() -> Trained:
    return train(made_up_tickets(1_200, noise=0.0), [QUEUE, PRIORITY, TAGS], BASIC)


def of(older: Trained, newer: Trained, name: str) -> AttributeComparison:
    return next(one for one in compare(older.bundle, newer.bundle).attributes if one.name == name)


def test_corrected_labels_make_the_newer_version_measurably_better(older: Trained, newer: Trained) -> None:
    queue = of(older, newer, "queue")
    assert queue.verdict == "better" and queue.p_value < 0.05
    assert queue.only_newer > queue.only_older
    assert 0 < queue.accuracy.low <= queue.accuracy.value <= queue.accuracy.high
    assert queue.newer_accuracy - queue.older_accuracy == pytest.approx(queue.accuracy.value)
    assert queue.accuracy.value == pytest.approx((queue.only_newer - queue.only_older) / queue.tickets)


def test_what_did_not_change_is_the_same_within_chance(older: Trained, newer: Trained) -> None:
    assert of(older, newer, "priority").verdict == "same"
    assert of(older, newer, "tags").verdict == "same"


def test_only_tickets_kept_aside_by_both_are_compared(older: Trained, newer: Trained) -> None:
    compared = compare(older.bundle, newer.bundle)
    records = older.bundle.holdout, newer.bundle.holdout
    assert records[0] is not None and records[1] is not None
    common = set(records[0].texts.tolist()) & set(records[1].texts.tolist())
    assert compared.tickets == len(common) > 100
    # The hash decides who is kept aside: most of the smaller holdout is found in the larger.
    assert len(common) > 0.8 * len(records[0].texts)


def test_what_is_kept_is_what_the_report_card_says(newer: Trained) -> None:
    record = newer.bundle.holdout
    assert record is not None
    for report in newer.report_card.attributes:
        answers = record.attributes[report.name]
        width = max(answers.actual.shape[1], answers.predicted.shape[1])
        same = [
            set(actual.tolist()) - {-1} == set(predicted.tolist()) - {-1}
            for actual, predicted in zip(answers.actual, answers.predicted, strict=True)
        ]
        assert width >= 1 and np.mean(same) == pytest.approx(report.accuracy.value)


def test_a_version_is_the_same_as_itself(newer: Trained) -> None:
    for one in compare(newer.bundle, newer.bundle).attributes:
        assert (one.verdict, one.p_value, one.accuracy.value, one.macro_f1.value) == ("same", 1.0, 0.0, 0.0)


def with_wrong_queues(bundle: Bundle, count: int, *, only: bool) -> Bundle:
    """The bundle, had it been wrong about the queue of `count` tickets that it had right; `only`: it predicts no
    other attribute."""
    assert bundle.holdout is not None
    queue = bundle.holdout.attributes["queue"]
    wrong = queue.predicted.copy()
    right = np.flatnonzero((queue.predicted == queue.actual).all(axis=1))[:count]
    wrong[right, 0] = (wrong[right, 0] + 1) % 3
    kept = {"queue": HoldoutLabels(queue.actual, wrong)}
    return dataclasses.replace(
        bundle,
        attributes=[one for one in bundle.attributes if one.spec.name == "queue" or not only],
        holdout=dataclasses.replace(bundle.holdout, attributes={**({} if only else bundle.holdout.attributes), **kept}),
    )


def test_one_better_attribute_of_three_is_no_luck_only_where_it_is_better_than_luck_makes_one_of_three(
    newer: Trained,
) -> None:
    # 6 to none is 1 in 32 by chance, 1 in 11 among three.
    alone = compare(with_wrong_queues(newer.bundle, 6, only=True), newer.bundle)
    assert [(one.verdict, one.p_value) for one in alone.attributes] == [("better", 0.03125)]
    assert alone.answer().values["chance"] == 0.03125
    among = compare(with_wrong_queues(newer.bundle, 6, only=False), newer.bundle)
    assert {one.name: one.verdict for one in among.attributes} == dict.fromkeys(("queue", "priority", "tags"), "same")
    assert among.answer().code == "comparison_same"
    surely = compare(with_wrong_queues(newer.bundle, 8, only=False), newer.bundle).answer()
    assert (surely.code, surely.values["attribute"]) == ("comparison_better", "queue")
    assert surely.values["chance"] == pytest.approx(3 * 2 / 2**8)
    # Worse is a warning: nobody goes live by luck.
    warned = compare(newer.bundle, with_wrong_queues(newer.bundle, 6, only=False))
    assert next(one for one in warned.attributes if one.name == "queue").verdict == "worse"


def test_p_values_are_adjusted_as_holm_does() -> None:
    adjusted = holm({"c": 0.03, "a": 0.01, "b": 0.02, "d": 0.9})
    assert {name: round(value, 6) for name, value in adjusted.items()} == {"a": 0.04, "b": 0.06, "c": 0.06, "d": 0.9}
    assert holm({"a": 0.4, "b": 0.9}) == {"a": 0.8, "b": 0.9}
    assert holm({}) == {}


def test_a_renamed_queue_is_new_and_one_that_only_changed_its_case_is_not(newer: Trained) -> None:
    tickets = made_up_tickets(1_000, noise=0.0)
    renamed = {"Billing": "BILLING", "Network": "Connectivity"}
    queues: list[Value] = [renamed.get(str(queue), queue) for queue in tickets.attributes["queue"]]
    compared = compare(newer.bundle, train(with_queues(tickets, queues), [QUEUE], BASIC).bundle)
    queue = compared.attributes[0]
    assert queue.new_labels == ["Connectivity"]
    # Whatever the older version called Network is wrong now.
    assert queue.verdict == "better" and queue.older_accuracy < 0.8


def test_without_common_tickets_nothing_is_claimed(newer: Trained) -> None:
    elsewhere = train(made_up_tickets(300, seed=9), [QUEUE], BASIC)
    compared = compare(newer.bundle, elsewhere.bundle)
    assert not compared.attributes and compared.unknown is not None
    assert compared.unknown.code == "versions_share_too_few_tickets"
    few = train(made_up_tickets(40, seed=9), [PRIORITY], BASIC)
    assert compare(dataclasses.replace(few.bundle, holdout=None), newer.bundle).unknown


def test_the_record_travels_in_the_bundle_without_a_word(newer: Trained) -> None:
    content = newer.bundle.to_bytes()
    again = Bundle.from_bytes(content)
    assert again.to_bytes() == content
    assert again.holdout is not None and np.array_equal(again.holdout.texts, newer.bundle.holdout.texts)  # type: ignore[union-attr]
    assert b"wifi" not in content and b"ticket 1" not in content
    with pytest.raises(ValueError, match="answers"):
        HoldoutRecord.from_arrays(
            {
                "holdout.texts": text_hashes(["a", "b"]),
                "holdout.0.actual": np.zeros((3, 1), np.int16),
                "holdout.0.predicted": np.zeros((3, 1), np.int16),
            },
            ["queue"],
        )
    with pytest.raises(BundleInvalid):
        Bundle.from_bytes(content[:-1])
