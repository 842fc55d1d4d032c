"""Who acts through the command line: written beside every change."""

from __future__ import annotations

import getpass
import os

from otai.orgs.actors import at_a_shell


def actor() -> str:
    """`OTAI_ACTOR`, or the name of the person's account on this machine."""
    if named := os.environ.get("OTAI_ACTOR"):
        return named
    try:
        return at_a_shell(getpass.getuser())
    except (KeyError, OSError):
        return "command line"
