"""Two months in euros and dollars, with VAT and of a small business (section 19 UStG): every file of the accountant is
added up to the cent against what the ledger says was sold, withdrawn and spent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.accountant.files import export
from otai.billing.accountant.tax import one_stop_shop, recapitulative_statement, vat_figures
from otai.billing.audit import audit
from otai.billing.models import Reversal, WriteOff
from otai.billing.months import Month, Period
from otai.billing.package_months import package_months
from otai.billing.revenue import month_close
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, acme_signs_up, details, globex_signs_up, sign_up, transfer
from tests.billing.test_accountant import BERLIN, CARD, DECEMBER, JANUARY, NOVEMBER, on, spend
from tests.billing.test_buyers import SMALL
from tests.billing.test_invoices import order

pytestmark = pytest.mark.django_db
MONTHS = (NOVEMBER, DECEMBER, JANUARY)
CURRENCIES = ("EUR", "USD")


@pytest.fixture(params=["with VAT", "small business"])
def sold(request: pytest.FixtureRequest, fake: Any, db: None, settings: Any, tmp_path: Path) -> list[Organisation]:
    """In each currency acme (Germany), globex (France, VAT id), Finn (Finland, a consumer) and helvetia (Switzerland)
    buy 7 credits in November, and acme a month of Pro; in December acme has unused ones paid back and Finn's bank takes
    his payment back, whose credits are spent; in January one of his two debts is written off."""
    if request.param == "small business":
        settings.OTAI_SELLER = str(tmp_path / "seller.toml")
        Path(settings.OTAI_SELLER).write_text(SMALL, encoding="utf-8")
    begins = on(2026, 11, 2)
    acme, globex = acme_signs_up(begins), globex_signs_up(begins)
    finn, helvetia = (sign_up(name, Tier.COMMUNITY, begins) for name in ("finn", "helvetia"))
    details(finn, now=begins, country="FI", city="Helsinki")
    details(helvetia, now=begins, country="CH", city="Bern", postcode="3000")
    bought = {}
    for customer in (acme, globex, finn, helvetia):
        for currency, cents in (("EUR", 70_01), ("USD", 83_33)):
            package = {"code": f"in-{currency.lower()}", "credits": 7, "price": Money(cents, currency)}
            billing.offer_package(organisation=customer, who=OLGA, why="a fair", now=begins, **package)
            way = CARD if customer in (acme, finn) else {}
            asked = order(customer, on(2026, 11, 5), package["code"], package["code"], **way)
            bought[customer.slug, currency] = asked
            if not way:
                transfer(asked, on(2026, 11, 8))
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=on(2026, 11, 9), **CARD)
    spend(acme, 6 + 94 + 3, on(2026, 11, 10))
    spend(finn, 6 + 14, on(2026, 11, 11))
    for currency in CURRENCIES:
        refunded = bought["acme", currency]
        billing.refund_payment(reference=refunded.reference, who=OLGA, why="smaller team", now=on(2026, 12, 2))
        lost = bought["finn", currency]
        fake.dispute(lost.gateway_reference, verdict="lost")
        billing.book_reversals(lost.id, fake.reversals(lost.gateway_reference), who="fake", now=on(2026, 12, 3))
    owing = Reversal.objects.get(currency="USD")
    billing.write_off_owed(reversal=owing.id, who=OLGA, why="insolvency proceedings", now=on(2027, 1, 5))
    return [acme, globex, finn, helvetia]


def in_files(month: Month, currency: str) -> Counter[str]:
    """Debit less credit of each account, as a DATEV file's lines say it."""
    name = f"EXTF_Buchungsstapel_{month}_{currency}.csv"
    lines = export("datev", Period(month, month), now=on(2027, 2, 1)).files[name].decode("cp1252").splitlines()[2:]
    found: Counter[str] = Counter()
    for line in lines:
        amount, side, used, _, _, _, account, contra = line.split(";")[:8]
        cents = int(amount.replace(",", "")) * (1 if side == '"S"' else -1)
        assert used == f'"{currency}"'
        found[account] += cents
        found[contra] -= cents
    return found


def test_every_file_adds_up_against_the_ledger_in_each_currency(sold: list[Organisation]) -> None:
    assert audit().findings == []
    of_credits, read = ledger.paid_credits_by_month(zone=BERLIN), package_months(BERLIN)
    for currency in CURRENCIES:
        standing: Counter[str] = Counter()
        for month in MONTHS:
            close = month_close(month.year, month.number, zone=BERLIN, currency=currency, of_packages=read)
            moved = of_credits.get((month.year, month.number, currency))
            withdrawn = moved.withdrawn if moved else 0
            tiers = close.tiers.received.cents
            period = Period(month, month)
            lost = sum(one.net_cents for one in WriteOff.objects.all() if month == JANUARY and one.currency == currency)
            vat = [one for one in vat_figures(period) if one.currency == currency]
            net = sum(one.net_cents for one in vat)
            assert net == (moved.sold if moved else 0) + tiers - withdrawn - lost, (currency, month)
            assert sum(one.vat_cents for one in vat) == close.vat.cents
            booked = in_files(month, currency)
            assert sum(booked.values()) == 0
            assert booked["10000"] == (
                close.invoiced.cents
                - close.credited.cents
                - close.written_off.cents
                - close.cash_received.cents
                + close.cash_paid_back.cents
            )
            assert booked["1200"] + booked["1360"] == close.cash_received.cents - close.cash_paid_back.cents
            assert booked["2400"] == close.written_off.cents
            revenue = {account: cents for account, cents in booked.items() if account.startswith("8")}
            assert -sum(revenue.values()) == net + close.vat.cents + close.written_off.cents
            standing += booked
            abroad = sum(one.net_cents for one in recapitulative_statement(period) if one.currency == currency)
            assert abroad == sum(one.net_cents for one in vat if one.treatment == "reverse_charge")
        owed = sum(one.owed_gross_cents for one in Reversal.objects.filter(currency=currency, settled_at=None))
        assert standing["10000"] == owed, "debtors owe what is owed, and nothing else"
    for quarter in (Period.parse("2026-Q4"), Period.parse("2027-Q1")):
        lines = one_stop_shop(quarter)
        for currency in CURRENCIES:
            found = [(one.net_cents, one.vat_cents) for one in lines if one.currency == currency]
            declared = [
                (one.net_cents, one.vat_cents)
                for one in vat_figures(quarter)
                if one.currency == currency and one.treatment == "destination"
            ]
            assert found == declared
