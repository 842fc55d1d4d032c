"""Feedback: what people say the labels of tickets are, beside what a model had said. Collected, counted, and offered as
new training data.

Nothing is trained on silently: `merge` makes a new version of the data set in one step, and a training of it is ordered
like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.serving import queries
from otai.serving.models import ChangeKind, DataSetChange, Feedback, ModelVersion, ObservedTicket
from otai.serving.quotas import has_room
from otai.serving.work import MOST_CHANGES_KEPT
from otai.tickets import queries as tickets
from otai.tickets.models import Attribute, DataSet
from otai.tickets.problems import BadRows
from otai.tickets.relabelling import Renamed, plan
from otai.tickets.sources.opening import open_source
from otai.tickets.versions import LabelChange, LabelNames, NextVersion, Statement, next_version
from otai.words.sentences import Fact

MOST_ROWS = 20_000
MOST_FILE_BYTES = 50_000_000
MOST_TEXT_CHARACTERS = 100_000

TEXT_COLUMNS = ("text", "subject", "body")


class FeedbackInvalid(Invalid):
    """Says which row and column; nothing of the batch was taken."""

    code = "feedback_invalid"


class NothingToMerge(Refused):
    code = "nothing_to_merge"


class FeedbackMerged(Refused):
    """It is part of the tickets by now: the next version can give the label anew."""

    code = "feedback_merged"


@dataclass(frozen=True, slots=True)
class Correction:
    """The right labels of one ticket, by attribute; attributes that are not named are left open. An empty tuple: none
    applies."""

    text: str
    labels: Mapping[str, LabelNames]
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What a batch brought: statements about labels, of which so many found the model right. `replayed`: it was there
    already."""

    key: str
    statements: int
    right: int
    replayed: bool


def give(
    *,
    version: ModelVersion,
    corrections: Sequence[Correction],
    by: str,
    key: str,
    now: datetime,
    complete: bool = False,
) -> Given:
    """Takes a batch of feedback on what `version` says. The same key again changes nothing.

    `complete`: the batch speaks of every ticket of its time, of those that were right as well; only then does the share
    of right ones count as the model's accuracy. Raises FeedbackInvalid with `row` (from 1) and `column`, and
    QuotaReached.
    """
    organisation = version.model.organisation_id
    if not 1 <= len(key) <= 200:
        raise FeedbackInvalid("key", field="key")
    if there := _given(organisation, key):
        return there
    known = {attribute["name"]: attribute["kind"] for attribute in version.run.attributes}
    _require_sound(corrections, known)
    said = queries.predict(version, [one.text for one in corrections])
    stored = queries.as_stored(version, [one.text for one in corrections])
    from otai.learning.data.language import detect_languages

    languages = detect_languages([one.text for one in corrections])
    rows = []
    for at, (correction, text, prediction, language) in enumerate(
        zip(corrections, stored, said, languages, strict=True), start=1
    ):
        for attribute, labels in correction.labels.items():
            predicted = prediction[attribute]
            rows.append(
                Feedback(
                    organisation_id=organisation,
                    version=version,
                    key=key,
                    row=at,
                    ticket=correction.ticket,
                    text=text,
                    language=language or "",
                    attribute=attribute,
                    predicted=list(predicted.labels),
                    confidence=predicted.confidence,
                    corrected=list(labels),
                    is_right=_same(predicted.labels, labels),
                    is_complete=complete,
                    given_by=by,
                    given_at=now,
                )
            )
    try:
        with transaction.atomic():
            quotas.require(organisation, Quota.STORAGE, more=sum(len(row.text.encode()) for row in rows))
            Feedback.objects.bulk_create(rows, batch_size=1_000)
    except IntegrityError:
        # The same batch came twice at once: theirs counts.
        if there := _given(organisation, key):
            return there
        raise
    return Given(key, len(rows), sum(row.is_right for row in rows), False)


def _given(organisation: UUID, key: str) -> Given | None:
    found = Feedback.objects.filter(organisation_id=organisation, key=key).aggregate(
        all=Count("id"), right=Count("id", filter=Q(is_right=True))
    )
    return Given(key, found["all"], found["right"], True) if found["all"] else None


