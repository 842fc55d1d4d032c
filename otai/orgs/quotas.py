"""How much of something an organisation may have at once, by its tier and by what an operator lifted for it alone.

require(organisation.id, Quota.OPEN_QUOTES)     # within the transaction that goes on to write one more; QuotaReached

The bounds stand in the price book (`TierQuotas`), which rooms above know: billing says here what a tier has, and each
room how much of its own there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from otai.db import one_transaction
from otai.errors import Invalid, Refused
from otai.orgs.models import Organisation, QuotaLift
from otai.orgs.operations.members import record


class Quota(StrEnum):
    """By the names of `TierQuotas`."""

    STORAGE = "storage_bytes"
    DATA_SETS = "data_sets"
    WAITING_UPLOADS = "waiting_uploads"
    OPEN_QUOTES = "open_quotes"
    IMPORTS = "imports_at_once"
    STREAMS = "streams"
    REQUESTS = "requests_a_minute"


class QuotaReached(Refused):
    """`details`: `quota`, the `most` there may be, how much is `used`, and the `tier` that says so."""

    code = "quota_reached"


class InvalidQuota(Invalid):
    code = "invalid_quota"


@dataclass(frozen=True, slots=True)
class QuotaBound:
    """`most`: None is no bound. `is_lifted`: an operator set it for this organisation alone."""

    most: int | None
    tier: str
    is_lifted: bool = False


def _no_tier(organisation: UUID) -> tuple[str, dict[Quota, int | None]]:
    return "", {}


tier_bounds: list[Callable[[UUID], tuple[str, dict[Quota, int | None]]]] = []
"""One, of billing: the title of the organisation's tier, and its bounds."""

counters: dict[Quota, list[Callable[[UUID], int]]] = {quota: [] for quota in Quota}
"""Of each room: how much of it the organisation has now. Together they are what is used."""

LIFTED = "quota_set"


def bounds(organisation: UUID) -> dict[Quota, QuotaBound]:
    """All of an organisation."""
    tier, mosts = tier_bounds[0](organisation) if tier_bounds else _no_tier(organisation)
    lifts = dict(QuotaLift.objects.filter(organisation=organisation).values_list("quota", "most"))
    return {
        quota: QuotaBound(lifts[quota], tier, is_lifted=True) if quota in lifts else QuotaBound(mosts.get(quota), tier)
        for quota in Quota
    }


def used(organisation: UUID, quota: Quota) -> int:
    """How much of it there is now."""
    return sum(count(organisation) for count in counters[quota])


def require(organisation: UUID, quota: Quota, *, more: int = 1) -> None:
    """Within the transaction that goes on to write `more` of it: whoever else wants the last place waits meanwhile.
    Raises QuotaReached; none more is never refused, also where a lower tier has less than there is."""
    bound = bounds(organisation)[quota]
    if bound.most is None or not more:
        return
    Organisation.objects.select_for_update(no_key=True).get(id=organisation)
    refuse_beyond(bound, quota, used=used(organisation, quota), more=more)


def refuse_full(organisation: UUID, quota: Quota) -> None:
    """Before anything is begun, and without keeping anybody waiting: raises QuotaReached where there is no room."""
    refuse_beyond(bounds(organisation)[quota], quota, used=used(organisation, quota))


def refuse_beyond(bound: QuotaBound, quota: Quota, *, used: int, more: int = 1) -> None:
    """Raises QuotaReached where `more` beside what is used is more than the bound."""
    if bound.most is not None and used + more > bound.most:
        raise _reached(quota, as_details(quota, bound, used=used))


def _reached(quota: Quota, said: dict[str, Any]) -> QuotaReached:
    match quota:
        case Quota.STORAGE:
            return QuotaReached("storage_bytes", **said)
        case Quota.DATA_SETS:
            return QuotaReached("data_sets", **said)
        case Quota.WAITING_UPLOADS:
            return QuotaReached("waiting_uploads", **said)
        case Quota.OPEN_QUOTES:
            return QuotaReached("open_quotes", **said)
        case Quota.IMPORTS:
            return QuotaReached("imports_at_once", **said)
        case Quota.STREAMS | Quota.REQUESTS:
            raise AssertionError(f"{quota} is refused where it is counted")


def as_details(quota: Quota, bound: QuotaBound, *, used: int) -> dict[str, Any]:
    """What a refusal says, and a page shows."""
    said: dict[str, Any] = {"quota": quota.value, "used": used, "most": bound.most, "tier": bound.tier}
    if quota is Quota.STORAGE:
        said |= {"used_mb": -(-used // 10**6), "most_mb": (bound.most or 0) // 10**6}
    return said


@one_transaction
def lift(
    *,
    organisation: Organisation,
    quota: Quota,
    most: int | None,
    who: str,
    why: str,
    now: datetime,
    reset: bool = False,
) -> None:
    """An operator sets the bound for this organisation alone, None for no bound; with `reset` its tier's holds again.
    Raises InvalidQuota."""
    why = " ".join(why.split())
    if not why or len(why) > 500:
        raise InvalidQuota("why", field="why")
    if most is not None and not 0 <= most <= 2**62:
        raise InvalidQuota("most", field="most")
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    before = bounds(organisation.id)[quota]
    if reset:
        QuotaLift.objects.filter(organisation=organisation, quota=quota).delete()
    else:
        set_to = {"most": most, "set_by": who[:200], "why": why, "set_at": now}
        QuotaLift.objects.update_or_create(organisation=organisation, quota=quota, defaults=set_to)
    after = bounds(organisation.id)[quota]
    record(
        organisation, who=who, what=LIFTED, subject=quota.value, now=now, before=before.most, after=after.most, why=why
    )
