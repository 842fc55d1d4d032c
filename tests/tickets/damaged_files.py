"""Files that are damaged, or made to harm whoever reads them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl

ROWS = re.compile(r"<sheetData>.*</sheetData>", re.DOTALL)


def workbook(path: Path, damage: Callable[[str], str]) -> Path:
    """A workbook as Excel writes it, but for the XML of its one sheet."""
    book = openpyxl.Workbook()
    book.active.append(["body", "queue"])  # type: ignore[union-attr]
    book.active.append(["The printer is on fire", "it"])  # type: ignore[union-attr]
    whole = io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as made, zipfile.ZipFile(path, "w") as damaged:
        for part in made.infolist():
            is_sheet = part.filename.endswith("/sheet1.xml")
            content = made.read(part)
            damaged.writestr(part.filename, damage(content.decode()).encode() if is_sheet else content)
    return path


def rows(xml: str) -> Callable[[str], str]:
    """These rows instead of the sheet's own."""
    return lambda sheet: ROWS.sub(f"<sheetData>{xml}</sheetData>", sheet)


SHEETS: dict[str, Callable[[str], str]] = {
    "a text that is not there": rows('<row r="1"><c r="A1" t="s"><v>99999999999</v></c></row>'),
    "no XML": lambda sheet: "this is no XML <<<",
    "cut off": lambda sheet: sheet[: sheet.index("</sheetData>") - 40],
    "a row far below": rows('<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>'),
    "a column far away": rows('<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>'),
}


def nested_parts(depth: int) -> str:
    lines = ["From alice@acme.example Mon Nov  2 09:30:00 2026", "From: alice@acme.example", "Subject: Help"]
    for number in range(depth):
        lines += [f'Content-Type: multipart/mixed; boundary="b{number}"', "", f"--b{number}"]
    return "\n".join([*lines, "Content-Type: text/plain", "", "The printer is on fire", ""])


def nested_mails(depth: int) -> str:
    lines = ["From alice@acme.example Mon Nov  2 09:30:00 2026", "From: alice@acme.example", "Subject: Help"]
    for _ in range(depth):
        lines += ["Content-Type: message/rfc822", ""]
    return "\n".join([*lines, "Content-Type: text/plain", "", "The printer is on fire", ""])


def damaged_files(folder: Path) -> list[Path]:
    """One of each."""
    files = [workbook(folder / f"{name}.xlsx", damage) for name, damage in SHEETS.items()]
    for name, mail in (("parts in parts", nested_parts(1_500)), ("mails in mails", nested_mails(2_000))):
        files.append(folder / f"{name}.mbox")
        files[-1].write_text(mail)
    return files
