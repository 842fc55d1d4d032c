"""`otai serve`: a trained model behind HTTP, for whoever does not speak Python."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otai.cli.output import OrgOption, organisation_named, say
from otai.cli.studio import seconds_to_stop
from otai.errors import Invalid, NotFound

if TYPE_CHECKING:
    from otai.serving.models import ModelVersion


class NotForStrangers(Invalid):
    code = "key_missing"


def bundle_path(name: str, version: int | None, org: str | None) -> tuple[Path, ModelVersion | None]:
    """The bundle's file: `name` is a file of a bundle, or a model of the organisation, which then comes with it. Raises
    NotFound."""
    if name.endswith(".otai") or os.sep in name:
        path = Path(name)
        if not path.is_file():
            raise NotFound("no_file", path=str(path))
        return path, None
    from otai.serving import queries
    from otai.tickets.files import file_store

    found = queries.version(organisation_named(org), name, version)
    return file_store().local_path(found.bundle_file), found


def serve(
    model: Annotated[str, typer.Argument(help="A bundle's file (model.otai), or the name of a model.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8090,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer; each has the model in memory.")] = 1,
    key: Annotated[
        str | None, typer.Option(envvar="OTAI_SERVE_KEY", help="Ask for it: Authorization: Bearer KEY.")
    ] = None,
    version: Annotated[int | None, typer.Option("--version", help="A version other than the newest.")] = None,
    org: OrgOption = None,
) -> None:
    """Serve a model over HTTP: POST /predict, GET /labels, /health and /openapi.json. Ctrl-C stops it."""
    if key is None and host not in ("127.0.0.1", "::1", "localhost"):
        raise NotForStrangers("listening", host=host)
    from granian import Granian
    from granian.constants import Interfaces

    from otai.learning.model.bundle import Bundle
    from otai.serving.http import BUNDLE_VARIABLE, KEY_VARIABLE, NAME_VARIABLE

    path, live = bundle_path(model, version, org)
    name = str(live) if live else path.stem
    with tempfile.TemporaryDirectory(prefix="otai-serve-") as folder:
        if live is not None and live.renamed:
            # The processes that answer know no database, so the names of today come to them in a file.
            from otai.serving import queries

            path = queries.export(live, Path(folder))
        # A file that is no model, or an encoder that is missing, is better known before anybody asks.
        Bundle.load(path).predict(["ready"])
        os.environ |= {BUNDLE_VARIABLE: str(path.resolve()), NAME_VARIABLE: name}
        if key:
            os.environ[KEY_VARIABLE] = key
        say(f"{name} answers at http://{host}:{port}/predict   (description: /openapi.json)")
        Granian(
            "otai.serving.http:application",
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            workers=workers,
            factory=True,
            # Python's own signals wait for a process that computes.
            workers_kill_timeout=seconds_to_stop(),
        ).serve()
