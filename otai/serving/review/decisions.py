"""What people answer: each question is taken up by one person for a while, and answered once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from otai.db import one_transaction
from otai.errors import Refused
from otai.learning.data.tickets import LabelNames
from otai.serving.models import Feedback, LabelVerdict, ReviewItem
from otai.serving.review.queue import Question, ReviewQueue
from otai.tickets.changing import ChangeInvalid
from otai.tickets.models import Attribute, DataSet

CLAIMED_FOR = timedelta(minutes=10)


class ReviewMoved(Refused):
    """Somebody else was first: they decided it, or look at it now. Nothing was changed."""

    code = "review_moved"


def take_next(queue: ReviewQueue, *, who: str, now: datetime) -> ReviewItem | None:
    """The first open question that nobody else looks at, claimed for ten minutes; None where none is left. What this
    person holds already comes first."""
    mine = [one for one in queue.open if one.asked and one.asked.claimed_by == who and one.asked.skipped_at is None]
    for question in (*mine, *queue.open):
        if question.asked is not None and question.asked.is_claimed_by_another(who, now=now):
            continue
        row = question.asked or _asked(queue.data_set, question)
        if _claim(row, who=who, now=now):
            row.refresh_from_db()
            return row
    return None


def _asked(data_set: DataSet, question: Question) -> ReviewItem:
    """The row of the question; another's, where they were a moment faster."""
    if question.feedback:
        known = Q(feedback=question.feedback)
    else:
        known = Q(feedback=None, attribute=question.attribute, ticket=question.ticket, text_key=question.text_key)
    of_it = ReviewItem.objects.filter(known, organisation=data_set.organisation_id, data_set_name=data_set.name)
    try:
        with transaction.atomic():
            return ReviewItem.objects.create(
                organisation_id=data_set.organisation_id,
                data_set_name=data_set.name,
                ticket=question.ticket[:200],
                attribute=question.attribute,
                text_key=question.text_key,
                feedback_id=question.feedback,
                given=list(question.given),
                suggested=list(question.suggested),
                confidence=question.confidence,
            )
    except IntegrityError:
        return of_it.get()


def _open_to(who: str, now: datetime) -> Q:
    """Nobody has decided it, and nobody else looks at it now."""
    return Q(verdict="") & (Q(claimed_by__in=("", who)) | Q(claimed_until__lte=now))


def _claim(row: ReviewItem, *, who: str, now: datetime) -> bool:
    mine = ReviewItem.objects.filter(_open_to(who, now), id=row.id)
    return mine.update(claimed_by=who, claimed_until=now + CLAIMED_FOR) == 1


@one_transaction
def decide(
    row: ReviewItem, *, verdict: LabelVerdict, labels: Sequence[str] = (), data_set: DataSet, who: str, now: datetime
) -> ReviewItem:
    """Answers the question: the label is right, the suggestion is, or these `labels` are. A colleague's correction is
    withdrawn, confirmed or changed with it.

    Raises ReviewMoved where somebody else decided it or looks at it now, and ChangeInvalid for labels that cannot be;
    nothing is changed then.
    """
    chosen, verdict = _chosen(row, verdict, labels, data_set)
    won = ReviewItem.objects.filter(_open_to(who, now), id=row.id).update(
        verdict=verdict, labels=list(chosen), decided_by=who, decided_at=now, claimed_by="", claimed_until=None,
        skipped_at=None,
    )  # fmt: skip
    if not won:
        _refuse(row)
    row.refresh_from_db()
    if row.feedback_id is not None:
        _carry_over(row, row.feedback_id, chosen, verdict, who=who, now=now)
    return row


def _chosen(
    row: ReviewItem, verdict: LabelVerdict, labels: Sequence[str], data_set: DataSet
) -> tuple[LabelNames, LabelVerdict]:
    """The labels, and what that answer is: who chooses the suggestion by hand takes it."""
    if verdict is not LabelVerdict.OTHER:
        return tuple(row.given if verdict is LabelVerdict.KEEP else row.suggested), verdict
    chosen = tuple(dict.fromkeys(label.strip() for label in labels if label.strip()))
    attribute = Attribute.objects.filter(data_set=data_set, name=row.attribute).first()
    if attribute is None:
        raise ChangeInvalid("no_attribute", attribute=row.attribute, known=[], attributes=[row.attribute])
    if attribute.kind != Attribute.Kind.MULTI and len(chosen) != 1:
        raise ChangeInvalid("one_label", labels=len(chosen), attribute=row.attribute)
    if any(len(label) > 200 or not label.isprintable() for label in chosen):
        raise ChangeInvalid("label", attribute=row.attribute)
    for known, named in ((row.given, LabelVerdict.KEEP), (row.suggested, LabelVerdict.TAKE)):
        if set(chosen) == set(known):
            return tuple(known), named
    return chosen, LabelVerdict.OTHER


def _refuse(row: ReviewItem) -> None:
    found = ReviewItem.objects.get(id=row.id)
    if found.verdict:
        raise ReviewMoved(
            "decided", who=found.decided_by, ticket=found.ticket, attribute=found.attribute,
            labels=found.labels or [],
        )  # fmt: skip
    raise ReviewMoved("claimed", who=found.claimed_by, ticket=found.ticket, attribute=found.attribute)


def _carry_over(
    row: ReviewItem, id: UUID, chosen: LabelNames, verdict: LabelVerdict, *, who: str, now: datetime
) -> None:
    """To the correction that was looked at: what is kept of it is merged as ever."""
    kept = verdict is LabelVerdict.KEEP
    won = Feedback.objects.filter(id=id, merged_into=None).update(
        withdrawn_at=now if kept else None,
        withdrawn_by=who if kept else "",
        corrected=list(row.suggested if kept else chosen),
    )
    if not won:
        raise ReviewMoved("merged", ticket=row.ticket, attribute=row.attribute)


def skip(row: ReviewItem, *, who: str, now: datetime) -> None:
    """Puts the question at the end of the queue, for anybody. One that somebody else decided or looks at stays as it
    is."""
    ReviewItem.objects.filter(_open_to(who, now), id=row.id).update(skipped_at=now, claimed_by="", claimed_until=None)


def release(row: ReviewItem, *, who: str) -> None:
    """Lets go of a question without an answer."""
    ReviewItem.objects.filter(id=row.id, verdict="", claimed_by=who).update(claimed_by="", claimed_until=None)


@one_transaction
def undo(row: ReviewItem, *, who: str, now: datetime) -> ReviewItem:
    """Takes the answer back, whoever gave it; the question is with `who` again. Raises ReviewMoved where it is part of
    a version by now, or was not answered."""
    won = (
        ReviewItem.objects.filter(id=row.id, merged_into=None)
        .exclude(verdict="")
        .update(
            verdict="", labels=None, decided_by="", decided_at=None, claimed_by=who, claimed_until=now + CLAIMED_FOR
        )
    )
    if not won:
        raise ReviewMoved("merged", ticket=row.ticket, attribute=row.attribute)
    if row.feedback_id is not None:
        back = Feedback.objects.filter(id=row.feedback_id, merged_into=None).update(
            withdrawn_at=None, withdrawn_by="", corrected=list(row.suggested)
        )
        if not back:
            raise ReviewMoved("merged", ticket=row.ticket, attribute=row.attribute)
    row.refresh_from_db()
    return row
