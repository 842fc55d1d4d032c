"""Credits that run low: a notice, and for those who opted in an automatic top-up.

Both are where other products went wrong, so: one notice for each dip, one top-up at a time (a constraint), announced by
mail before it is charged, within a monthly limit, never with a payment taken back, and stopped after failures until a
person sets it again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, Sum

from otai.billing import packages
from otai.billing.gateway import Gateway, GatewayUnavailable, PaymentDeclined, PaymentState
from otai.billing.gateways import gateway_named, hosted
from otai.billing.models import CreditWatch, PaymentMethod, Purchase, TopUp, TopUpState
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import methods
from otai.billing.operations.checkout import buy, cancel
from otai.billing.operations.events import as_told, notify, record
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus
from otai.db import new_id, one_transaction
from otai.errors import Invalid, OtaiError, Refused
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.suspension import is_suspended
from otai.units import MAX_CREDITS, Money
from otai.words.explained import as_text
from otai.words.sentences import Fact

logger = logging.getLogger(__name__)

AUTO = "automatic top-up"
notice_minutes = 15
"""Between the mail that announces a top-up and the charge: time to say no."""
pause_hours_after_failure = 24
failures_until_stop = 3


class InvalidWatch(Invalid):
    code = "invalid_top_up"


@one_transaction
def set_low_balance_notice(*, organisation: Organisation, below: int, who: str, now: datetime) -> CreditWatch:
    """A mail once the available credits fall below this; 0 turns it off. Raises InvalidWatch."""
    if not 0 <= below <= MAX_CREDITS:
        raise InvalidWatch("threshold", fewest=0, most=MAX_CREDITS, field="below")
    watch, _ = CreditWatch.objects.get_or_create(organisation=organisation)
    watch.notice_below, watch.noticed_at = below, None
    watch.save(update_fields=["notice_below", "noticed_at"])
    _record(watch, BillingOccurrence.NOTICE_SET, who=who, now=now, below=below)
    return watch


def set_top_up(
    *,
    organisation: Organisation,
    below: int,
    package: str,
    monthly_limit: Money,
    gateway: str,
    payment_method: str,
    who: str,
    now: datetime,
) -> CreditWatch:
    """Opts in: below so many credits buy this package, for at most so much (net) in a calendar month, with this payment
    method.

    The method is kept at the provider, and charged without the customer from then on. Setting it again ends a stop.
    Raises InvalidWatch, PackageUnknown, BillingDetailsMissing, GatewayUnknown, PaymentDeclined and GatewayUnavailable.
    """
    if not 1 <= below <= MAX_CREDITS:
        raise InvalidWatch("threshold", fewest=1, most=MAX_CREDITS, field="below")
    offer = packages.package(organisation, package, now=now)
    if monthly_limit.currency != offer.price.currency or monthly_limit.cents < offer.price.cents:
        raise InvalidWatch("monthly_limit", package=offer.title, price=offer.price, field="monthly_limit")
    way = gateway_named(gateway)
    if not way.charges_saved_methods:
        raise InvalidWatch("gateway", gateway=way.title, field="gateway")
    saved = _kept(organisation, way, payment_method, who=who, now=now)
    with transaction.atomic():
        CreditWatch.objects.get_or_create(organisation=organisation)
        watch = CreditWatch.objects.select_for_update(no_key=True).get(organisation=organisation)
        watch.top_up_below, watch.top_up_package = below, offer.code
        watch.monthly_limit_cents = monthly_limit.cents
        watch.gateway, watch.payment_method = way.name, saved
        watch.failures, watch.stopped_at, watch.stopped_why, watch.stopped_fact = 0, None, "", {}
        watch.set_by, watch.set_at = who, now
        watch.save()
        _record(
            watch,
            BillingOccurrence.TOP_UP_SET,
            who=who,
            now=now,
            below=below,
            package=offer.code,
            limit_cents=monthly_limit.cents,
        )
    return watch


def _kept(organisation: Organisation, way: Gateway, payment_method: str, *, who: str, now: datetime) -> str:
    """The provider's name for the method, kept for later charges: as it is if it is kept already."""
    name = way.name
    if PaymentMethod.objects.filter(
        organisation=organisation, gateway=name, reference=payment_method, removed_at__isnull=True
    ).exists():
        return payment_method
    customer = methods.customer_of(organisation, name, now=now)
    saved = hosted(name).save_method(payment_method=payment_method.rpartition(":")[2], customer=customer)
    methods.keep(organisation, name, saved, who=who, now=now)
    return saved


