"""Paying by card on the pages, against Stripe's double: the order, the provider's page, the way back, kept methods."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.models import CheckoutPage, PaymentMethod, Purchase
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from tests.billing.conftest import stripe, stripe_process  # noqa: F401 -- fixtures
from tests.billing.people import ALICE, details
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db
GOOD, DECLINED, ASKS, IBAN = "4242424242424242", "4000000000000341", "4000002500003155", "DE89370400440532013000"


@pytest.fixture
def now() -> datetime:
    return utc_now()


@pytest.fixture
def buyer(acme: Organisation, alice: Client, stripe: Any, now: datetime) -> Client:  # noqa: F811
    details(acme, now=now)
    return alice


def page_of_ours(client: Client, answer: Any) -> str:
    """From a form of ours over our page that leads on to the provider's address."""
    assert answer.status_code == 302
    assert answer["Location"].startswith("/acme/credits/pay/"), answer["Location"]
    shown = client.get(answer["Location"])
    assert shown.status_code == 200
    [url] = set(re.findall(r'href="(http://127[^"]+)"', shown.content.decode()))
    assert f'content="0;url={url}"' in shown.content.decode()
    return url


def comes_back(client: Client, where: str) -> Any:
    """The provider sends the browser to the address that we gave it, on this installation."""
    assert where.startswith(django_settings.OTAI_BASE_URL)
    parts = urlsplit(where)
    return client.get(f"{parts.path}?{parts.query}", follow=True)


def order(client: Client, code: str = "50", **more: str) -> Any:
    return client.post(f"/acme/credits/packages/{code}/", {"key": "k", "gateway": "stripe", **more})


def credits(acme: Organisation) -> int:
    return ledger.balance(acme.id).available


def test_the_providers_address_back_is_an_address_of_ours(acme: Organisation, buyer: Client) -> None:
    order(buyer)
    purchase = Purchase.objects.get()
    page = CheckoutPage.objects.get()
    assert page.opened_by == ALICE
    assert reverse("web:payment_returned", args=["acme", purchase.reference]).endswith(f"{purchase.reference}/returned")
    assert reverse("web:method_returned", args=["acme"]) == "/acme/credits/methods/returned"


def test_a_package_is_ordered_paid_by_card_and_the_card_saved(acme: Organisation, buyer: Client, stripe: Any) -> None:  # noqa: F811
    page = page_of_ours(buyer, order(buyer, keep="on", back="/acme/train/"))
    answer = comes_back(buyer, stripe.payer_pays(page, GOOD))
    text = answer.content.decode()
    assert "New in your balance: 50 credits." in text
    assert 'href="/acme/train/"' in text, "the way back to the training is kept"
    assert credits(acme) == 56
    saved = buyer.get("/acme/credits/methods/").content.decode()
    assert "Visa •••• 4242, 12/2030" in saved


def test_without_the_tick_nothing_is_saved(acme: Organisation, buyer: Client, stripe: Any) -> None:  # noqa: F811
    comes_back(buyer, stripe.payer_pays(page_of_ours(buyer, order(buyer)), GOOD))
    assert (credits(acme), PaymentMethod.objects.count()) == (56, 0)


def test_a_declined_card_and_a_second_one_that_asks_for_its_owner(
    acme: Organisation,
    buyer: Client,
    stripe: Any,  # noqa: F811
) -> None:
    page = page_of_ours(buyer, order(buyer))
    assert stripe.payer_pays(page, DECLINED) == ""
    assert stripe.payer_pays(page, ASKS) == "", "the bank's question comes first"
    comes_back(buyer, stripe.payer_pays(page, ASKS, bank="yes"))
    assert credits(acme) == 56


def test_a_debit_says_that_the_bank_is_at_work(acme: Organisation, buyer: Client, stripe: Any) -> None:  # noqa: F811
    answer = comes_back(buyer, stripe.payer_pays(page_of_ours(buyer, order(buyer)), IBAN))
    assert Purchase.objects.get().status in ("processing", "paid")
    assert "bank is at work" in answer.content.decode() or credits(acme) == 56


def test_who_leaves_the_page_finds_the_order_and_pays_later(acme: Organisation, buyer: Client, stripe: Any) -> None:  # noqa: F811
    page = page_of_ours(buyer, order(buyer))
    reference = Purchase.objects.get().reference
    left = buyer.get(f"/acme/credits/purchases/{reference}/?left=1").content.decode()
    assert "Nothing was paid" in left
    again = page_of_ours(buyer, buyer.post(f"/acme/credits/purchases/{reference}/pay", {}))
    assert again == page
    comes_back(buyer, stripe.payer_pays(again, GOOD))
    assert credits(acme) == 56
    assert buyer.post(f"/acme/credits/purchases/{reference}/pay", {})["Location"].endswith(f"{reference}/")


