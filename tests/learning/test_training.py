from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.normalisation import same_text_key
from otai.learning.data.tickets import LabelledTickets, Value
from otai.learning.errors import InputFailure
from otai.learning.evidence.card_answer import answer_of
from otai.learning.evidence.report_card import ReportCard
from otai.learning.linear import cross_fitting as fitting
from otai.learning.linear import spaces
from otai.learning.model.bundle import Bundle
from otai.learning.progress import Progress, Stage
from otai.learning.recipes import recipe_for
from otai.learning.training import Trained, train
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets, tickets_of, tickets_that_moved

pytestmark = pytest.mark.pure

BASIC = recipe_for("basic")


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(made_up_tickets(400), [QUEUE, PRIORITY, TAGS], BASIC)


def words(number: int) -> str:
    return f"words number {number} alpha{number % 7} beta{number % 11}"


def test_what_the_texts_say_is_learnt(trained: Trained) -> None:
    for name in ("queue", "priority"):
        report = trained.report_card.attribute(name)
        assert report.accuracy.value > report.majority.accuracy + 0.1
        assert report.macro_f1.value > 0.7
    tags = trained.report_card.attribute("tags")
    assert tags.micro_f1 is not None and tags.micro_f1 > 0.6


def test_a_prediction_names_label_confidence_and_runners_up(trained: Trained) -> None:
    ticket = trained.bundle.predict(["vpn router\nthe vpn cable and the wifi are down urgent immediately outage"])[0]
    assert ticket["queue"].label == "Network"
    assert ticket["priority"].label == "high"
    assert 0.5 < ticket["queue"].confidence <= 1
    assert {one.label for one in ticket["queue"].runners_up} == {"Billing", "Hardware", "Access"}
    assert all(one.confidence <= ticket["queue"].confidence for one in ticket["queue"].runners_up)
    assert "cable" in ticket["tags"].labels


def test_the_same_seed_gives_the_same_bundle(trained: Trained) -> None:
    again = train(made_up_tickets(400), [QUEUE, PRIORITY, TAGS], BASIC)
    assert again.bundle.to_bytes() == trained.bundle.to_bytes()
    without_times = [dataclasses.replace(one.report_card, seconds={}) for one in (again, trained)]
    assert without_times[0] == without_times[1]


def test_another_seed_keeps_other_tickets_aside(trained: Trained) -> None:
    other = train(made_up_tickets(400), [QUEUE], BASIC, seed=7)
    assert other.report_card.attribute("queue").confusion != trained.report_card.attribute("queue").confusion


def test_progress_counts_steps_through_every_stage_to_the_end() -> None:
    told: list[Progress] = []
    train(made_up_tickets(120), [QUEUE, PRIORITY], BASIC, told.append)
    assert [stage for stage in Stage if stage is not Stage.WRITING] == list(dict.fromkeys(one.stage for one in told))
    assert all(before.done <= after.done for before, after in pairwise(told))
    assert {one.total for one in told} == {told[-1].total} and told[-1].done == told[-1].total


def test_whoever_listens_can_stop_the_training() -> None:
    def stop(progress: Progress) -> None:
        if progress.stage is Stage.CALIBRATING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(made_up_tickets(120), [QUEUE], BASIC, stop)


def test_a_customers_split_is_never_learnt_from() -> None:
    tickets = made_up_tickets(300, splits=True)
    first = train(tickets, [QUEUE], BASIC)
    scrambled: list[Value] = [
        "Billing" if split == "test" else label
        for split, label in zip(tickets.splits or [], tickets.attributes["queue"], strict=True)
    ]
    second = train(dataclasses.replace(tickets, attributes={"queue": scrambled}), [QUEUE], BASIC)
    # What was said of the measured tickets, and what they really are, is kept beside the model: that part differs.
    bare = [dataclasses.replace(one.bundle, holdout=None).to_bytes() for one in (first, second)]
    assert bare[0] == bare[1]
    assert first.report_card.holdout == "given" and not first.report_card.final_model_learnt_holdout
    assert first.report_card.holdout_tickets == 60


