"""Does the money fit? Compares purchases, payments, invoices and the ledger's lots with each other, and names what does
not. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Sum

from otai.billing import queries
from otai.billing.accountant.closing import broken_files
from otai.billing.asked_above import causes_above
from otai.billing.audit_causes import unexplained
from otai.billing.audit_events import untold
from otai.billing.audit_gone import gone
from otai.billing.chain import broken_links
from otai.billing.models import BroughtLot, Invoice, InvoiceKind, Payment, Purchase, PurchaseKind
from otai.billing.operations.balance import standing_differences
from otai.billing.operations.invoices import facts_hash
from otai.billing.operations.takings import counts, expected_owed
from otai.billing.package_months import package_months
from otai.billing.seller import seller
from otai.billing.status import DELIVERED, PurchaseStatus
from otai.ledger.audit import one_snapshot
from otai.ledger.models import Lot, LotSource, Transfer, TransferKind


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
    """Goes through every purchase and invoice of the installation, a page at a time.

    Reads one snapshot, while customers go on buying: otherwise what came between two of its looks would not fit. Inside
    a caller's transaction it reads what that sees.
    """
    with one_snapshot():
        return BillingAudit(Purchase.objects.count(), Invoice.objects.count(), list(findings()))


def findings() -> Iterator[Discrepancy]:
    """What does not fit, one by one: whoever only asks whether anything does need not wait for the last."""
    for number in queries.missing_invoices():
        yield Discrepancy("an invoice is missing from its series", number, "")
    for purchase in Purchase.objects.order_by("id").iterator(chunk_size=500):
        yield from _of_purchase(purchase)
        yield from _of_reversals(purchase)
    for invoice in Invoice.objects.order_by("id").iterator(chunk_size=500):
        yield from _of_invoice(invoice)
    yield from _lots_nobody_paid()
    yield from _balances_that_differ()
    yield from _months_that_do_not_close()
    yield from (Discrepancy("a closed month is the file that was handed over", month, "") for month in broken_files())
    yield from (Discrepancy("billing's chain is unbroken", where, what) for where, what in broken_links())
    for causes in (unexplained, untold, gone, *causes_above):
        yield from (Discrepancy(one.what, one.where, one.details) for one in causes())


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
    noted = purchase.reversals.aggregate(net=Sum("credited_net_cents"), vat=Sum("credited_vat_cents"))
    back += (noted["net"] or 0) + (noted["vat"] or 0)
    if purchase.status in DELIVERED and signed != purchase.gross_cents - back:
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


def _of_reversals(purchase: Purchase) -> Iterator[Discrepancy]:
    """What reversals took is what they say, and what the ledger says was withdrawn and given back for them."""
    reversals = list(purchase.reversals.select_related("payment"))
    takings = list(purchase.takings.all())
    if not reversals and not takings:
        return
    took = sum(-one.credits if one.gives_back else one.credits for one in takings)
    said = sum(reversal.withdrawn_credits for reversal in reversals)
    if took != said:
        yield Discrepancy("reversals took what they say", purchase.reference, f"{took} credits, not {said}")
    for reversal in reversals:
        if reversal.payment.purchase_id != purchase.id:
            yield Discrepancy("a reversal is of a payment of its purchase", reversal.external_id, "another purchase's")
        claimed = reversal.surplus_cents + reversal.price_cents + reversal.excess_cents
        counted = reversal.cents if counts(reversal) else 0
        if claimed != counted:
            yield Discrepancy("a reversal takes its amount", reversal.external_id, f"{claimed}, not {counted}")
        if reversal.owed_credits != expected_owed(reversal):
            yield Discrepancy(
                "what a reversal could not take is owed", reversal.external_id, f"{reversal.owed_credits} credits"
            )
    transfers = {
        one.id: (one.kind, one.credits)
        for one in Transfer.objects.filter(organisation=purchase.organisation_id, id__in=[t.transfer for t in takings])
    }
    for taking in takings:
        kind = TransferKind.GRANT if taking.gives_back else TransferKind.WITHDRAWAL
        if taking.transfer is not None and transfers.get(taking.transfer) != (kind, taking.credits):
            yield Discrepancy("a taking is a transfer of the ledger", purchase.reference, str(taking.id))
    taken_gross = sum(reversal.price_cents for reversal in reversals)
    if taken_gross > purchase.gross_cents:
        yield Discrepancy("no more of a price is taken than was paid", purchase.reference, f"{taken_gross} cents")


def _months_that_do_not_close() -> Iterator[Discrepancy]:
    """Deferred before + received - refunded = recognised + deferred after, in each month and currency in which anything
    moved: of packages, whose credits the ledger earns and billing sells. What a tier earned is what is left of its
    other figures, and adds up whatever they are."""
    found = package_months(seller().zone)
    for month, currency in found.moved():
        difference = found.movement(month, currency).difference
        if difference.cents:
            yield Discrepancy("a month's close adds up", str(month), str(difference))


def _balances_that_differ() -> Iterator[Discrepancy]:
    """What the last daily comparison with a provider's balance found."""
    for one in standing_differences():
        details = f"{one.theirs_cents} cents there, {one.ours_cents} here"
        yield Discrepancy(f"the balance at {one.gateway} is the books': {one.said()}", one.subject, details)


def _lots_nobody_paid() -> Iterator[Discrepancy]:
    """No credit granted that was not paid: each lot of source purchase is one that a purchase brought."""
    for lot in Lot.objects.filter(source=LotSource.PURCHASE).order_by("id").iterator(chunk_size=500):
        if not BroughtLot.objects.filter(lot=lot.id, organisation=lot.organisation_id, credits=lot.credits).exists():
            yield Discrepancy(
                "credits of a purchase were paid for", str(lot.id), f"{lot.credits} credits, {lot.reference}"
            )
