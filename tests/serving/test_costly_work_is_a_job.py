"""What reads every ticket of a data set is no work of a web process: versions made of feedback and corrections, looks
at new tickets, and the search for what goes with tickets. Each is a job, and comes in by its doors: page, API."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.db import utc_now
from otai.jobs import operations as jobs
from otai.jobs.folders import arrivals_folder, jobs_folder
from otai.jobs.models import Job
from otai.orgs.models import Organisation
from otai.serving import advice, feedback, versions
from otai.serving import jobs as serving_jobs
from otai.serving.deletion import delete_tickets
from otai.serving.feedback import Correction
from otai.serving.models import Advice, Feedback, ModelVersion
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program
from tests.serving.training_here import trained
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    """Pages and programs read the clock themselves."""
    return utc_now()


@pytest.fixture
def acme(settings: Any, tmp_path: Path, now: datetime) -> Organisation:
    settings.OTAI_HOME = tmp_path / "home"
    settings.OTAI_FILES = (tmp_path / "home" / "files").as_uri()
    return stories.acme(now)


@pytest.fixture
def not_here(monkeypatch: pytest.MonkeyPatch, version: ModelVersion) -> None:
    """In this process, nothing that reads tickets works any more."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the web process reads tickets")

    for where in ("tickets.versions.change", "tickets.changing.change", "serving.advice.looks.look",
        "serving.looking.look",
                  "serving.deletion.matching", "serving.work.matching"):  # fmt: skip
        monkeypatch.setattr(f"otai.{where}", refuse)


def bob_says(version: ModelVersion, *texts: str, key: str = "monday") -> None:
    given = [Correction(text, {"queue": ("facilities",)}) for text in texts]
    feedback.give(version=version, corrections=given, by="bob", key=key, now=utc_now())


def text_of_first(data_set: DataSet) -> str:
    first = next(tickets.tickets(data_set))
    return f"{first['subject']}\n{first['body']}"


def ended(program: Program, job: dict[str, Any]) -> dict[str, Any]:
    """The job when it has ended, as the API tells of it."""
    found = Job.objects.get(id=job["id"])
    jobs.wait(jobs.Asked(found, None), seconds=60)
    status, said = program.get(f"/jobs/{job['id']}")
    assert status == 200 and said["ended_at"]
    return dict(said)


def assert_nothing_is_left() -> None:
    """The row says that a job is done a moment before its folder is gone."""
    until(lambda: [*jobs_folder().iterdir(), *arrivals_folder().iterdir()], lambda left: not left)


@pytest.mark.usefixtures("not_here")
def test_feedback_is_merged_by_a_job_that_a_program_may_wait_for(
    program: Program, support: DataSet, version: ModelVersion
) -> None:
    bob_says(version, text_of_first(support), "the coffee machine leaks")
    status, said = program.post("/models/support/feedback/merge", Prefer="respond-async")
    assert (status, said["kind"], said["subject"]) == (202, "next_version", "support v1")
    done = ended(program, said)
    made = DataSet.objects.get(version=2)
    assert done["result"] == {"data_set": str(made.id), "changed": 1, "added": 1}
    assert done["result_url"] == f"/api/v1/data-sets/{made.id}"
    assert (made.tickets, feedback.offer(version.model.organisation, "support").statements) == (151, 0)
    assert set(Feedback.objects.values_list("merged_into__version", flat=True)) == {2}
    assert program.post("/models/support/feedback/merge")[0] == 409, "nothing waits"

    bob_says(version, "the lift is stuck", key="tuesday")
    status, said = program.post("/models/support/feedback/merge", Prefer="wait=60")
    assert (status, said["data_set"]["version"], said["changed"], said["added"]) == (201, 3, 0, 1)
    assert_nothing_is_left()


@pytest.mark.usefixtures("not_here")
def test_a_merge_that_is_cancelled_leaves_the_feedback_waiting(
    acme: Organisation, version: ModelVersion, now: datetime
) -> None:
    bob_says(version, "the coffee machine leaks")
    asked = serving_jobs.ask_to_merge(organisation=acme, name="support", by="alice", now=now)
    again = serving_jobs.ask_to_merge(organisation=acme, name="support", by="alice", now=now)
    assert again.job.id == asked.job.id, "who asks the same gets the same"
    jobs.cancel(Job.objects.get(id=asked.job.id), now=now)
    assert jobs.wait(asked, seconds=60).status == "cancelled"
    assert (DataSet.objects.count(), feedback.offer(acme, "support").statements) == (1, 1)
    assert_nothing_is_left()


