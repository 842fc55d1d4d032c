"""Model versions, and what they say of tickets."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, Protocol

from otai.cli.output import print_table, say
from otai.cli.presenters.words import moment
from otai.errors import Invalid
from otai.words.catalogue import percent

longest_title = 100


def show_versions(found: Iterable[Mapping[str, Any]], *, zone: tzinfo | None) -> None:
    """Each with `model`, `version`, `live`, `run`, `mode`, `attributes` (names), `created_at`, `bytes`."""
    print_table(
        ["model", "version", "", "run", "mode", "attributes", "created", "size"],
        [
            [
                row["model"],
                row["version"],
                "live" if row["live"] else "",
                row["run"],
                row["mode"],
                ", ".join(row["attributes"]),
                moment(row["created_at"], zone),
                megabytes(row["bytes"]),
            ]
            for row in found
        ],
        right=["version", "run", "size"],
    )


def megabytes(size: int) -> str:
    """A size in bytes as people read it, in millions of bytes."""
    return f"{size / 1e6:.1f} MB"


def texts_given(texts: Sequence[str] | None) -> list[str]:
    """The tickets of the command's arguments, else those on standard input, one a line. Raises Invalid (`no_tickets`)
    at a terminal."""
    if texts:
        return list(texts)
    if sys.stdin.isatty():
        raise Invalid("tickets", code="no_tickets")
    return [line.rstrip("\n") for line in sys.stdin if line.strip()]


class Likely(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def confidence(self) -> float: ...


class Predicted(Protocol):
    """What a model says of one attribute of a ticket."""

    @property
    def labels(self) -> Sequence[str]: ...
    @property
    def confidence(self) -> float: ...
    @property
    def runners_up(self) -> Sequence[Likely]: ...


def show_prediction(text: str, attributes: Mapping[str, Predicted], alone: Mapping[str, bool] | None = None) -> None:
    """What a model says of one ticket, for each attribute; with `alone`, whether it may be decided alone."""
    say(f"\n{text if len(text) <= longest_title else text[: longest_title - 1] + '…'}")
    print_table(
        ["attribute", "prediction", "confidence", "otherwise", *([] if alone is None else ["alone"])],
        [
            [
                attribute,
                ", ".join(said.labels) or "(none)",
                percent(said.confidence),
                ", ".join(f"{other.label} {percent(other.confidence)}" for other in said.runners_up[:2]),
                *([] if alone is None else ["yes" if alone[attribute] else "no"]),
            ]
            for attribute, said in attributes.items()
        ],
        right=["confidence"],
    )


def show_export(model: str, path: Path, *, sha256: str = "") -> None:
    """Where a model was written, and how large it is; with its hash where that is known."""
    hashed = f", sha256 {sha256}" if sha256 else ""
    say(f"{model} is in {path} ({megabytes(path.stat().st_size)}{hashed})")


def show_would_go(name: str) -> None:
    """Before a model is deleted."""
    say(
        f"{name} goes with all its versions, its feedback and kept tickets. Nothing was changed. With --yes it is done."
    )


def show_gone(name: str) -> None:
    """Afterwards."""
    say(f"{name} is deleted with all its versions.")
