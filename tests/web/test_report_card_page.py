"""How a report card is made ready to be looked at: nothing is added to what was measured, and nothing of it is lost."""

from __future__ import annotations

from typing import Any

import pytest

from otai.learning.estimate import Estimate
from otai.learning.evidence.report_card import (
    AttributeReport,
    Coverage,
    CurvePoint,
    LabelIssue,
    LabelIssues,
    LabelReport,
    Majority,
    ReportCard,
)
from otai.web.templatetags.studio import in_hundred, points
from otai.web.views import report_card as page

pytestmark = pytest.mark.pure


def report(**more: Any) -> AttributeReport:
    plain: dict[str, Any] = {
        "name": "queue",
        "kind": "single",
        "labels": ["a", "b"],
        "train_tickets": 800,
        "holdout_tickets": 200,
        "accuracy": Estimate(0.84, 0.8, 0.88),
        "macro_f1": Estimate(0.8, 0.75, 0.85),
        "majority": Majority("a", 0.5, 0.3),
        "calibration_error": 0.02,
        "per_label": [],
        "confusion": [[0, 0, 80], [0, 1, 20], [1, 1, 100]],
        "coverage": [],
        "curve": [],
        "reliability": [],
        "confused_pairs": [],
    }
    return AttributeReport(**plain | more)


def card(*reports: AttributeReport) -> ReportCard:
    return ReportCard("basic", {}, 0, 1000, 800, 200, "chosen", True, list(reports), [])


def test_a_matrix_counts_every_ticket_once() -> None:
    found = page.matrix_of(report(), others="others")
    assert found is not None
    assert [(row.label, row.tickets) for row in found.rows] == [("a", 100), ("b", 100)]
    assert [[cell.tickets for cell in row.cells] for row in found.rows] == [[80, 20], [0, 100]]
    assert [[cell.tone for cell in row.cells] for row in found.rows] == [["right-5", "wrong-4"], ["none", "right-5"]]


def test_rare_labels_stand_together_and_none_of_their_tickets_is_lost() -> None:
    labels = [f"label {n}" for n in range(40)]
    confusion = [[n, n, 100 - n] for n in range(40)] + [[0, 39, 7], [38, 39, 2]]
    found = page.matrix_of(report(labels=labels, confusion=confusion), others="others")
    assert found is not None
    assert (len(found.labels), found.labels[-1], found.folded) == (13, "others", 28)
    assert sum(cell.tickets for row in found.rows for cell in row.cells) == sum(entry[2] for entry in confusion)
    assert found.rows[0].cells[-1].tickets == 7
    # Whether one rare label was taken for another cannot be seen there any more, so it is not coloured as right.
    assert found.rows[-1].cells[-1].tone == ""


def test_labels_with_an_order_keep_it() -> None:
    confusion = [[0, 0, 1], [1, 1, 50], [2, 2, 9]]
    found = page.matrix_of(
        report(kind="ordered", labels=["low", "medium", "high"], confusion=confusion), others="others"
    )
    assert found is not None
    assert found.labels == ["low", "medium", "high"]


def test_several_labels_a_ticket_have_no_matrix() -> None:
    assert page.matrix_of(report(kind="multi", confusion=[]), others="others") is None


CURVE = [
    CurvePoint(0.99, 0.01, 1.0),
    CurvePoint(0.9, 0.3, 0.97),
    CurvePoint(0.7, 0.6, 0.93),
    CurvePoint(0.2, 1.0, 0.84),
]


def test_the_headline_is_the_confidence_that_was_chosen_before_it_was_measured() -> None:
    promised = Coverage(0.95, 0.85, 0.42, 0.951, 0.4, 0.945, 80)
    opened = report(curve=CURVE, coverage=[promised, Coverage(0.99, None, 0.0, None, 0.0, None, 0)])
    choices = page.choices_of(opened)
    assert [choice.coverage for choice in choices] == [0.3, 0.4, 0.6, 1.0], "two tickets are no evidence"
    chosen = page.chosen_of(choices, "", promised)
    assert chosen is not None and (chosen.coverage, chosen.precision) == (0.4, 0.945)


def test_where_nothing_was_promised_no_point_is_the_headline() -> None:
    not_yet = Coverage(0.95, None, 0.0, None, 0.0, None, 0, 0.9, 1_200)
    opened = page.attribute_page(card(report(curve=CURVE, coverage=[not_yet])), 0)
    assert (opened.chosen, opened.is_promised, opened.not_yet) == (None, False, 1_200)
    choices = opened.choices
    asked = page.chosen_of(choices, str(choices[-1].number), None)
    assert asked is not None and asked.coverage == 1.0, "who asks for a point may look at it"
    for nonsense in ("", "-1", "999", "x", "1e3"):
        assert page.chosen_of(choices, nonsense, None) is None
    assert page.chosen_of([], "0", None) is None


def test_tags_are_told_by_labels() -> None:
    tags = [LabelReport("vpn", 90, 40, 20, 0.9, 0.45, 0.6), LabelReport("wifi", 50, 10, 0, None, 0.0, 0.0)]
    told = page.summaries(card(report(kind="multi", per_label=tags), report()), earlier=[])
    assert told[0].labels is not None and told[1].labels is None
    assert (told[0].labels.found, told[0].labels.right) == (0.36, 0.9), "18 of 50 there, 18 of 20 given"


def test_of_tags_in_doubt_only_what_would_change_is_said() -> None:
    doubt = LabelIssue("T-1", ["vpn", "wifi"], ["wifi", "proxy"], 0.97, "")
    assert (doubt.taken_away, doubt.added) == (["vpn"], ["proxy"])
    suspects = [LabelIssue(f"T-{number}", ["a"], ["b"], 0.9, "") for number in range(50)]
    opened = page.attribute_page(card(report(wrong_labels=LabelIssues(400, 70, suspects))), 0)
    assert (opened.suspects_total, len(opened.suspects)) == (70, 50), "figure, list and advice are one count"


@pytest.mark.parametrize(
    ("share", "words"), [(0.841, "84"), (0.999, "99"), (1.0, "100"), (0.001, "1"), (0.0, "0"), (0.5, "50")]
)
def test_nearly_all_is_not_all_and_hardly_any_is_not_none(share: float, words: str) -> None:
    assert in_hundred(share) == words


def test_differences_carry_their_sign() -> None:
    assert [points(0.013), points(-0.02), points(0.0001)] == ["+1.3", "\N{MINUS SIGN}2.0", "±0.0"]


def test_a_line_over_versions_stays_in_its_box() -> None:
    for values in ([0.8, 0.8], [0.1, 0.9, 0.5], [0.5] * 9):
        spark = page.spark_of(values)
        found = [tuple(map(float, point.split(","))) for point in spark.points.split()]
        assert len(found) == len(values)
        assert all(0 <= x <= 96 and 0 <= y <= 28 for x, y in found)
