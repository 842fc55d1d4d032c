"""Jobs: whatever the work does, its process ends, its row says why, and nothing is left behind."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import IntegrityError, connection, transaction

from otai.errors import Invalid, OtaiError
from otai.jobs import operations, queries
from otai.jobs.admission import place_in_queue, take_place
from otai.jobs.conducting import work_alone
from otai.jobs.folders import folder_of, jobs_folder
from otai.jobs.models import Job
from otai.jobs.operations import Asked, JobHasEnded, TooManyJobs
from otai.jobs.server import server
from otai.jobs.status import MOVES, OPEN, JobStatus
from otai.jobs.work import JobKind, JobLane
from otai.orgs.models import Organisation
from otai.orgs.operations import create_organisation
from otai.serving.jobs import VERSION
from otai.tickets.jobs import IMPORT, long_bounds
from tests.jobs.work import Failing, kind

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def work_can_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fork server finds this work as it finds the product's: by import."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


def ask(organisation: Organisation, kind: JobKind, now: datetime, *, secret: str = "", **spec: Any) -> Asked:
    return operations.ask(
        organisation=organisation, kind=kind, spec=spec, subject="a file", who="alice", now=now, secret=secret
    )


def test_alice_gets_the_answer_and_nothing_is_left(acme: Organisation, now: datetime) -> None:
    job = operations.wait(ask(acme, kind("answer"), now, say="hello"), seconds=None)
    assert (job.status, job.result) == ("done", {"said": "hello", "settings": []})
    assert job.started_at is not None
    assert job.ended_at is not None
    assert not folder_of(job.id).exists()


@pytest.fixture
def around(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What lies around a job: a secret key, a port that answers, and a database's socket at a path."""
    key = Path(settings.OTAI_HOME) / "secret-key"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text("very secret")
    # The path of a socket is short.
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket(socket.AF_UNIX) as database:
        database.bind("s")
        database.listen()
        yield {"port": listening.getsockname()[1], "socket": str(tmp_path / "s"), "hidden": [str(key)]}
    assert key.read_text() == "very secret", "it is hidden from the job alone"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_a_job_has_no_network_and_sees_neither_the_secret_key_nor_whoever_began_it(
    acme: Organisation, now: datetime, monkeypatch: pytest.MonkeyPatch, around: dict[str, Any]
) -> None:
    found = operations.wait(ask(acme, kind("look_around"), now, **around), seconds=None).result
    monkeypatch.setenv("OTAI_CONFINE_JOBS", "0")
    left = operations.wait(ask(acme, kind("look_around"), now, **around), seconds=None).result
    reached = (left["network"], left["socket"], left["hidden"])
    assert reached == ("reached", "reached", ["very secret"]), "where an operator says so"
    assert found["secrets"] == left["secrets"] == []
    if "Not confined" in found["said"]:
        assert subprocess.run(["unshare", "--user", "--net", "--mount", "true"], check=False).returncode != 0
        pytest.skip("this system lets no user make namespaces")
    assert found["network"] == found["socket"] == "ConnectionRefusedError", "nor a database that listens at a path"
    assert found["hidden"] == ["FileNotFoundError"] and found["rights"] == ["0000000000000000"]
    assert found["who began it"] == "PermissionError", "nor the memory of other jobs, which are its children too"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_a_job_that_reaches_out_has_a_network_and_a_secret_until_it_leaves_them(
    acme: Organisation, now: datetime, around: dict[str, Any]
) -> None:
    asked = ask(acme, kind("reach_out", lane=JobLane.AWAY, reaches_out=True), now, secret="whispered", **around)
    found = operations.wait(asked, seconds=None).result
    assert found["secret"] == "whispered" and "secret" not in found["left"], "it was in no file, and the pipe is gone"
    assert found["before"]["network"] == "reached" and found["after"]["network"] == "PermissionError"
    if "Not confined" in found["before"]["said"]:
        pytest.skip("this system lets no user make namespaces")
    assert found["before"]["socket"] == found["after"]["socket"] == "PermissionError"
    assert found["before"]["hidden"] == ["FileNotFoundError"] and found["before"]["rights"] == ["0000000000000000"]


