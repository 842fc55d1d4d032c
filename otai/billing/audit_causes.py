"""Does everything have its cause? Each grant, purchase, payment, invoice, tier and reversal is held against the
event, the payment or the rule that it came from, so that a row changed by hand is found. Reads only.

What came before this audit has what was written then: where an older release wrote no event, nothing is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q

from otai.billing.asked_above import Unexplained
from otai.billing.initial_credits import kept
from otai.billing.ledger_keys import MONTHLY, month_of_key, paid_back_key
from otai.billing.models import (
    BroughtLot,
    ChainLink,
    Event,
    Invoice,
    Payment,
    PaymentRefund,
    Purchase,
    PurchaseKind,
    RefundKind,
    Reversal,
    ReversalKind,
    Subscription,
    Taking,
    TierChange,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.takings import net_of
from otai.billing.price_books import book_named, price_book
from otai.billing.seller import seller
from otai.billing.status import SubscriptionStatus
from otai.ledger.models import Hold, Lot, LotSource, Transfer
from otai.ledger.references import ReferredTo, read_reference
from otai.orgs.models import Founder, Founding
from otai.pricing.anniversary import anniversary_at
from otai.pricing.price_book import PriceBook, Tier
from otai.pricing.published import PriceBookUnknown

BETWEEN_ZONES = timedelta(days=2)
"""A day begins up to 26 hours earlier in one zone than in another, and may be the last of a month there alone."""


def unexplained() -> Iterator[Unexplained]:
    """Every row of the installation that its cause does not explain."""
    yield from _grants()
    yield from _states()
    yield from _what_went_back()
    yield from _what_is_owed()
    yield from _holds()
    yield from _tiers()
    yield from _payments()
    yield from _documents()


def _book(version: str) -> PriceBook | None:
    try:
        return book_named(version)
    except PriceBookUnknown:
        return None


def _grants() -> Iterator[Unexplained]:
    given_back = set(BroughtLot.objects.filter(gives_back=True).values_list("lot", flat=True))
    own = [LotSource.INITIAL, LotSource.MONTHLY, LotSource.GOODWILL]
    for lot in Lot.objects.filter(source__in=own).order_by("id").iterator(chunk_size=500):
        if lot.id in given_back:
            continue
        where = f"{lot.source} {lot.id}"
        if lot.source == LotSource.GOODWILL:
            if not _given(lot):
                yield Unexplained("goodwill was given by an operator", where, f"{lot.credits} credits")
            continue
        book = _book(lot.price_book)
        about = read_reference(lot.reference)
        tier = about.name if about and about.to is ReferredTo.TIER else ""
        if book is None or tier not in set(Tier):
            yield Unexplained("included credits name their tier and price book", where, lot.reference)
            continue
        terms = book.tiers[Tier(tier)]
        if not TierChange.objects.filter(organisation=lot.organisation_id, tier=tier).exists():
            yield Unexplained("included credits are of a tier that was in force", where, tier)
        if lot.source == LotSource.MONTHLY and lot.credits != terms.monthly_credits:
            yield Unexplained("monthly credits are what the price book says", where, f"{lot.credits} credits")
        if lot.source == LotSource.INITIAL and lot.credits > terms.initial_credits:
            yield Unexplained("initial credits are what the price book says", where, f"{lot.credits} credits")
    yield from _counted_months()
    yield from _paid_months()
    yield from _given_once()


def _given_once() -> Iterator[Unexplained]:
    """Initial credits are given once for each person and company, and nothing before a founder's address is
    confirmed."""
    most = max(terms.initial_credits for terms in price_book().tiers.values())
    several = Founder.objects.annotate(founded=Count("foundings", filter=Q(foundings__is_older=False)))
    for founder in several.filter(founded__gt=1).order_by("key").iterator(chunk_size=500):
        theirs = founder.foundings.filter(is_older=False).values_list("organisation", flat=True)
        if (had := kept(list(theirs))) > most:
            yield Unexplained("initial credits are given once for each founder", founder.key, f"{had} credits")
    waiting = Founding.objects.filter(confirmed_at__isnull=True).values("organisation")
    for lot in Lot.objects.filter(source__in=[LotSource.INITIAL, LotSource.MONTHLY], organisation__in=waiting):
        yield Unexplained("nothing is given before the address is confirmed", f"{lot.source} {lot.id}")


def _given(lot: Lot) -> bool:
    events = Event.objects.filter(subject="goodwill", subject_id=str(lot.id), organisation=lot.organisation_id)
    return any(event.details.get("credits") == lot.credits for event in events)


def _counted_months() -> Iterator[Unexplained]:
    """The count of months is at least the last month that was granted: else it would be granted again, or was
    skipped."""
    granted: dict[object, tuple[int, datetime]] = {}
    keys = Transfer.objects.filter(key__startswith=MONTHLY).values_list("organisation", "key", "at")
    for organisation, key, at in keys.iterator(chunk_size=5000):
        number = month_of_key(key)
        if number > granted.get(organisation, (0, at))[0]:
            granted[organisation] = (number, at)
    for subscription in Subscription.objects.order_by("id").iterator(chunk_size=500):
        next_at = anniversary_at(subscription.signed_up_at, subscription.months_granted + 1, subscription.zone)
        is_due, where = subscription.next_grant_at == next_at, str(subscription.organisation_id)
        last, made_at = granted.get(subscription.organisation_id, (0, None))
        if not is_due or subscription.months_granted < last:
            yield Unexplained("months granted are counted", where)
        if made_at and made_at < anniversary_at(subscription.signed_up_at, last, subscription.zone) - BETWEEN_ZONES:
            yield Unexplained("a month is granted when it is due", where, f"{MONTHLY}{last}")


def _paid_months() -> Iterator[Unexplained]:
    """Monthly credits of a paid tier came with a month or year that was paid, and with none of them more often than it
    has months. Of what a release before gave nothing is known."""
    chained = ChainLink.objects.order_by("seq").values_list("chained_at", flat=True)
    since, zones_since = chained.first(), chained.filter(kept_id__isnull=False).first()
    if since is None:
        return
    theirs = BroughtLot.objects.filter(lot=OuterRef("id"), purchase__kind=PurchaseKind.SUBSCRIPTION)
    monthly = Lot.objects.filter(~Exists(theirs), source=LotSource.MONTHLY, granted_at__gt=since)
    given_back = BroughtLot.objects.filter(lot=OuterRef("id"), gives_back=True)
    for lot in monthly.filter(~Exists(given_back)).order_by("id").iterator(chunk_size=500):
        book, about = _book(lot.price_book), read_reference(lot.reference)
        if book and about and about.name in set(Tier) and not book.tiers[Tier(about.name)].is_free:
            yield Unexplained("monthly credits of a paid tier came with a month that was paid", str(lot.id))
    if zones_since is None:
        return
    brought = Count("brought_lots", filter=Q(brought_lots__source=LotSource.MONTHLY, brought_lots__gives_back=False))
    periods = Purchase.objects.filter(kind=PurchaseKind.SUBSCRIPTION, period_from_at__gt=zones_since)
    for paid in periods.annotate(grants=brought).filter(grants__gt=1).order_by("id").iterator(chunk_size=500):
        if paid.grants > paid.months:
            yield Unexplained("a paid month brings its credits once", paid.reference, f"{paid.grants} times")


def _states() -> Iterator[Unexplained]:
    """What a row's status is, its last event says."""
    for model, subject in ((Purchase, "purchase"), (PaymentRefund, "payment refund"), (Subscription, "subscription")):
        column = "state" if model is PaymentRefund else "status"
        moves = Event.objects.filter(subject=subject, move__contains=" -> ")
        last = dict(moves.values_list("subject_id").annotate(last=Max("id")).values_list("subject_id", "last"))
        told = dict(Event.objects.filter(id__in=list(last.values())).values_list("subject_id", "move"))
        for id, status in model.objects.values_list("id", column).iterator(chunk_size=500):
            move = told.get(str(id))
            if move is not None and move.partition(" -> ")[2] != status:
                yield Unexplained(f"the status of a {subject} is its last event's", str(id), f"{status}, told {move}")
            if move is None and subject == "purchase" and status != "open":
                yield Unexplained("the status of a purchase is its last event's", str(id), f"{status}, told nothing")
    for reversal in Reversal.objects.order_by("id").iterator(chunk_size=500):
        told_how = Q(move__contains="-> ") | Q(move__in=BillingOccurrence.NEEDS_A_PERSON.stored_as)
        event = Event.objects.filter(told_how, subject="reversal", subject_id=str(reversal.id)).order_by("-id").first()
        stands = f"{reversal.kind} {reversal.state}"
        # What nobody taught us is taken for an inquiry.
        known: dict[str, str] = {BillingOccurrence.NEEDS_A_PERSON: "inquiry open"}
        if event is not None and stands != known.get(event.what, event.what.partition("> ")[2]):
            yield Unexplained("a reversal stands as its last event says", reversal.external_id, event.move)
        if event is not None and (event.details["cents"], event.details["currency"]) != (
            reversal.cents,
            reversal.currency,
        ):
            yield Unexplained("a reversal is of what was told", reversal.external_id, f"{reversal.cents} cents")
        if reversal.settled_at is not None and reversal.settled_by != "billing":
            settled = Event.objects.filter(
                subject="reversal", subject_id=str(reversal.id), move__in=BillingOccurrence.OWED_SETTLED.stored_as
            )
            if not settled.exists():
                yield Unexplained("a reversal was settled by an operator", reversal.external_id)


