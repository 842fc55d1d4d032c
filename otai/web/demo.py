"""The demo's way in and its bank. Only in an installation that demo.sh made, only while `otai studio --demo` serves it,
only on this machine.

The command makes a token and hands its hash to the server by environment. The link works once and for ten minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest

from otai.db import utc_now
from otai.errors import Refused
from otai.orgs import queries
from otai.orgs.models import User
from otai.orgs.operations import add_member
from otai.orgs.permissions import Role

MARK = "is-demo"
"""demo.sh leaves this file in the home of the installation that it makes."""
ALICE = "alice@acme.example"
VARIABLE = "OTAI_DEMO_LINK"
good_for_seconds = 600
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "[::1]"})


class NotADemo(Refused):
    code = "not_a_demo"


def prepare_link(*, host: str) -> str:
    """Makes the token of one sign-in and tells the server's processes to come its hash. Raises NotADemo."""
    if not _is_demo_home():
        raise NotADemo("installation")
    if host not in LOOPBACK:
        raise NotADemo("machine")
    token = secrets.token_urlsafe(32)
    os.environ[VARIABLE] = json.dumps({"sha256": _hash(token), "until": time.time() + good_for_seconds})
    return token


def prepare_people() -> None:
    """Alice, owner of the demo's organisation. She has no password: only the link signs her in."""
    now = utc_now()
    alice = User.objects.filter(email=ALICE).first()
    if alice is None:
        alice = User(username="alice", email=ALICE, first_name="Alice")
        alice.set_unusable_password()
        alice.save()
    for organisation in queries.organisations():
        if not organisation.members.filter(user=alice).exists():
            add_member(organisation=organisation, user=alice, role=Role.OWNER, who="demo", now=now)


def is_on() -> bool:
    """Whether this process serves a demo."""
    return VARIABLE in os.environ and _is_demo_home()


def require_demo(request: HttpRequest) -> None:
    """Raises Http404 unless this is a demo and the browser is on this machine."""
    host = request.get_host().rsplit(":", 1)[0] if not request.get_host().endswith("]") else request.get_host()
    if not (is_on() and request.META.get("REMOTE_ADDR") in LOOPBACK and host in LOOPBACK):
        raise Http404


def use_link(token: str) -> bool:
    """Whether this is the token, in time, and for the first time."""
    link = json.loads(os.environ[VARIABLE])
    if not hmac.compare_digest(_hash(token), link["sha256"]) or time.time() > link["until"]:
        return False
    used = Path(settings.OTAI_HOME) / f"{MARK}-link-{link['sha256'][:16]}-used"
    try:
        # Whoever makes this file used the link; a second one cannot.
        used.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    return True


def _is_demo_home() -> bool:
    return (Path(settings.OTAI_HOME) / MARK).is_file()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
