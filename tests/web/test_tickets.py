"""Alice brings tickets through the browser, sees what they look like, and corrects what was guessed wrong."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otai.db import utc_now
from otai.jobs.folders import uploads_folder
from otai.jobs.models import Job
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.orgs.quotas import Quota, bounds
from otai.tickets import waiting_uploads
from otai.tickets.models import DataSet
from tests import stories
from tests.orgs.people import joins, person
from tests.web.visitors import columns_shown, upload

pytestmark = pytest.mark.django_db

CSV = "subject,body,queue\n" + "\n".join(
    f"Printer {number},The printer in room {number} is on fire,{'it' if number % 2 else 'office'}"
    for number in range(40)
)


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


@pytest.fixture
def alice(now: datetime, client: Client) -> Client:
    client.force_login(joins(stories.acme(now), person("alice"), Role.OWNER, now).user)
    return client


@pytest.fixture
def carol(now: datetime) -> Client:
    browser = Client()
    browser.force_login(joins(stories.globex(now), person("carol", at="globex.example"), Role.OWNER, now).user)
    return browser


def agrees(browser: Client, columns: str, name: str) -> None:
    """Imports with every column as it is shown."""
    assert browser.post(columns, {"name": name, **columns_shown(browser, columns)}).status_code == 302


def test_an_upload_shows_its_columns_before_anything_is_imported(alice: Client) -> None:
    columns = upload(alice, CSV)
    page = alice.get(columns).content.decode()
    assert "support.csv" in page and "The printer in room" in page
    assert "40 rows" in page and "Each row becomes a ticket." in page
    assert not DataSet.objects.exists()

    # Alice agrees, and the tickets are there with their attribute.
    answer = alice.post(columns, {"name": "support", **columns_shown(alice, columns)}, follow=True)
    page = answer.content.decode()
    assert "40 tickets are imported" in page and "queue" in page
    assert DataSet.objects.get().attributes.get().name == "queue"

    # The file is gone from where it waited.
    assert alice.post(columns, {"name": "support"}, follow=True).redirect_chain[-1][0].startswith("/acme/tickets/")


def test_the_page_says_what_its_number_of_rows_means(alice: Client) -> None:
    lines = CSV.split("\n")
    messages = [f"T-{n // 3},2026-03-01 0{n % 3}:00,Printer,It is on fire in room {n}.,it" for n in range(60)]
    for content, figures in (
        (
            [*lines[:20], "a,b,c,d,e,f,g", lines[0], *lines[20:], "Total,,"],
            ("40 rows", "1 further row cannot be read", "2 further rows are no tickets"),
        ),
        (
            ["ticket id,sent at,subject,body,queue", *messages],
            ("60 rows", "Rows of one “ticket id” become one ticket: 20 tickets."),
        ),
    ):
        page = alice.get(upload(alice, "\n".join(content))).content.decode()
        assert all(figure in page for figure in figures)
        assert "Each row" not in page or "cannot be read" in page


def test_languages_are_called_as_the_reader_calls_them(alice: Client) -> None:
    told = [f"{line},{('German', 'pt-BR', '')[n % 3]}" for n, line in enumerate(CSV.split("\n")[1:])]
    agrees(alice, upload(alice, "\n".join(["subject,body,queue,language", *told])), "support")
    address = f"/acme/tickets/{DataSet.objects.get().id}/"
    for language, names in (("en", ("German", "Portuguese")), ("de", ("Deutsch", "Portugiesisch"))):
        for page in ("/acme/tickets/", address, f"{address}browse"):
            shown = alice.get(page, headers={"accept-language": language}).content.decode()
            assert all(name in shown for name in names), page


def test_too_many_files_are_refused_beside_those_that_wait(alice: Client) -> None:
    acme = Organisation.objects.get(slug="acme")
    for _ in range(bounds(acme.pk)[Quota.WAITING_UPLOADS].most or 0):
        waiting_uploads.keep(acme, filename="waits.csv", chunks=[b"text"])
    answer = alice.post("/acme/tickets/upload", {"file": SimpleUploadedFile("one-more.csv", CSV.encode())})
    page = answer.content.decode()
    assert answer.status_code == 409 and "waits.csv" in page and "wait for somebody to say" in page


def test_what_was_guessed_wrong_is_corrected(alice: Client) -> None:
    columns = upload(alice, "text,room\n" + "\n".join(f"The printer is on fire {n},{n % 4}" for n in range(60)))
    page = alice.get(columns).content.decode()
    assert 'name="role-1"' in page
    alice.post(columns, {"name": "rooms", "role-0": "body", "role-1": "ignore"})
    assert not DataSet.objects.get().attributes.exists()


TAGGED = "text,tags,title\n" + "\n".join(
    f"The printer in room {n} is on fire,{('fire;printer', 'vpn;fire', 'printer;vpn')[n % 3]},Room number {n}"
    for n in range(60)
)


def chosen_in(page: str) -> dict[str, str]:
    fields = re.findall(r'<select [^>]*name="((?:role|separator)-\d+)"(.*?)</select>', page, flags=re.DOTALL)
    assert fields
    return {name: re.findall(r'<option value="(\w*)" selected>', options)[0] for name, options in fields}


def test_what_is_shown_is_what_is_imported(alice: Client) -> None:
    columns = upload(alice, TAGGED)
    fields = chosen_in(alice.get(columns).content.decode())
    assert fields == {"role-0": "body", "role-1": "multi", "separator-1": "semicolon", "role-2": "subject"}
    assert alice.post(columns, {"name": "support", **fields}).status_code == 302
    first = DataSet.objects.get()
    assert first.roles["single"] == {"body": "text", "subject": "title"}
    assert first.roles["attributes"][0]["separator"] == ";"
    # The reasons shown are kept, and nothing became stricter by being sent back.
    assert first.roles["why"]["tags"].startswith("several labels in a cell")


def test_any_sign_parts_labels_and_shows_at_once_what_comes_of_it(alice: Client) -> None:
    columns = upload(alice, TAGGED.replace(";", "++"))
    assert chosen_in(alice.get(columns).content.decode())["role-1"] == "attribute"
    said = {"name": "support", "role-0": "body", "role-1": "multi", "role-2": "subject"}
    page = alice.post(columns, {**said, "look": "1", "separator-1": "", "sign-1": "++"}).content.decode()
    assert '<option value="++" selected>parted by ++</option>' in page
    assert all(f'<span class="chip">{tag}</span>' in page for tag in ("fire", "printer", "vpn"))
    # Kept by the list, when something else is changed; letters part nothing.
    assert alice.post(columns, {**said, "separator-1": "++", "sign-1": "abc"}).status_code == 302
    (attribute,) = DataSet.objects.get().roles["attributes"]
    assert attribute["separator"] == "++"
    assert {label.name for label in DataSet.objects.get().attributes.get().labels.all()} == {"fire", "printer", "vpn"}


def test_lists_are_parted_by_nothing_that_could_be_chosen(alice: Client) -> None:
    rows = [{"text": f"The printer in room {n} is on fire", "tags": ["fire", "vpn"][: n % 3]} for n in range(60)]
    page = alice.get(upload(alice, json.dumps(rows), "t.json")).content.decode()
    assert 'name="separator-1"' not in page and 'name="sign-1"' not in page and "as lists, 2 different" in page


def test_a_ticket_without_its_text_is_refused_beside_the_field(alice: Client) -> None:
    columns = upload(alice, TAGGED)
    answer = alice.post(columns, {"name": "support", "role-0": "ignore", "role-1": "multi", "role-2": "ignore"})
    page = answer.content.decode()
    assert answer.status_code == 422 and not DataSet.objects.exists()
    assert "Nothing was imported yet" in page and 'id="role-0-error"' in page and "A ticket needs a text" in page
    # The choices stand as they were sent, so that one of them can be changed.
    assert chosen_in(page) == {"role-0": "ignore", "role-1": "multi", "separator-1": "semicolon", "role-2": "ignore"}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ([], "No use was sent"),
        (["evil"], "“evil” is no use"),
        (["ignore", "multi"], "More than one use"),
        ([""], "is no use"),
    ],
)
def test_a_column_whose_use_is_unclear_is_refused_beside_the_field(alice: Client, sent: list[str], said: str) -> None:
    columns = upload(alice, TAGGED)
    answer = alice.post(columns, {"name": "support", "role-0": "body", "role-1": sent, "role-2": "subject"})
    page = answer.content.decode()
    assert answer.status_code == 422 and not DataSet.objects.exists()
    assert 'id="role-1-error"' in page and said in page and 'id="role-0-error"' not in page


@pytest.mark.parametrize("role", ["body", "subject", "created", "ticket", "language", "split"])
def test_two_columns_of_a_single_role_are_refused_beside_both(alice: Client, role: str) -> None:
    columns = upload(alice, TAGGED)
    chosen = {"role-0": role, "role-1": "body" if role == "subject" else "subject", "role-2": role}
    answer = alice.post(columns, {"name": "support", **chosen})
    page = answer.content.decode()
    assert answer.status_code == 422 and not DataSet.objects.exists()
    assert 'id="role-0-error"' in page and 'id="role-2-error"' in page and 'id="role-1-error"' not in page
    assert "Only one column can be" in page and "“title”" in page


def test_nothing_is_guessed_anew_beside_what_was_chosen(alice: Client) -> None:
    """The text becomes an attribute nobody would guess, the tags are left out, the title alone stays a text."""
    columns = upload(alice, TAGGED)
    chosen = {"role-0": "ignore", "role-1": "ignore", "role-2": "subject"}
    assert alice.post(columns, {"name": "support", **chosen}).status_code == 302
    roles = DataSet.objects.get().roles
    assert (roles["single"], roles["attributes"]) == ({"subject": "title"}, [])
    assert set(roles["ignored"]) == {"text", "tags"}


def test_labels_in_several_columns_stay_together_as_far_as_they_are_left(alice: Client) -> None:
    rows = "text,tag_1,tag_2,tag_3\n" + "\n".join(
        f"The printer in room {n} is on fire,{'ab'[n % 2]},{'ba'[n % 2] if n % 3 else ''},{'b' if n % 5 == 0 else ''}"
        for n in range(60)
    )
    columns = upload(alice, rows)
    fields = columns_shown(alice, columns)
    assert [fields[f"role-{n}"] for n in (1, 2, 3)] == ["multi"] * 3
    assert alice.post(columns, {"name": "support", **fields, "role-2": "ignore"}).status_code == 302
    roles = DataSet.objects.get().roles
    assert [(one["name"], one["columns"]) for one in roles["attributes"]] == [("tag", ["tag_1", "tag_3"])]
    assert roles["ignored"] == ["tag_2"]


def test_what_looks_like_no_text_is_asked_for_instead_of_refused(alice: Client) -> None:
    columns = upload(
        alice, "words,queue\n" + "\n".join(f"{'fire' if n % 2 else 'vpn'},{'ab'[n % 2]}" for n in range(60))
    )
    assert "Which column is the text?" in alice.get(columns).content.decode()
    fields = columns_shown(alice, columns)
    assert alice.post(columns, {"name": "s", **fields}).status_code == 422
    assert alice.post(columns, {"name": "s", **fields, "role-0": "body"}).status_code == 302
    assert DataSet.objects.get().roles["single"] == {"body": "words"}


def test_an_order_that_cannot_be_told_is_said_beside_its_column(alice: Client) -> None:
    columns = upload(alice, CSV)
    answer = alice.post(columns, {"name": "s", **columns_shown(alice, columns), "role-2": "ordered"})
    page = answer.content.decode()
    assert answer.status_code == 422 and 'id="role-2-error"' in page
    # In words, and with a field beside it.
    assert "labels (“" in page and 'name="order-2"' in page

    levels = "text,level\n" + "\n".join(f"The printer in room {n} is on fire,v{n % 3}" for n in range(60))
    columns = upload(alice, levels)
    said = {"name": "levels", "role-0": "body", "role-1": "ordered", "order-1": " v2 <v0<  v1"}
    assert alice.post(columns, said).status_code == 302
    assert DataSet.objects.get(name="levels").attributes.get().order == ["v2", "v0", "v1"]


def test_a_look_shows_what_is_wrong_and_imports_nothing(alice: Client) -> None:
    columns = upload(alice, TAGGED)
    looked = alice.post(columns, {"look": "1", "role-0": "body", "role-1": "body", "role-2": "subject"})
    assert looked.status_code == 200 and 'id="role-0-error"' in looked.content.decode()
    assert not DataSet.objects.exists()


def test_a_file_that_is_not_wanted_takes_along_what_was_seen_of_it(alice: Client) -> None:
    columns = upload(alice, CSV)
    assert "on fire" in str(Job.objects.get().result)
    alice.post(f"{columns}drop")
    assert not Job.objects.exists()


def test_carol_reads_no_file_of_acme(alice: Client, carol: Client) -> None:
    columns = upload(alice, CSV)
    assert carol.post(f"{columns}read", {"header": "0"}).status_code == 404


def test_a_file_that_is_sent_twice_is_imported_once(alice: Client) -> None:
    columns = upload(alice, CSV)
    sent = {"name": "support", **columns_shown(alice, columns)}
    for _ in range(2):
        assert alice.post(columns, sent, follow=True).redirect_chain[-1][0].startswith("/acme/tickets/")
    assert DataSet.objects.count() == 1


def test_bad_rows_are_shown_with_row_and_column_and_can_be_left_out(alice: Client) -> None:
    rows = CSV + "\n" + '"broken","row","with","too","many"'
    columns = upload(alice, rows)
    answer = alice.post(columns, {"name": "support", **columns_shown(alice, columns)})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Nothing was imported yet" in page
    assert "One row cannot be read" in page and ">42<" in page.replace("\n", "")
    assert not DataSet.objects.exists()

    page = alice.post(
        columns, {"name": "support", **columns_shown(alice, columns), "skip_bad_rows": "1"}, follow=True
    ).content.decode()
    assert "40 tickets are imported" in page and "1 row was left out" in page


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02\xff" * 400, b"", b"only,a,header\n"], ids=["binary", "empty", "header"]
)
def test_a_file_that_is_no_table_is_refused_kindly_and_not_kept(alice: Client, content: bytes) -> None:
    answer = alice.post("/acme/tickets/upload", {"file": SimpleUploadedFile("x.csv", content)})
    if answer.status_code == 302:
        # A header is a table; that it has no tickets is found out when they are read.
        answer = alice.post(answer["Location"], {"name": "x", **columns_shown(alice, answer["Location"])})
    assert answer.status_code == 422
    assert "Nothing was imported" in answer.content.decode()
    assert not DataSet.objects.exists()


@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "..\\..\\boot.csv", "/abs/olute.csv", "a\x00b.csv"])
def test_a_file_name_never_becomes_a_path(alice: Client, name: str) -> None:
    columns = upload(alice, CSV, name)
    alice.post(columns, {"name": "tricky", **columns_shown(alice, columns)})
    stored = DataSet.objects.get()
    assert "/" not in stored.source_filename and "\\" not in stored.source_filename
    home = Path(settings.OTAI_HOME)
    outside = [path for path in home.parent.glob("*.csv") if path.name in ("passwd.csv", "boot.csv", "olute.csv")]
    assert not outside


def test_texts_labels_and_names_are_never_markup(alice: Client) -> None:
    evil = "<script>alert(1)</script>"
    rows = f"subject,body,{evil}\n" + "\n".join(
        f'{evil},"<img src=x onerror=alert(2)> {number}",<b>{number % 2}</b>' for number in range(40)
    )
    columns = upload(alice, rows, f"{evil}.csv")
    pages = [alice.get(columns).content.decode()]
    pages.append(alice.post(columns, {"name": evil, **columns_shown(alice, columns)}, follow=True).content.decode())
    pages.append(alice.get("/acme/tickets/").content.decode())
    pages.append(alice.get("/acme/train/").content.decode())
    for page in pages:
        assert "<script>alert" not in page and "<img src=x" not in page and "<b>0" not in page
    assert "&lt;b&gt;0&lt;/b&gt;" in pages[1] and "&lt;script&gt;alert" in pages[1]


def test_two_gigabytes_are_refused_before_they_are_read(alice: Client) -> None:
    # The header says two gigabytes; the body is a few bytes, and nobody waits for the rest.
    body = io.BytesIO(b"--x\r\n")
    answer = alice.generic(
        "POST",
        "/acme/tickets/upload",
        body.read(),
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(2 << 30),
    )
    assert answer.status_code == 413
    page = answer.content.decode()
    assert "MB" in page and "Compress the file" in page and "otai tickets import" not in page
    assert not DataSet.objects.exists()


def test_a_body_that_does_not_say_its_length_is_refused(alice: Client) -> None:
    answer = alice.generic(
        "POST",
        "/acme/tickets/upload",
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
    )
    assert answer.status_code == 411


def test_a_large_body_is_refused_on_every_other_page(alice: Client) -> None:
    answer = alice.post("/acme/train/order", {"model": "x" * (3 << 20)})
    assert answer.status_code == 413


def test_a_new_version_keeps_the_one_before_and_either_can_be_deleted(alice: Client) -> None:
    for _ in range(2):
        agrees(alice, upload(alice, CSV), "support")
    first, second = DataSet.objects.order_by("version")
    page = alice.get(f"/acme/tickets/{first.id}/").content.decode()
    assert "There is a newer version" in page
    asked = alice.get(f"/acme/tickets/{first.id}/delete").content.decode()
    assert "support v1: 40 tickets" in asked and "All 2 versions" in asked
    answer = alice.post(f"/acme/tickets/{first.id}/delete", follow=True)
    assert "are deleted. Their figures stay." in answer.content.decode()
    assert list(DataSet.objects.filter(deleted_at=None)) == [second]
    assert "were deleted on" in alice.get(f"/acme/tickets/{first.id}/").content.decode()
    # Asked again, there is nothing to delete any more.
    assert alice.get(f"/acme/tickets/{first.id}/delete").status_code == 302


def test_tickets_that_a_training_needs_are_deleted_once_it_is_cancelled(
    alice: Client, tmp_path: Path, now: datetime
) -> None:
    acme = stories.Organisation.objects.get(slug="acme")
    used = stories.tickets_of(acme, tmp_path, now)
    stories.ordered(acme, used, now)
    asked = alice.get(f"/acme/tickets/{used.id}/delete").content.decode()
    assert "A training needs them" in asked and "/acme/runs/1/" in asked
    answer = alice.post(f"/acme/tickets/{used.id}/delete")
    assert answer.status_code == 409
    assert DataSet.objects.get(id=used.id).deleted_at is None
    alice.post("/acme/runs/1/cancel")
    alice.post(f"/acme/tickets/{used.id}/delete")
    assert DataSet.objects.get(id=used.id).deleted_at is not None


def test_looking_around_with_made_up_tickets(alice: Client) -> None:
    page = alice.post("/acme/tickets/sample", follow=True).content.decode()
    assert "made up" in page
    sample = DataSet.objects.get()
    part = alice.get(f"/acme/tickets/{sample.id}/sample?from=20").content.decode()
    assert "21 to 25 of 1,500" in part
    assert "1496 to" not in alice.get(f"/acme/tickets/{sample.id}/sample?from=abc").content.decode()


def test_carol_finds_nothing_and_changes_nothing(alice: Client, carol: Client) -> None:
    columns = upload(alice, CSV)
    agrees(alice, upload(alice, CSV), "support")
    found = DataSet.objects.get()
    for address in (columns, f"/acme/tickets/{found.id}/", f"/globex/tickets/{found.id}/",
        f"/globex/tickets/{found.id}/sample",
                    columns.replace("/acme/", "/globex/")):  # fmt: skip
        assert carol.get(address).status_code == 404, address
    for address in (f"/globex/tickets/{found.id}/delete", f"/acme/tickets/{found.id}/delete", f"{columns}drop",
                    columns.replace("/acme/", "/globex/")):  # fmt: skip
        assert carol.post(address, {"name": "mine"}).status_code == 404, address
    assert alice.get(columns).status_code == 200
    assert list(DataSet.objects.all()) == [found]


def test_a_viewer_looks_and_does_not_upload(now: datetime, alice: Client) -> None:
    agrees(alice, upload(alice, CSV), "support")
    found = DataSet.objects.get()
    viewer = Client()
    viewer.force_login(joins(found.organisation, person("bob"), Role.VIEWER, now).user)
    page = viewer.get("/acme/tickets/").content.decode()
    assert "support" in page and 'type="file"' not in page
    assert viewer.post("/acme/tickets/upload", {}).status_code == 403
    assert viewer.post(f"/acme/tickets/{found.id}/delete").status_code == 403


def test_so_many_files_wait_for_their_columns_and_no_more(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may be a gigabyte; whichever process took them, they lie on one disk."""
    monkeypatch.setattr("otai.tickets.waiting_uploads.most_waiting", 2)
    first, _second = upload(alice, CSV), upload(alice, CSV)
    answer = alice.post("/acme/tickets/upload", {"file": SimpleUploadedFile("third.csv", CSV.encode())})
    # Other tests' organisations have files there, too.
    here = uploads_folder() / str(stories.Organisation.objects.get(slug="acme").id)
    assert (answer.status_code, len(list(here.glob("*")))) == (409, 2)
    assert "2 files of yours wait" in answer.content.decode()
    agrees(alice, first, "support")
    assert upload(alice, CSV), "one is imported, so there is room"


