"""Alice of acme reads the ledger of her credits: searched, narrowed, turned page by page, and as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from otai.billing import operations as billing
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.proof import verify_statement
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from tests import stories
from tests.billing.people import transfer
from tests.web.test_credits_pages import text_of, with_details
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    # Pages ask the clock themselves, so these stories happen a little before now.
    return utc_now() - timedelta(hours=1)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now, tier=Tier.PRO)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, now))


def test_the_ledger_is_searched_filtered_and_turned_page_by_page(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    for n in range(120):
        billing.give_goodwill(organisation=acme, credits=1, who="op", why=f"Sorry {n}", key=str(n), now=now)
    first = alice.get("/acme/credits/ledger/")
    assert "Sorry 119" in text_of(first)
    assert "Sorry 60 " not in text_of(first)
    older = re.search(r'href="(\?before=\d+)" rel="next"', first.content.decode()).group(1)
    second = alice.get("/acme/credits/ledger/" + older)
    assert "Sorry 60 " in text_of(second)
    newer = re.search(r'href="(\?after=\d+)" rel="prev"', second.content.decode()).group(1)
    assert "Sorry 119" in text_of(alice.get("/acme/credits/ledger/" + newer))
    found = text_of(alice.get("/acme/credits/ledger/?q=sorry+77"))
    assert "Sorry 77" in found
    assert "Sorry 78" not in found
    assert "Nothing matches" in text_of(alice.get("/acme/credits/ledger/?q=training+999"))
    assert "Nothing matches" in text_of(alice.get("/acme/credits/ledger/?kind=withdrawal"))
    # What cannot be read counts as left out.
    assert alice.get("/acme/credits/ledger/?before=x&kind=nonsense&after=-1").status_code == 200
    part = alice.get("/acme/credits/ledger/?q=sorry+7", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<div id="movements"')


def test_the_statement_of_the_ledgers_page_is_one_that_can_be_checked(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    shown = text_of(alice.get("/acme/credits/ledger/"))
    assert "otai ledger verify FILE" in shown
    answer = alice.get("/acme/credits/statement.json")
    assert answer["Content-Disposition"] == 'attachment; filename="statement-acme.json"'
    report = verify_statement(answer.content.decode())
    assert (report.clean, report.is_known, report.transfers_since) == (True, True, 0)
    # What the page shows is where the file ends, and the file is still true after more has happened.
    assert report.head in shown
    billing.give_goodwill(organisation=acme, credits=1, who="olga", why="sorry", key="g", now=now)
    later = verify_statement(answer.content.decode())
    assert (later.clean, later.transfers_since) == (True, 1)
    assert ledger.chain_end(acme.id).transfers == report.transfers + 1
    changed = answer.content.decode().replace('"credits": 100,', '"credits": 101,', 1)
    assert not verify_statement(changed).clean


def test_a_spreadsheet_runs_nothing_that_somebody_wrote_into_the_ledger(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    for n, nasty in enumerate(("=cmd|'/c calc'!A1", "+1+1", "-1+2", "@SUM(A1)", "  =1+1")):
        billing.give_goodwill(organisation=acme, credits=1, who="op", why=nasty, key=str(n), now=now)
    answer = alice.get("/acme/credits/ledger.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="credits-acme-')
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 7
    assert not [cell for row in rows[1:] for cell in row if cell.lstrip(" ").startswith(("=", "+", "-", "@"))]


def test_the_file_has_what_the_page_was_narrowed_to(alice: Client, acme: Organisation, now: datetime) -> None:
    for n in range(60):
        billing.give_goodwill(organisation=acme, credits=1, who="op", why=f"Sorry {n}", key=str(n), now=now)

    def downloaded(page: str) -> list[str]:
        address = re.search(r'id="ledger-download" href="([^"]+)"', page).group(1).replace("&amp;", "&")
        rows = csv.reader(io.StringIO(b"".join(alice.get(address).streaming_content).decode()))
        return [row[3] for row in rows][1:]

    def page_of(query: str, **headers: str) -> str:
        return alice.get(f"/acme/credits/ledger/{query}", headers=headers).content.decode()

    assert len(downloaded(page_of(""))) == 61
    # More than a page shows, and nothing else; also where only the rows were renewed while somebody typed.
    assert downloaded(page_of("?q=sorry+5")) == ["Sorry 5", *(f"Sorry {n}" for n in range(50, 60))]
    assert downloaded(page_of("?q=sorry+57&kind=grant", **{"HX-Request": "true"})) == ["Sorry 57"]
    assert downloaded(page_of("?q=sorry+57&kind=hold")) == []
    assert downloaded(page_of("?q=run+999")) == []


def test_a_movement_leads_to_the_order_it_is_about_and_a_gift_to_none(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    with_details(acme, now)
    bought = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now).purchase
    transfer(bought, now)
    billing.give_goodwill(organisation=acme, credits=1, who="op", why="sorry", key="x", now=now)
    page = alice.get("/acme/credits/ledger/").content.decode()
    assert re.findall(r"/acme/credits/purchases/([^/\"]+)/", page) == [bought.reference]
    assert "sorry" in text_of(alice.get("/acme/credits/ledger/"))


def test_a_number_that_is_no_training_is_looked_for_in_words(alice: Client, acme: Organisation, now: datetime) -> None:
    billing.give_goodwill(organisation=acme, credits=1, who="op", why="sorry for case 4711", key="x", now=now)
    assert "case 4711" in text_of(alice.get("/acme/credits/ledger/", {"q": "4711"}))
