"""Queues come and go; a rename is not a removal and an addition."""

from __future__ import annotations

from collections import Counter

import pytest

from otai.learning.data.label_changes import label_changes

pytestmark = pytest.mark.pure
LEARNT = {"billing": 400, "network": 300, "accounts": 300, "printers": 10}


def changes(now: dict[str, int], moved: dict[str, Counter] | None = None, predicted: dict[str, Counter] | None = None):
    return label_changes(learnt=LEARNT, now=now, moved=moved or {}, predicted=predicted or {})


def test_nothing_changed_is_quiet_also_where_shares_waver() -> None:
    assert not changes({"billing": 90, "network": 70, "accounts": 35, "printers": 2})
    assert not changes({"billing": 90, "network": 70, "accounts": 60, "odd one": 3}), "three tickets are no queue"


def test_a_rename_is_seen_in_what_the_model_makes_of_its_tickets() -> None:
    found = changes(
        {"billing": 90, "infrastructure": 70, "accounts": 60},
        predicted={"infrastructure": Counter(network=62, billing=5, accounts=3)},
    )
    assert (dict(found.renamed), found.added, found.removed) == ({"network": "infrastructure"}, (), ())
    assert found.only_renamed


def test_tickets_that_moved_say_more_than_predictions() -> None:
    found = changes(
        {"billing": 90, "infrastructure": 70, "accounts": 60},
        moved={"infrastructure": Counter(network=40)},
        predicted={"infrastructure": Counter(billing=60)},
    )
    assert dict(found.renamed) == {"network": "infrastructure"}


def test_a_split_whose_name_is_gone_and_one_that_keeps_it() -> None:
    predicted = {"wifi": Counter(network=30, billing=2), "vpn": Counter(network=31)}
    gone = changes({"billing": 90, "wifi": 32, "vpn": 31, "accounts": 60}, predicted=predicted)
    assert dict(gone.split) == {"network": ("vpn", "wifi")}
    kept = changes({"billing": 90, "network": 20, "wifi": 42, "accounts": 60}, predicted=predicted)
    assert dict(kept.split) == {"network": ("network", "wifi")}
    assert not kept.only_renamed


def test_two_joined_into_one() -> None:
    found = changes(
        {"office": 130, "accounts": 60},
        predicted={"office": Counter(billing=70, network=50, accounts=10)},
    )
    assert dict(found.joined) == {"office": ("billing", "network")}
    assert found.removed == ()


def test_a_new_queue_is_new_and_a_closed_one_is_gone() -> None:
    found = changes(
        {"billing": 200, "network": 150, "facilities": 60},
        predicted={"facilities": Counter(billing=25, network=20, accounts=15)},
    )
    assert (found.added, found.removed) == (("facilities",), ("accounts",))


def test_a_new_queue_that_looks_like_one_that_is_still_there_is_new() -> None:
    found = changes(
        {"billing": 90, "network": 70, "accounts": 62, "vip billing": 10},
        predicted={"vip billing": Counter(billing=10)},
    )
    assert (found.added, dict(found.split), dict(found.renamed)) == (("vip billing",), {}, {})
