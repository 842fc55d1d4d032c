"""What the accountant gets of two months of acme (Germany), globex (France, with a VAT id) and Finn (Finland, a
consumer): VAT, One Stop Shop, recapitulative statement, DATEV, and months that are closed for good."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from otai.billing import operations as billing
from otai.billing.accountant import accounts as charts
from otai.billing.accountant.closing import (
    MonthNotOver,
    MonthsInOrder,
    broken_files,
    close_month,
    closed_month,
    figures_of,
)
from otai.billing.accountant.datev import bookings, datev_file
from otai.billing.accountant.datev_columns import COLUMNS
from otai.billing.accountant.files import export, oss_file, recapitulative_file, vat_file
from otai.billing.accountant.tax import RecapitulativeLine
from otai.billing.audit import audit
from otai.billing.models import ClosedMonth, Reversal, WriteOff
from otai.billing.months import Month, Period
from otai.billing.operations import balance
from otai.billing.operations.write_offs import NothingOwed
from otai.billing.package_months import package_months
from otai.billing.revenue import month_close
from otai.billing.testing import FEE_CENTS, GOOD_CARD
from otai.errors import Invalid, NotFound
from otai.ledger import operations as ledger
from otai.orgs.access_events import about_said
from otai.orgs.models import AccessEvent, Organisation, User
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import OLGA, acme_signs_up, details, globex_signs_up, sign_up, transfer
from tests.billing.test_invoices import order

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
NOVEMBER, DECEMBER = Month(2026, 11), Month(2026, 12)
JANUARY = Month(2027, 1)
CARD = {"gateway": "fake", "payment_method": GOOD_CARD}


def on(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=BERLIN)


def spend(organisation: Organisation, credits: int, at: datetime) -> None:
    hold = ledger.place_hold(
        organisation=organisation.id,
        credits=credits,
        key="run",
        reference="run",
        reason="run",
        now=at,
        deadline_at=at + timedelta(days=1),
    )
    ledger.capture(organisation=organisation.id, hold=hold.hold, key="run:c", reason="run", now=at)


@pytest.fixture
def months(fake: Any, db: None) -> Organisation:
    """In November all three buy; in December acme has 30 of its 50 credits paid back, and Finn's bank takes his payment
    back, whose credits are spent; in January that debt is written off."""
    acme, globex = acme_signs_up(on(2026, 11, 2)), globex_signs_up(on(2026, 11, 2))
    finn = sign_up("finn", Tier.COMMUNITY, on(2026, 11, 2))
    details(finn, now=on(2026, 11, 2), country="FI", city="Helsinki", name="Φίνν")
    bought = order(acme, on(2026, 11, 5), **CARD)
    transfer(order(globex, on(2026, 11, 6), "10"), on(2026, 11, 8))
    by_finn = order(finn, on(2026, 11, 9), "10", **CARD)
    spend(acme, 6 + 20, on(2026, 11, 10))
    spend(finn, 6 + 10, on(2026, 11, 11))
    billing.refund_payment(reference=bought.reference, who=OLGA, why="smaller team", now=on(2026, 12, 2))
    fake.dispute(by_finn.gateway_reference, verdict="lost")
    billing.book_reversals(by_finn.id, fake.reversals(by_finn.gateway_reference), who="fake", now=on(2026, 12, 3))
    billing.write_off_owed(
        reversal=Reversal.objects.get().id, who=OLGA, why="insolvency proceedings", now=on(2027, 1, 5)
    )
    return acme


def rows(text: str) -> list[str]:
    return text.splitlines()[1:]


def test_vat_is_declared_by_treatment_country_and_rate(months: Organisation) -> None:
    assert rows(vat_file(Period.parse("2026-11"))) == [
        "EUR;destination;FI;25.5;100.00;25.50",
        "EUR;domestic;DE;19;450.00;85.50",
        "EUR;reverse_charge;FR;0;100.00;0.00",
    ]
    assert rows(vat_file(Period.parse("2026-12"))) == ["EUR;domestic;DE;19;-270.00;-51.30"]
    assert rows(vat_file(Period.parse("2027-01"))) == ["EUR;destination;FI;25.5;-100.00;-25.50"], "section 17 UStG"
    assert month_close(2027, 1, zone=BERLIN).vat == Money(-25_50)


def test_the_one_stop_shop_names_the_quarter_that_is_corrected(months: Organisation) -> None:
    assert rows(oss_file(Period.parse("2026-Q4"))) == ["2026-Q4;FI;25.5;EUR;100.00;25.50"]
    assert rows(oss_file(Period.parse("2027-Q1"))) == ["2026-Q4;FI;25.5;EUR;-100.00;-25.50"]
    with pytest.raises(Invalid, match="by quarter"):
        oss_file(Period.parse("2026-11"))


def test_the_recapitulative_statement_is_by_vat_id_in_whole_euros(months: Organisation) -> None:
    for period in ("2026-11", "2026-Q4"):
        assert rows(recapitulative_file(Period.parse(period))) == ["FR;40303265045;100;S;EUR;100.00"]
    assert rows(recapitulative_file(Period.parse("2026-12"))) == []
    assert [RecapitulativeLine("X", "EUR", cents).whole for cents in (49, 50, -49, -50, 10_050)] == [0, 1, 0, -1, 101]


def test_what_was_written_off_is_settled_once_and_its_invoice_stands(months: Organisation) -> None:
    lost = WriteOff.objects.get()
    assert (lost.net_cents, lost.vat_cents, lost.gross_cents) == (100_00, 25_50, 125_50)
    with pytest.raises(Exception, match="settled before"):
        billing.write_off_owed(reversal=lost.reversal_id, who=OLGA, why="once more", now=on(2027, 1, 6))
    assert (WriteOff.objects.count(), audit().findings) == (1, [])


def test_what_the_bank_has_not_decided_is_not_written_off(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = order(acme, now, **CARD)
    fake.dispute(bought.gateway_reference)
    billing.book_reversals(bought.id, fake.reversals(bought.gateway_reference), who="fake", now=now)
    with pytest.raises(NothingOwed):
        billing.write_off_owed(reversal=Reversal.objects.get().id, who=OLGA, why="too early", now=now)
    assert Reversal.objects.get().settled_at is None


# --- DATEV


def read(month: Month) -> tuple[list[str], list[dict[str, str]]]:
    text = datev_file(month, bookings(month), now=on(2027, 1, 10)).decode("cp1252")
    header, *lines = csv.reader(text.splitlines(), delimiter=";")
    assert lines[0] == list(COLUMNS)
    assert {len(line) for line in lines} == {125}
    return header, [dict(zip(COLUMNS, line, strict=True)) for line in lines[1:]]


def test_a_month_for_datev_has_header_columns_and_a_booking_a_line(months: Organisation) -> None:
    header, lines = read(NOVEMBER)
    assert (len(header), header[:5], header[10:17]) == (
        31,
        ["EXTF", "700", "21", "Buchungsstapel", "13"],
        ["1001", "1", "20260101", "4", "20261101", "20261130", "OTAI Studio 2026-11"],
    )
    wanted = ("Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "Konto", "Gegenkonto (ohne BU-Schlüssel)")
    assert sorted(tuple(line[name] for name in (*wanted, "Belegdatum")) for line in lines) == [
        ("100,00", "S", "10000", "8336", "0811"),
        ("100,00", "S", "1200", "10000", "0811"),
        ("125,50", "S", "10000", "8331", "0911"),
        ("125,50", "S", "1360", "10000", "0911"),
        ("535,50", "S", "10000", "8400", "0511"),
        ("535,50", "S", "1360", "10000", "0511"),
    ]
    abroad = {line["EU-Land u. UStID (Bestimmung)"]: line["EU-Steuersatz (Bestimmung)"] for line in lines}
    assert abroad == {"": "", "FI": "25,50", "FR40303265045": ""}
    assert {line["Leistungsdatum"] for line in lines} == {"", "05112026", "08112026", "09112026"}
    assert any(line["Buchungstext"].startswith("???? OT-") for line in lines), "Windows-1252 writes no Greek"


def test_a_months_title_has_the_vendors_name_in_the_30_letters_that_datev_takes(settings: Settings) -> None:
    settings.OTAI_NAME = "The helpdesk trainers of Acme and Sons"
    header, _ = read(NOVEMBER)
    assert header[16] == "The helpdesk trainers 2026-11"


def test_bookings_add_up_to_the_months_figures_to_the_cent(months: Organisation) -> None:
    for month in (NOVEMBER, DECEMBER, JANUARY):
        close, found = month_close(month.year, month.number, zone=BERLIN), bookings(month)
        of_documents = sum(one.cents for one in found if one.account == 10000)
        of_money = sum(one.cents for one in found if one.account in (1200, 1360))
        assert of_documents == close.invoiced.cents - close.credited.cents
        assert of_money == close.cash_received.cents - close.cash_paid_back.cents
        assert sum(one.cents for one in found if one.account == 2400) == close.written_off.cents
    everything = [one for month in (NOVEMBER, DECEMBER, JANUARY) for one in bookings(month)]
    debtor = sum(one.cents if one.account == 10000 else -one.cents for one in everything)
    assert debtor == 0, "what was invoiced is paid, credited, paid back or written off"


def test_a_payment_names_the_invoice_that_it_pays(months: Organisation) -> None:
    """By the same Belegfeld 1 DATEV takes an invoice off the list of what is open."""
    _, lines = read(NOVEMBER)
    of_invoices = sorted(line["Belegfeld 1"] for line in lines if line["Konto"] == "10000")
    assert sorted(line["Belegfeld 1"] for line in lines if line["Konto"] != "10000") == of_invoices
    assert len(set(of_invoices)) == 3


def test_what_the_provider_keeps_and_pays_out_is_booked_where_it_has_accounts(
    months: Organisation, fake: Any, settings: Any, tmp_path: Path
) -> None:
    """Then the clearing account is what the provider's balance is, fees and payouts included, to the cent."""
    fake.pays_out(600_00)
    balance.compare_balances(now=on(2026, 12, 20))
    was = [bookings(month) for month in (NOVEMBER, DECEMBER)]
    assert not [one for month in was for one in month if one.account in (4970, 1361)], "nothing new for who asked not"
    settings.OTAI_ACCOUNTS = str(tmp_path / "accounts.toml")
    (tmp_path / "accounts.toml").write_text("fees = 4970\npayouts = 1361\n")
    december = bookings(DECEMBER)
    assert sum(one.cents for one in december if one.account == 4970) == 2 * FEE_CENTS, "read in December"
    assert [(one.cents, one.contra, one.organisation) for one in december if one.account == 1361] == [
        (600_00, 1360, None)
    ]
    everything = [one for month in (NOVEMBER, DECEMBER, JANUARY) for one in bookings(month)]
    clearing = sum(
        one.cents if one.account == 1360 else -one.cents for one in everything if 1360 in (one.account, one.contra)
    )
    assert {"EUR": clearing} == fake.balance()
    assert bookings(NOVEMBER) == was[0]


