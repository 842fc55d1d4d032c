"""What the import itself noticed about a file, in the same form as the findings about its tickets."""

from __future__ import annotations

from collections.abc import Iterator

from otai.learning.data.profile import DataFinding
from otai.tickets.cell_findings import findings_of_cells
from otai.tickets.cells import Noticed
from otai.tickets.columns import ColumnRoles
from otai.tickets.file_findings import findings_of_file
from otai.tickets.problems import BadRows
from otai.tickets.sources.table import Source


def findings_of_import(source: Source, noticed: Noticed, roles: ColumnRoles, *, left_out: BadRows) -> list[DataFinding]:
    return list(_found(source, noticed, roles, left_out))


def _found(source: Source, noticed: Noticed, roles: ColumnRoles, left_out: BadRows) -> Iterator[DataFinding]:
    if left_out.count:
        first = "; ".join(str(problem) for problem in left_out.first[:3])
        yield DataFinding(
            "bad_rows_left_out",
            None,
            f"{left_out.count:,} rows could not be read and were left out: {first}{' ...' if left_out.count > 3 else ''}.",
            "Correct them in the source and import again, if these tickets matter.",
            {"rows": left_out.count, "problems": [problem.as_dict() for problem in left_out.first]},
        )
    yield from findings_of_cells(noticed, roles)
    if noticed.control_characters:
        yield DataFinding(
            "control_characters",
            None,
            f"{noticed.control_characters:,} texts held control characters, which were replaced by blanks.",
            "If texts look damaged, check the encoding of the export.",
            {"texts": noticed.control_characters},
        )
    if noticed.unread_times:
        yield DataFinding(
            "times_not_read",
            None,
            f"In {noticed.unread_times:,} tickets {roles.single.get('created')!r} is no time, such as {noticed.unread_times_example!r}.",
            "They are kept without a time. Training does not need it.",
            {"tickets": noticed.unread_times, "example": noticed.unread_times_example},
        )
    if noticed.unread_languages:
        yield DataFinding(
            "languages_not_read",
            None,
            f"In {noticed.unread_languages:,} tickets {roles.single.get('language')!r} names no known language.",
            "They are kept without a language. Use codes such as en and de.",
            {"tickets": noticed.unread_languages},
        )
    if noticed.threads:
        yield DataFinding(
            "threads_became_tickets",
            None,
            f"In {noticed.threads:,} tickets a column holds all messages of the conversation; the customer's first one was taken.",
            "Nothing to do: what came later is not there when a new ticket comes in.",
            {"tickets": noticed.threads},
        )
    yield from findings_of_file(source.noted)
    late = getattr(source, "late_keys", {})
    if late:
        shown = ", ".join(f"{key!r} (from row {row:,})" for key, row in list(late.items())[:5])
        yield DataFinding(
            "columns_appeared_late",
            None,
            f"{len(late)} keys appear only after the first 20,000 rows and were left out: {shown}.",
            "If they matter, put a row that has them first.",
            {"columns": late},
        )
    unreadable = getattr(source, "left_out", [])
    if unreadable:
        yield DataFinding(
            "columns_not_readable",
            None,
            f"Columns of structures were left out: {', '.join(map(repr, unreadable[:5]))}.",
            "If they matter, write them as text or as lists of text.",
            {"columns": list(unreadable)},
        )
