from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otai.learning.data.normalisation import same_text_key
from otai.learning.data.splitting import (
    FEWEST_NEWEST,
    Split,
    newest_apart,
    related_numbers_of,
    split_as_given,
    split_by_hash,
)
from tests.learning.made_up import made_up_tickets

pytestmark = pytest.mark.pure


def split(texts: list[str], labels: dict[str, list[tuple[str, ...]]], seed: int = 0) -> Split:
    return split_by_hash(texts, labels, share=0.2, fewest_tickets=5, seed=seed)


def columns(tickets: int = 400) -> tuple[list[str], dict[str, list[tuple[str, ...]]]]:
    made = made_up_tickets(tickets)
    one = {name: [(str(value),) for value in made.attributes[name]] for name in ("queue", "priority")}
    return list(made.texts), one | {"tags": [tuple(value or ()) for value in made.attributes["tags"]]}


def test_a_fifth_of_the_tickets_is_kept_aside() -> None:
    texts, labels = columns()
    assert 0.16 <= len(split(texts, labels).holdout) / len(texts) <= 0.24


def test_every_label_of_every_attribute_has_about_its_share() -> None:
    texts, labels = columns()
    chosen = split(texts, labels)
    for name in ("queue", "priority"):
        total = Counter(label for row in labels[name] for label in row)
        held = Counter(label for row in chosen.holdout for label in labels[name][row])
        for label, count in total.items():
            assert abs(held[label] - 0.2 * count) <= max(3, 0.06 * count), (name, label)


def test_the_same_input_gives_the_same_split_and_another_seed_another() -> None:
    texts, labels = columns()
    assert np.array_equal(split(texts, labels).holdout, split(texts, labels).holdout)
    assert not np.array_equal(split(texts, labels).holdout, split(texts, labels, seed=1).holdout)


def test_a_data_set_that_grew_keeps_nearly_all_of_its_holdout() -> None:
    texts, labels = columns(400)
    grown_texts, grown_labels = columns(440)
    assert grown_texts[:400] == texts
    before = set(split(texts, labels).holdout.tolist())
    after = set(split(grown_texts, grown_labels).holdout.tolist())
    assert len(before & after) >= 0.8 * len(before)


def test_a_rare_label_keeps_the_tickets_it_needs_to_be_learnt() -> None:
    texts = [f"ticket number {number} of its kind" for number in range(106)]
    labels = {"queue": [("common",)] * 100 + [("rare",)] * 6}
    chosen = split(texts, labels)
    assert sum(row >= 100 for row in chosen.train) >= 5


def test_tickets_too_few_to_spare_any_give_no_holdout() -> None:
    texts = [f"ticket {number}" for number in range(10)]
    chosen = split(texts, {"queue": [("a",)] * 5 + [("b",)] * 5})
    assert len(chosen.holdout) == 0 and len(chosen.train) == 10


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["vpn", "VPN ", " v p n", "printer", "fire", "Fire\n"]), st.integers(0, 30), st.booleans()
        ),
        min_size=1,
        max_size=80,
    )
)
def test_the_same_text_is_never_on_both_sides(rows: list[tuple[str, int, bool]]) -> None:
    texts = [f"{word} {number}" if marked else f"  {word.upper()}   {number} " for word, number, marked in rows]
    labels = {"queue": [(word.strip().lower(),) for word, _, _ in rows]}
    chosen = split(texts, labels)
    train = {same_text_key(texts[row]) for row in chosen.train}
    assert not train & {same_text_key(texts[row]) for row in chosen.holdout}
    assert sorted([*chosen.train.tolist(), *chosen.holdout.tolist()]) == list(range(len(texts)))


def test_the_customers_split_wins_and_gives_up_training_tickets_that_are_tested() -> None:
    numbers = np.array([0, 1, 2, 1, 3])
    chosen = split_as_given(numbers, ["train", "train", "train", "test", None])
    assert chosen is not None
    assert chosen.train.tolist() == [0, 2] and chosen.holdout.tolist() == [3]
    assert chosen.fixed_by_customer and chosen.duplicates_moved == 1


