"""Files that are damaged, or made to harm whoever reads them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl


def workbook(path: Path, sheet: str) -> Path:
    """A workbook as Excel writes it, but for the XML of its one sheet."""
    book = openpyxl.Workbook()
    book.active.append(["body", "queue"])  # type: ignore[union-attr]
    book.active.append(["The printer is on fire", "it"])  # type: ignore[union-attr]
    whole = io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as made, zipfile.ZipFile(path, "w") as damaged:
        for part in made.infolist():
            is_sheet = part.filename == "xl/worksheets/sheet1.xml"
            damaged.writestr(part.filename, sheet.encode() if is_sheet else made.read(part))
    return path


def sheet(rows: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{rows}</sheetData></worksheet>"
    )


SHEETS = {
    "a text that is not there": sheet('<row r="1"><c r="A1" t="s"><v>99999999999</v></c></row>'),
    "no XML": "this is no XML <<<",
    "cut off": sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>body</t></is></c></row>')[:-40],
    "a row far below": sheet('<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>'),
    "a column far away": sheet('<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>'),
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
    files = [workbook(folder / f"{name}.xlsx", xml) for name, xml in SHEETS.items()]
    for name, mail in (("parts in parts", nested_parts(1_500)), ("mails in mails", nested_mails(2_000))):
        files.append(folder / f"{name}.mbox")
        files[-1].write_text(mail)
    return files
