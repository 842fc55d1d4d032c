"""Is every row what its events told? Orders, payments, refunds, tiers and reversals are held against the events that
were written with each change; those, in turn, are chained (chain.py). Reads only.

Where an older release told less, nothing is missed: a column is compared with what an event says of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Min

from otai.billing.asked_above import Unexplained
from otai.billing.models import (
    BalanceDifference,
    BroughtLot,
    Coupon,
    Event,
    Payment,
    PaymentMethod,
    PaymentRefund,
    Purchase,
    Reversal,
    ReversalState,
    Subscription,
    Taking,
    TierChange,
    TopUp,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.coupons import coupon_terms_of
from otai.billing.operations.events import TOLD_WHOLE, plain, row_hash, terms_of
from otai.billing.price_books import book_named
from otai.ledger.models import LateCapture, Lot, LotSource, Transfer
from otai.pricing.price_book import Term, Tier

APART = timedelta(days=1)
"""The ledger's time never runs backwards, the clock of a row beside it may: they differ by seconds, never by a day."""


def untold() -> Iterator[Unexplained]:
    """Every row of the installation that is not what its events told."""
    yield from _columns()
    yield from _told_whole()
    yield from _explained()
    yield from _top_ups()
    yield from _orders()
    yield from _coupons()
    yield from _refunds()
    yield from _cut_months()
    yield from _renewals()
    yield from _payments()
    yield from _reversals()
    yield from _lots_and_takings()
    yield from _tiers()
    yield from _gifts()
    yield from _late_captures()


def _columns() -> Iterator[Unexplained]:
    """A column is what the last event that told of it says that it became."""
    for model, subject in ((Purchase, "purchase"), (PaymentRefund, "payment refund"), (Subscription, "subscription")):
        told: dict[str, dict[str, Any]] = defaultdict(dict)
        events = Event.objects.filter(subject=subject, details__has_key="became").order_by("id")
        for id, details in events.values_list("subject_id", "details").iterator(chunk_size=2000):
            told[id].update(details["became"])
        for row in model._default_manager.order_by("pk").iterator(chunk_size=500):
            for name, value in told.get(str(row.pk), {}).items():
                if plain(getattr(row, name)) != value:
                    yield Unexplained(f"a {subject} is what its events told", str(row), f"{name}, told {value}")


def _told_whole() -> Iterator[Unexplained]:
    """A row that its changes tell as a whole is what the last of them told."""
    for model, (subject, _names) in TOLD_WHOLE.items():
        events = Event.objects.filter(subject=subject, details__has_key="row_sha256").order_by("id")
        told = dict(events.values_list("subject_id", "details__row_sha256").iterator(chunk_size=2000))
        for row in model._default_manager.order_by("pk").iterator(chunk_size=500):
            if told.get(str(row.pk), row_hash(row)) != row_hash(row):
                yield Unexplained(f"a {subject} is what its last event told", str(row.pk))


def _explained() -> Iterator[Unexplained]:
    """A difference of the balance was explained by who told of it, for that reason."""
    told = set(
        Event.objects.filter(subject="balance difference", move__in=BillingOccurrence.EXPLAINED.stored_as).values_list(
            "subject_id", "at", "who", "why"
        )
    )
    for found in BalanceDifference.objects.filter(explained_at__isnull=False).order_by("id"):
        if (str(found.id), found.explained_at, found.explained_by, found.explained_why) not in told:
            yield Unexplained("a difference was explained as it was told", found.subject)


def _top_ups() -> Iterator[Unexplained]:
    """A top-up counts against its month's limit what its order cost."""
    for top_up in TopUp.objects.filter(purchase__isnull=False).select_related("purchase").order_by("id"):
        assert top_up.purchase is not None
        around = {f"{top_up.announced_at + apart:%Y-%m}" for apart in (-APART, timedelta(), APART)}
        if top_up.net_cents != top_up.purchase.net_cents or top_up.month not in around:
            yield Unexplained("a top-up is what its order cost, in its month", top_up.purchase.reference)


def _orders() -> Iterator[Unexplained]:
    ways: dict[str, set[str]] = defaultdict(set)
    opened = Event.objects.filter(
        subject="purchase", move__in=[*BillingOccurrence.ORDERED.stored_as, *BillingOccurrence.PAGE_OPENED.stored_as]
    )
    for id, details in opened.values_list("subject_id", "details").iterator(chunk_size=2000):
        ways[id].add(details.get("gateway", ""))
    terms = Event.objects.filter(
        subject="purchase",
        move__in=[*BillingOccurrence.ORDERED.stored_as, BillingOccurrence.PERSON_REPLACED],
        details__has_key="terms",
    ).order_by("id")
    told = dict(terms.values_list("subject_id", "details__terms"))
    for purchase in Purchase.objects.order_by("id").iterator(chunk_size=500):
        if (was := told.get(str(purchase.id))) is not None and was != terms_of(purchase):
            yield Unexplained("an order is of the terms that it was made of", purchase.reference)
        known = ways[str(purchase.id)]
        if "" not in known and purchase.gateway not in known:
            yield Unexplained("an order is paid in a way that it was to be paid", purchase.reference, purchase.gateway)


