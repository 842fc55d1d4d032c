"""Cells for files that people open in a spreadsheet."""

from __future__ import annotations

import re

FORMULA = re.compile(r"[ \u00a0\u200b\ufeff]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""Blanks in front do not protect: a spreadsheet trims them first. The wide forms count in Excel's East Asian languages
(OWASP, CSV Injection)."""

NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def harmless(cell: str | int) -> str | int:
    """The cell as a spreadsheet reads it without working anything out: what begins a formula gets an apostrophe. A
    number is none."""
    if isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.fullmatch(cell):
        return "'" + cell
    return cell
