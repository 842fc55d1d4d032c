"""Alice deletes her tickets: of what they said nothing is left, anywhere, and her history keeps its figures."""

from __future__ import annotations

import csv
import gzip
import json
import random
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otai.db import utc_now
from otai.jobs.folders import folder_of
from otai.jobs.models import Job
from otai.learning.encoders.cache import VectorCache
from otai.learning.evidence.acceptance import Criterion
from otai.ledger.audit import audit
from otai.orgs.permissions import Role
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs import operations as runs
from otai.runs.checkpoints import Checkpoints
from otai.runs.guarantee import operations as guarantees
from otai.runs.models import Guarantee, Quote, Reason, Run
from otai.runs.operations import make_quote, order_run
from otai.serving import advice, deletion, feedback, versions
from otai.serving import queries as serving
from otai.serving.models import Feedback, ObservedTicket
from otai.tickets import expected_quality, files
from otai.tickets import queries as tickets
from otai.tickets import waiting_uploads as uploads
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program
from tests.leftovers import found_in_files, found_in_tables
from tests.serving.training_here import trained, work
from tests.web.visitors import columns_shown, member_of, of

pytestmark = pytest.mark.django_db(transaction=True)

SUBJECT, BODY, TICKET, SENT, SAID = "xylokarpfen", "quittenmandat", "zwirbelakte", "brimbamsel", "knorzfittich"
"""Words that no program, label or other test has: in subjects, in bodies, in the tickets' own numbers, in what a model
was asked, in feedback."""
LABELS = {
    "wurmhuber": "invoice payment refund",
    "gisselbrecht": "vpn wifi router",
    "oberlohner": "password login account",
}
"""Agents, as labels: what models answer with."""
AGENT = "flunkerkopf"
"""The attribute's name: whoever sat in the first row of a file without a header."""


def rows(count: int, seed: int = 5, first: int = 0) -> list[dict[str, str]]:
    chance = random.Random(seed)
    made = []
    for number in range(first, first + count):
        label = chance.choice(list(LABELS))
        words = chance.choice(LABELS[label].split())
        # Some agents picked the wrong name: report cards quote such tickets.
        given = label if number % 9 else chance.choice(list(LABELS))
        made.append(
            {
                "ticket": f"{TICKET}-{number}",
                "subject": f"{words} {SUBJECT}{number % 7} {number}",
                "body": f"Hello, my {words} is broken since {BODY}{number % 11}, the {words} {number}.",
                AGENT: given,
                "priority": chance.choice(["low", "medium", "high"]),
            }
        )
    return made


def as_csv(made: list[dict[str, str]]) -> bytes:
    import io

    out = io.StringIO()
    writer = csv.DictWriter(out, list(made[0]))
    writer.writeheader()
    writer.writerows(made)
    return out.getvalue().encode()


@pytest.fixture
def now() -> datetime:
    """Pages and the API read the clock themselves."""
    return utc_now()


def quoted(data_set: DataSet, now: datetime) -> Quote:
    return make_quote(
        organisation=data_set.organisation,
        data_set=data_set,
        attributes=[AGENT],
        mode=Mode.BASIC,
        delivery=Delivery.STANDARD,
        model_name="support",
        reason=Reason.NEW_MODEL,
        now=now,
    )


def _ended(program: Program, job: str) -> int:
    """The version that came of an import which goes on by itself."""
    for _ in range(600):
        _status, found = program.get(f"/jobs/{job}")
        if found["ended_at"]:
            assert found["status"] == "done", found
            return int(program.get(f"/data-sets/{found['result']['data_set']}")[1]["version"])
        time.sleep(0.2)
    raise AssertionError("the import has not ended")


