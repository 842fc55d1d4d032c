"""What one operator may not do alone waits for another."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from otai.billing import operations as billing
from otai.billing import price_books
from otai.billing.audit import audit
from otai.billing.models import Coupon, CouponFor, CustomPackage, Event, OperatorRequest, Payment
from otai.billing.operations import second_operator
from otai.billing.operations.coupons import CouponExists, CouponTerms, CouponUnknown
from otai.billing.operations.details import InvalidBillingDetails
from otai.billing.operations.events import WhoAndWhyMissing
from otai.billing.operations.packages import PackageExists
from otai.billing.operations.second_operator import AlreadyDecided, SameOperator
from otai.billing.packages import PackageUnknown, gift_of
from otai.billing.price_books import PriceBookNotNew
from otai.ledger import queries as ledger
from otai.ledger.operations import GrantMade
from otai.orgs.models import Organisation, User
from otai.pricing.price_book import PriceBook
from otai.pricing.published import as_published
from otai.units import Money
from tests.billing.people import ALICE, OLGA
from tests.billing.test_commands import otai

pytestmark = pytest.mark.django_db
OTTO = "otto (operator)"


def asks(acme: Organisation, now: datetime, credits: int = 101, key: str = "g") -> Any:
    return second_operator.goodwill(organisation=acme, credits=credits, who=OLGA, why="sorry", key=key, now=now)


def available(acme: Organisation) -> int:
    return ledger.balance(acme.id).available


def test_up_to_the_limit_one_operator_gives_alone(acme: Organisation, now: datetime) -> None:
    assert isinstance(asks(acme, now, credits=100), GrantMade)
    assert available(acme) == 106


def test_above_it_nothing_is_given_until_another_approves(acme: Organisation, now: datetime) -> None:
    waits = asks(acme, now)
    assert asks(acme, now).id == waits.id, "the same click is the same request"
    assert (waits.state, available(acme)) == ("waiting", 6)
    for who in (OLGA, "Olga (desk)", "desk:Olga", "olga"):
        with pytest.raises(SameOperator):
            second_operator.approve(request=waits.id, who=who, why="me again", now=now)
    second_operator.approve(request=waits.id, who=OTTO, why="right", now=now)
    assert available(acme) == 107
    with pytest.raises(AlreadyDecided, match="approved by otto"):
        second_operator.decline(request=waits.id, who=OLGA, why="rather not", now=now)
    assert audit().findings == []


def test_a_gift_in_parts_takes_two_as_well(acme: Organisation, now: datetime) -> None:
    assert isinstance(asks(acme, now, credits=60, key="first"), GrantMade)
    waits = asks(acme, now, credits=60, key="second")
    assert isinstance(waits, OperatorRequest), "a second gift brings it above the limit"
    assert isinstance(asks(acme, now, credits=60, key="first"), GrantMade), "the same gift is the same answer"
    assert isinstance(asks(acme, now + timedelta(days=29), credits=41, key="third"), OperatorRequest)
    second_operator.approve(request=waits.id, who=OTTO, why="right", now=now)
    assert isinstance(asks(acme, now, credits=40, key="fourth"), GrantMade), "what two gave is not what one gave alone"
    assert isinstance(asks(acme, now + timedelta(days=31), credits=100, key="fifth"), GrantMade)


def test_an_organisations_gifts_are_not_anothers(acme: Organisation, globex: Organisation, now: datetime) -> None:
    for organisation in (acme, globex):
        assert isinstance(asks(organisation, now, credits=100, key="a bad week"), GrantMade)


def test_what_is_declined_is_not_done(acme: Organisation, now: datetime) -> None:
    waits = asks(acme, now)
    second_operator.decline(request=waits.id, who=OTTO, why="too much", now=now)
    with pytest.raises(AlreadyDecided):
        second_operator.approve(request=waits.id, who=OTTO, why="after all", now=now)
    assert available(acme) == 6


def test_a_large_payment_is_confirmed_by_two(acme: Organisation, now: datetime, settings: Any) -> None:
    settings.OTAI_PAYMENT_ALONE = 500
    bought = billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now).purchase
    entry: dict[str, Any] = {"reference": bought.reference, "received": Money(bought.gross_cents), "now": now}
    waits = second_operator.payment(**entry, bank_reference="TX", who=OLGA, why="statement")
    assert isinstance(waits, OperatorRequest)
    assert Payment.objects.count() == 0
    second_operator.approve(request=waits.id, who=OTTO, why="seen it", now=now)
    assert available(acme) == 56
    assert Payment.objects.get().recorded_by == f"{OLGA}, {OTTO}"
    assert audit().findings == []


def test_payments_in_parts_are_confirmed_by_two(acme: Organisation, now: datetime, settings: Any) -> None:
    settings.OTAI_PAYMENT_ALONE = 500
    bought = billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now).purchase

    def part(euros: int, entry: str) -> Any:
        return second_operator.payment(
            reference=bought.reference.lower(),
            received=Money(euros * 100),
            bank_reference=entry,
            who=OLGA,
            why="statement",
            now=now,
        )

    assert not isinstance(part(400, "TX1"), OperatorRequest)
    waits = part(101, "TX2")
    assert isinstance(waits, OperatorRequest)
    assert not isinstance(part(400, "TX1"), OperatorRequest), "recorded before: nothing changes"
    second_operator.approve(request=waits.id, who=OTTO, why="seen it", now=now)
    assert not isinstance(part(100, "TX3"), OperatorRequest), "what two confirmed is not what one confirmed alone"
    assert sum(Payment.objects.values_list("cents", flat=True)) == 601_00


def offers(acme: Organisation, now: datetime, code: str, credits: int, euros: int, who: str = OLGA) -> Any:
    return second_operator.package(
        organisation=acme, code=code, credits=credits, price=Money(euros * 100), who=who, why="their contract", now=now
    )


def test_a_package_gives_away_what_its_price_does_not_buy(acme: Organisation) -> None:
    bought = [(100, Money(800_00)), (1000, Money(7000_00)), (5, Money(40_01)), (5, Money(39_99)), (5, Money(80, "USD"))]
    assert [gift_of(*package) for package in bought] == [0, 125, 0, 1, 5]


def test_a_package_at_the_list_price_is_offered_alone(acme: Organisation, now: datetime) -> None:
    asks(acme, now, credits=100)
    for code, credits, euros in (("list", 50_000, 400_000), ("dear", 1, 20)):
        assert isinstance(offers(acme, now, code, credits, euros), CustomPackage), "it gives nothing away"


def test_packages_in_parts_take_two_as_well(acme: Organisation, globex: Organisation, now: datetime) -> None:
    assert isinstance(offers(acme, now, "one", 150, 720), CustomPackage), "60 credits of it are a gift"
    assert isinstance(offers(globex, now, "one", 150, 720), CustomPackage), "another's are another's"
    waits = offers(acme, now, "two", 150, 720)
    assert isinstance(waits, OperatorRequest)
    assert offers(acme, now, "two", 150, 720) == waits, "the same offer is the same request"
    assert isinstance(asks(acme, now, credits=41, key="g"), OperatorRequest), "goodwill and packages are one sum"
    assert isinstance(asks(acme, now, credits=40, key="h"), GrantMade)
    billing.withdraw_package(organisation=acme, code="one", who=OLGA, why="no more", now=now)
    assert isinstance(offers(acme, now, "three", 10, 72), OperatorRequest), "what was ordered of it stands"
    second_operator.approve(request=waits.id, who=OTTO, why="right", now=now)
    assert isinstance(offers(acme, now + timedelta(days=31), "four", 150, 720), CustomPackage)
    with pytest.raises(PackageExists):
        offers(acme, now, "two", 5000, 1)
    assert audit().findings == []


def test_a_package_that_gives_more_than_it_sells_takes_two_however_small(acme: Organisation, now: datetime) -> None:
    waits = offers(acme, now, "small", 10, 39)
    assert isinstance(waits, OperatorRequest), "it can be ordered any number of times"
    second_operator.decline(request=waits.id, who=OTTO, why="too cheap", now=now)
    again = offers(acme, now, "small", 10, 39)
    assert (again.state, again.id == waits.id) == ("waiting", False), "what was declined can be asked for again"
    with pytest.raises(InvalidBillingDetails):
        offers(acme, now, "small", 10, 0)
    with pytest.raises(WhoAndWhyMissing):
        second_operator.package(organisation=acme, code="big", credits=500, price=Money(1), who=OLGA, why=" ", now=now)


def makes(now: datetime, code: str = "NEAR-ALL", **terms: Any) -> Any:
    asked = CouponTerms(**{"what": CouponFor.PACKAGE, "valid_from_at": now, **terms})
    return second_operator.coupon(code=code, terms=asked, who=OLGA, why="the fair", now=now)


@pytest.mark.parametrize(
    ("terms", "alone"),
    [
        ({"percent": 50}, True),
        ({"percent": 51, "most_uses": 1}, False),
        ({"amount": Money(50_00)}, True),
        ({"amount": Money(50_00), "once_each": False}, False),
        ({"amount": Money(50_01), "most_uses": 1}, False),
        ({"amount": Money(49_51), "what": CouponFor.EITHER}, False),
        ({"amount": Money(49_50), "what": CouponFor.FIRST_MONTH}, True),
        ({"amount": Money(5_00, "USD")}, False),
    ],
)
def test_a_coupon_for_more_than_half_takes_two(now: datetime, terms: dict[str, Any], alone: bool) -> None:
    assert isinstance(makes(now, **terms), Coupon) == alone


def test_a_coupon_is_good_from_its_approval_on(acme: Organisation, now: datetime) -> None:
    ends, later = now + timedelta(days=9), now + timedelta(days=2)
    waits = makes(now, percent=99, valid_until_at=ends, most_uses=3)
    assert makes(now + timedelta(hours=1), "near-all", percent=99, valid_until_at=ends, most_uses=3) == waits
    order: dict[str, Any] = {"organisation": acme, "package": "100", "who": ALICE, "coupon": "near-all"}
    with pytest.raises(CouponUnknown):
        billing.buy(**order, key="early", now=now)
    with pytest.raises(SameOperator):
        second_operator.approve(request=waits.id, who=OLGA, why="me again", now=later)
    second_operator.approve(request=waits.id, who=OTTO, why="right", now=later)
    made = Coupon.objects.get()
    assert (made.percent, made.valid_from_at, made.valid_until_at, made.most_uses) == (99, later, ends, 3)
    assert made.made_by == f"{OLGA}, {OTTO}"
    assert billing.buy(**order, key="now", now=later).purchase.net_cents == 8_00
    with pytest.raises(CouponExists):
        makes(later, percent=98)
    begins = makes(later, "AMOUNT", amount=Money(90_00), valid_from_at=ends, what=CouponFor.EITHER)
    second_operator.approve(request=begins.id, who=OTTO, why="right", now=later)
    made = Coupon.objects.get(code="AMOUNT")
    assert (made.amount_cents, made.currency, made.valid_from_at) == (90_00, "EUR", ends)
    assert audit().findings == []


def test_the_database_knows_no_approval_by_whoever_asked(acme: Organisation, now: datetime) -> None:
    asks(acme, now)
    for change, rule in (
        ("state = 'approved', decided_at = asked_at, decided_by = asked_by", "is_approved_by_another"),
        ("state = 'approved'", "is_decided_by_somebody"),
        ("kind = 'gift'", "kind_is_known"),
        ("kind = 'coupon'", "is_for_one_customer_or_all"),
        ("kind = 'price_book'", "is_for_one_customer_or_all"),
        ("organisation_id = NULL", "is_for_one_customer_or_all"),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE billing_operator_request SET {change}")


@pytest.fixture
def books(settings: Any, tmp_path: Path) -> Path:
    settings.OTAI_PRICE_BOOKS = tmp_path / "books"
    return tmp_path / "books"


def book(version: str, day: str, cents: int) -> str:
    """The book in force with another price of its largest package."""
    values = as_published(price_books.price_book())
    values["packages"][-1]["price"]["cents"] = cents
    return json.dumps({**values, "version": version, "effective_on": day})


def schedules(text: str, now: datetime) -> Any:
    return second_operator.price_book(text=text, who=OLGA, why="cheaper", now=now)


def test_a_price_book_with_nearly_free_packages_takes_two(now: datetime, books: Path) -> None:
    assert isinstance(schedules(book("half", "2027-01-01", 400_00), now), PriceBook)
    waits = schedules(book("gift", "2027-02-01", 1), now)
    assert isinstance(waits, OperatorRequest) and ["credit", ""] in waits.facts["nearly_free"]
    assert schedules(book("gift", "2027-02-01", 1), now) == waits, "the same book is the same request"
    assert [one.version for one in price_books.to_come(now)] == ["half"]
    with pytest.raises(SameOperator):
        second_operator.approve(request=waits.id, who=OLGA, why="me again", now=now)
    second_operator.approve(request=waits.id, who=OTTO, why="right", now=now)
    assert [one.version for one in price_books.to_come(now)] == ["half", "gift"]
    assert Event.objects.get(subject_id="gift").who == f"{OLGA}, {OTTO}"
    with pytest.raises(PriceBookNotNew):
        schedules(book("gift", "2027-02-01", 1), now)
    assert audit().findings == []


def test_halves_of_halves_take_two_until_a_month_is_over(books: Path) -> None:
    now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert isinstance(schedules(book("half", "2027-03-02", 400_00), now), PriceBook)
    then = now + timedelta(days=1)
    assert price_books.price_book(then).version == "half"
    for number, (cents, days, alone) in enumerate(
        ((399_99, 0, False), (400_00, 0, True), (300_00, 29, False), (200_00, 30, True))
    ):
        made = schedules(book(f"next-{number}", "2028-01-01", cents), then + timedelta(days=days))
        assert isinstance(made, PriceBook) == alone, (cents, days)


def test_a_book_whose_day_came_before_its_approval_is_not_scheduled(now: datetime, books: Path) -> None:
    day = now + timedelta(days=2)
    waits = schedules(book("gift", str(day.date()), 1), now)
    with pytest.raises(PriceBookNotNew):
        second_operator.approve(request=waits.id, who=OTTO, why="late", now=day)
    second_operator.decline(request=waits.id, who=OTTO, why="late", now=day)
    assert not books.exists()


@pytest.fixture
def operators(db: None) -> list[User]:
    """Olga and Otto."""
    return [
        User.objects.create_superuser(name, f"{name}@vendor.example", "a long passphrase") for name in ("olga", "otto")
    ]


def test_two_operators_at_the_desk(acme: Organisation, now: datetime, client: Client, operators: list[User]) -> None:
    olga, otto = operators
    client.force_login(olga)
    asked = {"credits": 500, "key": "k", "why": "a bad week"}
    page = client.post(f"/desk/orgs/organisation/{acme.id}/act/goodwill/", asked, follow=True)
    assert "it waits for a second one" in page.content.decode()
    request = OperatorRequest.objects.get()
    approval = f"/desk/billing/operatorrequest/{request.id}/act/approve/"
    assert "another operator approves it" in client.post(approval, {"why": "me again"}).content.decode()
    client.force_login(otto)
    assert "500 credits" in client.get("/desk/billing/operatorrequest/").content.decode()
    assert "Approved, and done." in client.post(approval, {"why": "I agree"}, follow=True).content.decode()
    assert available(acme) == 506


def test_nobody_offers_credits_for_a_cent_alone(
    acme: Organisation, now: datetime, client: Client, operators: list[User]
) -> None:
    olga, otto = operators
    client.force_login(olga)
    asked = {"code": "gift-27", "credits": 100_000, "price": "0.01", "why": "a bad week"}
    offer = f"/desk/orgs/organisation/{acme.id}/act/offer-package/"
    for _ in range(2):
        assert "it waits for a second one" in client.post(offer, asked, follow=True).content.decode()
    request = OperatorRequest.objects.get()
    with pytest.raises(PackageUnknown):
        billing.buy(organisation=acme, package="gift-27", key="b", who=ALICE, now=now)
    approval = f"/desk/billing/operatorrequest/{request.id}/act/approve/"
    assert "another operator approves it" in client.post(approval, {"why": "me again"}).content.decode()
    client.force_login(otto)
    page = client.get("/desk/billing/operatorrequest/").content.decode()
    assert "Package below the list price" in page and "gift-27: 100000 credits for EUR 0.01" in page
    assert "Approved, and done." in client.post(approval, {"why": "I agree"}, follow=True).content.decode()
    assert CustomPackage.objects.get().offered_by == "desk:olga, desk:otto"
    assert billing.buy(organisation=acme, package="gift-27", key="b", who=ALICE, now=now).purchase.net_cents == 1
    assert audit().findings == []


def test_nobody_makes_a_coupon_for_nearly_all_alone(now: datetime, client: Client, operators: list[User]) -> None:
    olga, otto = operators
    client.force_login(olga)
    asked = {"code": "NEAR-ALL", "what": "package", "percent": 99, "most_uses": 5, "why": "the fair"}
    page = client.post("/desk/billing/coupon/make/", asked, follow=True).content.decode()
    assert "The coupon waits for a second operator" in page
    request = OperatorRequest.objects.get()
    client.force_login(otto)
    assert "NEAR-ALL: 99 %, most uses: 5" in client.get("/desk/billing/operatorrequest/").content.decode()
    approval = f"/desk/billing/operatorrequest/{request.id}/act/approve/"
    assert "Approved, and done." in client.post(approval, {"why": "I agree"}, follow=True).content.decode()
    assert (Coupon.objects.get().code, Coupon.objects.get().once_each) == ("NEAR-ALL", False)


def test_the_desk_says_what_a_price_book_makes_nearly_free(
    now: datetime, client: Client, operators: list[User], books: Path
) -> None:
    waits = schedules(book("gift", "2199-01-01", 1), now)
    client.force_login(operators[1])
    page = client.get("/desk/billing/operatorrequest/").content.decode()
    assert "Price book below half" in page
    assert "gift from 2199-01-01 on; below half: a credit, a run of Basic Standard in money" in page
    approval = f"/desk/billing/operatorrequest/{waits.id}/act/approve/"
    assert "Approved, and done." in client.post(approval, {"why": "I agree"}, follow=True).content.decode()
    assert [one.version for one in price_books.to_come(now)] == ["gift"]


def test_a_price_book_at_the_command_line(monkeypatch: pytest.MonkeyPatch, books: Path, tmp_path: Path) -> None:
    file = tmp_path / "next.json"
    file.write_text(book("gift", "2199-01-01", 1))
    asked = json.loads(otai("schedule-price-book", file, "--json"))
    assert asked["state"] == "waiting" and not books.exists()
    monkeypatch.setattr("otai.cli.billing.refunds.actor", lambda: "otto")
    assert "Approved: Price book below half, asked for by olga" in otai("approve", asked["request"], "--why", "I agree")
    assert [file.name for file in books.glob("*")] == ["gift.json"]


def test_two_operators_at_the_command_line(acme: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = json.loads(otai("goodwill", 500, "--why", "a bad week", "--json"))
    assert (asked["state"], available(acme)) == ("waiting", 6)
    with pytest.raises(SameOperator):
        otai("approve", asked["request"], "--why", "me again")
    monkeypatch.setattr("otai.cli.billing.refunds.actor", lambda: "otto")
    assert "Approved: Goodwill credits, asked for by olga" in otai("approve", asked["request"], "--why", "I agree")
    assert available(acme) == 506
    monkeypatch.undo()
    offered = json.loads(otai("offer-package", "gift-27", 500, "0.01", "--why", "a bad week", "--json"))
    monkeypatch.setattr("otai.cli.billing.refunds.actor", lambda: "otto")
    assert "Approved: Package below the list price" in otai("approve", offered["request"], "--why", "I agree")
    assert CustomPackage.objects.get().code == "gift-27"
    asked = json.loads(otai("coupons", "make", "half-off", "--amount", "60", "--why", "the fair", "--json"))
    assert asked["state"] == "waiting" and not Coupon.objects.exists()
