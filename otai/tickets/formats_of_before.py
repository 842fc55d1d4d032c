"""What data sets, previews and jobs of releases before kept as English phrases: as what a file was read (`Excel, sheet
'May'`), and what was done to the version before (`labels corrected`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from otai.tickets.sources.table import read_as
from otai.words.sentences import Fact

_NAME = r"(?P<name>'.+?'|\".+?\")"

PHRASES: Mapping[str, str] = {
    "format_csv": "CSV",
    "format_csv_semicolons": "CSV separated by semicolons",
    "format_csv_bars": "CSV separated by bars",
    "format_csv_separated": "CSV separated by (?P<sign>'.+?')",
    "format_tsv": "TSV",
    "format_excel": "Excel",
    "format_opendocument": "OpenDocument",
    "format_excel_xml": "Excel XML",
    "format_html": "HTML table",
    "format_json": "JSON",
    "format_json_array": "JSON array",
    "format_json_lines": "JSON Lines",
    "format_marked_lines": "lines with labels in front",
    "format_mails": r"mails \(\.eml\)",
    "format_mbox": "mbox",
    "format_parquet": "Parquet",
    "format_xml": "XML",
    "format_files": r"(?P<kind>[a-z]+) of (?P<count>\d+) files?",
    "format_of_version": r"made from version (?P<version>\d+)",
    "part_elements": f"elements {_NAME}",
    "part_list": f"list {_NAME}",
    "part_sheet": f"sheet {_NAME}",
    "part_sheets": "sheets (?P<names>.+)",
    "encoding_mixed": "UTF-8 with lines in cp1252",
    "packed_gzip": "gzip",
    "encoding": "(?P<name>.+?)",
}
"""What stood between commas; what is no phrase of ours is the name of an encoding."""

_PARTS = {code: re.compile(rf"{phrase}(?:, |$)") for code, phrase in PHRASES.items()}


def format_of(stored: str | Fact | Mapping[str, Any]) -> Fact:
    """The fact of what is stored: a phrase of before, or the fact itself, also as JSON."""
    if isinstance(stored, Fact):
        return stored
    if not isinstance(stored, str):
        return Fact.from_dict(stored)
    parts = []
    while stored:
        code, found = next((code, found) for code, part in _PARTS.items() if (found := part.match(stored)))
        values = {name: int(text) if text.isdigit() else text for name, text in found.groupdict().items()}
        parts.append(Fact(code, values))
        stored = stored[found.end() :]
    return read_as(*parts)


MADE_AS: Mapping[str, str] = {
    "labels corrected": "made_as.labels_corrected",
    "labels renamed": "made_as.labels_renamed",
    "labels looked through": "made_as.labels_looked_through",
    "lines cut that give labels away": "made_as.without_given_lines",
    "texts as they came, uncut": "made_as.texts_uncut",
}
FEEDBACK_ON = "feedback on "


def made_as_of(stored: str) -> Fact:
    """The fact of what stood where an import says its file."""
    if stored.startswith(FEEDBACK_ON):
        return Fact("made_as.feedback_merged", {"model": stored.removeprefix(FEEDBACK_ON)})
    return Fact(MADE_AS.get(stored, "made_as.changed"))