def test_what_the_work_refuses_is_said_as_it_said_it(acme: Organisation, now: datetime) -> None:
    job = operations.wait(ask(acme, kind("refuse"), now), seconds=None)
    error = queries.error_of(job)
    assert error is not None
    assert (error.kind, error.code, error.message, error.details) == (
        "invalid", "no_table", "This is no table.", {"row": 7}
    )  # fmt: skip
    assert not folder_of(job.id).exists()


@pytest.mark.parametrize(
    ("work", "bounds", "code"),
    [
        ("eat", {}, "job_out_of_memory"),
        ("spin", {"cpu_seconds": 1}, "job_took_too_long"),
        ("spin", {"wall_seconds": 1.0}, "job_took_too_long"),
        ("write", {}, "job_too_large"),
        ("die", {}, "job_died"),
        ("raise_", {}, "job_died"),
    ],
)
def test_a_bound_ends_the_work_and_says_which(
    acme: Organisation, now: datetime, work: str, bounds: dict[str, Any], code: str
) -> None:
    began = time.monotonic()
    job = operations.wait(ask(acme, kind(work, **bounds), now), seconds=None)
    assert time.monotonic() - began < 20
    assert (job.status, job.error_code) == ("failed", code)
    assert not folder_of(job.id).exists()
    # The next one has a process to work in.
    assert operations.wait(ask(acme, kind("answer"), now, say="next"), seconds=None).is_done


def test_a_file_that_breaks_its_reader_off_is_refused_as_its_kind_says(acme: Organisation, now: datetime) -> None:
    reads_files = dataclasses.replace(kind("die"), broken_off=lambda: Invalid("file_harms", code="dataset_invalid"))
    job = operations.wait(ask(acme, reads_files, now), seconds=None)
    assert (job.status, job.error_kind, job.error_code) == ("failed", "invalid", "dataset_invalid")
    assert not folder_of(job.id).exists()
    with operations.folder_without_row() as folder, pytest.raises(Invalid, match="made to harm"):
        work_alone(reads_files, {}, folder)


def test_a_library_that_aborts_at_the_bound_of_memory_says_nothing_about_the_file(
    acme: Organisation, now: datetime
) -> None:
    """A large file of an honest customer: it is no file "damaged, or made to harm"."""
    aborts = kind("abort_for_memory")
    reads_files = dataclasses.replace(aborts, broken_off=lambda: Invalid("file_harms", code="dataset_invalid"))
    for one in (reads_files, aborts):
        job = operations.wait(ask(acme, one, now), seconds=None)
        assert (job.status, job.error_code) == ("failed", "job_out_of_memory")
    with operations.folder_without_row() as folder, pytest.raises(OtaiError) as refused:
        work_alone(reads_files, {}, folder)
    assert refused.value.code == "job_out_of_memory"


def test_a_result_that_cannot_be_recorded_leaves_a_failed_job(acme: Organisation, now: datetime) -> None:
    failing = JobKind("answer", "tests.jobs.work:answer", JobLane.QUICK, kind("answer").bounds, Failing())
    job = operations.wait(ask(acme, failing, now, say="x"), seconds=None)
    assert (job.status, job.error_code, job.result) == ("failed", "not_recorded", None)


def cancelling(job: Job, now: datetime) -> Callable[[Job], None]:
    def look(at: Job) -> None:
        # Somebody else does it, through a row of their own.
        if Job.objects.filter(id=job.id, status="running", rows_read__gt=2).exists():
            operations.cancel(Job.objects.get(id=job.id), now=now)

    return look


def test_a_cancelled_job_is_killed_with_all_it_started(acme: Organisation, now: datetime, tmp_path: Path) -> None:
    asked = ask(acme, kind("sleep"), now, pids=str(tmp_path / "pids"))
    job = operations.wait(asked, seconds=None, on_progress=cancelling(asked.job, now))
    assert job.status == "cancelled"
    assert job.bytes_read > 0
    assert job.bytes_total == 1200
    assert_gone(*map(int, (tmp_path / "pids").read_text().split()))
    assert not Path((tmp_path / "unpacked").read_text()).exists(), "what it unpacks on the way is the job's as well"
    with pytest.raises(JobHasEnded):
        operations.cancel(job, now=now)


