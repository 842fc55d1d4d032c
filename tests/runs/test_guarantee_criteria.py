"""What a criterion is, when it is agreed without a person, and when it is met."""

from __future__ import annotations

from fractions import Fraction

import pytest

from otai.learning.evidence.acceptance import Criterion, CriterionInvalid, Metric, judge
from otai.learning.evidence.report_card import Coverage
from otai.pricing.price_book import PRICE_BOOK, Tier, VerdictRule
from otai.runs.guarantee.criteria import is_standard
from otai.runs.guarantee.queries import levels_reached
from otai.runs.guarantee.status import MOVES, GuaranteeStatus
from tests.runs.guarantees import attribute_report

pytestmark = pytest.mark.pure
BAR = PRICE_BOOK.standard_bar


@pytest.mark.parametrize(
    ("text", "metric", "threshold", "precision"),
    [
        ("queue accuracy 0.85", Metric.ACCURACY, Fraction(85, 100), None),
        ("queue accuracy >= 85%", Metric.ACCURACY, Fraction(85, 100), None),
        ("queue macro_f1 60", Metric.MACRO_F1, Fraction(60, 100), None),
        ("queue coverage@95 0.3", Metric.COVERAGE, Fraction(3, 10), Fraction(95, 100)),
        ("the queue of it coverage@0.9: 30 %", Metric.COVERAGE, Fraction(3, 10), Fraction(9, 10)),
    ],
)
def test_a_criterion_is_read_as_people_write_it(text: str, metric: Metric, threshold: Fraction, precision) -> None:
    found = Criterion.parse(text)
    assert (found.metric, found.threshold, found.precision) == (metric, threshold, precision)
    assert found.attribute in ("queue", "the queue of it")
    assert Criterion.from_dict(found.as_dict()) == found


@pytest.mark.parametrize(
    "text",
    [
        "queue",
        "queue precision 0.9",
        "queue accuracy 0",
        "queue accuracy 101",
        "queue accuracy much",
        "queue coverage 0.3",
        "queue coverage@93 0.3",
        "queue accuracy@90 0.7",
        "queue accuracy 0.333333",
    ],
)
def test_what_cannot_be_measured_is_no_criterion(text: str) -> None:
    with pytest.raises(CriterionInvalid):
        Criterion.parse(text)


def test_the_standard_bar_is_agreed_at_once_and_nothing_above_it() -> None:
    assert is_standard(Criterion.parse("queue accuracy 70%"), BAR)
    assert not is_standard(Criterion.parse("queue accuracy 70.01%"), BAR)
    assert is_standard(Criterion.parse("queue macro_f1 0.5"), BAR)
    assert not is_standard(Criterion.parse("queue macro_f1 0.51"), BAR)
    assert is_standard(Criterion.parse("queue coverage@90 0.3"), BAR)
    assert not is_standard(Criterion.parse("queue coverage@99 0.01"), BAR), "a higher precision asks for more"


def test_the_measured_value_counts_and_equality_is_enough() -> None:
    reports = [attribute_report("queue", 17 / 20)]
    [met] = judge([Criterion.parse("queue accuracy 0.85")], reports, by_bound=False)
    assert (met.met, met.measured.value, met.tickets) == (True, 0.85, 100)
    [missed] = judge([Criterion.parse("queue accuracy 0.8501")], reports, by_bound=False)
    assert not missed.met
    [bound] = judge([Criterion.parse("queue accuracy 0.85")], reports, by_bound=True)
    assert not bound.met, "the lower end of its interval is below"
    assert PRICE_BOOK.guarantee.verdict is VerdictRule.POINT


def coverage(of: float, precision: float, tickets: int) -> Coverage:
    return Coverage(0.95, 0.8, of, 0.95, of, precision, tickets)


def test_a_coverage_counts_unless_its_precision_is_below_the_stated_one_beyond_chance() -> None:
    criterion = Criterion.parse("queue coverage@95 0.4")

    def met(*found: Coverage) -> bool:
        return judge([criterion], [attribute_report("queue", 0.8, coverage=found)], by_bound=False)[0].met

    assert met(coverage(0.4, 1.0, 40))
    assert met(coverage(0.4, 0.925, 40)), "37 of 40 right is no proof against 95 %"
    assert not met(coverage(0.4, 0.8, 40)), "32 of 40 right is"
    assert not met(coverage(0.39, 1.0, 39))
    assert not met(), "no confidence reaches it"


def test_an_attribute_that_was_not_trained_misses() -> None:
    [outcome] = judge([Criterion.parse("tags accuracy 0.1")], [attribute_report("queue", 0.9)], by_bound=False)
    assert not outcome.met
    assert outcome.note == "This attribute was not trained."


def test_each_level_reached_on_the_way_up_includes_one() -> None:
    community, pro, enterprise = Tier
    assert levels_reached([community, pro, enterprise]) == [community, pro, enterprise]
    assert levels_reached([enterprise, community, pro]) == [enterprise], "falling reaches nothing"
    assert levels_reached([community, pro, community, pro]) == [community, pro], "coming back neither"


def test_every_status_is_reached_and_only_the_end_is_final() -> None:
    reached = {GuaranteeStatus.OPEN} | set().union(*MOVES.values())
    assert reached == set(GuaranteeStatus)
    assert {status for status, following in MOVES.items() if not following} == {
        GuaranteeStatus.MET,
        GuaranteeStatus.REFUNDED,
    }
