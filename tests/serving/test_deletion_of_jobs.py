"""Deleting tickets reaches what jobs and uploads keep of them: answers, refusals, folders, files that wait for
somebody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otai.db import new_id, utc_now
from otai.errors import NotFound
from otai.jobs import operations as jobs
from otai.jobs import queries as job_queries
from otai.jobs.conducting import Conducting
from otai.jobs.folders import folder_of, uploads_folder
from otai.jobs.models import Job
from otai.jobs.operations import Asked
from otai.jobs.status import JobStatus
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.serving.deletion import delete_tickets
from otai.tickets import jobs as tickets_jobs
from otai.tickets import waiting_uploads
from otai.tickets.erasing import finish_deletions, looked_at_again_after
from otai.tickets.models import DataSet, ExpectedQuality, TicketsDeleted
from otai.tickets.options import ImportOptions
from otai.tickets.queries import tickets_path
from otai.web import uploads
from tests import stories
from tests.leftovers import found_in_files, found_in_tables
from tests.web.visitors import columns_shown, member_of, of

pytestmark = pytest.mark.django_db(transaction=True)

WORD = "quirlenbast"
CSV = "subject,body,queue\n" + "".join(
    f"Printer {n},The {WORD} in room {n} is on fire,{'it' if n % 2 else 'hr'}\n" for n in range(40)
)


@pytest.fixture
def acme(settings: Any, tmp_path: Path) -> Organisation:
    settings.OTAI_HOME = tmp_path / "home"
    settings.OTAI_FILES = (tmp_path / "home" / "files").as_uri()
    return stories.acme(utc_now())


@pytest.fixture
def alice(acme: Organisation) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, utc_now()))


def delete(data_set: DataSet) -> None:
    delete_tickets(organisation=data_set.organisation, data_sets=[data_set], who="alice", now=utc_now())


def upload(alice: Client, name: str = "support.csv", content: str = CSV) -> str:
    answer = alice.post("/acme/tickets/upload", {"file": SimpleUploadedFile(name, content.encode())})
    assert answer.status_code == 302
    return str(answer["Location"])


def imported(alice: Client, name: str, columns: str) -> DataSet:
    alice.post(columns, {"name": name, **columns_shown(alice, columns)})
    return DataSet.objects.get(name=name)


def ask(acme: Organisation, source: Path, *, name: str = "", who: str = "alice", add: bool = False) -> Asked:
    """A look at the columns, or an import under a name; nothing of it has begun."""
    if not name:
        return tickets_jobs.ask_for_preview(
            organisation=acme, source=source, filename=source.name, who=who, now=utc_now()
        )
    return tickets_jobs.ask_for_import(
        organisation=acme, name=name, source=source, filename=source.name, who=who, now=utc_now(),
        options=ImportOptions(add=add),
    )  # fmt: skip


def test_previews_refusals_and_waiting_files_go_and_other_imports_stay(
    acme: Organisation, alice: Client, tmp_path: Path
) -> None:
    support = imported(alice, "support", upload(alice))
    other = imported(alice, "other", upload(alice, "other.csv", CSV.replace(WORD, "printer")))
    # The same export once more, whose columns nobody settled; and an import that was refused, and quotes the row.
    waits = upload(alice, "again.csv")
    assert f"/acme/tickets/uploads/{waits.split('/')[-2]}/" in alice.get("/acme/tickets/").content.decode()
    refused = tmp_path / f"{WORD}.csv"
    refused.write_bytes(CSV.encode() + b'"open quote ' + WORD.encode())
    assert jobs.wait(ask(acme, refused, name="broken"), seconds=None).status == JobStatus.FAILED
    assert found_in_tables([WORD])["jobs_job.result"] and found_in_files([WORD])

    delete(support)
    assert found_in_tables([WORD]) == {} and found_in_files([WORD]) == {}
    # Whoever asks what became of the other import is still told.
    [kept] = Job.objects.filter(organisation=acme)
    assert (kept.kind, kept.result["data_set"]) == ("import", str(other.id))
    assert alice.get(waits).status_code == 404
    assert "again.csv" not in alice.get("/acme/tickets/").content.decode()


def test_a_first_ticket_that_was_taken_for_the_header_leaves_no_word_either(
    acme: Organisation, alice: Client, tmp_path: Path
) -> None:
    headless = f"The {WORD} is on fire,Erika {WORD},it\n" + "".join(
        f"Printer {n} is on fire again,{'Hans' if n % 2 else 'Olga'},{'it' if n % 3 else 'hr'}\n" for n in range(40)
    )
    support = imported(alice, "support", upload(alice, content=headless))
    assert f"Erika {WORD}" in [one.name for one in support.attributes.all()]
    delete(support)
    assert found_in_tables([WORD]) == {}
    assert found_in_files([WORD], tmp_path / "home") == {}
    kept = DataSet.objects.get(name="support")
    assert [one["name"] for one in kept.profile["attributes"]] == ["attribute 1", "attribute 2"]
    assert alice.get(f"/acme/tickets/{kept.id}/").status_code == 200


def test_carols_jobs_and_uploads_stay(acme: Organisation, alice: Client, tmp_path: Path) -> None:
    globex = stories.globex(utc_now())
    carol = of(member_of(globex, "carol", Role.OWNER, utc_now()))
    answer = carol.post("/globex/tickets/upload", {"file": SimpleUploadedFile("support.csv", CSV.encode())})
    delete(imported(alice, "support", upload(alice)))
    assert carol.get(answer["Location"]).status_code == 200
    assert Job.objects.filter(organisation=globex).count() == 1


def test_what_is_being_imported_now_is_left_to_whoever_imports_it(acme: Organisation, alice: Client) -> None:
    support = imported(alice, "support", upload(alice))
    columns = upload(alice, "next.csv")
    kept = waiting_uploads.waiting(acme, UUID(columns.split("/")[-2]))
    asked = ask(acme, kept.path, name="next")
    waiting_uploads.remember(kept, importing=asked.job.id)
    delete(support)
    assert jobs.wait(asked, seconds=None).is_done
    assert tickets_jobs.imported(asked.job).tickets == 40
    # Nobody came back for it: housekeeping takes the file that waited when tickets were deleted, not one that came
    # later.
    later = uploads.keep(acme, SimpleUploadedFile("later.csv", b"text\nx\n"))
    deleted_at = DataSet.objects.get(id=support.id).deleted_at
    assert deleted_at is not None
    finish_deletions(now=deleted_at + looked_at_again_after)
    assert [one.id for one in waiting_uploads.all_waiting(acme)] == [later.id]


def test_who_adds_to_tickets_that_are_deleted_meanwhile_is_told_so(
    acme: Organisation, alice: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    support = imported(alice, "support", upload(alice))
    more = tmp_path / "more.csv"
    more.write_text(CSV)
    asked = ask(acme, more, name="support", add=True)
    delete(support)
    job = jobs.wait(asked, seconds=None)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "tickets_deleted")
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
    assert found_in_files([WORD]).keys() <= {str(more)}


def test_who_changes_tickets_that_a_colleague_has_just_deleted_is_told_so(acme: Organisation, alice: Client) -> None:
    """Bob's page knew them still; the file is gone by then."""
    support = imported(alice, "support", upload(alice))
    known_to_bob = DataSet.objects.get(id=support.id)
    delete(support)
    with pytest.raises(TicketsDeleted):
        tickets_path(known_to_bob)


