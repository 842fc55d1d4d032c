"""Secrets that can be shown once, across the redirect that ends every change: a page that is loaded again must not make
a second key.

They wait in the session, encrypted, for ten minutes at most, and the first look takes them out.
"""

from __future__ import annotations

import json

from cryptography.fernet import InvalidToken
from django.http import HttpRequest

from otai import keyring

waits_seconds = 600


def keep(request: HttpRequest, what: str, values: dict[str, str]) -> None:
    """For the page that is redirected to. `what` names the page and its subject: nobody else's look takes them."""
    request.session[_name(what)] = keyring.fernets("shown once").encrypt(json.dumps(values).encode()).decode()


def take(request: HttpRequest, what: str) -> dict[str, str] | None:
    """What was kept, the first time it is asked for; None ever after, and when it waited too long. A HEAD is no
    look."""
    if request.method == "HEAD":
        return None
    kept = request.session.pop(_name(what), None)
    if kept is None:
        return None
    try:
        values: dict[str, str] = json.loads(keyring.fernets("shown once").decrypt(kept.encode(), ttl=waits_seconds))
    except InvalidToken:
        return None
    return values


def waits(request: HttpRequest, what: str) -> bool:
    """Whether it is kept and was not looked at yet, also by another request of this session since this one began."""
    key = request.session.session_key
    return key is not None and _name(what) in type(request.session)(key)


def _name(what: str) -> str:
    return f"shown-once:{what}"
