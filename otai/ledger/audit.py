"""The audit: recomputes everything that the ledger says from its transfers, and names what does not fit. Reads only.

It needs neither the operations nor their SQL to be right: chain, balances, lots and holds are computed here once more,
in Python, from the rows. It streams: memory grows with the lots of one organisation, not with transfers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from otai.ledger.chain import START, pins_text, request_hash, transfer_hash
from otai.ledger.models import SPENDING_RANK, Account, Hold, Lot, Transfer, TransferKind

MOST_PROBLEMS = 100
"""After this many the report is cut short: the ledger is broken, and the first ones say where."""


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """One thing that does not fit. `seq` is the place in the organisation's chain, where there is one."""

    organisation: UUID | None
    """None where it is about a chain of the whole installation."""
    what: str
    seq: int | None = None
    transfer: UUID | None = None

    def __str__(self) -> str:
        if self.organisation is None:
            return f"{self.what}, place {self.seq}"
        place = f", transfer {self.seq}" if self.seq is not None else ""
        return f"organisation {self.organisation}{place}: {self.what}"


@dataclass(slots=True)
class AuditReport:
    """`clean` if nothing was found. `sealing_lag_seconds` is always 0: each transfer is chained in the statement that
    makes it."""

    organisations: int = 0
    transfers: int = 0
    lots: int = 0
    holds: int = 0
    sealing_lag_seconds: int = 0
    problems: list[LedgerProblem] = field(default_factory=list)
    is_cut_short: bool = False

    @property
    def clean(self) -> bool:
        """Whether the audit found no problem; one that was cut short vouches only for what it read."""
        return not self.problems

    @property
    def first_bad(self) -> LedgerProblem | None:
        """The first thing that does not fit, or None."""
        return self.problems[0] if self.problems else None

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for `otai ledger audit --json`."""
        return {
            "clean": self.clean,
            "organisations": self.organisations,
            "transfers": self.transfers,
            "lots": self.lots,
            "holds": self.holds,
            "sealing_lag_seconds": self.sealing_lag_seconds,
            "problems": [
                {
                    "organisation": str(problem.organisation) if problem.organisation else None,
                    "seq": problem.seq,
                    "transfer": str(problem.transfer) if problem.transfer else None,
                    "what": problem.what,
                }
                for problem in self.problems
            ],
            "is_cut_short": self.is_cut_short,
        }


class _Enough(Exception):
    """Not an error: the report is full."""


def audit(organisation: UUID | None = None) -> AuditReport:
    """Audits the whole ledger, or one organisation's part of it.

    Reads one snapshot: on PostgreSQL and SQLite (WAL) writers go on meanwhile. Inside a caller's transaction it reads
    what that sees.
    """
    report = AuditReport()
    try:
        with one_snapshot():
            _audit_chains(report, organisation)
            _audit_holds(report, organisation)
            _audit_orphans(report, organisation)
    except _Enough:
        report.is_cut_short = True
    return report


@contextmanager
def one_snapshot() -> Iterator[None]:
    """What is read inside is of one moment, and no writer waits for it: a read-only transaction of its own, unless one
    is open already."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        # `atomic()` would begin IMMEDIATE here and keep all writers out for as long as the audit takes.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def _note(report: AuditReport, problem: LedgerProblem) -> None:
    report.problems.append(problem)
    if len(report.problems) >= MOST_PROBLEMS:
        raise _Enough


@dataclass(slots=True)
class _Counted:
    """What the transfers say about one lot."""

    seq: int
    source: str
    granted_at: datetime
    credits: int
    request_hash: bytes
    unspent: int
    held: int = 0
    spent: int = 0
    withdrawn: int = 0


TRANSFER_FIELDS = (
    "organisation_id",
    "seq",
    "id",
    "at",
    "kind",
    "source",
    "target",
    "credits",
    "key",
    "request_hash",
    "reference",
    "reason",
    "hold_id",
    "lots",
    "available_after",
    "held_after",
    "spent_after",
    "hash",
)

