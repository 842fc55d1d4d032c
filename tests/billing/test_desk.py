"""The operator's desk, as Olga uses it in her browser; and the door where Stripe knocks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse

from otai.billing import operations as billing
from otai.billing.audit import audit as billing_audit
from otai.billing.models import Coupon, Event, Invoice, PaymentRefund, Purchase, Subscription, VendorKey
from otai.billing.months import Month
from otai.billing.operations.orders import locked
from otai.billing.operations.payments import book_payment
from otai.billing.seller import seller
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation, User
from otai.units import Money
from otai.words.sentences import Fact
from tests.billing.people import ALICE, transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db: None) -> Client:
    olga = User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase")
    client = Client()
    client.force_login(olga)
    return client


def act(desk: Client, row: Any, action: str, **answers: Any) -> Any:
    options = row._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_act", args=[row.pk, action])
    assert desk.get(address).status_code == 200
    return desk.post(address, answers, follow=True)


def order(acme: Organisation, now: datetime) -> Purchase:
    return billing.buy(organisation=acme, package="50", key="click", who=ALICE, now=now).purchase


@pytest.mark.parametrize(
    "table", ["account/emailaddress", "mfa/authenticator", "usersessions/usersession", "auth/group", "orgs/user"]
)
def test_the_desk_offers_no_tables_that_change_who_gets_in(table: str, desk: Client) -> None:
    """Of libraries, past the rules of their rooms: another's mail address, second factor and sessions."""
    assert desk.get(f"/desk/{table}/").status_code == 404
    assert desk.get(f"/desk/{table}/add/").status_code == 404
    assert "/add/" not in desk.get("/desk/").content.decode()


def test_what_waits_for_a_second_operator_is_on_the_desks_first_page(desk: Client) -> None:
    assert "/desk/billing/operatorrequest/?state__exact=waiting" in desk.get("/desk/").content.decode()


TABLES = [
    *("orgs_organisation", "billing_subscription", "billing_purchase", "billing_payment", "billing_paymentrefund"),
    *("billing_reversal", "billing_invoice", "billing_custompackage", "ledger_hold", "billing_webhookevent"),
    *("billing_notice", "billing_creditwatch", "billing_event", "billing_vendorkey", "billing_coupon"),
]


@pytest.mark.parametrize("table", TABLES)
def test_every_table_opens_and_can_be_searched(table: str, desk: Client, acme: Organisation, now: datetime) -> None:
    order(acme, now)
    address = reverse(f"admin:{table}_changelist")
    assert desk.get(address).status_code == 200
    assert desk.get(address, {"q": "acme"}).status_code == 200


def test_olga_confirms_a_bank_transfer_and_it_is_recorded_with_who_and_why(
    desk: Client, acme: Organisation, now: datetime
) -> None:
    purchase = order(acme, now)
    answer = act(
        desk, purchase, "confirm-payment", amount="535.50", currency="EUR", bank_reference="TX1", why="statement 211"
    )
    assert f"{purchase.reference} is paid." in answer.content.decode()
    assert ledger.balance(acme.id).available == 56
    moved = Event.objects.get(subject="purchase", move="open -> paid")
    assert (moved.who, moved.why) == ("desk:olga", "statement 211")
    assert "open -&gt; paid" in answer.content.decode(), "the row shows what happened to it"


def test_the_desk_shows_the_sellers_times_and_says_so(desk: Client, acme: Organisation) -> None:
    purchase = order(acme, datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    page = desk.get(f"/desk/billing/purchase/{purchase.id}/change/").content.decode()
    assert "(times of Europe/Berlin)" in page
    assert "July 2, 2026, 12:30 a.m." in page


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ["bestellt", "Zahlung eingegangen", "offen → storniert", "Die Zahlungsfrist ist abgelaufen."]),
        ("fr", ["commandé", "paiement reçu", "ouvert → annulée", "Le délai de paiement a expiré."]),
    ],
)
def test_what_happened_is_told_in_the_operators_language(
    language: str, said: list[str], desk: Client, acme: Organisation, now: datetime
) -> None:
    purchase = order(acme, now)
    # As release 0.1 wrote it: in English words.
    Event.objects.create(
        organisation=acme, subject="purchase", subject_id=purchase.id, at=now, move="payment received", who="olga"
    )
    billing.cancel_expired(now=now + timedelta(days=400))
    desk.cookies["otai_language"] = language
    page = desk.get(reverse("admin:billing_purchase_change", args=[purchase.pk])).content.decode()
    assert [words for words in said if f"<td>{words}</td>" not in page] == []
    for english in ("ordered", "payment received", "open -&gt; cancelled", "The time to pay ran out."):
        assert f"<td>{english}</td>" not in page


