"""`otai studio`: serves this installation's pages on one machine."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import StringIO
from typing import Annotated, Any

import typer
from django.conf import settings
from django.core.management import call_command

from otai.cli.check import before_strangers
from otai.cli.output import say
from otai.cli.setup import require_installation, require_settings
from otai.environment import number


def studio(
    host: Annotated[
        str, typer.Option(help="Address to listen on; behind a reverse proxy that speaks TLS, its own.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Sign the demo's Alice in, and train beside it. Only what demo.sh made.")
    ] = False,
    browser: Annotated[bool, typer.Option(help="With --demo: open the browser.")] = True,
) -> None:
    """Serve the Studio: pages, live events, API and the operator's desk, from one origin. Ctrl-C stops it."""
    require_installation()
    require_settings()
    from granian import Granian
    from granian.constants import Interfaces

    origin = f"http://{_named(host)}:{port}"
    if not os.environ.get("OTAI_BASE_URL"):
        _reached_at(origin)
    # Doors do not know each other: the pages prepare themselves, by their own command.
    link = call_command("prepare_studio", demo=demo, host=host, stdout=StringIO())
    say(
        f"The Studio: {os.environ['OTAI_BASE_URL']}/    The operator's desk: {os.environ['OTAI_BASE_URL']}/desk/ (make "
        "an operator: otai operator NAME)"
    )
    for line in before_strangers(processes=workers, listens_on=host):
        say(line)
    server = Granian(
        "otai.config.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        # One process that dies is replaced; without this granian ends the others with it.
        respawn_failed_workers=True,
        **connection_limits(),
    )
    with _worker_beside() if demo else nullcontext():
        if demo:
            say(f"Signed in as Alice of Acme, once, within ten minutes: {origin}{link}")
            if browser and (sys.platform in ("darwin", "win32") or os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}):
                server.on_startup(lambda: threading.Timer(1.5, webbrowser.open, [f"{origin}{link}"]).start())
        server.serve()


def _reached_at(origin: str) -> None:
    """Links lead to where it is served, where nobody said how that is seen from outside.

    Settings were read before the command line was. Server processes that are spawned read them again, from the
    environment; those that are forked (Linux) have them from here.
    """
    os.environ["OTAI_BASE_URL"] = origin
    anew = importlib.reload(importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"]))
    for name in ("OTAI_BASE_URL", "OTAI_IS_OPEN", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"):
        setattr(settings, name, getattr(anew, name))


def seconds_to_stop() -> int:
    """A server process that has not ended so long after SIGTERM is killed: before the ten seconds after which `docker
    stop` kills everything without a word."""
    return number("OTAI_STOP_SECONDS")


def _named(host: str) -> str:
    """The address as people write it: passkeys work on localhost and on no bare number."""
    if host in ("127.0.0.1", "::1", "0.0.0.0", "::"):  # noqa: S104 -- compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


def connection_limits() -> dict[str, Any]:
    """What the server program bounds itself, for each of its processes: connections, and how long a head may take.

    HTTP/1.1 alone: a proxy speaks that to us, and the program's guessing between versions waits for a silent client for
    ever.
    """
    from granian.constants import HTTPModes
    from granian.http import HTTP1Settings

    most = number("OTAI_CONNECTIONS")
    _allow_files(most + 512)
    return {
        "http": HTTPModes.http1,
        "http1_settings": HTTP1Settings(
            header_read_timeout=1000 * number("OTAI_HEADER_SECONDS"), max_buffer_size=64 << 10
        ),
        "websockets": False,
        # Python's own signals wait for a process that computes, and so did the server for as long.
        "workers_kill_timeout": seconds_to_stop(),
        "backlog": most,
        "backpressure": most,
    }


def _allow_files(count: int) -> None:
    """Each connection is an open file; many systems allow 1 024 until they are asked for more."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _worker_beside() -> Iterator[None]:
    """A worker for what is ordered in the demo, stopped with the server."""
    with subprocess.Popen([sys.executable, "-m", "otai.cli.main", "worker", "--grace", "0"]) as worker:
        try:
            yield
        finally:
            worker.terminate()


def operator(
    name: Annotated[str, typer.Argument(help="The operator's name, as it stands beside what they do.")],
    email: Annotated[str, typer.Option(help="Their mail address, for signing in.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="OTAI_OPERATOR_PASSWORD")
    ],
) -> None:
    """Make an operator, who may use the desk; or give one a new password."""
    from allauth.account.models import EmailAddress
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError
    from django.db import transaction

    from otai.errors import Invalid, Refused
    from otai.orgs.models import User

    require_installation()
    user = User.objects.filter(username=name).first() or User(username=name)
    if User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists():
        raise Refused("operator", email=email, code="mail_address_taken")
    user.email, user.is_staff, user.is_superuser = email.lower(), True, True
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise Invalid("password", said=" ".join(weak.messages), code="weak_password") from None
    user.set_password(password)
    with transaction.atomic():
        user.save()
        # Whoever has this command line vouches for the address: no mail has to confirm it.
        EmailAddress.objects.filter(user=user).delete()
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    say(f"{name} may use the operator's desk.")
