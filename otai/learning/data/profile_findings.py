"""The problems a profile names: each a code that programs test for, with its numbers; the doors say it
(`otai.words.findings`).

Decisions only: values in, findings out. Nothing here stops an import; a finding is advice before money is spent.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otai.learning.data.privacy import personal_labels
from otai.learning.data.profile import RARE_LABEL_TICKETS, AttributeProfile, LabelCount, Profile
from otai.learning.finding import Finding

LEAK_SHARE = 0.3
"""Own label found in this share of the labelled texts ..."""
LEAK_LIFT = 4.0
"""... and this many times as often as in texts with another label: a form field or routing note was copied into the
text. Labels that people simply mention ("my printer") stay below one or the other on all public sets."""
LEAK_LABELS = 200
"""Labels of an attribute that are looked for, the most frequent first; the time is labels times sample."""

MANY_LABELS = 1_000
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Duplicates:
    """`repeated` tickets repeat the text of an earlier one; `contradicting` share a text but not all labels, by
    attribute in `by_attribute`; `test_in_training` test tickets have a twin that is learnt from."""

    repeated: int
    contradicting: int
    by_attribute: dict[str, int]
    test_in_training: int


def of_tickets(profile: Profile, duplicates: Duplicates) -> Iterator[Finding]:
    """What concerns the tickets as a whole: empty, repeated, contradicting, short, without an attribute, of unknown
    language."""
    n = profile.tickets
    if profile.empty_tickets:
        yield Finding("empty_tickets", values={"tickets": profile.empty_tickets, "share": profile.empty_tickets / n})
    if duplicates.repeated:
        yield Finding("duplicate_tickets", values={"tickets": duplicates.repeated, "share": duplicates.repeated / n})
    if duplicates.contradicting:
        for attribute, tickets in sorted(duplicates.by_attribute.items(), key=lambda item: -item[1]):
            yield Finding(
                "contradicting_duplicates", attribute=attribute, values={"tickets": tickets, "share": tickets / n}
            )
    if duplicates.test_in_training:
        yield Finding("test_tickets_in_training", values={"tickets": duplicates.test_in_training})
    if profile.text_length["median"] < 20:
        yield Finding("texts_are_short", values={"median_characters": profile.text_length["median"]})
    if not profile.attributes:
        yield Finding("no_attributes")
    unknown = profile.languages.get("unknown", 0.0)
    if unknown > 0.2:
        yield Finding("language_unknown", values={"share": unknown})
    odd = {name: count for name, count in profile.split.items() if name not in ("train", "test")}
    if odd:
        yield Finding("split_values_unknown", values={"values": odd, "odd": list(odd)})


def of_attribute(attribute: AttributeProfile, *, tickets: int) -> Iterator[Finding]:
    """What concerns one attribute's labels: none or one that can be learnt, rare, look-alike, missing, lopsided, too
    many."""
    name = attribute.name
    if not attribute.is_learnable:
        yield Finding(
            "attribute_not_learnable",
            attribute=name,
            values={
                "learnable_labels": attribute.learnable_labels,
                "labels": len(attribute.labels),
                "fewest": RARE_LABEL_TICKETS,
            },
        )
    rare = [label for label in attribute.labels if label.training_count < RARE_LABEL_TICKETS]
    if rare:
        affected = sum(label.count for label in rare)
        yield Finding(
            "rare_labels",
            attribute=name,
            values={
                "labels": len(rare),
                "tickets": affected,
                "examples": [label.name for label in rare[:EXAMPLES]],
                "fewest": RARE_LABEL_TICKETS,
            },
        )
    if alike := _look_alikes(attribute):
        yield Finding(
            "labels_look_alike",
            attribute=name,
            values={
                "groups": [{label.name: label.count for label in group[:20]} for group in alike[:20]],
                "group_count": len(alike),
                "alike": [" / ".join(label.name for label in group) for group in alike[:EXAMPLES]],
            },
        )
    if personal := personal_labels.of_labels(name, (label.name for label in attribute.labels)):
        yield personal
    if attribute.missing and attribute.kind != "multi":
        yield Finding(
            "missing_labels",
            attribute=name,
            values={"tickets": attribute.missing, "share": attribute.missing / tickets},
        )
    if attribute.kind != "multi" and attribute.labels and len(attribute.labels) > 1:
        top = attribute.labels[0]
        if top.count > 0.9 * attribute.labelled:
            yield Finding(
                "one_label_dominates",
                attribute=name,
                values={"label": top.name, "share": top.count / attribute.labelled},
            )
    if len(attribute.labels) > MANY_LABELS:
        yield Finding("many_labels", attribute=name, values={"labels": len(attribute.labels)})
    unordered = [label.name for label in attribute.labels if attribute.order and label.name not in attribute.order]
    if unordered:
        yield Finding("labels_outside_the_order", attribute=name, values={"labels": unordered[:EXAMPLES]})


def of_leaks(
    attributes: Sequence[AttributeProfile],
    texts: Sequence[str],
    labels: Mapping[str, Sequence[Any]],
    *,
    all_tickets: int,
) -> Iterator[Finding]:
    """Attributes whose label stands in the ticket's own text far more often than in texts with another label.

    `texts` is a sample of tickets and `labels` their labels by attribute (a label, a list of labels, or None). Such a
    copy is usually written after routing (a form field, an automatic note): a model learns to read it, and fails on
    tickets that lack it.
    """
    words = [f" {_as_words(text)} " for text in texts]
    for attribute in attributes:
        carried: dict[str, set[int]] = defaultdict(set)
        for index, value in enumerate(labels[attribute.name]):
            for label in value if isinstance(value, list) else [value] if value is not None else []:
                carried[label].add(index)
        labelled = set().union(*carried.values()) if carried else set()
        frequent = Counter({label: len(rows) for label, rows in carried.items()}).most_common(LEAK_LABELS)
        in_own = own = 0
        expected = 0.0
        for label, count in frequent:
            wanted = _as_words(label)
            # A label such as "1" or "A" is in every text by accident.
            if len(wanted) < 3 or wanted.isdigit():
                continue
            rows = carried[label]
            holding = {index for index in labelled if f" {wanted} " in words[index]}
            others = len(labelled) - count
            own += count
            in_own += len(holding & rows)
            # One text added to each side: a label never seen elsewhere has an unknown chance, not none.
            expected += count * ((len(holding - rows) + 1) / (others + 1) if others else 1.0)
        if own < 20:
            continue
        share, chance = in_own / own, expected / own
        lift = share / chance
        if share >= LEAK_SHARE and lift >= LEAK_LIFT:
            yield Finding(
                "label_in_text",
                attribute=attribute.name,
                values={
                    "share": share,
                    "chance": chance,
                    "lift": lift,
                    "tickets_looked_at": own,
                    "all_tickets": all_tickets,
                },
            )


def _as_words(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _look_alikes(attribute: AttributeProfile) -> list[list[LabelCount]]:
    groups: dict[str, list[LabelCount]] = defaultdict(list)
    for label in attribute.labels:
        groups[re.sub(r"[^\w+#]|_", "", label.name.casefold()) or label.name].append(label)
    return [group for group in groups.values() if len(group) > 1]
