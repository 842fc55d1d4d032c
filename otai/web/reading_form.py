"""How an uploaded file is read: found out, and said where that went wrong. Each change shows at once what comes of
it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from otai.tickets.sources.dialect import can_part_fields
from otai.words.sentences import Fact

ENCODINGS = (
    "utf-8",
    "cp1252",
    "utf-16",
    "iso8859_15",
    "cp1250",
    "cp1251",
    "cp850",
    "mac_roman",
    "shift_jis",
    "gb18030",
)
DELIMITERS: dict[str, str | Promise] = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("bar |"),
}
DATES: dict[str, str | Promise] = {
    "day-first": gettext_lazy("day first (31/12)"),
    "month-first": gettext_lazy("month first (12/31)"),
}
OF_BYTES = {"format_excel", "format_opendocument", "format_parquet"}
"""Formats in which nobody chooses an encoding or a sign between fields."""
FIELDS = ("header", "sheet", "encoding", "delimiter", "dates")
most_characters = 100


def said_in(data: Mapping[str, str]) -> dict[str, str]:
    """What a form says, without what it leaves open or what no field of the page can say."""
    found = {name: str(data.get(name, ""))[:most_characters] for name in FIELDS}
    # Written beside the list, for one that is not in it.
    found["delimiter"] = data.get("sign", "").strip()[:1] or found["delimiter"]
    if not can_part_fields(found["delimiter"]):
        found["delimiter"] = ""
    allowed = {"encoding": ENCODINGS, "dates": DATES}
    for name, values in allowed.items():
        if found[name] not in values:
            found[name] = ""
    header = found["header"].strip()
    found["header"] = header if header.isdecimal() and int(header) <= 200 else ""
    return {name: value for name, value in found.items() if value}


def options_of(said: Mapping[str, str]) -> dict[str, Any]:
    """The same as the fields of `otai.tickets.options.ReadOptions`."""
    return {**{name: said.get(name) for name in FIELDS}, "header": int(said["header"]) if said.get("header") else None}


def context_of(said: Mapping[str, str], *, sheets: tuple[str, ...] = (), format: Fact | None = None) -> dict[str, Any]:
    """What the form about reading a file shows: what was said, and what can be said. `format`: as what it was read, if
    it was."""
    return {
        "reading": said,
        "is_said": bool(said),
        "sheets": sheets,
        "is_of_characters": format is None or format.values["parts"][0]["code"] not in OF_BYTES,
        "encodings": ENCODINGS,
        "delimiters": _with_said(said.get("delimiter")),
        "dates": DATES,
    }


def _with_said(delimiter: str | None) -> dict[str, str | Promise]:
    if not delimiter or delimiter in DELIMITERS:
        return DELIMITERS
    return {**DELIMITERS, delimiter: _("sign %(sign)s") % {"sign": delimiter}}
