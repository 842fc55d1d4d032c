"""`otai studio`: serves this installation's pages on one machine."""

from __future__ import annotations

from typing import Annotated

import typer

from otai.cli.output import say
from otai.cli.setup import require_installation


def studio(
    host: Annotated[
        str, typer.Option(help="Address to listen on; behind a reverse proxy that speaks TLS, its own.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
) -> None:
    """Serve the operator's desk and the doors for payment providers and monitoring. Ctrl-C stops it."""
    require_installation()
    from granian import Granian
    from granian.constants import Interfaces

    say(f"The operator's desk: http://{host}:{port}/desk/ (make an operator: otai operator NAME)")
    Granian(
        "otai.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=4,
    ).serve()


def operator(
    name: Annotated[str, typer.Argument(help="The operator's name for signing in.")],
    email: Annotated[str, typer.Option(help="Their mail address.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="OTAI_OPERATOR_PASSWORD")
    ],
) -> None:
    """Make an operator, who may use the desk; or give one a new password."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from otai.errors import Invalid
    from otai.orgs.models import User

    require_installation()
    user = User.objects.filter(username=name).first() or User(username=name)
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise Invalid(" ".join(weak.messages), code="weak_password") from None
    user.email, user.is_staff, user.is_superuser = email, True, True
    user.set_password(password)
    user.save()
    say(f"{name} may use the operator's desk.")
