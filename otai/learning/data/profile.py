"""What came in with a data set, as values: counts, shares, and findings that a customer should know before paying for a
training.

`profiling.py` counts them, `profile_findings.py` finds what is worth saying.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otai.learning.finding import Finding
from otai.words.sentences import Fact

RARE_LABEL_TICKETS = 5
"""Labels with fewer training tickets are left out of training and test (data README: the rule behind every published
figure)."""

LABELS_NAMED = 1_000
LABELS_NAMED_OF_ONE = 200
LABELS_NAMED_AT_LEAST = 10
"""How many labels a summary names: of all attributes together, and of one at most and at least."""

DETECTED_FOR_ALL = Fact("languages_detected_for_all")
LANGUAGES_OF_THE_VERSION_BEFORE = Fact("languages_from_version_before")
LANGUAGES_DETECTED = ("languages_detected_for_all", "languages_detected_for_some")


@dataclass(frozen=True, slots=True)
class LabelCount:
    """A label, the tickets that carry it, and those of them that may be learnt from (not set aside as test)."""

    name: str
    count: int
    training_count: int


@dataclass(frozen=True, slots=True)
class AttributeProfile:
    """One attribute: its kind (single, multi, ordered), tickets with at least one label and without, labels from most
    to least.

    `labels` may be the most frequent alone (`Profile.summary`); `label_count` counts all of them, `learnable_labels`
    those that have training tickets enough to be learnt.
    """

    name: str
    kind: str
    order: tuple[str, ...]
    labelled: int
    missing: int
    labels: tuple[LabelCount, ...]
    label_count: int
    learnable_labels: int

    @classmethod
    def of_labels(
        cls, name: str, *, kind: str, order: Sequence[str], labelled: int, missing: int, labels: Sequence[LabelCount]
    ) -> AttributeProfile:
        """With all its labels, counted."""
        learnable = sum(label.training_count >= RARE_LABEL_TICKETS for label in labels)
        return cls(name, kind, tuple(order), labelled, missing, tuple(labels), len(labels), learnable)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AttributeProfile:
        """As `Profile.from_dict`; before summaries all labels were there, and nobody had counted them."""
        labels = [LabelCount(label["name"], label["count"], label["training_count"]) for label in data["labels"]]
        named = {name: data[name] for name in ("name", "kind", "order", "labelled", "missing")}
        found = cls.of_labels(labels=labels, **named)
        counted = {name: data[name] for name in ("label_count", "learnable_labels") if name in data}
        return dataclasses.replace(found, **counted)

    @property
    def rare_labels(self) -> int:
        """How many labels have too few training tickets to be learnt."""
        return self.label_count - self.learnable_labels

    @property
    def is_learnable(self) -> bool:
        """At least two labels have tickets enough."""
        return self.learnable_labels >= 2


@dataclass(frozen=True, slots=True)
class Profile:
    """What a data set holds. Shares are fractions of all tickets unless the name says otherwise.

    `languages` maps ISO 639-1 codes (and "unknown", "other") to the share of tickets, over the tickets that
    `languages_read` names (None once the content was deleted). `text_length` holds quantiles in characters (minimum,
    p10, median, p90, p99, maximum). `read_as` says as what the file was read (None where that was not kept).
    """

    tickets: int
    languages: dict[str, float]
    languages_read: Fact | None
    attributes: tuple[AttributeProfile, ...]
    empty_tickets: int
    duplicate_tickets: int
    contradicting_duplicates: int
    split: dict[str, int]
    text_length: dict[str, int]
    first_created_at: str | None
    last_created_at: str | None
    findings: tuple[Finding, ...]
    read_as: Fact | None = None
    notes: tuple[str, ...] = ()

    def attribute(self, name: str) -> AttributeProfile:
        """The profile of the attribute called `name`. Raises KeyError where the tickets have none of that name."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise KeyError(name)

    def as_dict(self) -> dict[str, Any]:
        """JSON-serialisable; `from_dict` gives the same profile back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Profile:
        """A profile written by `as_dict`, by this version or an earlier one; fields it does not know are passed
        over."""
        known = {f.name for f in dataclasses.fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["attributes"] = tuple(map(AttributeProfile.from_dict, data["attributes"]))
        read = data.get("languages_read")
        values["languages_read"] = Fact.from_dict(read) if read else _languages_read(data.get("languages_from", ""))
        values["findings"] = tuple(map(_finding, data["findings"]))
        values["read_as"] = Fact.from_dict(data["read_as"]) if data.get("read_as") else None
        values["notes"] = tuple(data.get("notes", ()))
        return cls(**values)

    def with_attribute(self, name: str, *, kind: str, order: Sequence[str]) -> Profile:
        """The same with one attribute's kind and order as they turned out once all labels were known."""
        changed = tuple(
            dataclasses.replace(attribute, kind=kind, order=tuple(order)) if attribute.name == name else attribute
            for attribute in self.attributes
        )
        outside = [label.name for one in changed if one.name == name for label in one.labels if label.name not in order]
        findings = []
        for finding in self.findings:
            if (finding.attribute, finding.code) == (name, "labels_outside_the_order"):
                if not order or not outside:
                    continue
                finding = dataclasses.replace(finding, values={"labels": outside[: len(finding.values["labels"])]})
            findings.append(finding)
        return dataclasses.replace(self, attributes=changed, findings=tuple(findings))

    def summary(self) -> Profile:
        """The same with the most frequent labels alone: what is kept beside a data set and read with every page about
        it. All labels are rows of their own."""
        most = LABELS_NAMED // max(len(self.attributes), 1)
        most = max(LABELS_NAMED_AT_LEAST, min(LABELS_NAMED_OF_ONE, most))
        named = (dataclasses.replace(attribute, labels=attribute.labels[:most]) for attribute in self.attributes)
        return dataclasses.replace(self, attributes=tuple(named))

    def without_content(self) -> Profile:
        """The figures alone: labels are numbered instead of named, and nothing is said in words."""
        attributes = tuple(
            dataclasses.replace(
                attribute,
                order=(),
                labels=tuple(
                    dataclasses.replace(label, name=f"label {rank}") for rank, label in enumerate(attribute.labels, 1)
                ),
            )
            for attribute in self.attributes
        )
        return dataclasses.replace(
            self, attributes=attributes, findings=(), languages_read=None, read_as=None, notes=()
        )

    def renamed(self, names: Mapping[str, str]) -> Profile:
        """The same with these attributes under other names: old -> new."""
        attributes = tuple(dataclasses.replace(one, name=names.get(one.name, one.name)) for one in self.attributes)
        return dataclasses.replace(self, attributes=attributes)

    def with_findings(
        self, more: Sequence[Finding], *, read_as: Fact | None = None, notes: Sequence[str] = ()
    ) -> Profile:
        """The same with what the import itself noticed in front."""
        return dataclasses.replace(
            self, findings=(*more, *self.findings), read_as=read_as or self.read_as, notes=(*self.notes, *notes)
        )


