"""`otai`: the command line. This module sets up the product and mounts the nouns; each noun is a module of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from otai import __version__
from otai.cli.output import errors_as_one_line


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    import django

    # A setting that means nothing is one line too, not a traceback.
    with errors_as_one_line(debug=bool(os.environ.get("OTAI_DEBUG"))):
        django.setup()


_set_up()

# Tables can be imported only from here on.
from otai.cli import (  # noqa: E402
    advice,
    billing,
    check,
    encoders,
    feedback,
    guarantee,
    keys,
    ledger,
    model_versions,  # noqa: F401 -- adds its commands to `otai model`
    models,
    orgs,
    pools,
    remote,
    remote_documents,  # noqa: F401 -- adds its command to `otai` elsewhere
    runs,
    serve,
    sessions,
    setup,
    simulate,
    studio,
    team,  # noqa: F401 -- adds its commands to `otai org`
    tickets,
    training,
    vendor_keys,
    webhooks,
    workers,
)

app = typer.Typer(
    name="otai",
    help="OTAI Studio: train ticket classifiers on your own tickets, paid for in training credits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(setup.init)
app.add_typer(orgs.app, name="org")
app.add_typer(tickets.app, name="tickets")
app.command("quote")(training.quote)
app.command("train")(training.train)
app.add_typer(runs.app, name="runs")
app.command("balance")(orgs.balance)
app.command("statement")(orgs.statement)
app.command("predict")(models.predict)
app.command("serve")(serve.serve)
app.add_typer(models.app, name="model")
app.add_typer(billing.billing_app, name="billing")
app.add_typer(advice.app, name="advice")
app.add_typer(feedback.app, name="feedback")
app.add_typer(guarantee.app, name="guarantee")
app.add_typer(ledger.app, name="ledger")
app.add_typer(encoders.app, name="encoders")
app.command("worker")(workers.worker)
app.add_typer(pools.app, name="pools")
app.add_typer(pools.workers_app, name="workers")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(keys.app, name="keys")
app.add_typer(sessions.app, name="sessions")
app.add_typer(vendor_keys.app, name="vendor-keys")
app.command("simulate")(simulate.simulate)
app.command("login")(remote.login)
app.command("logout")(remote.logout)
app.command("studio")(studio.studio)
app.command("check")(check.check)
app.command("operator")(studio.operator)


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
    with errors_as_one_line(debug=bool(os.environ.get("OTAI_DEBUG"))):
        if remote.is_wanted(sys.argv[1:]):
            remote.app()
        else:
            app()


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    run()
