"""How the command line speaks: tables and sentences for people, one JSON document for programs, one line for an
error."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from rich.console import Console
from rich.table import Table

from otai.db import busy
from otai.environment import InvalidSetting
from otai.errors import Invalid, NotAllowed, NotFound, OtaiError, Refused, Unavailable

EXIT_CODES: dict[type[OtaiError], int] = {Refused: 3, Invalid: 4, NotFound: 5, NotAllowed: 6, Unavailable: 7}
"""1 is a bug or a check that found something, 2 is a wrong command line (Typer's); the kinds of error follow."""

piped_columns = 140
"""Width of tables that go into a file or a pipe: nobody's window, so no need to fold."""


console = Console(highlight=False)


def _piped_width() -> int | None:
    """For what is not printed to a window: `COLUMNS`, or wide. None: a window, which rich asks for its width itself."""
    if sys.stdout.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else piped_columns


error_console = Console(stderr=True, highlight=False)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
OrgOption = Annotated[
    str | None,
    typer.Option(
        "--org", envvar="OTAI_ORG", help="Short name of the organisation; not needed while there is only one."
    ),
]


def jsonable(value: Any) -> Any:
    """The value in JSON's terms: times in ISO 8601, ids and paths as strings, dataclasses as objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Path | Decimal | Fraction):
        return str(value)
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, Sequence | set | frozenset | Iterator):
        return [jsonable(item) for item in value]
    return str(value)


def print_json(value: Any) -> None:
    """Prints a value as JSON, times in ISO 8601."""
    sys.stdout.write(json.dumps(jsonable(value), ensure_ascii=False, indent=2) + "\n")


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    right: Sequence[str] = (),
    title: str | None = None,
) -> None:
    """A plain table; the columns named in `right` hold numbers and are set flush right."""
    table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else _plain(cell) for cell in row))
    if (width := _piped_width()) is not None:
        console.width = width
    console.print(table)


def _plain(cell: Any) -> str:
    # Labels and ticket texts come from outside: rich must not read markup into them.
    from rich.markup import escape

    return escape(str(cell))


def say(text: str) -> None:
    """Prints a line for people: whole, whatever the terminal's width, and without markup."""
    console.print(text, markup=False, soft_wrap=True)


def exit_code(error: OtaiError) -> int:
    """The exit code of an error by its kind; 1 for what has none."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)


def further_problems(error: OtaiError) -> list[str]:
    """Of a file with several bad rows those that the message does not name: where they are, and what is wrong."""
    problems: list[dict[str, Any]] = error.details.get("problems", [])
    return [
        f"row {one['row']}, column “{one['column']}”: {one['message']}"
        if one.get("column")
        else f"row {one['row']}: {one['message']}"
        for one in problems[1:]
    ]


@contextmanager
def errors_as_one_line(*, debug: bool) -> Iterator[None]:
    """An error that a person can act upon becomes one line on standard error, with a line for each further bad row of a
    file, and an exit code; a bug keeps its traceback."""
    try:
        yield
    except (OtaiError, OperationalError, ImproperlyConfigured) as raised:
        if debug or (isinstance(raised, ImproperlyConfigured) and not str(raised).startswith("OTAI_")):
            raise
        error = _refusal_of(raised)
        if "--json" in sys.argv:
            sys.stderr.write(json.dumps({"error": jsonable(error.as_dict())}, ensure_ascii=False) + "\n")
        else:
            error_console.print(f"otai: {error.code}: {error.message}", markup=False, soft_wrap=True)
            for place in further_problems(error):
                error_console.print(f"  {place}", markup=False, soft_wrap=True)
        raise SystemExit(exit_code(error)) from None
    except BrokenPipeError:
        # The reader has seen enough (`otai statement | head`): no error, and nothing more to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _refusal_of(raised: Exception) -> OtaiError:
    """Of a setting it is what its own room says of it: a file that cannot be read, an entry that means nothing."""
    if isinstance(raised, OperationalError):
        return busy(raised)
    return raised if isinstance(raised, OtaiError) else InvalidSetting(written=str(raised))


def organisation_named(slug: str | None) -> Any:
    """The organisation of `--org`, or the only one there is. Imported late: Django's tables exist only once it is set
    up."""
    from otai.orgs import queries

    return queries.organisation(slug) if slug else queries.the_only_organisation()