def test_accounts_are_the_vendors_own(months: Organisation, settings: Any, tmp_path: Path) -> None:
    chart = tmp_path / "accounts.toml"
    settings.OTAI_ACCOUNTS = str(chart)
    chart.write_text(
        'consultant = 29098\nclient = 55003\nfiscal_year_begins = "07-01"\ndebtor = 69999\nbank = 1800\n'
        "[revenue]\ndomestic_190 = 4400\n[clearing]\nfake = 1460\n"
    )
    header, lines = read(NOVEMBER)
    assert header[10:13] == ["29098", "55003", "20260701"]
    found = {(line["Konto"], line["Gegenkonto (ohne BU-Schlüssel)"]) for line in lines}
    assert found == {("69999", "4400"), ("69999", "8336"), ("69999", "8331"), ("1800", "69999"), ("1460", "69999")}


@pytest.mark.pure
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("motto = 1", "motto"),
        ('bank = "1200"', "whole numbers"),
        ('fiscal_year_begins = "1 July"', "07-01"),
        ("[revenue]\nforeign = 1", "foreign"),
        ("fees = 0", "whole numbers"),
        ("bank =", "cannot be read"),
    ],
)
def test_a_chart_that_would_book_wrongly_is_refused(text: str, said: str, settings: Any, tmp_path: Path) -> None:
    settings.OTAI_ACCOUNTS = str(tmp_path / "accounts.toml")
    (tmp_path / "accounts.toml").write_text(text)
    with pytest.raises(ImproperlyConfigured, match=said):
        charts.accounts()


