"""Bank statements: what came is booked where reference and amount say for which order; the rest waits for a person."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from otai.billing.bank_statement import InvalidBankStatement, StatementEntry, read_statement
from otai.billing.models import BankEntry, BankEntryState, Purchase
from otai.billing.operations.events import as_told, checked_why, record
from otai.billing.operations.payments import confirm_payment
from otai.billing.operations.second_operator import takes_two
from otai.billing.seller import seller
from otai.billing.status import PurchaseStatus
from otai.db import new_id, one_transaction
from otai.errors import NotFound, OtaiError, Refused
from otai.orgs.actors import is_same_person
from otai.units import Money
from otai.words.explained import arrow, as_text
from otai.words.sentences import Fact

REFERENCE = re.compile(r"OT-?([2-9A-HJ-NP-Z]{5})-?([2-9A-HJ-NP-Z]{5})")
WHY = Fact("billing.bank_statement_fits")


class EntryDecided(Refused):
    code = "entry_decided"


class ImportedByYou(Refused):
    """Payments above the limit take two operators: one imports the statement, another books the entry."""

    code = "imported_by_you"


@dataclass(frozen=True, slots=True)
class StatementImported:
    """How many entries were booked, wait for a person, and were known from a statement before."""

    matched: int
    waiting: int
    known: int


def import_statement(content: bytes, *, who: str, now: datetime) -> StatementImported:
    """Imports a CAMT.053 file of the seller's account. An entry counts once, in however many statements it stands.

    An order is paid by an entry that names it alone and brings exactly what is missing, in its currency, up to what
    one operator may confirm alone (`OTAI_PAYMENT_ALONE`). Raises InvalidBankStatement, also for another account's; then
    nothing was imported.
    """
    entries = read_statement(content)
    own = seller().iban.replace(" ", "")
    if strange := sorted({entry.account for entry in entries} - {own}):
        raise InvalidBankStatement("other_account", account=strange[0][:40], own=own)
    counted = {"known": 0, BankEntryState.MATCHED: 0, BankEntryState.WAITING: 0}
    for entry in entries:
        counted[_import(entry, who=who, now=now)] += 1
    return StatementImported(counted[BankEntryState.MATCHED], counted[BankEntryState.WAITING], counted["known"])


def _import(entry: StatementEntry, *, who: str, now: datetime) -> str:
    row = _kept(entry, who=who, now=now)
    is_alone = row is not None
    if row is None and not _is_known(entry):
        # Another one under a reference that this bank gave before: nothing that came is lost, and a person looks at it.
        row = _kept(_told_apart(entry), who=who, now=now)
    if row is None:
        return "known"
    purchase = _meant(row) if is_alone and not entry.is_reversal else None
    if purchase is None:
        return BankEntryState.WAITING
    try:
        _match(row.id, purchase.reference, who=who, why=WHY, now=now)
    except OtaiError:
        # Somebody else was faster, or has to agree: a person looks at it.
        return BankEntryState.WAITING
    return BankEntryState.MATCHED


def _is_known(entry: StatementEntry) -> bool:
    """Whether the entry that has its reference already says the same."""
    return BankEntry.objects.filter(**_shown(entry)).exists()


def _shown(entry: StatementEntry) -> dict[str, Any]:
    """What a statement shows of an entry, by the names of a row."""
    return {
        "account": entry.account,
        "reference": entry.reference,
        "booked_on": entry.booked_on,
        "cents": entry.cents,
        "currency": entry.currency,
        "payer": entry.payer,
        "text": entry.text,
    }


def _told_apart(entry: StatementEntry) -> StatementEntry:
    """The same entry under a reference of ours, which each statement that shows it leads to."""
    facts = [entry.account, entry.booked_on, entry.cents, entry.currency, entry.payer, entry.text, entry.reference]
    own = hashlib.sha256("|".join(str(fact) for fact in facts).encode()).hexdigest()
    return replace(entry, reference=own)


def _kept(entry: StatementEntry, *, who: str, now: datetime) -> BankEntry | None:
    """The entry as a row that waits; None where one has its reference already."""
    try:
        with transaction.atomic():
            row = BankEntry.objects.create(id=new_id(), **_shown(entry), imported_at=now, imported_by=who)
            record(
                organisation=None,
                subject="bank entry",
                subject_id=row.id,
                move=arrow("", BankEntryState.WAITING.value),
                who=who,
                now=now,
                cents=row.cents,
                currency=row.currency,
                **as_told(row),
            )
    except IntegrityError:
        # `billing_bank_entry_is_imported_once`: a statement before showed it, or an import beside this one does.
        return None
    return row


def _meant(row: BankEntry) -> Purchase | None:
    """The one order that the payer named and that lacks exactly this amount."""
    # Banks break lines in the middle of a reference, and payers leave hyphens out.
    written = re.sub(r"\s", "", row.text).upper()
    # Without its spaces a text has words that look like one ("Pilot GmbH Rechnung"): only those of orders count.
    named = {f"OT-{first}-{second}" for first, second in REFERENCE.findall(written)}
    found = list(Purchase.objects.filter(reference__in=named))
    if len(found) != 1:
        return None
    [purchase] = found
    is_due = purchase.status in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID)
    fits = (row.cents, row.currency) == (purchase.gross_cents - purchase.paid_cents, purchase.currency)
    return purchase if is_due and fits else None


@one_transaction
def _match(entry: UUID, reference: str, *, who: str, why: str | Fact, now: datetime) -> BankEntry:
    _require_two(entry, reference, who=who, now=now)
    row = _waiting(entry)
    booked = confirm_payment(
        reference=reference,
        received=Money(row.cents, row.currency),
        bank_reference=row.reference,
        who=who,
        why=why,
        now=now,
    )
    return _decide(row, BankEntryState.MATCHED, booked.purchase, who=who, why=why, now=now)


def _require_two(entry: UUID, reference: str, *, who: str, now: datetime) -> None:
    """A statement is the word of whoever imports it: above the limit it takes two, as it does to confirm by hand."""
    row = BankEntry.objects.filter(id=entry).first()
    purchase = Purchase.objects.select_related("organisation").filter(reference=reference.strip().upper()).first()
    if row is None or purchase is None or not is_same_person(row.imported_by, who):
        return
    if takes_two(purchase.organisation, Money(row.cents, row.currency), now=now):
        raise ImportedByYou(
            "entry", most=Money(settings.OTAI_PAYMENT_ALONE * 100, row.currency), days=settings.OTAI_ALONE_DAYS
        )


def assign_entry(*, entry: UUID, reference: str, who: str, why: str, now: datetime) -> BankEntry:
    """An operator says which order a waiting entry pays, whatever its amount: less waits for the rest, more is surplus.
    Above the limit for one operator it is another than who imported the statement.

    Raises NotFound, EntryDecided, ImportedByYou, WhoAndWhyMissing and what `confirm_payment` raises.
    """
    return _match(entry, reference, who=who, why=checked_why(why), now=now)


@one_transaction
def dismiss_entry(*, entry: UUID, who: str, why: str, now: datetime) -> BankEntry:
    """An operator says that an entry is no customer's payment. Raises NotFound, EntryDecided, WhoAndWhyMissing."""
    why = checked_why(why)
    return _decide(_waiting(entry), BankEntryState.DISMISSED, None, who=who, why=why, now=now)


def _waiting(entry: UUID) -> BankEntry:
    row = BankEntry.objects.select_for_update(no_key=True).filter(id=entry).first()
    if row is None:
        raise NotFound("bank_entry", entry=str(entry))
    if row.state != BankEntryState.WAITING:
        raise EntryDecided("entry", entry=row.reference, decided_by=row.decided_by)
    return row


def _decide(
    row: BankEntry, state: BankEntryState, purchase: Purchase | None, *, who: str, why: str | Fact, now: datetime
) -> BankEntry:
    row.state, row.purchase, row.decided_by, row.reason = state, purchase, who, as_text(why)
    row.save(update_fields=["state", "purchase", "decided_by", "reason"])
    record(
        organisation=purchase.organisation_id if purchase else None,
        subject="bank entry",
        subject_id=row.id,
        move=arrow(BankEntryState.WAITING.value, state.value),
        who=who,
        why=why,
        now=now,
        cents=row.cents,
        currency=row.currency,
        **as_told(row),
    )
    return row