def assert_gone(*pids: int) -> None:
    until = time.monotonic() + 5
    while time.monotonic() < until and any(is_alive(pid) for pid in pids):
        time.sleep(0.05)
    assert not [pid for pid in pids if is_alive(pid)]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_when_the_server_of_jobs_dies_its_jobs_die_and_the_next_has_a_new_one(
    acme: Organisation, now: datetime, tmp_path: Path
) -> None:
    def kill(job: Job) -> None:
        if job.rows_read:
            psutil.Process(server().pid).kill()

    job = operations.wait(ask(acme, kind("sleep"), now, pids=str(tmp_path / "pids")), seconds=None, on_progress=kill)
    assert (job.status, job.error_code) == ("failed", "job_died")
    assert_gone(int((tmp_path / "pids").read_text().split()[0]))
    assert operations.wait(ask(acme, kind("answer"), now, say="next"), seconds=None).is_done


def test_the_same_question_is_one_flight_and_carol_flies_her_own(
    acme: Organisation, globex: Organisation, now: datetime
) -> None:
    first = ask(acme, kind("answer"), now, say="hello")
    again = ask(acme, kind("answer"), now, say="hello")
    assert again.job.id == first.job.id
    assert again.conducting is None
    assert ask(acme, kind("answer"), now, say="else").job.id != first.job.id
    assert ask(globex, kind("answer"), now, say="hello").job.id != first.job.id


def test_a_file_is_the_jobs_own_and_tells_questions_apart(acme: Organisation, now: datetime, tmp_path: Path) -> None:
    source = tmp_path / "tickets.csv"
    jobs = []
    for content in ("one", "one", "two"):
        source.write_text(content)
        asked = operations.ask(
            organisation=acme, kind=kind("answer"), spec={"say": "x"}, subject="t", who="alice", now=now, source=source
        )
        jobs.append(asked.job.id)
        source.unlink()
    assert jobs[0] == jobs[1] != jobs[2]
    assert (folder_of(jobs[0]) / "source").read_text() == "one"


def test_places_go_by_order_and_no_organisation_takes_them_all(
    acme: Organisation, globex: Organisation, now: datetime, settings: Any
) -> None:
    settings.OTAI_JOBS_AT_ONCE = 2
    slow = kind("answer", lane=JobLane.LONG)
    of_acme = [ask(acme, slow, now + timedelta(seconds=n), say=n).job for n in range(3)]
    of_globex = ask(globex, slow, now + timedelta(seconds=9), say="x").job
    soon = Job.objects.order_by("-heartbeat_at")[0].heartbeat_at
    assert [place_in_queue(job, now=soon) for job in (*of_acme, of_globex)] == [1, 2, 3, 4]
    assert not take_place(of_acme[1], now=soon)
    assert take_place(of_acme[0], now=soon)
    assert not take_place(of_acme[1], now=soon)
    assert take_place(of_globex, now=soon)
    operations.cancel(of_acme[0], now=now)
    assert not take_place(of_acme[2], now=soon)
    assert take_place(of_acme[1], now=soon)