def test_a_version_that_somebody_made_meanwhile_is_not_lost(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    bob_says(version, "the coffee machine leaks")
    asked = serving_jobs.ask_to_merge(organisation=acme, name="support", by="alice", now=now)
    first = next(tickets.tickets(support))
    feedback.correct_labels(data_set=support, labels=[(str(first["ticket"]), "queue", ("other",))], by="bob", now=now)
    job = jobs.wait(asked, seconds=60)
    with pytest.raises(serving_jobs.ChangedMeanwhile):
        serving_jobs.refuse_if_failed(job)
    assert (DataSet.objects.count(), feedback.offer(acme, "support").statements) == (2, 1)


def test_tickets_that_are_deleted_meanwhile_do_not_come_back_as_a_version(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    bob_says(version, "the coffee machine leaks")
    asked = serving_jobs.ask_to_merge(organisation=acme, name="support", by="alice", now=now)
    delete_tickets(organisation=acme, data_sets=[support], who="alice", now=now)
    assert jobs.wait(asked, seconds=60).status == "cancelled"
    assert DataSet.objects.filter(deleted_at=None).count() == 0
    assert_nothing_is_left()


@pytest.mark.usefixtures("not_here")
def test_labels_are_corrected_by_a_job_and_what_it_refuses_is_said(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    first = next(tickets.tickets(support))

    def corrected(ticket: str) -> Job:
        labels = [(ticket, "queue", ("facilities",))]
        return jobs.wait(serving_jobs.ask_to_correct(data_set=support, labels=labels, by="alice", now=now), seconds=60)

    with pytest.raises(feedback_refusal(), match="no ticket “T-none”"):
        serving_jobs.refuse_if_failed(corrected("T-none"))
    job = corrected(str(first["ticket"]))
    assert job.result is not None and job.result["changed"] == 1
    [change] = versions.label_changes_of(trained(acme, DataSet.objects.get(version=2), now + timedelta(days=1)))
    assert (change["kind"], change["changes"][0]["now"]) == ("labels_corrected", ["facilities"])


def feedback_refusal() -> type[Exception]:
    from otai.tickets.versions import ChangeInvalid

    return ChangeInvalid


@pytest.mark.usefixtures("not_here")
def test_a_look_at_new_tickets_is_a_job_and_its_advice_is_written(
    program: Program, alice: Client, acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    assert program.post("/models/support/look") == (200, {"items": []}), "nothing is new: nothing is read"
    assert not Job.objects.exists()
    bob_says(version, *(f"the coffee machine leaks {n}" for n in range(40)))
    merged = jobs.wait(serving_jobs.ask_to_merge(organisation=acme, name="support", by="alice", now=now), seconds=60)
    assert merged.is_done
    status, said = program.post("/models/support/look", Prefer="respond-async")
    assert (status, said["kind"]) == (202, "look")
    result = ended(program, said)["result"]
    [given] = Advice.objects.all()
    assert (result["advice"], given.kind) == ([str(given.id)], "labels_changed")
    assert given.evidence[0]["added"] == ["facilities"]
    status, said = program.post("/models/support/look", Prefer="wait=60")
    assert (status, [one["id"] for one in said["items"]]) == (200, [str(given.id)])

    page = alice.post(f"/acme/models/{version.model_id}/look", follow=True)
    assert "1 piece of advice." in page.content.decode()
    assert [one.id for one in advice.open_advice(version)] == [given.id]
    assert_nothing_is_left()


@pytest.mark.usefixtures("not_here")
def test_what_goes_with_tickets_is_found_and_deleted_by_jobs(
    program: Program, support: DataSet, version: ModelVersion
) -> None:
    bob_says(version, text_of_first(support), "the coffee machine leaks")
    address = f"/data-sets/{support.id}"
    status, said = program.get(f"{address}/deletion", Prefer="respond-async")
    assert (status, said["kind"]) == (202, "same_texts")
    assert ended(program, said)["result"] == {"feedback": 1, "asked_about": 0}
    status, said = program.get(f"{address}/deletion", Prefer="respond-async")
    assert (status, said["feedback"]) == (200, 1), "the answer of a moment ago is still true"
    assert Job.objects.count() == 1
    bob_says(version, text_of_first(support).upper(), key="tuesday")
    assert program.get(f"{address}/deletion", Prefer="wait=60")[1]["feedback"] == 2, "and asked anew when it is not"

    answer = program.call("DELETE", address, Prefer="respond-async")
    said = answer.json()
    assert (answer.status_code, said["kind"]) == (202, "deletion")
    done = ended(program, said)
    assert (done["status"], done["result"]["data_sets"]) == ("done", ["support v1"])
    assert list(Feedback.objects.values_list("text", flat=True)) == ["the coffee machine leaks"]
    assert DataSet.objects.get().deleted_at is not None
    assert list(Job.objects.values_list("kind", flat=True)) == ["deletion"], (
        "what other jobs knew of the tickets is gone"
    )
    assert_nothing_is_left()
    assert program.call("DELETE", address).status_code == 204, "deleting again changes nothing"


@pytest.mark.usefixtures("not_here")
def test_alice_sees_on_the_page_how_far_the_search_is_and_deletes(
    alice: Client, settings: Any, support: DataSet, version: ModelVersion
) -> None:
    bob_says(version, text_of_first(support))
    address = f"/acme/tickets/{support.id}/delete"
    settings.OTAI_JOBS_WAIT_SECONDS = 0
    page = alice.get(address).content.decode()
    job = Job.objects.get()
    assert 'id="job"' in page and f"/acme/jobs/{job.id}/cancel" in page
    jobs.wait(jobs.Asked(job, None), seconds=60)
    assert "1 correction of these tickets" in alice.get(address).content.decode()
    answer = alice.post(address)
    deletion = Job.objects.get(kind="deletion")
    assert answer["Location"] == f"/acme/jobs/{deletion.id}/"
    jobs.wait(jobs.Asked(deletion, None), seconds=60)
    assert "The tickets of support v1 are deleted" in alice.get(answer["Location"], follow=True).content.decode()
    assert not Feedback.objects.exists()
