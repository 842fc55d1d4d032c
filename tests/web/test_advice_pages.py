"""What would make a model better is one step away: labels corrected in place, feedback merged, advice followed; and a
model is deleted."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Run
from otai.runs.worker import Worker
from otai.serving.models import Advice, Feedback, ModelVersion, TrainedModel
from otai.serving.operations import register_completed_runs
from otai.tickets.files import file_store
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from tests import stories
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


def text(answer: Any) -> str:
    return str(answer.content.decode())


def advised(version: ModelVersion, now: datetime, **more: Any) -> Advice:
    written = {
        "kind": "drift",
        "found_at": now,
        "checked_at": now,
        "title": "queue is right less often: <b>70 %</b> after 90 %.",
        "evidence": [{"sentence": "queue is right less often"}, {"sentence": "words <i>changed</i>"}],
        "chart": {"title": "Then and now", "unit": "share", "points": [{"label": "queue", "before": 0.9, "now": 0.7}]},
        "reason": "drift",
        "attributes": ["queue", "priority"],
        "credits": 1,
    }
    return Advice.objects.create(version=version, **(written | more))


@pytest.mark.pure
def test_from_evidence_to_a_better_model_and_its_end(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=400)
    support = import_tickets(organisation=acme, name="support", source=source, now=now)
    run = stories.ordered(acme, support, now)
    Worker(executor=LocalExecutor()).work_once()
    register_completed_runs(now=utc_now())
    model, version = TrainedModel.objects.get(), ModelVersion.objects.get()
    address = f"/acme/models/{model.id}/"
    carol = Client()
    carol.force_login(joins(stories.globex(now), person("carol", at="globex.example"), Role.OWNER, now).user)

    # A tenth of the priorities was dealt out by chance: the report card suspects some, and Alice corrects two of them
    # in place.
    opened = text(alice.get("/acme/runs/1/attributes/1/"))
    suspects = re.findall(r'name="ticket" value="([^"]+)"', opened)
    assert len(suspects) >= 2
    fix = f"{address}1/labels/1"
    assert carol.post(fix, {"ticket": suspects[:2]}).status_code == 404
    assert carol.post(fix.replace("/acme/", "/globex/"), {"ticket": suspects[:2]}).status_code == 404
    assert "Choose the tickets" in text(alice.post(fix, follow=True))
    assert alice.post(fix, {"ticket": ["of-nobody"]}).status_code == 422
    assert DataSet.objects.count() == 1
    page = text(alice.post(fix, {"ticket": suspects[:2]}, follow=True))
    assert "support v2 is made. 2 labels are others now." in page

    # She tries a ticket, says what would have been right, and makes it part of the tickets.
    tried = text(
        alice.post(f"{address}1/try", {"text": "the <u>coffee</u> machine is broken"}, headers={"HX-Request": "true"})
    )
    key = re.findall(r'name="key" value="([^"]+)"', tried)[0]
    offered = re.findall(r'<option value="([^"]*)">', tried.partition('name="label-0"')[2].partition("</select>")[0])
    assert offered == ["", "accounts", "billing", "network"] and 'name="new-0"' in tried, "a new label stands apart"
    slip = {"key": "slip", "text": "a slip of the pen", "label-0": "network", "new-0": "facilities"}
    page = text(alice.post(f"{address}1/feedback", slip, follow=True))
    assert "facilities" in page
    [back] = re.findall(r'action="([^"]*/withdraw)"', page)
    assert carol.post(back).status_code == 404
    page = text(alice.post(back, follow=True))
    assert "Nothing waits to become training data" in page and "withdrawn" in page
    assert Feedback.objects.get().withdrawn_by == "alice@acme.example"
    Feedback.objects.all().delete()
    said = {"key": key, "text": "the <u>coffee</u> machine is broken", "label-0": "network"}
    assert carol.post(f"{address}1/feedback".replace("/acme/", "/globex/"), said).status_code == 404
    for _ in range(2):
        page = text(alice.post(f"{address}1/feedback", said, follow=True))
    assert Feedback.objects.count() == 1, "sent twice, it is there once"
    assert "&lt;u&gt;coffee" in page and "<u>coffee" not in page
    assert carol.post(f"/globex/models/{model.id}/feedback/merge").status_code == 404
    page = text(alice.post(f"{address}feedback/merge", follow=True))
    assert "support v3 is made. 1 ticket is new." in page
    assert alice.post(f"{address}feedback/merge").status_code == 409

    # Advice is shown with its numbers and its price, followed in one step or set aside.
    advice = advised(version, now)
    page = text(alice.get(address))
    assert "Train again: 1 credit" in page and "90 %" in page and "70 %" in page
    assert "<b>70" not in page and "<i>changed" not in page
    for what in ("follow", "dismiss"):
        assert carol.post(f"/globex/advice/{advice.id}/{what}").status_code == 404
        assert carol.post(f"/acme/advice/{advice.id}/{what}").status_code == 404
    assert Run.objects.count() == 1
    held = ledger.balance(acme.id).held
    answer = alice.post(f"/acme/advice/{advice.id}/follow")
    assert answer["Location"] == "/acme/runs/2/"
    assert ledger.balance(acme.id).held == held + 1
    assert alice.post(f"/acme/advice/{advice.id}/follow").status_code == 409, "followed once"
    second = Run.objects.get(number=2)
    assert (second.reason, str(second.data_set)) == ("drift", "support v3")
    aside = advised(version, now)
    assert "Set aside" in text(alice.post(f"/acme/advice/{aside.id}/dismiss", follow=True))
    assert "Train again: 1 credit" not in text(alice.get(address))

    # How long tickets are kept is the customer's to say; a look at any time.
    assert "Saved" in text(alice.post(f"{address}keep", {"days": "14"}, follow=True))
    model.refresh_from_db()
    assert model.keeps_tickets_days == 14
    assert alice.post(f"{address}keep", {"days": "x"}).status_code == 404
    assert alice.post(f"{address}keep", {"days": "400"}).status_code == 409
    assert alice.post(f"{address}look").status_code == 302

    # While a training is under way the model cannot be deleted; then it can, with all that was made from tickets.
    assert alice.post(f"{address}delete").status_code == 409
    alice.post("/acme/runs/2/cancel")
    assert carol.post(f"/globex/models/{model.id}/delete").status_code == 404
    page = text(alice.get(address))
    assert "Delete this model for good?" in page and "1 correction" in page and "1 version with its file" in page
    assert "support is deleted" in text(alice.post(f"{address}delete", follow=True))
    assert not TrainedModel.objects.exists() and not Feedback.objects.exists() and not Advice.objects.exists()
    assert not file_store().exists(version.bundle_file)
    run.refresh_from_db()
    assert run.status == "completed" and run.report_card is not None
    assert run.report_card["attributes"][0]["accuracy"]["value"] > 0.5
    assert not any(pair["excerpts"] for one in run.report_card["attributes"] for pair in one["confused_pairs"])
    # It does not come back by itself, and the run's page still says what it cost.
    assert register_completed_runs(now=utc_now()) == []
    assert "1 credit" in text(alice.get("/acme/runs/1/"))
    assert alice.get("/acme/runs/1/attributes/1/").status_code == 200
    assert alice.get(address).status_code == 404
    assert audit().clean
