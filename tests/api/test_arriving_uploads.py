"""Files that arrive in parts: what has arrived stays, whoever breaks off, and nothing counts twice."""

from __future__ import annotations

import base64
import hashlib
import shutil
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client

from otai import sealed_files
from otai.db import new_id, utc_now
from otai.jobs import operations as jobs
from otai.orgs import quotas
from otai.orgs.concurrency_limits import SharedPlaces
from otai.orgs.models import PlaceKeeper, TakenPlace
from otai.orgs.permissions import Role
from otai.orgs.quotas import Quota
from otai.privacy.retention import Periods, set_periods, sweep_uploads
from otai.tickets import arriving_uploads
from otai.tickets.files import file_store
from otai.tickets.models import ArrivingUpload, DataSet, FileToDelete, UploadPart, UploadWaiting
from tests.api.callers import ROOT, Program, answered
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db

TYPE = "application/offset+octet-stream"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.OTAI_FILES = (tmp_path / "files").as_uri()
    monkeypatch.setattr(arriving_uploads, "least_part_bytes", 100)


@pytest.fixture
def content(tickets: Path) -> bytes:
    return tickets.read_bytes()


def said(**pairs: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def begin(program: Program, size: int, **metadata: str) -> Any:
    headers = {"Upload-Length": str(size), "Upload-Metadata": said(**({"filename": "support.csv"} | metadata))}
    return program.client.post(ROOT + "/uploads", headers={**headers, "Tus-Resumable": "1.0.0"})


def patch(program: Program, address: str, part: bytes, offset: int, **more: str) -> Any:
    headers = {"Upload-Offset": str(offset), "Tus-Resumable": "1.0.0", **more}
    return program.client.generic("PATCH", address, part, TYPE, headers=headers)


def begun(program: Program, content: bytes, *, upto: int = 0) -> str:
    """The address of an upload of which so many bytes are there."""
    answer = begin(program, len(content))
    assert answer.status_code == 201, answer.content
    address = str(answer["Location"])
    if upto:
        answer = patch(program, address, content[:upto], 0)
        assert answer.status_code == 204, answer.content
    return address


def stored() -> list[str]:
    return file_store().paths("uploads")


def test_alice_sends_a_file_in_parts_and_imports_it(alice: Program, content: bytes) -> None:
    address = begun(alice, content, upto=2_000)
    # Another program of hers, another day's start of the same one: it asks how far it is.
    head = alice.client.head(address)
    assert head.status_code == 200 and head["Upload-Offset"] == "2000" and head["Upload-Length"] == str(len(content))
    assert head["Tus-Resumable"] == "1.0.0" and head["Cache-Control"] == "no-store" and "Upload-Expires" in head
    checksum = "sha256 " + base64.b64encode(hashlib.sha256(content[2_000:]).digest()).decode()
    last = patch(alice, address, content[2_000:], 2_000, **{"Upload-Checksum": checksum})
    assert last.status_code == 204 and last["Upload-Offset"] == str(len(content)) and not last.content
    id = address.rsplit("/", 1)[1]
    status, preview = answered(alice.call("POST", f"/data-sets/preview?upload={id}", Prefer="wait=120"))
    assert status == 200 and {one["name"] for one in preview["roles"]["attributes"]} == {"queue", "priority"}
    key = {"Prefer": "wait=120", "Idempotency-Key": "once"}
    status, data_set = answered(alice.call("POST", f"/data-sets?upload={id}", **key))
    assert status == 201 and data_set["name"] == "support" and data_set["tickets"] == 150
    assert data_set["source_filename"] == "support.csv"
    # It is gone with the import, bytes and all; whoever lost the answer gets it again.
    assert stored() == [] and not ArrivingUpload.objects.exists() and not FileToDelete.objects.exists()
    assert alice.get(f"/uploads/{id}")[0] == 404
    again = alice.call("POST", f"/data-sets?upload={id}", **key)
    assert again.status_code == 201 and again["Idempotency-Replayed"] == "true" and DataSet.objects.count() == 1


def test_a_program_asks_what_is_spoken_before_it_has_a_key(settings: Any) -> None:
    settings.OTAI_UPLOAD_MOST_BYTES = 12_345
    for address in ("/uploads", f"/uploads/{new_id()}"):
        told = Client().options(ROOT + address)
        assert (told.status_code, told.content) == (204, b"")
        assert told["Tus-Resumable"] == told["Tus-Version"] == "1.0.0" and told["Tus-Max-Size"] == "12345"
        assert told["Tus-Extension"] == "creation,expiration,checksum,termination"
        assert told["Tus-Checksum-Algorithm"] == "sha1,sha256" and "OPTIONS" in told["Allow"]
    assert Client().options(ROOT + "/balance").status_code == 405


def test_a_file_that_is_refused_is_not_sent_again(alice: Program) -> None:
    content = b"text,queue\n" + b"the vpn is down in room 12,network\n" * 30 + b"\xff\xfe\x00,\n"
    rows = b"text,queue\n" + b"".join(b"the vpn is down in room %d,network\n" % n for n in range(60)) + b",network\n"
    for bytes_sent in (content, rows):
        id = begun(alice, bytes_sent, upto=len(bytes_sent)).rsplit("/", 1)[1]
        status, _ = answered(alice.call("POST", f"/data-sets?upload={id}&name=x", Prefer="wait=120"))
        if status == 422:
            break
    assert status == 422 and alice.get(f"/uploads/{id}")[1]["state"] == "arrived"
    status, data_set = answered(
        alice.call("POST", f"/data-sets?upload={id}&name=x&skip_bad_rows=true", Prefer="wait=120")
    )
    assert status == 201 and data_set["left_out_rows"] and not ArrivingUpload.objects.exists()


def test_a_part_for_another_place_is_told_where_to_go_on(alice: Program, content: bytes) -> None:
    address = begun(alice, content, upto=1_000)
    for offset in (0, 999, 1_001):
        answer = patch(alice, address, content[:500], offset)
        assert answer.status_code == 409 and answer["Upload-Offset"] == "1000"
        assert answer.json()["error"]["code"] == "upload_offset" and answer.json()["error"]["received"] == 1_000
    assert len(stored()) == UploadPart.objects.count() == 1


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_part_that_was_changed_on_its_way_is_not_kept(alice: Program, content: bytes, algorithm: str) -> None:
    address = begun(alice, content)
    right = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    answer = patch(alice, address, content[:-1] + b"?", 0, **{"Upload-Checksum": f"{algorithm} {right}"})
    assert answer.status_code == 460 and answer.json()["error"]["code"] == "checksum_mismatch"
    assert stored() == [] and alice.client.head(address)["Upload-Offset"] == "0"
    assert patch(alice, address, content, 0, **{"Upload-Checksum": f"{algorithm} {right}"}).status_code == 204


def test_an_empty_part_at_the_end_says_how_far_it_is(alice: Program, content: bytes) -> None:
    """As tus has it: a client that lost the last answer may ask so."""
    address, end = begun(alice, content, upto=len(content)), len(content)
    for _ in range(2):
        answer = patch(alice, address, b"", end, **{"Content-Type": TYPE})
        assert answer.status_code == 204 and answer["Upload-Offset"] == answer["Upload-Length"] == str(end)
    assert patch(alice, address, b"x", end).json()["error"]["code"] == "invalid_upload"
    assert UploadPart.objects.count() == len(stored()) == 1


class Doors:
    """Where a file that arrived in parts is asked for, and what each answers: `bytes_are_gone`, so that whatever begins
    to copy it is told by its answer."""

    def __init__(self, alice: Program, acme: Any, content: bytes) -> None:
        address = begun(alice, content, upto=len(content))
        self.id, self.alice, self.organisation = UUID(address.rsplit("/", 1)[1]), alice, acme
        self.browser = of(member_of(acme, "bob", Role.TRAINER, utc_now()))
        for path in stored():
            file_store().delete(path)

    def preview(self, header: int = 0) -> Any:
        return self.alice.call("POST", f"/data-sets/preview?upload={self.id}&header={header}")

    def importing(self) -> Any:
        return self.alice.call("POST", f"/data-sets?upload={self.id}&name=x")

    def page(self) -> Any:
        return self.browser.post(f"/{self.organisation.slug}/tickets/uploads/{self.id}/arrived")

    def all(self) -> list[tuple[int, str]]:
        said = [(one.status_code, one.json()["error"]["code"]) for one in (self.preview(), self.importing())]
        page = self.page()
        return [*said, (page.status_code, page.json()["code"])]


@pytest.fixture
def doors(alice: Program, acme: Any, content: bytes) -> Doors:
    return Doors(alice, acme, content)


def test_no_byte_is_copied_beyond_the_room_that_is_to_stay_free(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("OTAI_UPLOADS_LEAVE_FREE_BYTES", str(shutil.disk_usage(settings.OTAI_HOME).total))
        assert doors.all() == [(503, "disk_full")] * 3
    assert {code for _, code in doors.all()} == {"file_store_unavailable"}, "now each looks for the bytes"


def test_one_is_assembled_at_a_time_for_an_organisation(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving_uploads, "shared", SharedPlaces())
    elsewhere = PlaceKeeper.objects.create(id=new_id(), renewed_at=utc_now())
    of = f"organisation {doors.organisation.pk}"
    TakenPlace.objects.create(id=new_id(), keeper=elsewhere, kind="assembling", of=of)
    assert doors.all() == [(503, "assembling_busy")] * 3
    assert doors.preview()["Retry-After"] == "2"
    elsewhere.delete()
    assert {code for _, code in doors.all()} == {"file_store_unavailable"}
    assert not TakenPlace.objects.exists(), "and its place is free again"


def test_no_byte_is_copied_for_a_job_that_has_no_room(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "most_open_of_one", 0)
        answers = [doors.preview(header) for header in range(3)] + [doors.importing()]
        assert {(one.status_code, one.json()["error"]["code"]) for one in answers} == {(409, "too_many_jobs")}
    for quota in (Quota.IMPORTS, Quota.STORAGE):
        quotas.lift(organisation=doors.organisation, quota=quota, most=0, who="olga", why="a story", now=utc_now())
        assert doors.importing().json()["error"]["quota"] == quota


def test_no_byte_is_copied_of_one_that_is_being_put_aside(doors: Doors) -> None:
    UploadWaiting.objects.create(id=doors.id, organisation=doors.organisation, machine="elsewhere", kept_at=utc_now())
    assert doors.all() == [(409, "upload_is_taken")] * 3


def test_what_is_no_part_is_refused(alice: Program, content: bytes) -> None:
    address = begun(alice, content)
    refused = {
        "invalid_upload": [
            patch(alice, address, content + b"more", 0),
            patch(alice, address, content[:50], 0),
            patch(alice, address, content, 0, **{"Upload-Checksum": "md5 1B2M2Y8AsgTpgAmY7PhCfg=="}),
            patch(alice, address, content, 0, **{"Upload-Checksum": "sha256 ..."}),
            patch(alice, address, content, 0, **{"Tus-Resumable": "0.2.2"}),
        ],
        "invalid_request": [patch(alice, address, content, 0, **{"Upload-Offset": "many"})],
        "media_type_unsupported": [
            alice.client.generic("PATCH", address, content, "text/csv", headers={"Upload-Offset": "0"})
        ],
    }
    for code, answers in refused.items():
        assert {answer.json()["error"]["code"] for answer in answers} == {code}
    assert stored() == [] and UploadPart.objects.count() == 0
    incomplete = alice.post(f"/data-sets?upload={address.rsplit('/', 1)[1]}")
    assert incomplete[0] == 409 and incomplete[1]["error"]["code"] == "upload_incomplete"


def test_all_that_can_be_known_is_said_before_the_first_byte(alice: Program, acme: Any, settings: Any) -> None:
    settings.OTAI_UPLOAD_MOST_BYTES = 5_000
    assert alice.get("/uploads")[1]["most_bytes"] == 5_000
    too_large = begin(alice, 5_001)
    assert too_large.status_code == 413 and too_large.json()["error"]["most_bytes"] == 5_000
    assert begin(alice, 0).json()["error"]["code"] == "invalid_upload"
    assert begin(alice, 10, fingerprint="x" * 201).json()["error"]["code"] == "invalid_upload"
    quotas.lift(organisation=acme, quota=Quota.WAITING_UPLOADS, most=1, who="olga", why="a story", now=utc_now())
    assert begin(alice, 5_000).status_code == 201
    full = begin(alice, 100)
    assert full.status_code == 409 and full.json()["error"]["quota"] == "waiting_uploads"
    quotas.lift(organisation=acme, quota=Quota.STORAGE, most=0, who="olga", why="a story", now=utc_now())
    assert begin(alice, 100).json()["error"]["quota"] == "storage_bytes"


def test_it_is_nobody_elses(alice: Program, carol: Program, content: bytes) -> None:
    address = begun(alice, content, upto=1_000)
    id = address.rsplit("/", 1)[1]
    assert carol.client.head(address).status_code == 404
    assert patch(carol, address, content[1_000:], 1_000).status_code == 404
    assert carol.call("DELETE", f"/uploads/{id}").status_code == 404
    assert carol.post(f"/data-sets?upload={id}")[0] == 404
    assert carol.get("/uploads")[1]["arriving"] == []
    [mine] = alice.get("/uploads")[1]["arriving"]
    assert mine["id"] == id and mine["received"] == 1_000 and mine["state"] == "arriving"


def test_a_browser_needs_the_token_of_its_own_page(acme: Any, content: bytes) -> None:
    alice = of(member_of(acme, "alice", Role.OWNER, utc_now()))
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    strict.cookies = alice.cookies
    headers = {"Upload-Length": "10"}
    assert strict.post(ROOT + "/uploads", headers=headers).status_code == 403
    strict.get("/acme/tickets/")
    token = {"X-CSRFToken": strict.cookies["csrftoken"].value}
    answer = strict.post(ROOT + "/uploads", headers={**headers, **token})
    assert answer.status_code == 201
    part = {"Upload-Offset": "0"}
    assert strict.generic("PATCH", answer["Location"], b"0123456789", TYPE, headers=part).status_code == 403
    sent = strict.generic("PATCH", answer["Location"], b"0123456789", TYPE, headers={**part, **token})
    assert sent.status_code == 204
    viewer = of(member_of(acme, "vera", Role.VIEWER, utc_now()))
    assert viewer.post(ROOT + "/uploads", headers=headers).status_code == 403


def test_what_is_deleted_takes_no_more_parts(alice: Program, content: bytes) -> None:
    address = begun(alice, content, upto=1_000)
    assert alice.call("DELETE", "/uploads/" + address.rsplit("/", 1)[1]).status_code == 204
    assert stored() == [] and not UploadPart.objects.exists()
    assert patch(alice, address, content[1_000:], 1_000).status_code == 404
    assert alice.client.head(address).status_code == 404


def test_it_goes_after_a_day_or_as_soon_as_its_organisation_wants(alice: Program, acme: Any, content: bytes) -> None:
    address = begun(alice, content, upto=1_000)
    ArrivingUpload.objects.update(expires_at=utc_now() - timedelta(seconds=1))
    assert patch(alice, address, content[1_000:], 1_000).status_code == 404
    assert quotas.used(acme.id, Quota.WAITING_UPLOADS) == 0
    assert sweep_uploads(now=utc_now()) == 1 and stored() == [] and not ArrivingUpload.objects.exists()
    begun(alice, content, upto=1_000)
    set_periods(organisation=acme, wanted=Periods(uploads_hours=2), who="alice", now=utc_now())
    assert sweep_uploads(now=utc_now() + timedelta(hours=1)) == 0
    assert sweep_uploads(now=utc_now() + timedelta(hours=3)) == 1 and stored() == []


def test_its_parts_lie_encrypted_where_files_do(alice: Program, content: bytes, settings: Any, tmp_path: Path) -> None:
    settings.OTAI_HOME, settings.OTAI_FILES = tmp_path / "home", (tmp_path / "files").as_uri()
    settings.OTAI_ENCRYPT_FILES = True
    address = begun(alice, content, upto=3_000)
    [part] = (tmp_path / "files").rglob("*.part")
    assert part.read_bytes().startswith(sealed_files.MAGIC)
    assert patch(alice, address, content[3_000:], 3_000).status_code == 204
    plain = [path for path in tmp_path.rglob("*") if path.is_file() and content[:60] in path.read_bytes()]
    assert plain == [tmp_path / "support.csv"], "but for Alice's own"
    id = address.rsplit("/", 1)[1]
    status, data_set = answered(alice.call("POST", f"/data-sets?upload={id}", Prefer="wait=120"))
    assert status == 201 and data_set["tickets"] == 150 and not list((tmp_path / "files").rglob("*.part"))


@pytest.mark.django_db(transaction=True)
def test_of_two_parts_for_one_place_one_counts(alice: Program, content: bytes) -> None:
    address = begun(alice, content)
    together, statuses = Barrier(2), []

    def send(part: bytes) -> None:
        together.wait(timeout=20)
        try:
            statuses.append(patch(alice, address, part, 0).status_code)
        finally:
            connection.close()

    threads = [Thread(target=send, args=(content[:1_500],)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(statuses) == [204, 409]
    assert alice.client.head(address)["Upload-Offset"] == "1500"
    assert stored() == [UploadPart.objects.get().file], "and who came second left nothing"
    assert patch(alice, address, content[1_500:], 1_500).status_code == 204
    with arriving_uploads.assembled(ArrivingUpload.objects.get()) as path:
        assert path.read_bytes() == content


def test_the_tables_hold_no_nonsense(alice: Program, acme: Any, content: bytes) -> None:
    begun(alice, content, upto=1_000)
    wrong: list[tuple[str, Any]] = [
        ("tickets_arriving_upload_is_not_empty", lambda: ArrivingUpload.objects.update(bytes=0, received=0)),
        (
            "tickets_arriving_upload_has_no_more_than_its_bytes",
            lambda: ArrivingUpload.objects.update(received=len(content) + 1),
        ),
        ("tickets_arriving_upload_has_a_name", lambda: ArrivingUpload.objects.update(filename="")),
        ("tickets_upload_part_is_not_empty", lambda: UploadPart.objects.update(bytes=0)),
        ("tickets_upload_part_has_a_file", lambda: UploadPart.objects.update(file="")),
        (
            "tickets_upload_part_is_at_a_place_of_its_own|UNIQUE constraint failed: tickets_upload_part.upload_id",
            lambda: UploadPart.objects.create(
                id=new_id(), upload=ArrivingUpload.objects.get(), offset=0, bytes=1, file="x"
            ),
        ),
    ]
    for name, attempt in wrong:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            attempt()
