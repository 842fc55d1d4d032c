"""`otai`: the command line. This module sets up the product and mounts the nouns; each noun is a module of its own."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from otai import __version__
from otai.cli import elsewhere
from otai.cli.output import errors_as_one_line
from otai.environment import is_on


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    import django

    # A setting that means nothing is one line too, not a traceback.
    with errors_as_one_line(debug=is_on("OTAI_DEBUG")):
        django.setup()


_set_up()

_COMMANDS = {
    "init": "setup:init",
    "quote": "training:quote",
    "train": "training:train",
    "balance": "orgs:balance",
    "statement": "orgs:statement",
    "predict": "models:predict",
    "serve": "serve:serve",
    "worker": "workers:worker",
    "simulate": "simulate:simulate",
    "notifications": "remote.notifications:app",
    "login": "remote:login",
    "logout": "remote:logout",
    "studio": "studio:studio",
    "check": "check:check",
    "operator": "studio:operator",
    # These two add to a noun of another module.
    "org": "privacy:app",
    "people": "privacy:people_app",
    "tickets": "tickets:app",
    "helpdesks": "helpdesks:app",
    "runs": "runs:app",
    "model": "model_versions:app",
    "billing": "billing:billing_app",
    "advice": "advice:app",
    "feedback": "feedback:app",
    "guarantee": "guarantee:app",
    "ledger": "ledger:app",
    "encoders": "encoders:app",
    "pools": "pools:app",
    "workers": "pools:workers_app",
    "webhooks": "webhooks:app",
    "keys": "keys:app",
    "sessions": "sessions:app",
    "vendor-keys": "vendor_keys:app",
}
"""The first word of a command, and where it is: a module beside this one, and its name there."""


class _LoadedWhenAsked(TyperGroup):
    """Commands whose modules are loaded when they are called: all of them take longer than most of what they do."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        if cmd_name not in self.commands:
            module, _, name = _COMMANDS[cmd_name].partition(":")
            found = getattr(import_module(f"otai.cli.{module}"), name)
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            if isinstance(found, typer.Typer):
                alone.add_typer(found, name=cmd_name)
            else:
                alone.command(cmd_name)(found)
            self.commands.update(get_group(alone).commands)
        return self.commands[cmd_name]


app = typer.Typer(
    name="otai",
    cls=_LoadedWhenAsked,
    help="OTAI Studio: train ticket classifiers on your own tickets, paid for in training credits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"otai {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """OTAI Studio: train ticket classifiers on your own tickets, paid for in training credits."""


def run() -> None:
    """The entry point `otai`."""
    # Nothing that we write is meant for other users of the machine.
    os.umask(0o077)
    with errors_as_one_line(debug=is_on("OTAI_DEBUG")):
        if elsewhere.is_wanted(sys.argv[1:]):
            import_module("otai.cli.remote").app()
        else:
            app()


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    run()
