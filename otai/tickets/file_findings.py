"""What was understood about a file beyond its rows, as findings: said before anything is paid, so that a wrong guess
costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from otai.learning.finding import Finding
from otai.tickets.sources.table import Noted

MOST_NAMED = 50
NAMED_BY_CHARACTERS = 60
"""Of a name that is too long: enough to find the column."""


def findings_of_file(noted: Noted) -> Iterator[Finding]:
    """What was noted about the file as a whole: header, footer, columns and parts left out, mixed encodings."""
    yield from _of_header(noted)
    if noted.footer_rows:
        yield Finding(
            "footer_left_out",
            values={"rows": len(noted.footer_rows), "first": noted.footer_rows[0], "example": noted.footer_example},
        )
    if noted.columns_left_out:
        yield Finding("columns_left_out", values={"columns": list(noted.columns_left_out[:MOST_NAMED])})
    if noted.names_cut:
        beginnings = [f"{name[:NAMED_BY_CHARACTERS].rstrip()}…" for name in noted.names_cut[:MOST_NAMED]]
        yield Finding(
            "column_names_cut", values={"columns": beginnings, "characters": len(max(noted.names_cut, key=len))}
        )
    yield from _of_parts(noted)
    if noted.mixed_encodings:
        yield Finding("encodings_mixed")


def _of_header(noted: Noted) -> Iterator[Finding]:
    if noted.is_headless:
        yield Finding("no_header")
    elif noted.title_rows:
        yield Finding("header_found_below", values={"rows": noted.title_rows})
    yield from _of_groups(noted)


def _of_groups(noted: Noted) -> Iterator[Finding]:
    if noted.groups:
        values = {
            "column": noted.group_column,
            "groups": list(noted.groups[:MOST_NAMED]),
            "rows": len(noted.rows_of_groups),
        }
        yield Finding("rows_in_groups", values=values)
    elif noted.headers_repeated:
        yield Finding(
            "headers_repeated", values={"times": len(noted.headers_repeated), "rows": list(noted.headers_repeated[:5])}
        )


def _of_parts(noted: Noted) -> Iterator[Finding]:
    if noted.sheets_left_out or len(noted.sheets) > 1:
        yield Finding("sheets_chosen", values=_chosen("sheets", noted.sheets, noted.sheets_left_out))
    if noted.joined_by_id:
        yield Finding("tables_joined", values={"files": noted.joined_by_id[:MOST_NAMED]})
    if noted.files_left_out or len(noted.files) > 1:
        yield Finding("files_chosen", values=_chosen("files", noted.files, noted.files_left_out))


def _chosen(what: str, read: Sequence[str], left_out: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {what: list(read[:MOST_NAMED])}
    return values | ({"left_out": list(left_out[:MOST_NAMED])} if left_out else {})
