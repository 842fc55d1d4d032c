"""What a row of a question about a label, and of an index, may never say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from otai.orgs.models import Organisation
from otai.serving.models import ReviewItem
from otai.tickets.models import DataSet, TicketIndex
from tests import stories

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 11, 2, tzinfo=UTC)
DECIDED = {"labels": [], "decided_by": "bob", "decided_at": WHEN}


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


def question(organisation: Organisation, **more: Any) -> ReviewItem:
    given: dict[str, Any] = {
        "data_set_name": "support", "ticket": "4711", "attribute": "queue", "text_key": "0" * 32,
        "given": ["network"], "suggested": ["billing"], "confidence": 0.9,
    }  # fmt: skip
    return ReviewItem.objects.create(organisation=organisation, **{**given, **more})


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("serving_review_item_is_decided_by_somebody", {"verdict": "keep"}),
        ("serving_review_item_is_decided_by_somebody", {"decided_by": "bob"}),
        ("serving_review_item_is_decided_by_somebody", {"verdict": "magic", **DECIDED}),
        ("serving_review_item_is_claimed_for_a_while", {"claimed_by": "bob"}),
        ("serving_review_item_confidence_is_a_share", {"confidence": 1.5}),
    ],
)
def test_the_database_refuses(rule: str, changes: dict[str, Any], acme: Organisation) -> None:
    question(acme)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        ReviewItem.objects.update(**changes)


def test_a_label_is_asked_once_and_merged_only_when_it_is_decided(acme: Organisation, support: DataSet) -> None:
    question(acme)
    with pytest.raises(IntegrityError), transaction.atomic():
        question(acme)
    with pytest.raises(IntegrityError, match="is_decided_when_merged"), transaction.atomic():
        ReviewItem.objects.update(merged_into=support)


def test_an_index_has_a_file(support: DataSet) -> None:
    with pytest.raises(IntegrityError, match="tickets_ticket_index_has_a_file"), transaction.atomic():
        TicketIndex.objects.create(data_set=support, file="", bytes=1, made_at=WHEN)
