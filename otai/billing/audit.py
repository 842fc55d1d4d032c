"""Does the money fit? Compares purchases, payments, invoices and the ledger's lots with each other, and names what does
not. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Sum

from otai.billing import queries
from otai.billing.models import Invoice, InvoiceKind, Payment, Purchase, PurchaseKind, Reversal, ReversalState
from otai.billing.operations.invoices import facts_hash
from otai.billing.status import DELIVERED, PurchaseStatus
from otai.ledger.models import Lot, LotSource


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """`what` names the rule, `where` the purchase, invoice or lot that breaks it."""

    what: str
    where: str
    details: str


@dataclass(frozen=True, slots=True)
class BillingAudit:
    purchases: int
    invoices: int
    findings: list[Discrepancy]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def audit() -> BillingAudit:
    """Goes through every purchase and invoice of the installation, a page at a time."""
    findings = [
        Discrepancy("an invoice is missing from its series", number, "") for number in queries.missing_invoices()
    ]
    purchases = invoices = 0
    for purchase in Purchase.objects.order_by("id").iterator(chunk_size=500):
        purchases += 1
        findings += _of_purchase(purchase)
    for invoice in Invoice.objects.order_by("id").iterator(chunk_size=500):
        invoices += 1
        findings += _of_invoice(invoice)
    findings += _lots_nobody_paid()
    return BillingAudit(purchases, invoices, findings)


def _of_purchase(purchase: Purchase) -> Iterator[Discrepancy]:
    applied = Payment.objects.filter(purchase=purchase).aggregate(cents=Sum("applied_cents"))["cents"] or 0
    if applied != purchase.paid_cents:
        yield Discrepancy(
            "payments add up to what was paid", purchase.reference, f"{applied}, not {purchase.paid_cents}"
        )
    signed = sum(
        cents if kind == InvoiceKind.INVOICE else -cents
        for kind, cents in Invoice.objects.filter(purchase=purchase).values_list("kind", "gross_cents")
    )
    if purchase.status == PurchaseStatus.CANCELLED and signed != 0:
        yield Discrepancy("a cancelled order has no standing invoice", purchase.reference, f"{signed} stand")
    back = purchase.payment_refunds.exclude(kind="surplus").aggregate(cents=Sum("gross_cents"))["cents"] or 0
    if purchase.status in (PurchaseStatus.PAID, PurchaseStatus.REFUNDED) and signed != purchase.gross_cents - back:
        due = purchase.gross_cents - back
        yield Discrepancy("invoices less credit notes are what was kept", purchase.reference, f"{signed}, not {due}")
    if purchase.kind != PurchaseKind.PACKAGE or purchase.status not in DELIVERED:
        return
    lot = Lot.objects.filter(id=purchase.lot, organisation=purchase.organisation_id).first() if purchase.lot else None
    expected = (purchase.credits, purchase.net_cents, purchase.currency)
    if lot is None or (lot.credits, lot.price_cents, lot.price_currency) != expected:
        yield Discrepancy("a paid package is a lot of its credits and price", purchase.reference, f"lot {purchase.lot}")


def _of_invoice(invoice: Invoice) -> Iterator[Discrepancy]:
    if facts_hash(invoice.facts) != invoice.facts_sha256:
        yield Discrepancy("an invoice's facts are those it was issued with", invoice.number, "the hash differs")
    printed = (invoice.facts["number"], invoice.facts["net_cents"], invoice.facts["vat_cents"])
    if printed != (invoice.number, invoice.net_cents, invoice.vat_cents):
        yield Discrepancy("an invoice's columns say what its facts say", invoice.number, str(printed))


def _lots_nobody_paid() -> Iterator[Discrepancy]:
    """No credit granted that was not paid: each lot of source purchase belongs to one purchase, or to a dispute that
    was won."""
    known = set(Purchase.objects.filter(lot__isnull=False).values_list("lot", flat=True))
    won = Reversal.objects.filter(state=ReversalState.WON, withdrawn_credits__gt=0)
    given_back = {f"purchase:{reference}" for reference in won.values_list("purchase__reference", flat=True)}
    for lot in Lot.objects.filter(source=LotSource.PURCHASE).order_by("id").iterator(chunk_size=500):
        if lot.id in known:
            continue
        if lot.reference in given_back:
            given_back.discard(lot.reference)
            continue
        yield Discrepancy("credits of a purchase were paid for", str(lot.id), f"{lot.credits} credits, {lot.reference}")
