"""Whether a command is for a Studio elsewhere (`remote`) or for the installation here: known before either loads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs

VERIFY = ("billing", "invoices", "verify")
"""What of billing a Studio elsewhere does: the rest of it is an operator's."""
DATA = frozenset({("org", "retention"), ("org", "export"), ("org", "delete"), ("org", "keep")})
"""What of organisations: the rest of it is for an installation of one's own."""
COMMANDS = frozenset(
    {
        "tickets",
        "quote",
        "train",
        "runs",
        "predict",
        "model",
        "balance",
        "statement",
        "notifications",
        "login",
        "logout",
    }
)


def login_file() -> Path:
    """Where the address and the key of the Studio elsewhere are kept (OTAI_LOGIN_FILE)."""
    return Path(os.environ.get("OTAI_LOGIN_FILE") or Path(platformdirs.user_config_dir("otai")) / "login.json")


def stored() -> dict[str, str]:
    """What `otai login` kept: `url` and `key`; empty where nobody is signed in."""
    try:
        found = json.loads(login_file().read_text())
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def is_wanted(arguments: list[str]) -> bool:
    """Whether the command is for a Studio elsewhere. `OTAI_URL` empty, or an `OTAI_HOME`, mean the installation
    here."""
    words = [word for word in arguments if not word.startswith("-")]
    command = next(iter(words), "")
    if command in ("login", "logout"):
        return True
    if command not in COMMANDS and tuple(words[:3]) != VERIFY and tuple(words[:2]) not in DATA:
        return False
    if "OTAI_URL" in os.environ:
        return bool(os.environ["OTAI_URL"])
    return "OTAI_HOME" not in os.environ and bool(stored())
