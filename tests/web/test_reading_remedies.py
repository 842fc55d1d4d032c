"""A file is read differently in the browser: its header, sheet, delimiter, encoding, dates and separator."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from django.test import Client

from otai.db import utc_now
from otai.tickets.models import DataSet
from tests.web.visitors import columns_shown, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


SHORT = "text,queue,room\n" + "\n".join(
    f"The printer in room {n} is on fire,{'it' if n % 2 else 'office'}" for n in range(40)
)


def reads(browser: Client, columns: str, **said: str) -> str:
    """The page of the columns after the file was read differently."""
    answer = browser.post(f"{columns}read", said)
    assert answer.status_code == 302, answer.content.decode()
    return browser.get(answer["Location"]).content.decode()


def test_a_refusal_offers_its_remedy_there(alice: Client) -> None:
    """The header names three columns, the rows have two; what is above them is said to be no header."""
    columns = upload(alice, SHORT)
    page = alice.get(columns).content.decode()
    assert "2 of 3 fields" in page and "Read the file differently" in page and 'name="header"' in page
    assert not DataSet.objects.exists()
    page = reads(alice, columns, header="0")
    assert "column 1" in page and 'name="role-0"' in page
    # What was said is kept, by the page and by the import.
    assert 'name="header" min="0" max="200" value="0"' in page
    page = reads(alice, columns, header="", delimiter=";")
    assert 'value=";" selected' in page and "text,queue,room" in page


def test_any_sign_between_the_fields_can_be_said_where_one_column_was_found(alice: Client) -> None:
    """Each text holds the sign of the other column somewhere, so nothing tells it from one."""
    rows = [
        f"The printer in room {n} % is on fire%{('it', 'hr')[n % 2]}" if n % 3 else f"Fire in room {n}%it"
        for n in range(40)
    ]
    columns = upload(alice, "\n".join(["words%queue", *rows]))
    page = alice.get(columns).content.decode()
    assert "Only one column was found" in page and "say below what stands between its fields" in page
    assert "<details open>" in page and 'name="sign"' in page
    page = reads(alice, columns, sign="%")
    assert 'name="role-1"' in page and "Only one column was found" not in page
    assert '<option value="%" selected>sign %</option>' in page
    # A sign that is said stays said when something else is changed.
    assert '<option value="%" selected>' in reads(alice, columns, delimiter="%", header="1")


def test_the_header_the_sheet_and_the_dates_can_be_said_in_the_browser(alice: Client) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for name, first in (("Tickets", "it"), ("Older", "office")):
        page = book.create_sheet(name)
        for row in [["a", "b", "c"], ["words of it", "queue", "opened"]]:
            page.append(row)
        for n in range(40):
            page.append([f"The printer in room {n} is on fire", first if n % 3 else "hr", "03/04/2026"])
    out = io.BytesIO()
    book.save(out)
    columns = upload(alice, out.getvalue(), "t.xlsx")
    page = alice.get(columns).content.decode()
    assert "<option>Older</option>" in page
    page = reads(alice, columns, header="2", sheet="Older", dates="day-first")
    assert "words of it" in page and "<option selected>Older</option>" in page
    assert alice.post(columns, {"name": "older", **columns_shown(alice, columns)}).status_code == 302
    data_set = DataSet.objects.get()
    assert {label.name for label in data_set.attributes.get().labels.all()} == {"office", "hr"}
    from otai.tickets import queries

    assert {ticket["created_at"].month for ticket in queries.tickets(data_set, offset=0, limit=9)} == {4}


def test_the_encoding_is_said_in_the_browser_and_shown_at_once(alice: Client) -> None:
    rows = "\n".join(f"Der Drucker in Raum {n} läuft nicht,{'it' if n % 2 else 'büro'}" for n in range(40))
    columns = upload(alice, f"text,queue\n{rows}".encode())
    assert "büro" in alice.get(columns).content.decode()
    page = reads(alice, columns, encoding="cp1252")
    assert "bÃ¼ro" in page and "<option selected>cp1252</option>" in page
    assert "büro" in reads(alice, columns, encoding="")


def test_what_settles_no_date_is_asked_before_the_import(alice: Client) -> None:
    rows = [f"The printer in room {n} is on fire,{'it' if n % 3 else 'hr'},03/04/2026" for n in range(40)]
    columns = upload(alice, "\n".join(["text,queue,opened", *rows]))
    page = alice.get(columns).content.decode()
    assert "dates such as 03/04/2026 in “opened”" in page
    assert all(f'name="dates" value="{order}"' in page for order in ("day-first", "month-first"))
    page = reads(alice, columns, dates="day-first")
    assert "dates such as 03/04/2026 in" not in page
    settled = upload(alice, "\n".join(["text,queue,opened", *rows[1:], "The last room is on fire,it,25/04/2026"]))
    assert "dates such as" not in alice.get(settled).content.decode()


def test_the_separator_of_labels_is_chosen_with_a_look_at_what_comes_of_it(alice: Client) -> None:
    labels = ["fire/printer", "vpn/slow", "fire/vpn"]
    columns = upload(
        alice, "text,kind\n" + "\n".join(f"The printer in room {n} is on fire,{labels[n % 3]}" for n in range(60))
    )
    fields = {**columns_shown(alice, columns), "role-1": "multi"}
    looked = alice.post(columns, {"look": "1", **fields, "separator-1": "slash"})
    page = looked.content.decode()
    assert looked.status_code == 200 and not DataSet.objects.exists()
    assert '<option value="slash" selected>' in page and '<span class="chip">printer</span>' in page
    assert alice.post(columns, {"name": "s", **fields, "separator-1": "slash"}).status_code == 302
    attribute = DataSet.objects.get().attributes.get(name="kind")
    assert {label.name for label in attribute.labels.all()} == {"fire", "printer", "vpn", "slow"}
