"""Alice says beforehand what the model must reach, and orders what her tier includes."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs.guarantee.operations import agree
from otai.runs.models import Guarantee, Run
from otai.tickets.models import DataSet, ExpectedQuality
from otai.tickets.operations import import_tickets
from otai.web.views.guarantee import hints_of
from tests import stories
from tests.orgs.people import joins, person
from tests.runs import guarantees

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=400)
    made = import_tickets(organisation=acme, name="support", source=source, now=now)
    guarantees.expect(made, now, queue=0.8, priority=0.6)
    return made


PROPOSAL = {"proposed": "1", "in-0": "1", "metric-0": "accuracy"}


def page_of(browser: Client, query: str = "") -> str:
    return browser.get(f"/acme/guarantee/{query}").content.decode()


def test_the_page_teaches_the_first_step_where_there_are_no_tickets(alice: Client) -> None:
    assert "First, tickets" in page_of(alice)


@pytest.mark.parametrize(("suspects", "wrong"), [([{"ticket_id": "7"}], 3), ([], 0)])
def test_labels_of_deleted_tickets_are_nobodys_to_correct(suspects: list[dict[str, str]], wrong: int) -> None:
    attribute = {"name": "queue", "confused_pairs": [], "wrong_labels": {"total": 3, "suspects": suspects}}
    missed = {"criterion": {"attribute": "queue"}, "met": False}
    [hint] = hints_of(Guarantee(run=Run(report_card={"attributes": [attribute]}), verdict=[missed]))
    assert hint["wrong"] == wrong


def test_the_standard_bar_is_shown_as_it_is_typed(alice: Client, support: DataSet) -> None:
    page = page_of(alice)
    assert "agreed at once" in page and "Agree on this" in page and "(up to 70\N{NO-BREAK SPACE}% at once)" in page
    page = page_of(alice, f"?data_set={support.id}&proposed=1&in-0=1&metric-0=accuracy&threshold-0=95")
    assert "we look at it" in page and "Propose this" in page
    page = page_of(alice, f"?data_set={support.id}&proposed=1&in-0=1&metric-0=accuracy&threshold-0=<b>")
    assert "is no share" in page and "<b>" not in page


def test_criteria_at_the_bar_are_agreed_and_the_included_training_costs_nothing(
    alice: Client, acme: Organisation, support: DataSet
) -> None:
    before = ledger.balance(acme.id).available
    proposal = PROPOSAL | {"data_set": str(support.id), "threshold-0": "70"}
    page = alice.post("/acme/guarantee/propose", proposal, follow=True).content.decode()
    assert "Agreed. The tickets to measure on are fixed." in page
    assert "queue: accuracy of at least 70\N{NO-BREAK SPACE}%" in page and "Train: included, no credits" in page

    # The tickets that it will be measured on can be taken home.
    lines = b"".join(alice.get("/acme/guarantee/community/tickets.csv").streaming_content)  # type: ignore[attr-defined]
    assert len(lines.splitlines()) == Guarantee.objects.get().holdout_tickets + 1

    order = {
        "data_set": str(support.id),
        "mode": "basic",
        "delivery": "fast",
        "key": re.findall(r'name="key" value="([^"]+)"', page)[0],
    }
    answer = alice.post("/acme/guarantee/order", order)
    assert answer["Location"] == "/acme/runs/1/"
    assert ledger.balance(acme.id).available == before
    # Sent twice, it is ordered once; and the criteria stand.
    assert alice.post("/acme/guarantee/order", order)["Location"] == "/acme/runs/1/"
    assert Run.objects.count() == 1
    page = alice.post("/acme/guarantee/propose", proposal, follow=True).content.decode()
    assert "cannot be changed any more" in page


def test_the_form_says_what_is_not_likely_and_what_is_tried_first(alice: Client, support: DataSet) -> None:
    asked = f"?proposed=1&data_set={support.id}&in-1=1&metric-1=accuracy&threshold-1=65"
    assert "accuracy of at least 65\N{NO-BREAK SPACE}%: these tickets make 60.0\N{NO-BREAK SPACE}% likely." in page_of(
        alice, asked
    )
    ExpectedQuality.objects.all().delete()
    assert "tried on your tickets first" in page_of(alice, asked)


def test_more_than_the_bar_waits_for_us(alice: Client, support: DataSet) -> None:
    page = alice.post(
        "/acme/guarantee/propose", PROPOSAL | {"data_set": str(support.id), "threshold-0": "95"}, follow=True
    ).content.decode()
    assert "We look at these criteria first" in page and "We look at your criteria" in page
    assert "accuracy of at least 95\N{NO-BREAK SPACE}% is above the standard bar." in page
    assert alice.post("/acme/guarantee/order", {"mode": "basic", "delivery": "fast"}).status_code == 409
    assert not Run.objects.exists()


def test_what_makes_no_sense_is_said(alice: Client, support: DataSet) -> None:
    for threshold in ("0", "200", "nan", "-3"):
        proposal = PROPOSAL | {"data_set": str(support.id), "threshold-0": threshold}
        alice.post("/acme/guarantee/propose", proposal, follow=True)
    assert Guarantee.objects.get().criteria == []
    nothing = alice.post("/acme/guarantee/propose", {"proposed": "1", "data_set": str(support.id)}, follow=True)
    assert "at least one criterion" in nothing.content.decode()


def test_carol_finds_nothing_and_a_viewer_only_looks(
    alice: Client, acme: Organisation, support: DataSet, now: datetime
) -> None:
    carol = Client()
    carol.force_login(joins(stories.globex(now), person("carol", at="globex.example"), Role.OWNER, now).user)
    proposal = PROPOSAL | {"data_set": str(support.id), "threshold-0": "70"}
    assert carol.get("/acme/guarantee/").status_code == 404
    assert carol.get(f"/globex/guarantee/?data_set={support.id}").status_code == 404
    assert carol.get("/acme/guarantee/community/tickets.csv").status_code == 404
    for address in ("/acme/guarantee/propose", "/globex/guarantee/propose", "/acme/guarantee/order"):
        assert carol.post(address, proposal).status_code == 404, address
    viewer = Client()
    viewer.force_login(joins(acme, person("bob"), Role.VIEWER, now).user)
    assert viewer.get("/acme/guarantee/").status_code == 200
    assert viewer.post("/acme/guarantee/propose", proposal).status_code == 403
    assert not Guarantee.objects.exclude(criteria=[]).exists()


@pytest.mark.django_db(transaction=True)
def test_a_german_reads_criteria_and_verdict_in_german(
    alice: Client, acme: Organisation, support: DataSet, now: datetime
) -> None:
    found = guarantees.agreed(acme, support, now, "queue accuracy 70%", "queue coverage@95 12.25%")
    if found.waits_for_operator:
        agree(guarantee=found.id, who="operator", why="a story", now=now)
    guarantees.included(acme, support, now)
    guarantees.trained(now, queue=0.5)
    alice.cookies["otai_language"] = "de"
    page = page_of(alice)
    assert page.count("queue: Trefferquote von mindestens 70\xa0%") == 2, "agreed, and measured"
    assert page.count("queue: Abdeckung von mindestens 12,25\xa0% bei 95\xa0% Präzision") == 2
    assert "Keine Sicherheit erreicht 95\xa0% Präzision." in page and "at least" not in page

    # Release 0.1 stored a sentence, which stays as it was written.
    found.refresh_from_db()
    said = "No confidence reaches 95\N{NO-BREAK SPACE}% precision."
    before = [
        {name: value for name, value in one.items() if name != "note_fact"}
        | ({"note": said} if one.get("note_fact") else {})
        for one in found.verdict or []
    ]
    Guarantee.objects.filter(id=found.id).update(verdict=before)
    assert said in page_of(alice)