def _coupons() -> Iterator[Unexplained]:
    """A coupon is of the terms that it was made of, and was withdrawn when that was told; an order that names it had
    taken off what those terms say."""
    events = Event.objects.filter(subject="coupon")
    made = dict(events.filter(move=BillingOccurrence.MADE).values_list("subject_id", "details__terms"))
    gone = {
        id: (at, who)
        for id, at, who in events.filter(move=BillingOccurrence.WITHDRAWN).values_list("subject_id", "at", "who")
    }
    for coupon in Coupon.objects.order_by("id").iterator(chunk_size=500):
        if made.get(str(coupon.id)) != coupon_terms_of(coupon):
            yield Unexplained("a coupon is of the terms that it was made of", coupon.code)
        withdrawn = (coupon.withdrawn_at, coupon.withdrawn_by) if coupon.withdrawn_at else None
        if gone.get(str(coupon.id)) != withdrawn:
            yield Unexplained("a coupon was withdrawn as it was told", coupon.code)
    for purchase in Purchase.objects.filter(coupon__isnull=False).select_related("coupon").order_by("id"):
        assert purchase.coupon is not None
        if purchase.discount_cents != purchase.coupon.off(_price_of_a_coupon(purchase)):
            yield Unexplained("a coupon took off what it says", purchase.reference, f"{purchase.discount_cents} cents")


def _price_of_a_coupon(purchase: Purchase) -> int:
    """What a coupon's share is of, in net cents: the price, or of a year the month that it begins with."""
    if purchase.term != Term.YEAR:
        return purchase.net_cents + purchase.discount_cents
    return book_named(purchase.price_book).tiers[Tier(purchase.tier)].monthly_price.cents


def _refunds() -> Iterator[Unexplained]:
    """A refund was asked for by who told of it, for that reason."""
    requested = Event.objects.filter(subject="payment refund", move__in=BillingOccurrence.REQUESTED.stored_as)
    told = {id: (who, why) for id, who, why in requested.values_list("subject_id", "who", "why")}
    for refund in PaymentRefund.objects.order_by("id").iterator(chunk_size=500):
        said = (refund.requested_by, refund.reason)
        if told.get(str(refund.id), said) != said:
            yield Unexplained("a payment refund was asked for as it was told", str(refund.id))


def _cut_months() -> Iterator[Unexplained]:
    """A month that ended early ended when its organisation's tier moved."""
    for purchase in Purchase.objects.filter(period_cut_at__isnull=False).order_by("id"):
        assert purchase.period_cut_at is not None
        moved = Event.objects.filter(
            subject="subscription", organisation=purchase.organisation_id, at=purchase.period_cut_at
        )
        if not moved.exists():
            yield Unexplained("a month that ended early ended with a move of the tier", purchase.reference)


def _renewals() -> Iterator[Unexplained]:
    """Months are charged in the way that was last set, with a method that is kept for the organisation."""
    for subscription in Subscription.objects.exclude(renewal_gateway="", renewal_payment_method="").order_by("id"):
        where = str(subscription.organisation_id)
        sets = Event.objects.filter(
            subject="subscription",
            subject_id=str(subscription.id),
            move__in=BillingOccurrence.RENEWAL_PAYMENT_SET.stored_as,
        ).order_by("-id")
        last = sets.first()
        kept = PaymentMethod.objects.filter(
            organisation=subscription.organisation_id, reference=subscription.renewal_payment_method
        )
        # A release before did not tell which method: then it is one that is kept.
        is_told = last is not None and "became" in last.details
        if last is None or last.details.get("gateway") != subscription.renewal_gateway:
            yield Unexplained("months are paid in the way that was set", where, subscription.renewal_gateway)
        if subscription.renewal_payment_method and not is_told and not kept.exists():
            yield Unexplained("months are charged to a method of the organisation", where)


