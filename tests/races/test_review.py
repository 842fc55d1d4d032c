"""Of several people who look through labels at once, each gets a ticket of their own, and each ticket one answer."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from otai.serving import review
from otai.serving.jobs import ask_to_apply_review, refuse_if_failed
from otai.serving.models import LabelVerdict, ReviewItem
from otai.serving.review.decisions import CLAIMED_FOR
from otai.tickets.models import DataSet
from tests import stories
from tests.races.test_pairs import at_once
from tests.serving.doubtful import WRONG, doubt, doubtful
from tests.serving.training_here import trained

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = ("alice", "bob", "olivia", "zoe")


@pytest.fixture
def support(now: datetime, tmp_path: Path) -> DataSet:
    acme = stories.acme(now)
    found = stories.searchable(doubtful(acme, tmp_path, now), tmp_path, now)
    doubt(trained(acme, found, now))
    return found


def takes_up(support: DataSet, who: str, now: datetime) -> ReviewItem | None:
    queue = review.queue_of(support)
    assert queue is not None
    return review.take_next(queue, who=who, now=now)


def answers(support: DataSet, row: ReviewItem, who: str, verdict: LabelVerdict, now: datetime) -> None:
    review.decide(row, verdict=verdict, data_set=support, who=who, now=now)


def test_who_takes_up_a_ticket_at_once_gets_another_one(support: DataSet, now: datetime) -> None:
    assert at_once([partial(takes_up, support, who, now) for who in PEOPLE]) == ["done"] * 4
    assert Counter(ReviewItem.objects.values_list("claimed_by", flat=True)) == Counter(PEOPLE)


def test_one_ticket_is_answered_once_however_many_answer_at_once(support: DataSet, now: datetime) -> None:
    row = takes_up(support, "alice", now)
    assert row is not None
    later = now + CLAIMED_FOR + timedelta(seconds=1)
    verdicts = (LabelVerdict.KEEP, LabelVerdict.TAKE, LabelVerdict.KEEP, LabelVerdict.TAKE)
    of_each = [
        partial(answers, support, row, who, verdict, later) for who, verdict in zip(PEOPLE, verdicts, strict=True)
    ]
    assert Counter(at_once(of_each)) == {"done": 1, "review_moved": 3}
    row.refresh_from_db()
    assert verdicts[PEOPLE.index(row.decided_by)] == row.verdict


def test_an_answer_taken_back_while_a_version_is_made_is_not_in_it(support: DataSet, now: datetime) -> None:
    from otai.jobs import operations as jobs

    row = takes_up(support, "alice", now)
    assert row is not None
    answers(support, row, "alice", LabelVerdict.TAKE, now)
    asked = ask_to_apply_review(data_set=support, by="alice", now=now)
    review.undo(row, who="alice", now=now)
    job = jobs.wait(asked, seconds=None)
    with pytest.raises(Exception, match="imported by others"):
        refuse_if_failed(job)
    assert DataSet.objects.count() == 1
    assert len([one for one in ReviewItem.objects.all() if one.verdict]) == 0 and WRONG
