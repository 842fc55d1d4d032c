"""What an organisation has: now from one row, and at any past instant from one transfer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from otai.errors import NotFound
from otai.ledger.chain import START
from otai.ledger.models import Account, Hold, HoldState, LateCapture, Transfer
from otai.ledger.operations.requests import checked_moment
from otai.ledger.sqlite import stored_time
from otai.orgs.models import Organisation


@dataclass(frozen=True, slots=True)
class Balance:
    """Credits that can be spent, that are reserved, and that were spent."""

    available: int
    held: int
    spent: int


def balance(organisation: UUID, at: datetime | None = None) -> Balance:
    """The balance now, or as it was at a past instant (transfers of that very instant included).

    One row by primary key for now; for the past a binary search of the organisation's transfers, 24 index look-ups in
    ten million. Raises NotFound for an unknown organisation.
    """
    if at is not None:
        return _balance_at(organisation, at)
    row = (
        Account.objects.filter(organisation=organisation).values_list("available", "held", "spent", named=False).first()
    )
    if row is None:
        require_organisation(organisation)
        return Balance(0, 0, 0)
    return Balance(*row)


def require_organisation(organisation: UUID) -> None:
    """Raises NotFound where there is no such organisation."""
    if not Organisation.objects.filter(id=organisation).exists():
        raise NotFound("no_organisation", organisation=str(organisation))


def _balance_at(organisation: UUID, at: datetime) -> Balance:
    checked_moment(at, what="at")
    require_organisation(organisation)
    seq = last_seq_at(organisation, at)
    if seq == 0:
        return Balance(0, 0, 0)
    row = Transfer.objects.values_list("available_after", "held_after", "spent_after").get(
        organisation=organisation, seq=seq
    )
    return Balance(*row)


LAST_SEQ_AT = """
    WITH RECURSIVE search (low, high) AS (
        SELECT CAST(0 AS bigint), last_seq FROM ledger_account WHERE organisation_id = %(organisation)s
        UNION ALL
        SELECT CASE WHEN t.at <= %(at)s THEN t.seq ELSE low END, CASE WHEN t.at <= %(at)s THEN high ELSE t.seq - 1 END
        FROM search JOIN ledger_transfer AS t ON t.organisation_id = %(organisation)s AND t.seq = (low + high + 1) / 2
        WHERE low < high
    )
    SELECT low FROM search WHERE low = high
"""


def last_seq_at(organisation: UUID, at: datetime) -> int:
    """The place of the last transfer made at or before `at`; 0 if there was none.

    A binary search over (organisation, seq), since within an organisation time never runs backwards: so no index on
    time has to be written with each transfer.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(LAST_SEQ_AT, {"organisation": organisation, "at": at})
        else:
            cursor.execute(LAST_SEQ_AT, {"organisation": organisation.hex, "at": stored_time(at)})
        row = cursor.fetchone()
    return row[0] if row else 0


def latest_time(organisation: UUID) -> datetime | None:
    """When the organisation's last transfer was made: its next one is never dated earlier. None before the first."""
    return Account.objects.filter(organisation=organisation).values_list("last_at", flat=True).first()


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """`transfers` so far, and the SHA-256 (hex) of the last: it depends on every one before."""

    transfers: int
    hash: str


def chain_end(organisation: UUID) -> ChainEnd:
    """Where the organisation's chain ends now."""
    row = Account.objects.filter(organisation=organisation).values_list("last_seq", "last_hash").first()
    return ChainEnd(row[0], bytes(row[1]).hex()) if row else ChainEnd(0, START.hex())


LAST_SEQS_AT = """
    WITH RECURSIVE
    moments (n, at) AS (VALUES {moments}),
    search (n, at, low, high) AS (
        SELECT n, at, CAST(0 AS bigint), last_seq FROM ledger_account CROSS JOIN moments WHERE organisation_id = %s
        UNION ALL
        SELECT n, search.at, CASE WHEN t.at <= search.at THEN t.seq ELSE low END,
            CASE WHEN t.at <= search.at THEN high ELSE t.seq - 1 END
        FROM search JOIN ledger_transfer AS t ON t.organisation_id = %s AND t.seq = (low + high + 1) / 2
        WHERE low < high
    )
    SELECT n, low FROM search WHERE low = high
"""


def balances_at(organisation: UUID, moments: Sequence[datetime]) -> list[Balance]:
    """The balance at each of the instants, in their order: what a chart over time needs, in two queries.

    A binary search of the organisation's transfers for each instant, so the time grows with the instants and not with
    the transfers between them.
    """
    if not moments:
        return []
    for at in moments:
        checked_moment(at, what="at")
    is_postgres = connection.vendor == "postgresql"
    row = "(CAST(%s AS int), CAST(%s AS timestamptz))" if is_postgres else "(%s, %s)"
    known = organisation if is_postgres else organisation.hex
    values: list[Any] = []
    for n, at in enumerate(moments):
        values += [n, at if is_postgres else stored_time(at)]
    with connection.cursor() as cursor:
        cursor.execute(LAST_SEQS_AT.format(moments=", ".join([row] * len(moments))), [*values, known, known])
        seqs = dict(cursor.fetchall())
    rows = Transfer.objects.filter(organisation=organisation, seq__in=set(seqs.values()) - {0})
    balances = {
        seq: Balance(available, held, spent)
        for seq, available, held, spent in rows.values_list("seq", "available_after", "held_after", "spent_after")
    }
    return [balances.get(seqs.get(n, 0), Balance(0, 0, 0)) for n in range(len(moments))]


def hold(organisation: UUID, id: UUID) -> Hold:
    """Raises NotFound, also for another organisation's hold."""
    try:
        return Hold.objects.get(organisation=organisation, id=id)
    except Hold.DoesNotExist:
        raise NotFound("no_hold", hold=str(id)) from None


def open_holds(organisation: UUID) -> QuerySet[Hold]:
    """The holds that are neither captured nor released, the one that ends first in front."""
    return Hold.objects.filter(organisation=organisation, state=HoldState.HELD).order_by("deadline_at", "id")


def late_captures() -> QuerySet[LateCapture]:
    """For the vendor: captures refused because the hold had been released, newest first. Work was done that nobody paid
    for."""
    return LateCapture.objects.order_by("-at", "hold_id")