def _same(one: Iterable[str], other: Iterable[str]) -> bool:
    return {label.casefold() for label in one} == {label.casefold() for label in other}


def _require_sound(corrections: Sequence[Correction], known: Mapping[str, str]) -> None:
    if not corrections:
        raise FeedbackInvalid("empty")
    if len(corrections) > MOST_ROWS:
        raise FeedbackInvalid("too_many", tickets=len(corrections), most=MOST_ROWS)
    for row, correction in enumerate(corrections, start=1):
        if not correction.text.strip():
            raise FeedbackInvalid("no_text", row=row, column="text")
        if len(correction.text) > MOST_TEXT_CHARACTERS or "\0" in correction.text:
            raise FeedbackInvalid("text", row=row, column="text")
        if len(correction.ticket) > 200:
            raise FeedbackInvalid("id", row=row, column="ticket")
        if not correction.labels:
            raise FeedbackInvalid("nothing_said", row=row)
        for attribute, labels in correction.labels.items():
            if attribute not in known:
                raise FeedbackInvalid("attribute", attribute=attribute, known=list(known), row=row, column=attribute)
            if known[attribute] != Attribute.Kind.MULTI and len(labels) != 1:
                raise FeedbackInvalid("one_label", attribute=attribute, labels=len(labels), row=row, column=attribute)
            if any(not label.strip() or len(label) > 200 or not label.isprintable() for label in labels):
                raise FeedbackInvalid("label", attribute=attribute, row=row, column=attribute)


