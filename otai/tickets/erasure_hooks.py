"""Rooms above that keep words of tickets where no room below can know it say here how they forget them.

Deleting tickets is decided below and must reach everything. What a room registers for its rows is called within the
transaction that deletes; what it registers for files is called after it, on each machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

Forget = Callable[[UUID, Sequence[UUID]], int]
"""Called with an organisation and what of it is deleted: data sets, and jobs that had them before them. Returns how
many rows it cleared."""
ForgetFiles = Callable[[UUID, datetime], None]
"""Called with an organisation and the moment of a deletion: what came later stays. Safe at any time, and again."""

_also: dict[str, Forget] = {}
_also_files: dict[str, ForgetFiles] = {}


def also_forget(what: str, forget: Forget) -> None:
    """Called once, when the room's app is ready; the same name again replaces it."""
    _also[what] = forget


def also_forget_files(what: str, forget: ForgetFiles) -> None:
    """As `also_forget`, for what lies on this machine."""
    _also_files[what] = forget


def forget_elsewhere(organisation: UUID, deleted: Sequence[UUID]) -> dict[str, int]:
    """Other rooms forget what they keep of these data sets; returns by kind how much it was. In the caller's
    transaction."""
    return {what: forget(organisation, deleted) for what, forget in sorted(_also.items())}


def forget_files_elsewhere(organisation: UUID, *, before: datetime) -> None:
    """Other rooms delete files that they keep from before then."""
    for _, forget in sorted(_also_files.items()):
        forget(organisation, before)
