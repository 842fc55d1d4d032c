"""Answers that come later: 202 with a job, `Prefer`, progress, cancelling; and Carol, who sees nothing of it."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from otai.helpdesks import jobs as helpdesk_jobs
from otai.jobs.models import Job
from otai.jobs.work import JobKind
from otai.orgs.models import Organisation
from otai.orgs.permissions import JOB_ACTIONS, Scope
from otai.runs import jobs as run_jobs
from otai.serving import jobs as serving_jobs
from otai.tickets import jobs as tickets_jobs
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program, answered

pytestmark = pytest.mark.django_db(transaction=True)


def import_later(program: Program, tickets: Path, **headers: str) -> Any:
    return program.upload(
        "/data-sets?name=support", tickets.read_bytes(), "text/csv", **{"Prefer": "respond-async", **headers}
    )


def ended(program: Program, address: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        status, job = program.get(address.removeprefix("/api/v1"))
        assert status == 200
        if job["ended_at"]:
            return dict(job)
        time.sleep(0.1)
    raise AssertionError("the job never ended")


def test_an_import_answers_with_a_job_that_leads_to_the_data_set(alice: Program, tickets: Path) -> None:
    response = import_later(alice, tickets)
    status, job = answered(response)
    assert status == 202
    assert response["Location"] == f"/api/v1/jobs/{job['id']}"
    assert job["kind"] == "import"
    done = ended(alice, response["Location"])
    assert (done["status"], done["error"], done["progress"]["share"]) == ("done", None, 1.0)
    assert done["progress"]["rows"] >= 0
    status, data_set = alice.get(done["result_url"].removeprefix("/api/v1"))
    assert (status, data_set["name"]) == (200, "support")
    assert [one["id"] for one in alice.get("/jobs")[1]["items"]] == [job["id"]]


def test_a_job_is_watched_by_events_or_asked_now_and_then(alice: Program, tickets: Path) -> None:
    location = import_later(alice, tickets)["Location"].removeprefix("/api/v1")
    ended(alice, f"/api/v1{location}")
    status, said = alice.get(f"{location}/events")
    size = tickets.stat().st_size
    assert status == 200
    assert (said["progress"]["status"], said["progress"]["ended"], said["progress"]["bytes_total"]) == (
        "done",
        True,
        size,
    )
    # Without the front a stream ends with what there is.
    stream = alice.call("GET", f"{location}/events", Accept="text/event-stream")
    assert stream["Content-Type"] == "text/event-stream"
    told = stream.content.decode()
    assert json.loads(told.partition("event: progress\ndata: ")[2].splitlines()[0]) == said["progress"]
    assert told.endswith('event: end\ndata: {"status": "done"}\n\n')


def test_a_repeated_request_gets_the_same_job_and_imports_once(alice: Program, tickets: Path) -> None:
    first = import_later(alice, tickets, **{"Idempotency-Key": "k"})
    again = import_later(alice, tickets, **{"Idempotency-Key": "k"})
    assert again["Idempotency-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    ended(alice, first["Location"])
    assert DataSet.objects.count() == 1


def test_a_bad_row_is_named_by_the_job_as_by_the_request(alice: Program) -> None:
    content = b"text,queue\nThe printer is on fire,it\none,two,three\n"
    waited = answered(alice.upload("/data-sets?name=x", content, "text/csv"))
    job = ended(alice, alice.upload("/data-sets?name=x", content, "text/csv", Prefer="respond-async")["Location"])
    assert waited[0] == 422
    assert job["status"] == "failed"
    assert job["error"]["code"] == waited[1]["error"]["code"] == "dataset_invalid"
    assert job["error"]["message"] == waited[1]["error"]["message"]
    assert job["error"]["details"]["row"] == 3
    assert not DataSet.objects.exists()


def test_a_cancelled_import_leaves_nothing(alice: Program, tickets: Path, settings: Any) -> None:
    response = import_later(alice, tickets)
    id = response["Location"].rpartition("/")[2]
    status, _ = alice.post(f"/jobs/{id}/cancel")
    job = ended(alice, response["Location"])
    if status == 200:
        assert (job["status"], job["error"]["code"]) == ("cancelled", "job_cancelled")
        time.sleep(1.5)
        assert not DataSet.objects.exists()
    else:
        assert status == 409
        assert job["status"] == "done"


def test_preview_and_expected_quality_come_later_too(alice: Program, tickets: Path) -> None:
    preview = alice.upload("/data-sets/preview", tickets.read_bytes(), "text/csv", Prefer="wait=0")
    assert preview.status_code == 202
    direct = answered(alice.upload("/data-sets/preview", tickets.read_bytes(), "text/csv"))[1]
    assert ended(alice, preview["Location"])["result"] == direct
    data_set = answered(alice.upload("/data-sets?name=support", tickets.read_bytes(), "text/csv"))[1]
    address = f"/data-sets/{data_set['id']}/expected-quality"
    later = alice.call("GET", address, Prefer="respond-async")
    assert later.status_code == 202
    ended(alice, later["Location"])
    assert alice.get(address)[1]["items"]


def test_carol_sees_no_job_of_acme_and_a_reader_cancels_none(
    alice: Program, carol: Program, tickets: Path, acme: Organisation
) -> None:
    location = import_later(alice, tickets)["Location"].removeprefix("/api/v1")
    assert carol.get(location)[0] == 404
    assert carol.post(f"{location}/cancel")[0] == 404
    assert carol.get(f"{location}/events")[0] == 404
    assert carol.call("GET", f"{location}/events", Accept="text/event-stream").status_code == 404
    assert carol.get("/jobs")[1]["items"] == []
    reader = Program(acme, [Scope.READ], "reader")
    assert reader.get(location)[0] == 200
    assert reader.post(f"{location}/cancel")[0] == 403
    ended(alice, location)
    assert Job.objects.get().status == "done"


@pytest.mark.parametrize(
    ("kind", "scope", "may"),
    [
        ("holdout", Scope.RUNS_ORDER, True),
        ("included_run", Scope.RUNS_ORDER, True),
        ("included_run", Scope.TICKETS_WRITE, False),
        ("import", Scope.TICKETS_WRITE, True),
        ("import", Scope.RUNS_ORDER, False),
        ("next_version", Scope.RUNS_ORDER, True),
        ("look", Scope.MODELS_MANAGE, True),
        ("look", Scope.TICKETS_WRITE, False),
        ("comparison", Scope.READ, False),
    ],
)
def test_a_key_cancels_what_it_may_start(
    acme: Organisation, tmp_path: Path, now: datetime, kind: str, scope: Scope, may: bool
) -> None:
    job = stories.waiting_job(acme, tmp_path, now)
    Job.objects.filter(id=job.id).update(kind=kind)
    program = Program(acme, [Scope.READ, scope], "program")
    status, answer = program.post(f"/jobs/{job.id}/cancel")
    assert status == (200 if may else 403)
    job.refresh_from_db()
    assert job.status == ("cancelled" if may else "queued")
    if not may:
        assert answer["error"]["code"] == "not_allowed"


def test_a_reader_cancels_what_the_reader_asked(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    job = stories.waiting_job(acme, tmp_path, now)
    reader, other = Program(acme, [Scope.READ], "reader"), Program(acme, [Scope.READ], "other")
    asked_by = f"reader (API key {reader.key.prefix})"
    Job.objects.filter(id=job.id).update(kind="expected_quality", asked_by=asked_by)
    assert other.post(f"/jobs/{job.id}/cancel")[0] == 403
    assert reader.post(f"/jobs/{job.id}/cancel")[0] == 200


def test_each_kind_of_job_says_who_cancels_it() -> None:
    rooms = (helpdesk_jobs, run_jobs, serving_jobs, tickets_jobs)
    kinds = {one.name for room in rooms for one in vars(room).values() if isinstance(one, JobKind)}
    assert kinds == set(JOB_ACTIONS)
