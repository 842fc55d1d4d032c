"""Operators are written to when something waits for their look, once, and not about what they asked for themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from otai.billing.models import Notice, OperatorRequest, OperatorRequestKind
from otai.billing.operations import second_operator
from otai.billing.operations.notices import send_notices
from otai.db import utc_now
from otai.orgs.models import User
from otai.pricing.price_book import Tier
from otai.runs.guarantee.operations import open_guarantees
from otai.runs.models import Guarantee
from otai.runs.operator_mails import tell_operators
from tests import stories

pytestmark = pytest.mark.django_db


def operators() -> None:
    for name, language in (("olga", "en"), ("otto", "de")):
        User.objects.create_user(name, f"{name}@vendor.example", "long enough for anybody", is_staff=True)
        User.objects.filter(username=name).update(language=language)


def written() -> list[tuple[str, bool]]:
    return sorted(
        (one.recipient, one.context["guarantee"] == 1) for one in Notice.objects.filter(template="operator_look")
    )


def test_criteria_and_what_one_may_not_do_alone_are_told_once() -> None:
    now = utc_now()
    operators()
    acme = stories.acme(now, tier=Tier.PRO)
    tell_operators(now=now)
    assert written() == []

    open_guarantees(organisation=acme, now=now)
    guarantee = Guarantee.objects.first()
    assert guarantee is not None
    Guarantee.objects.filter(id=guarantee.id).update(
        waits_for_operator=True, proposed_at=now, proposed_by="alice", criteria=[{}]
    )
    second_operator.goodwill(organisation=acme, credits=5_000, who="olga", why="sorry", key="k", now=now)
    for _ in range(2):
        tell_operators(now=now)
    assert written() == [("olga@vendor.example", True), ("otto@vendor.example", False), ("otto@vendor.example", True)]

    assert send_notices(now=now) >= 3
    said = {one.to[0]: one.subject for one in mail.outbox if "vendor.example" in one.to[0]}
    assert said["olga@vendor.example"] == "Acme Ltd waits for an operator"
    assert "wartet" in said["otto@vendor.example"]
    told = next(one.body for one in mail.outbox if one.to == ["otto@vendor.example"] and "olga" in str(one.body))
    assert "olga verlangt 5.000 Credits aus Kulanz (Acme Ltd)" in told
    assert "„sorry“" in told
    asked = OperatorRequest.objects.get()
    assert f"/desk/billing/operatorrequest/{asked.id}/change/" in told

    # Proposed anew, it waits anew.
    Guarantee.objects.filter(id=guarantee.id).update(proposed_at=now + timedelta(hours=1))
    tell_operators(now=now)
    assert len(written()) == 5


def test_what_is_for_all_customers_is_told_too() -> None:
    now = utc_now()
    operators()
    OperatorRequest.objects.create(
        kind="price_book", key="p", facts={}, asked_at=now, asked_by="otto", why="cheaper", organisation=None
    )
    tell_operators(now=now)
    assert written() == [("olga@vendor.example", False)]
    assert send_notices(now=now) == 1
    assert mail.outbox[0].subject == "Something waits for a second operator"


FACTS = {
    OperatorRequestKind.GOODWILL: ({"credits": 5_000, "key": "k"}, "olga asks for goodwill of 5,000 credits"),
    OperatorRequestKind.PAYMENT: (
        {"reference": "P-7", "cents": 1_234_550, "currency": "EUR", "bank_reference": "their own words"},
        "olga asks for a payment of EUR 12,345.50 for P-7 to be confirmed",
    ),
    OperatorRequestKind.PACKAGE: (
        {"code": "big", "credits": 500, "cents": 100, "currency": "EUR"},
        "olga asks for the package big of 500 credits for EUR 1.00",
    ),
    OperatorRequestKind.COUPON: ({"code": "HALF", "percent": 60}, "olga asks for the coupon HALF, which takes more"),
    OperatorRequestKind.PRICE_BOOK: ({"version": "2027-01"}, "olga asks for the price book 2027-01, with which"),
}


@pytest.mark.parametrize("kind", OperatorRequestKind)
def test_the_mail_says_what_was_asked_by_whom_and_why(kind: OperatorRequestKind) -> None:
    now = utc_now()
    operators()
    User.objects.update(language="en")
    facts, sentence = FACTS[kind]
    of = None if kind in OperatorRequestKind.of_all() else stories.acme(now, tier=Tier.PRO)
    request = OperatorRequest.objects.create(
        kind=kind, key="p", facts=facts, asked_at=now, asked_by="olga", why="as agreed", organisation=of
    )
    tell_operators(now=now)
    send_notices(now=now)
    (told,) = [one for one in mail.outbox if one.to == ["otto@vendor.example"]]
    assert sentence in told.body
    assert ("(Acme Ltd)" in told.body) == (of is not None)
    assert "“as agreed”" in told.body
    assert f"/desk/billing/operatorrequest/{request.id}/change/" in told.body
    assert "their own words" not in told.body
    assert not [one for one in mail.outbox if one.to == ["olga@vendor.example"]]
