"""Choosing what a guarantee is measured on, and telling apart what its runs learn, read every ticket: no work of a web
process. They come in by their doors: page, API."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.db import utc_now
from otai.errors import OtaiError
from otai.jobs import operations as jobs
from otai.jobs import queries as job_queries
from otai.jobs.folders import jobs_folder
from otai.jobs.models import Job
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs import jobs as run_jobs
from otai.runs.guarantee import queries
from otai.runs.models import Guarantee, Quote, Run
from otai.serving.deletion import delete_tickets
from otai.tickets import queries as tickets
from otai.tickets.files import file_store
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from tests import stories
from tests.api.callers import Program
from tests.runs.guarantees import agreed, improvement, included, quote, trained
from tests.waiting import until
from tests.web.visitors import member_of, of

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
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    return import_tickets(organisation=acme, name="support", source=source, now=now)


@pytest.fixture
def program(acme: Organisation) -> Program:
    return Program(acme)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, now))


@pytest.fixture
def not_here(monkeypatch: pytest.MonkeyPatch, support: DataSet) -> None:
    """In this process, nothing that reads tickets works any more."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the web process reads tickets")

    for where in ("learning.data.tickets.LabelledTickets.read_parquet", "runs.guarantee.holdout.choose",
                  "runs.guarantee.holdout.write_training_file", "runs.guarantee.holdout.text_keys",
                  "tickets.changing.text_keys_of"):  # fmt: skip
        monkeypatch.setattr(f"otai.{where}", refuse)


def ended(job: str) -> Job:
    return jobs.wait(jobs.Asked(Job.objects.get(id=job), None), seconds=60)


def files_of_guarantees() -> list[str]:
    return sorted(file_store().paths("guarantees"))


@pytest.mark.usefixtures("not_here")
def test_a_program_proposes_and_orders_and_may_wait_for_both(program: Program, support: DataSet) -> None:
    criteria = {"data_set": str(support.id), "criteria": ["queue accuracy 0.7"]}
    status, said = program.post("/guarantee/criteria", criteria, Prefer="respond-async")
    assert (status, said["kind"], said["subject"]) == (202, "holdout", "support v1")
    job = ended(said["id"])
    assert (job.status, job.rows_read > 0) == ("done", True)
    assert program.get(f"/jobs/{job.id}")[1]["result_url"] == "/api/v1/guarantees"
    guarantee = Guarantee.objects.get()
    assert (guarantee.status, guarantee.agreed_by) == ("agreed", "price book")

    # Asked twice, it is done once, and nobody reads anything for it.
    status, said = program.post("/guarantee/criteria", criteria)
    assert (status, said["status"], said["holdout_tickets"]) == (200, "agreed", guarantee.holdout_tickets)
    assert Job.objects.count() == 1 and len(files_of_guarantees()) == 1

    status, offered = program.post(
        "/quotes", {"data_set": str(support.id), "model_name": "support", "mode": "basic", "delivery": "standard"}
    )
    assert status == 201
    wanted = {"quote": offered["id"]}
    status, said = program.post("/guarantee/runs", wanted, Prefer="respond-async", **{"Idempotency-Key": "monday"})
    assert (status, said["kind"]) == (202, "included_run")
    assert ended(said["id"]).result == {"run": 1, "data_set": str(support.id)}
    assert program.get(f"/jobs/{said['id']}")[1]["result_url"] == "/api/v1/runs/1"
    status, again = program.post("/guarantee/runs", wanted, Prefer="wait=60")
    assert (status, again["number"], Run.objects.count()) == (201, 1, 1)
    until(lambda: list(jobs_folder().iterdir()), lambda left: not left)