# --- months that are closed


def test_a_closed_month_never_changes_and_what_comes_later_is_a_line_of_the_next(
    months: Organisation, fake: Any
) -> None:
    november = close_month(NOVEMBER, who=OLGA, now=on(2026, 12, 1))
    lines = november.content.splitlines()
    assert lines[0] == "# 2026-11; the file before: none"
    for line in (
        "2026-11;EUR;packages received;figure;650.00",
        "2026-11;EUR;packages recognised;figure;280.00",
        "2026-11;EUR;packages deferred after;figure;370.00",
        "2026-11;EUR;cash received;figure;761.00",
        "2026-11;EUR;invoiced;figure;761.00",
        "2026-11;EUR;VAT domestic DE 19 %;figure;85.50",
    ):
        assert line in lines
    assert november.sha256 == hashlib.sha256(november.content.encode()).hexdigest()
    # A payment of November is booked by a machine whose clock is weeks behind, after November was closed.
    order(months, on(2026, 11, 30), "10", "late", gateway="fake", payment_method=GOOD_CARD)
    assert close_month(NOVEMBER, who="somebody else", now=on(2026, 12, 20)) == november
    december = close_month(DECEMBER, who=OLGA, now=on(2027, 1, 2))
    assert december.content.splitlines()[0] == f"# 2026-12; the file before: {november.sha256}"
    corrections = [line for line in december.content.splitlines() if ";correction;" in line]
    assert "2026-11;EUR;invoiced;correction;119.00" in corrections
    assert "2026-11;EUR;VAT domestic DE 19 %;correction;19.00" in corrections
    assert {line.split(";")[0] for line in corrections} == {"2026-11"}
    told: dict[tuple[str, ...], int] = {}
    for file in ClosedMonth.objects.all():
        for line in file.content.splitlines()[2:]:
            *key, _kind, amount = line.split(";")
            told[tuple(key)] = told.get(tuple(key), 0) + int(amount.replace(".", ""))
    of_packages = package_months(BERLIN)
    true = figures_of(NOVEMBER, of_packages) + figures_of(DECEMBER, of_packages)
    assert {key: cents for key, cents in told.items() if cents > 0} == dict(true)
    assert broken_files() == []


