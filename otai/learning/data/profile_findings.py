"""The problems a profile names: each with a code that programs test for, words for the customer, what to do, and the numbers.

Decisions only: values in, findings out. Nothing here stops an import; a finding is advice before money is spent.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otai.learning.data.profile import RARE_LABEL_TICKETS, AttributeProfile, DataFinding, LabelCount, Profile

LEAK_SHARE = 0.3
"""Own label found in this share of the labelled texts ..."""
LEAK_LIFT = 4.0
"""... and this many times as often as in texts with another label: a form field or routing note was copied into the text. Labels that
people simply mention ("my printer") stay below one or the other on all public sets."""
LEAK_LABELS = 200
"""Labels of an attribute that are looked for, the most frequent first; the time is labels times sample."""

MANY_LABELS = 1_000
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Duplicates:
    """`repeated` tickets repeat the text of an earlier one; `contradicting` share a text but not all labels, by attribute in
    `by_attribute`; `test_in_training` test tickets have a twin that is learnt from."""

    repeated: int
    contradicting: int
    by_attribute: dict[str, int]
    test_in_training: int


def of_tickets(profile: Profile, duplicates: Duplicates) -> Iterator[DataFinding]:
    """What concerns the tickets as a whole: empty, repeated, contradicting, short, without an attribute, of unknown language."""
    n = profile.tickets
    if profile.empty_tickets:
        yield DataFinding(
            "empty_tickets",
            None,
            f"{_of(profile.empty_tickets, n)} tickets have neither subject nor body.",
            "They are left out of training. If they should have text, check which columns were taken for subject and body.",
            {"tickets": profile.empty_tickets, "share": profile.empty_tickets / n},
        )
    if duplicates.repeated:
        yield DataFinding(
            "duplicate_tickets",
            None,
            f"{_of(duplicates.repeated, n)} tickets repeat the text of an earlier one.",
            "Nothing to do: a text and its repetitions always stay on one side of the holdout split, so that they do not flatter it.",
            {"tickets": duplicates.repeated, "share": duplicates.repeated / n},
        )
    if duplicates.contradicting:
        for attribute, tickets in sorted(duplicates.by_attribute.items(), key=lambda item: -item[1]):
            yield DataFinding(
                "contradicting_duplicates",
                attribute,
                f"{tickets:,} tickets share their text with another ticket that has a different {attribute}.",
                "No model can be right on all of them. Agree on one label for such texts, or accept that limit.",
                {"tickets": tickets, "share": tickets / n},
            )
    if duplicates.test_in_training:
        yield DataFinding(
            "test_tickets_in_training",
            None,
            f"{duplicates.test_in_training:,} test tickets have the same text as a training ticket.",
            "Figures on the test part will look better than the model is. Remove them from either part.",
            {"tickets": duplicates.test_in_training},
        )
    if profile.text_length["median"] < 20:
        yield DataFinding(
            "texts_are_short",
            None,
            f"Half of the tickets have fewer than {profile.text_length['median'] + 1} characters of text.",
            "Check that the right column was taken for the body; a few words rarely decide a label.",
            {"median_characters": profile.text_length["median"]},
        )
    if not profile.attributes:
        yield DataFinding(
            "no_attributes",
            None,
            "No column was taken for an attribute, so there is nothing to learn yet.",
            "Name one when importing, for example --attribute queue.",
        )
    unknown = profile.languages.get("unknown", 0.0)
    if unknown > 0.2:
        yield DataFinding(
            "language_unknown",
            None,
            f"For {unknown:.0%} of the tickets the language could not be told, mostly because the text is short.",
            "If a column of your file names the language, say so: --column lang=language.",
            {"share": unknown},
        )
    odd = {name: count for name, count in profile.split.items() if name not in ("train", "test")}
    if odd:
        names = ", ".join(f"{name!r} ({count:,})" for name, count in odd.items())
        yield DataFinding(
            "split_values_unknown",
            None,
            f"The split column holds values other than train and test: {names}.",
            "These tickets are neither learnt from nor tested on.",
            {"values": odd},
        )


def of_attribute(attribute: AttributeProfile, *, tickets: int) -> Iterator[DataFinding]:
    """What concerns one attribute's labels: none or one that can be learnt, rare, look-alike, missing, lopsided, too many."""
    name = attribute.name
    if not attribute.is_learnable:
        yield DataFinding(
            "attribute_not_learnable",
            name,
            f"{name} has {attribute.learnable_labels} labels with at least {RARE_LABEL_TICKETS} training tickets; learning needs 2.",
            "Leave it out of the training, or import more tickets.",
            {"learnable_labels": attribute.learnable_labels, "labels": len(attribute.labels)},
        )
    rare = [label for label in attribute.labels if label.training_count < RARE_LABEL_TICKETS]
    if rare:
        affected = sum(label.count for label in rare)
        yield DataFinding(
            "rare_labels",
            name,
            f"{_of(len(rare), len(attribute.labels))} labels of {name} have fewer than {RARE_LABEL_TICKETS} training tickets: "
            f"{_some([label.name for label in rare])}.",
            f"They are left out of training (a model never answers with them). Bring {RARE_LABEL_TICKETS} tickets of each, or merge them.",
            {"labels": len(rare), "tickets": affected, "examples": [label.name for label in rare[:EXAMPLES]]},
        )
    if alike := _look_alikes(attribute):
        shown = "; ".join(" / ".join(repr(label.name) for label in group) for group in alike[:EXAMPLES])
        yield DataFinding(
            "labels_look_alike",
            name,
            f"{len(alike):,} groups of labels of {name} differ only in case, blanks or punctuation: {shown}{' ...' if len(alike) > EXAMPLES else ''}.",
            "If they mean the same, write them the same way in the source and import again: the model learns them as different.",
            {
                "groups": [{label.name: label.count for label in group} for group in alike[:20]],
                "group_count": len(alike),
            },
        )
    if attribute.missing and attribute.kind != "multi":
        yield DataFinding(
            "missing_labels",
            name,
            f"{_of(attribute.missing, tickets)} tickets have no {name}.",
            "They still help to learn the other attributes. Label them to make this one better.",
            {"tickets": attribute.missing, "share": attribute.missing / tickets},
        )
    if attribute.kind != "multi" and attribute.labels and len(attribute.labels) > 1:
        top = attribute.labels[0]
        if top.count > 0.9 * attribute.labelled:
            yield DataFinding(
                "one_label_dominates",
                name,
                f"{top.count / attribute.labelled:.0%} of the labelled tickets have {name} {top.name!r}.",
                "Always answering that would already be right as often. Look at the report card's macro F1, not at accuracy.",
                {"label": top.name, "share": top.count / attribute.labelled},
            )
    if len(attribute.labels) > MANY_LABELS:
        yield DataFinding(
            "many_labels",
            name,
            f"{name} has {len(attribute.labels):,} labels, {attribute.labelled / len(attribute.labels):.1f} tickets each on average.",
            "Check that it is not a name or a number. A coarser attribute (its parent category) is learnt far better.",
            {"labels": len(attribute.labels)},
        )
    unordered = [label.name for label in attribute.labels if attribute.order and label.name not in attribute.order]
    if unordered:
        yield DataFinding(
            "labels_outside_the_order",
            name,
            f"{name} was given the order {' < '.join(attribute.order)}, and has other labels too: {_some(unordered)}.",
            "Name every label in the order when importing, for example --ordered priority=low,medium,high.",
            {"labels": unordered[:EXAMPLES]},
        )


