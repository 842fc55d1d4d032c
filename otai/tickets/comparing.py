"""A version of a data set beside the one before it: which tickets came, changed and went, and which labels did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from otai.learning.data.tickets import ATTRIBUTE_PREFIX
from otai.learning.finding import Finding
from otai.tickets.columns import ColumnRoles


@dataclass(frozen=True, slots=True)
class Before:
    """The version that a new one follows: its file, its number, and what the columns were used for that it was read
    from."""

    path: Path
    version: int
    roles: ColumnRoles

    @property
    def has_ids(self) -> bool:
        """Whether its tickets have ids of their own."""
        return "ticket" in self.roles.single

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for a job. `from_dict` reads it."""
        return {"path": str(self.path), "version": self.version, "roles": self.roles.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> Before | None:
        """The value of `as_dict`; None stays None."""
        if values is None:
            return None
        return cls(Path(values["path"]), values["version"], ColumnRoles.from_dict(values["roles"]))


VERSIONS_COMPARED, LABELS_CAME, LABELS_WENT = "versions_compared", "labels_came", "labels_went"
MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of an attribute that only the newer or only the older version has, the most frequent first; and how
    many tickets that are in both carry others now."""

    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """Tickets by where they are: only in the newer (`came`), only in the older (`went`), in both and another text or
    label (`changed`), or as they were (`same`)."""

    came: int
    changed: int
    went: int
    same: int
    labels: dict[str, Labels] = field(default_factory=dict)

    def findings(self, *, version: int) -> Iterator[Finding]:
        """For the profile of the newer version; `version` is the older one's number."""
        values: dict[str, Any] = {"version": version, "came": self.came, "changed": self.changed, "went": self.went}
        changed = {name: one.changed for name, one in self.labels.items() if one.changed}
        yield Finding(VERSIONS_COMPARED, values={**values, "same": self.same, "changed_labels": changed})
        for name, one in self.labels.items():
            for code, names in ((LABELS_CAME, one.came), (LABELS_WENT, one.went)):
                if names:
                    shown = {"version": version, "labels": len(names), "named": list(names[:MOST_NAMED])}
                    yield Finding(code, attribute=name, values=shown)


def compare(older: Path, newer: Path, *, by_id: bool) -> Difference:
    """Two data sets' files, of which each ticket's id stands once. Not `by_id`: rows have no ids of their own, and a
    ticket is its text.

    In memory are a number for each ticket and attribute, and one column at a time.
    """
    before, after = _Rows.of(older, by_id=by_id), _Rows.of(newer, by_id=by_id)
    # Of tickets with one text, the first stands for all: which of them went nobody can say.
    old_keys, old_rows = np.unique(before.keys, return_index=True)
    new_keys, new_rows = np.unique(after.keys, return_index=True)
    both, in_old, in_new = np.intersect1d(old_keys, new_keys, assume_unique=True, return_indices=True)
    old_rows, new_rows = old_rows[in_old], new_rows[in_new]
    different = before.texts[old_rows] != after.texts[new_rows]
    labels: dict[str, Labels] = {}
    for name in dict.fromkeys([*after.counts, *before.counts]):
        came, went = after.counts.get(name, Counter()), before.counts.get(name, Counter())
        changed = 0
        if name in after.labels and name in before.labels:
            others = before.labels[name][old_rows] != after.labels[name][new_rows]
            changed = int(others.sum())
            different |= others
        labels[name] = Labels(_only_in(came, went), _only_in(went, came), changed)
    changed = int(different.sum())
    return Difference(
        came=len(after.keys) - int(np.isin(after.keys, both).sum()),
        changed=changed,
        went=len(before.keys) - int(np.isin(before.keys, both).sum()),
        same=len(both) - changed,
        labels={name: one for name, one in labels.items() if one != Labels()},
    )


def _only_in(one: Counter[str], other: Counter[str]) -> tuple[str, ...]:
    return tuple(label for label, _ in one.most_common() if label not in other)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Each ticket as hashes, which are worth something in this process only: its key, its text, its labels by
    attribute."""

    keys: np.ndarray
    texts: np.ndarray
    labels: dict[str, np.ndarray]
    counts: dict[str, Counter[str]]

    @classmethod
    def of(cls, path: Path, *, by_id: bool) -> _Rows:
        file = pq.ParquetFile(path)
        texts = _hashes(file, "subject", "body")
        keys = _hashes(file, "ticket") if by_id else texts
        labels, counts = {}, {}
        for column in file.schema_arrow.names:
            if column.startswith(ATTRIBUTE_PREFIX):
                name = column.removeprefix(ATTRIBUTE_PREFIX)
                labels[name] = _hashes(file, column)
                counts[name] = _counted(file, column)
        return cls(keys, texts, labels, counts)


def _hashes(file: pq.ParquetFile, *columns: str) -> np.ndarray:
    parts = [np.zeros(0, dtype=np.int64)]
    for batch in file.iter_batches(columns=list(columns), batch_size=65_536):
        values = zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
        parts.append(np.fromiter((_hash(row) for row in values), dtype=np.int64, count=batch.num_rows))
    return np.concatenate(parts)


def _hash(row: tuple[Any, ...]) -> int:
    return hash(tuple(_plain(value) for value in row))


def _plain(value: Any) -> Any:
    """A text that is empty and one that is not there are the same; so are a label and a list of one, for an attribute
    may have got several."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else tuple(sorted(value))
    return value or None


def _counted(file: pq.ParquetFile, column: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for batch in file.iter_batches(columns=[column], batch_size=65_536):
        values = batch.column(0)
        if pa.types.is_list(values.type):
            values = values.flatten()
        for entry in values.value_counts().to_pylist():
            if entry["values"] is not None:
                counted[entry["values"]] += entry["counts"]
    return counted