def lived_through(acme: Any, alice: Client, program: Program, folder: Path, now: datetime) -> None:
    """Everything that a customer does with tickets, once."""
    made = rows(300)
    # Imported on a page, with a look at the columns, and over the API, packed and with a key.
    page = alice.post(f"/{acme.slug}/tickets/upload", {"file": SimpleUploadedFile("support.csv", as_csv(made))})
    columns = page["Location"]
    assert SUBJECT in alice.get(columns).content.decode()
    alice.post(columns, {"name": "support", **columns_shown(alice, columns)})
    first = DataSet.objects.get(name="support")
    alice.get(f"/{acme.slug}/tickets/{first.id}/")
    packed = gzip.compress(as_csv([*made, *rows(30, seed=6, first=300)]))
    program.upload("/data-sets/preview?filename=support.csv.gz", packed)
    begun = program.upload(
        "/data-sets?name=support&filename=support.csv.gz",
        packed,
        **{"Idempotency-Key": "second", "Prefer": "respond-async"},
    )
    assert begun.status_code == 202, begun.content
    second = tickets.data_set(acme, "support", _ended(program, begun.json()["id"]))
    # A second look at the same file whose columns nobody settles, and a file that is refused, with the row that is
    # wrong.
    alice.post(f"/{acme.slug}/tickets/upload", {"file": SimpleUploadedFile("again.csv", as_csv(made))})
    wrong = as_csv(made) + b'x,"' + BODY.encode()
    refused = program.upload("/data-sets?name=wrong&filename=wrong.csv", wrong)
    assert refused.status_code == 422, refused.content
    assert second.version == 2
    expected_quality.of(first, now=now)
    # A guarantee: its tickets are kept aside, its run is trained and measured on them.
    [opened] = guarantees.open_guarantees(organisation=acme, now=now)[:1]
    guarantees.propose(
        organisation=acme, data_set=first, criteria=[Criterion.parse(f"{AGENT} accuracy 60%")], who="alice", now=now
    )
    guarantees.propose(
        organisation=acme, data_set=first, criteria=[Criterion.parse(f"{AGENT} accuracy 65%")], who="alice", now=now
    )
    runs.order_included_run(organisation=acme, quote=quoted(first, now).id, who="alice", now=now)
    work(now)
    assert Guarantee.objects.get(id=opened.id).status in ("met", "missed")
    # The second version is paid for, and a third one comes out of feedback.
    trained(acme, second, now, attributes=(AGENT, "priority"), model="support")
    card = json.dumps(Run.objects.get(number=2).report_card)
    assert SUBJECT in card and TICKET in card
    versions.keep_tickets(organisation=acme, name="support", days=30, who="alice", now=now)
    live = serving.version(acme, "support")
    text = f"{made[0]['subject']}\n{made[0]['body']}"
    asked = {"texts": [text, f"about {SENT} and nothing else"]}
    status, answer = program.post("/models/support/predict", asked)
    assert status == 200, answer
    # Taken elsewhere, and compared with the version before.
    assert program.call("GET", "/models/support/versions/2/bundle").status_code == 200
    compared = alice.get(f"/{acme.slug}/models/{live.model_id}/compare?newer=2&older=1")
    assert compared.status_code == 200
    other = next(label for label in LABELS if label != made[0][AGENT])
    said = {"items": [{"text": text, "labels": {AGENT: [other]}}]}
    status, answer = program.post("/models/support/feedback", said, **{"Idempotency-Key": "said"})
    assert status in (200, 201), answer
    merged = feedback.merge(organisation=acme, name="support", by="alice", now=now)
    assert merged.data_set.version == 3
    feedback.give(
        version=live,
        corrections=[feedback.Correction(f"{SAID} is another matter", {AGENT: ("wurmhuber",)})],
        by="alice",
        key="other",
        now=now,
    )
    advice.check(organisation=acme, name="support", now=now + timedelta(days=1))
    # One run failed and says with what; one offer was never taken.
    failed = order_run(organisation=acme, quote=quoted(second, now).id, who="alice", now=now)
    Run.objects.filter(id=failed.id).update(attempt=1)
    begun_with = folder / "checkpoint"
    begun_with.mkdir()
    (begun_with / "texts.json").write_text(json.dumps(made[:3]))
    Checkpoints(run=failed, attempt=1, folder=begun_with, packed=folder / "checkpoint.tar").save_now()
    assert Run.objects.get(id=failed.id).checkpoint_file
    Run.objects.filter(id=failed.id).update(
        status="failed",
        ending="failed_system",
        ended_at=now,
        failure_code="crashed",
        failure_message=f"{BODY} is no number",
    )
    failed.refresh_from_db()
    failed.events.create(
        organisation=acme, at=now, move="training -> failed", who="worker", why=f"{BODY} is no number, 1 credit back"
    )
    failed.attempts.create(
        number=1, worker="w", started_at=now, ended_at=now, outcome="failed", log=f"{SUBJECT} in a log"
    )
    quoted(merged.data_set, now)
    vectors = VectorCache(files.vectors_folder(acme.id))
    vectors.write("an encoder", [text], np.ones((1, 8), dtype=np.float32))
    assert vectors.count() == 1
    # Each machine's own folder for work in between, of a process that is gone.
    left = folder_of(Job.objects.filter(organisation=acme, kind="import").latest("asked_at").id)
    left.mkdir(parents=True)
    (left / "source").write_bytes(as_csv(made))