LOT_MOVES = {
    # kind: (from, to) among the columns of a lot
    TransferKind.HOLD.value: ("unspent", "held"),
    TransferKind.CAPTURE.value: ("held", "spent"),
    TransferKind.RELEASE.value: ("held", "unspent"),
    TransferKind.CREDIT_REFUND.value: ("spent", "unspent"),
    TransferKind.WITHDRAWAL.value: ("unspent", "withdrawn"),
}


def _audit_chains(report: AuditReport, organisation: UUID | None) -> None:
    accounts = Account.objects.order_by("organisation_id")
    transfers = Transfer.objects.order_by("organisation_id", "seq").values_list(*TRANSFER_FIELDS)
    if organisation:
        accounts = accounts.filter(organisation=organisation)
        transfers = transfers.filter(organisation=organisation)
    chains = groupby(transfers.iterator(chunk_size=5000), key=itemgetter(0))
    chain = next(chains, None)
    for account in accounts.iterator(chunk_size=1000):
        report.organisations += 1
        # Accounts and chains come in the same order, so the two are merged; a chain without an account is one too many.
        while chain and chain[0] < account.organisation_id:
            _note(report, LedgerProblem(chain[0], "has transfers and no account"))
            chain = next(chains, None)
        if chain and chain[0] == account.organisation_id:
            _Chain(account, report).audit(chain[1])
            chain = next(chains, None)
        else:
            _Chain(account, report).audit(iter(()))
    while chain:
        _note(report, LedgerProblem(chain[0], "has transfers and no account"))
        chain = next(chains, None)


