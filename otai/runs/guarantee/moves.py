"""The one way in which a guarantee moves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from otai.errors import Refused
from otai.runs.guarantee_status import MOVES, GuaranteeOccurrence, GuaranteeStatus
from otai.runs.models import Guarantee, GuaranteeEvent
from otai.words.explained import Arrow, arrow, kept
from otai.words.sentences import Fact


class GuaranteeMoved(Refused):
    """Someone else moved the guarantee meanwhile. Look at it again."""

    code = "guarantee_moved"


def record(
    guarantee: Guarantee,
    *,
    move: Arrow | GuaranteeOccurrence,
    who: str,
    now: datetime,
    why: str | Fact = "",
    **details: Any,
) -> None:
    """Writes a line of the guarantee's history, in the caller's transaction.

    `why`: a person's own words, or a fact that each reader is told in their language."""
    GuaranteeEvent.objects.create(
        guarantee=guarantee,
        organisation_id=guarantee.organisation_id,
        at=now,
        move=move,
        who=who,
        **kept(why, details),
    )


def move(
    guarantee: Guarantee,
    to: GuaranteeStatus,
    *,
    who: str,
    why: str | Fact,
    now: datetime,
    details: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Moves the guarantee if it is still where we last saw it: one compare-and-swap, one event. Raises
    GuaranteeMoved."""
    was = GuaranteeStatus(guarantee.status)
    assert to in MOVES[was], f"{was} -> {to} is no move"
    moved = Guarantee.objects.filter(id=guarantee.id, status=was).update(status=to, **changes)
    if not moved:
        raise GuaranteeMoved("guarantee", tier=guarantee.tier)
    for name, value in {"status": to.value, **changes}.items():
        setattr(guarantee, name, value)
    record(guarantee, move=arrow(was, to), who=who, why=why, now=now, **(details or {}))
