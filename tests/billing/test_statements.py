"""Bank statements: what fits an order is booked once, the rest waits for Olga; and files that are none are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from otai.billing import operations as billing
from otai.billing.bank_statement import InvalidBankStatement, read_statement
from otai.billing.models import BankEntry, Payment, Purchase
from otai.billing.operations.payments import InvalidPayment
from otai.billing.operations.statements import EntryDecided, ImportedByYou
from otai.orgs.models import Organisation, User
from tests.billing.people import OLGA, own_findings, transfer
from tests.billing.test_invoices import order

pytestmark = pytest.mark.django_db
IBAN = "DE02120300000000202051"


def entry(amount: str, text: str, *, ref: str = "", kind: str = "CRDT", status: str = "BOOK", more: str = "") -> str:
    reference = f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else ""
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{kind}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>2026-11-05</Dt></BookgDt>{reference}<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Acme Ltd</Nm></Dbtr>"
        f"</RltdPties><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>{more}</NtryDtls></Ntry>"
    )


def statement(*entries: str, iban: str = IBAN, version: str = "02") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><Stmt><Acct><Id><IBAN>{iban}</IBAN></Id></Acct>{''.join(entries)}</Stmt></BkToCstmrStmt>"
        "</Document>"
    ).encode()


def imported(now: datetime, *entries: str, **more: Any) -> tuple[int, int, int]:
    done = billing.import_statement(statement(*entries, **more), who=OLGA, now=now)
    return done.matched, done.waiting, done.known


def test_an_entry_that_names_an_order_and_brings_its_amount_is_booked_once(acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    one = entry("535.50", f"Order {purchase.reference} thank you", ref="B1")
    assert imported(now, one) == (1, 0, 0)
    assert Purchase.objects.get().status == "paid"
    assert imported(now, one, entry("1.00", "interest", ref="B2")) == (0, 1, 1), "the next statement shows it again"
    assert (Payment.objects.get().external_id, Payment.objects.get().cents) == ("B1", 535_50)
    assert BankEntry.objects.get(reference="B1").purchase == purchase


@pytest.mark.parametrize("written", ["{0}", "{1}", "RE {2} DANKE", "SVWZ+ot-{3}"])
def test_a_reference_is_found_as_banks_and_payers_write_it(written: str, acme: Organisation, now: datetime) -> None:
    reference = order(acme, now).reference
    compact, cut = reference.replace("-", ""), f"{reference[:8]} {reference[8:]}"
    text = written.format(reference, compact, cut, reference[3:].lower())
    assert imported(now, entry("535.50", text, ref="B1")) == (1, 0, 0)


def test_words_that_look_like_a_reference_name_no_order(acme: Organisation, now: datetime) -> None:
    """Without its spaces "Pilot GmbH Rechnung" has OT and ten letters that a reference could have."""
    reference = order(acme, now).reference
    assert imported(now, entry("535.50", f"Pilot GmbH Rechnung {reference}", ref="B1")) == (1, 0, 0)


def test_what_came_back_to_us_pays_no_order(acme: Organisation, now: datetime) -> None:
    """XML writes yes as 1 as well; and a transfer of ours that its bank returned is money that came, too."""
    reference = order(acme, now).reference
    one = entry("535.50", reference, ref="B1").replace("<BookgDt>", "<RvslInd>1</RvslInd><BookgDt>")
    other = entry("535.50", reference, ref="B2").replace(
        "<RmtInf>", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf><RmtInf>"
    )
    assert imported(now, one, other) == (0, 2, 0)


def test_whatever_does_not_fit_waits_for_a_person(acme: Organisation, now: datetime) -> None:
    first, second = order(acme, now), order(acme, now, "10", "other")
    waits = [
        entry("535.49", first.reference, ref="too little"),
        entry("654.50", f"{first.reference} {second.reference}", ref="two orders"),
        entry("535.50", "invoice of last week", ref="no reference"),
        entry("535.50", "OT-22222-22222", ref="an order that nobody made"),
        entry("535.50", first.reference, ref="in dollars").replace("EUR", "USD"),
        entry("535.50", first.reference, ref="reversal").replace("<BookgDt>", "<RvslInd>true</RvslInd><BookgDt>"),
    ]
    passed_over = [
        entry("535.50", first.reference, ref="we paid it", kind="DBIT"),
        entry("535.50", first.reference, ref="pending", status="PDNG"),
    ]
    assert imported(now, *waits, *passed_over) == (0, 6, 0)
    assert Payment.objects.count() == 0
    too_little = BankEntry.objects.get(reference="too little")
    billing.assign_entry(entry=too_little.id, reference=first.reference, who=OLGA, why="a part of it", now=now)
    assert Purchase.objects.get(id=first.id).status == "part_paid"
    with pytest.raises(EntryDecided, match="decided before"):
        billing.assign_entry(entry=too_little.id, reference=second.reference, who=OLGA, why="once more", now=now)
    dismissed = BankEntry.objects.get(reference="no reference")
    billing.dismiss_entry(entry=dismissed.id, who=OLGA, why="our own rent", now=now)
    assert imported(now, entry("0.01", first.reference, ref="the rest")) == (1, 0, 0)
    assert Purchase.objects.get(id=first.id).status == "paid"


def test_what_was_confirmed_by_hand_before_is_not_booked_again(acme: Organisation, now: datetime) -> None:
    purchase = order(acme, now)
    transfer(purchase, now)
    assert imported(now, entry("535.50", purchase.reference, ref="B1")) == (0, 1, 0), "a person looks at it"
    assert Payment.objects.count() == 1


def test_a_large_payment_takes_two_operators_also_by_statement(
    acme: Organisation, now: datetime, settings: Any
) -> None:
    settings.OTAI_PAYMENT_ALONE = 500
    purchase = order(acme, now)
    assert imported(now, entry("535.50", purchase.reference, ref="B1")) == (0, 1, 0)
    row = BankEntry.objects.get()
    with pytest.raises(ImportedByYou, match="More than EUR 500"):
        billing.assign_entry(entry=row.id, reference=purchase.reference, who="Olga (desk)", why="it fits", now=now)
    assert Payment.objects.count() == 0
    billing.assign_entry(entry=row.id, reference=purchase.reference, who="otto", why="it fits", now=now)
    assert Purchase.objects.get().status == "paid"


def test_orders_that_one_statement_pays_are_counted_together(acme: Organisation, now: datetime, settings: Any) -> None:
    settings.OTAI_PAYMENT_ALONE = 200
    first, second = order(acme, now, "10"), order(acme, now, "10", "other")
    both = [entry("119.00", one.reference, ref=one.reference) for one in (first, second)]
    assert imported(now, *both) == (1, 1, 0), "the second brings it above what one operator may confirm"
    row = BankEntry.objects.get(state="waiting")
    with pytest.raises(ImportedByYou, match="within 30 days"):
        billing.assign_entry(entry=row.id, reference=second.reference, who="Olga (desk)", why="it fits", now=now)
    billing.assign_entry(entry=row.id, reference=second.reference, who="otto", why="it fits", now=now)
    assert set(Purchase.objects.values_list("status", flat=True)) == {"paid"}


def test_a_collective_entry_is_its_parts_where_they_add_up(acme: Organisation, now: datetime) -> None:
    first, second = order(acme, now), order(acme, now, "10", "other")
    part = (
        "<TxDtls><Refs><AcctSvcrRef>{0}</AcctSvcrRef></Refs><Amt Ccy='EUR'>{1}</Amt><RmtInf><Ustrd>{2}</Ustrd></RmtInf>"
        "</TxDtls>"
    )
    parts = part.format("P1", "535.50", first.reference) + part.format("P2", "119.00", second.reference)
    whole = entry("654.50", "", ref="B1", more=parts).replace(
        "<TxDtls><RltdPties><Dbtr><Nm>Acme Ltd</Nm></Dbtr></RltdPties><RmtInf><Ustrd></Ustrd></RmtInf></TxDtls>", ""
    )
    assert imported(now, whole) == (2, 0, 0)
    assert sorted(BankEntry.objects.values_list("reference", flat=True)) == ["P1", "P2"]


def test_entries_without_a_banks_reference_are_told_apart(now: datetime, db: None) -> None:
    twice = entry("10.00", "same")
    assert imported(now, twice, twice) == (0, 2, 0)
    assert imported(now, twice, twice) == (0, 0, 2)
    assert imported(now, twice, twice, twice) == (0, 1, 2)


def test_payments_to_which_a_bank_gives_one_reference_are_all_there(acme: Organisation, now: datetime) -> None:
    first, second = order(acme, now, "10"), order(acme, now, "10", "other")
    both = [entry("119.00", one.reference, ref="NONREF") for one in (first, second)]
    assert imported(now, *both) == (2, 0, 0), "NONREF is no reference"
    assert imported(now, *both) == (0, 0, 2)
    third = order(acme, now, "10", "third")
    one, other = entry("5.00", "interest", ref="7"), entry("119.00", third.reference, ref="7")
    assert imported(now, one, other) == (0, 2, 0), "of one that the bank tells by another's reference a person decides"
    assert imported(now, other, one) == (0, 0, 2)
    waiting = BankEntry.objects.get(cents=119_00, state="waiting")
    billing.assign_entry(entry=waiting.id, reference=third.reference, who=OLGA, why="it is theirs", now=now)
    assert set(Purchase.objects.values_list("status", flat=True)) == {"paid"}
    assert own_findings() == []


def test_what_the_bank_takes_back_waits_for_a_person_and_pays_nothing(acme: Organisation, now: datetime) -> None:
    reference = order(acme, now, "10").reference
    assert imported(now, entry("119.00", reference, ref="B1")) == (1, 0, 0)
    back = entry("119.00", reference, ref="B1", kind="DBIT").replace("<BookgDt>", "<RvslInd>true</RvslInd><BookgDt>")
    assert imported(now, back) == (0, 1, 0), "under the reference of what it takes back"
    assert imported(now, back) == (0, 0, 1)
    row = BankEntry.objects.get(state="waiting")
    assert row.cents == -119_00
    with pytest.raises(InvalidPayment):
        billing.assign_entry(entry=row.id, reference=reference, who=OLGA, why="it is theirs", now=now)
    billing.dismiss_entry(entry=row.id, who=OLGA, why="Acme was told, and pays again", now=now)
    assert own_findings() == []


@pytest.mark.pure
def test_newer_versions_are_read_alike() -> None:
    newer = entry("10.00", "text", ref="B").replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>")
    newer = newer.replace("<Dbtr><Nm>Acme Ltd</Nm></Dbtr>", "<Dbtr><Pty><Nm>Acme Ltd</Nm></Pty></Dbtr>")
    [found] = read_statement(statement(newer, version="08"))
    assert (found.cents, found.currency, found.payer, found.reference) == (1000, "EUR", "Acme Ltd", "B")


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><Document>&c;</Document>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Document>&b;</Document>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no XML"),
        (b"PK\x03\x04", "no XML"),
        (BOMB, "no XML"),
        (OUTSIDE, "no XML"),
        (b"<html/>", "no bank statement"),
        (statement(entry("12.345", "x", ref="B")), "no amount"),
        (statement(entry("-1.00", "x", ref="B")), "no amount"),
        (statement(entry("1.00", "x", ref="B").replace("2026-11-05", "soon")), "no day"),
        (statement(entry("1.00", "x"), iban="DE89370400440532013000"), "seller's account"),
        (statement(entry("1.00", "x"), iban=""), "no IBAN"),
    ],
)
def test_a_file_that_is_no_statement_of_ours_is_refused_and_nothing_is_imported(
    content: bytes, said: str, now: datetime
) -> None:
    with pytest.raises(InvalidBankStatement, match=said):
        billing.import_statement(content, who=OLGA, now=now)
    assert BankEntry.objects.count() == 0


def test_olga_imports_a_statement_at_the_desk_and_decides_on_the_rest(
    acme: Organisation, now: datetime, tmp_path: Any
) -> None:
    olga = Client()
    olga.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase"))
    purchase = order(acme, now)
    path = tmp_path / "camt.xml"
    path.write_bytes(statement(entry("600.00", "for the credits", ref="B1")))
    with path.open("rb") as file:
        page = olga.post(reverse("admin:billing_import_statement"), {"statement": file}, follow=True)
    assert "Waiting for a person: 1." in page.content.decode()
    assert "no XML" in olga.post(reverse("admin:billing_import_statement"), {}, follow=True).content.decode()
    row = BankEntry.objects.get()
    address = reverse("admin:billing_bankentry_act", args=[row.pk, "assign"])
    olga.post(address, {"reference": purchase.reference, "why": "they told us on the phone"})
    assert (Purchase.objects.get().status, Payment.objects.get().surplus_cents) == ("paid", 64_50)
    carol = Client()
    carol.force_login(User.objects.create_user("carol", "carol@globex.example", "a long passphrase", is_staff=True))
    assert carol.post(reverse("admin:billing_import_statement"), {}).status_code == 403
