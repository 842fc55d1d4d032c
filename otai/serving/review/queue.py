"""What is to be looked through in the newest version of a data set, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from otai.errors import NotFound
from otai.learning.data.cuts.cutting import as_learnt
from otai.learning.data.normalisation import same_text_key
from otai.learning.data.tickets import LabelNames
from otai.orgs.models import Organisation
from otai.serving.models import Feedback, ModelVersion, ReviewItem
from otai.serving.predictions import versions_on
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.tickets.ticket_index.keeping import opened_index
from otai.tickets.ticket_index.reading import IndexedTicket, TicketIndexReader

MOST_FEEDBACK = 2_000
"""Of a data set's models, the newest; all of it can be merged at once without a look."""


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Of which attribute, with which label (given or suggested), from which confidence (0 to 1) on."""

    attribute: str = ""
    label: str = ""
    confidence_from: float = 0.0

    def lets_through(self, one: Question) -> bool:
        """Whether the question is asked."""
        return (
            self.attribute in ("", one.attribute)
            and (not self.label or self.label in (*one.given, *one.suggested))
            and one.confidence >= self.confidence_from
        )


@dataclass(frozen=True, slots=True)
class Question:
    """Is `suggested` the right label of this ticket, rather than `given`? `row` is the ticket's place in the newest
    version's file; None where only feedback brought it. `asked` is the row of it, once somebody took it up."""

    ticket: str
    attribute: str
    text_key: str
    given: LabelNames
    suggested: LabelNames
    confidence: float
    row: int | None
    begins: str
    feedback: UUID | None = None
    asked: ReviewItem | None = None

    @property
    def is_decided(self) -> bool:
        """Whether somebody answered it."""
        return self.asked is not None and self.asked.verdict != ""

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by, whichever run asks it."""
        return (str(self.feedback),) if self.feedback else (self.attribute, self.ticket, self.text_key)


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """All questions of a data set's newest version, the surest first; `open` are those that nobody has answered."""

    data_set: DataSet
    questions: list[Question]
    unlisted_of: Mapping[str, int] = field(default_factory=dict)
    """By attribute, how many more labels the trainings doubt than they list."""

    @property
    def unlisted(self) -> int:
        """How many more labels are doubted than there are questions of."""
        return sum(self.unlisted_of.values())

    @property
    def open(self) -> list[Question]:
        """Not answered yet; those that were skipped come last."""
        waiting = [one for one in self.questions if not one.is_decided]
        return sorted(waiting, key=lambda one: _skipped(one) or 0.0)

    @property
    def decided(self) -> int:
        """How many are answered."""
        return sum(one.is_decided for one in self.questions)

    def only(self, wanted: ReviewFilter) -> ReviewQueue:
        """Those that the filter lets through."""
        more = {name: count for name, count in self.unlisted_of.items() if wanted.attribute in ("", name)}
        return ReviewQueue(self.data_set, [one for one in self.questions if wanted.lets_through(one)], more)


def _skipped(one: Question) -> float | None:
    return one.asked.skipped_at.timestamp() if one.asked is not None and one.asked.skipped_at is not None else None


def queue_of(data_set: DataSet) -> ReviewQueue | None:
    """The questions of the newest version of that name; None where it has no index yet
    (`tickets.jobs.ask_for_index`). Raises NotFound, TicketsDeleted, FileStoreUnavailable."""
    organisation: Organisation = data_set.organisation
    newest = tickets.data_set(organisation, data_set.name)
    with opened_index(newest) as index:
        if index is None:
            return None
        versions = versions_on(organisation, newest)
        found = [*_suspected(versions, index), *_corrected(newest, versions, index)]
    rows = ReviewItem.objects.filter(organisation=organisation, data_set_name=newest.name)
    asked = {_key_of(row): row for row in rows}
    questions = {one.key: one for one in reversed(found)}.values()
    listed = [replace(one, asked=asked.get(one.key)) for one in questions]
    in_order = sorted(listed, key=lambda one: (-one.confidence, one.attribute, one.ticket))
    return ReviewQueue(newest, in_order, _unlisted(versions))