def _languages_read(written: str) -> Fact | None:
    """Release 0.1 kept a phrase in English."""
    if some := re.fullmatch(r"detected for one ticket in ([\d,]+)", written):
        return Fact("languages_detected_for_some", {"every": int(some[1].replace(",", ""))})
    if written.startswith("the column "):
        return Fact("languages_from_column", {"column": written.removeprefix("the column ")})
    known = {"detected for every ticket": DETECTED_FOR_ALL, "the version before": LANGUAGES_OF_THE_VERSION_BEFORE}
    return known.get(written)


def _finding(stored: Mapping[str, Any]) -> Finding:
    """Before findings had values they had sentences, beside numbers that were the same by another name."""
    if "values" in stored:
        known = {field.name for field in dataclasses.fields(Finding)}
        return Finding(**{name: value for name, value in stored.items() if name in known})
    numbers = dict(stored.get("numbers") or {})
    if isinstance(numbers.get("groups"), list):
        numbers["alike"] = [" / ".join(group) for group in numbers["groups"]]
    if isinstance(numbers.get("values"), Mapping):
        numbers["odd"] = list(numbers["values"])
    if isinstance(numbers.get("columns"), Mapping):
        numbers["columns"] = list(numbers["columns"])
    values = {"fewest": RARE_LABEL_TICKETS, **numbers}
    return Finding(stored["code"], attribute=stored["attribute"], values=values, written=stored["message"])