def test_months_are_closed_in_order_when_they_are_over(months: Organisation) -> None:
    with pytest.raises(MonthNotOver):
        close_month(NOVEMBER, who=OLGA, now=on(2026, 11, 30))
    close_month(NOVEMBER, who=OLGA, now=on(2026, 12, 1))
    with pytest.raises(MonthsInOrder, match="2026-12 comes before 2027-01"):
        close_month(JANUARY, who=OLGA, now=on(2027, 2, 1))
    with pytest.raises(NotFound, match="2026-12 is not closed"):
        closed_month(DECEMBER)


def test_every_currency_is_in_the_file(acme: Organisation) -> None:
    billing.offer_package(
        organisation=acme,
        code="us-1",
        credits=5,
        price=Money(80_00, "USD"),
        who=OLGA,
        why="their currency",
        now=on(2026, 11, 3),
    )
    transfer(order(acme, on(2026, 11, 4), "us-1"), on(2026, 11, 5))
    lines = close_month(NOVEMBER, who=OLGA, now=on(2026, 12, 1)).content.splitlines()
    assert "2026-11;USD;packages received;figure;80.00" in lines
    assert "2026-11;USD;invoiced;figure;95.20" in lines
    assert list(export("datev", Period.parse("2026-11"), now=on(2026, 12, 1)).files) == [
        "EXTF_Buchungsstapel_2026-11_USD.csv"
    ]


@pytest.mark.parametrize("table", ["billing_closed_month", "billing_write_off"])
def test_what_was_handed_over_cannot_be_changed_even_with_sql(table: str, months: Organisation) -> None:
    close_month(NOVEMBER, who=OLGA, now=on(2026, 12, 1))
    column = {"billing_closed_month": "content = 'x'", "billing_write_off": "reason = 'x'"}[table]
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column}")


