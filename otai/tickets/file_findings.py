"""What was understood about a file beyond its rows, as findings: said before anything is paid, so that a wrong guess costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otai.learning.data.profile import DataFinding
from otai.tickets.sources.table import Noted


def findings_of_file(noted: Noted) -> Iterator[DataFinding]:
    yield from _of_header(noted)
    if noted.footer_rows:
        yield DataFinding(
            "footer_left_out",
            None,
            f"{len(noted.footer_rows)} rows below the tickets are a total or notes of a report, and no tickets: {noted.footer_example!r}.",
            "Nothing to do. If they are tickets, fill more of their cells.",
            {"rows": len(noted.footer_rows), "first": noted.footer_rows[0], "example": noted.footer_example},
        )
    if noted.columns_left_out:
        yield DataFinding(
            "columns_left_out",
            None,
            f"The file has more columns than an import may have: columns that repeat a name many times were left out: "
            f"{_some(noted.columns_left_out)}.",
            "Nothing to do, unless one of them matters: then export fewer columns.",
            {"columns": _some(noted.columns_left_out)},
        )
    yield from _of_parts(noted)
    if noted.mixed_encodings:
        yield DataFinding(
            "encodings_mixed",
            None,
            "Some lines are in UTF-8 and others in Windows-1252, as where two files were joined. Each was read in its own.",
            "Check a few texts with umlauts or accents.",
        )


def _of_header(noted: Noted) -> Iterator[DataFinding]:
    if noted.is_headless:
        yield DataFinding(
            "no_header",
            None,
            "The file has no header: its first row looks like a ticket and names no columns, so that columns have numbers for names.",
            "Add a row with names, or say which row has them: --header 1.",
        )
    elif noted.title_rows:
        yield DataFinding(
            "header_found_below",
            None,
            f"{noted.title_rows} rows above the header are a title or notes, and no tickets.",
            "Nothing to do. If another row names the columns, say which: --header 3.",
            {"rows": noted.title_rows},
        )
    if noted.headers_repeated:
        rows = ", ".join(f"row {row:,}" for row in noted.headers_repeated[:5])
        yield DataFinding(
            "headers_repeated",
            None,
            f"The header stands again among the tickets ({rows}), as in files joined end to end; it is no ticket.",
            "Nothing to do.",
            {"times": len(noted.headers_repeated), "rows": rows},
        )


def _of_parts(noted: Noted) -> Iterator[DataFinding]:
    if noted.sheets_left_out or len(noted.sheets) > 1:
        read, left_out = _some(noted.sheets), _some(noted.sheets_left_out) or "none"
        yield DataFinding(
            "sheets_chosen",
            None,
            f"Of the workbook these sheets were read: {read}. Left out: {left_out}.",
            "If another sheet has the tickets, name it: --sheet NAME.",
            {"sheets": read, "left_out": left_out},
        )
    if noted.files_left_out or len(noted.files) > 1:
        read, left_out = _some(noted.files), _some(noted.files_left_out) or "none"
        yield DataFinding(
            "files_chosen",
            None,
            f"Of the archive these files were read as one table: {read}. Left out: {left_out}.",
            "Files with other columns are data sets of their own: import them alone.",
            {"files": read, "left_out": left_out},
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