def test_a_reason_of_ours_is_a_sentence_on_the_desk_as_well(desk: Client, acme: Organisation, now: datetime) -> None:
    why = Fact("billing.provider_confirmed")
    with transaction.atomic():
        purchase = locked(order(acme, now).id)
        booked = book_payment(
            purchase,
            gateway="fake",
            external_id="P1",
            received=Money(100_00, "EUR"),
            who="fake",
            why=why,
            now=now,
        )
    assert booked.payment.note == why.code
    desk.cookies["otai_language"] = "de"
    for address in (
        reverse("admin:billing_payment_change", args=[booked.payment.pk]),
        reverse("admin:billing_event_changelist"),
    ):
        page = desk.get(address).content.decode()
        assert "Der Anbieter hat die Zahlung bestätigt." in page and why.code not in page, address


def test_what_release_0_1_told_in_words_is_audited_as_codes_are(acme: Organisation, now: datetime) -> None:
    def as_release_0_1_did(instance: Event, **_: Any) -> None:
        instance.move = instance.move.replace("_", " ")

    pre_save.connect(as_release_0_1_did, sender=Event)
    try:
        purchase = order(acme, now)
        received = {"received": Money(535_50, "EUR"), "bank_reference": "TX1"}
        billing.confirm_payment(reference=purchase.reference, **received, who="olga", why="statement", now=now)
    finally:
        pre_save.disconnect(as_release_0_1_did, sender=Event)
    assert Event.objects.filter(move="payment received").exists()
    assert billing_audit().clean


