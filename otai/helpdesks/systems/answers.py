"""Values of helpdesks' answers, as JSON holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from otai.helpdesks.values import FieldValue


def moment(written: Any) -> datetime:
    """A time in ISO 8601, in UTC where it names no zone. Raises ValueError."""
    if not isinstance(written, str):
        raise ValueError(f"{written!r} is no time")
    at = datetime.fromisoformat(written)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def objects(listed: Any) -> list[dict[str, Any]]:
    """A list of objects. Raises ValueError for all else."""
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError("no list of objects")
    return listed


def text(value: Any) -> str:
    """Text and numbers as text; all else as none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def labels_of(fields: Iterable[tuple[str, Any]]) -> Mapping[str, FieldValue]:
    """Texts and lists of texts that say something; all else is no label."""
    found: dict[str, FieldValue] = {}
    for name, value in fields:
        if isinstance(value, str) and value.strip():
            found[name] = value
        elif isinstance(value, list) and (several := tuple(one for one in value if isinstance(one, str) and one)):
            found[name] = several
    return found
