"""Labels that people got wrong are found among tickets that the model did not learn."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from otai.learning.data.tickets import LabelledTickets, Value
from otai.learning.evidence.label_issues import LEAST_MARGIN, MOST_LISTED, find_label_issues
from otai.learning.evidence.report_card import EXCERPT_CHARACTERS, LabelIssues, ReportCard, excerpt_of
from otai.learning.recipes import recipe_for
from otai.learning.training import Trained, train
from tests.learning.made_up import PRIORITY, QUEUE, QUEUES, TAGS, made_up_tickets, tickets_of

pytestmark = pytest.mark.pure

PLANTED = range(3, 600, 20)


def tickets_with_planted_errors() -> LabelledTickets:
    """600 tickets, every twentieth with a wrong queue, and every twentieth with a tag too many."""
    chance = random.Random(5)
    tickets = made_up_tickets(600, noise=0.0)
    queues: list[Value] = list(tickets.attributes["queue"])
    tags: list[Value] = list(tickets.attributes["tags"])
    for row in PLANTED:
        queues[row] = chance.choice([queue for queue in QUEUES if queue != queues[row]])
        given = tags[row]
        assert isinstance(given, tuple)
        tags[row] = (*given, next(tag for tag in ("invoice", "router") if tag not in given))
    texts = list(tickets.texts)
    texts[3] += " thanks team" * 20
    return dataclasses.replace(tickets, texts=texts, attributes={**tickets.attributes, "queue": queues, "tags": tags})


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(tickets_with_planted_errors(), [QUEUE, PRIORITY, TAGS], recipe_for("basic"))


def wrong(trained: Trained, name: str) -> LabelIssues:
    found = trained.report_card.attribute(name).wrong_labels
    assert found is not None
    return found


def test_planted_errors_come_first_with_the_label_that_fits(trained: Trained) -> None:
    found, truth = wrong(trained, "queue"), made_up_tickets(600, noise=0.0)
    assert found.examined == 600
    rows = [int(suspect.ticket_id.removeprefix("T-")) for suspect in found.suspects]
    assert np.mean([row in PLANTED for row in rows[:20]]) >= 0.9
    assert len(set(rows) & set(PLANTED)) >= 0.8 * len(PLANTED)
    right = [
        suspect.suggested == [truth.attributes["queue"][row]]
        for suspect, row in zip(found.suspects, rows, strict=True)
        if row in PLANTED
    ]
    assert np.mean(right) > 0.9
    assert all(0 < suspect.confidence <= 1 and suspect.given != suspect.suggested for suspect in found.suspects)


def test_both_kept_aside_and_learnt_tickets_are_examined(trained: Trained) -> None:
    holdout = trained.report_card.attribute("queue").holdout_tickets
    assert 0 < holdout < wrong(trained, "queue").examined


def test_a_label_that_texts_say_is_not_suspected_where_nobody_erred(trained: Trained) -> None:
    assert wrong(trained, "priority").total <= 6


def test_a_tag_too_many_is_named_and_the_other_tags_stay(trained: Trained) -> None:
    found = wrong(trained, "tags")
    rows = [int(suspect.ticket_id.removeprefix("T-")) for suspect in found.suspects]
    planted = [suspect for suspect, row in zip(found.suspects, rows, strict=True) if row in PLANTED]
    # A ticket has at most two of its tags, so some that look missing really were left out.
    assert len(planted) >= 0.6 * len(PLANTED) and np.mean([row in PLANTED for row in rows[:20]]) >= 0.6
    assert all(set(suspect.suggested) < set(suspect.given) for suspect in planted[:10])


def test_the_list_and_its_texts_are_bounded(trained: Trained) -> None:
    for report in trained.report_card.attributes:
        assert report.wrong_labels is not None
        assert len(report.wrong_labels.suspects) <= min(MOST_LISTED, report.wrong_labels.total)
        assert all(len(suspect.excerpt) <= EXCERPT_CHARACTERS for suspect in report.wrong_labels.suspects)
        assert all(len(text) <= EXCERPT_CHARACTERS for pair in report.confused_pairs for text in pair.excerpts)


def test_the_card_says_it_and_travels_as_json(trained: Trained) -> None:
    card = trained.report_card
    said = [one for one in card.findings if one.code == "labels_suspected"]
    assert any(one.attribute == "queue" and one.values["examined"] == 600 for one in said)
    assert ReportCard.from_json(card.to_json()).attributes == card.attributes


def test_a_card_without_texts_has_no_word_of_any_ticket(trained: Trained) -> None:
    bare = trained.report_card.without_texts()
    said = bare.to_json()
    assert "ticket 3" not in said and "wifi router" not in said
    assert [one.accuracy for one in bare.attributes] == [one.accuracy for one in trained.report_card.attributes]
    suspects = bare.attributes[0].wrong_labels
    assert suspects is not None and suspects.suspects[0].ticket_id.startswith("T-")


def test_label_issues_are_those_of_the_paper_by_hand() -> None:
    # Thresholds: of label 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, of label 1 (0.9 + 0.7 + 0.45) / 3 = 0.683.
    first = np.array([0.9, 0.8, 0.1, 0.1, 0.3, 0.55])
    found = find_label_issues(np.stack([first, 1 - first], axis=1), np.array([0, 0, 0, 1, 1, 1]))
    # The third is surely the other label; the last leans to label 0, but not as far as tickets of label 0 do.
    assert found.at.tolist() == [2] and found.suggested.tolist() == [1]
    assert found.confidence[0] == pytest.approx(0.9)


def test_few_tickets_are_examined_by_the_models_that_measured_them() -> None:
    texts = [f"invoice {number}" for number in range(5)] + [f"printer {number}" for number in range(5)]
    card = train(tickets_of(texts, ["a"] * 5 + ["b"] * 5), [QUEUE], recipe_for("basic")).report_card
    report = card.attribute("queue")
    assert card.holdout == "left_out" and report.learning_curve is None
    assert report.wrong_labels is not None and report.wrong_labels.examined == 10


def test_an_excerpt_is_one_line_and_ends_with_dots_where_it_was_cut() -> None:
    assert excerpt_of("Printer\n\nis  on\tfire") == "Printer is on fire"
    assert excerpt_of("a\x00b\ud800c\u202ed") == "a b c d"
    cut = excerpt_of("word " * 1_000_000)
    assert len(cut) == EXCERPT_CHARACTERS and cut.endswith("…")


def test_the_label_issues_are_those_of_the_library_of_the_method() -> None:
    """cleanlab, of the authors of confident learning, finds the same tickets; ours keeps those with a clear margin, in
    the same order."""
    from cleanlab.filter import find_label_issues as find_by_cleanlab

    chance = np.random.default_rng(7)
    codes = chance.integers(0, 6, 3_000)
    probabilities = chance.dirichlet(np.full(6, 0.4), 3_000)
    told = chance.random(3_000) < 0.8
    probabilities[told] = 0.3 * probabilities[told] + 0.7 * np.eye(6)[codes[told]]
    theirs = find_by_cleanlab(
        codes,
        probabilities,
        filter_by="confident_learning",
        return_indices_ranked_by="normalized_margin",
        min_examples_per_class=0,
        n_jobs=1,
    )
    rows = np.arange(len(codes))
    others = probabilities.copy()
    others[rows, codes] = -1
    margin = probabilities[rows, codes] - others.max(axis=1)
    clear = [int(row) for row in theirs if margin[row] <= -LEAST_MARGIN]
    assert len(clear) > 100
    assert find_label_issues(probabilities, codes).at.tolist() == clear