def of_leaks(
    attributes: Sequence[AttributeProfile],
    texts: Sequence[str],
    labels: Mapping[str, Sequence[Any]],
    *,
    all_tickets: int,
) -> Iterator[DataFinding]:
    """Attributes whose label stands in the ticket's own text far more often than in texts with another label.

    `texts` is a sample of tickets and `labels` their labels by attribute (a label, a list of labels, or None). Such a copy is usually
    written after routing (a form field, an automatic note): a model learns to read it, and fails on tickets that lack it.
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
            sampled = "" if len(texts) >= all_tickets else f" (measured on {len(texts):,} tickets)"
            yield DataFinding(
                "label_in_text",
                attribute.name,
                f"In {share:.0%} of the tickets the text contains their own {attribute.name}, {lift:.0f} times as often as "
                f"by chance{sampled}.",
                "If it is written there only after someone decided it, remove it from the text: new tickets will not have it, and the "
                "model would lean on it.",
                {"share": share, "chance": chance, "lift": lift, "tickets_looked_at": own},
            )


def _as_words(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _look_alikes(attribute: AttributeProfile) -> list[list[LabelCount]]:
    groups: dict[str, list[LabelCount]] = defaultdict(list)
    for label in attribute.labels:
        groups[re.sub(r"[^\w+#]|_", "", label.name.casefold()) or label.name].append(label)
    return [group for group in groups.values() if len(group) > 1]


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:EXAMPLES])
    return shown if len(names) <= EXAMPLES else f"{shown} and {len(names) - EXAMPLES} more"