def read_file(path: Path, *, attributes: Mapping[str, str]) -> tuple[list[Correction], str]:
    """The corrections of a table in any format that can be imported, and a key that stays the same for the same file.
    `attributes` maps names to kinds.

    Columns: `text`, or `subject` and `body`; `ticket` if there is one; and a column for each attribute that is spoken
    of, several labels of a ticket apart by `|`. An empty cell says nothing. Raises FeedbackInvalid with row (as a
    spreadsheet counts them) and column, and DatasetInvalid for a file that is no table.
    """
    if path.is_file() and path.stat().st_size > MOST_FILE_BYTES:
        raise FeedbackInvalid("large", most=MOST_FILE_BYTES // 1000000)
    source = open_source(path)
    spoken_of = _attributes_among(source.columns, attributes)
    kinds = {name: attributes[name] for name in spoken_of}
    corrections: list[Correction] = []
    bad = BadRows(skip=True)
    for rows in source.batches(bad):
        if bad.first:
            break
        for number, *cells in zip(rows.numbers, *rows.lists(), strict=True):
            correction = _correction(dict(zip(source.columns, cells, strict=True)), number, kinds)
            if correction is None:
                continue
            if len(corrections) >= MOST_ROWS:
                raise FeedbackInvalid("tickets", most=MOST_ROWS, row=number)
            corrections.append(correction)
    if bad.first:
        first = bad.first[0]
        raise FeedbackInvalid("bad_row", first=first.placed, row=first.row, column=first.column)
    if not corrections:
        raise FeedbackInvalid("no_label")
    return corrections, f"file:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _attributes_among(columns: Sequence[str], attributes: Mapping[str, str]) -> list[str]:
    """The columns that are attributes of the model. Raises FeedbackInvalid where there is none, no text, or a column of
    another name."""
    if not {"text", "subject", "body"} & set(columns):
        raise FeedbackInvalid("no_text_column", row=1, column="text")
    spoken_of = [name for name in columns if name in attributes]
    unknown = [name for name in columns if name not in attributes and name not in (*TEXT_COLUMNS, "ticket")]
    if unknown:
        raise FeedbackInvalid("column", column=unknown[0], known=list(attributes), row=1)
    if not spoken_of:
        raise FeedbackInvalid("no_attribute_column", column="", known=list(attributes), row=1)
    return spoken_of


def _correction(row: Mapping[str, Any], number: int, kinds: Mapping[str, str]) -> Correction | None:
    """What a row says; None where it says no label. Raises FeedbackInvalid where it has labels and no text."""
    labels: dict[str, LabelNames] = {}
    for name, kind in kinds.items():
        parts = row[name] if isinstance(row[name], list) else [row[name] or ""]
        if kind == Attribute.Kind.MULTI:
            parts = [label for part in parts for label in part.split("|")]
        if said := tuple(part.strip() for part in parts if part.strip()):
            labels[name] = said
    if not labels:
        return None
    words = row.get("text") or "\n".join(part for part in (row.get("subject"), row.get("body")) if part)
    if not words.strip():
        raise FeedbackInvalid("row_no_text", row=number, column="text")
    return Correction(words, labels, ticket=(row.get("ticket") or "").strip()[:200])


@dataclass(frozen=True, slots=True)
class WaitingFeedback:
    """Feedback that waits to become training data: statements about so many tickets, and the data set they would be
    merged into."""

    statements: int
    tickets: int
    wrong: int
    into: DataSet | None


def offer(organisation: Organisation, name: str) -> WaitingFeedback:
    """What could be merged for the model `name`. Raises NotFound."""
    waiting = _waiting(organisation, name)
    counts = waiting.aggregate(
        all=Count("id"), tickets=Count("text", distinct=True), wrong=Count("id", filter=Q(is_right=False))
    )
    version = queries.version(organisation, name)
    try:
        into = tickets.data_set(organisation, version.run.data_set.name)
    except NotFound:
        into = None
    return WaitingFeedback(counts["all"], counts["tickets"], counts["wrong"], into)


def _waiting(organisation: Organisation, name: str) -> QuerySet[Feedback]:
    return Feedback.objects.filter(
        organisation=organisation, version__model__name=name, merged_into__isnull=True, withdrawn_at__isnull=True
    )


def waiting_texts(organisation: Organisation, name: str) -> list[tuple[str, str]]:
    """Text and language (ISO 639-1; empty where it was not told) of each statement that waits to be merged."""
    return [(text, language or "") for text, language in _waiting(organisation, name).values_list("text", "language")]


def listed(organisation: Organisation, name: str) -> QuerySet[Feedback]:
    """All feedback on the model, newest first."""
    found = Feedback.objects.filter(organisation=organisation, version__model__name=name).select_related(
        "version__model"
    )
    return found.order_by("-given_at", "-id")


@one_transaction
def withdraw(*, organisation: Organisation, id: UUID, who: str, now: datetime) -> Feedback:
    """Takes a statement back before it is made part of the tickets: it is merged and counted no more. Again changes
    nothing. Raises NotFound, also for another organisation's, and FeedbackMerged."""
    theirs = Feedback.objects.filter(organisation=organisation, id=id)
    theirs.filter(merged_into=None, withdrawn_at=None).update(withdrawn_at=now, withdrawn_by=who)
    found = theirs.select_related("merged_into").first()
    if found is None:
        raise NotFound("feedback")
    if found.merged_into is not None:
        raise FeedbackMerged("merged", data_set=str(found.merged_into))
    return found


def merge(*, organisation: Organisation, name: str, by: str, now: datetime, why: str = "") -> NextVersion:
    """One step: a new version of the model's data set with all waiting feedback in it. A ticket that is there takes the
    new labels; others are added. The last word on a ticket counts. Raises NotFound and NothingToMerge."""
    base, waiting = to_merge(organisation, name)
    made = next_version(base, statements=[statement(one) for one in waiting], made_as=merged(name), now=now)
    with transaction.atomic():
        record_change(made, base, kind=ChangeKind.FEEDBACK, by=by, why=why, now=now)
        rows = Feedback.objects.filter(id__in=[one.id for one in waiting], withdrawn_at=None)
        rows.update(merged_into=made.data_set)
    return made


def merged(name: str) -> Fact:
    """What is said of the version that has the feedback on this model."""
    return Fact("made_as.feedback_merged", {"model": name})


def to_merge(organisation: Organisation, name: str) -> tuple[DataSet, list[Feedback]]:
    """The data set that the waiting feedback on a model would be merged into, and that feedback, the last word last.
    Raises NotFound and NothingToMerge."""
    version = queries.version(organisation, name)
    waiting = list(_waiting(organisation, name).order_by("given_at", "row", "id"))
    if not waiting:
        raise NothingToMerge("feedback", model=name)
    return tickets.data_set(organisation, version.run.data_set.name), waiting


CORRECTED = Fact("made_as.labels_corrected")
RENAMED = Fact("made_as.labels_renamed")
LOOKED_THROUGH = Fact("made_as.labels_looked_through")


def statement(one: Feedback) -> Statement:
    """A row of feedback as a value, for what reads no database."""
    return Statement(str(one.id), one.ticket, one.text, one.language, one.attribute, tuple(one.corrected))


def correct_labels(
    *,
    data_set: DataSet,
    labels: Sequence[tuple[str, str, LabelNames]],
    by: str,
    now: datetime,
    why: str = "",
) -> NextVersion:
    """Fixes labels in place: a new version of the data set in which each (ticket, attribute) has these labels. The
    older version stays.

    Raises ChangeInvalid for a ticket, attribute or label that is not there or cannot be.
    """
    wanted = {(ticket, attribute): tuple(found) for ticket, attribute, found in labels}
    made = next_version(data_set, by_ticket=wanted, made_as=CORRECTED, now=now)
    record_change(made, data_set, kind=ChangeKind.LABELS_CORRECTED, by=by, why=why, now=now)
    return made


def map_labels(
    *,
    data_set: DataSet,
    mapping: Mapping[str, Renamed],
    by: str,
    now: datetime,
    why: str = "",
) -> NextVersion:
    """Renames, joins or leaves out labels: a new version of the data set in which each attribute's labels are what
    `mapping` says (None: left out). Raises ChangeInvalid; what would come of it says `relabelling.plan`."""
    planned = {one.attribute: one.renamed for one in plan(data_set, mapping)}
    made = next_version(data_set, mapping=planned, made_as=RENAMED, now=now)
    record_change(made, data_set, kind=ChangeKind.LABELS_MAPPED, by=by, why=why, now=now)
    return made


def record_change(
    made: NextVersion, base: DataSet, *, kind: ChangeKind, by: str, why: str, now: datetime
) -> DataSetChange:
    """Keeps in the history which labels a version changed, by whom and why. Call it within the transaction that makes
    the version."""
    return record_changes(
        made.data_set, base, made.changes, changed=len(made.changes), added=made.added, kind=kind, by=by, why=why,
        now=now
    )  # fmt: skip


def record_changes(
    made: DataSet,
    base: DataSet,
    changes: Sequence[LabelChange],
    *,
    changed: int,
    added: int,
    kind: ChangeKind,
    by: str,
    why: str,
    now: datetime,
) -> DataSetChange:
    """What was done to `base` to make `made`; the first of the changes one by one, and how many there were. `why`:
    empty where no person gave a reason."""

    def as_row(change: LabelChange) -> dict[str, object]:
        return {"ticket": change.ticket, "attribute": change.attribute, "was": change.was, "now": change.now}

    return DataSetChange.objects.create(
        data_set=made,
        base=base,
        kind=kind,
        changed_by=by,
        changed_at=now,
        why=why[:500] or f"change.{kind.value}",
        changes=[as_row(change) for change in changes[:MOST_CHANGES_KEPT]],
        changed=changed,
        added=added,
    )


def keep(version: ModelVersion, texts: Sequence[str], *, now: datetime) -> int:
    """Remembers tickets that the version was asked about, where the customer wished so (`versions.keep_tickets`);
    returns how many.

    Whoever answers predictions calls it after them. Expired ones are deleted on the way. Where the organisation's
    storage is full, none is kept, and predictions go on.
    """
    days = version.model.keeps_tickets_days
    if not days or not has_room(version.model.organisation_id):
        return 0
    from otai.learning.data.language import detect_languages

    forget_expired(now=now)
    texts = queries.as_stored(version, [text for text in texts if text.strip()][:MOST_ROWS])
    kept = [text[:MOST_TEXT_CHARACTERS].replace("\0", "") for text in texts]
    expires_at = now + timedelta(days=days)
    rows = [
        ObservedTicket(version=version, text=text, language=language or "", seen_at=now, expires_at=expires_at)
        for text, language in zip(kept, detect_languages(kept), strict=True)
    ]
    ObservedTicket.objects.bulk_create(rows, batch_size=1_000)
    return len(rows)


def forget_expired(*, now: datetime) -> int:
    """Deletes tickets that were kept long enough. Safe at any time and from any process."""
    return ObservedTicket.objects.filter(expires_at__lte=now).delete()[0]
