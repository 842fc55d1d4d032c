"""Finding by name or number, as a page and as what Ctrl K opens; and the keys there are."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from otai.billing import operations as billing
from otai.billing import queries
from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.serving.operations import register_completed_runs
from otai.tickets.operations import import_tickets
from tests import stories
from tests.billing.people import transfer
from tests.web.visitors import browser, member_of, of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    return utc_now() - timedelta(hours=1)


def furnished(organisation: Organisation, tmp_path: Path, now: datetime, *, name: str) -> str:
    """A data set with a model and a training of it, and an invoice, whose number is handed back."""
    source = stories.write_tickets(tmp_path / f"{organisation.slug}.csv")
    data_set = import_tickets(organisation=organisation, name=name, source=source, now=now)
    stories.ordered(organisation, data_set, now)
    assert Worker(FakeExecutor(), clock=lambda: now).work_once() is not None
    register_completed_runs(now=now)
    billing.set_billing_details(
        organisation=organisation,
        name="GmbH",
        street="Hauptstr. 1",
        postcode="10115",
        city="Berlin",
        country="DE",
        email=f"billing@{organisation.slug}.example",
        who="alice",
        now=now,
    )
    transfer(billing.buy(organisation=organisation, package="10", key=name, who="alice", now=now).purchase, now)
    return queries.invoices(organisation)[0].number


def links(answer: Any) -> list[str]:
    """Where what was found leads, by path."""
    assert answer.status_code == 200
    text = answer.content.decode()
    found = text[text.index('class="found"') :] if 'class="found"' in text else text
    return re.findall(r'<a [^>]*href="([^"#]*)', found.split("</main>")[0])


def finds(client: Client, asked: str, **more: Any) -> list[str]:
    return links(client.get("/acme/find/", {"q": asked}, **more))


def test_everything_of_the_organisation_is_found_by_name_or_number(tmp_path: Path, now: datetime) -> None:
    acme, globex = stories.acme(now, tier=Tier.PRO), stories.globex(now, tier=Tier.PRO)
    number = furnished(acme, tmp_path, now, name="support")
    umlaut = stories.write_tickets(tmp_path / "umlaut.csv")
    import_tickets(organisation=acme, name="Über uns", source=umlaut, now=now)
    others = furnished(globex, tmp_path, now, name="globex support")
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    carol = of(member_of(globex, "carol", Role.OWNER, now))

    found = finds(alice, "support")
    for kind in ("/acme/tickets/", "/acme/models/", "/acme/runs/1/", "/acme/help/"):
        assert [address for address in found if address.startswith(kind)], (kind, found)
    assert not [address for address in found if not address.startswith("/acme/")]
    assert [one for one in finds(alice, "über UNS") if one.startswith("/acme/tickets/")]
    assert "/acme/runs/1/" in finds(alice, "#1") and "/acme/runs/1/" in finds(alice, "training 1")
    assert [one for one in finds(alice, number) if one.startswith("/acme/credits/purchases/")]
    [order] = queries.purchases(acme).values_list("reference", flat=True)
    for asked in (order, order.lower(), order[3:8]):
        assert finds(alice, asked)[0] == f"/acme/credits/purchases/{order}/", "an order by what a bank statement says"
    assert "/acme/team/keys/" in finds(alice, "api k") and "/acme/credits/spending/" in finds(alice, "spend")
    assert "/acme/help/webhooks/" in finds(alice, "verify signature")

    # Nothing of another organisation, by name, by number or by address.
    [theirs] = queries.purchases(globex).values_list("reference", flat=True)
    for asked in ("globex", others, theirs, "99999999999999999999"):
        assert not [one for one in finds(alice, asked) if not one.startswith("/acme/help/")], asked
    assert carol.get("/acme/find/", {"q": "support"}).status_code == 404
    assert browser().get("/acme/find/").status_code == 302
    nothing = alice.get("/acme/find/", {"q": "zzqq<zzq>%"}).content.decode()
    assert "Nothing was found" in nothing and "<zzq>" not in nothing


def test_a_role_finds_what_it_opens_and_few_questions_are_asked(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    bob = of(member_of(acme, "bob", Role.VIEWER, now))
    everything = finds(bob, "")
    assert "/acme/tickets/" in everything and "/acme/credits/invoices/" in everything
    assert not {"/acme/team/keys/", "/acme/train/", "/acme/team/data/"} & set(everything)
    assert finds(bob, "api keys") == [one for one in finds(bob, "api keys") if one.startswith("/acme/help/")]

    furnished(acme, tmp_path, now, name="support")
    for asked in ("", "support", "a b c d e f g h"):
        with CaptureQueriesContext(connection) as queries_asked:
            page = bob.get("/acme/find/", {"q": asked}, headers={"HX-Request": "true"})
        assert page.status_code == 200 and len(queries_asked) <= 10, [one["sql"] for one in queries_asked]
        assert "<html" not in page.content.decode()


def test_the_keys_are_a_page_and_can_be_switched_off(now: datetime) -> None:
    acme = stories.acme(now)
    bob = of(member_of(acme, "bob", Role.VIEWER, now))
    page = bob.get("/acme/keys/").content.decode()
    assert "<kbd>G</kbd> <kbd>H</kbd>" in page and "Take the suggestion" in page and "data-keys" not in page
    assert "h=/acme/ d=/acme/tickets/ r=/acme/runs/" in page, (
        "where keys lead: not to Train, which a viewer does not open"
    )
    assert bob.post("/studio/keys", {"keys": "off", "next": "/acme/keys/"}).headers["Location"] == "/acme/keys/"
    page = bob.get("/acme/keys/").content.decode()
    assert '<html lang="en" data-keys="off">' in page and "are off in this browser" in page
    assert bob.post("/studio/keys", {"keys": "on", "next": "https://evil.example/"}).headers["Location"] == "/"
    assert "data-keys" not in bob.get("/acme/keys/").content.decode()
