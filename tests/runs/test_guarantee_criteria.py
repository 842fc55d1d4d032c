"""What a criterion is, when it is agreed without a person, and when it is met."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from otai.learning.evidence.acceptance import Criterion, CriterionInvalid, Metric, judge, share_of, told
from otai.learning.evidence.report_card import Coverage, LabelReport, ReportCard
from otai.pricing.price_book import Tier, VerdictRule
from otai.runs.guarantee.criteria import is_standard
from otai.runs.guarantee.queries import levels_reached
from otai.runs.guarantee.settlement import verdict_on
from otai.runs.guarantee_status import MOVES, GuaranteeStatus
from otai.runs.models import Guarantee
from otai.words.sentences import Fact
from tests.pricing.book import BOOK
from tests.runs.guarantees import attribute_report, report_card

pytestmark = pytest.mark.pure
BAR = BOOK.standard_bar


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
    ("text", "code", "values"),
    [
        ("queue accuracy 0.85", "criterion.accuracy", {"threshold": 0.85}),
        ("queue macro_f1 60", "criterion.macro_f1", {"threshold": 0.6}),
        ("queue coverage@95 0.3", "criterion.coverage", {"threshold": 0.3, "precision": 0.95}),
    ],
)
def test_a_criterion_is_handed_to_doors_as_a_code_with_its_figures(text: str, code: str, values: dict) -> None:
    assert Criterion.parse(text).as_fact() == Fact(code, {"attribute": "queue", **values})


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


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0.85", Fraction(17, 20)),
        ("85%", Fraction(17, 20)),
        (" 85 % ", Fraction(17, 20)),
        ("85", Fraction(17, 20)),
        ("17/20", Fraction(17, 20)),
        ("1", Fraction(1)),
        ("1%", Fraction(1, 100)),
        ("1.5%", Fraction(3, 200)),
        ("9.99%", Fraction(999, 10_000)),
        ("10", Fraction(1, 10)),
        ("100", Fraction(1)),
        ("100%", Fraction(1)),
        ("0.01%", Fraction(1, 10_000)),
        ("0", Fraction(0)),
    ],
)
def test_a_share_is_read_exactly(text: str, share: Fraction) -> None:
    assert share_of(text) == share


@pytest.mark.parametrize(
    "text", ["1.5", "1.0001", "2", "9.99", "much", "", "%", "1/0", "0.33333", "33.333%", "1/10001", "1/20000"]
)
def test_what_may_mean_two_shares_or_none_is_refused(text: str) -> None:
    with pytest.raises(CriterionInvalid):
        share_of(text)


def test_the_refusal_of_an_ambiguous_share_says_how_to_write_it() -> None:
    with pytest.raises(
        CriterionInvalid, match=r"“1\.5” may mean a share or per cent\. Write 1\.5\s% or a share up to 1\."
    ):
        Criterion.parse("queue accuracy 1.5")


def test_the_standard_bar_is_agreed_at_once_and_nothing_above_it() -> None:
    assert is_standard(Criterion.parse("queue accuracy 70%"), BAR)
    assert not is_standard(Criterion.parse("queue accuracy 70.01%"), BAR)
    assert is_standard(Criterion.parse("queue macro_f1 0.5"), BAR)
    assert not is_standard(Criterion.parse("queue macro_f1 0.51"), BAR)
    assert is_standard(Criterion.parse("queue coverage@90 0.3"), BAR)
    assert is_standard(Criterion.parse("queue coverage@95 0.3"), BAR)
    assert not is_standard(Criterion.parse("queue coverage@95 0.31"), BAR)
    assert not is_standard(Criterion.parse("queue coverage@99 0.01"), BAR), "a higher precision asks for more"


def test_the_measured_value_counts_and_equality_is_enough() -> None:
    reports = [attribute_report("queue", 17 / 20)]
    [met] = judge([Criterion.parse("queue accuracy 0.85")], reports, by_bound=False)
    assert (met.met, met.measured.value, met.tickets) == (True, 0.85, 100)
    assert met.note is None, "an accuracy needs no remark"
    [missed] = judge([Criterion.parse("queue accuracy 0.8501")], reports, by_bound=False)
    assert not missed.met
    [bound] = judge([Criterion.parse("queue accuracy 0.85")], reports, by_bound=True)
    assert not bound.met, "the lower end of its interval is below"
    assert BOOK.guarantee.verdict is VerdictRule.POINT


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
    assert met(coverage(0.45, 0.8889, 45)), "40 of 45 right is none, although 89 of 100 would be"
    assert not met(), "no confidence reaches it"


def labelled(of: float, *, given: tuple[int, ...], kind: str = "multi", precision: float = 1.0, tickets: int = 60):
    """An attribute on 100 tickets, of which the labels were given as often as `given` says."""
    report = attribute_report("tags", 0.5, coverage=(coverage(of, precision, tickets),))
    per_label = [LabelReport(f"tag {at}", 50, count, 0, None, None, None) for at, count in enumerate(given)]
    return replace(report, kind=kind, per_label=per_label)


@pytest.mark.parametrize(
    ("report", "low", "high"),
    [
        # Wilson's 95 % interval of 40 of 100 tickets; of 96 of 240 given labels; of 8 of 20.
        (attribute_report("tags", 0.5, coverage=(coverage(0.4, 1.0, 40),)), 0.3094, 0.4980),
        (labelled(0.4, given=(200, 40)), 0.3401, 0.4631),
        (labelled(0.4, given=(15, 5)), 0.2188, 0.6134),
        # No label was given in the holdout: the tickets are all there is to count by.
        (labelled(0.4, given=(0, 0)), 0.3094, 0.4980),
        # One label each: the tickets are counted, whatever the table of labels adds up to.
        (labelled(0.4, given=(200, 40), kind="single"), 0.3094, 0.4980),
        (labelled(0.4, given=(200, 40), kind="ordered"), 0.3094, 0.4980),
    ],
)
def test_a_coverage_is_a_share_of_the_tickets_or_of_the_labels_given(report, low: float, high: float) -> None:
    [outcome] = judge([Criterion.parse("tags coverage@95 0.4")], [report], by_bound=False)
    assert (outcome.measured.value, outcome.met) == (0.4, True)
    assert (outcome.measured.low, outcome.measured.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("threshold", "by_bound", "met"),
    [("40%", False, True), ("40.01%", False, False), ("34%", True, True), ("35%", True, False), ("22%", True, True)],
)
def test_by_the_bound_more_given_labels_prove_more(threshold: str, by_bound: bool, met: bool) -> None:
    [outcome] = judge(
        [Criterion.parse(f"tags coverage@95 {threshold}")], [labelled(0.4, given=(200, 40))], by_bound=by_bound
    )
    assert outcome.met is met


def test_a_coverage_counts_at_its_own_precision_alone() -> None:
    at_90 = Coverage(0.9, 0.6, 0.7, 0.9, 0.7, 0.92, 70)
    reports = [attribute_report("queue", 0.8, coverage=(at_90, coverage(0.4, 0.97, 40)))]
    [ninety, ninety_five, ninety_nine] = judge(
        [Criterion.parse(f"queue coverage@{stated} 0.5") for stated in (90, 95, 99)], reports, by_bound=False
    )
    assert (ninety.met, ninety.measured.value) == (True, 0.7)
    assert (ninety_five.met, ninety_five.measured.value) == (False, 0.4)
    assert (ninety_nine.met, ninety_nine.measured.value) == (False, 0.0)
    assert ninety_nine.note == Fact("criterion.no_confidence", {"precision": 0.99})


def test_an_attribute_that_was_not_trained_misses() -> None:
    criterion = Criterion.parse("tags accuracy 0.1")
    [outcome] = judge([criterion], [attribute_report("queue", 0.9)], by_bound=False)
    assert told(outcome.as_dict()) == {
        "criterion": {"attribute": "tags", "metric": "accuracy", "threshold": "1/10", "precision": None},
        "in_words": "tags: accuracy of at least 10\N{NO-BREAK SPACE}%",
        "value": 0.0,
        "low": 0.0,
        "high": 1.0,
        "tickets": 0,
        "met": False,
        "note": "This attribute was not trained.",
        "note_fact": {"code": "criterion.not_trained", "values": {}},
    }


def test_an_outcome_is_kept_with_all_its_figures() -> None:
    reports = [attribute_report("queue", 0.8, macro_f1=0.6, coverage=(coverage(0.4, 0.925, 40),))]
    [macro_f1, at_95] = judge(
        [Criterion.parse("queue macro_f1 60%"), Criterion.parse("queue coverage@95 30%")], reports, by_bound=False
    )
    assert told(macro_f1.as_dict()) == {
        "criterion": {"attribute": "queue", "metric": "macro_f1", "threshold": "3/5", "precision": None},
        "in_words": "queue: macro F1 of at least 60\N{NO-BREAK SPACE}%",
        "value": 0.6,
        "low": pytest.approx(0.57),
        "high": pytest.approx(0.63),
        "tickets": 100,
        "met": True,
        "note": "",
        "note_fact": None,
    }
    assert told(at_95.as_dict()) == {
        "criterion": {"attribute": "queue", "metric": "coverage", "threshold": "3/10", "precision": "19/20"},
        "in_words": "queue: coverage at 95\N{NO-BREAK SPACE}% precision of at least 30\N{NO-BREAK SPACE}%",
        "value": 0.4,
        "low": pytest.approx(0.3094, abs=5e-5),
        "high": pytest.approx(0.4980, abs=5e-5),
        "tickets": 100,
        "met": True,
        "note": "Above its threshold 92.5\N{NO-BREAK SPACE}% of 40 tickets are right.",
        "note_fact": {"code": "criterion.above_threshold", "values": {"precision": 0.925, "tickets": 40}},
    }


@pytest.mark.parametrize(
    "found",
    [
        (),
        (Coverage(0.95, None, 0.0, None, 0.0, None, 0),),
        (Coverage(0.95, None, 0.0, None, 0.4, 0.97, 40),),
        (Coverage(0.95, 0.8, 0.4, 0.95, 0.4, None, 0),),
    ],
)
def test_a_precision_that_no_confidence_reaches_misses_with_nothing_measured(found: tuple[Coverage, ...]) -> None:
    [outcome] = judge(
        [Criterion.parse("queue coverage@95 0.01%")], [attribute_report("queue", 0.8, coverage=found)], by_bound=False
    )
    assert (outcome.met, outcome.note) == (False, Fact("criterion.no_confidence", {"precision": 0.95}))
    assert (outcome.measured.value, outcome.measured.low, outcome.measured.high) == (0.0, 0.0, 0.0)


def test_only_several_labels_a_ticket_are_counted_by_labels() -> None:
    report = replace(
        attribute_report("tags", 0.5, coverage=(coverage(0.4, 1.0, 40),)),
        per_label=[LabelReport("a", 50, 240, 0, None, None, None)],
    )
    [outcome] = judge([Criterion.parse("tags coverage@95 0.4")], [report], by_bound=False)
    assert outcome.measured.low == pytest.approx(0.3094, abs=5e-5), "one label a ticket: 40 of 100 tickets"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("queue", "“queue” is no criterion. Write: queue accuracy 0.85, queue macro_f1 0.6, or queue coverage@95 0.3"),
        ("queue accuracy 0", "A threshold lies above 0 and at most at 1 (100\N{NO-BREAK SPACE}%); 0 % does not."),
        ("queue accuracy 101%", "A threshold lies above 0 and at most at 1 (100\N{NO-BREAK SPACE}%); 101 % does not."),
        ("queue coverage@93 0.3", "A coverage is stated at a precision of 90 %, 95 %, 99 %."),
        ("queue coverage 0.3", "A coverage is stated at a precision of 90 %, 95 %, 99 %."),
        ("queue macro_f1@90 0.7", "Only a coverage has a precision; macro F1 has none."),
        ("queue accuracy 0.33333", "“0.33333” is finer than can be measured; at most four decimals."),
        ("queue accuracy 1..5", "“1..5” is no share. Write 0.85 or 85\N{NO-BREAK SPACE}%."),
    ],
)
def test_a_refused_criterion_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(CriterionInvalid) as refused:
        Criterion.parse(text)
    assert str(refused.value) == says


def test_all_of_it_can_be_asked_for_and_measured() -> None:
    everything = Criterion.parse("queue accuracy 100%")
    assert everything.threshold == 1
    assert Criterion.from_dict({"attribute": "q", "metric": "accuracy", "threshold": "0.0001"}).threshold == Fraction(
        1, 10_000
    )
    for broken in (
        {},
        {"attribute": "q", "metric": "f2", "threshold": "1"},
        {"attribute": "q", "metric": "accuracy", "threshold": None},
    ):
        with pytest.raises(CriterionInvalid):
            Criterion.from_dict(broken)
    with pytest.raises(
        CriterionInvalid,
        match=r"^A criterion has an attribute, a metric \(accuracy, macro_f1, coverage\) and a threshold\.$",
    ):
        Criterion.from_dict({})


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
        GuaranteeStatus.DECLINED,
        GuaranteeStatus.REFUNDED,
    }


@pytest.mark.parametrize(("rule", "met"), [("point_estimate", True), ("lower_bound", False)])
def test_the_verdict_goes_by_the_rule_that_was_agreed(rule: str, met: bool) -> None:
    guarantee = Guarantee(criteria=[Criterion.parse("queue accuracy 0.8").as_dict()], verdict_rule=rule)
    card = ReportCard.from_json(json.dumps(report_card(queue=0.8)))
    assert [outcome.met for outcome in verdict_on(guarantee, card)] == [met]
