"""Small files that were made to be slow to read: each is refused by what there is too much of, or read at once. Carol's
import waits for none of them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pytest

from otai.learning.data.texts.html_text import text_of_html
from otai.learning.data.texts.office_text import text_of_rtf, without_styles
from otai.learning.data.texts.transcripts import customers_first_words
from otai.learning.data.texts.wiki_text import looks_like_wiki, text_of_wiki
from otai.tickets.problems import BadRows, DatasetInvalid
from otai.tickets.sources.opening import open_source
from tests.learning.data.hostile import hostile_to, patterns_of, read_by, seconds_of

pytestmark = pytest.mark.pure

HEAD = "From ann@acme.example Mon Jan  5 08:00:00 2026\nFrom: ann@acme.example\nDate: Mon, 5 Jan 2026 08:00:00 +0000\n"
PLAIN = f"{HEAD}Subject: printer\n\nThe printer is on fire\n\n"
MOST_SECONDS = 3.0

TOO_MUCH = {
    "mail_headers": f"{HEAD}{'X-Spam: 1' + chr(10):s}" + "X: 1\n" * 200_000 + "\nHelp\n",
    "mail_parameters": f"{HEAD}Content-Type: text/plain" + "; a=b" * 100_000 + "\n\nHelp\n",
    "mail_parts": f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\n" * 200_000 + "--b--\n",
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_mail_with_more_of_something_than_any_program_writes_is_a_bad_row(case: str, tmp_path: Path) -> None:
    file = tmp_path / "mails.mbox"
    file.write_text(PLAIN + TOO_MUCH[case] + "\n" + PLAIN)

    def read() -> list[int]:
        bad = BadRows(skip=True)
        rows = sum(
            batch.num_rows if hasattr(batch, "num_rows") else len(batch.numbers)
            for batch in open_source(file).batches(bad)
        )
        return [rows, bad.count]

    found: list[list[int]] = []
    assert seconds_of(lambda: found.append(read())) < MOST_SECONDS
    assert found[0] == [2, 1]


@pytest.mark.parametrize(
    "head", ["Subject: " + "=?utf-8?q?a?= " * 100_000, "Subject: " + "a" * 5_000_000, "Subject: a\n" + " b\n" * 9_000]
)
def test_a_long_header_is_read_as_far_as_anybody_would(head: str, tmp_path: Path) -> None:
    file = tmp_path / "mails.mbox"
    file.write_text(f"{HEAD}{head}\n\nHelp\n\n{PLAIN}")
    assert seconds_of(lambda: list(open_source(file).batches(BadRows(skip=True)))) < MOST_SECONDS


def test_a_line_that_only_begins_like_a_mail_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mails.mbox"
    file.write_text(PLAIN + "\nFrom " + "x" * 1_000_000 + "\n")
    assert seconds_of(lambda: list(open_source(file).batches(BadRows(skip=True)))) < MOST_SECONDS


def changed(path: Path, change: Callable[[str, str], str]) -> Path:
    """The workbook with its parts changed: (name, XML) -> XML."""
    out = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            made.writestr(name, change(name, given.read(name).decode()))
    return out


def test_sheets_beyond_number_and_sheets_that_share_a_part_are_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text", "queue"])
    book.active.append(["The printer is on fire", "it"])
    book.save(tmp_path / "book.xlsx")

    def many(count: int) -> Callable[[str, str], str]:
        more = "".join(f'<sheet name="s{n}" sheetId="{n + 2}" r:id="rId1"/>' for n in range(count))
        more = f'<x xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">{more}</x>'
        return lambda name, xml: xml.replace("</sheets>", f"{more}</sheets>") if name == "xl/workbook.xml" else xml

    with pytest.raises(DatasetInvalid) as refused:
        open_source(changed(tmp_path / "book.xlsx", many(50_000)))
    assert refused.value.case == "workbook_sheets"
    with pytest.raises(DatasetInvalid) as refused:
        open_source(changed(tmp_path / "book.xlsx", many(100)))
    assert refused.value.case == "workbook_sheets_share"


TEXTS = {
    "open tags": "<a " * 30_000,
    "nested": "<div>" * 900 + "x" + "</div>" * 900,
    "groups": "{\\rtf1 " + "{\\*{a}" * 15_000,
    "comments": "<!--" * 25_000,
    "mentions": "[~" * 50_000,
    "links": "[a|http:" * 12_000,
    "pictures": "!a" * 50_000,
    "styles": "a{b:" * 25_000,
    "chat": "12:00" + " " * 100_000 + "x",
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_markup_is_read_as_quickly_as_any(name: str) -> None:
    text = TEXTS[name]
    readers = (text_of_html, text_of_rtf, without_styles, looks_like_wiki, text_of_wiki, customers_first_words)
    assert seconds_of(lambda: [reader(text) for reader in readers]) < MOST_SECONDS


BOUNDED = ("label_orders", "known_afterwards", "otai.tickets.columns", "guessing", "formats_of_before")
"""What these read is short: labels, options, formats in a hundred characters."""
AT_THE_BEGINNING = "_REFUSED_BY_TEXT"
"""What a file is, by its first words."""


def test_every_expression_for_files_takes_time_in_proportion() -> None:
    slow = [
        (place, round(seconds, 2), pattern.pattern[:60], text[:30])
        for place, pattern, method in patterns_of("otai.tickets")
        if not any(part in place for part in BOUNDED)
        for text in hostile_to(pattern, 8_000)
        if (seconds := seconds_of(partial(read_by, pattern, "match" if AT_THE_BEGINNING in place else method, text)))
        > 0.3
    ]
    assert slow == []
