"""What was decided becomes the next version of the data set when somebody says so, and goes with the tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from otai.orgs.models import Organisation
from otai.serving import feedback
from otai.serving.models import LabelVerdict, ReviewItem
from otai.tickets import queries as tickets
from otai.tickets.changing import LabelNames, Statement
from otai.tickets.models import DataSet
from otai.tickets.ticket_index.keeping import opened_index


@dataclass(frozen=True, slots=True)
class WaitingChanges:
    """What a next version would change: labels of tickets that are there, by (ticket, attribute), and colleagues'
    corrections that were confirmed. `rows` are the answers that say so."""

    data_set: DataSet
    labels: Mapping[tuple[str, str], LabelNames]
    statements: Sequence[Statement]
    rows: Sequence[ReviewItem]

    @property
    def count(self) -> int:
        """How many answers change something."""
        return len(self.labels) + len(self.statements)


def changes_waiting(data_set: DataSet) -> WaitingChanges:
    """What was decided and is not so in the newest version: also where it was so once, and an import brought the old
    label back. Raises NotFound, TicketsDeleted, FileStoreUnavailable."""
    newest = tickets.data_set(data_set.organisation, data_set.name)
    decided = ReviewItem.objects.filter(organisation=data_set.organisation_id, data_set_name=newest.name)
    rows = list(decided.exclude(verdict__in=("", LabelVerdict.KEEP)).select_related("feedback").order_by("decided_at"))
    labels: dict[tuple[str, str], LabelNames] = {}
    statements: list[Statement] = []
    kept: list[ReviewItem] = []
    with opened_index(newest) as index:
        there = index.with_ids([row.ticket for row in rows]) if index is not None else {}
    for row in rows:
        if row.feedback is not None:
            if row.feedback.merged_into_id is None and row.feedback.withdrawn_at is None:
                statements.append(feedback.statement(row.feedback))
                kept.append(row)
            continue
        ticket = there.get(row.ticket)
        if ticket is None or ticket.key.hex() != row.text_key:
            continue
        if set(ticket.labels.get(row.attribute, ())) == set(row.given):
            labels[row.ticket, row.attribute] = tuple(row.labels or ())
            kept.append(row)
    return WaitingChanges(newest, labels, statements, kept)


def mark(answers: Sequence[Sequence[str]], made: DataSet) -> bool:
    """Within the transaction that makes the version: these answers are part of it. False where one of them was taken
    back or given anew since."""
    for id, decided_at in sorted(map(tuple, answers)):
        as_read = ReviewItem.objects.filter(id=id, decided_at=datetime.fromisoformat(decided_at)).exclude(verdict="")
        if not as_read.update(merged_into=made):
            return False
    return True


def forget(organisation: Organisation, going: Sequence[DataSet]) -> int:
    """Within the transaction that deletes these tickets: what was asked of a ticket goes with the last version that has
    it; returns how many answers went."""
    count = 0
    for name in sorted({one.name for one in going}):
        rows = ReviewItem.objects.filter(organisation=organisation, data_set_name=name)
        staying = tickets.data_sets(organisation).filter(name=name).exclude(id__in=[one.id for one in going])
        newest = staying.order_by("-version").first()
        kept: set[UUID] = set()
        if newest is not None and rows.exists():
            with opened_index(newest) as index:
                there = index.with_ids(list(rows.values_list("ticket", flat=True))) if index is not None else {}
            kept = {row.id for row in rows if row.ticket in there and there[row.ticket].key.hex() == row.text_key}
            # What belongs to a colleague's correction goes and stays with it.
            kept |= {row.id for row in rows if row.feedback_id is not None}
        gone, _ = rows.exclude(id__in=kept).delete()
        count += gone
    return count