def test_a_page_that_expired_at_the_provider_leaves_the_order_and_another_page_pays_it(
    acme: Organisation,
    buyer: Client,
    stripe: Any,  # noqa: F811
) -> None:
    expired = page_of_ours(buyer, order(buyer))
    stripe.page_expires(expired)
    reference = Purchase.objects.get().reference
    returned = buyer.get(f"/acme/credits/purchases/{reference}/returned?page={expired.rpartition('/')[2]}", follow=True)
    assert "Pay EUR\N{NO-BREAK SPACE}535.50 by card" in returned.content.decode(), "the order is still there to be paid"
    assert (CheckoutPage.objects.get().state, Purchase.objects.get().status) == ("expired", "open")
    again = page_of_ours(buyer, buyer.post(f"/acme/credits/purchases/{reference}/pay", {}))
    assert again != expired
    comes_back(buyer, stripe.payer_pays(again, GOOD))
    assert credits(acme) == 56


def test_a_second_click_of_the_order_button_orders_once(acme: Organisation, buyer: Client) -> None:
    first, second = order(buyer), order(buyer)
    assert first["Location"] == second["Location"]
    assert Purchase.objects.count() == 1


def test_a_browser_that_says_it_has_paid_is_not_believed(acme: Organisation, buyer: Client) -> None:
    order(buyer)
    purchase, page = Purchase.objects.get(), CheckoutPage.objects.get()
    answer = buyer.get(f"/acme/credits/purchases/{purchase.reference}/returned?page={page.reference}", follow=True)
    assert "We have not heard of the payment yet" in answer.content.decode()
    assert credits(acme) == 6
    assert buyer.get(f"/acme/credits/purchases/{purchase.reference}/returned?page=cs_invented").status_code == 404


def test_the_waiting_page_hears_of_the_payment(acme: Organisation, buyer: Client, stripe: Any, now: datetime) -> None:  # noqa: F811
    page = page_of_ours(buyer, order(buyer))
    reference = Purchase.objects.get().reference
    here = f"/acme/credits/purchases/{reference}/now?status=open"
    assert "HX-Refresh" not in buyer.get(here)
    stripe.payer_pays(page, GOOD)
    billing.settle_page(CheckoutPage.objects.get(), now=now)
    assert buyer.get(here)["HX-Refresh"] == "true"


def test_a_tier_is_taken_by_card_which_pays_its_next_months(acme: Organisation, buyer: Client, stripe: Any) -> None:  # noqa: F811
    answer = buyer.post("/acme/credits/tier/change", {"tier": "pro", "gateway": "stripe", "keep": "on"})
    comes_back(buyer, stripe.payer_pays(page_of_ours(buyer, answer), GOOD))
    subscription = queries.subscription_of(acme)
    assert (queries.tier_of(acme), subscription.renewal_gateway) == (Tier.PRO, "stripe")
    assert "Pays the tier" in buyer.get("/acme/credits/methods/").content.decode()


def test_a_saved_card_pays_in_one_click(acme: Organisation, buyer: Client, stripe: Any) -> None:  # noqa: F811
    comes_back(buyer, stripe.payer_pays(page_of_ours(buyer, order(buyer, keep="on")), GOOD))
    method = PaymentMethod.objects.get()
    answer = order(buyer, "10", key="k2", gateway=f"kept:{method.id}")
    assert "/credits/purchases/" in answer["Location"]
    assert credits(acme) == 66


def test_a_method_is_added_used_for_the_tier_and_removed(acme: Organisation, buyer: Client, stripe: Any) -> None:  # noqa: F811
    page = page_of_ours(buyer, buyer.post("/acme/credits/methods/add", {"gateway": "stripe"}))
    answer = comes_back(buyer, stripe.payer_pays(page, GOOD))
    assert "The payment method is saved" in answer.content.decode()
    method = PaymentMethod.objects.get()
    buyer.post("/acme/credits/methods/renewals", {"method": str(method.id)})
    assert queries.subscription_of(acme).renewal_payment_method == method.reference
    buyer.post(f"/acme/credits/methods/{method.id}/remove")
    assert queries.subscription_of(acme).renewal_payment_method == ""
    assert "No payment method is saved" in buyer.get("/acme/credits/methods/").content.decode()


def test_the_portal_is_one_click_away(buyer: Client) -> None:
    answer = buyer.post("/acme/credits/methods/portal", {"gateway": "stripe"})
    assert "/_config/portal/" in answer.content.decode()


def test_a_provider_that_is_down_loses_no_order(acme: Organisation, buyer: Client, settings: Any) -> None:
    settings.OTAI_STRIPE_API_BASE = "http://127.0.0.1:9"
    answer = buyer.post("/acme/credits/packages/50/", {"key": "k", "gateway": "stripe"}, follow=True)
    assert "does not answer just now" in answer.content.decode()
    assert Purchase.objects.get().status == "open"


def test_only_those_who_buy_pay(acme: Organisation, buyer: Client, now: datetime) -> None:
    order(buyer)
    reference, page = Purchase.objects.get().reference, CheckoutPage.objects.get()
    bob = Client()
    bob.force_login(joins(acme, person("bob"), Role.TRAINER, now).user)
    assert bob.post(f"/acme/credits/purchases/{reference}/pay").status_code == 403
    for address in (f"/acme/credits/pay/{page.id}/", "/acme/credits/methods/"):
        assert bob.get(address).status_code == 403
    carol = Client()
    carol.force_login(person("carol"))
    assert carol.get(f"/acme/credits/pay/{page.id}/").status_code == 404
