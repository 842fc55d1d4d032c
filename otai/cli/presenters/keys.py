"""Keys that were just made, as the command line says them: of organisations and of the vendor alike."""

from __future__ import annotations

from collections.abc import Sequence

from otai.cli.output import print_json, say


def show_made(*, prefix: str, name: str, scopes: Sequence[str], secret: str, json: bool) -> None:
    """The secret of a new key, this once: only its fingerprint is kept."""
    if json:
        print_json({"prefix": prefix, "name": name, "scopes": list(scopes), "key": secret})
        return
    say("Keep this key where the program finds it; it cannot be shown again:")
    say(secret)
