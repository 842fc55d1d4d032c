"""An organisation is being deleted: what is open in billing ends, and goes on where it is taken back."""

from __future__ import annotations

import logging
from datetime import datetime

from otai.billing.models import CreditWatch, PaymentMethod, Purchase, Subscription
from otai.billing.operations.checkout import cancel
from otai.billing.operations.methods import pay_renewals_with, remove_method
from otai.billing.operations.monthly import grant_what_is_due
from otai.billing.operations.reversals import partly_reversed
from otai.billing.operations.subscriptions import locked
from otai.billing.operations.tiers import AlreadyInTier, cancel_tier
from otai.billing.operations.topups import turn_off_top_up
from otai.billing.status import AWAITING_PAYMENT, SubscriptionStatus
from otai.errors import OtaiError
from otai.orgs.models import Organisation
from otai.words.sentences import Fact

log = logging.getLogger(__name__)


def stop_billing(*, organisation: Organisation, who: str, now: datetime) -> None:
    """Orders that are not paid are cancelled, the tier ends with its paid period, nothing is charged or topped up by
    itself any more. Outside a transaction; safe again."""
    subscription = Subscription.objects.get(organisation=organisation)
    if subscription.renewal_gateway or subscription.renewal_payment_method:
        pay_renewals_with(organisation=organisation, method=None, who=who, now=now)
    if CreditWatch.objects.filter(organisation=organisation, top_up_below__gt=0).exists():
        turn_off_top_up(organisation=organisation, who=who, now=now)
    ends = subscription.status in (SubscriptionStatus.FREE, SubscriptionStatus.ENDING)
    try:
        if not ends:
            cancel_tier(organisation=organisation, who=who, now=now)
    except AlreadyInTier:
        log.debug("%s is in a free tier", organisation.slug)
    for purchase in Purchase.objects.filter(organisation=organisation, status__in=sorted(AWAITING_PAYMENT)):
        try:
            cancel(
                organisation=organisation,
                reference=purchase.reference,
                who=who,
                why=Fact("billing.organisation_is_deleted"),
                now=now,
            )
        except OtaiError as error:
            # With the bank already, or the provider does not answer: the sweep asks again.
            log.info("the order %s is not cancelled yet: %s", purchase.reference, error.code)


def go_on(organisation: Organisation, *, since: datetime, now: datetime) -> None:
    """Taken back: monthly credits that waited come for months that were paid. Within a transaction."""
    subscription = locked(organisation)
    grant_what_is_due(subscription, partly_reversed=partly_reversed(organisation.id), now=now, suspended_since=since)


def forget_methods(organisation: Organisation, *, who: str, now: datetime) -> None:
    """Has the providers keep no card and no mandate of it any more. Outside a transaction."""
    for method in PaymentMethod.objects.filter(organisation=organisation, removed_at__isnull=True):
        try:
            remove_method(organisation=organisation, method=method.id, who=who, now=now)
        except OtaiError as error:
            log.warning("a payment method of %s is still kept by its provider: %s", organisation.slug, error.code)
