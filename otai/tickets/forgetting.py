"""Rooms above that keep words of tickets in tables which no room below knows say here how they forget them.

Deleting tickets is decided below and must reach everything. What a room registers is called within the transaction that deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

Forget = Callable[[UUID, Sequence[UUID]], int]
"""Called with an organisation and data sets whose tickets are deleted; returns how many rows it cleared."""

_also: dict[str, Forget] = {}


def also_forget(what: str, forget: Forget) -> None:
    """Called once, when the room's app is ready; the same name again replaces it."""
    _also[what] = forget


def forget_elsewhere(organisation: UUID, data_sets: Sequence[UUID]) -> dict[str, int]:
    return {what: forget(organisation, data_sets) for what, forget in sorted(_also.items())}