@pytest.mark.usefixtures("not_here")
def test_alice_sees_how_far_it_is_and_goes_on_to_what_came_of_it(
    alice: Client, acme: Organisation, support: DataSet, settings: Any
) -> None:
    settings.OTAI_JOBS_WAIT_SECONDS = 0
    proposal = {"proposed": "1", "in-0": "1", "metric-0": "accuracy", "threshold-0": "70", "data_set": str(support.id)}
    twice = [alice.post("/acme/guarantee/propose", proposal)["Location"] for _ in range(2)]
    # The second may come when the first has just ended; then it finds nothing left to do, below.
    job = Job.objects.filter(kind="holdout").earliest("id")
    assert twice[0] == f"/acme/jobs/{job.id}/"
    page = alice.get(twice[0], follow=True).content.decode()
    assert "Choosing the tickets to measure on" in page or "Begins next" in page or "Agreed." in page
    ended(str(job.id))
    page = alice.get(twice[0], follow=True).content.decode()
    assert "Agreed. The tickets to measure on are fixed." in page
    assert [one.move for one in queries.events(Guarantee.objects.get())].count("criteria_proposed") == 1

    before = ledger.balance(acme.id).available
    order = {"data_set": str(support.id), "mode": "basic", "delivery": "fast",
             "key": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}  # fmt: skip
    [first, second] = [alice.post("/acme/guarantee/order", order)["Location"] for _ in range(2)]
    job = Job.objects.get(kind="included_run")
    assert first == f"/acme/jobs/{job.id}/" and second in (first, "/acme/runs/1/")
    ended(str(job.id))
    assert alice.get(first)["Location"] == "/acme/runs/1/"
    assert (Run.objects.count(), ledger.balance(acme.id).available) == (1, before)