def _unlisted(versions: Sequence[ModelVersion]) -> dict[str, int]:
    """By attribute; of several models the one that doubts most, since they doubt the same labels."""
    more: dict[str, int] = {}
    for version in versions:
        for report in (version.run.report_card or {}).get("attributes", ()):
            wrong = report.get("wrong_labels") or {}
            count = wrong.get("total", 0) - len(wrong.get("suspects", ()))
            more[report["name"]] = max(more.get(report["name"], 0), count)
    return {name: count for name, count in more.items() if count > 0}


def _key_of(row: ReviewItem) -> tuple[str, ...]:
    return (str(row.feedback_id),) if row.feedback_id else (row.attribute, row.ticket, row.text_key)


def _suspected(versions: Sequence[ModelVersion], index: TicketIndexReader) -> Iterator[Question]:
    """What the newest training of each model suspects, where the ticket is there and still has that label."""
    for version in versions:
        for report in (version.run.report_card or {}).get("attributes", ()):
            name, suspects = report["name"], (report.get("wrong_labels") or {}).get("suspects", ())
            there = index.with_ids([one["ticket_id"] for one in suspects])
            for one in suspects:
                ticket = there.get(one["ticket_id"])
                if ticket is None or set(ticket.labels.get(name, ())) != set(one["given"]):
                    continue
                yield Question(
                    ticket.id, name, ticket.key.hex(), tuple(one["given"]), tuple(one["suggested"]),
                    one["confidence"], ticket.row, ticket.subject or ticket.excerpt,
                )  # fmt: skip


def _corrected(newest: DataSet, versions: Sequence[ModelVersion], index: TicketIndexReader) -> Iterator[Question]:
    """What colleagues said is wrong, and is not part of the tickets yet."""
    waiting = Feedback.objects.filter(
        version__model__in=[version.model_id for version in versions], merged_into=None, is_right=False
    )
    # One that was withdrawn by a verdict stays answered; one that its author withdrew is no question.
    rows = [row for row in waiting.select_related("review").order_by("-given_at", "row")[:MOST_FEEDBACK] if _asks(row)]
    texts = as_learnt([row.text for row in rows], tickets.text_rules(newest)) if rows else []
    keys = [same_text_key(text) for text in texts]
    there = index.with_keys(list(dict.fromkeys(keys)))
    for row, key in zip(rows, keys, strict=True):
        ticket = there.get(key)
        yield Question(
            ticket.id if ticket else row.ticket,
            row.attribute,
            key.hex(),
            _now(ticket, row),
            _said(row),
            row.confidence,
            ticket.row if ticket else None,
            " ".join(row.text[:200].split()),
            row.id,
        )


def _asks(row: Feedback) -> bool:
    review: ReviewItem | None = getattr(row, "review", None)
    return row.withdrawn_at is None or (review is not None and review.verdict != "")


def _now(ticket: IndexedTicket | None, row: Feedback) -> LabelNames:
    given: Mapping[str, LabelNames] = ticket.labels if ticket is not None else {}
    return given.get(row.attribute, tuple(row.predicted))


def _said(row: Feedback) -> LabelNames:
    review: ReviewItem | None = getattr(row, "review", None)
    return tuple(review.suggested if review is not None else row.corrected)


def item(organisation: Organisation, data_set: DataSet, id: UUID) -> ReviewItem:
    """A question that somebody took up. Raises NotFound, also for another organisation's."""
    found = ReviewItem.objects.filter(organisation=organisation, data_set_name=data_set.name, id=id)
    row = found.select_related("feedback").first()
    if row is None:
        raise NotFound("review_item")
    return row


def last_decided(data_set: DataSet, who: str) -> ReviewItem | None:
    """What this person decided last and can still undo."""
    theirs = ReviewItem.objects.filter(
        organisation=data_set.organisation_id, data_set_name=data_set.name, decided_by=who, merged_into=None
    )
    return theirs.order_by("-decided_at").first()


def colleagues(data_set: DataSet, who: str, *, now: datetime) -> list[str]:
    """Who else looks through these labels at this moment."""
    claimed = ReviewItem.objects.filter(
        organisation=data_set.organisation_id, data_set_name=data_set.name, claimed_until__gt=now, verdict=""
    )
    return sorted(set(claimed.exclude(claimed_by=who).values_list("claimed_by", flat=True)))