def at_once(settings: Any) -> None:
    """Nobody waits: every job goes on behind its page."""
    settings.OTAI_JOBS_WAIT_SECONDS = 0


def settled(browser: Client, address: str) -> Any:
    """The page once its job has ended, as one who has no scripts comes to see it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer = browser.get(address, follow=True)
        if b'http-equiv="refresh"' not in answer.content:
            return answer
        assert b'role="status"' in answer.content
        time.sleep(0.2)
    raise AssertionError("the job never ended")


@pytest.mark.django_db(transaction=True)
def test_an_import_that_takes_longer_shows_its_progress_and_leads_on(alice: Client, settings: Any) -> None:
    at_once(settings)
    columns = upload(alice, CSV)
    assert 'name="role-0"' in settled(alice, columns).content.decode()
    sent = {"name": "support", **columns_shown(alice, columns)}
    answer = alice.post(columns, sent)
    page = alice.get(answer["Location"])
    if page.status_code == 200:
        now = re.search(r'hx-get="([^"]+)"', page.content.decode())
        assert now is not None
        assert alice.get(now[1]).status_code in (200, 204)
        assert "/cancel" in page.content.decode()
    # The form sent twice is one import.
    again = alice.post(columns, sent)
    assert again.status_code == 302 and again["Location"].startswith("/acme/jobs/")
    assert "40 tickets are imported" in settled(alice, answer["Location"]).content.decode()
    assert DataSet.objects.count() == 1
    assert alice.post(columns, {"name": "support"}, follow=True).redirect_chain[-1][0].startswith("/acme/tickets/")


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_refused_behind_its_page_shows_why_beside_the_choices(alice: Client, settings: Any) -> None:
    at_once(settings)
    rows = CSV + "one,two,three,four,five\n"
    columns = upload(alice, rows)
    settled(alice, columns)
    answer = alice.post(columns, {"name": "my tickets", **columns_shown(alice, columns)})
    page = settled(alice, answer["Location"]).content.decode()
    assert "Nothing was imported yet" in page and "my tickets" in page and "skip_bad_rows" in page
    assert not DataSet.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_import_leaves_nothing_and_the_columns_stand(alice: Client, carol: Client, settings: Any) -> None:
    at_once(settings)
    settings.OTAI_JOBS_AT_ONCE = 1
    columns = upload(alice, CSV)
    settled(alice, columns)
    address = alice.post(columns, {"name": "support", **columns_shown(alice, columns)})["Location"]
    job = Job.objects.get(kind="import")
    if not job.has_ended:
        assert f'sse-connect="/acme/jobs/{job.id}/events"' in alice.get(address).content.decode()
    stream = alice.get(f"/acme/jobs/{job.id}/events")
    assert stream["Content-Type"] == "text/event-stream" and b"event: progress" in stream.content
    assert carol.get(f"/acme/jobs/{job.id}/events").status_code == 404
    assert carol.get(f"/globex/jobs/{job.id}/events").status_code == 404
    alice.post(f"/acme/jobs/{job.id}/cancel", {"back": address})
    job.refresh_from_db()
    page = settled(alice, columns).content.decode()
    if job.status == "cancelled":
        assert "This was cancelled" in page and 'name="role-0"' in page
        assert not DataSet.objects.exists()


def test_a_file_that_cannot_be_read_in_its_bounds_is_refused_kindly(alice: Client, settings: Any) -> None:
    settings.OTAI_JOB_MEMORY_BYTES = 1 << 20
    big = "text,queue\n" + "\n".join(f"The printer in room {n} is on fire and nobody comes,it" for n in range(60_000))
    answer = alice.post("/acme/tickets/upload", {"file": SimpleUploadedFile("big.csv", big.encode())})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "needed more than 1\N{NO-BREAK SPACE}MB of memory" in page and "Nothing was imported" in page
    assert not DataSet.objects.exists()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["1 column, read as CSV", "3 rows, ", "Only one column was found"]),
        ("de", ["1 Spalte, gelesen als CSV", "3 Zeilen, ", "Nur eine Spalte wurde gefunden"]),
        ("fr", ["1 colonne, lue comme CSV", "3 lignes, ", "Une seule colonne a été trouvée"]),
    ],
)
def test_a_file_of_one_column_is_warned_of(alice: Client, language: str, said: list[str]) -> None:
    content = b"text\nThe printer is on fire\nThe lift is stuck\nThe hall is dark\n"
    alice.cookies["otai_language"] = language
    page = alice.get(upload(alice, content)).content.decode()
    assert [words for words in said if words not in page] == []
