"""What an import is asked beside its columns, and what a page says before anything is paid: in the browser."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.tickets import expected_quality
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from otai.tickets.options import ImportOptions
from tests.stories_of_leaks import write_signed
from tests.web.visitors import columns_shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


@pytest.fixture
def signed(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    return import_tickets(organisation=acme, name="support", source=write_signed(tmp_path / "support.csv"), now=now)


def file(first: int, last: int, *, more: str = "") -> SimpleUploadedFile:
    """Tickets of two queues; `more` names further columns, each with two values."""
    rows = [
        f"T{n},The printer in room {n} is broken. Write to ada{n}@example.com,{'it' if n % 2 else 'office'}"
        f"{f',{chr(97 + n % 2)}' * bool(more) * len(more.split(','))}\n"
        for n in range(first, last)
    ]
    head = "ticket id,text,queue" + f",{more}" * bool(more)
    return SimpleUploadedFile("support.csv", (f"{head}\n" + "".join(rows)).encode())


def bring(browser: Client, upload: SimpleUploadedFile, **wishes: str) -> DataSet:
    columns = browser.post("/acme/tickets/upload", {"file": upload})["Location"]
    answer = browser.post(columns, {"name": "support", **columns_shown(browser, columns), **wishes})
    assert answer.status_code == 302, answer.content.decode()
    return DataSet.objects.order_by("-version")[0]


def test_the_browser_masks_and_adds_as_the_command_line_does(alice: Client) -> None:
    first = bring(alice, file(0, 40), mask="1")
    assert not any("@example.com" in row["body"] for row in tickets.tickets(first))
    page = alice.get(alice.post("/acme/tickets/upload", {"file": file(40, 50)})["Location"]).content.decode()
    assert 'name="add"' in page and 'name="keep_quotes"' in page and '<option value="support">' in page
    made = bring(alice, file(30, 50), add="1")
    assert (made.version, made.tickets) == (2, 50)
    assert not any("@example.com" in row["body"] for row in tickets.tickets(made))
    shown = alice.get(f"/acme/tickets/{made.id}/").content.decode()
    assert "tickets that came: 10; that have another text or label: 0; that went: 0; as they were: 40" in shown


def test_columns_that_come_with_what_is_added_are_what_was_chosen_for_them(alice: Client) -> None:
    bring(alice, file(0, 40))
    upload = alice.post("/acme/tickets/upload", {"file": file(40, 60, more="category,mood")})["Location"]
    shown = columns_shown(alice, upload)
    assert (shown["role-3"], shown["role-4"]) == ("attribute", "attribute")
    answer = alice.post(upload, {**shown, "name": "support", "add": "1", "role-3": "ignore"})
    assert answer.status_code == 302, answer.content.decode()
    made = DataSet.objects.order_by("-version")[0]
    assert [one["name"] for one in made.profile["attributes"]] == ["queue", "mood"]
    page = alice.get(f"/acme/tickets/{made.id}/").content.decode()
    assert "Columns that the tickets before did not have became attributes: “mood”." in page


def test_adding_to_a_name_that_is_not_there_is_said_on_the_form(alice: Client) -> None:
    bring(alice, file(0, 40))
    columns = alice.post("/acme/tickets/upload", {"file": file(0, 40)})["Location"]
    sent = {**columns_shown(alice, columns), "name": "other", "add": "1"}
    answer = alice.post(columns, sent)
    assert answer.status_code == 422 and "Nothing was imported yet" in answer.content.decode()
    assert DataSet.objects.count() == 1


def checked(page: str) -> dict[str, bool]:
    found = re.findall(r'<input type="checkbox" id="\w+-\d+" name="attribute" value="([^"]+)"( checked)?', page)
    return {name: bool(is_checked) for name, is_checked in found}


def test_the_few_that_sort_tickets_are_proposed_and_further_ones_say_what_they_add(
    alice: Client, signed: DataSet
) -> None:
    page = alice.get("/acme/train/").content.decode()
    assert checked(page) == {"queue": True, "priority": True, "office": False}
    proposed, further = page.split("Could be learnt too")
    assert 'value="queue"' in proposed and 'value="office"' in further
    assert "its name does not say that it sorts tickets" in further
    # Two or three attributes are one price; a sixth is in the next band.
    assert "Adds nothing to the price." in further and "Adds" not in proposed


def test_what_a_sixth_attribute_adds_is_shown(alice: Client, acme: Organisation, tmp_path: Path, now: datetime) -> None:
    names = ("queue", "type", "priority", "category", "assignee", "site")
    rows = [[f"Case {n} of the printer makes trouble",
        *((f"{name} a", f"{name} b")[(n + at) % 2] for at, name in enumerate(names))] for n in range(60)]  # fmt: skip
    source = tmp_path / "six.csv"
    source.write_text("\n".join(",".join(row) for row in [["text", *names], *rows]))
    import_tickets(organisation=acme, name="six", source=source, now=now)
    page = alice.get("/acme/train/?choice=basic-fast").content.decode()
    assert sum(checked(page).values()) == 5 and not checked(page)["site"]
    # Basic, fast: 2 x 1/2 for five, 2 x 1 for six.
    assert "This training costs 1 credit" in page and "Adds 1 credit." in page


def test_leaks_are_said_before_the_order(alice: Client, signed: DataSet) -> None:
    page = alice.get("/acme/train/?chosen=1&attribute=queue").content.decode()
    assert "The report card may look better than the model is" in page
    assert re.search(r"without these lines \d+ of 100 would be right", page)
    without = alice.get("/acme/train/?chosen=1&attribute=office").content.decode()
    assert "may look better than the model is" not in without


def test_what_no_text_tells_is_said_before_the_order(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    source = write_signed(tmp_path / "support.csv", tickets=900)
    signed = import_tickets(organisation=acme, name="support", source=source, now=now)
    expected_quality.of(signed, now=now)
    page = alice.get("/acme/train/?chosen=1&attribute=office").content.decode()
    assert "Do not buy a training for this" in page and "nothing in these texts tells it" in page
    assert "Do not buy" not in alice.get("/acme/train/?chosen=1&attribute=queue").content.decode()


def test_labels_that_are_addresses_are_told_masked_or_not_and_numbered_in_place(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    agents = ("anna.bell@acme.example", "bo.carr@acme.example", "Second line")
    rows = [f"Case {n} of the printer makes trouble,{agents[n % 3]}" for n in range(60)]
    source = tmp_path / "agents.csv"
    source.write_text("\n".join(["text,assignee", *rows]))
    made = import_tickets(organisation=acme, name="agents", source=source, options=ImportOptions(mask=True), now=now)
    told = "2 labels of assignee are mail addresses or other personal data"
    offered = f"/acme/tickets/{made.id}/labels?attribute=assignee&amp;personal=1"
    for address in (f"/acme/tickets/{made.id}/", "/acme/train/?chosen=1&attribute=assignee"):
        page = alice.get(address).content.decode()
        assert told in page and offered in page and f"an{12 * '*'}e" in page
    sent = labels_offered(alice.get(offered.replace("&amp;", "&")).content.decode())
    assert sent == {
        "anna.bell@acme.example": "assignee 1",
        "bo.carr@acme.example": "assignee 2",
        "Second line": "Second line",
    }
    alice.post(offered.split("?")[0], {"attribute": "assignee", "label": list(sent), "becomes": list(sent.values())})
    newest = DataSet.objects.order_by("-version")[0]
    assert {label.name for label in tickets.labels(newest, "assignee")} == {"assignee 1", "assignee 2", "Second line"}
    assert tickets.personal_labels(made, ["assignee"]) and not tickets.personal_labels(newest, ["assignee"])


def labels_offered(page: str) -> dict[str, str]:
    """What the page of labels would make of each."""
    return dict(re.findall(r'name="label" value="([^"]+)"><input type="text" name="becomes" value="([^"]+)"', page))