@pytest.mark.parametrize("splits", [["train", "train"], ["test", "test"], [None, None], ["valid", ""]])
def test_a_split_with_one_side_only_is_no_split(splits: list[str | None]) -> None:
    assert split_as_given(np.array([0, 1]), splits) is None


def _related_tickets() -> list[str]:
    things = ("printer", "router", "screen", "invoice", "parcel")
    texts = []
    for n in range(200):
        texts.append(f"{things[n % 5]} number {n} gives trouble\nIt began today, colleague {n} has it too.")
        if n % 2:
            prefix = ("Re: ", "AW: ", "RE: Re: ", "Antw: ", "Odp: ", "RV: ")[n // 2 % 6]
            texts.append(
                f"{prefix}{things[n % 5]} number {n} gives trouble\nIt is not solved yet, please look again ({n})."
            )
    return texts


def test_answers_of_one_thread_stay_together() -> None:
    texts = _related_tickets()
    split = split_by_hash(texts, {"x": [("a",)] * len(texts)}, share=0.3, fewest_tickets=5, seed=0)
    threads = [text.partition("\n")[0].split(": ")[-1] for text in texts]
    assert not {threads[row] for row in split.train} & {threads[row] for row in split.holdout}
    assert 0.2 <= len(split.holdout) / len(texts) <= 0.35


def test_a_subject_that_everybody_writes_is_no_thread() -> None:
    texts = [f"{'Re: ' if n % 2 else ''}Problem with my printer\nIt is number {n}." for n in range(40)]
    assert len(set(related_numbers_of(texts).tolist())) == 40
    # Without an answer two tickets of one subject are two.
    assert len(set(related_numbers_of(["Router 7 is down\na", "Router 7 is down\nb"]).tolist())) == 2
    assert len(set(related_numbers_of(["Router 7 is down\na", "Re[2]: Router 7 is down\nb"]).tolist())) == 1


def test_relating_grows_with_the_tickets_alone() -> None:
    texts = [f"{'Re: ' if n % 2 else ''}Problem with thing number {n // 2}\nIt is {n}." for n in range(40_000)]
    began = time.process_time()
    assert len(set(related_numbers_of(texts).tolist())) == 20_000
    assert time.process_time() - began < 20


DAYS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(1_000)]


def test_the_newest_tickets_are_kept_aside_where_times_are_known() -> None:
    numbers = np.arange(1_000)
    shuffled = np.random.default_rng(0).permutation(1_000)
    times: list[datetime | None] = [DAYS[number] for number in shuffled]
    newest = newest_apart(times, numbers, {"queue": [("a",)] * 1_000}, share=0.1, fewest_tickets=5)
    assert set(shuffled[newest].tolist()) == set(range(900, 1_000))
    mostly_unknown: list[datetime | None] = [None] * 200 + times[200:]
    for unknown in (None, mostly_unknown, [DAYS[0]] * 1_000):
        assert not len(newest_apart(unknown, numbers, {"queue": [("a",)] * 1_000}, share=0.1, fewest_tickets=5))
    few = times[: 10 * (FEWEST_NEWEST - 1)]
    assert not len(newest_apart(few, numbers[: len(few)], {"queue": [("a",)] * len(few)}, share=0.1, fewest_tickets=5))


def test_a_thread_is_as_old_as_its_first_ticket_and_never_parted() -> None:
    # Every ticket of the last 200 days is written again about one of the first 200.
    numbers = np.concatenate([np.arange(800), np.arange(200)])
    newest = newest_apart(list(DAYS), numbers, {"queue": [("a",)] * 1_000}, share=0.1, fewest_tickets=5)
    assert newest.tolist() == list(range(700, 800))


def test_a_new_label_is_learnt_before_it_is_measured() -> None:
    labels = [("old",)] * 950 + [("new",)] * 50
    newest = newest_apart(list(DAYS), np.arange(1_000), {"queue": labels}, share=0.1, fewest_tickets=5)
    assert sum(labels[place] == ("new",) for place in newest) == 45
