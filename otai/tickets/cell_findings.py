"""What was changed in cells on the way in, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from otai.learning.data.profile import DataFinding
from otai.tickets.cells import Noticed
from otai.tickets.columns import ColumnRoles


def findings_of_cells(noticed: Noticed, roles: ColumnRoles) -> Iterator[DataFinding]:
    mended = noticed.mended
    if mended.html:
        yield DataFinding(
            "html_became_text",
            None,
            f"{mended.html:,} texts were HTML and were turned into plain text.",
            "Nothing to do. New tickets are treated alike.",
            {"texts": mended.html},
        )
    if mended.wiki:
        yield DataFinding(
            "wiki_markup_became_text",
            None,
            f"{mended.wiki:,} texts had wiki markup (of Jira, say), which was turned into plain text.",
            "Nothing to do.",
            {"texts": mended.wiki},
        )
    if mended.written_breaks:
        yield DataFinding(
            "line_breaks_written_out",
            None,
            f"In {mended.written_breaks:,} texts line breaks were written as the two characters \\n; they were read as line breaks.",
            "Nothing to do.",
            {"texts": mended.written_breaks},
        )
    if mended.encoding:
        yield DataFinding(
            "encoding_mended",
            None,
            f"{mended.encoding:,} texts had been read in a wrong encoding before they were exported and were mended, such as "
            f"{mended.encoding_example!r}.",
            "Nothing to do.",
            {"texts": mended.encoding, "example": mended.encoding_example},
        )
    if mended.damaged:
        yield DataFinding(
            "texts_look_damaged",
            None,
            f"{mended.damaged:,} texts look damaged, such as {mended.damaged_example!r}: they were read or written in a wrong encoding before.",
            "Export them again, best in UTF-8. A model learns damaged words as words of their own.",
            {"texts": mended.damaged, "example": mended.damaged_example},
        )
    if not noticed.days.is_settled:
        yield _of_days(noticed, roles.single.get("created", ""))
    words = ", ".join(noticed.missing_examples)
    for attribute, tickets in noticed.missing_words.items():
        yield DataFinding(
            "labels_missing_in_words",
            attribute,
            f"In {tickets:,} tickets {attribute} says {words!r} or the like; this is taken as missing.",
            "Nothing to do. If it is a label, give it a name.",
            {"tickets": tickets, "words": words},
        )


def _of_days(noticed: Noticed, column: str) -> DataFinding:
    example = noticed.days.example
    unsettled = f"Dates of {column!r} such as {example} can be read in two ways, and nothing in the file settles which is right."
    numbers = {"column": column, "example": example}
    if noticed.days.day_first:
        advice = "If the month comes first, say so: --dates month-first."
        return DataFinding("dates_read_day_first", None, f"{unsettled} They were read day first.", advice, numbers)
    advice = "If the day comes first, say so: --dates day-first."
    return DataFinding("dates_read_month_first", None, f"{unsettled} They were read month first.", advice, numbers)
