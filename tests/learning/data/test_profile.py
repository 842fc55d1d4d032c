"""A profile tells a customer what came in, before money is spent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from otai.learning.data.profile import Profile
from otai.learning.data.profiling import TEXT_HASH, ProfileBuilder, text_hashes
from otai.words.sentences import Fact

pytestmark = pytest.mark.pure


def batch(
    texts: list[str | None],
    *,
    split: list[str | None] | None = None,
    language: list[str | None] | None = None,
    **labels: list[Any],
) -> pa.RecordBatch:
    columns: dict[str, pa.Array] = {"body": pa.array(texts, pa.string())}
    if split:
        columns["split"] = pa.array(split, pa.string())
    if language:
        columns["language"] = pa.array(language, pa.string())
    for name, values in labels.items():
        kind = pa.list_(pa.string()) if any(isinstance(value, list) for value in values) else pa.string()
        columns[f"attribute:{name}"] = pa.array(values, kind)
    return pa.RecordBatch.from_pydict(columns)


def profile_of(*batches: pa.RecordBatch, **kinds: str) -> Profile:
    builder = ProfileBuilder(kinds)
    for one in batches:
        builder.add(one)
    return builder.finish()


def codes(profile: Profile) -> set[str]:
    return {finding.code for finding in profile.findings}


def texts(n: int) -> list[str | None]:
    return [f"this is the text of ticket number {index}" for index in range(n)]


def test_labels_are_counted_over_all_batches() -> None:
    profile = profile_of(batch(texts(3), queue=["a", "b", "a"]), batch(texts(5)[3:], queue=["a", None]), queue="single")
    queue = profile.attribute("queue")
    assert [(label.name, label.count) for label in queue.labels] == [("a", 3), ("b", 1)]
    assert (queue.labelled, queue.missing) == (4, 1)


def test_test_tickets_do_not_count_for_training() -> None:
    profile = profile_of(batch(texts(12), split=["train", "test"] * 6, queue=["a", "b"] * 6), queue="single")
    assert [label.training_count for label in profile.attribute("queue").labels] == [6, 0]
    assert "attribute_not_learnable" in codes(profile)
    assert profile.split == {"train": 6, "test": 6}


def test_every_label_of_a_multi_label_ticket_counts() -> None:
    profile = profile_of(batch(texts(3), tags=[["x", "y"], [], None]), tags="multi")
    tags = profile.attribute("tags")
    assert {label.name: label.count for label in tags.labels} == {"x": 1, "y": 1}
    assert (tags.labelled, tags.missing) == (2, 1)


def test_empty_tickets_are_counted_and_are_no_duplicates() -> None:
    profile = profile_of(batch(["", None, "  ", "text that is here"]))
    assert (profile.empty_tickets, profile.duplicate_tickets) == (3, 0)


def test_duplicates_are_found_over_batches_whatever_their_case_and_blanks() -> None:
    profile = profile_of(batch(["My Printer  burns", "other text"]), batch(["my printer burns\n", "third text"]))
    assert profile.duplicate_tickets == 1


def test_contradicting_duplicates_name_their_attribute() -> None:
    profile = profile_of(
        batch(["same text"] * 3 + ["other text"] * 2, queue=["a", "b", "a", "c", "c"], type=["x"] * 5),
        queue="single",
        type="single",
    )
    found = [finding for finding in profile.findings if finding.code == "contradicting_duplicates"]
    assert [finding.attribute for finding in found] == ["queue"]
    assert found[0].values["tickets"] == 3


def test_a_test_ticket_with_a_twin_in_training_is_found() -> None:
    assert "test_tickets_in_training" in codes(profile_of(batch(["same text", "same text"], split=["train", "test"])))


def test_rare_labels_are_those_below_five_training_tickets() -> None:
    profile = profile_of(batch(texts(14), queue=["a"] * 5 + ["b"] * 5 + ["c"] * 4), queue="single")
    found = next(finding for finding in profile.findings if finding.code == "rare_labels")
    assert found.values["examples"] == ["c"]
    assert profile.attribute("queue").is_learnable


def test_labels_that_differ_in_case_or_blanks_are_shown_together() -> None:
    profile = profile_of(batch(texts(4), queue=["IT Support", "it-support", "IT  support", "Billing"]), queue="single")
    found = next(finding for finding in profile.findings if finding.code == "labels_look_alike")
    assert found.values["groups"] == [{"IT  support": 1, "IT Support": 1, "it-support": 1}]


def test_a_label_copied_into_the_text_is_a_leak() -> None:
    queues = [("billing", "hardware", "logistics", "security")[n % 4] for n in range(200)]
    leaking = batch([f"ticket {n}\nQueue: {queue.title()}" for n, queue in enumerate(queues)], queue=queues)
    found = [finding for finding in profile_of(leaking, queue="single").findings if finding.code == "label_in_text"]
    assert len(found) == 1
    assert found[0].values["share"] == 1.0
    assert found[0].values["lift"] > 20


def test_a_label_that_texts_mention_whatever_their_label_is_no_leak() -> None:
    queues = [("billing", "hardware")[n % 2] for n in range(200)]
    mentioning = batch([f"question {n} about billing or hardware" for n in range(200)], queue=queues)
    assert "label_in_text" not in codes(profile_of(mentioning, queue="single"))


def test_one_label_for_nearly_all_is_pointed_out() -> None:
    assert "one_label_dominates" in codes(profile_of(batch(texts(100), queue=["a"] * 95 + ["b"] * 5), queue="single"))


def test_languages_are_shares_of_the_tickets_looked_at() -> None:
    import numpy as np

    builder = ProfileBuilder({}, languages_read=Fact("languages_detected_for_some", {"every": 2}))
    builder.add(batch(texts(4), language=["de", None, "en", None]), language_known=np.array([True, False, True, False]))
    assert builder.finish().languages == {"de": 0.5, "en": 0.5}


def test_lengths_and_times_span_what_came_in() -> None:
    at = [datetime(2026, 1, 1, tzinfo=UTC), None, datetime(2026, 3, 1, tzinfo=UTC)]
    builder = ProfileBuilder({})
    builder.add(
        pa.RecordBatch.from_pydict(
            {"body": pa.array(["a", "bb", "ccc"]), "created_at": pa.array(at, pa.timestamp("us", tz="UTC"))}
        )
    )
    profile = builder.finish()
    assert (profile.text_length["minimum"], profile.text_length["median"], profile.text_length["maximum"]) == (1, 2, 3)
    assert (profile.first_created_at, profile.last_created_at) == (
        "2026-01-01T00:00:00+00:00",
        "2026-03-01T00:00:00+00:00",
    )


def test_how_tickets_were_batched_makes_no_difference() -> None:
    n = 300
    values = {"queue": [("a", "b", None)[k % 3] for k in range(n)], "tags": [[("x", "y")[k % 2]] for k in range(n)]}
    whole = batch(texts(n), **values)
    parts = [whole.slice(start, 7) for start in range(0, n, 7)]
    assert profile_of(whole, queue="single", tags="multi") == profile_of(*parts, queue="single", tags="multi")


def test_a_profile_comes_back_from_json_the_same() -> None:
    profile = profile_of(batch(texts(6), queue=["a"] * 5 + ["b"], language=["en"] * 6), queue="single")
    assert profile.findings
    assert Profile.from_dict(json.loads(json.dumps(profile.as_dict()))) == profile


def test_no_tickets_are_no_profile() -> None:
    with pytest.raises(ValueError, match="no tickets"):
        ProfileBuilder({}).finish()


def test_many_attributes_are_counted_and_contradictions_beyond_the_kept_ones_are_still_noticed() -> None:
    names = {f"a{n}": ["x", "x"] for n in range(30)} | {"last": ["x", "y"]}
    profile = profile_of(batch(["same text", "same text"], **names), **dict.fromkeys(names, "single"))
    assert profile.contradicting_duplicates == 2


def test_what_is_kept_of_a_batch_does_not_hold_the_batch() -> None:
    builder = ProfileBuilder({})
    batch = pa.RecordBatch.from_arrays(
        [pa.array(["a printer", "a router"]), pa.array(["x" * 100, "y"])], names=["subject", "body"]
    )
    hashed = text_hashes(batch)
    builder.add(batch.append_column(TEXT_HASH, hashed))
    # A view of a column would keep a gigabyte of texts in memory, batch by batch.
    kept = builder._text_hashes.numbers
    column = np.frombuffer(hashed.buffers()[1], dtype=np.uint8)
    assert kept.base is not None and kept.base.flags.owndata and not np.shares_memory(kept, column)
    assert builder.finish().duplicate_tickets == 0
