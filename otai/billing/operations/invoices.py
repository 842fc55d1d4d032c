"""Issuing invoices and credit notes: numbered without gaps, and never changed afterwards."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db.models import Sum

from otai.billing.documents.facts import facts_of
from otai.billing.models import Invoice, InvoiceKind, InvoiceSeries, Purchase
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import notify, record
from otai.billing.seller import seller
from otai.db import new_id
from otai.pricing.vat import vat_cents
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact


def issue(purchase: Purchase, *, now: datetime) -> Invoice:
    """The invoice of a purchase: the one that stands already, else a new one. In the caller's transaction."""
    standing = standing_invoice(purchase)
    if standing is not None:
        return standing
    return _issue(
        purchase,
        kind=InvoiceKind.INVOICE,
        unused=0,
        net=purchase.net_cents,
        vat=purchase.vat_cents,
        corrects=None,
        why="",
        now=now,
    )


def standing_invoice(purchase: Purchase) -> Invoice | None:
    """The purchase's newest invoice, unless credit notes have taken all of it back."""
    newest = (
        Invoice.objects.filter(purchase=purchase, kind=InvoiceKind.INVOICE).order_by("-issued_at", "-sequence").first()
    )
    if newest is None or _credited(newest)[0] >= newest.net_cents:
        return None
    return newest


def _credited(invoice: Invoice) -> tuple[int, int]:
    sums = invoice.credit_notes.aggregate(net=Sum("net_cents"), vat=Sum("vat_cents"))
    return sums["net"] or 0, sums["vat"] or 0


def cancel(purchase: Purchase, *, why: str | Fact, now: datetime) -> Invoice | None:
    """Takes back all that still stands of the purchase's invoice, with a credit note; None where there is no
    invoice."""
    standing = standing_invoice(purchase)
    if standing is None:
        return None
    net, vat = _credited(standing)
    note = _issue(
        purchase,
        kind=InvoiceKind.CREDIT_NOTE,
        unused=0,
        net=standing.net_cents - net,
        vat=standing.vat_cents - vat,
        corrects=standing,
        why=why,
        now=now,
    )
    mail(note, now=now)
    return note


def part_of_vat(purchase: Purchase, net_cents: int) -> int:
    """The VAT that goes with a part of the net amount that is paid back.

    Rounded cumulatively over the credit notes of one invoice, so that they can never add up to more VAT than it
    charged.
    """
    standing = standing_invoice(purchase)
    before = _credited(standing) if standing else (0, 0)
    whole = vat_cents(before[0] + net_cents, purchase.vat_permille)
    return max(0, min(whole, purchase.vat_cents) - before[1])


def credit(purchase: Purchase, *, unused: int, net: int, vat: int, why: str | Fact, now: datetime) -> Invoice | None:
    """A credit note over `unused` credits of the purchase and what they had cost; None where no invoice stands or
    nothing is credited."""
    standing = standing_invoice(purchase)
    if standing is None or net + vat <= 0:
        return None
    return _issue(
        purchase,
        kind=InvoiceKind.CREDIT_NOTE,
        unused=unused,
        net=net,
        vat=vat,
        corrects=standing,
        why=why,
        now=now,
    )


def left_to_credit(purchase: Purchase) -> int:
    """What still stands of the purchase's invoice, net."""
    standing = standing_invoice(purchase)
    return standing.net_cents - _credited(standing)[0] if standing else 0


def left_of_vat(purchase: Purchase) -> int:
    """What still stands of the VAT of the purchase's invoice."""
    standing = standing_invoice(purchase)
    return standing.vat_cents - _credited(standing)[1] if standing else 0


def charge_again(purchase: Purchase, *, net: int, vat: int, why: str | Fact, now: datetime) -> Invoice | None:
    """An invoice over what credit notes had taken back and what the buyer paid after all; it is mailed."""
    if net + vat <= 0:
        return None
    again = _issue(purchase, kind=InvoiceKind.INVOICE, unused=0, net=net, vat=vat, corrects=None, why=why, now=now)
    mail(again, now=now)
    return again


def mail(invoice: Invoice | None, *, now: datetime) -> None:
    """Mails a document that no other mail brings. None is no document, and no mail."""
    if invoice is None:
        return
    notify(
        organisation=invoice.organisation,
        template="document",
        key=f"document:{invoice.id}",
        context={
            "document": invoice.number,
            "reference": invoice.purchase.reference,
            "amount_cents": invoice.gross_cents,
            "currency": invoice.currency,
            "is_credit_note": "yes" if invoice.kind == InvoiceKind.CREDIT_NOTE else "",
        },
        now=now,
    )


ISSUED = {
    InvoiceKind.INVOICE: BillingOccurrence.INVOICE_ISSUED,
    InvoiceKind.CREDIT_NOTE: BillingOccurrence.CREDIT_NOTE_ISSUED,
}


def _issue(
    purchase: Purchase,
    *,
    kind: InvoiceKind,
    unused: int,
    net: int,
    vat: int,
    corrects: Invoice | None,
    why: str | Fact,
    now: datetime,
) -> Invoice:
    vendor = seller()
    issued_on = now.astimezone(vendor.zone).date()
    # The lock on the series is the promise that numbers have no gaps: whoever rolls back gives the number back.
    InvoiceSeries.objects.get_or_create(kind=kind, year=issued_on.year)
    series = InvoiceSeries.objects.select_for_update(no_key=True).get(kind=kind, year=issued_on.year)
    series.last += 1
    series.save(update_fields=["last"])
    prefix = vendor.invoice_prefix if kind == InvoiceKind.INVOICE else vendor.credit_note_prefix
    number = f"{prefix}-{issued_on.year}-{series.last:06d}"
    # A document is of one language for good: what we know of the why is printed in it.
    reason = say_fact(why, language=purchase.language) if isinstance(why, Fact) else why
    facts = facts_of(
        purchase, kind=kind, number=number, unused=unused, net=net, vat=vat, corrects=corrects, reason=reason
    )
    facts["issued_on"] = issued_on.isoformat()
    invoice = Invoice.objects.create(
        id=new_id(),
        organisation_id=purchase.organisation_id,
        purchase=purchase,
        kind=kind,
        year=issued_on.year,
        sequence=series.last,
        number=number,
        corrects=corrects,
        issued_on=issued_on,
        issued_at=now,
        language=purchase.language,
        net_cents=net,
        vat_cents=vat,
        gross_cents=net + vat,
        currency=purchase.currency,
        facts=facts,
        facts_sha256=facts_hash(facts),
    )
    record(
        organisation=purchase.organisation_id,
        subject="invoice",
        subject_id=invoice.id,
        move=ISSUED[kind],
        who="billing",
        why=why or Fact("billing.document_of", {"reference": purchase.reference}),
        now=now,
        number=number,
    )
    return invoice


def facts_hash(facts: dict[str, Any]) -> str:
    """SHA-256 over the facts in their canonical form, in hexadecimal: what an invoice printed can be held against."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
