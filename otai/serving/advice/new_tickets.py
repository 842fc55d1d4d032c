"""Tickets that came after a training: those asked about, those that feedback spoke of, those that a newer version of the data set brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from otai.serving.models import Feedback, ModelVersion, ObservedTicket
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet

if TYPE_CHECKING:
    from otai.learning.model.bundle import Bundle


MOST_TICKETS = 2_000
"""The newest of a window: more would show differences that are too small to matter."""


@dataclass(frozen=True)
class NewTickets:
    """Tickets that came after a training: texts, languages, and what people say their labels are where it is known (by attribute)."""

    texts: list[str] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)
    labels: list[dict[str, list[str]]] = field(default_factory=list)
    is_complete: list[bool] = field(default_factory=list)
    """People spoke of this ticket whether the model was right or not; else they may speak only where it was wrong."""

    def __len__(self) -> int:
        return len(self.texts)


def fresh_tickets(version: ModelVersion, newest: DataSet | None) -> NewTickets:
    """Tickets of the newest data set that the one trained on did not have, the newest last.

    Where those trained on were deleted, tickets that came in after their import count as new; of tickets without a time nobody can say.
    """
    if newest is None or newest.id == version.run.data_set_id:
        return NewTickets()
    learnt = version.run.data_set
    known = set() if learnt.deleted_at else set(tickets.text_keys(learnt))
    names = [attribute["name"] for attribute in version.run.attributes]
    found = NewTickets()
    rows = [
        row
        for row, key in zip(tickets.tickets(newest), tickets.text_keys(newest), strict=True)
        if key not in known and (row["subject"] or row["body"]) and (not learnt.deleted_at or _came_after(row, learnt))
    ]
    # By time where it is known; else the source's order is all there is.
    if all(row.get("created_at") for row in rows):
        rows.sort(key=lambda row: row["created_at"])
    for row in rows:
        labels: dict[str, list[str]] = {}
        for name in names:
            value = row.get(f"attribute:{name}")
            if value is not None:
                labels[name] = list(value) if isinstance(value, list) else [value]
        subject, body = row["subject"], row["body"]
        found.texts.append(f"{subject or ''}\n{body}" if body is not None else subject)
        found.languages.append(row.get("language"))
        found.labels.append(labels)
        found.is_complete.append(True)
    return found


def _came_after(row: Mapping[str, Any], learnt: DataSet) -> bool:
    return row.get("created_at") is not None and row["created_at"] > learnt.imported_at


def tickets_seen(version: ModelVersion, *, since: datetime, until: datetime) -> NewTickets:
    """Tickets of that time that the model was asked about or that feedback spoke of."""
    found: dict[str, tuple[str | None, dict[str, list[str]], bool]] = {}
    asked = ObservedTicket.objects.filter(version=version, seen_at__gt=since, seen_at__lte=until)
    for text, language in asked.order_by("seen_at", "id").values_list("text", "language"):
        found[text] = (language or None, {}, False)
    said = Feedback.objects.filter(version=version, given_at__gt=since, given_at__lte=until)
    for one in said.order_by("given_at", "row"):
        _, labels, complete = found.get(one.text, (None, {}, False))
        # Only corrections, and nobody kept what was asked: the wrong ones alone would say nothing about all.
        if not one.is_complete and one.text not in found:
            continue
        labels = {**labels, one.attribute: list(one.corrected)}
        found[one.text] = (one.language or None, labels, complete or one.is_complete)
    texts = list(found)[-MOST_TICKETS:]
    return NewTickets(
        texts,
        [found[text][0] for text in texts],
        [found[text][1] for text in texts],
        [found[text][2] for text in texts],
    )


def with_known_labels(bundle: Bundle, fresh: NewTickets) -> NewTickets:
    """Tickets of labels that the model does not have are another finding: labels changed. They would look like drift as well."""
    known = {one.spec.name: {label.casefold() for label in one.labels} for one in bundle.attributes}
    rows = [
        row
        for row, labels in enumerate(fresh.labels)
        if all({label.casefold() for label in found} <= known[name] for name, found in labels.items())
    ]
    return NewTickets(
        [fresh.texts[row] for row in rows],
        [fresh.languages[row] for row in rows],
        [fresh.labels[row] for row in rows],
        [fresh.is_complete[row] for row in rows],
    )


def joined(fresh: NewTickets, lately: NewTickets) -> NewTickets:
    """Those of the last two weeks; of a newer data set, whose tickets may be older, only as far as they are needed to say anything."""
    if len(lately) >= len(fresh):
        return lately
    part = slice(-MOST_TICKETS, None)
    return NewTickets(fresh.texts[part], fresh.languages[part], fresh.labels[part], fresh.is_complete[part])
