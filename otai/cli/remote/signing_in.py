"""Which Studio elsewhere, and with which key: `otai login` and `otai logout`, OTAI_URL and OTAI_API_KEY."""

from __future__ import annotations

import json as json_module
import os
from typing import Annotated

import typer

from otai.cli.elsewhere import login_file, stored
from otai.cli.output import say
from otai.client import Studio


def studio() -> Studio:
    """The client of the Studio elsewhere: from OTAI_URL and OTAI_API_KEY, else as `otai login` kept it."""
    if os.environ.get("OTAI_URL"):
        return Studio()
    kept = stored()
    return Studio(kept.get("url"), kept.get("key"))


def login(
    url: Annotated[str, typer.Argument(help="The Studio's address, https://...")],
    key: Annotated[str, typer.Option(prompt="API key", hide_input=True, envvar="OTAI_API_KEY", help="An API key.")],
) -> None:
    """Remember a Studio and its key: the commands named here then go there, until `otai logout`."""
    with Studio(url, key) as tried:
        organisation = tried.organisation()
    path = login_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Ours alone from its first byte on: the key opens what its scopes say.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json_module.dump({"url": url, "key": key}, out)
    say(f"Signed in to {url} as {organisation['name']} ({organisation['organisation']}).")


def logout() -> None:
    """Forget the Studio and its key."""
    login_file().unlink(missing_ok=True)
    say("Signed out. Revoke the key in the Studio if nobody else uses it.")
