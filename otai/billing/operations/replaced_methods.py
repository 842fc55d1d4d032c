"""Payment methods that are kept no more: removed, or the same card or account was added once more and took their
place."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otai.billing.gateway import HostedCheckout, MethodSeen
from otai.billing.models import CreditWatch, PaymentMethod, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import as_told, record
from otai.billing.operations.renewal_payment import set_renewal_payment
from otai.words.explained import as_text
from otai.words.sentences import Fact


def take_the_place_of_the_same(
    method: PaymentMethod, seen: MethodSeen, way: HostedCheckout, *, who: str, now: datetime
) -> None:
    """A card or account that was added once more is kept once: what the one before paid for, the new one pays, and the
    one before is removed. Called outside a transaction. Raises GatewayUnavailable.

    The provider says which are the same (`fingerprint`); nothing of it is stored.
    """
    before = PaymentMethod.objects.filter(
        organisation=method.organisation_id,
        gateway=method.gateway,
        kind=method.kind,
        last_four=method.last_four,
        removed_at__isnull=True,
    )
    for older in before.exclude(id=method.id).select_related("organisation").order_by("saved_at", "id"):
        # Of two that are added at once, one takes the place of the other, and not each the other's.
        if not seen.fingerprint or (older.saved_at, older.id) > (method.saved_at, method.id):
            continue
        same = way.method(older.reference)
        if same is not None and same.fingerprint == seen.fingerprint and _pays_from_now_on(method, older, who, now):
            way.forget_method(older.reference)
            is_gone(older, who=who, now=now)


@transaction.atomic
def _pays_from_now_on(method: PaymentMethod, older: PaymentMethod, who: str, now: datetime) -> bool:
    organisation = older.organisation
    subscription = Subscription.objects.select_for_update(no_key=True).filter(organisation=organisation).first()
    if not PaymentMethod.objects.filter(id=method.id, removed_at__isnull=True).exists():
        # Removed meanwhile: the one before stays.
        return False
    if subscription is not None and subscription.renewal_payment_method == older.reference:
        set_renewal_payment(
            organisation=organisation,
            gateway=method.gateway,
            payment_method=method.reference,
            who=who,
            now=now,
        )
    watch = (
        CreditWatch.objects.select_for_update(no_key=True)
        .filter(organisation=organisation, gateway=method.gateway, payment_method=older.reference)
        .first()
    )
    if watch is not None:
        watch.payment_method = method.reference
        watch.save(update_fields=["payment_method"])
        record(
            organisation=organisation,
            subject="credit watch",
            subject_id=watch.organisation_id,
            move=BillingOccurrence.TOP_UP_SET,
            who=who,
            now=now,
            below=watch.top_up_below,
            package=watch.top_up_package,
            limit_cents=watch.monthly_limit_cents,
            **as_told(watch),
        )
    return True


@transaction.atomic
def is_gone(method: PaymentMethod, *, who: str, now: datetime) -> None:
    """The provider keeps it no more: what it paid for is paid by invoice, and an automatic top-up stops."""
    organisation = method.organisation
    subscription = Subscription.objects.select_for_update(no_key=True).filter(organisation=organisation).first()
    if not PaymentMethod.objects.filter(id=method.id, removed_at__isnull=True).update(removed_at=now):
        return
    record(
        organisation=organisation,
        subject="payment_method",
        subject_id=method.id,
        move=BillingOccurrence.REMOVED,
        who=who,
        now=now,
        **as_told(method),
    )
    if subscription is not None and subscription.renewal_payment_method == method.reference:
        set_renewal_payment(organisation=organisation, gateway="", payment_method="", who=who, now=now)
    gone = Fact("top_up_method_removed")
    CreditWatch.objects.filter(
        organisation=organisation, payment_method=method.reference, top_up_below__gt=0, stopped_at__isnull=True
    ).update(stopped_at=now, stopped_why=as_text(gone), stopped_fact=gone.as_dict())
