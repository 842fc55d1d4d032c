"""Between a provider's page, its news, the sweep and a second click nobody pays twice, and no order is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.gateway import CheckoutState, PaymentDeclined, PaymentState
from otai.billing.models import ChargeAttempt, CheckoutPage, GatewayCustomer, Payment, Purchase
from otai.billing.operations import dunning, pages, webhooks
from otai.billing.testing import CARD_WITH_3D_SECURE, GOOD_CARD, SLOW_DEBIT
from otai.errors import NotFound
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA
from tests.billing.test_hosted_pages import in_pro, kept, opened

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def order(acme: Organisation, fake: Any, now: datetime) -> Purchase:
    return billing.order_package(organisation=acme, package="50", key="k", who=ALICE, now=now, gateway="fake")[0]


def hears_all(fake: Any, now: datetime) -> None:
    for event in fake.account.events:
        webhooks.store("fake", event, now=now)
    webhooks.handle_waiting(now=now)


def test_a_rise_that_was_left_is_never_charged_to_the_card_of_the_tier_in_force(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    in_pro(acme, fake, now, SLOW_DEBIT)
    [first] = Purchase.objects.filter(organisation=acme)
    fake.settle(first.gateway_reference)
    billing.ask_gateways(now=now + DAY)
    billing.change_tier(organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=now + DAY, gateway="fake")
    ends = queries.subscription_of(acme).paid_until_at
    assert ends is not None
    for hours in range(0, 9 * 24, 12):
        billing.sweep_subscriptions(now=ends + timedelta(hours=hours))
        dunning.charge_again(now=ends + timedelta(hours=hours))
    assert set(ChargeAttempt.objects.values_list("purchase__tier", flat=True)) == {"pro"}


def test_an_old_page_opened_again_changes_nothing_about_the_payment_after_it(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    first = opened(order, now)
    fake.payer_pays(first.reference, SLOW_DEBIT)
    billing.settle_page(first, now=now)
    order.refresh_from_db()
    fake.settle(order.gateway_reference, succeeds=False)
    billing.ask_gateways(now=now + DAY)
    second = opened(order, now + DAY)
    fake.payer_pays(second.reference, SLOW_DEBIT)
    billing.settle_page(second, now=now + DAY)
    billing.settle_page(CheckoutPage.objects.get(id=first.id), now=now + DAY)
    hears_all(fake, now + DAY)
    order.refresh_from_db()
    assert (order.status, order.gateway_reference) == (
        "processing",
        CheckoutPage.objects.get(id=second.id).payment_reference,
    )
    fake.settle(order.gateway_reference)
    billing.ask_gateways(now=now + 2 * DAY)
    assert (ledger.balance(acme.id).available, Payment.objects.count()) == (56, 1)


def test_after_a_pages_debit_failed_a_kept_card_pays_by_a_payment_of_its_own(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    page = opened(order, now)
    fake.payer_pays(page.reference, SLOW_DEBIT)
    billing.settle_page(page, now=now)
    order.refresh_from_db()
    of_the_page = order.gateway_reference
    fake.settle(of_the_page, succeeds=False)
    billing.ask_gateways(now=now + DAY)
    method = kept(acme, fake, now)
    order.refresh_from_db()
    seen = billing.pay(order, now=now + DAY, payment_method=method.reference)
    assert (seen.state, seen.reference != of_the_page) == (PaymentState.SUCCEEDED, True)
    assert ledger.balance(acme.id).available == 56


def test_a_kept_card_closes_the_page_before_it_pays(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    page, method = opened(order, now), kept(acme, fake, now)
    billing.pay(order, now=now, payment_method=method.reference)
    assert fake.look_up_checkout(page.reference).state is CheckoutState.EXPIRED
    billing.pay(Purchase.objects.get(id=order.id), now=now, payment_method=method.reference)
    assert (fake.account.charges, Payment.objects.count()) == (1, 1)


def test_a_part_paid_order_is_not_charged_whole_and_its_page_asks_for_the_rest(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    purchase = billing.buy(
        organisation=acme, package="50", key="k", who=ALICE, now=now, gateway="bank_transfer"
    ).purchase
    page = opened(purchase, now)
    assert Purchase.objects.get().gateway == "bank_transfer", "the transfer can still come"
    billing.confirm_payment(
        reference=purchase.reference, received=Money(300_00), bank_reference="e1", who=OLGA, why="bank", now=now
    )
    method = kept(acme, fake, now)
    assert billing.pay(Purchase.objects.get(), now=now, payment_method=method.reference).state is PaymentState.WAITING
    pages.look_at_pages(now=now + timedelta(hours=1))
    assert fake.look_up_checkout(page.reference).state is CheckoutState.EXPIRED
    rest = opened(Purchase.objects.get(), now)
    assert rest.cents == purchase.gross_cents - 300_00
    fake.payer_pays(rest.reference)
    billing.settle_page(rest, now=now)
    assert (Purchase.objects.get().status, ledger.balance(acme.id).available) == ("paid", 56)


def test_a_withdrawn_payments_end_is_no_news_of_the_order(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    method = kept(acme, fake, now, CARD_WITH_3D_SECURE)
    assert billing.pay(order, now=now, payment_method=method.reference).state is PaymentState.ACTION_NEEDED
    order.refresh_from_db()
    begun = order.gateway_reference
    page = opened(order, now)
    assert fake.look_up(begun).state is PaymentState.CANCELLED
    hears_all(fake, now)
    fake.close_checkout(page.reference)
    good = kept(acme, fake, now, GOOD_CARD)
    seen = billing.pay(Purchase.objects.get(id=order.id), now=now, payment_method=good.reference)
    assert (seen.state, Purchase.objects.get(id=order.id).status) == (PaymentState.SUCCEEDED, "paid")


def test_a_rise_that_another_replaces_cannot_be_paid_on_its_page(acme: Organisation, fake: Any, now: datetime) -> None:
    first = billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now, gateway="fake").purchase
    assert first is not None
    page = opened(first, now)
    billing.change_tier(organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=now, gateway="bank_transfer")
    assert fake.look_up_checkout(page.reference).state is CheckoutState.EXPIRED


def test_a_customer_that_the_provider_knows_no_more_is_made_anew(
    acme: Organisation, fake: Any, order: Purchase, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing.open_method_page(organisation=acme, gateway="fake", who=ALICE, now=now)
    gone, open_checkout = GatewayCustomer.objects.get().reference, fake.open_checkout

    def knows_it_no_more(asked: Any) -> Any:
        if asked.customer == gone:
            raise PaymentDeclined("provider_refused", said="No such customer", reason="no_customer")
        return open_checkout(asked)

    monkeypatch.setattr(fake, "open_checkout", knows_it_no_more)
    fake.payer_pays(opened(order, now).reference)
    assert GatewayCustomer.objects.get().reference != gone


def test_one_page_that_cannot_be_settled_does_not_keep_the_others_waiting(
    acme: Organisation, fake: Any, order: Purchase, now: datetime
) -> None:
    bad = billing.open_method_page(organisation=acme, gateway="fake", who=ALICE, now=now - DAY)
    fake.account.pages["gone"] = fake.account.pages.pop(bad.reference)
    fake.payer_pays(opened(order, now).reference)
    assert pages.look_at_pages(now=now + timedelta(hours=1)) == 1
    assert ledger.balance(acme.id).available == 56


def test_a_key_cannot_charge_another_organisations_card(
    acme: Organisation, globex: Organisation, fake: Any, now: datetime
) -> None:
    method = kept(acme, fake, now)
    of_globex: dict[str, Any] = {"organisation": globex, "package": "10", "who": "carol", "now": now, "gateway": "fake"}
    for number, said in enumerate((method.reference, str(method.id))):
        with pytest.raises(NotFound):
            billing.buy(key=f"k{number}", payment_method=said, **of_globex)
    assert fake.account.charges == 0
    billing.buy(
        organisation=acme, package="10", key="k", who=ALICE, now=now, gateway="fake", payment_method=str(method.id)
    )
    assert ledger.balance(acme.id).available == 16
