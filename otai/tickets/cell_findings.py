"""What was changed in cells on the way in, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from otai.learning.finding import Finding
from otai.tickets.cells import Noticed
from otai.tickets.columns import ColumnRoles


def findings_of_cells(noticed: Noticed, roles: ColumnRoles) -> Iterator[Finding]:
    """What was mended or read in cells and what people should look at, with numbers and an example each."""
    mended = noticed.reader.mended
    if mended.html:
        yield Finding("html_became_text", values={"texts": mended.html})
    if mended.wiki:
        yield Finding("wiki_markup_became_text", values={"texts": mended.wiki})
    if mended.written_breaks:
        yield Finding("line_breaks_written_out", values={"texts": mended.written_breaks})
    if mended.encoding:
        yield Finding("encoding_mended", values={"texts": mended.encoding, "example": mended.encoding_example})
    if mended.damaged:
        yield Finding("texts_look_damaged", values={"texts": mended.damaged, "example": mended.damaged_example})
    if not noticed.days.is_settled:
        yield _of_days(noticed, roles.single.get("created", ""))
    words = list(noticed.missing_examples)
    for attribute, tickets in noticed.missing_words.items():
        yield Finding("labels_missing_in_words", attribute=attribute, values={"tickets": tickets, "words": words})


def _of_days(noticed: Noticed, column: str) -> Finding:
    example = noticed.days.example
    values = {"column": column, "example": example}
    if noticed.days.day_first:
        return Finding("dates_read_day_first", values=values)
    return Finding("dates_read_month_first", values=values)
