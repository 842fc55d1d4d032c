"""Where the secret keys of an embedded installation lie: files below OTAI_HOME that only their owner reads. In
production they come from the environment instead. Settings are made from this: it reads none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

CURRENT, FORMER = "secret-key", "former-secret-keys"


def secret_key(home: Path, given: str) -> str:
    """The key from the environment, else the one that `otai init` made."""
    if given:
        return given
    try:
        return (home / CURRENT).read_text()
    except FileNotFoundError:
        # `otai init` writes it; before that nothing is signed that anyone else could need to read.
        return new_key()


def former_keys(home: Path, given: str) -> list[str]:
    """Those from the environment, separated by commas, and those that `otai keys rotate` put aside."""
    return list(dict.fromkeys([*(key for key in given.split(",") if key), *former_in_file(home)]))


def former_in_file(home: Path) -> list[str]:
    """The keys that were put aside, the latest first; none where nothing was."""
    try:
        return [line for line in (home / FORMER).read_text().splitlines() if line]
    except FileNotFoundError:
        return []


def new_key() -> str:
    """A key that nobody guesses: 67 characters of 50 random bytes."""
    return secrets.token_urlsafe(50)


def replace_key(home: Path) -> None:
    """Puts the key of the file aside and makes a new one. Broken off in between, the old one goes on."""
    present = (home / CURRENT).read_text()
    keep_former(home, [present, *(key for key in former_in_file(home) if key != present)])
    _write(home / CURRENT, new_key())


def keep_former(home: Path, kept: Sequence[str]) -> None:
    """From now on these are the keys put aside."""
    if kept:
        _write(home / FORMER, "".join(f"{key}\n" for key in kept))
    else:
        (home / FORMER).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    """Whole or not at all, readable by its owner alone."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
