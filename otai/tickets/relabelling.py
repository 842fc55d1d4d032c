"""Labels renamed, joined or left out: what would come of it, from the counts known, before anything is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from otai.learning.data.privacy.personal_labels import personal_labels
from otai.learning.data.profile import RARE_LABEL_TICKETS
from otai.tickets.models import Attribute, DataSet
from otai.tickets.versions import ChangeInvalid

Renamed = Mapping[str, str | None]
"""Labels by what they become; None: the label is left out, and its tickets keep the others they have."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One label, the tickets that carry it, and what it becomes."""

    label: str
    tickets: int
    becomes: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would come of the edits of one attribute.

    `after` counts the tickets of each label that there would be, the most frequent first. Where tickets may have
    several labels (`is_at_most`) those that had two of the joined ones count twice. `learnt_before` and `learnt_after`
    are the labels with tickets enough.
    """

    attribute: str
    edits: tuple[Edit, ...]
    after: tuple[tuple[str, int], ...]
    is_at_most: bool
    without_label: int
    learnt_before: int
    learnt_after: int

    @property
    def tickets(self) -> int:
        """How many tickets would have another label, or at most so many."""
        return sum(edit.tickets for edit in self.edits)

    @property
    def renamed(self) -> dict[str, str | None]:
        """Each label that changes by what it becomes; None: it is left out."""
        return {edit.label: edit.becomes for edit in self.edits}


def plan(data_set: DataSet, changes: Mapping[str, Renamed]) -> list[Plan]:
    """By attribute. Labels that stay what they are count for nothing.

    Raises ChangeInvalid for an attribute or a label that is not there, for a label that cannot be, where nothing would
    change, and where an attribute would be left without any label; TicketsDeleted.
    """
    data_set.require_tickets()
    attributes = {one.name: one for one in data_set.attributes.all()}
    if unknown := [name for name in changes if name not in attributes]:
        raise ChangeInvalid("no_attribute", attribute=unknown[0], known=list(attributes), attributes=unknown)
    plans = [_planned(attributes[name], renamed) for name, renamed in changes.items()]
    found = [one for one in plans if one is not None]
    if not found:
        raise ChangeInvalid("nothing")
    return found


def _planned(attribute: Attribute, renamed: Renamed) -> Plan | None:
    labels = {label.name: label for label in attribute.labels.all()}
    if unknown := sorted(set(renamed) - set(labels)):
        raise ChangeInvalid("no_label", attribute=attribute.name, label=unknown[0], labels=unknown[:100])
    becomes = {label: _checked(attribute.name, new) for label, new in renamed.items()}
    edits = tuple(Edit(label, labels[label].count, new) for label, new in becomes.items() if new != label)
    if not edits:
        return None
    after: Counter[str] = Counter()
    training: Counter[str] = Counter()
    for name, label in labels.items():
        if (new := becomes.get(name, name)) is not None:
            after[new] += label.count
            training[new] += label.training_count
    if not after:
        raise ChangeInvalid("no_label_left", attribute=attribute.name)
    is_multi = attribute.kind == Attribute.Kind.MULTI
    return Plan(
        attribute.name,
        edits,
        tuple(after.most_common()),
        is_at_most=is_multi,
        without_label=sum(edit.tickets for edit in edits if edit.becomes is None),
        learnt_before=_learnt(label.training_count for label in labels.values()),
        learnt_after=_learnt(training.values()),
    )


def _checked(attribute: str, label: str | None) -> str | None:
    if label is None:
        return None
    label = label.strip()
    if not label or len(label) > 200 or not label.isprintable():
        raise ChangeInvalid("label", attribute=attribute)
    return label


def _learnt(tickets: Iterable[int]) -> int:
    return sum(count >= RARE_LABEL_TICKETS for count in tickets)


def look_alikes(groups: Sequence[Mapping[str, int]]) -> dict[str, str]:
    """Labels that differ in case, blanks or signs only, each by the most frequent spelling of its group."""
    chosen = {label: max(group, key=lambda name: (group[name], name)) for group in groups for label in group}
    return {label: best for label, best in chosen.items() if label != best}


def numbered(attribute: str, labels: Sequence[str]) -> dict[str, str]:
    """Labels that are personal data, each by a name that says nothing of a person ("Agent 1"), which no label has."""
    free = (name for n in count(1) if (name := f"{attribute[:190]} {n}") not in labels)
    return dict(zip(personal_labels(labels), free, strict=False))
