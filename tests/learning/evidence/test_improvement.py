"""What would raise an attribute: only what its own evidence says."""

from __future__ import annotations

import dataclasses

import pytest

from otai.learning.estimate import Estimate
from otai.learning.evidence.expected_quality import gains_over_basic
from otai.learning.evidence.improvement import ImprovementKind, improvements, tickets_needed
from otai.learning.evidence.report_card import Forecast, LabelIssue, LabelIssues, LabelReport, LearningCurve
from otai.words.catalogue import say_fact
from tests.runs.guarantees import attribute_report

pytestmark = pytest.mark.pure


def report(**changes):
    return dataclasses.replace(attribute_report("queue", 0.6), **changes)


def kinds(found) -> list[str]:
    return [one.kind.value for one in found]


def test_nothing_wrong_and_nothing_stronger_says_nothing() -> None:
    assert improvements(report(), mode="maximum") == []


def test_suspected_labels_come_first_and_say_which_tickets() -> None:
    suspect = LabelIssue("T7", ["a"], ["b"], 0.97, "the printer is on fire")
    found = improvements(
        report(wrong_labels=LabelIssues(400, 23, [suspect]), confusion=[[0, 1, 9], [1, 0, 8]]), mode="maximum"
    )
    assert kinds(found) == ["wrong_labels", "merge_labels"]
    assert found[0].sentence.startswith("23 of 400 labels look wrong")
    assert found[0].details["suspects"][0]["ticket"] == "T7"
    assert found[0].gain is None


def test_labels_confused_both_ways_are_to_be_joined_with_what_that_gains() -> None:
    [merge] = improvements(report(confusion=[[0, 0, 40], [0, 1, 6], [1, 0, 4], [1, 1, 50]]), mode="maximum")
    assert merge.kind is ImprovementKind.MERGE_LABELS
    assert (merge.details["labels"], merge.details["confused"]) == (["a", "b"], [6, 4])
    assert merge.gain.value == 0.10
    assert improvements(report(confusion=[[0, 1, 10]]), mode="maximum") == [], "one way only: the two are no one label"


def test_more_tickets_where_the_curve_still_rises_and_how_many() -> None:
    curve = LearningCurve([], [Forecast(500, Estimate(0.02, 0.01, 0.03), Estimate(0.03, 0.01, 0.05))])
    [more] = improvements(report(learning_curve=curve), mode="maximum")
    assert (more.kind, more.gain.value) == (ImprovementKind.MORE_TICKETS, 0.02)
    assert tickets_needed(report(learning_curve=curve), 0.01) == 250
    assert tickets_needed(report(learning_curve=curve), 0.05) is None, "further than the curve can be trusted"
    flat = LearningCurve([], [Forecast(500, Estimate(0.0, -0.001, 0.001), Estimate(0.0, 0.0, 0.0))])
    assert improvements(report(learning_curve=flat), mode="maximum") == []


def test_thin_labels_are_named_with_what_they_lack() -> None:
    thin = LabelReport("visa", 6, 2, 0, None, 0.0, 0.0)
    fine = LabelReport("vpn", 8, 2, 2, 1.0, 1.0, 1.0)
    [found] = improvements(report(per_label=[thin, fine]), mode="maximum")
    assert found.details == {"labels": {"visa": 14}, "missing_tickets": 14}


def test_a_stronger_mode_has_the_gain_that_was_measured_or_none() -> None:
    found = improvements(report(), mode="basic", gains_of_modes=gains_over_basic(), modes_allowed=("basic", "business"))
    assert kinds(found) == ["stronger_mode"]
    assert found[0].gain.low < found[0].gain.value < found[0].gain.high
    [unknown] = improvements(report(), mode="business", gains_of_modes={"basic": [(0, 0)]})
    assert (unknown.gain, unknown.details) == (None, {"mode": "maximum"})


def test_contradictions_and_a_rare_language_are_said() -> None:
    found = improvements(report(), mode="maximum", contradicting_duplicates=12, languages={"en": 0.97, "de": 0.03})
    assert kinds(found) == ["duplicates", "language"]


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_every_improvement_is_said_in_every_language_with_its_figures(language: str) -> None:
    suspect = LabelIssue("T7", ["a"], ["b"], 0.97, "the printer is on fire")
    curve = LearningCurve([], [Forecast(500, Estimate(0.02, 0.01, 0.03), Estimate(0.03, 0.01, 0.05))])
    found = improvements(
        report(
            wrong_labels=LabelIssues(400, 23, [suspect]),
            confusion=[[0, 1, 9], [1, 0, 8]],
            learning_curve=curve,
            per_label=[LabelReport("visa", 6, 2, 0, None, 0.0, 0.0)],
        ),
        mode="basic",
        contradicting_duplicates=12,
        languages={"en": 0.97, "de": 0.03},
        gains_of_modes=gains_over_basic(),
    )
    assert {one.kind for one in found} == set(ImprovementKind)
    said = {one.kind.value: say_fact(one.fact, language=language) for one in found}
    assert not [text for text in said.values() if "{" in text or text.startswith("improvement.")]
    assert "23" in said["wrong_labels"] and "400" in said["wrong_labels"]
    assert "17" in said["merge_labels"] and "500" in said["more_tickets"] and "12" in said["duplicates"]
    assert "visa (6)" in said["thin_labels"] and "14" in said["thin_labels"] and "3" in said["language"]
    english = {one.sentence for one in found}
    assert english.isdisjoint(said.values()) == (language != "en")
