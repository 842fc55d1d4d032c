"""What Olga does with guarantees at the desk, and Alice on the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from typer.testing import CliRunner

from otai.learning.evidence.acceptance import CriterionInvalid
from otai.ledger import queries as ledger
from otai.ledger.models import Hold
from otai.orgs.models import Organisation, User
from otai.runs import operations as runs
from otai.runs.guarantee import operations
from otai.runs.models import Guarantee
from otai.tickets.models import DataSet
from tests import stories
from tests.runs.guarantees import agreed, included, trained
from tests.runs.test_guarantee import missed_twice_as_pro

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk() -> Client:
    olga = User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase")
    client = Client()
    client.force_login(olga)
    return client


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    return stories.import_tickets(organisation=acme, name="support", source=source, now=now)


def act(desk: Client, row: Guarantee | Hold, action: str, **answers: Any) -> Any:
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_act", args=[row.pk, action])
    if desk.get(address).status_code != 200:
        return None
    return desk.post(address, answers, follow=True)


def test_olga_agrees_to_criteria_above_the_bar(
    desk: Client, acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now, "queue accuracy 0.9")
    listed = desk.get(reverse("admin:runs_guarantee_changelist")).content.decode()
    assert "queue: accuracy of at least 90\N{NO-BREAK SPACE}%" in listed
    answer = act(desk, guarantee, "agree", why="their tickets are clean")
    assert "the included training can be ordered" in answer.content.decode()
    assert "open -&gt; agreed" in answer.content.decode(), "the row shows what happened to it"
    guarantee.refresh_from_db()
    assert (guarantee.status, guarantee.agreed_by) == ("agreed", "desk:olga")
    assert act(desk, guarantee, "agree", why="again") is None, "nothing waits any more"
    assert act(desk, guarantee, "refund-fee", why="no fee was credited") is None


def test_olga_declines_and_pays_a_fee_back(desk: Client, acme: Organisation, support: DataSet, now: datetime) -> None:
    declined = agreed(acme, support, now, "queue accuracy 0.9")
    assert "propose other criteria" in act(desk, declined, "decline", why="too few tickets").content.decode()
    credited = missed_twice_as_pro(acme, support, now)
    answer = act(desk, credited, "refund-fee", why="they asked for money").content.decode()
    assert "EUR 11.90 on OT-" in answer
    credited.refresh_from_db()
    assert credited.status == "refunded"


def test_the_credits_of_an_included_run_are_not_given_back_at_the_desk(
    desk: Client, acme: Organisation, support: DataSet, now: datetime
) -> None:
    agreed(acme, support, now)
    run = included(acme, support, now)
    trained(now, queue=0.9)
    before = ledger.balance(acme.id)
    answer = act(desk, Hold.objects.get(id=run.hold), "refund-credits", why="asked by phone")
    assert "included" in answer.content.decode()
    assert ledger.balance(acme.id) == before


def test_alice_agrees_orders_and_downloads_by_commands(
    acme: Organisation, support: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otai.cli.main import app

    monkeypatch.setenv("OTAI_ACTOR", "alice")
    monkeypatch.setattr("otai.cli.guarantee.require_installation", lambda: None)

    def otai(*words: object) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "Agreed at once: accuracy up to 70\xa0%" in otai("guarantee", "show")
    with pytest.raises(CriterionInvalid, match="is no criterion"):
        otai("guarantee", "propose", "queue 0.7", "--data-set", "support")
    assert "waits for our yes" in otai("guarantee", "propose", "queue accuracy 0.9", "--data-set", "support")
    assert "accuracy of at least 90\N{NO-BREAK SPACE}%" in otai("guarantee", "waiting", "--json")
    assert "acme" in otai("guarantee", "waiting")
    otai("guarantee", "agree", "--why", "clean tickets")
    ordered = json.loads(otai("guarantee", "order", "--yes", "--json"))
    assert (ordered["status"], ordered["guarantee"]["status"], ordered["credits"]) == ("completed", "met", 1)
    assert json.loads(otai("statement", "--json"))["balance"] == {"available": 6, "held": 0, "spent": 1}
    assert "queue: accuracy of at least 90\N{NO-BREAK SPACE}%" in otai("guarantee", "show")
    otai("guarantee", "holdout", tmp_path / "holdout.csv")
    held = (tmp_path / "holdout.csv").read_text().splitlines()
    assert len(held) == ordered["guarantee"]["holdout_tickets"] + 1
    with pytest.raises(operations.NotAgreed):
        otai("guarantee", "order", "--yes")
    with pytest.raises(runs.NothingMissed):
        otai("guarantee", "improve", "--yes")

    # The model's versions, its feedback and its advice, by commands as well.
    (tmp_path / "feedback.csv").write_text("text,queue\nmy vpn drops,network\ninvoice wrong amount,accounts\n")
    assert "the model was right in 1" in otai("feedback", "give", "support", tmp_path / "feedback.csv")
    assert "2 statements about 2 tickets wait" in otai("feedback", "list", "support")
    assert "2 tickets are new" in otai("feedback", "merge", "support")
    assert "live" in otai("model", "list")
    assert "the first version" in otai("model", "show", "support")
    assert "Nothing advises a training." in otai("advice", "check", "support")
    assert "queue:" in otai("advice", "improve", "support")
    assert json.loads(otai("advice", "list", "--json")) == []
    assert "Tickets are kept for 30 days" in otai("model", "keep-tickets", "support", 30)
    renamed = otai("feedback", "rename", "support", "--attribute", "queue", "network=infrastructure")
    assert "labels are others now" in renamed
    [found] = json.loads(otai("advice", "check", "support", "--json"))
    assert (found["kind"], found["credits"]) == ("labels_renamed", 0)
    assert "uses the new names" in otai("advice", "follow", str(found["id"])[-8:])