def test_olga_closes_a_month_at_the_desk_and_downloads_its_files(months: Organisation) -> None:
    olga = Client()
    olga.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase"))
    page = reverse("admin:billing_accountant")
    assert olga.post(page, {"month": "2026-10"}, follow=True).status_code == 200
    assert ClosedMonth.objects.get().closed_by == "olga"
    assert "SHA-256" in olga.get(page, {"month": "2026-10"}).content.decode()
    assert "no month" in olga.get(page, {"month": "soon"}).content.decode()
    for kind, period, beginning in (
        ("closed", "2026-10", b"# 2026-10"),
        ("vat", "2026-11", b"currency;"),
        ("oss", "2026-Q4", b"quarter;"),
        ("zm", "2026-11", b"Laender"),
        ("datev", "2026-11", b'"EXTF";700'),
        ("datev", "2026-Q4", b"PK"),
    ):
        file = olga.get(reverse("admin:billing_accountant_file", args=[kind, period]))
        assert file.content.startswith(beginning), kind
    told = AccessEvent.objects.filter(what="operator_read", who="olga").order_by("about", "organisation__slug")
    assert [(about_said(one).split(": ")[1], one.organisation.slug) for one in told] == [
        *(("Bookings for DATEV (EXTF), 2026-11", slug) for slug in ("acme", "finn", "globex")),
        *(("Bookings for DATEV (EXTF), 2026-Q4", slug) for slug in ("acme", "finn", "globex")),
        ("Recapitulative statement (Zusammenfassende Meldung), 2026-11", "globex"),
    ], "the owners of whoever is named in a file"
    with CaptureQueriesContext(connection) as asked:
        olga.get(reverse("admin:billing_accountant_file", args=["datev", "2026-11"]))
    of_payments = [one for one in asked.captured_queries if 'received_at" >= ' in one["sql"]]
    assert len(of_payments) == 1, "bookings are put together once for a file and for whom it names"
    assert olga.get(reverse("admin:billing_accountant_file", args=["oss", "2026-11"])).status_code == 422
    carol = Client()
    carol.force_login(User.objects.create_user("carol", "carol@globex.example", "a long passphrase", is_staff=True))
    assert carol.get(page).status_code == 403
    assert carol.get(reverse("admin:billing_accountant_file", args=["vat", "2026-11"])).status_code == 403


def test_a_dispute_that_is_won_after_its_month_was_handed_over_is_a_booking_of_its_own(
    acme: Organisation, fake: Any
) -> None:
    bought = order(acme, on(2026, 11, 5), **CARD)
    for verdict, day in (("lost", on(2026, 12, 3)), ("won", on(2027, 1, 7))):
        handed_over = [bookings(month) for month in (NOVEMBER, DECEMBER)]
        closes = [month_close(month.year, month.number, zone=BERLIN) for month in (NOVEMBER, DECEMBER)]
        fake.dispute(bought.gateway_reference, verdict=verdict)
        billing.book_reversals(bought.id, fake.reversals(bought.gateway_reference), who="fake", now=day)
    assert [bookings(month) for month in (NOVEMBER, DECEMBER)] == handed_over
    assert [close.cash_paid_back for close in closes] == [Money(0), Money(535_50)]
    assert month_close(2026, 12, zone=BERLIN).cash_paid_back == Money(535_50), "what was closed stays as it was"
    assert month_close(2027, 1, zone=BERLIN).cash_paid_back == Money(-535_50)
    came = [one for one in bookings(JANUARY) if one.account == 1360]
    assert [(one.cents, one.contra, one.text) for one in came] == [
        (535_50, 10000, f"Given back fd_{bought.gateway_reference}")
    ]
    everything = [one for month in (NOVEMBER, DECEMBER, JANUARY) for one in bookings(month)]
    assert sum(one.cents if one.account == 10000 else -one.cents for one in everything) == 0
    assert audit().findings == []


def test_a_debt_that_was_written_off_and_won_after_all_is_no_loss_any_more(months: Organisation, fake: Any) -> None:
    february = Month(2027, 2)
    written_off = Reversal.objects.get()
    payment = written_off.payment.external_id
    fake.dispute(payment, verdict="won")
    for day in (3, 4):
        seen = fake.reversals(payment)
        billing.book_reversals(written_off.purchase_id, seen, who="fake", now=on(2027, 2, day))
    assert rows(vat_file(Period.parse("2027-01"))) == ["EUR;destination;FI;25.5;-100.00;-25.50"], "as handed over"
    assert rows(vat_file(Period.parse("2027-02"))) == ["EUR;destination;FI;25.5;100.00;25.50"]
    closes = [month_close(month.year, month.number, zone=BERLIN) for month in (JANUARY, february)]
    assert [close.written_off for close in closes] == [Money(125_50), Money(-125_50)]
    assert [close.vat for close in closes] == [Money(-25_50), Money(25_50)]
    assert sum(one.cents for month in (JANUARY, february) for one in bookings(month) if one.account == 2400) == 0
    everything = [one for month in (NOVEMBER, DECEMBER, JANUARY, february) for one in bookings(month)]
    assert sum(one.cents if one.account == 10000 else -one.cents for one in everything) == 0
    assert audit().findings == []
