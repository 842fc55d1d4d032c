"""A price book comes into force at its day, without a deployment; what was promised before stays."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from otai.billing import operations as billing
from otai.billing import price_books, queries
from otai.billing.audit import audit
from otai.billing.models import Notice, Purchase, Subscription, TopUp
from otai.billing.operations import topups
from otai.billing.price_books import InvalidPriceBook, PriceBookNotNew
from otai.billing.testing import GOOD_CARD
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from otai.pricing.published import as_published
from otai.units import Money
from otai.web.refusals import in_words
from tests.billing.people import ALICE
from tests.billing.test_annual_plans import takes
from tests.billing.test_commands import otai

TODAY = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.OTAI_PRICE_BOOKS = tmp_path / "books"
    return tmp_path / "books"


def dearer(version: str = "2027-01", effective_on: str = "2027-01-01", **changes: Any) -> str:
    values = as_published(price_books.price_book())
    values["packages"][0]["price"]["cents"] = 120_00
    return json.dumps({**values, "version": version, "effective_on": effective_on, **changes})


@pytest.mark.pure
def test_a_book_is_in_force_from_its_day_on_where_the_seller_is() -> None:
    before = price_books.price_book()
    price_books.schedule(dearer(), now=TODAY)
    price_books.schedule(dearer("2027-02", "2027-02-01"), now=TODAY)
    # Midnight in Berlin.
    begins = datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert price_books.price_book(begins - timedelta(seconds=1)).version == before.version
    assert price_books.price_book(begins).version == "2027-01"
    assert price_books.price_book(begins + timedelta(days=60)).version == "2027-02"
    assert [book.version for book in price_books.to_come(TODAY)] == ["2027-01", "2027-02"]
    assert price_books.book_named("2027-02").effective_on == date(2027, 2, 1)
    assert price_books.book_named(before.version) is before


@pytest.mark.django_db
def test_what_was_ordered_before_keeps_its_price(
    acme: Organisation, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    price_books.schedule(dearer(), now=TODAY)
    old = billing.buy(organisation=acme, package="10", key="old", who=ALICE, now=now).purchase
    monkeypatch.setattr("otai.billing.price_books.utc_now", lambda: datetime(2027, 1, 2, tzinfo=UTC))
    new = billing.buy(organisation=acme, package="10", key="new", who=ALICE, now=now).purchase
    assert (old.net_cents, new.net_cents, new.price_book) == (100_00, 120_00, "2027-01")
    assert queries.price_book().version == "2027-01"
    assert audit().findings == []


def annual(cents: int, version: str, effective_on: str) -> str:
    tiers = json.loads(dearer())["tiers"]
    tiers["pro"]["annual_price"]["cents"] = cents
    return dearer(version, effective_on, tiers=tiers)


@pytest.mark.django_db
def test_a_year_is_announced_at_the_price_of_its_day_and_anew_when_that_changes(acme: Organisation, fake: Any) -> None:
    takes(acme, Tier.PRO, Term.YEAR, TODAY)
    ends = Subscription.objects.get().paid_until_at
    assert ends is not None
    for days, cents, told in ((30, 1050_00, 1), (20, 1050_00, 0), (10, 1100_00, 1), (9, 1100_00, 0)):
        on = (ends - timedelta(days=5)).date().isoformat() if cents == 1050_00 else (ends - timedelta(days=1)).date()
        version = f"2027-{cents}"
        if version not in [book.version for book in price_books.to_come(TODAY)]:
            price_books.schedule(annual(cents, version, str(on)), now=TODAY)
        assert billing.announce_years(now=ends - timedelta(days=days)) == told
    notices = Notice.objects.filter(template="year_renews").order_by("made_at")
    assert [notice.context["amount_cents"] for notice in notices] == [1050_00, 1100_00]


@pytest.mark.django_db
def test_a_top_up_costs_what_was_announced_or_is_announced_anew(
    acme: Organisation, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Announced before midnight and due after it, where the seller is."""
    price_books.schedule(dearer(), now=TODAY)
    at = datetime(2026, 12, 31, 22, 50, tzinfo=UTC)
    for minutes, limit in ((0, 100), (15, 100), (16, 100), (17, 200), (32, 200)):
        now = at + timedelta(minutes=minutes)
        monkeypatch.setattr("otai.billing.price_books.utc_now", lambda now=now: now)
        if minutes in (0, 17):
            topups.set_top_up(
                organisation=acme,
                below=10,
                package="10",
                monthly_limit=Money(limit * 100),
                gateway="fake",
                payment_method=GOOD_CARD,
                who=ALICE,
                now=now,
            )
        topups.watch_credits(now=now)
    told = [notice.context["amount_cents"] for notice in Notice.objects.filter(template="top_up_announced")]
    assert (told, Purchase.objects.get().net_cents) == ([100_00, 120_00], 120_00)
    assert TopUp.objects.order_by("announced_at")[0].outcome == "top_up_price_changed"


@pytest.mark.pure
@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("", InvalidPriceBook),
        ("[]", InvalidPriceBook),
        ("{}", InvalidPriceBook),
        (lambda: dearer(bands=[]), InvalidPriceBook),
        (lambda: dearer(unknown=1), InvalidPriceBook),
        (lambda: dearer().replace("EUR", "USD"), InvalidPriceBook),
        (lambda: dearer("2026-11"), PriceBookNotNew),
        (lambda: dearer("../x"), PriceBookNotNew),
        (lambda: dearer(effective_on="2026-11-27"), PriceBookNotNew),
    ],
)
def test_what_is_no_new_book_is_refused_and_nothing_is_kept(text: Any, refused: type[Exception], folder: Path) -> None:
    with pytest.raises(refused):
        price_books.schedule(text() if callable(text) else text, now=TODAY)
    assert not folder.exists()


@pytest.mark.pure
def test_a_book_of_today_is_refused_with_its_day_as_people_write_it(folder: Path) -> None:
    with pytest.raises(PriceBookNotNew) as refused:
        price_books.schedule(dearer(effective_on="2026-11-27"), now=TODAY)
    assert "begins on 27 Nov 2026." in str(refused.value)
    with translation.override("de"):
        assert "beginnt am 27.11.2026." in in_words(refused.value)


@pytest.mark.pure
def test_a_file_that_is_broken_leaves_the_prices_as_they_are(folder: Path) -> None:
    before = price_books.price_book()
    folder.mkdir()
    (folder / "broken.json").write_text("{")
    assert price_books.price_book() is before


@pytest.mark.django_db
def test_an_operator_schedules_a_book_by_command(tmp_path: Path) -> None:
    file = tmp_path / "next.json"
    file.write_text(dearer("2199-01", "2199-01-01"))
    assert "2199-01 comes into force on 2199-01-01" in otai("schedule-price-book", file)
    assert "To come: 2199-01, from 2199-01-01 on" in otai("price-book")
    assert "price book 2199-01, in force from 2199-01-01 on" in otai("price-book", "2199-01").lower()
