"""`otai billing accountant`: files for the vendor's bookkeeping."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otai.billing.accountant.closing import broken_files, close_month, closed_month
from otai.billing.accountant.files import export
from otai.billing.months import Month, Period
from otai.cli.actor import actor
from otai.cli.output import JsonOption, print_json, say
from otai.db import utc_now

app = typer.Typer(help="For the vendor's accountant: VAT, OSS, ZM, DATEV, closed months.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option(help="Where the files go.")]


@app.command("export")
def export_command(
    kind: Annotated[str, typer.Argument(help="vat, oss, zm or datev.")],
    period: Annotated[str, typer.Argument(help="A month, 2026-11, or a quarter, 2026-Q4.")],
    folder: Folder = Path(),
    json: JsonOption = False,
) -> None:
    """Write VAT by rate (vat), One Stop Shop (oss), recapitulative statement (zm) or bookings for DATEV (datev)."""
    exported = export(kind, Period.parse(period), now=utc_now())
    _write(exported.files, folder, json=json)


@app.command("close")
def close_command(
    month: Annotated[str, typer.Argument(help="2026-11; the month must be over.")],
    folder: Folder = Path(),
    json: JsonOption = False,
) -> None:
    """Close a month: its file is kept and never changes; later events are corrections in the next month's file."""
    closed = close_month(Month.parse(month), who=actor(), now=utc_now())
    _write({f"month-{closed}.csv": closed.content.encode()}, folder, json=json, sha256=closed.sha256)


@app.command("closed")
def closed_command(
    month: Annotated[str, typer.Argument(help="2026-11")], folder: Folder = Path(), json: JsonOption = False
) -> None:
    """Write the file of a closed month again, as it was handed over. Exits with 1 where a closed month was changed."""
    found = closed_month(Month.parse(month))
    _write({f"month-{found}.csv": found.content.encode()}, folder, json=json, sha256=found.sha256)
    if broken := broken_files():
        say(f"CHANGED since they were closed: {', '.join(broken)}")
        raise typer.Exit(1)


def _write(files: dict[str, bytes], folder: Path, *, json: bool, sha256: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    written = [folder / name for name in files]
    if json:
        print_json({"files": written} | ({"sha256": sha256} if sha256 else {}))
    else:
        say("\n".join([*map(str, written), *([f"SHA-256 {sha256}"] if sha256 else [])]))