class _Chain:
    """The recomputation of one organisation's part."""

    def __init__(self, account: Account, report: AuditReport) -> None:
        self.account = account
        self.report = report
        self.organisation = account.organisation_id
        self.seq = 0
        self.hash = START
        self.last_at: datetime | None = None
        self.balances = {"available": 0, "held": 0, "spent": 0, "granted": 0, "withdrawn": 0}
        self.lots: dict[str, _Counted] = {}

    def note(self, what: str, *, seq: int | None = None, transfer: UUID | None = None) -> None:
        _note(self.report, LedgerProblem(self.organisation, what, seq=seq, transfer=transfer))

    def audit(self, rows: Iterator[tuple[Any, ...]]) -> None:
        for row in rows:
            self.report.transfers += 1
            self.follow(dict(zip(TRANSFER_FIELDS, row, strict=True)))
        self.compare_account()
        self.compare_lots()

    def follow(self, row: dict[str, Any]) -> None:
        place = {"seq": row["seq"], "transfer": row["id"]}
        if row["seq"] != self.seq + 1:
            self.note(f"transfers {self.seq + 1} to {row['seq'] - 1} are missing", seq=self.seq + 1)
        elif self.hash_of(row) != bytes(row["hash"]):
            # The row, its neighbour's hash or its place was changed. Going on from the stored hash keeps one edit one
            # finding.
            self.note("the row is not the one that was chained here: edited, inserted or moved", **place)
        if self.last_at and row["at"] < self.last_at:
            self.note("its time is before that of the transfer before it", **place)
        self.seq, self.hash, self.last_at = row["seq"], bytes(row["hash"]), row["at"]
        self.move(row, place)

    def hash_of(self, row: dict[str, Any]) -> bytes:
        return transfer_hash(
            self.hash,
            organisation=row["organisation_id"],
            seq=row["seq"],
            id=row["id"],
            at=row["at"],
            kind=row["kind"],
            source=row["source"],
            target=row["target"],
            credits=row["credits"],
            request_hash=bytes(row["request_hash"]),
            hold=row["hold_id"],
            lots=pins_text(row["lots"]),
            available=row["available_after"],
            held=row["held_after"],
            spent=row["spent_after"],
            key=row["key"],
            reference=row["reference"],
            reason=row["reason"],
        )

    def move(self, row: dict[str, Any], place: dict[str, Any]) -> None:
        kind, credits = row["kind"], row["credits"]
        source = "granted" if kind == TransferKind.GRANT else row["source"]
        self.balances[source] += credits if source == "granted" else -credits
        self.balances[row["target"]] += credits
        after = {name: row[f"{name}_after"] for name in ("available", "held", "spent")}
        if any(self.balances[name] != after[name] for name in after):
            self.note("the balances after it do not follow from the transfers", **place)
            self.balances.update(after)
        if sum(drawn for _, drawn in row["lots"]) != credits:
            self.note("its lots do not add up to its credits", **place)
        for pin, drawn in row["lots"]:
            if kind == TransferKind.GRANT:
                self.lots[pin] = _Counted(
                    row["seq"], row["source"], row["at"], drawn, bytes(row["request_hash"]), unspent=drawn
                )
            elif lot := self.lots.get(pin):
                before, after_move = LOT_MOVES[kind]
                setattr(lot, before, getattr(lot, before) - drawn)
                setattr(lot, after_move, getattr(lot, after_move) + drawn)
                if getattr(lot, before) < 0:
                    self.note(f"takes more credits from lot {pin} than it had {before}", **place)
            else:
                self.note(f"names lot {pin}, which was never granted", **place)

    def compare_account(self) -> None:
        account = self.account
        if account.last_seq != self.seq:
            missing = min(account.last_seq, self.seq) + 1
            self.note(f"the account counts {account.last_seq} transfers, there are {self.seq}", seq=missing)
        elif bytes(account.last_hash) != self.hash:
            self.note("the account's hash is not that of its last transfer", seq=self.seq)
        elif self.last_at is not None and account.last_at != self.last_at:
            self.note("the account's time is not that of its last transfer", seq=self.seq)
        for name, counted in self.balances.items():
            if (said := getattr(account, name)) != counted:
                self.note(f"the account says {said} credits {name}, its transfers say {counted}")

    def compare_lots(self) -> None:
        for lot in Lot.objects.filter(organisation=self.organisation).order_by("seq").iterator(chunk_size=5000):
            self.report.lots += 1
            counted = self.lots.pop(str(lot.id), None)
            if counted is None:
                self.note(f"lot {lot.id} comes from no grant")
                continue
            for name in ("seq", "source", "granted_at", "credits", "unspent", "held", "spent", "withdrawn"):
                if (said := getattr(lot, name)) != (wanted := getattr(counted, name)):
                    self.note(f"lot {lot.id} says {name} {said}, its transfers say {wanted}", seq=counted.seq)
            # What was paid is not in the chain itself, but in the hash of the request, which is.
            if counted.request_hash != request_hash(
                "grant",
                lot.credits,
                lot.source,
                lot.price_cents,
                lot.price_currency,
                lot.price_book,
                lot.reference,
                reason=lot.reason,
            ):
                self.note(f"lot {lot.id} says another price, reference or reason than was granted", seq=counted.seq)
            if lot.credits != lot.unspent + lot.held + lot.spent + lot.withdrawn:
                self.note(f"lot {lot.id} does not add up", seq=counted.seq)
            if lot.is_open != (lot.unspent > 0) or lot.rank != SPENDING_RANK.get(lot.source):
                self.note(f"lot {lot.id} is not where its credits would be found for spending", seq=counted.seq)
        for pin, counted in self.lots.items():
            self.note(f"lot {pin} was granted and is gone", seq=counted.seq)