def test_the_model_that_is_measured_knows_no_label_of_the_holdout() -> None:
    tickets = made_up_tickets(300)
    told = train(tickets, [QUEUE], BASIC).report_card
    assert told.holdout == "chosen" and told.final_model_learnt_holdout
    pure_chance = LabelledTickets(
        tickets.ids,
        tickets.texts,
        tickets.languages,
        {"queue": np.random.default_rng(0).choice(["a", "b"], 300).tolist()},
    )
    measured = train(pure_chance, [QUEUE], BASIC).report_card.attribute("queue")
    assert measured.accuracy.value < 0.7


def test_gaps_in_one_attribute_leave_the_others_alone() -> None:
    gaps = made_up_tickets(300, unlabelled=0.7)
    card = train(gaps, [QUEUE, PRIORITY], BASIC).report_card
    assert card.attribute("queue").train_tickets < 0.4 * card.attribute("priority").train_tickets
    assert card.attribute("queue").accuracy.value > 0.5
    assert "mostly_unlabelled" in codes(card)


def test_many_tickets_are_learnt_in_a_sketch_as_well(monkeypatch: pytest.MonkeyPatch, trained: Trained) -> None:
    monkeypatch.setattr(fitting, "MOST_TICKETS_EXACT", 100)
    monkeypatch.setattr(fitting, "SKETCH_COLUMNS", 512)
    sketched = train(made_up_tickets(400), [QUEUE, PRIORITY, TAGS], BASIC)
    assert sketched.bundle.sketch_columns == 512
    for name in ("queue", "priority"):
        ours, exact = sketched.report_card.attribute(name), trained.report_card.attribute(name)
        assert ours.accuracy.value > exact.accuracy.value - 0.1
    restored = Bundle.from_bytes(sketched.bundle.to_bytes())
    texts = made_up_tickets(20, seed=5).texts
    assert restored.predict(texts) == sketched.bundle.predict(texts)
    assert spaces.MOST_TICKETS_EXACT > 400


def test_scores_too_many_for_memory_are_fitted_in_turns(monkeypatch: pytest.MonkeyPatch, trained: Trained) -> None:
    monkeypatch.setattr(fitting, "MOST_SCORES_AT_ONCE", 1_000)
    turns = train(made_up_tickets(400), [QUEUE, PRIORITY, TAGS], BASIC)
    for name in ("queue", "priority", "tags"):
        assert turns.report_card.attribute(name).accuracy == trained.report_card.attribute(name).accuracy


# Bad input: a clear finding or a clear refusal, never a crash and never a silently bad model.


def codes(card: ReportCard) -> set[str]:
    return {finding.code for finding in card.findings}


@pytest.mark.parametrize(
    ("texts", "labels", "code"),
    [
        ([words(n) for n in range(40)], ["only"] * 40, "label_too_rare"),
        ([words(n) for n in range(40)], [f"label {n}" for n in range(40)], "label_too_rare"),
        (["", " ", "\n"] * 20, ["a", "b", "a"] * 20, "dataset_invalid"),
        (["Same text"] * 30 + ["same  TEXT "] * 30, ["a", "b"] * 30, "dataset_invalid"),
        ([words(n) for n in range(40)], [None] * 40, "dataset_invalid"),
        ([words(n) for n in range(40)], [""] * 20 + ["  "] * 20, "dataset_invalid"),
        ([], [], "dataset_invalid"),
    ],
    ids=["one label", "a label a ticket", "empty texts", "the same text", "no labels", "blank labels", "no tickets"],
)
def test_data_that_teach_nothing_are_refused(texts: list[str], labels: list[Value], code: str) -> None:
    with pytest.raises(InputFailure) as refusal:
        train(tickets_of(texts, labels), [QUEUE], BASIC)
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")


def test_an_attribute_that_does_not_exist_is_named() -> None:
    with pytest.raises(InputFailure, match="no attribute “colour”; they have queue") as refusal:
        train(tickets_of([words(1)], ["a"]), [AttributeSpec("colour")], BASIC)
    assert refusal.value.where == "colour"


def test_no_attribute_and_the_same_attribute_twice_are_refused() -> None:
    with pytest.raises(InputFailure, match="nothing to predict"):
        train(made_up_tickets(40), [], BASIC)
    with pytest.raises(InputFailure, match="named twice"):
        train(made_up_tickets(40), [QUEUE, QUEUE], BASIC)


def test_several_values_for_an_attribute_with_one_are_refused() -> None:
    with pytest.raises(InputFailure, match="several labels a ticket"):
        train(made_up_tickets(40), [AttributeSpec("tags")], BASIC)


