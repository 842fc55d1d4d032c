"""Labels that are personal data by their form, such as the mail addresses of agents: a model answers with them, so that
what is exported carries them, whatever was masked in texts."""

from __future__ import annotations

from collections.abc import Iterable

from otai.learning.data.privacy.personal import CARD, EMAIL, EXAMPLES, IBAN, masked_example, personal_data
from otai.learning.finding import Finding

LABELS_ARE_PERSONAL = "labels_are_personal"
KINDS = frozenset((EMAIL, IBAN, CARD))
"""What has a form that nothing else has. A number may be a telephone's or a queue's, a name a person's or a team's."""


def personal_labels(labels: Iterable[str]) -> list[str]:
    """Those of the labels that hold personal data by their form, in the order given."""
    return [label for label in labels if any(kind in KINDS for kind, _, _ in personal_data(label))]


def of_labels(attribute: str, labels: Iterable[str]) -> Finding | None:
    """That labels of the attribute are personal data, with masked examples; None where none is."""
    found = personal_labels(labels)
    if not found:
        return None
    values = {"labels": len(found), "shown": [masked_example(label) for label in found[:EXAMPLES]]}
    return Finding(LABELS_ARE_PERSONAL, attribute=attribute, values=values)