def test_a_small_file_of_bobs_does_not_hold_a_place_for_an_hour(
    acme: Organisation, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.jobs.work.seconds_of_any_file", 1)
    source = tmp_path / "small.csv"
    source.write_bytes(b"x" * 10_000)
    asked = operations.ask(
        organisation=acme,
        kind=kind("spin", lane=JobLane.LONG, by_size=True, cpu_seconds=3600, wall_seconds=3600.0),
        spec={},
        subject="small.csv",
        who="bob",
        now=now,
        source=source,
    )
    job = operations.wait(asked, seconds=30)
    assert job.error_code == "job_took_too_long"
    assert job.error_values["seconds"] == 2, "as long as it had, not an hour"


def test_an_import_has_time_by_its_size_up_to_the_bound() -> None:
    bounds = kind("spin", cpu_seconds=3600, wall_seconds=3600.0).bounds()
    assert [bounds.for_a_file(size).cpu_seconds for size in (0, 100_000, 1_900_000, 1 << 30)] == [120, 130, 310, 3600]


def test_an_import_has_time_by_all_that_it_reads_and_other_jobs_have_their_whole_bound(tmp_path: Path) -> None:
    sizes = {"first.csv": 1_000, "second.csv": 100_000, "base.parquet": 900_000}
    first, second, base = (str(tmp_path / name) for name in sizes)
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    seconds = long_bounds().cpu_seconds
    spec: dict[str, Any] = {"source": first, "further": [], "before": None}
    assert IMPORT.bounds_for(spec).cpu_seconds < IMPORT.bounds_for({**spec, "further": [second]}).cpu_seconds
    grown = {**spec, "before": {"path": base, "version": 1, "has_ids": True}}
    assert IMPORT.bounds_for(grown).cpu_seconds > IMPORT.bounds_for({**spec, "further": [second]}).cpu_seconds
    assert IMPORT.bounds_for({**spec, "further": ["/nowhere"]}).cpu_seconds == seconds
    for other in ({"source": None}, {"source": first}):
        assert VERSION.bounds_for(other).cpu_seconds == seconds


def test_carols_import_begins_beside_a_long_one_of_bobs_on_a_machine_of_two_cores(
    acme: Organisation, globex: Organisation, now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OTAI_JOBS_AT_ONCE = 0
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    slow = kind("answer", lane=JobLane.LONG)
    first, second = (ask(acme, slow, now + timedelta(seconds=n), say=n).job for n in range(2))
    of_globex = ask(globex, slow, now + timedelta(seconds=9), say="x").job
    soon = Job.objects.order_by("-heartbeat_at")[0].heartbeat_at
    assert take_place(first, now=soon)
    assert not take_place(second, now=soon)
    assert take_place(of_globex, now=soon)


def test_an_organisation_may_have_so_many_jobs_open(acme: Organisation, globex: Organisation, now: datetime) -> None:
    for number in range(operations.most_open_of_one):
        ask(acme, kind("answer"), now, say=number)
    with pytest.raises(TooManyJobs):
        ask(acme, kind("answer"), now, say="one more")
    ask(globex, kind("answer"), now, say="hello")
    assert len(list(jobs_folder().iterdir())) == operations.most_open_of_one + 1


def test_a_machine_has_so_many_jobs_open_whoever_asks(
    acme: Organisation, globex: Organisation, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "most_open_of_a_machine", 2)
    initech = create_organisation(slug="initech", name="Initech", time_zone="UTC", now=now)
    for one in (acme, globex):
        ask(one, kind("answer"), now, say="hello")
    with pytest.raises(TooManyJobs) as refused:
        ask(initech, kind("answer"), now, say="hello")
    assert refused.value.case == "all"
    assert not Job.objects.filter(organisation=initech).exists()
    assert len(list(jobs_folder().iterdir())) == 2
    # Another machine's jobs take no place on this one.
    Job.objects.filter(organisation=globex).update(machine="elsewhere")
    ask(initech, kind("answer"), now, say="hello")


def test_a_job_whose_process_is_gone_is_found_and_ended(
    acme: Organisation, globex: Organisation, now: datetime
) -> None:
    job = ask(acme, kind("answer"), now, say="hello").job
    boot = job.owner.rsplit("/", 1)[0]
    Job.objects.filter(id=job.id).update(owner=f"{boot}/{2**22 + 7}.1")
    found = queries.job_with_id(acme, job.id)
    assert (found.status, found.error_code) == ("failed", "job_lost")
    assert not folder_of(job.id).exists()
    # Each reader is told in their language, also where a release before kept the English sentence.
    Job.objects.filter(id=job.id).update(error_message="It was lost.")
    for kept in (found, queries.job_with_id(acme, job.id)):
        error = queries.error_of(kept)
        assert error is not None and error.said("page", "fr").startswith("Le Studio a été arrêté")
    from otai.errors import NotFound

    with pytest.raises(NotFound):
        queries.job_with_id(globex, job.id)


def test_a_silent_job_of_another_machine_is_swept(acme: Organisation, now: datetime) -> None:
    job = ask(acme, kind("answer"), now, say="hello").job
    Job.objects.filter(id=job.id).update(owner="elsewhere/boot.1/7.1", heartbeat_at=now)
    operations.sweep(now=now + timedelta(seconds=30))
    assert Job.objects.get(id=job.id).status == "queued"
    operations.sweep(now=now + timedelta(seconds=90))
    assert Job.objects.get(id=job.id).error_code == "job_lost"


def test_old_answers_and_what_broken_uploads_left_are_swept(acme: Organisation, now: datetime) -> None:
    from otai.jobs.folders import arrivals_folder

    job = operations.wait(ask(acme, kind("answer"), now, say="hello"), seconds=None)
    waiting = ask(acme, kind("answer"), now, say="waits").job
    left = (jobs_folder() / "left", arrivals_folder() / "broken", folder_of(waiting.id))
    for folder in left:
        folder.mkdir(exist_ok=True)
        os.utime(folder, (0, 0))
    assert job.ended_at is not None
    operations.sweep(now=job.ended_at + timedelta(hours=25))
    assert not Job.objects.filter(id=job.id).exists()
    assert [folder.exists() for folder in left[:2]] == [False, False]


def test_uploads_that_nobody_settled_are_swept(acme: Organisation, now: datetime) -> None:
    from otai.jobs.folders import uploads_folder

    aged, fresh = (uploads_folder() / str(acme.id) / name for name in ("aged", "fresh"))
    for folder in (aged, fresh):
        folder.mkdir(parents=True)
        (folder / "tickets.csv").write_text("text,queue\nThe printer is on fire,it\n")
    then = time.time() - operations.upload_waits_seconds
    os.utime(aged, (then - 60, then - 60))
    os.utime(fresh, (then + 60, then + 60))
    operations.sweep(now=now)
    assert [folder.exists() for folder in (aged, fresh)] == [False, True]


def test_every_move_is_known_and_ends_are_ends() -> None:
    assert {status for status, following in MOVES.items() if following} == OPEN
    assert all(following <= set(JobStatus) for following in MOVES.values())


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"status": "lost", "ended_at": "now"}, "jobs_job_status_is_known"),
        ({"status": "done", "started_at": "now"}, "jobs_job_has_an_end_exactly_when_ended"),
        ({"ended_at": "now"}, "jobs_job_has_an_end_exactly_when_ended"),
        ({"status": "failed", "ended_at": "now"}, "jobs_job_has_an_error_exactly_when_failed"),
        ({"error_code": "x"}, "jobs_job_has_an_error_exactly_when_failed"),
        ({"status": "running"}, "jobs_job_that_runs_has_begun"),
    ],
)
def test_the_database_refuses(acme: Organisation, now: datetime, wrong: dict[str, Any], constraint: str) -> None:
    job = ask(acme, kind("answer"), now, say="hello").job
    values = {name: now if value == "now" else value for name, value in wrong.items()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Job.objects.filter(id=job.id).update(**values)


def test_the_database_knows_one_open_job_for_a_question(acme: Organisation, now: datetime) -> None:
    job = ask(acme, kind("answer"), now, say="hello").job
    job.pk = None
    job.id = operations.new_id()
    rule = "jobs_job_one_flight_for_a_question" if connection.vendor == "postgresql" else "jobs_job.question"
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        job.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_a_job_goes_on_without_whoever_asked(acme: Organisation, now: datetime) -> None:
    job = operations.wait(ask(acme, kind("answer"), now, say="later"), seconds=0)
    until = time.monotonic() + 20
    while not job.has_ended and time.monotonic() < until:
        time.sleep(0.1)
        job = queries.job_with_id(acme, job.id)
    assert job.is_done


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_ask_the_same_at_once_get_one_job(acme: Organisation, now: datetime, tmp_path: Path) -> None:
    found: list[Job] = []

    def one() -> None:
        try:
            asked = ask(acme, kind("sleep"), now, pids=str(tmp_path / "pids"))
            found.append(operations.wait(asked, seconds=0))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [job] = Job.objects.all()
    assert [each.id for each in found] == [job.id] * 16
    until = time.monotonic() + 20
    while not (tmp_path / "pids").exists() and time.monotonic() < until:
        time.sleep(0.1)
    operations.cancel(job, now=now)
    assert_gone(*map(int, (tmp_path / "pids").read_text().split()))
    while folder_of(job.id).exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not folder_of(job.id).exists()