def test_a_rare_label_is_left_out_and_reported() -> None:
    tickets = made_up_tickets(200)
    queues = ["Exotic" if row < 3 else label for row, label in enumerate(tickets.attributes["queue"])]
    card = train(dataclasses.replace(tickets, attributes={"queue": queues}), [QUEUE], BASIC).report_card
    assert "Exotic" not in card.attribute("queue").labels
    assert any("Exotic" in finding.values["named"] for finding in card.findings if finding.code == "labels_left_out")


def test_labels_that_differ_by_case_or_blanks_become_one() -> None:
    tickets = made_up_tickets(200)
    mixed = {"Billing": ["Billing", "billing", " Billing ", "BILLING\n"]}
    queues = [
        mixed.get(str(label), [label])[row % len(mixed.get(str(label), [label]))]
        for row, label in enumerate(tickets.attributes["queue"])
    ]
    card = train(dataclasses.replace(tickets, attributes={"queue": queues}), [QUEUE], BASIC).report_card
    assert card.attribute("queue").labels == ["Access", "Billing", "Hardware", "Network"]
    assert "labels_merged" in codes(card)


def test_a_few_empty_tickets_are_left_out_and_counted() -> None:
    tickets = made_up_tickets(200)
    texts = ["" if row < 10 else text for row, text in enumerate(tickets.texts)]
    card = train(dataclasses.replace(tickets, texts=texts), [QUEUE], BASIC).report_card
    assert any(finding.code == "empty_tickets" and finding.values == {"tickets": 10} for finding in card.findings)


def test_an_empty_ticket_gets_the_labels_frequencies(trained: Trained) -> None:
    ticket = trained.bundle.predict([""])[0]
    assert ticket["queue"].label == "Billing"
    assert 0.35 < ticket["queue"].confidence < 0.65


def test_a_hundred_thousand_words_and_binary_junk_are_just_tickets() -> None:
    tickets = made_up_tickets(200)
    texts = list(tickets.texts)
    texts[0] = "log " * 100_000
    texts[1] = bytes(range(256)).decode("latin-1") * 20
    texts[2] = "\x00\ufffe\ud800 broken"
    texts[3] = "打印机坏了 プリンター 🔥🔥"
    trained = train(dataclasses.replace(tickets, texts=texts), [QUEUE], BASIC)
    assert len(trained.bundle.predict(texts[:4])) == 4


def test_too_few_tickets_for_a_holdout_are_measured_all_the_same() -> None:
    texts = [f"vpn down number{n}" for n in range(5)] + [f"invoice wrong number{n}" for n in range(5)]
    card = train(tickets_of(texts, ["net"] * 5 + ["bill"] * 5), [QUEUE], BASIC).report_card
    assert card.holdout == "left_out" and "no_holdout" in codes(card)
    assert card.attribute("queue").holdout_tickets == 10


def test_texts_that_say_nothing_about_the_label_are_called_out() -> None:
    labels = np.random.default_rng(1).choice(["a", "b", "c"], 300, p=[0.7, 0.2, 0.1]).tolist()
    card = train(tickets_of([words(n) for n in range(300)], labels), [QUEUE], BASIC).report_card
    assert "no_signal" in codes(card)


def test_repeated_tickets_never_measure_themselves() -> None:
    tickets = made_up_tickets(100)
    repeated = tickets_of([*tickets.texts] * 4, [*tickets.attributes["queue"]] * 4)
    given = dataclasses.replace(repeated, splits=["train"] * 300 + ["test"] * 50 + ["train"] * 50)
    card = train(given, [QUEUE], BASIC).report_card
    assert card.train_tickets == 400 - 50 - 50 * 3
    assert "duplicates_across_split" in codes(card)
    assert len({same_text_key(text) for text in tickets.texts}) == 100


def test_a_tag_that_every_ticket_has_is_left_out() -> None:
    tickets = made_up_tickets(200)
    tags = [("always", *(value or ())) for value in tickets.attributes["tags"]]
    card = train(dataclasses.replace(tickets, attributes={"tags": tags}), [TAGS], BASIC).report_card
    assert "always" not in card.attribute("tags").labels


