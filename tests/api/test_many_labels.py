"""Thousands of labels: a summary of them is read with a data set, and all of them are read a page at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otai.learning.data.profile import AttributeProfile, LabelCount, Profile
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.tickets import queries
from otai.tickets.models import DataSet
from tests.api.callers import Program, answered
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)

ROWS, LABELS, ATTRIBUTES = 3_300, 1_100, 8


@pytest.fixture
def many(alice: Program) -> dict[str, Any]:
    """Eight attributes, of 1 100 labels each: two that are frequent, and others that three tickets carry or two."""
    names = [f"queue{number}" for number in range(ATTRIBUTES)]
    lines = [",".join(("body", *names))]
    for row in range(ROWS):
        label = f"often {row % 2}" if row % 3 == 0 and row < 1_000 else f"a team {row % (LABELS - 2)}"
        lines.append(f"The printer on floor {row} is on fire,{','.join([label] * ATTRIBUTES)}")
    asked = "&".join(f"attribute={name}" for name in names)
    query = f"/data-sets?name=support&filename=s.csv&{asked}"
    status, data_set = answered(alice.upload(query, "\n".join(lines).encode(), "text/csv"))
    assert status == 201, data_set
    return dict(data_set)


def test_a_summary_is_read_with_a_data_set_and_all_labels_a_page_at_a_time(
    alice: Program, carol: Program, acme: Organisation, many: dict[str, Any]
) -> None:
    path = f"/data-sets/{many['id']}"
    with CaptureQueriesContext(
        connection,
    ) as asked:
        _, whole = alice.get(path)
        _, found = alice.get(f"{path}/attributes")
    assert not [one["sql"] for one in asked if "tickets_label" in one["sql"]]
    assert len(json.dumps(whole)) < 200_000
    for one in (*whole["profile"]["attributes"], *found["items"]):
        assert (one["label_count"], len(one["labels"])) == (LABELS, 1_000 // ATTRIBUTES)
        assert one["labels"][0]["name"].startswith("often")
    assert whole["profile"]["attributes"][0]["learnable_labels"] == 2
    assert all(one["usable"] for one in found["items"])

    address = found["items"][3]["next"].removeprefix("/api/v1")
    assert carol.get(address)[0] == 404
    status, page = alice.get(f"{address}&limit=200")
    labels = page["items"]
    while status == 200 and page["next"]:
        status, page = alice.get(f"{address}&limit=200&cursor={page['next']}")
        labels += page["items"]
    assert len({label["name"] for label in labels}) == len(labels) == LABELS
    assert sum(label["count"] for label in labels) == ROWS
    assert [label["count"] for label in labels] == sorted((label["count"] for label in labels), reverse=True)
    status, refused = alice.get(f"{path}/attributes/labels?attribute=nobody")
    assert status == 404 and "“nobody”" in refused["error"]["message"]
    pages_read_no_label(acme, many["id"])
    summarised_again(DataSet.objects.get(id=many["id"]))


def pages_read_no_label(acme: Organisation, data_set: str) -> None:
    browser = of(member_of(acme, "bob", Role.OWNER, datetime.now(tz=UTC)))
    with CaptureQueriesContext(connection) as asked:
        shown = browser.get(f"/acme/tickets/{data_set}/").content.decode()
        browser.get("/acme/train/")
    assert f"{LABELS - 1_000 // ATTRIBUTES} rarer labels are not named here" in shown
    # How many can be learnt is counted by the database.
    assert not [one["sql"] for one in asked if "tickets_label" in one["sql"] and "COUNT" not in one["sql"]]


def summarised_again(data_set: DataSet) -> None:
    """A data set of before has all labels beside it, and says the same."""
    now = data_set.profile
    before = json.loads(json.dumps(now))
    for one, kept in zip(before["attributes"], data_set.attributes.order_by("position"), strict=True):
        one["labels"] = list(kept.labels.values("name", "count", "training_count"))
        del one["label_count"], one["learnable_labels"]
    DataSet.objects.filter(id=data_set.id).update(profile=before)
    data_set.refresh_from_db()
    assert queries.profile(data_set) == Profile.from_dict(now)
    import_module("otai.tickets.migrations.0004_profiles_are_summaries").summarise(apps, None)
    data_set.refresh_from_db()
    assert data_set.profile == now


def test_a_summary_names_as_many_as_fit_and_counts_all() -> None:
    labels = [LabelCount(f"label {rank}", 10 if rank < 300 else 1, 10 if rank < 300 else 1) for rank in range(400)]
    one = AttributeProfile.of_labels("q", kind="single", order=(), labelled=3_100, missing=0, labels=labels)
    assert (one.label_count, one.learnable_labels, one.rare_labels) == (400, 300, 100)
