"""Who acts through the command line: written beside every change."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """`OTAI_ACTOR`, or the name of the person's account on this machine."""
    if named := os.environ.get("OTAI_ACTOR"):
        return named
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
