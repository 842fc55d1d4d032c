"""Files without tickets are refused by what they are, with what to do instead; tickets that look like them come in."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from otai.tickets.problems import DatasetInvalid
from otai.tickets.reading import ReadTickets, read_tickets

pytestmark = pytest.mark.pure


def brought(tmp_path: Path, content: str, name: str = "export.json") -> ReadTickets:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return read_tickets(path, into=tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "Couldn't authenticate you"}, "Couldn't authenticate you"),
        ({"error": {"title": "Forbidden", "message": "You do not have access."}}, "You do not have access"),
        ({"errorMessages": ["Issue does not exist"], "errors": {}}, "Issue does not exist"),
        ({"error": "invalid_token", "error_description": "The access token expired"}, "The access token expired"),
        ({"code": "invalid_credentials", "message": "You have to be logged in."}, "You have to be logged in."),
        ({"description": "Validation failed", "errors": [{"field": "x", "message": "bad"}]}, "Validation failed"),
        ({"type": "error.list", "errors": [{"code": "unauthorized", "message": "Token invalid"}]}, "Token invalid"),
        ({"error": {"message": "No Record found"}, "status": "failure", "result": []}, "No Record found"),
        ({"status": "error", "message": "Key has run out", "correlationId": "a-1"}, "Key has run out"),
        ({"message": "Bad credentials", "documentation_url": "https://docs.example.com"}, "Bad credentials"),
        ({"message": "401 Unauthorized"}, "401 Unauthorized"),
        ([{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}], "Session expired"),
        ({"Error": {"ErrorCode": "AuthFail", "ErrorMessage": "Authorization failing!"}}, "Authorization failing!"),
        ({"_error": {"status": 401, "message": "Web token is not valid"}}, "Web token is not valid"),
        ({"data": None, "errors": [{"message": "Field x does not exist", "path": ["a"]}]}, "Field x does not exist"),
        ({"type": "about:blank", "title": "Not Found", "status": 404, "detail": "No such view"}, "No such view"),
        ({"$id": "1", "message": "Not authorised", "typeKey": "Unauthorized", "errorCode": 0}, "Not authorised"),
    ],
)  # fmt: skip
def test_an_error_that_an_api_answered_is_no_ticket(tmp_path: Path, answer: object, said: str) -> None:
    with pytest.raises(DatasetInvalid) as refusal:
        brought(tmp_path, json.dumps(answer, indent=2))
    assert "an error that a program answered" in refusal.value.message and said in refusal.value.message
    assert "--column" not in refusal.value.message


def test_a_log_is_no_table_and_rows_with_times_are(tmp_path: Path) -> None:
    log = "\n".join(f"2026-01-05 08:{n:02}:00,123 INFO [main] com.acme.Desk - started {n}" for n in range(50))
    with pytest.raises(DatasetInvalid, match="a log of a program") as refusal:
        brought(tmp_path, log, "desk.log")
    assert "Export the tickets" in refusal.value.message
    rows = "\n".join(f'2026-01-05 08:{n:02}:00,"The printer {n} is broken, please help",net' for n in range(50))
    assert brought(tmp_path, f"created,text,queue\n{rows}\n", "desk.csv").profile.tickets == 50


@pytest.mark.parametrize(
    "document",
    [
        "<errors><error>Not authorized</error></errors>",
        "<hash><error>Not authorized</error></hash>",
        "<response><error><code>401</code><message>Not authorized</message></error></response>",
        "<response><status>failure</status><error><message>Not authorized</message></error></response>",
    ],
)
def test_an_error_in_xml_is_no_ticket(tmp_path: Path, document: str) -> None:
    with pytest.raises(DatasetInvalid, match=r"an error that a program answered, .Not authorized"):
        brought(tmp_path, f'<?xml version="1.0"?>{document}', "export.xml")


def test_what_an_error_says_is_quoted_without_personal_data(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid) as refusal:
        brought(tmp_path, json.dumps({"error": "ada@example.com is no user of ours"}))
    assert "ada@" not in refusal.value.message and "is no user of ours" in refusal.value.message


@pytest.mark.parametrize(
    ("page", "named"),
    [
        ('{"tickets": [], "count": 0, "next_page": null}', "tickets"),
        ('{"result": []}', "result"),
        ('{"issues": [], "total": 0}', "issues"),
        ('{"_embedded": {"conversations": []}, "page": {"size": 25}}', "_embedded.conversations"),
        ('{"data": {"tickets": []}}', "data.tickets"),
        ('{"tickets": [], "users": [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Ben"}]}', "tickets"),
        ('{"response": {"numFound": 0, "docs": []}}', "response.docs"),
        ('<?xml version="1.0"?><tickets type="array"/>', "tickets"),
        ("[]", "The list in the file is empty"),
    ],
)
def test_an_empty_list_is_said_to_hold_no_tickets(tmp_path: Path, page: str, named: str) -> None:
    with pytest.raises(DatasetInvalid, match="holds no tickets") as refusal:
        brought(tmp_path, page)
    assert named in refusal.value.message and "--column" not in refusal.value.message


@pytest.mark.parametrize(
    "document",
    [
        '{"subject": "Printer", "description": "My printer does not work", "error": "E5", "tasks": []}',
        '{"title": "Printer", "description": "My printer does not work at all", "status": "open"}',
        '{"errors": [], "tickets": [{"subject": "Printer", "description": "My printer does not work at all"}]}',
        "<tickets><ticket><subject>a b</subject><body>My mouse is dead</body><error>E5</error></ticket></tickets>",
    ],
)
def test_a_ticket_that_speaks_of_errors_is_one(tmp_path: Path, document: str) -> None:
    assert brought(tmp_path, document).profile.tickets == 1


TICKETS = "".join(f"{n},printer {n} is broken today,{'ab'[n % 2]}\n" for n in range(12))


@pytest.mark.parametrize(
    "screen",
    [
        " id | subject      | queue \n----+--------------+-------\n  1 | it is broken | net\n(1 row)\n",
        "+----+---------+\n| id | subject |\n+----+---------+\n|  1 | a b c   |\n+----+---------+\n",
        "id          subject\n----------- ------------------\n          1 it is broken\n\n(1 rows affected)\n",
        "-[ RECORD 1 ]---------\nid      | 1\nsubject | it is broken\n-[ RECORD 2 ]---------\nid      | 2\n",
        "*************************** 1. row ***************************\n     id: 1\nsubject: it is broken\n",
        "┌────┬─────────┐\n│ id │ subject │\n├────┼─────────┤\n│ 1  │ a b c   │\n└────┴─────────┘\n",
    ],
)  # fmt: skip
def test_a_table_drawn_on_the_screen_is_called_so(tmp_path: Path, screen: str) -> None:
    with pytest.raises(DatasetInvalid, match=r"draws it on the screen\. .*\\copy"):
        brought(tmp_path, screen, "tickets.txt")


@pytest.mark.parametrize(
    "text",
    [
        "# README\n\nThis is the export of our tickets.\n\n## How to\n\nRun the script, then look.\n\n- one\n- two\n",
        "Dear all,\n\nplease find attached, as promised, the tickets.\nIt has all, and more.\n\nRegards,\nBob\n",
        "Hallo Team,\n\nanbei, wie besprochen, die Tickets.\n\nViele Grüße\nBob\n",
        "Bonjour,\n\nvoici les tickets; merci de les regarder.\n\nCordialement\nAda\n",
        "Tickets\n=======\n\nSome words, and some more.\n",
        "You have been logged out. Please sign in again.",
        "invalid key",
    ],
)
@pytest.mark.parametrize("name", ["README.md", "tickets.csv"])
def test_a_text_for_people_is_no_table(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(DatasetInvalid, match="a text for people to read") as refusal:
        brought(tmp_path, text, name)
    assert "--column" not in refusal.value.message and "--skip-bad-rows" not in refusal.value.message


@pytest.mark.parametrize(
    "table",
    [
        f"id,subject,queue\n--,-------,-----\n{TICKETS}",
        f"# Tickets\n\n{'| id | subject | queue |'}\n|----|---------|-------|\n" + "".join(
            f"| {line.replace(',', ' | ')} |\n" for line in TICKETS.splitlines()),
        f"Report of tickets\n\nFrom: 1 January\n\nid,subject,queue\n{TICKETS}",
        f"id,subject,queue\n\n{TICKETS}".replace("\n", "\n\n"),
        "subject\n" + "".join(f"printer {n} is broken, and so is my mouse\n" for n in range(12)).replace(",", ""),
    ],
)  # fmt: skip
def test_a_table_that_looks_like_a_text_comes_in(tmp_path: Path, table: str) -> None:
    read = brought(tmp_path, table, "tickets.csv")
    assert read.profile.tickets == 12
    assert read.roles.single["subject" if "subject" in read.roles.single else "body"] == "subject"


def _zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("tickets.csv", "subject,queue\n" + "printer,it\n" * 40)
    return out.getvalue()


PACKED = {
    "a workbook (.xlsx, .ods) or a zip archive": _zipped(),
    "a table (CSV)": "subject;queue\ndie Tür klemmt;Haus\n".encode() * 30,
    "JSON": b'[{"subject": "printer on fire", "queue": "it"}]' * 20,
    "XML or HTML": b"<?xml version='1.0'?><tickets><ticket/></tickets>" * 9,
    "a gzip archive": gzip.compress(b"subject,queue\n" * 90 + bytes(range(97, 120)) * 4),
}


@pytest.mark.parametrize("inside", PACKED)
@pytest.mark.parametrize("form", ["lines", "one line", "address", "quoted"])
def test_a_file_packed_as_text_is_told_with_what_is_inside(tmp_path: Path, inside: str, form: str) -> None:
    packed = base64.encodebytes(PACKED[inside]).decode()
    bare = packed.replace("\n", "")
    content = {"lines": packed, "one line": bare, "address": f"data:text/csv;base64,{bare}", "quoted": f'"{bare}"'}[
        form
    ]
    with pytest.raises(DatasetInvalid) as refusal:
        brought(tmp_path, content, "export.b64")
    assert f"packed as text (base64), inside of which is {inside}" in refusal.value.message
    assert "certutil -decode" in refusal.value.message


def test_a_picture_packed_as_text_holds_no_tickets_either_way(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match=r"inside of which is a PDF.*export them as CSV"):
        brought(tmp_path, base64.encodebytes(b"%PDF-1.7 of the whole desk" * 9).decode(), "mail.txt")


def test_words_and_codes_are_not_taken_for_packed_files(tmp_path: Path) -> None:
    rows = "\n".join(f"printerdoesnotprintinroom{n:03},it" for n in range(60))
    assert brought(tmp_path, f"subject,queue\n{rows}\n", "t.csv").profile.tickets == 60


def test_a_sign_in_page_is_told_though_its_fields_stand_in_a_table(tmp_path: Path) -> None:
    fields = '<tr><td>User</td><td>Name or mail</td></tr><tr><td><input type="password"></td></tr>'
    form = f"<form><table>{fields}</table></form>"
    with pytest.raises(DatasetInvalid, match="sign-in page"):
        brought(tmp_path, f"<!doctype html><html><body>{form}</body></html>", "export.xls")
    rows = "".join(f"<tr><td>the printer {n} smells</td><td>Network</td></tr>" for n in range(20))
    table = f"<table><tr><th>Subject</th><th>Team</th></tr>{rows}</table>"
    assert brought(tmp_path, f"<html><body>{form}{table}</body></html>", "export.xls").profile.tickets == 20
