"""How each document stands, with its sign; and Carol, who sees none of acme's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.document_lists import archive, documents, signed
from otai.billing.months import Month
from otai.billing.operations import invoices
from otai.errors import Invalid, NotFound
from otai.orgs.models import Organisation
from tests.billing.people import ALICE, OLGA, transfer
from tests.billing.test_invoices import order

NOVEMBER = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 4, 9, 0, tzinfo=UTC)


def listed(organisation: Organisation, **narrowed: Any) -> list[tuple[str, str, str]]:
    return [(one.number, one.state, str(signed(one, one.gross_cents))) for one in documents(organisation, **narrowed)]


@pytest.mark.django_db
def test_each_document_says_how_it_stands(acme: Organisation, globex: Organisation) -> None:
    paid, refunded, part, cancelled = (order(acme, NOVEMBER, "10", key, automatic=True) for key in "abcd")
    waiting = order(acme, NOVEMBER, "10", "e", automatic=True)
    for before in (cancelled, waiting):
        # As of the version before, which issued the invoice with the order.
        invoices.issue(before, now=NOVEMBER)
    billing.cancel(organisation=acme, reference=cancelled.reference, who=ALICE, why="changed our minds", now=NOVEMBER)
    for purchase in (paid, refunded, part):
        transfer(purchase, NOVEMBER)
    billing.refund_payment(reference=refunded.reference, who=OLGA, why="no longer needed", now=DECEMBER)
    billing.refund_payment(reference=part.reference, who=OLGA, why="half of it", now=DECEMBER, credits=5)
    transfer(cancelled, DECEMBER)
    assert sorted(listed(acme)) == [
        ("CN-2026-000001", "cancelled", "EUR -119"),
        ("CN-2026-000002", "refunded", "EUR -119"),
        ("CN-2026-000003", "refunded", "EUR -59.50"),
        ("INV-2026-000001", "cancelled", "EUR 119"),
        ("INV-2026-000002", "open", "EUR 119"),
        ("INV-2026-000003", "paid", "EUR 119"),
        ("INV-2026-000004", "refunded", "EUR 119"),
        ("INV-2026-000005", "paid", "EUR 119"),
        ("INV-2026-000006", "paid", "EUR 119"),
    ]
    assert [number for number, _state, _amount in listed(acme, state="open")] == ["INV-2026-000002"]
    assert sorted(number for number, *_ in listed(acme, month=Month(2026, 12), state="refunded")) == [
        "CN-2026-000002",
        "CN-2026-000003",
    ]
    assert documents(acme).get(number="INV-2026-000005").credited_cents == 59_50
    assert listed(globex) == []
    with pytest.raises(Invalid, match="no state of a document"):
        documents(acme, state="lost")


@pytest.mark.django_db
def test_an_archive_is_the_same_file_each_time_and_never_empty(acme: Organisation) -> None:
    transfer(order(acme, NOVEMBER), NOVEMBER)
    assert archive(documents(acme)) == archive(documents(acme))
    with pytest.raises(NotFound, match="no such documents"):
        archive(documents(acme, month=Month(2026, 12)))


@pytest.mark.pure
def test_months_are_counted_and_bounded_in_the_sellers_days() -> None:
    assert (str(Month(2026, 12).next), str(Month(2026, 1).plus(-1))) == ("2027-01", "2025-12")
    assert Month.parse(" 2026-2 ").ends(UTC) == datetime(2026, 3, 1, tzinfo=UTC)
    for text in ("2026", "2026-13", "2026-00", "1999-12", "november", "२०२६-११"):
        with pytest.raises(Invalid, match="is no month"):
            Month.parse(text)