@one_transaction
def turn_off_top_up(*, organisation: Organisation, who: str, now: datetime) -> CreditWatch:
    """No automatic top-up any more; one that was announced and not charged yet is dropped."""
    CreditWatch.objects.get_or_create(organisation=organisation)
    watch = CreditWatch.objects.select_for_update(no_key=True).get(organisation=organisation)
    watch.top_up_below = 0
    watch.save(update_fields=["top_up_below"])
    _record(watch, BillingOccurrence.TOP_UP_TURNED_OFF, who=who, now=now)
    TopUp.objects.filter(organisation=organisation, state=TopUpState.ANNOUNCED).update(
        state=TopUpState.FAILED, ended_at=now, outcome="top_up_turned_off"
    )
    return watch


def _record(
    watch: CreditWatch, move: BillingOccurrence, *, who: str, now: datetime, why: str | Fact = "", **details: object
) -> None:
    record(
        organisation=watch.organisation_id,
        subject="credit watch",
        subject_id=watch.organisation_id,
        move=move,
        who=who,
        why=why,
        now=now,
        **details,
        **as_told(watch),
    )


@dataclass(frozen=True, slots=True)
class WatchReport:
    noticed: int
    announced: int
    charged: int


def watch_credits(*, now: datetime) -> WatchReport:
    """One round: notices, announcements, and the charges that were announced before. Safe from any number of
    processes."""
    noticed = announced = 0
    watched = CreditWatch.objects.filter(
        Q(notice_below__gt=0) | Q(top_up_below__gt=0),
        organisation__suspended_at__isnull=True,
        organisation__closing_at__isnull=True,
    )
    for watch in watched.select_related("organisation"):
        try:
            available = ledger.balance(watch.organisation_id).available
            noticed += _notice(watch, available, now=now)
            announced += _announce(watch, available, now=now)
        except OtaiError:
            logger.exception("Watching the credits of %s failed.", watch.organisation_id)
    return WatchReport(noticed, announced, _charge_announced(now=now))


def _notice(watch: CreditWatch, available: int, *, now: datetime) -> bool:
    mine = CreditWatch.objects.filter(organisation=watch.organisation_id)
    if watch.notice_below == 0 or available >= watch.notice_below:
        mine.filter(noticed_at__isnull=False).update(noticed_at=None)
        return False
    with transaction.atomic():
        if not mine.filter(noticed_at__isnull=True).update(noticed_at=now):
            return False
        notify(
            organisation=watch.organisation,
            template="low_balance",
            key=f"low:{watch.organisation_id}:{now.isoformat()}",
            context={"available": available, "below": watch.notice_below},
            now=now,
        )
    return True


