"""What was changed in cells on the way in, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otai.learning.finding import Finding
from otai.tickets.cells import Noticed
from otai.tickets.day_order import UnsettledDates


def findings_of_cells(noticed: Noticed, what: str = "tickets") -> Iterator[Finding]:
    """What was mended or read in cells and what people should look at, with numbers and an example each. `what` is
    counted: "tickets", or "rows" where several are one ticket."""
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
    yield from _of_dates(noticed.unsettled_dates)
    words = list(noticed.missing_examples)
    for attribute, cells in noticed.missing_words.items():
        yield Finding("labels_missing_in_words", attribute=attribute, values={what: cells, "words": words})


def _of_dates(unsettled: Sequence[UnsettledDates]) -> Iterator[Finding]:
    """One finding for each reading: of several files the first that was read so is shown."""
    first: dict[str, UnsettledDates] = {}
    for dates in unsettled:
        first.setdefault(dates.read_as, dates)
    for read_as, dates in first.items():
        code = "dates_read_day_first" if read_as == "day-first" else "dates_read_month_first"
        yield Finding(code, values={"column": dates.column, "example": dates.example})