def test_trying_out_the_quality_ends_with_the_tickets(acme: Organisation, alice: Client) -> None:
    support = imported(alice, "support", upload(alice))
    asked = tickets_jobs.ask_for_expected_quality(data_set=support, who="alice", now=utc_now())
    delete(support)
    job = jobs.wait(asked, seconds=None)
    assert job.status == JobStatus.CANCELLED and not ExpectedQuality.objects.exists()
    assert not folder_of(job.id).exists()


def test_who_follows_a_job_that_is_forgotten_meanwhile_is_told_it_is_over(acme: Organisation, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text(CSV)
    asked = ask(acme, source)
    assert isinstance(asked.conducting, Conducting)
    another = Asked(Job.objects.get(id=asked.job.id), None)
    jobs.cancel(Job.objects.get(id=asked.job.id), now=utc_now())
    assert jobs.forget(Job.objects.all()) == [asked.job.id]
    for one in (another, asked):
        job = jobs.wait(one, seconds=None)
        assert job.status == JobStatus.CANCELLED
        error = job_queries.error_of(job)
        assert error is not None and error.code == "job_cancelled"
    assert not folder_of(asked.job.id).exists(), "its files go though its row is gone"
    with pytest.raises(NotFound):
        job_queries.job_with_id(acme, asked.job.id)


def test_a_folder_that_its_conductor_left_behind_goes(acme: Organisation, alice: Client) -> None:
    support = imported(alice, "support", upload(alice))
    importing = Job.objects.get(kind="import")
    # Killed between the job's end and tidying up; and before it wrote the job down, a while ago.
    lost = new_id()
    for id in (importing.id, lost):
        folder_of(id).mkdir(parents=True)
        (folder_of(id) / "source").write_text(WORD)
    delete(support)
    assert not folder_of(importing.id).exists()
    jobs.sweep_folders(older_than_seconds=looked_at_again_after / timedelta(seconds=1))
    assert folder_of(lost).exists(), "it may be written down at this moment"
    jobs.sweep_folders(older_than_seconds=-1)
    assert found_in_files([WORD]) == {}


def test_alice_drops_an_upload_whose_address_she_lost(acme: Organisation, alice: Client) -> None:
    columns = upload(alice)
    page = alice.get("/acme/tickets/").content.decode()
    assert "not imported yet" in page and f'action="{columns}drop"' in page
    alice.post(f"{columns}drop")
    assert "not imported yet" not in alice.get("/acme/tickets/").content.decode()
    assert not list((uploads_folder() / str(acme.id)).glob("*"))
    # What it holds is no page's business for whoever may not upload.
    columns = upload(alice, "secret.csv")
    bob = of(member_of(acme, "bob", Role.VIEWER, utc_now()))
    assert "secret.csv" not in bob.get("/acme/tickets/").content.decode()
    assert bob.post(f"{columns}drop").status_code in (403, 404)