def _announce(watch: CreditWatch, available: int, *, now: datetime) -> bool:
    organisation = watch.organisation
    if watch.top_up_below == 0 or watch.stopped_at is not None or available >= watch.top_up_below:
        return False
    offer = packages.package(organisation, watch.top_up_package, now=now)
    month = now.astimezone(organisation.zone).strftime("%Y-%m")
    try:
        with transaction.atomic():
            locked = CreditWatch.objects.select_for_update(no_key=True).get(organisation=organisation)
            if locked.top_up_below == 0 or locked.stopped_at is not None or not _may_try(organisation, now=now):
                return False
            # Read again, now that no top-up is under way: another process may just have finished one.
            available = ledger.balance(organisation.id).available
            if available >= locked.top_up_below:
                return False
            spent = _spent(organisation, month)
            if spent + offer.price.cents > locked.monthly_limit_cents:
                notify(
                    organisation=organisation,
                    template="top_up_limit",
                    key=f"top-up-limit:{organisation.id}:{month}",
                    context={
                        "available": available,
                        "limit_cents": locked.monthly_limit_cents,
                        "spent_cents": spent,
                        "currency": offer.price.currency,
                    },
                    now=now,
                )
                return False
            top_up = TopUp.objects.create(
                id=new_id(),
                organisation=organisation,
                month=month,
                net_cents=offer.price.cents,
                credits_seen=available,
                package=offer.code,
                announced_at=now,
            )
            notify(
                organisation=organisation,
                template="top_up_announced",
                key=f"top-up:{top_up.id}",
                context={
                    "available": available,
                    "bought": {"kind": "package", "credits": offer.credits},
                    "amount_cents": offer.price.cents,
                    "currency": offer.price.currency,
                    "minutes": notice_minutes,
                },
                now=now,
            )
    except IntegrityError:
        # `billing_top_up_one_at_a_time`: another process was faster.
        return False
    return True


def _may_try(organisation: Organisation, *, now: datetime) -> bool:
    attempts = TopUp.objects.filter(organisation=organisation)
    if attempts.filter(ended_at__isnull=True).exists():
        return False
    lately = now - timedelta(hours=pause_hours_after_failure)
    return not attempts.filter(state=TopUpState.FAILED, purchase__isnull=False, ended_at__gt=lately).exists()


def _spent(organisation: Organisation, month: str) -> int:
    """Net cents of the month's top-ups, those under way included."""
    counted = TopUp.objects.filter(organisation=organisation, month=month).exclude(state=TopUpState.FAILED)
    return counted.aggregate(cents=Sum("net_cents"))["cents"] or 0


def _charge_announced(*, now: datetime) -> int:
    charged = 0
    ready = Q(state=TopUpState.ANNOUNCED, announced_at__lte=now - timedelta(minutes=notice_minutes))
    for top_up in TopUp.objects.filter(ready | Q(state=TopUpState.ORDERED)).select_related("organisation", "purchase"):
        try:
            charged += _charge(top_up, now=now)
        except GatewayUnavailable:
            # Nothing is known: the next sweep asks again under the same key.
            continue
        except OtaiError as error:
            _fail(top_up, error.as_fact(), problem=_problem(error), now=now)
    return charged


def _charge(top_up: TopUp, *, now: datetime) -> bool:
    organisation = top_up.organisation
    watch = CreditWatch.objects.get(organisation=organisation)
    if top_up.state == TopUpState.ANNOUNCED:
        available = ledger.balance(organisation.id).available
        if packages.package(organisation, top_up.package, now=now).price.cents != top_up.net_cents:
            # Another price book came into force meanwhile: what is charged is what was announced, within the limit.
            _end(top_up, TopUpState.FAILED, "top_up_price_changed", now=now)
            return False
        is_off = watch.top_up_below == 0 or watch.stopped_at is not None or is_suspended(organisation.id)
        if is_off or available >= watch.top_up_below:
            _end(top_up, TopUpState.FAILED, "top_up_not_needed", now=now)
            return False
        if not TopUp.objects.filter(id=top_up.id, state=TopUpState.ANNOUNCED).update(state=TopUpState.ORDERED):
            return False
    if top_up.purchase is not None:
        return _settle(top_up, now=now)
    try:
        bought = buy(
            organisation=organisation,
            package=top_up.package,
            key=top_up.order_key,
            who=AUTO,
            now=now,
            gateway=watch.gateway,
            payment_method=watch.payment_method,
            automatic=True,
        )
    except PaymentDeclined:
        purchase = Purchase.objects.filter(organisation=organisation, key=top_up.order_key).first()
        TopUp.objects.filter(id=top_up.id).update(purchase=purchase)
        raise
    TopUp.objects.filter(id=top_up.id).update(purchase=bought.purchase)
    top_up.purchase = bought.purchase
    if bought.payment.state is PaymentState.ACTION_NEEDED:
        why = Fact("top_up_confirmation_needed")
        _fail(top_up, why.as_dict(), problem={"code": "confirmation_needed"}, now=now)
        return False
    return _settle(top_up, now=now)


