"""`otai billing invoices verify` against a Studio elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otai.billing.document_check import Verdict
from otai.cli.billing.invoices import show_check
from otai.cli.output import JsonOption
from otai.cli.remote.signing_in import studio
from otai.units import Money

app = typer.Typer(help="Documents that were given out.", no_args_is_help=True)
invoices_app = typer.Typer(help="Invoices and credit notes: verify.", no_args_is_help=True)
app.add_typer(invoices_app, name="invoices")


@invoices_app.callback()
def _documents() -> None:
    """Invoices and credit notes: verify."""


@invoices_app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="A PDF or XML that was given out.", exists=True, dir_okay=False)],
    json: JsonOption = False,
) -> None:
    """Hold a document against the books. Exit code 0 only if it is the one that they make, byte for byte."""
    with studio() as there:
        check = there.check_document(file)
    invoice = check["invoice"]
    show_check(
        number=invoice["number"],
        issued_on=invoice["issued_at"][:10],
        gross=Money(**invoice["gross"]),
        verdict=Verdict(check["verdict"]),
        differences=check["differences"],
        json=json,
    )