def test_an_ordered_attribute_without_an_order_counts_its_numbers() -> None:
    tickets = made_up_tickets(200)
    urgency = [{"low": "10", "medium": "9", "high": "1"}[str(value)] for value in tickets.attributes["priority"]]
    spec = AttributeSpec("urgency", AttributeKind.ORDERED)
    card = train(dataclasses.replace(tickets, attributes={"urgency": urgency}), [spec], BASIC).report_card
    assert card.attribute("urgency").labels == ["1", "9", "10"]
    assert card.attribute("urgency").mean_absolute_error is not None


def test_a_mode_without_a_recipe_is_refused() -> None:
    with pytest.raises(InputFailure, match="basic"):
        recipe_for("colossal")


def test_labels_drawn_at_random_are_not_worth_a_training() -> None:
    """Random answers reach a better macro F1 than always the same one: that is no yardstick for whether texts tell
    anything."""
    labels = np.random.default_rng(4).choice(["a", "b", "c", "d"], 600).tolist()
    card = train(tickets_of([words(n) for n in range(600)], labels), [QUEUE], BASIC).report_card
    [finding] = [one for one in card.findings if one.code in ("no_signal", "labels_confused", "labels_suspected")]
    assert finding.code == "no_signal" and finding.severity == "warning"
    assert finding.values["right"] == card.attribute("queue").accuracy.value
    assert finding.values["share"] == pytest.approx(0.25, abs=0.02)


def test_a_card_says_first_what_is_told_best_and_worst_and_what_is_guessed() -> None:
    data = made_up_tickets(600)
    drawn = np.random.default_rng(2).choice(["a", "b", "c"], 600).tolist()
    data = dataclasses.replace(data, attributes={**data.attributes, "drawn": drawn})
    card = train(data, [QUEUE, PRIORITY, TAGS, AttributeSpec("drawn")], BASIC).report_card
    best, left, guessed = card.findings[:3]
    assert (best.code, left.code, guessed.code) == ("best_and_worst", "left_to_it", "no_better_than_guessing")
    assert left.values["most"] != "drawn" and "drawn" not in left.values["also"]
    assert (best.values["best"], best.values["worst"]) == ("priority", "drawn")
    assert best.values["best_right"] == card.attribute("priority").accuracy.value
    assert guessed.values == {"attributes": ["drawn"]}
    one = train(data, [QUEUE], BASIC).report_card
    assert not {"best_and_worst", "no_better_than_guessing"} & codes(one) and "right_in" in codes(one)
    # Cards from before answer as well, by their figures.
    before = dataclasses.replace(card, findings=[])
    assert answer_of(before) == answer_of(card) == card.findings[:3]


def test_a_weak_signal_is_a_signal() -> None:
    """Seven of ten labels are random, and the most frequent one is right nearly as often as the model."""
    card = train(made_up_tickets(800, noise=0.7), [QUEUE], BASIC).report_card
    assert "no_signal" not in codes(card)
    assert card.attribute("queue").chance_of_no_signal < 0.01


def test_what_has_changed_of_late_is_measured_on_the_newest_tickets_and_said() -> None:
    timed = tickets_that_moved()
    card = train(timed, [QUEUE], recipe_for("basic")).report_card
    report = card.attribute("queue")
    assert card.newest is not None and card.newest.since >= "2027-09-01"
    assert report.holdout_tickets == card.newest.tickets == 70 and report.at_random is not None
    assert report.accuracy.value < 0.75 and report.at_random.accuracy.value > 0.85
    found = {finding.code: finding for finding in card.findings}
    assert found["newest_harder"].values == {
        "newest": report.accuracy.value,
        "others": report.at_random.accuracy.value,
    }
    assert found["newest_measured"].values["others"] == report.at_random.tickets == card.newest.others
    assert ReportCard.from_json(card.to_json()).to_json() == card.to_json()
    without = train(dataclasses.replace(timed, created_at=None), [QUEUE], recipe_for("basic")).report_card
    assert without.newest is None and without.attribute("queue").at_random is None


def test_times_travel_with_the_tickets(tmp_path: Path) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    timed = dataclasses.replace(made_up_tickets(3), created_at=[began, None, began + timedelta(seconds=1)])
    timed.write_parquet(tmp_path / "tickets.parquet")
    assert LabelledTickets.read_parquet(tmp_path / "tickets.parquet") == timed
