"""How whoever did something is written beside it: rows keep this, pages say it in the reader's language."""

from __future__ import annotations

import re

AT_A_SHELL = " (command line)"
"""Follows the name of an account on the machine that ran `otai`."""

BY_HOUSEKEEPING = "housekeeping"
"""Nobody: the Studio's own rounds did it."""

_BY_KEY = re.compile(r"(?P<name>.+) \(API key (?P<prefix>[a-z0-9]{1,12})\)")


def by_key(name: str, prefix: str) -> str:
    """A program, by its key: `nightly import (API key k3m9pq2x)`."""
    return f"{name} (API key {prefix})"


def key_of(who: str) -> tuple[str, str] | None:
    """Name and prefix of the key where a program did it (`by_key`); None where a person did."""
    program = _BY_KEY.fullmatch(who)
    return (program["name"], program["prefix"]) if program else None
