"""How long data is kept, its export and its deletion, as an installation here and a Studio elsewhere say it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otai.cli.output import say
from otai.cli.presenters.words import count


def show_retention(days: Mapping[str, int | None]) -> None:
    """Each kind and its days, or hours."""
    for name, kept in days.items():
        what, _, unit = name.rpartition("_")
        said = count(kept, unit.removesuffix("s")) if kept is not None else "kept" if unit == "days" else "a day"
        say(f"{what}: {said}")


def show_closing(name: str, closes: Mapping[str, Any]) -> None:
    """What deleting an organisation stops and takes."""
    say(
        f"{name}: {count(closes['data_sets'], 'data set')}, {count(closes['models'], 'model')}, "
        f"{count(closes['members'], 'member')} go; {count(closes['open_runs'], 'training')} and "
        f"{count(closes['open_orders'], 'order')} that are open are cancelled; "
        f"{count(closes['credits'], 'credit')} can be spent no more."
    )


def show_not_asked(*, needed: str) -> None:
    """Where nobody asked for it; `needed` is what the command lacks."""
    say(f"Nothing was changed. With {needed} it is deleted.")


def show_kept(name: str) -> None:
    """A deletion that was taken back."""
    say(f"{name} goes on.")


def show_asked(closes: Mapping[str, Any]) -> None:
    """When it is erased."""
    say(f"It only reads now, and is erased on {str(closes['erased_at'])[:10]}. Until then: otai org keep.")


def show_export(name: str, path: Path) -> None:
    """Where it was written."""
    say(f"{name} is written to {path} ({path.stat().st_size:,} bytes).")