@pytest.mark.pure
def test_of_deleted_tickets_no_word_is_left_and_figures_stay(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    alice, program = of(member_of(acme, "alice", Role.OWNER, now)), Program(acme)
    lived_through(acme, alice, program, tmp_path, now)
    words = [SUBJECT, BODY, TICKET]
    # The search finds them while they are there: in files and in tables.
    assert found_in_files(words) and found_in_tables(words)
    assert "#suspects-" in alice.get("/acme/runs/2/").content.decode()
    runs_before = {run.number: (run.credits, run.status, run.mode) for run in Run.objects.all()}
    accuracy = (Run.objects.get(number=2).report_card or {})["attributes"][0]["accuracy"]

    # Beforehand she is told what goes and what stays, on the page and by the API alike.
    newest = tickets.data_set(acme, "support")
    status, said = program.get(f"/data-sets/{newest.id}/deletion?versions=all")
    assert status == 200
    assert said["data_sets"] == ["support v1", "support v2", "support v3"]
    assert (said["tickets"], said["staying_models"], said["feedback"], said["asked_about"]) == (
        300 + 330 + 330,
        ["support"],
        1,
        1,
    )
    assert said["report_cards"] == 2 and said["guarantee_tickets"] >= 30 and said["unordered_quotes"] == 1
    page = alice.get(f"/acme/tickets/{newest.id}/delete?versions=all").content.decode()
    assert "960 tickets" in page and "the model support" in page

    alice.post(f"/acme/tickets/{newest.id}/delete", {"versions": "all"})
    assert found_in_tables(words) == {}
    # The home is emptied of them; of vectors and checkpoints, which show no word, nothing is left at all.
    assert found_in_files(words) == {}
    assert not files.vectors_folder(acme.id).exists()
    assert not [path for run in Run.objects.all() for path in files.file_store().paths(f"checkpoints/{run.id}")]
    assert {job.kind for job in Job.objects.all()} <= {"import", "deletion"} and not uploads.all_waiting(acme)
    # What has nothing to do with these tickets is still there, and the model answers.
    assert SENT in ObservedTicket.objects.get().text and SAID in Feedback.objects.get().text
    [answer] = serving.predict(serving.version(acme, "support"), ["wifi router"])
    assert answer[AGENT].label == "gisselbrecht"

    # Her history: what runs cost and reached, and pages that say what became of the tickets.
    assert {run.number: (run.credits, run.status, run.mode) for run in Run.objects.all()} == runs_before
    assert (Run.objects.get(number=2).report_card or {})["attributes"][0]["accuracy"] == accuracy
    kept = DataSet.objects.get(id=newest.id)
    assert (kept.tickets, kept.deleted_by) == (330, "alice@acme.example") and kept.sha256
    for address in ("runs/1/", "runs/2/", "runs/3/", "runs/2/attributes/0/", "runs/2/report-card.html",
        "runs/2/report-card.html?download", "runs/",
                    "tickets/", f"tickets/{newest.id}/", "guarantee/", "train/", "models/", ""):  # fmt: skip
        answered = alice.get(f"/acme/{address}")
        assert answered.status_code == 200, address
    card_page = alice.get("/acme/runs/2/").content.decode()
    # Nothing on it leads to tickets that are gone.
    assert "were deleted on" in card_page and "#suspects-" not in card_page
    assert "were deleted on" in alice.get(f"/acme/tickets/{newest.id}/").content.decode()
    model = serving.version(acme, "support").model
    assert alice.get(f"/acme/models/{model.id}/").status_code == 200
    assert advice.check(organisation=acme, name="support", now=now + timedelta(days=9)) is not None
    assert advice.improvements(acme, "support")[AGENT] is not None

    # Whoever asks for the tickets is told kindly; a key that was used does nothing again.
    for path in ("tickets", "attributes", "expected-quality"):
        status, refused = program.get(f"/data-sets/{newest.id}/{path}")
        assert (status, refused["error"]["code"]) == (409, "tickets_deleted"), path
    status, refused = program.post("/quotes", {"data_set": str(newest.id), "attributes": [AGENT], "mode": "basic",
    "delivery": "standard", "model": "again"})  # fmt: skip
    assert (status, refused["error"]["code"]) == (409, "tickets_deleted")
    replayed = program.upload(
        "/data-sets?name=support&filename=support.csv.gz", gzip.compress(b"x"), **{"Idempotency-Key": "second"}
    )
    assert replayed.status_code == 409
    assert program.call("DELETE", f"/data-sets/{newest.id}?versions=all").status_code == 204

    # With the model gone as well, not even names of labels and attributes are left, but for what every helpdesk says.
    labels = [*LABELS, AGENT]
    assert set(labels) <= {word for words in found_in_tables(labels).values() for word in words}
    Feedback.objects.all().delete()
    deletion.delete_model(organisation=acme, id=model.id, who="alice", now=now)
    assert found_in_tables(labels) == {}
    assert found_in_files(labels) == {}
    for address in ("runs/1/", "runs/2/", "runs/2/attributes/0/", f"tickets/{newest.id}/", "guarantee/", "train/"):
        assert alice.get(f"/acme/{address}").status_code == 200, address
    assert [one["name"] for one in Run.objects.get(number=2).attributes] == ["attribute 1", "priority"]
    assert audit().clean
