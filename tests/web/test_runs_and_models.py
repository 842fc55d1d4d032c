"""Alice watches a training, reads its report card, tries the model and takes it away. One real training for all of
it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.db import utc_now
from otai.learning.model.bundle import Bundle
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs import operations
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Run
from otai.runs.worker import Worker
from otai.serving.models import TrainedModel
from otai.serving.operations import register_completed_runs
from otai.tickets.operations import import_tickets
from tests import stories
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = "<script>alert('label')</script>"


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


def carol(now: datetime) -> Client:
    browser = Client()
    browser.force_login(joins(stories.globex(now), person("carol", at="globex.example"), Role.OWNER, now).user)
    return browser


def trains() -> None:
    """What `otai worker` does for one run: train it, and make a version of it."""
    Worker(executor=LocalExecutor()).work_once()
    register_completed_runs(now=utc_now())


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_run_that_waits_says_so_and_can_be_cancelled(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    page = text(alice.get("/acme/runs/1/"))
    assert "Waits for a machine" in page and "1 credit held" in page
    assert "no machine is at work for it" in page
    assert 'sse-connect="/acme/runs/1/events"' in page and 'hx-get="/acme/runs/1/now"' in page
    assert "Cancel and get 1 credit back" in page

    # The part that htmx asks for is a part, and tells the browser nothing else while the run goes on.
    part = alice.get("/acme/runs/1/now", headers={"HX-Request": "true"})
    assert "<html" not in text(part) and "HX-Refresh" not in part
    Run.objects.filter(id=run.id).update(due_at=now - timedelta(hours=1))
    assert "It will be later than promised" in text(alice.get("/acme/runs/1/now"))

    # A stranger cancels nothing.
    stranger = carol(now)
    for address in (
        "/acme/runs/1/",
        "/acme/runs/1/now",
        "/acme/runs/1/events",
        "/globex/runs/1/",
        "/globex/runs/1/events",
    ):
        assert stranger.get(address).status_code == 404, address
    assert stranger.post("/acme/runs/1/cancel").status_code == 404
    assert stranger.post("/globex/runs/1/cancel").status_code == 404
    run.refresh_from_db()
    assert run.status == "queued"

    page = text(alice.post("/acme/runs/1/cancel", follow=True))
    assert "Nothing is charged" in page and '<span class="struck">1 credit</span>' in page
    assert (ledger.balance(acme.id).available, ledger.balance(acme.id).held) == (6, 0)
    # Now that it has ended, the live part sends for the whole page; cancelling again is refused in words.
    assert alice.get("/acme/runs/1/now")["HX-Refresh"] == "true"
    assert alice.post("/acme/runs/1/cancel").status_code == 409
    assert "<s>1 credit</s>" in text(alice.get("/acme/runs/"))


def test_headline_and_tab_of_a_running_training_stay_true(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    page = text(alice.get("/acme/runs/1/"))
    assert "<title>Waiting · Training 1, support" in page
    assert re.search(r'<p class="answer" id="headline">Ordered\.', page)
    Run.objects.filter(id=run.id).update(
        status="training", attempt=1, stage="training", steps_total=100, steps_done=62, started_at=now, heartbeat_at=now
    )
    for language, said in {
        "en": "Learning", "de": "Lernt", "fr": "Apprentissage"
    }.items():  # fmt: skip
        alice.cookies["otai_language"] = language
        live = text(alice.get("/acme/runs/1/now"))
        assert "<title>62\N{NO-BREAK SPACE}% · " in live
        assert re.search(rf'<p class="answer" id="headline" hx-swap-oob="true">{said}', live), live


def test_a_failed_run_strikes_its_price_through_and_says_why(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    source = tmp_path / "same.csv"
    source.write_text("text,queue\n" + "\n".join(f"the very same words,{'ab'[n % 2]}" for n in range(40)))
    same = import_tickets(organisation=acme, name="same", source=source, now=now)
    quote = stories.quote_for(acme, same, now, attributes=("queue",))
    operations.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    Worker(executor=LocalExecutor()).work_once()
    page = text(alice.get("/acme/runs/1/"))
    assert "This training failed. It costs you nothing." in page
    assert '<span class="struck">1 credit</span>' in page and "nothing charged" in page
    assert "same text" in page


@pytest.mark.pure
def test_from_a_training_to_a_report_card_and_a_model_in_use(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    # Labels that try to be markup are labels.
    source = stories.write_tickets(tmp_path / "support.csv", tickets=400)
    source.write_text(source.read_text().replace(",network,", f',"{EVIL}",'))
    support = import_tickets(organisation=acme, name="support", source=source, now=now)
    stories.ordered(acme, support, now)
    trains()

    # The run's page answers its question in words, with evidence below.
    page = text(alice.get("/acme/runs/1/"))
    assert "times in 100" in page and "Report card" in page and "What does it say?" in page
    assert "Learnt from" in page and "1 credit spent" in page
    assert "Began on" in page and "no GPU used" in page, "the machine that it really ran on"
    card = json.loads(text(alice.get("/acme/runs/1/report-card.json")))
    figures = {one["name"]: one for one in card["attributes"]}

    file = alice.get("/acme/runs/1/report-card.html?download")
    assert "attachment" in file["Content-Disposition"] and EVIL not in text(file)

    # One attribute, opened: the choice of how much it decides alone is a select that a script makes a slider.
    opened = text(alice.get("/acme/runs/1/attributes/0/"))
    assert "Automate" in opened and '<select id="at"' in opened and "What it takes for what" in opened
    for actual, predicted, tickets in figures["queue"]["confusion"]:
        if actual == predicted:
            assert f">{tickets}</td>" in opened
    first = text(alice.get("/acme/runs/1/attributes/0/?at=0"))
    assert '<option value="0" selected' in first
    assert alice.get("/acme/runs/1/attributes/99/").status_code == 404

    # The model: try it, use it, take it away.
    model = TrainedModel.objects.get()
    address = f"/acme/models/{model.id}/"
    used = text(alice.get(address))
    assert "curl " in used and "Bundle.load" in used and "otai predict support" in used
    assert "support" in text(alice.get("/acme/models/"))
    answer = text(alice.post(f"{address}1/try", {"text": "password reset please"}, headers={"HX-Request": "true"}))
    assert "accounts" in answer and "<html" not in answer
    assert "<html" in text(alice.post(f"{address}1/try", {"text": "password reset please"})), "without scripts, a page"
    assert "Write or paste" in text(alice.post(f"{address}1/try", {"text": "  "}))
    assert "longer than" in text(alice.post(f"{address}1/try", {"text": "x" * 20_001}))
    bundle = b"".join(alice.get(f"{address}1/model.otai").streaming_content)  # type: ignore[attr-defined]
    assert Bundle.from_bytes(bundle).predict(["password reset please"])[0]["queue"].label == "accounts"

    # Nowhere is a label markup.
    for place in ("/acme/runs/1/", "/acme/runs/1/attributes/0/", "/acme/runs/1/report-card.html", address):
        found = text(alice.get(place))
        assert EVIL not in found, place
        assert not re.search(r"\sstyle=|\son\w+=", found), place
    assert "&lt;script&gt;alert(&#x27;label&#x27;)" in opened

    # A second version is compared with the first on tickets that neither had learnt; either can be live.
    stories.ordered(acme, support, utc_now())
    trains()
    assert "sparkline" in text(alice.get("/acme/runs/2/"))
    compared = text(alice.get(f"{address}compare"))
    assert "Version 2 beside version 1" in compared and "no sure difference" in compared
    model.refresh_from_db()
    assert model.live is not None and model.live.number == 2
    assert "answers again" in text(alice.post(f"{address}back", follow=True))
    model.refresh_from_db()
    assert model.live is not None and model.live.number == 1
    assert "answers from now on" in text(alice.post(f"{address}2/live", follow=True))
    assert alice.post(f"{address}2/live").status_code == 409

    # Carol sees none of it, by any address, and tries nothing of it.
    stranger = carol(now)
    theirs = address.replace("/acme/", "/globex/")
    places = ["/acme/runs/", "/acme/runs/1/attributes/0/", "/globex/runs/1/attributes/0/",
        "/acme/runs/1/report-card.json",
              "/globex/runs/1/report-card.html", "/acme/models/", address, theirs, f"{theirs}compare",
              f"{theirs}1/model.otai"]  # fmt: skip
    for place in places:
        assert stranger.get(place).status_code == 404, place
    for place in (f"{theirs}1/try", f"{address}1/try", f"{theirs}1/live", f"{theirs}back", f"{address}back"):
        assert stranger.post(place, {"text": "hello"}).status_code == 404, place
    model.refresh_from_db()
    assert model.live is not None and model.live.number == 2
