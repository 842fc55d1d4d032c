"""Paying by card over the API: the provider's page for a program's user, kept methods, how the tier is paid."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from otai.api.models import KeyedRequest
from otai.billing import operations as billing
from otai.billing.models import CouponFor, Purchase
from otai.billing.operations import webhooks
from otai.billing.operations.coupons import CouponTerms
from otai.billing.testing import GOOD_CARD
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from tests.api.callers import Program, answered
from tests.billing.conftest import fake  # noqa: F401 -- a fixture
from tests.billing.people import OLGA, details

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(acme: Organisation, fake: Any, moment: datetime) -> Program:  # noqa: F811
    details(acme, now=moment)
    return Program(acme)


def test_a_purchase_is_paid_on_the_providers_page(acme: Organisation, program: Program, fake: Any) -> None:  # noqa: F811
    before = ledger.balance(acme.id).available
    status, bought = program.post("/purchases", {"package": "50", "gateway": "fake"}, **{"Idempotency-Key": "k"})
    assert status == 201
    there = f"/purchases/{bought['reference']}/checkout"
    status, opened = program.post(there, {"keep": True})
    assert (status, opened["purchase"]["status"]) == (200, "open")
    assert program.post(there, {"keep": True})[1]["page"] == opened["page"]
    fake.payer_pays(opened["page"]["url"].rpartition("/")[2])
    assert program.post(there, {})[1]["page"] is None
    assert ledger.balance(acme.id).available == before + 50
    [method] = program.get("/payment-methods")[1]["items"]
    assert (method["brand"], method["last_four"], method["pays_tier"]) == ("visa", "4242", False)
    status, answer = answered(program.call("PUT", "/renewal-payment", {"payment_method": method["id"]}))
    assert (status, answer["items"][0]["pays_tier"]) == (200, True)
    assert program.call("DELETE", f"/payment-methods/{method['id']}").status_code == 204
    assert program.get("/payment-methods")[1]["items"] == []


def test_no_key_of_a_buyer_stands_in_the_way_of_a_tier(acme: Organisation, program: Program, fake: Any) -> None:  # noqa: F811
    """Orders of tiers had keys that could be guessed: whoever had used one could not rise, nor be renewed."""
    for key in ("rise:enterprise:1", "rise:enterprise:2"):
        assert program.post("/purchases", {"package": "10", "gateway": "fake"}, **{"Idempotency-Key": key})[0] == 201
    card = {"gateway": "fake", "payment_method": GOOD_CARD}
    status, answer = program.post("/tier", {"tier": "enterprise", **card}, **{"Idempotency-Key": "rise"})
    assert (status, answer.get("in_force")) == (200, True), answer
    ends = Purchase.objects.get(tier="enterprise").period_until_at
    assert ends is not None
    planted = {"Idempotency-Key": f"month:{ends.isoformat()}:4"}
    assert program.post("/purchases", {"package": "10", "gateway": "fake"}, **planted)[0] == 201
    assert billing.sweep_subscriptions(now=ends).failed == 0
    assert Purchase.objects.filter(tier="enterprise").count() == 2


def test_what_an_order_would_cost_is_told_before_it(acme: Organisation, program: Program, moment: datetime) -> None:
    terms = CouponTerms(CouponFor.EITHER, moment, percent=10)
    billing.make_coupon(code="WELCOME", terms=terms, who=OLGA, why="the fair", now=moment)
    status, seen = program.get("/packages/preview?package=50&coupon=welcome")
    assert (status, seen["coupon"], seen["net"]["cents"], seen["gross"]["cents"]) == (200, "WELCOME", 405_00, 481_95)
    seen = program.get("/tiers/preview?tier=enterprise&coupon=welcome")[1]
    assert (seen["discount"]["cents"], seen["vat"]["cents"], seen["gross"]["cents"]) == (49_90, 85_33, 534_43)
    assert program.get("/packages/preview?package=50&coupon=nobody")[1]["error"]["code"] == "coupon_unknown"
    assert program.get("/tiers/preview?tier=community")[1]["error"]["code"] == "no_higher_tier"
    assert not Purchase.objects.filter(organisation=acme).exists()


def test_a_tier_is_paid_by_the_year(acme: Organisation, program: Program, fake: Any) -> None:  # noqa: F811
    enterprise = next(one for one in program.get("/tiers")[1]["items"] if one["tier"] == "enterprise")
    assert (enterprise["annual_price"]["cents"], enterprise["annual_saving"]["cents"]) == (4990_00, 998_00)
    assert program.get("/tiers/preview?tier=enterprise&term=year")[1]["net"]["cents"] == 4990_00
    card = {"gateway": "fake", "payment_method": GOOD_CARD}
    status, answer = program.post("/tier", {"tier": "enterprise", "term": "year", **card})
    assert (status, answer["term"], answer["in_force"], answer["purchase"]["term"]) == (200, "year", True, "year")
    tier = program.get("/tier")[1]
    assert (tier["renewal_term"], tier["annual_price"]["cents"]) == ("year", 4990_00)
    status, answer = program.post("/tier", {"tier": "enterprise", "term": "month"})
    assert (status, answer["in_force"], answer["from_at"]) == (200, False, tier["paid_until_at"])
    assert program.post("/tier", {"tier": "enterprise", "term": "week"})[0] == 422


def test_what_is_owed_is_told_with_the_organisation(program: Program, fake: Any) -> None:  # noqa: F811
    bought = program.post(
        "/purchases", {"package": "50", "gateway": "fake", "payment_method": GOOD_CARD}, **{"Idempotency-Key": "k"}
    )[1]
    assert program.get("/organisation")[1]["owed"] == {"amounts": [], "credits": 0, "frozen_credits": 0}
    purchase = Purchase.objects.get(reference=bought["reference"])
    fake.dispute(purchase.gateway_reference, cents=purchase.gross_cents + 10_00)
    webhooks.ask_about(purchase, now=purchase.ordered_at)
    owed = program.get("/organisation")[1]["owed"]
    assert (owed["amounts"][0]["cents"], owed["frozen_credits"]) == (10_00, 50)


def test_what_opens_a_payment_is_shown_once_and_not_kept(program: Program) -> None:
    once = {"Idempotency-Key": "k"}
    first = program.post("/purchases", {"package": "50", "gateway": "fake"}, **once)[1]
    again = program.post("/purchases", {"package": "50", "gateway": "fake"}, **once)[1]
    assert (first["payment"]["client_secret"], again["payment"]["client_secret"]) == ("shh", None)
    assert again["reference"] == first["reference"]
    assert "shh" not in json.dumps(list(KeyedRequest.objects.values_list("answer", flat=True)))


def test_a_method_is_saved_on_a_page(program: Program, fake: Any) -> None:  # noqa: F811
    status, page = program.post("/payment-methods", {"gateway": "fake"})
    assert (status, page["url"].startswith("https://")) == (200, True)


def test_what_is_not_there_is_said(program: Program, globex: Organisation, moment: datetime) -> None:
    assert program.post("/purchases/OT-AAAAA-AAAAA/checkout", {})[0] == 404
    assert program.call("DELETE", f"/payment-methods/{uuid4()}").status_code == 404
    assert program.call("PUT", "/renewal-payment", {"payment_method": str(uuid4())}).status_code == 404
    status, problem = program.post("/payment-methods", {"gateway": "bank_transfer"})
    assert (status, problem["error"]["code"]) == (422, "gateway_unknown")


def test_a_coupon_is_sent_with_the_order(acme: Organisation, program: Program, moment: datetime) -> None:
    terms = CouponTerms(CouponFor.EITHER, moment, percent=10, most_uses=2)
    billing.make_coupon(code="WELCOME", terms=terms, who=OLGA, why="the fair", now=moment)
    asked = {"package": "50", "coupon": "welcome"}
    status, bought = program.post("/purchases", asked, **{"Idempotency-Key": "k"})
    assert (status, bought["coupon"], bought["discount"]["cents"]) == (201, "WELCOME", 4500)
    assert (bought["net"]["cents"], bought["vat"]["cents"], bought["gross"]["cents"]) == (40500, 7695, 48195)
    status, again = program.post("/purchases", asked, **{"Idempotency-Key": "k2"})
    assert (status, again["error"]["code"], again["error"]["case"]) == (409, "coupon_not_valid", "used")
    status, unknown = program.post("/purchases", {**asked, "coupon": "x"}, **{"Idempotency-Key": "k3"})
    assert (status, unknown["error"]["code"]) == (404, "coupon_unknown")
