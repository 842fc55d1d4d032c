"""Data sets: what came in, and the list of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Protocol

from otai.cli.output import print_table, say
from otai.cli.presenters.words import moment


class DataSet(Protocol):
    """The table's row and the client's answer both are one."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def tickets(self) -> int: ...
    @property
    def left_out_rows(self) -> int: ...
    @property
    def source_filename(self) -> str: ...
    @property
    def source_format(self) -> str: ...
    @property
    def imported_at(self) -> datetime: ...


def show_import(data_set: DataSet) -> None:
    """Prints what an import made."""
    left_out = f"; {data_set.left_out_rows:,} bad rows left out" if data_set.left_out_rows else ""
    say(
        f"{data_set.name} v{data_set.version}: {data_set.tickets:,} tickets imported from {data_set.source_filename} "
        f"({data_set.source_format}){left_out}."
    )


def show_data_sets(found: Iterable[DataSet], *, zone: tzinfo | None) -> None:
    """Prints data sets as a table, times in the zone."""
    print_table(
        ["name", "version", "tickets", "imported", "from"],
        [
            [one.name, one.version, f"{one.tickets:,}", moment(one.imported_at, zone), one.source_filename]
            for one in found
        ],
        right=["version", "tickets"],
    )