def _settle(top_up: TopUp, *, now: datetime) -> bool:
    purchase = top_up.purchase
    assert purchase is not None
    purchase.refresh_from_db()
    if purchase.status == PurchaseStatus.PROCESSING:
        return False
    if purchase.paid_at is not None:
        CreditWatch.objects.filter(organisation=top_up.organisation).update(failures=0)
        return _end(top_up, TopUpState.SUCCEEDED, "top_up_paid", now=now)
    _fail(top_up, Fact("top_up_payment_failed").as_dict(), problem={"code": "payment_failed"}, now=now)
    return False


def _end(top_up: TopUp, state: TopUpState, outcome: str, *, now: datetime) -> bool:
    return bool(
        TopUp.objects.filter(id=top_up.id, ended_at__isnull=True).update(
            state=state, ended_at=now, outcome=outcome[:500]
        )
    )


def _problem(error: OtaiError) -> dict[str, Any]:
    """For the mail; what the provider said stays in its own language."""
    if _wants_the_payer(error):
        return {"code": "confirmation_needed"}
    return {"code": error.code, "said": error.details.get("said") or None}


def _wants_the_payer(error: OtaiError) -> bool:
    return error.details.get("reason") == "authentication_required"


def _fail(top_up: TopUp, why: Mapping[str, Any], *, problem: dict[str, Any], now: datetime) -> None:
    organisation = top_up.organisation
    purchase = Purchase.objects.filter(organisation=organisation, key=top_up.order_key).first()
    # Where only the payer is missing the order stays open, and the mail leads to its page.
    waits = problem["code"] == "confirmation_needed" and purchase is not None
    pay_link = purchase.reference if waits and purchase is not None else ""
    with transaction.atomic():
        # The watch before its top-ups, as `turn_off_top_up` has them.
        CreditWatch.objects.select_for_update(no_key=True).get(organisation=organisation)
        if not _end(top_up, TopUpState.FAILED, str(why["code"]), now=now):
            return
        CreditWatch.objects.filter(organisation=organisation).update(failures=F("failures") + 1)
        watch = CreditWatch.objects.get(organisation=organisation)
        stops = watch.failures >= failures_until_stop and watch.stopped_at is None
        if stops:
            fact = Fact("top_up_failed", {"payments": watch.failures, "last": dict(why)})
            watch.stopped_at, watch.stopped_why, watch.stopped_fact = now, as_text(fact), fact.as_dict()
            watch.save(update_fields=["stopped_at", "stopped_why", "stopped_fact"])
            _record(watch, BillingOccurrence.TOP_UP_STOPPED, who=AUTO, why=fact, now=now)
        notify(
            organisation=organisation,
            template="top_up_stopped" if stops else "top_up_failed",
            key=f"top-up-failed:{top_up.id}",
            context={"problem": problem, "package": top_up.package, "failures": watch.failures, "pay": pay_link},
            now=now,
        )
    if purchase is not None and purchase.status in AWAITING_PAYMENT and not waits:
        try:
            cancel(organisation=organisation, reference=purchase.reference, who=AUTO, why=Fact.from_dict(why), now=now)
        except (Refused, GatewayUnavailable):
            logger.warning("The order %s of a failed top-up could not be cancelled.", purchase.reference)
