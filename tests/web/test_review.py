"""Alice and Bob look through labels that look wrong: one at a time, each by one person, and what was decided stays."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.serving import deletion, feedback
from otai.serving.models import Feedback, ModelVersion, ReviewItem
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from tests import stories
from tests.serving.doubtful import WRONG, doubt, doubtful
from tests.serving.training_here import trained
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


@pytest.fixture
def version(acme: Organisation, tmp_path: Path, now: datetime) -> ModelVersion:
    made = trained(acme, stories.searchable(doubtful(acme, tmp_path, now), tmp_path, now), now)
    assert len(doubt(made)) == WRONG
    return made


@pytest.fixture
def bob(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "bob", Role.TRAINER, now))


def address(version: ModelVersion) -> str:
    return f"/acme/tickets/{version.run.data_set_id}/review/"


def begins(who: Client, at: str, **wanted: str) -> Any:
    """The page of the first question."""
    page = who.get(at, follow=True)
    assert page.status_code == 200
    answer = who.post(f"{at}next", wanted, follow=True)
    assert answer.status_code == 200
    return answer


def here(page: Any) -> str:
    return str(page.redirect_chain[-1][0].partition("?")[0])


def asked(page: Any) -> ReviewItem:
    return ReviewItem.objects.get(id=here(page).rstrip("/").rpartition("/")[2])


def answers(who: Client, page: Any, verdict: str, **more: Any) -> Any:
    return who.post(f"{here(page)}decide", {"verdict": verdict, **more}, follow=True)


def queue_of(data_set: DataSet) -> dict[str, Any]:
    return {row["ticket"]: row["attribute:queue"] for row in tickets.tickets(data_set)}


def newest() -> DataSet:
    return DataSet.objects.order_by("-version")[0]


def test_a_queue_is_looked_through_and_becomes_a_version_that_later_runs_do_not_ask_about(
    acme: Organisation, alice: Client, version: ModelVersion, now: datetime
) -> None:
    at = address(version)
    page = begins(alice, at)
    body = page.content.decode()
    first = asked(page)
    whole = next(row for row in tickets.tickets(version.run.data_set) if row["ticket"] == first.ticket)
    assert html.escape(whole["body"]) in body, "the whole ticket"
    assert " · English" in body and " · en" not in body, "its language by name"
    assert f"0 of {WRONG}" in body and "Take the suggestion" in body and "<kbd>T</kbd>" in body
    beside = body.partition("Tickets like it")[2]
    assert first.suggested[0] in beside, "labelled tickets like it"

    page = answers(alice, page, "take")
    assert f"1 of {WRONG}" in page.content.decode()
    page = answers(alice, page, "keep")
    kept = ReviewItem.objects.get(verdict="keep")
    page = answers(alice, page, "other", new="facilities")
    other = ReviewItem.objects.get(verdict="other")
    skipped = asked(page)
    page = answers(alice, page, "skip")
    assert asked(page) != skipped

    [back] = re.findall(r'action="([^"]*/undo)"', page.content.decode())
    page = alice.post(back, follow=True)
    assert asked(page) == other and ReviewItem.objects.filter(verdict="other").count() == 0
    page = answers(alice, page, "other", new="facilities")
    while here(page) != at:
        page = answers(alice, page, "take")
    body = page.content.decode()
    assert "All of them are looked through" in body and skipped.ticket in body
    assert newest().version == 1, "nothing is made unasked"

    made = alice.post(f"{at}version", follow=True)
    assert made.status_code == 200 and newest().version == 2
    was, now_is = queue_of(version.run.data_set), queue_of(newest())
    assert now_is[first.ticket] == first.suggested[0] and now_is[kept.ticket] == was[kept.ticket]
    assert now_is[other.ticket] == "facilities"
    assert {one for one in was if was[one] != now_is[one]} == set(
        ReviewItem.objects.exclude(verdict="keep").values_list("ticket", flat=True)
    )
    assert "/undo" not in alice.get(at).content.decode().partition("Decided")[2].partition(kept.ticket)[0]

    again = trained(acme, newest(), now + timedelta(hours=1))
    assert kept.ticket in doubt(again), "the training doubts it still"
    body = alice.get(at).content.decode()
    assert "Look through them" not in body, "and nobody is asked again"


def test_two_people_get_different_tickets_and_never_decide_one_twice(
    acme: Organisation, alice: Client, bob: Client, version: ModelVersion
) -> None:
    at = address(version)
    of_alice, of_bob = begins(alice, at), begins(bob, at)
    assert asked(of_alice) != asked(of_bob)
    assert "Looking at others now: alice@acme.example" in html.unescape(of_bob.content.decode()).replace(
        "Alice", "alice"
    )

    seen = bob.get(here(of_alice)).content.decode()
    assert "looks at this ticket now: " in seen
    refused = bob.post(f"{here(of_alice)}decide", {"verdict": "keep"}, follow=True)
    assert "Nothing was changed" in refused.content.decode()
    assert asked(of_alice).verdict == ""

    # Alice went to lunch: her claim is over, and Bob may answer.
    ReviewItem.objects.update(claimed_until=utc_now() - timedelta(seconds=1))
    bob.post(f"{here(of_alice)}decide", {"verdict": "take"})
    late = alice.post(f"{here(of_alice)}decide", {"verdict": "keep"}, follow=True).content.decode()
    assert "bob@acme.example decided" in late.lower() and "Your answer was not taken" in late
    assert asked(of_alice).verdict == "take" and asked(of_alice).decided_by == "bob@acme.example"


def test_filters_of_attribute_label_and_confidence(alice: Client, version: ModelVersion) -> None:
    at = address(version)
    begins(alice, at)
    row = ReviewItem.objects.get()
    some = alice.get(at, {"attribute": "queue", "label": row.given[0]}, follow=True).content.decode()
    assert row.ticket in some
    page = alice.post(f"{at}next", {"label": row.given[0], "sure": "0.5"}, follow=True)
    assert "sure=0.5" in page.redirect_chain[-1][0] and row.given[0] in (*asked(page).given, *asked(page).suggested)
    assert "Look through them" not in alice.get(at, {"attribute": "tags"}).content.decode()


def test_of_several_labels_only_what_comes_and_goes_is_shown(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime
) -> None:
    support = stories.searchable(doubtful(acme, tmp_path, now), tmp_path, now)
    version = trained(acme, support, now, attributes=("tags",))
    card = version.run.report_card
    card["attributes"][0]["wrong_labels"] = {"examined": 9, "total": 1, "suspects": [
        {"ticket_id": "T-0", "given": ["billing", "all"], "suggested": ["network", "all"], "confidence": 0.97,
         "excerpt": ""},
    ]}  # fmt: skip
    version.run.save(update_fields=["report_card"])
    page = begins(alice, address(version))
    question = page.content.decode().partition('<p class="lead">')[2].partition("</p>")[0]
    assert "billing" in question and "network" in question and "all" not in re.sub("<[^>]*>", "", question)
    answers(alice, page, "other", other=["all", "accounts"])
    assert ReviewItem.objects.get().labels == ["all", "accounts"]


def test_a_colleagues_correction_is_confirmed_changed_or_withdrawn(
    acme: Organisation, alice: Client, version: ModelVersion, now: datetime
) -> None:
    said = [
        feedback.Correction("invoice wrong amount for the tomato order", {"queue": ("accounts",)}),
        feedback.Correction("vpn drops every minute in the attic", {"queue": ("billing",)}),
    ]
    feedback.give(version=version, corrections=said, by="carol@acme.example", key="k", now=now)
    version.run.report_card["attributes"][0]["wrong_labels"]["suspects"] = []
    version.run.save(update_fields=["report_card"])
    page = begins(alice, address(version))
    assert "corrected by carol@acme.example" in page.content.decode().lower()
    first = asked(page)
    page = answers(alice, page, "keep")
    assert Feedback.objects.get(id=first.feedback_id).withdrawn_by == "alice@acme.example"
    second = asked(page)
    answers(alice, page, "other", new="facilities")
    assert Feedback.objects.get(id=second.feedback_id).corrected == ["facilities"]
    alice.post(f"{address(version)}version")
    merged = Feedback.objects.get(id=second.feedback_id)
    assert merged.merged_into == newest() and newest().tickets == version.run.data_set.tickets + 1


def test_what_was_decided_goes_with_the_tickets(acme: Organisation, alice: Client, version: ModelVersion) -> None:
    answers(alice, begins(alice, address(version)), "take")
    alice.post(f"{address(version)}version")
    assert ReviewItem.objects.count() == 2 and newest().version == 2
    deletion.delete_tickets(organisation=acme, data_sets=[version.run.data_set], who="alice", now=utc_now())
    assert ReviewItem.objects.count() == 2, "the next version has the tickets still"
    deletion.delete_tickets(organisation=acme, data_sets=[newest()], who="alice", now=utc_now())
    assert not ReviewItem.objects.exists()
