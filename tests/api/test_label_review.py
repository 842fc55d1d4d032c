"""A program finds tickets, looks through labels, and takes feedback back; a second one gets other questions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.serving import feedback
from otai.serving.models import Feedback, ModelVersion
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program, answered
from tests.serving.doubtful import WRONG, doubt, doubtful
from tests.serving.training_here import trained

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    """Endpoints read the clock themselves."""
    return utc_now()


@pytest.fixture
def version(acme: Organisation, tmp_path: Path, now: datetime) -> ModelVersion:
    made = trained(acme, stories.searchable(doubtful(acme, tmp_path, now), tmp_path, now), now)
    doubt(made)
    return made


def test_from_the_first_question_to_the_next_version(alice: Program, acme: Organisation, version: ModelVersion) -> None:
    of_set = f"/data-sets/{version.run.data_set_id}"
    status, found = answered(alice.call("GET", f"{of_set}/search?q=vpn&attribute=queue&label=network&limit=3"))
    assert status == 200 and len(found["items"]) == 3 and found["items"][0]["labels"]["queue"] == ["network"]
    status, said = answered(alice.call("GET", f"{of_set}/search?model=support&attribute=queue&wrong=true"))
    assert status == 200 and all(one["predicted"] != one["labels"]["queue"] for one in said["items"])

    _status, queue = answered(alice.call("GET", f"{of_set}/review?attribute=queue"))
    assert (queue["open"], queue["decided"], queue["changes"]) == (WRONG, 0, 0)
    bob = Program(acme, name="second")
    [mine, theirs] = [answered(who.call("POST", f"{of_set}/review/next", {}))[1]["item"] for who in (alice, bob)]
    assert mine["id"] != theirs["id"]
    at = f"{of_set}/review/{mine['id']}"
    status, refused = answered(bob.call("POST", f"{at}/answer", {"verdict": "keep"}))
    assert (status, refused["error"]["code"]) == (409, "review_moved")
    status, taken = answered(alice.call("POST", f"{at}/answer", {"verdict": "take"}))
    assert (status, taken["labels"]) == (200, mine["suggested"])
    assert answered(alice.call("POST", f"{at}/undo"))[1]["verdict"] is None
    alice.call("POST", f"{at}/answer", {"verdict": "other", "labels": ["facilities"]})
    status, made = answered(alice.call("POST", f"{of_set}/review/version", {"why": "a look"}, Prefer="wait=20"))
    assert status == 201 and made["changed"] == 1 and made["data_set"]["version"] == 2
    assert DataSet.objects.count() == 2
    status, refused = answered(alice.call("POST", f"{at}/undo"))
    assert (status, refused["error"]["code"]) == (409, "review_moved")


def test_feedback_is_withdrawn_until_it_is_part_of_the_tickets(
    alice: Program, acme: Organisation, version: ModelVersion, now: datetime
) -> None:
    said = [feedback.Correction(f"a new ticket {number}", {"queue": ("network",)}) for number in range(2)]
    feedback.give(version=version, corrections=said, by="bob", key="k", now=now)
    [last, first] = answered(alice.call("GET", "/models/support/feedback"))[1]["items"]
    for _ in range(2):
        assert alice.call("DELETE", f"/models/support/feedback/{first['id']}").status_code == 204
    assert answered(alice.call("GET", "/models/support/feedback/waiting"))[1]["statements"] == 1
    feedback.merge(organisation=acme, name="support", by="alice", now=now)
    assert Feedback.objects.get(id=first["id"]).merged_into is None
    status, refused = answered(alice.call("DELETE", f"/models/support/feedback/{last['id']}"))
    assert (status, refused["error"]["code"]) == (409, "feedback_merged")