@pytest.mark.usefixtures("not_here")
def test_what_a_job_refuses_is_said_at_the_door_and_leaves_nothing(
    program: Program, alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    few = stories.tickets_of(acme, tmp_path, now, name="few")
    status, said = program.post(
        "/guarantee/criteria", {"data_set": str(few.id), "criteria": ["queue accuracy 0.7"]}, Prefer="wait=60"
    )
    assert (status, said["error"]["code"]) == (422, "criteria_invalid")
    proposal = {"proposed": "1", "in-0": "1", "metric-0": "accuracy", "threshold-0": "70", "data_set": str(few.id)}
    assert "at least 50" in alice.post("/acme/guarantee/propose", proposal, follow=True).content.decode()
    assert (Guarantee.objects.get().criteria, files_of_guarantees()) == ([], [])


@pytest.mark.parametrize("end", ["cancelled", "tickets deleted", "process gone"])
def test_a_proposal_that_does_not_come_to_its_end_leaves_nothing(
    end: str, acme: Organisation, support: DataSet, now: datetime
) -> None:
    asked = run_jobs.ask_to_propose(
        organisation=acme, data_set=support, criteria=agreed_criteria(), who="alice", now=now
    )
    assert isinstance(asked, jobs.Asked)
    if end == "cancelled":
        jobs.cancel(Job.objects.get(id=asked.job.id), now=now)
    elif end == "tickets deleted":
        delete_tickets(organisation=acme, data_sets=[support], who="alice", now=now)
    else:
        Job.objects.filter(id=asked.job.id).update(owner=asked.job.owner.rpartition("/")[0] + "/999999999.1")
        jobs.sweep(now=now)
    job = jobs.wait(asked, seconds=60)
    assert job.status == ("failed" if end == "process gone" else "cancelled")
    assert (Guarantee.objects.get().criteria, files_of_guarantees()) == ([], [])
    until(lambda: list(jobs_folder().iterdir()), lambda left: not left)


def agreed_criteria() -> list[Any]:
    from otai.learning.evidence.acceptance import Criterion

    return [Criterion.parse("queue accuracy 0.7")]


def test_the_quote_was_good_when_alice_said_yes_and_only_one_order_is_taken(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    agreed(acme, support, now)
    asked = []
    for who in ("alice", "bob"):
        offered = quote(acme, support, now)
        asked.append(run_jobs.ask_to_order(organisation=acme, quote=offered.id, improvement=False, who=who, now=now))
    # While the jobs wait for their turn, the quotes' time runs out.
    Quote.objects.update(made_at=now - timedelta(hours=1), expires_at=now + timedelta(microseconds=1))
    first, second = (jobs.wait(one, seconds=60) for one in asked)  # type: ignore[arg-type]
    assert (first.status, first.result["run"]) == ("done", 1)  # type: ignore[index]
    with pytest.raises(OtaiError) as refused:
        job_queries.refuse_if_failed(second)
    assert refused.value.code == "criteria_not_agreed"
    assert (Run.objects.count(), len(files_of_guarantees())) == (1, 2)


@pytest.mark.parametrize("was_read", [True, False], ids=["tickets were read", "job still waits"])
def test_an_order_that_waits_is_for_the_criteria_it_was_given_for(
    was_read: bool, acme: Organisation, support: DataSet, tmp_path: Path, now: datetime
) -> None:
    """Bob agrees on others meanwhile: Alice's run would learn from tickets that it is measured on."""
    before = agreed(acme, support, now)
    path = file_store().local_path(before.holdout_file)
    held = path.read_bytes()
    asked = run_jobs.ask_to_order(
        organisation=acme, quote=quote(acme, support, now).id, improvement=False, who="alice", now=now
    )
    assert isinstance(asked, jobs.Asked)
    source = stories.write_tickets(tmp_path / "more.csv", tickets=320, seed=2)
    second = import_tickets(organisation=acme, name="support", source=source, now=now)
    after = agreed(acme, second, now, "queue accuracy 0.6")
    assert after.holdout_sha256 != before.holdout_sha256 and not path.exists()
    if was_read:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held)
    job = jobs.wait(asked, seconds=60)
    path.unlink(missing_ok=True)
    assert (job.status, job.error_code, job.error_case) == ("failed", "criteria_not_agreed", "others_meanwhile")
    assert not Run.objects.exists() and files_of_guarantees() == [after.holdout_file]
    # What Bob agreed on can be ordered.
    assert included(acme, second, now).number == 1


def test_the_page_and_the_download_read_no_ticket_but_those_that_are_measured(
    alice: Client, acme: Organisation, support: DataSet, tmp_path: Path, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    trained(now, queue=0.5)
    held = file_store().local_path(guarantee.holdout_file)
    subject = tickets_at(held)[0]
    rows = (tmp_path / "support.csv").read_text().splitlines()
    changed = [
        row.replace(",billing,", ",!,").replace(",network,", ",billing,").replace(",!,", ",network,")
        if row.startswith(f"{subject},")
        else row
        for row in rows
    ]
    (tmp_path / "second.csv").write_text("\n".join(changed))
    second = import_tickets(organisation=acme, name="support", source=tmp_path / "second.csv", now=now)
    improvement(acme, second, now)
    guarantee.refresh_from_db()
    corrected = queries.corrections(guarantee)
    assert queries.corrected_labels(guarantee) == len(corrected) == 1

    # With both data sets out of reach, the page and the download answer as before.
    for path in DataSet.objects.values_list("file", flat=True):
        file_store().local_path(path).rename(tmp_path / path.rpartition("/")[2])
    page = alice.get("/acme/guarantee/").content.decode()
    assert "were corrected" in page
    lines = b"".join(alice.get("/acme/guarantee/community/tickets.csv").streaming_content)  # type: ignore[attr-defined]
    text = lines.decode().splitlines()
    assert text[0].endswith("queue (corrected)") and len(text) == guarantee.holdout_tickets + 1
    assert sum(line.rpartition(",")[2] == corrected[0].now for line in text[1:]) == 1


def tickets_at(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_table(path)["subject"].to_pylist())


def test_the_parting_is_the_same_however_the_tickets_lie_in_the_file(
    acme: Organisation, support: DataSet, tmp_path: Path, now: datetime
) -> None:
    """A part of a large data set is in memory at once: what is found does not hang on where a part ends."""
    import pyarrow.parquet as pq

    from otai.learning.data.attributes import AttributeSpec
    from otai.runs.guarantee import files, holdout

    whole = files.tickets_of(support)
    parts = tmp_path / "parts.parquet"
    pq.write_table(pq.read_table(whole), parts, row_group_size=7)
    made = []
    for source in (whole, parts):
        chosen = holdout.choose(source, [AttributeSpec("queue")], share=0.2, into=tmp_path / "held.parquet")
        named = {"names": ["queue"], "own_ids": False, "called": "support v1", "into": tmp_path / "made.parquet"}
        told = holdout.write_training_file(source, tmp_path / "held.parquet", **named)
        made.append((chosen, told, pq.read_table(tmp_path / "made.parquet").to_pydict()))
    assert made[0] == made[1]
    assert made[0][1].tickets == support.tickets == len(made[0][2]["ticket"])
    assert tickets.text_rules(support) == holdout.LabelledTickets.read_parquet(tmp_path / "made.parquet").text_rules