HOLDS_THAT_DO_NOT_FIT = """
    SELECT h.organisation_id, h.id, h.state
    FROM ledger_hold AS h
    LEFT JOIN (
        SELECT organisation_id, hold_id,
            sum(CASE kind WHEN 'hold' THEN 1 ELSE 0 END) AS placed,
            sum(CASE kind WHEN 'capture' THEN 1 ELSE 0 END) AS captured,
            sum(CASE kind WHEN 'release' THEN 1 ELSE 0 END) AS released,
            sum(CASE kind WHEN 'credit_refund' THEN 1 ELSE 0 END) AS refunded,
            min(credits) AS least, max(credits) AS most, count(DISTINCT {lots}) AS pinnings, min({lots}) AS lots,
            count(DISTINCT reference) AS namings, min(reference) AS reference
        FROM ledger_transfer AS t WHERE hold_id IS NOT NULL {of_organisation} GROUP BY organisation_id, hold_id
    ) AS t ON t.hold_id = h.id AND t.organisation_id = h.organisation_id
    WHERE (
        t.placed IS NULL OR t.placed <> 1 OR t.least <> h.credits OR t.most <> h.credits
        OR t.pinnings <> 1 OR t.lots <> {hold_lots}
        OR t.namings <> 1 OR t.reference <> h.reference
        OR t.captured <> CASE WHEN h.state IN ('captured', 'refunded') THEN 1 ELSE 0 END
        OR t.released <> CASE WHEN h.state = 'released' THEN 1 ELSE 0 END
        OR t.refunded <> CASE WHEN h.state = 'refunded' THEN 1 ELSE 0 END
    ) {of_hold}
    ORDER BY h.organisation_id, h.id LIMIT {most}
"""

TRANSFERS_WITHOUT_HOLD = """
    SELECT t.organisation_id, t.hold_id, t.seq, t.id
    FROM ledger_transfer AS t LEFT JOIN ledger_hold AS h ON h.id = t.hold_id AND h.organisation_id = t.organisation_id
    WHERE t.hold_id IS NOT NULL AND h.id IS NULL {of_organisation}
    ORDER BY t.organisation_id, t.seq LIMIT {most}
"""


def _audit_holds(report: AuditReport, organisation: UUID | None) -> None:
    """Each hold has the transfers that its state says, over the same credits of the same lots. The database joins, on
    its disk."""
    holds = Hold.objects.all()
    report.holds = (holds.filter(organisation=organisation) if organisation else holds).count()
    as_text = "CAST({} AS text)" if connection.vendor == "postgresql" else "{}"
    parts = {"lots": as_text.format("t.lots"), "hold_lots": as_text.format("h.lots"), "most": str(MOST_PROBLEMS)}
    of_transfer = "AND t.organisation_id = %s" if organisation else ""
    of_hold = "AND h.organisation_id = %s" if organisation else ""
    only = [_stored_id(organisation)] if organisation else []
    with connection.cursor() as cursor:
        cursor.execute(HOLDS_THAT_DO_NOT_FIT.format(of_organisation=of_transfer, of_hold=of_hold, **parts), only * 2)
        for owner, hold, state in cursor.fetchall():
            _note(report, LedgerProblem(_id(owner), f"hold {_id(hold)} is {state}, and its transfers say otherwise"))
        cursor.execute(TRANSFERS_WITHOUT_HOLD.format(of_organisation=of_transfer, most=MOST_PROBLEMS), only)
        for owner, hold, seq, transfer in cursor.fetchall():
            what = f"names hold {_id(hold)}, which does not exist"
            _note(report, LedgerProblem(_id(owner), what, seq=seq, transfer=_id(transfer)))


def _audit_orphans(report: AuditReport, organisation: UUID | None) -> None:
    """Lots of organisations that have no account; holds without transfers are found above."""
    lots = Lot.objects.exclude(organisation_id__in=Account.objects.values("organisation_id"))
    if organisation:
        lots = lots.filter(organisation=organisation)
    for owner in lots.order_by("organisation_id").values_list("organisation_id", flat=True).distinct()[:MOST_PROBLEMS]:
        _note(report, LedgerProblem(owner, "has lots and no account"))


def _stored_id(id: UUID) -> UUID | str:
    return id if connection.vendor == "postgresql" else id.hex


def _id(stored: object) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(str(stored))
