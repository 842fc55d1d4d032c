"""What the Studio answers, as values. Each keeps the whole answer in `raw`, so that a newer Studio's fields can be
reached."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

A = TypeVar("A", bound="Answer")


@dataclass(frozen=True, slots=True)
class Answer:
    raw: Mapping[str, Any] = dataclasses.field(repr=False, compare=False)

    @classmethod
    def of(cls: type[A], raw: Mapping[str, Any]) -> A:
        """From the JSON object of an answer; fields that this version does not know stay in `raw`. Raises KeyError for
        one that lacks a field."""
        hints = typing.get_type_hints(cls)
        known = {f.name for f in dataclasses.fields(cls)} - {"raw"}
        return cls(raw=raw, **{name: _read(raw[name], hints[name]) for name in known})


def _read(value: Any, kind: Any) -> Any:
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None:
        return None
    if datetime in kinds:
        return datetime.fromisoformat(value)
    if UUID in kinds:
        return UUID(value)
    return value


@dataclass(frozen=True, slots=True)
class Balance(Answer):
    available: int
    held: int
    spent: int


@dataclass(frozen=True, slots=True)
class StatementLine(Answer):
    """One movement of credits, with the balance after it."""

    at: datetime
    kind: str
    what: str
    reason: str
    credits: int
    credits_in: int
    credits_out: int
    available: int
    held: int
    spent: int


@dataclass(frozen=True, slots=True)
class Saving(Answer):
    """A cheaper way to train: what to change, and what it then costs and saves, in credits."""

    what: str
    credits: int
    saves: int


@dataclass(frozen=True, slots=True)
class DataSet(Answer):
    id: UUID
    name: str
    version: int
    tickets: int
    left_out_rows: int
    source_filename: str
    source_format: str
    imported_at: datetime
    deleted_at: datetime | None = None
    made_as: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Quote(Answer):
    id: UUID
    model: str
    attributes: list[str]
    mode: str
    delivery: str
    credits: int
    lines: list[dict[str, str]]
    price_book: str
    expires_at: datetime
    due_at: datetime
    expected_finish_at: datetime | None
    balance: int
    balance_after: int

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What in the tickets gives labels away (code, attribute, message, advice); empty from a Studio of before."""
        return list(self.raw.get("warnings", ()))


@dataclass(frozen=True, slots=True)
class Run(Answer):
    number: int
    id: UUID
    model: str
    data_set_name: str
    attributes: list[str]
    mode: str
    delivery: str
    status: str
    credits: int
    held: int
    charged: int
    ordered_at: datetime
    due_at: datetime
    ended_at: datetime | None
    expected_finish_at: datetime | None
    stage: str
    steps_done: int
    steps_total: int
    failure_code: str
    failure_message: str
    model_version: int | None

    @property
    def has_ended(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.ended_at is not None


@dataclass(frozen=True, slots=True)
class ModelVersion(Answer):
    model: str
    version: int
    run: int
    mode: str
    attributes: list[str]
    created_at: datetime
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Label:
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Attribute:
    """What the model says of one attribute; `confidence` is that of the least certain of the labels. `decides_alone`:
    whether it may be applied without a person at the precision asked for; None where none was."""

    labels: tuple[str, ...]
    confidence: float
    runners_up: tuple[Label, ...]
    decides_alone: bool | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One ticket: `prediction["queue"].labels`."""

    attributes: Mapping[str, Attribute]

    def __getitem__(self, attribute: str) -> Attribute:
        return self.attributes[attribute]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Prediction:
        """From the JSON of one ticket's prediction; confidences are shares from 0 to 1."""
        return cls(
            {
                name: Attribute(
                    tuple(found["labels"]),
                    found["confidence"],
                    tuple(Label(other["label"], other["confidence"]) for other in found["runners_up"]),
                    found.get("decides_alone"),
                )
                for name, found in raw["attributes"].items()
            }
        )
