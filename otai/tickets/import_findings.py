"""What the import itself noticed about a file, in the same form as the findings about its tickets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otai.learning.finding import Finding
from otai.tickets.cell_findings import findings_of_cells
from otai.tickets.cells import Noticed
from otai.tickets.columns import ColumnRoles
from otai.tickets.file_findings import findings_of_file
from otai.tickets.problems import BadRows
from otai.tickets.sources.table import Source


def findings_of_import(
    sources: Sequence[Source], noticed: Noticed, roles: ColumnRoles, *, left_out: BadRows, are_rows: bool = False
) -> list[Finding]:
    """All that people should know about how the files were read, in the order of weight. `noticed` is of them all; what
    is said of several of them in the same words is said once. `are_rows`: several rows are one ticket, so that what was
    counted are rows."""
    what = "rows" if are_rows else "tickets"
    found = [*_of_tickets(noticed, roles, left_out, what), *(one for source in sources for one in _of_source(source))]
    return [one for at, one in enumerate(found) if one not in found[:at]]


def _of_tickets(noticed: Noticed, roles: ColumnRoles, left_out: BadRows, what: str) -> Iterator[Finding]:
    if left_out.count:
        yield Finding(
            "bad_rows_left_out",
            values={"rows": left_out.count, "problems": [problem.as_dict() for problem in left_out.first]},
        )
    if noticed.lost_subject is not None:
        yield Finding("no_subject", "warning", values={"column": noticed.lost_subject, "body": roles.single["body"]})
    if noticed.unowned_messages is not None:
        yield Finding("messages_without_ticket", "warning", values={"column": noticed.unowned_messages})
    yield from findings_of_cells(noticed, what)
    if noticed.reader.control_characters:
        yield Finding("control_characters", values={"texts": noticed.reader.control_characters})
    if noticed.unread_times:
        yield Finding("times_not_read", values={what: noticed.unread_times, "example": noticed.unread_times_example})
    if noticed.unread_languages:
        yield Finding("languages_not_read", values={what: noticed.unread_languages})
    if noticed.reader.threads:
        yield Finding("threads_became_tickets", values={what: noticed.reader.threads})


def _of_source(source: Source) -> Iterator[Finding]:
    yield from findings_of_file(source.noted)
    late = getattr(source, "late_keys", {})
    if late:
        yield Finding("columns_appeared_late", values={"columns": list(late), "from_rows": late})
    unreadable = getattr(source, "left_out", [])
    if unreadable:
        yield Finding("columns_not_readable", values={"columns": list(unreadable)})