def _what_went_back() -> Iterator[Unexplained]:
    """Payment refunds, lots and takings say the same of the credits that went back as the ledger does."""
    gave = set(Taking.objects.filter(gives_back=True).values_list("lot", flat=True))
    lots = {lot.id: lot for lot in Lot.objects.filter(id__in=BroughtLot.objects.values_list("lot", flat=True))}
    for brought in BroughtLot.objects.order_by("id").iterator(chunk_size=500):
        lot = lots.get(brought.lot)
        if lot is None or (brought.source, brought.credits) != (lot.source, lot.credits):
            yield Unexplained("a lot that a payment brought is the ledger's", str(brought.lot))
        if brought.gives_back != (brought.lot in gave):
            yield Unexplained("a lot gives back what a reversal gave back", str(brought.lot))
    for taking in Taking.objects.filter(credits__gte=1).order_by("id").iterator(chunk_size=500):
        if taking.lot not in lots or lots[taking.lot].source != taking.source:
            yield Unexplained("a taking is of a lot that the payment brought", str(taking.id))
    for refund in PaymentRefund.objects.select_related("purchase").order_by("id").iterator(chunk_size=500):
        if refund.currency != refund.purchase.currency and refund.kind != RefundKind.SURPLUS:
            yield Unexplained("a payment refund is in the currency of its purchase", refund.purchase.reference)
        if refund.kind == RefundKind.UNUSED_CREDITS:
            key = paid_back_key(refund.purchase_id, 0)
            moved = Transfer.objects.filter(organisation=refund.organisation_id, key__startswith=key)
            decided = refund.purchase.payment_refunds.filter(kind=RefundKind.UNUSED_CREDITS)
            if sum(moved.values_list("credits", flat=True)) != sum(decided.values_list("credits", flat=True)):
                yield Unexplained("a payment refund withdrew its credits", refund.purchase.reference)
        elif refund.kind == RefundKind.TRAINING_FEE:
            told = Event.objects.filter(
                subject_id=str(refund.purchase_id), move__in=BillingOccurrence.TRAINING_FEE_PAID_BACK.stored_as
            )
            if (refund.credits, refund.net_cents) not in [
                (event.details["credits"], event.details["net_cents"]) for event in told
            ]:
                yield Unexplained("a training fee paid back was decided", refund.purchase.reference)


