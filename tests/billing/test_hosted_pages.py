"""Paying on the provider's own page: opened once, settled once, whoever tells first; kept methods, dunning, the payer's
way back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.audit import audit
from otai.billing.gateway import PaymentDeclined
from otai.billing.models import (
    ChargeAttempt,
    CheckoutPage,
    CreditWatch,
    Event,
    GatewayCustomer,
    Notice,
    Payment,
    PaymentMethod,
    Purchase,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import dunning, methods, notices, pages, topups, webhooks
from otai.billing.operations.pages import NothingToPay
from otai.billing.operations.payment_limit import TooManyPayments
from otai.billing.testing import CARD_THAT_ASKS_EVERY_TIME, DECLINED_CARD, GOOD_CARD, SLOW_DEBIT
from otai.errors import NotFound
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def order(acme: Organisation, fake: Any, now: datetime) -> Purchase:
    return billing.order_package(organisation=acme, package="50", key="k", who=ALICE, now=now, gateway="fake")[0]


def opened(purchase: Purchase, now: datetime, **more: Any) -> CheckoutPage:
    answer = billing.open_payment_page(
        organisation=purchase.organisation, reference=purchase.reference, who=ALICE, now=now, **more
    )
    assert answer.page is not None
    return answer.page


def tops_up(organisation: Organisation, now: datetime, *, below: int, method: str) -> None:
    topups.set_top_up(
        organisation=organisation,
        below=below,
        package="10",
        monthly_limit=Money(500_00),
        gateway="fake",
        payment_method=method,
        who=ALICE,
        now=now,
    )


def credits(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def test_an_order_is_paid_on_a_page_and_its_method_kept(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    page = opened(order, now)
    assert page.url.startswith("https://pay.example/")
    fake.payer_pays(page.reference)
    assert billing.settle_page(page, now=now).state == "complete"
    order.refresh_from_db()
    assert (order.status, credits(acme)) == ("paid", 56)
    [method] = billing.payment_methods(acme)
    assert (method.kind, method.brand, method.last_four, method.expires_year) == ("card", "visa", "4242", 2030)


def test_browser_news_and_sweep_together_book_a_page_once(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    page = opened(order, now)
    fake.payer_pays(page.reference)
    for event in fake.account.events:
        webhooks.store("fake", event, now=now)
    webhooks.handle_waiting(now=now)
    billing.settle_page(CheckoutPage.objects.get(id=page.id), now=now)
    pages.look_at_pages(now=now + timedelta(hours=1))
    assert (Payment.objects.count(), PaymentMethod.objects.count(), credits(acme)) == (1, 1, 56)


def test_a_browser_that_never_comes_back_is_made_good_by_the_sweep(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    fake.payer_pays(opened(order, now).reference)
    assert pages.look_at_pages(now=now + timedelta(minutes=5)) == 0
    assert pages.look_at_pages(now=now + timedelta(minutes=11)) == 1
    assert credits(acme) == 56


def test_asked_for_again_it_is_the_same_page(fake: Any, order: Purchase, now: datetime) -> None:
    first = opened(order, now)
    assert opened(order, now + timedelta(minutes=1)).id == first.id
    assert len(fake.account.pages) == 1


def test_who_takes_the_tick_back_gets_a_page_that_keeps_nothing(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    first = opened(order, now)
    second = opened(order, now, keeps_method=False)
    assert fake.look_up_checkout(first.reference).state == "expired"
    fake.payer_pays(second.reference)
    billing.settle_page(second, now=now)
    assert (billing.payment_methods(acme), credits(acme)) == ([], 56)


def test_a_page_near_its_end_is_closed_and_another_opened(fake: Any, order: Purchase, now: datetime) -> None:
    first = opened(order, now)
    second = opened(order, now + timedelta(hours=23))
    first.refresh_from_db()
    assert (first.state, first.url, second.id != first.id) == ("expired", "", True)


def test_a_payment_begun_otherwise_is_withdrawn_so_that_nobody_pays_twice(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    from otai.billing.gateway import PaymentDeclined

    with pytest.raises(PaymentDeclined):
        billing.buy(
            organisation=acme, package="50", key="k", who=ALICE, now=now, gateway="fake", payment_method=DECLINED_CARD
        )
    purchase = Purchase.objects.get()
    begun = purchase.gateway_reference
    page = opened(purchase, now)
    assert fake.look_up(begun).state == "cancelled"
    for event in fake.account.events:
        webhooks.store("fake", event, now=now)
    webhooks.handle_waiting(now=now)
    purchase.refresh_from_db()
    assert purchase.status == "open", "news of the withdrawn payment must not cancel the order"
    fake.payer_pays(page.reference)
    billing.settle_page(page, now=now)
    assert (credits(acme), Payment.objects.count()) == (56, 1)


def test_a_debit_on_the_page_waits_for_the_bank(acme: Organisation, fake: Any, order: Purchase, now: datetime) -> None:
    page = opened(order, now)
    fake.payer_pays(page.reference, SLOW_DEBIT)
    billing.settle_page(page, now=now)
    order.refresh_from_db()
    assert (order.status, credits(acme)) == ("processing", 6)
    assert billing.open_payment_page(organisation=acme, reference=order.reference, who=ALICE, now=now).page is None, (
        "what is with the bank is not paid a second time"
    )
    fake.settle(order.gateway_reference)
    billing.ask_gateways(now=now + DAY)
    assert credits(acme) == 56


def test_a_cancelled_order_can_no_longer_be_paid_on_its_page(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    page = opened(order, now)
    billing.cancel(organisation=acme, reference=order.reference, who=ALICE, why="Not needed", now=now)
    assert fake.look_up_checkout(page.reference).state == "expired"
    with pytest.raises(NothingToPay):
        opened(order, now)


def test_what_was_paid_in_the_moment_of_cancelling_stays_paid(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    from otai.billing.operations.checkout import CannotCancel

    fake.payer_pays(opened(order, now).reference)
    with pytest.raises(CannotCancel):
        billing.cancel(organisation=acme, reference=order.reference, who=ALICE, why="Not needed", now=now)
    assert credits(acme) == 56


def test_an_order_by_transfer_may_be_paid_on_a_page_after_all(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = billing.buy(organisation=acme, package="50", key="k", who=ALICE, now=now, gateway="bank_transfer")
    page = opened(bought.purchase, now)
    fake.payer_pays(page.reference)
    billing.settle_page(page, now=now)
    assert credits(acme) == 56
    billing.confirm_payment(
        reference=bought.purchase.reference,
        received=Money(bought.purchase.gross_cents),
        bank_reference="late",
        who=OLGA,
        why="bank statement",
        now=now,
    )
    assert (credits(acme), Payment.objects.get(gateway="bank_transfer").surplus_cents) == (
        56,
        bought.purchase.gross_cents,
    )


def test_another_organisations_pages_and_methods_do_not_exist(
    acme: Organisation, globex: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    page = opened(order, now)
    fake.payer_pays(page.reference)
    billing.settle_page(page, now=now)
    [method] = billing.payment_methods(acme)
    with pytest.raises(NotFound):
        billing.page_named(globex, page.reference)
    with pytest.raises(NotFound):
        billing.open_payment_page(organisation=globex, reference=order.reference, who="carol", now=now)
    with pytest.raises(NotFound):
        billing.remove_method(organisation=globex, method=method.id, who="carol", now=now)
    with pytest.raises(NotFound):
        billing.pay_renewals_with(organisation=globex, method=method.id, who="carol", now=now)


def test_one_organisation_is_one_customer_however_often_it_pays(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    opened(order, now)
    billing.open_method_page(organisation=acme, gateway="fake", who=ALICE, now=now)
    tops_up(acme, now, below=5, method=GOOD_CARD)
    assert (GatewayCustomer.objects.count(), len(fake.account.customers)) == (1, 1)


def kept(
    acme: Organisation, fake: Any, now: datetime, card: str = GOOD_CARD, *, for_renewals: bool = False
) -> PaymentMethod:
    page = billing.open_method_page(organisation=acme, gateway="fake", who=ALICE, now=now, for_renewals=for_renewals)
    fake.payer_pays(page.reference, card)
    billing.settle_page(page, now=now)
    return PaymentMethod.objects.get(organisation=acme, external_id=card, removed_at=None)


def test_a_method_is_kept_used_and_removed_with_all_that_it_paid_for(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    method = kept(acme, fake, now, for_renewals=True)
    tops_up(acme, now, below=5, method=method.reference)
    assert queries.subscription_of(acme).renewal_payment_method == method.reference
    assert CreditWatch.objects.get().payment_method == method.reference
    billing.remove_method(organisation=acme, method=method.id, who=ALICE, now=now)
    assert billing.payment_methods(acme) == []
    assert fake.method(method.reference) is None
    assert queries.subscription_of(acme).renewal_payment_method == ""
    assert CreditWatch.objects.get().stopped_at == now


def test_a_card_that_is_added_again_is_kept_once_and_goes_on_paying(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first = kept(acme, fake, now, for_renewals=True)
    tops_up(acme, now, below=5, method=first.reference)
    again = kept(acme, fake, now, card=f"{GOOD_CARD}#2")
    assert billing.payment_methods(acme) == [again]
    assert fake.method(first.reference) is None, "the provider keeps it once, too"
    assert queries.subscription_of(acme).renewal_payment_method == again.reference
    watch = CreditWatch.objects.get()
    assert (watch.payment_method, watch.stopped_at) == (again.reference, None)
    other = kept(acme, fake, now, card="pm_another_with_these_digits")
    assert billing.payment_methods(acme) == [other, again]
    assert audit().findings == []


def test_a_method_removed_in_the_providers_portal_is_removed_here(acme: Organisation, fake: Any, now: datetime) -> None:
    method = kept(acme, fake, now, for_renewals=True)
    fake.forget_method(method.reference)
    for event in fake.account.events:
        webhooks.store("fake", event, now=now)
    webhooks.handle_waiting(now=now)
    assert (billing.payment_methods(acme), queries.subscription_of(acme).renewal_payment_method) == ([], "")


def in_pro(acme: Organisation, fake: Any, now: datetime, card: str) -> None:
    answer = billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now, gateway="fake")
    assert answer.purchase is not None
    page = opened(answer.purchase, now)
    fake.payer_pays(page.reference, card)
    billing.settle_page(page, now=now)


def mails(acme: Organisation, template: str = "payment_failed") -> int:
    return Notice.objects.filter(organisation=acme, template=template).count()


def test_the_card_that_paid_the_first_month_pays_the_next(acme: Organisation, fake: Any, now: datetime) -> None:
    in_pro(acme, fake, now, GOOD_CARD)
    assert queries.tier_of(acme) is Tier.PRO
    billing.sweep_subscriptions(now=now + 31 * DAY)
    assert (queries.subscription_of(acme).status, mails(acme)) == ("paid", 0)
    assert [attempt.outcome for attempt in ChargeAttempt.objects.all()] == ["succeeded"]


def test_a_declined_month_is_tried_on_days_1_3_5_7_with_one_mail_each(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    in_pro(acme, fake, now, GOOD_CARD)
    subscription = queries.subscription_of(acme)
    declined = subscription.renewal_payment_method.replace(GOOD_CARD, DECLINED_CARD)
    billing.set_renewal_payment(organisation=acme, gateway="fake", payment_method=declined, who=ALICE, now=now)
    ends = subscription.paid_until_at
    assert ends is not None
    for hours in range(0, 13 * 24, 6):
        at = ends + timedelta(hours=hours)
        billing.sweep_subscriptions(now=at)
        dunning.charge_again(now=at)
        billing.ask_gateways(now=at)
    tried = [(attempt.tried_at - ends).days for attempt in ChargeAttempt.objects.order_by("number")]
    assert tried == [0, 1, 3, 5, 7]
    assert mails(acme) == 5
    assert queries.tier_of(acme) is Tier.PRO, "the tier stays through the time of grace"
    billing.sweep_subscriptions(now=ends + 15 * DAY)
    assert queries.tier_of(acme) is Tier.COMMUNITY


def test_another_method_is_tried_at_once_and_its_tries_count_anew(acme: Organisation, fake: Any, now: datetime) -> None:
    in_pro(acme, fake, now, GOOD_CARD)
    good = queries.subscription_of(acme).renewal_payment_method
    declined = good.replace(GOOD_CARD, DECLINED_CARD)
    billing.set_renewal_payment(organisation=acme, gateway="fake", payment_method=declined, who=ALICE, now=now)
    ends = queries.subscription_of(acme).paid_until_at
    assert ends is not None
    billing.sweep_subscriptions(now=ends)
    billing.set_renewal_payment(organisation=acme, gateway="fake", payment_method=good, who=ALICE, now=ends)
    assert dunning.charge_again(now=ends + timedelta(minutes=5)) == 1
    assert queries.subscription_of(acme).status == "paid"


def test_a_bank_that_wants_its_customer_leads_them_to_the_page(acme: Organisation, fake: Any, now: datetime) -> None:
    in_pro(acme, fake, now, CARD_THAT_ASKS_EVERY_TIME)
    ends = queries.subscription_of(acme).paid_until_at
    assert ends is not None
    billing.sweep_subscriptions(now=ends)
    [month] = queries.purchases_to_pay(acme)
    notices.send_notices(now=ends)
    [letter] = [sent for sent in mail.outbox if "did not go through" in sent.subject]
    assert f"/acme/credits/purchases/{month.reference}/" in letter.body
    assert "Please confirm it here" in letter.body
    page = opened(month, ends + DAY)
    fake.payer_pays(page.reference, CARD_THAT_ASKS_EVERY_TIME)
    billing.settle_page(page, now=ends + DAY)
    assert queries.subscription_of(acme).status == "paid"


def test_while_the_payer_is_on_the_page_a_declined_card_is_not_mailed(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    from otai.billing.gateway import PaymentDeclined

    page = opened(order, now)
    with pytest.raises(PaymentDeclined):
        fake.payer_pays(page.reference, DECLINED_CARD)
    for event in fake.account.events:
        webhooks.store("fake", event, now=now)
    webhooks.handle_waiting(now=now)
    assert mails(acme) == 0


def test_a_top_up_that_only_the_payer_can_confirm_waits_with_a_link(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    method = kept(acme, fake, now, CARD_THAT_ASKS_EVERY_TIME)
    tops_up(acme, now, below=50, method=method.reference)
    topups.watch_credits(now=now)
    topups.watch_credits(now=now + timedelta(minutes=20))
    [waiting] = queries.purchases_to_pay(acme)
    notices.send_notices(now=now)
    assert any(f"/credits/purchases/{waiting.reference}/" in sent.body for sent in mail.outbox)


def test_methods_are_those_of_their_organisation_newest_first(acme: Organisation, fake: Any, now: datetime) -> None:
    first = kept(acme, fake, now)
    second = kept(acme, fake, now + DAY, SLOW_DEBIT)
    assert [method.id for method in methods.payment_methods(acme)] == [second.id, first.id]


def test_payments_that_are_begun_in_a_day_are_bounded(
    acme: Organisation, globex: Organisation, fake: Any, now: datetime, settings: Any
) -> None:
    settings.OTAI_PAYMENTS_PER_DAY = 6
    for number in range(3):
        order = billing.order_package(
            organisation=acme, package="10", key=str(number), who=ALICE, now=now, gateway="fake"
        )[0]
        opened(order, now)
        billing.cancel(organisation=acme, reference=order.reference, who=ALICE, now=now)
    order = {"package": "10", "key": "more", "who": ALICE, "gateway": "fake"}
    later = now + DAY - timedelta(seconds=1)
    with pytest.raises(TooManyPayments, match="within a day"):
        billing.order_package(organisation=acme, now=later, **order)
    with pytest.raises(TooManyPayments):
        billing.open_method_page(organisation=acme, gateway="fake", who=ALICE, now=later)
    with pytest.raises(TooManyPayments):
        billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=later, gateway="fake")
    assert Purchase.objects.count() == 3 and CheckoutPage.objects.count() == 3
    assert billing.buy(organisation=acme, now=later, automatic=True, payment_method=GOOD_CARD, **order), (
        "a top-up goes on"
    )
    assert billing.order_package(organisation=globex, now=now, **order), "another's are another's"
    assert billing.order_package(organisation=acme, now=now + 2 * DAY, **{**order, "key": "then"})


def test_cards_that_are_tried_one_after_the_other_are_bounded(
    acme: Organisation, fake: Any, order: Purchase, now: datetime, settings: Any
) -> None:
    settings.OTAI_PAYMENTS_PER_DAY = 4
    for number in range(3):
        with pytest.raises(PaymentDeclined):
            billing.pay(order, now=now + timedelta(minutes=number), payment_method=DECLINED_CARD)
        order.refresh_from_db()
    with pytest.raises(TooManyPayments):
        billing.pay(order, now=now + timedelta(minutes=5), payment_method=DECLINED_CARD)
    assert Event.objects.filter(move__in=BillingOccurrence.ATTEMPT_FAILED.stored_as).count() == 3
    billing.pay(order, now=now + 2 * DAY, payment_method=GOOD_CARD)
    assert credits(acme) == 56