def _payments() -> Iterator[Unexplained]:
    told: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in Event.objects.filter(
        subject="purchase", move__in=BillingOccurrence.PAYMENT_RECEIVED.stored_as
    ).iterator(chunk_size=2000):
        told[event.subject_id, event.details["external_id"]].append(event)
    for payment in Payment.objects.order_by("id").iterator(chunk_size=500):
        events = told[str(payment.purchase_id), payment.external_id]
        if not any(
            (event.who, event.why_as_text, event.details.get("gateway", payment.gateway))
            == (payment.recorded_by, payment.note, payment.gateway)
            for event in events
        ):
            yield Unexplained("a payment was recorded by who told of it", payment.external_id)


def _reversals() -> Iterator[Unexplained]:
    told: dict[str, list[Event]] = defaultdict(list)
    for event in Event.objects.filter(subject="reversal").order_by("id").iterator(chunk_size=2000):
        told[event.subject_id].append(event)
    for reversal in Reversal.objects.order_by("id").iterator(chunk_size=500):
        events = told[str(reversal.id)]
        yield from _as_heard(reversal, [event for event in events if "provider_state" in event.details])
        settled = [event for event in events if event.what == BillingOccurrence.OWED_SETTLED]
        said = (reversal.settled_at, reversal.settled_by, reversal.settled_why)
        by_an_operator = reversal.settled_at is not None and reversal.settled_by != "billing"
        is_told = said in [(event.at, event.who, event.why) for event in settled]
        if (by_an_operator and not is_told) or (reversal.settled_at is None and reversal.settled_why):
            yield Unexplained("a reversal was settled when and why it was told", reversal.external_id)


def _as_heard(reversal: Reversal, news: list[Event]) -> Iterator[Unexplained]:
    """A reversal is as the provider's news told, the earliest first."""
    if not news:
        return
    where, first, last = reversal.external_id, news[0], news[-1]
    if (last.details["external_id"], last.details["provider_state"][:100]) != (where, reversal.provider_state):
        yield Unexplained("a reversal is in the state that was told", where, reversal.provider_state)
    if last.why != reversal.reason or (last.what == BillingOccurrence.NEEDS_A_PERSON) != reversal.needs_a_person:
        yield Unexplained("a reversal is for the reason that was told", where, reversal.reason)
    # Where a release before told of its beginning, the first of these is not it.
    began = reversal.opened_at == first.at or not first.what.startswith("->")
    decided = reversal.state == ReversalState.OPEN or reversal.decided_at in {event.at for event in news}
    if not began or not decided:
        yield Unexplained("a reversal began and was decided when it was told", where)


def _lots_and_takings() -> Iterator[Unexplained]:
    """What a payment brought and a reversal took was so when the ledger says."""
    lots = dict(Lot.objects.filter(id__in=BroughtLot.objects.values("lot")).values_list("id", "granted_at"))
    for brought in BroughtLot.objects.order_by("id").iterator(chunk_size=500):
        granted_at = lots.get(brought.lot)
        if granted_at is not None and brought.brought_at < granted_at - APART:
            yield Unexplained("a lot was brought when it was granted, or later", str(brought.lot))
    moved = dict(Transfer.objects.filter(id__in=Taking.objects.values("transfer")).values_list("id", "at"))
    for taking in Taking.objects.filter(transfer__isnull=False).order_by("id").iterator(chunk_size=500):
        at = moved.get(taking.transfer) if taking.transfer else None
        if at is None or abs(taking.at - at) >= APART:
            yield Unexplained("a taking was when its transfer was", str(taking.id))


def _tiers() -> Iterator[Unexplained]:
    firsts = dict(TierChange.objects.values_list("organisation").annotate(first=Min("effective_at")))
    for subscription in Subscription.objects.order_by("id").iterator(chunk_size=500):
        first = firsts.get(subscription.organisation_id)
        if first is not None and first != subscription.signed_up_at:
            yield Unexplained("months are counted from the sign-up", str(subscription.organisation_id))


def _gifts() -> Iterator[Unexplained]:
    """What events told of credits given is still in the ledger."""
    for event in Event.objects.filter(subject="goodwill").iterator(chunk_size=2000):
        given = Lot.objects.filter(id=event.subject_id, organisation=event.organisation_id, source=LotSource.GOODWILL)
        if not given.exists():
            yield Unexplained("goodwill that was given is in the ledger", event.subject_id)


def _late_captures() -> Iterator[Unexplained]:
    """A refused late capture is of a hold that was resolved before, of the same organisation."""
    for late in LateCapture.objects.iterator(chunk_size=500):
        ended = Transfer.objects.filter(hold_id=late.hold_id, organisation=late.organisation_id, kind="release")
        if not ended.filter(at__lte=late.at + APART).exists():
            yield Unexplained("a late capture came after its hold was released", str(late.hold_id))