def _what_is_owed() -> Iterator[Unexplained]:
    for reversal in Reversal.objects.select_related("purchase").order_by("id").iterator(chunk_size=500):
        purchase, owed = reversal.purchase, reversal.excess_cents
        if reversal.kind == ReversalKind.REFUND:
            owed = 0
        elif purchase.kind == PurchaseKind.PACKAGE and reversal.share_credits:
            owed += reversal.price_cents * reversal.owed_credits // reversal.share_credits
        elif purchase.kind == PurchaseKind.SUBSCRIPTION:
            # What of the month's time went back is not owed: how much that was, is in the credit note.
            owed = min(max(reversal.owed_gross_cents, owed), owed + reversal.price_cents)
        if reversal.owed_gross_cents != owed or reversal.owed_net_cents != net_of(purchase, owed):
            yield Unexplained("what is owed is what could not be taken", reversal.external_id)
        waived = purchase.kind == PurchaseKind.PACKAGE and reversal.share_credits == 0
        if reversal.waived_cents != (reversal.price_cents if waived else 0):
            yield Unexplained("what is waived is less than a credit", reversal.external_id)
    for purchase in Purchase.objects.filter(reversals__isnull=False).distinct().order_by("id"):
        said = sum(purchase.reversals.values_list("withdrawn_net_cents", flat=True))
        took = sum(
            -one.net_cents if one.gives_back else one.net_cents for one in purchase.takings.filter(credits__gte=1)
        )
        if took != said:
            yield Unexplained("reversals took the price that they say", purchase.reference, f"{took}, not {said}")


