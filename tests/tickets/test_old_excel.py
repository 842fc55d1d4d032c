"""Old Excel files: what helpdesks of before 2007 and their successors still call an export; and other programs' files,
which have the same container."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otai.tickets.options import FormatOptions
from otai.tickets.problems import DatasetInvalid
from otai.tickets.reading import read_tickets
from otai.tickets.sources.opening import open_source
from otai.words.catalogue import say_fact
from tests.tickets.old_excel import Cell, compound_file, write_xls

pytestmark = pytest.mark.pure

QUEUES = ("Netz", "Lohn", "Versand")


def rows(count: int) -> list[list[Cell]]:
    made: list[list[Cell]] = [["Auswertung"], [], ["Nummer", "Betreff", "Beschreibung", "Gruppe", "Eingang", "Stunden"]]
    for n in range(count):
        text = f"Guten Tag, der Rechner {n} im Büro Köln startet nicht mehr seit gestern. Grüße"
        # Excel keeps a day as a number: 46 055 is 2 February 2026.
        made.append([float(n + 1), f"Rechner {n} startet nicht", text, QUEUES[n % 3], 46_055 + n / 8, n % 7 + 0.25])
    return made


def test_an_old_workbook_is_read(tmp_path: Path) -> None:
    write_xls(tmp_path / "export.xls", {"Übersicht": [["Nur eine Seite vorab"]], "Tickets": rows(150)})
    read = read_tickets(tmp_path / "export.xls", into=tmp_path / "out.parquet")
    tickets = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert (len(tickets), say_fact(read.format)) == (150, "Excel, sheet 'Tickets'")
    assert dict(read.roles.single) == {
        "ticket": "Nummer", "subject": "Betreff", "body": "Beschreibung", "created": "Eingang",
    }  # fmt: skip
    assert tickets[0]["ticket"] == "1" and "Büro Köln" in tickets[0]["body"]
    assert str(tickets[8]["created_at"]).startswith("2026-02-03")
    assert {label.name for label in read.profile.attribute("Gruppe").labels} == set(QUEUES)
    assert "Stunden" in read.roles.ignored


def test_a_sheet_of_it_can_be_named_and_its_name_need_not_end_in_xls(tmp_path: Path) -> None:
    write_xls(tmp_path / "upload", {"Januar": rows(40), "Anderes": [["a", "b"], ["c", "d"]]})
    source = open_source(tmp_path / "upload", filename="export.csv", options=FormatOptions(sheet="Anderes"))
    assert source.columns == ["a", "b"]


def test_one_that_is_cut_short_is_refused_as_what_it_is(tmp_path: Path) -> None:
    write_xls(tmp_path / "export.xls", {"Tickets": rows(150)})
    whole = (tmp_path / "export.xls").read_bytes()
    (tmp_path / "export.xls").write_bytes(whole[:3_000])
    with pytest.raises(DatasetInvalid, match=r"(?i)workbook|excel"):
        read_tickets(tmp_path / "export.xls", into=tmp_path / "out.parquet")


def test_a_workbook_that_holds_a_word_document_is_a_workbook(tmp_path: Path) -> None:
    write_xls(tmp_path / "export.xls", {"Tickets": rows(150)}, holding=["WordDocument", "1Table"])
    read = read_tickets(tmp_path / "export.xls", into=tmp_path / "out.parquet")
    assert read.profile.tickets == 150


MAIL = ("__nameid_version1.0", "__properties_version1.0", "__substg1.0_0037001F")
OTHERS = {
    "mail.msg": (compound_file(*MAIL), "an Outlook mail"),
    "a mail with a workbook attached.msg": (compound_file(*MAIL, holding=["Workbook"]), "an Outlook mail"),
    "a mail of another name.dat": (compound_file(*MAIL), "an Outlook mail"),
    "a mail that was cut in its directory.msg": (compound_file(*MAIL)[:1_100], "an Outlook mail"),
    "a mail that was cut before it.msg": (compound_file(*MAIL)[:700], "an Outlook mail"),
    "a mail that was overwritten.msg": (compound_file(*MAIL)[:40] + b"\xff" * 9_000, "an Outlook mail"),
    "letter.doc": (compound_file("WordDocument", "1Table"), "a Word document"),
    "letter that was cut.doc": (compound_file("WordDocument", "1Table")[:600], "a Word document"),
    "slides.ppt": (compound_file("PowerPoint Document"), "a presentation"),
    "plan.vsd": (compound_file("VisioDocument"), "a Visio drawing"),
    "locked.xlsx": (compound_file("EncryptedPackage", "EncryptionInfo"), "a workbook with a password"),
    "export.csv": (compound_file("\x05SummaryInformation"), "older Office program"),
    "of no program.bin": (compound_file("x")[:600], "older Office program"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_lies_in_the_same_container_is_refused_by_its_kind(name: str, tmp_path: Path) -> None:
    content, kind = OTHERS[name]
    (tmp_path / "upload").write_bytes(content)
    with pytest.raises(DatasetInvalid, match=kind) as refused:
        open_source(tmp_path / "upload", filename=name)
    assert "damaged. Save it as .xlsx" not in refused.value.message
