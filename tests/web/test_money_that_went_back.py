"""What went back is told as what it is: with its order, and with a minus."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from otai.billing import operations as billing
from otai.orgs.models import Organisation
from tests.billing.people import ALICE, OLGA, details, transfer

pytestmark = pytest.mark.django_db


def test_a_refund_is_negative_and_names_its_order(acme: Organisation, alice: Client, now: datetime) -> None:
    details(acme, now=now)
    bought = billing.buy(organisation=acme, package="10", key="b", who=ALICE, now=now).purchase
    transfer(bought, now)
    billing.refund_payment(reference=bought.reference, who=OLGA, why="no longer needed", now=now)
    page = alice.get("/acme/credits/").content.decode()
    assert "EUR\N{NO-BREAK SPACE}\N{MINUS SIGN}119" in page, "the credit note"
    assert page.count(f"/acme/credits/purchases/{bought.reference}/") >= 2, "what came and what went"
    note = alice.get("/acme/credits/ledger/").content.decode()
    assert note.count(bought.reference) >= 4


def test_amounts_of_choices_are_written_as_the_reader_writes_them(
    acme: Organisation, alice: Client, now: datetime
) -> None:
    page = alice.get("/acme/credits/low/", headers={"accept-language": "de"}).content.decode()
    assert "EUR 100" not in page