def _holds() -> Iterator[Unexplained]:
    """A hold was placed and resolved when the ledger's transfers say."""
    for hold in Hold.objects.order_by("id").iterator(chunk_size=500):
        at = set(Transfer.objects.filter(hold_id=hold.id).values_list("at", flat=True))
        placed = set(Transfer.objects.filter(id=hold.id).values_list("at", flat=True))
        if hold.placed_at not in placed | at or (hold.resolved_at is not None and hold.resolved_at not in at):
            yield Unexplained("a hold was resolved when its transfer says", str(hold.id))


def _tiers() -> Iterator[Unexplained]:
    for subscription in Subscription.objects.order_by("id").iterator(chunk_size=500):
        where = str(subscription.organisation_id)
        last = TierChange.objects.filter(organisation=subscription.organisation_id).order_by("-id").first()
        if last is None or last.tier != subscription.tier:
            yield Unexplained("the tier is the last that came into force", where, subscription.tier)
        if subscription.status in (SubscriptionStatus.PAID, SubscriptionStatus.ENDING):
            months = Purchase.objects.filter(
                organisation=subscription.organisation_id,
                kind="subscription",
                paid_at__isnull=False,
                period_until_at=subscription.paid_until_at,
            )
            if not months.exists():
                yield Unexplained(
                    "a tier is paid until its last paid month ends", where, str(subscription.paid_until_at)
                )


def _payments() -> Iterator[Unexplained]:
    for payment in Payment.objects.order_by("id").iterator(chunk_size=500):
        events = Event.objects.filter(
            subject="purchase",
            subject_id=str(payment.purchase_id),
            move__in=BillingOccurrence.PAYMENT_RECEIVED.stored_as,
            at=payment.received_at,
        )
        said = [(event.details["external_id"], event.details["cents"], event.details["currency"]) for event in events]
        if (payment.external_id, payment.cents, payment.currency) not in said:
            yield Unexplained("a payment is what was told when it came", payment.external_id, f"{payment.cents} cents")
    for purchase in Purchase.objects.order_by("id").iterator(chunk_size=500):
        ordered = Event.objects.filter(
            subject="purchase", subject_id=str(purchase.id), move__in=BillingOccurrence.ORDERED.stored_as
        ).first()
        if ordered is None:
            yield Unexplained("a purchase was ordered", purchase.reference)
            continue
        told = (ordered.details["gross_cents"], ordered.details["currency"], ordered.at, ordered.who)
        if told != (purchase.gross_cents, purchase.currency, purchase.ordered_at, purchase.ordered_by):
            yield Unexplained("a purchase is what was ordered", purchase.reference)


def _documents() -> Iterator[Unexplained]:
    for invoice in Invoice.objects.select_related("purchase", "corrects").order_by("id").iterator(chunk_size=500):
        facts = invoice.facts
        printed = (
            facts["kind"],
            facts["issued_on"],
            facts["gross_cents"],
            facts["currency"],
            facts["reference"],
            facts["corrects"],
        )
        columns = (
            invoice.kind,
            invoice.issued_on.isoformat(),
            invoice.gross_cents,
            invoice.currency,
            invoice.purchase.reference,
            invoice.corrects.number if invoice.corrects else "",
        )
        if printed != columns or invoice.issued_at.astimezone(seller().zone).date() != invoice.issued_on:
            yield Unexplained("an invoice's columns are what it prints", invoice.number)