def test_an_action_without_a_reason_does_nothing(desk: Client, acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    answer = act(desk, purchase, "confirm-payment", amount="535.50", currency="EUR", bank_reference="TX1", why="")
    assert "This field is required" in answer.content.decode()
    assert ledger.balance(acme.id).available == 6


def test_a_refusal_is_shown_and_changes_nothing(desk: Client, acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    act(desk, purchase, "confirm-payment", amount="100", currency="EUR", bank_reference="TX1", why="statement")
    answer = act(desk, purchase, "confirm-payment", amount="101", currency="EUR", bank_reference="TX1", why="statement")
    assert "was recorded before" in answer.content.decode()


def test_olga_gives_goodwill_once_however_often_she_clicks(desk: Client, acme: Organisation, now: datetime) -> None:
    for _ in range(3):
        act(desk, acme, "goodwill", credits="5", key="the form's own key", why="sorry for the outage")
    assert ledger.balance(acme.id).available == 11
    assert Event.objects.filter(subject="goodwill").count() == 1


def test_olga_pays_unused_credits_back(desk: Client, acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    act(desk, purchase, "confirm-payment", amount="535.50", currency="EUR", bank_reference="TX1", why="statement")
    purchase.refresh_from_db()
    act(desk, purchase, "refund-payment", credits="20", why="smaller team now")
    refund = PaymentRefund.objects.get()
    assert (refund.credits, refund.net_cents, refund.requested_by) == (20, 180_00, "desk:olga")
    act(desk, refund, "confirm", why="transferred")
    refund.refresh_from_db()
    assert refund.state == "confirmed"


def test_olga_gives_the_credits_of_a_run_back(desk: Client, acme: Organisation, now: datetime) -> None:
    from otai.ledger.models import Hold

    placed = ledger_operations.place_hold(
        organisation=acme.id,
        credits=3,
        key="r",
        reference="run 1",
        reason="run",
        now=now,
        deadline_at=now + timedelta(days=1),
    )
    ledger_operations.capture(organisation=acme.id, hold=placed.hold, key="c", reason="run", now=now)
    act(desk, Hold.objects.get(id=placed.hold), "refund-credits", why="labels were mixed up by us")
    assert ledger.balance(acme.id).available == 6
    assert Event.objects.get(subject="hold").why == "labels were mixed up by us"


def test_olga_offers_a_package_and_changes_a_tier(desk: Client, acme: Organisation, now: datetime) -> None:
    answer = act(desk, acme, "offer-package", code="big-2027", credits="500", price="3500.00", why="framework contract")
    assert "can buy big-2027 now" in answer.content.decode()
    answer = act(desk, Subscription.objects.get(organisation=acme), "change-tier", tier="pro", why="asked by phone")
    assert "Takes effect when OT-" in answer.content.decode()
    subscription = Subscription.objects.get(organisation=acme)
    act(desk, subscription, "change-tier", tier="pro", term="year", why="asked for a year")
    ordered = Purchase.objects.get(organisation=acme, status="open")
    assert (ordered.term, ordered.net_cents) == ("year", 990_00), "in the place of the month that nobody paid"


def test_olga_has_a_tier_renewed_by_invoice(desk: Client, acme: Organisation, now: datetime) -> None:
    subscription = Subscription.objects.get(organisation=acme)
    act(desk, subscription, "change-tier", tier="pro", why="agreed by phone")
    transfer(Purchase.objects.get(), now)
    Subscription.objects.update(renewal_gateway="stripe", renewal_payment_method="cus_1:pm_1")
    answer = act(desk, subscription, "renew-by-invoice", why="asked by phone")
    assert "are paid by invoice from now on" in answer.content.decode()
    subscription.refresh_from_db()
    assert (subscription.renewal_gateway, subscription.renewal_payment_method) == ("", "")
    told = Event.objects.get(move="renewal_payment_set")
    assert (told.who, told.why) == ("desk:olga", "asked by phone")


def test_invoices_can_be_downloaded(desk: Client, acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    act(desk, purchase, "confirm-payment", amount="535.50", currency="EUR", bank_reference="TX1", why="statement")
    invoice = Invoice.objects.get()
    for kind, beginning in (("pdf", b"%PDF-"), ("xml", b"<?xml")):
        answer = desk.get(reverse("admin:billing_invoice_download", args=[invoice.id, kind]))
        assert answer.content.startswith(beginning)
        assert f"{invoice.number}.{kind}" in answer["Content-Disposition"]


def test_the_month_close_is_a_page(desk: Client, acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    act(desk, purchase, "confirm-payment", amount="535.50", currency="EUR", bank_reference="TX1", why="statement")
    page = reverse("admin:billing_month_close")
    month = {"month": str(Month.at(Invoice.objects.get().issued_at, seller().zone))}
    read = desk.get(page, month).content.decode()
    assert "Month close" in read and "<td>EUR 535.50</td>" in read and "<h2>" not in read
    dollars = Money(80_00, "USD")
    billing.offer_package(
        organisation=acme, code="us-1", credits=5, price=dollars, who="olga", why="their currency", now=now
    )
    asked = {"organisation": acme, "package": "us-1", "key": "in dollars", "who": ALICE, "now": now}
    transfer(billing.buy(**asked).purchase, now)
    desk.cookies["otai_language"] = "de"
    read = desk.get(page, month).content.decode()
    assert "<td>535,50 EUR</td>" in read and "<td>450 EUR</td>" in read, "as elsewhere in German"
    assert "<h2>USD</h2>" in read and "<td>95,20 USD</td>" in read, "and every currency"
    desk.cookies["otai_language"] = "en"
    assert desk.get(reverse("admin:billing_month_close"), {"month": "2026-13"}).status_code == 422
    assert desk.get(reverse("admin:billing_month_close"), {"month": "soon"}).status_code == 422


def test_who_is_no_operator_sees_nothing_and_does_nothing(acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    carol = User.objects.create_user("carol", "carol@globex.example", "a long passphrase")
    onlooker = User.objects.create_user("otto", "otto@vendor.example", "a long passphrase", is_staff=True)
    address = reverse("admin:billing_purchase_act", args=[purchase.pk, "cancel"])
    for person, status in ((carol, 302), (onlooker, 403)):
        client = Client()
        client.force_login(person)
        assert client.post(address, {"why": "because I can"}).status_code == status
        assert client.get(reverse("admin:billing_month_close")).status_code == status
    purchase.refresh_from_db()
    assert purchase.status == "open"


def test_nothing_can_be_typed_into_a_row(desk: Client, acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    address = reverse("admin:billing_purchase_change", args=[purchase.pk])
    assert desk.get(address).status_code == 200
    assert desk.post(address, {"status": "paid"}).status_code == 403
    assert desk.get(reverse("admin:billing_purchase_delete", args=[purchase.pk])).status_code == 403
    assert desk.get(reverse("admin:billing_purchase_add")).status_code == 403


# --- the webhook door


def test_stripes_webhook_comes_in_over_http(acme: Organisation, stripe: Any, now: datetime, client: Client) -> None:
    from tests.billing.test_stripe import buy, card

    bought = buy(acme, now, card(stripe))
    body, headers = stripe.received.wait_for("payment_intent.succeeded", bought.purchase.gateway_reference)
    signature = next(value for name, value in headers.items() if name.lower() == "stripe-signature")
    post = {"data": body, "content_type": "application/json"}
    answer = client.post("/webhooks/stripe", **post, headers={"Stripe-Signature": signature})
    assert (answer.status_code, answer.json()["state"]) == (200, "handled")
    assert client.post("/webhooks/stripe", **post, headers={"Stripe-Signature": "t=1,v1=00"}).status_code == 400
    assert client.post("/webhooks/stripe", **post).status_code == 400
    assert client.get("/webhooks/stripe").status_code == 405
    assert ledger.balance(acme.id).available == 56


def test_an_installation_without_stripe_has_no_such_door(db: None, client: Client) -> None:
    assert client.post("/webhooks/stripe", data=b"{}", content_type="application/json").status_code == 404


def test_a_body_that_no_provider_would_send_is_refused_unread(stripe: Any, db: None, client: Client) -> None:
    answer = client.post("/webhooks/stripe", data=b"x" * 600_000, content_type="application/json")
    assert answer.status_code == 413


def test_an_operator_makes_a_vendor_key_and_sees_it_once(desk: Client) -> None:
    asked = {"name": "CRM", "scopes": ["organisations:read", "credits:grant"], "why": "the CRM shows it"}
    page = desk.post("/desk/billing/vendorkey/make/", asked).content.decode()
    key = VendorKey.objects.get()
    assert re.search(rf"<code>otaivendor_{key.prefix}_\S{{43}}</code>", page)
    assert key.scopes == ["organisations:read", "credits:grant"] and key.created_by == "desk:olga"
    wrong = desk.post("/desk/billing/vendorkey/make/", {**asked, "name": "\x07"}).content.decode()
    assert "1 to 100 printable characters" in wrong
    shown = desk.get(f"/desk/billing/vendorkey/{key.id}/change/").content.decode()
    assert key.secret_sha256 not in shown and "the CRM shows it" in shown
    done = desk.post(f"/desk/billing/vendorkey/{key.id}/act/revoke/", {"why": "the CRM is gone"}, follow=True)
    assert "is revoked" in done.content.decode()
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_an_operator_suspends_and_resumes_a_customer(desk: Client, acme: Organisation) -> None:
    page = act(desk, acme, "suspend", why="to be settled").content.decode()
    assert "Acme is suspended" in page
    acme.refresh_from_db()
    page = act(desk, acme, "resume", why="settled").content.decode()
    assert "Acme can order again" in page and "to be settled" in page, "the row shows what happened to it"


def test_an_operator_makes_a_coupon_and_withdraws_it(desk: Client) -> None:
    asked = {"code": "fair-27", "what": "package", "percent": "10", "once_each": "on", "last_day": "2099-12-31"}
    wrong = desk.post("/desk/billing/coupon/make/", {**asked, "amount": "5", "why": "the fair"}).content.decode()
    assert "a share off, or an amount" in wrong and not Coupon.objects.exists()
    page = desk.post("/desk/billing/coupon/make/", {**asked, "why": "the fair"}, follow=True).content.decode()
    coupon = Coupon.objects.get()
    assert "FAIR-27 is made" in page and coupon.once_each
    assert coupon.valid_until_at == datetime(2100, 1, 1, tzinfo=seller().zone)
    assert "FAIR-27 is withdrawn" in act(desk, coupon, "withdraw", why="the fair is over").content.decode()
