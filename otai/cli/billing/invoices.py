"""`otai billing invoices`: list, export and verify."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from otai.billing import queries
from otai.billing.document_check import Verdict, check_document
from otai.billing.document_lists import documents, signed
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.months import Month
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.orgs.models import Organisation
from otai.units import Money

app = typer.Typer(help="Invoices and credit notes: list, export, verify.", no_args_is_help=True)


InMonth = Annotated[str | None, typer.Option("--month", help="Only those issued in this month, such as 2026-11.")]


def _documents(organisation: Organisation, *, month: str | None, state: str = "", purchase: str | None = None) -> Any:
    return documents(organisation, state=state, month=Month.parse(month) if month else None, purchase=purchase)


@app.command("list")
def invoices_list(
    state: Annotated[str, typer.Option(help="Only those that are open, paid, cancelled or refunded.")] = "",
    month: InMonth = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """All invoices and credit notes of an organisation, newest first. What a credit note gives back is negative."""
    rows: list[dict[str, Any]] = [
        {
            "number": invoice.number,
            "kind": invoice.kind,
            "issued_on": invoice.issued_on,
            "purchase": invoice.purchase.reference,
            "corrects": invoice.corrects.number if invoice.corrects else None,
            "net_cents": invoice.net_cents,
            "vat_cents": invoice.vat_cents,
            "gross_cents": invoice.gross_cents,
            "currency": invoice.currency,
            "state": invoice.state,
            "amount": signed(invoice, invoice.gross_cents),
            "signed": [str(signed(invoice, cents)) for cents in (invoice.net_cents, invoice.vat_cents)],
        }
        for invoice in _documents(organisation_named(org), state=state, month=month)
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ["number", "date", "purchase", "net", "VAT", "gross", "state", "corrects"],
        [
            [
                row["number"],
                row["issued_on"],
                row["purchase"],
                *row["signed"],
                row["amount"],
                row["state"],
                row["corrects"],
            ]
            for row in rows
        ],
        right=["net", "VAT", "gross"],
    )


@app.command("export")
def invoices_export(
    number: Annotated[str | None, typer.Argument(help="INV-2026-000001; all of them if left out.")] = None,
    purchase: Annotated[str | None, typer.Option(help="Only those of this purchase.")] = None,
    month: InMonth = None,
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = Path(),
    xml: Annotated[bool, typer.Option("--xml", help="EN 16931 XML instead of PDF.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Write invoices to files: PDF with the XML inside (Factur-X, ZUGFeRD), or the XML alone."""
    organisation = organisation_named(org)
    invoices = (
        [queries.invoice(organisation, number)]
        if number
        else list(_documents(organisation, month=month, purchase=purchase))
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for invoice in invoices:
        target = folder / f"{invoice.number}.{'xml' if xml else 'pdf'}"
        target.write_bytes(invoice_xml(invoice) if xml else invoice_pdf(invoice))
        written.append(target)
    if json:
        print_json({"files": written})
    else:
        say("\n".join(str(target) for target in written) or "There are no invoices yet.")


@app.command("verify")
def invoices_verify(
    file: Annotated[Path, typer.Argument(help="A PDF or XML that was given out.", exists=True, dir_okay=False)],
    json: JsonOption = False,
) -> None:
    """Hold a document against the books. Exit code 0 only if it is the one that they make, byte for byte."""
    check = check_document(file.read_bytes())
    show_check(
        number=check.invoice.number,
        issued_on=str(check.invoice.issued_on),
        gross=Money(check.invoice.gross_cents, check.invoice.currency),
        verdict=check.verdict,
        differences=[asdict(one) for one in check.differences],
        json=json,
    )


def show_check(
    *, number: str, issued_on: str, gross: Money, verdict: Verdict, differences: list[dict[str, str]], json: bool
) -> None:
    """What a document is, and where it is another than the books'. Exits with 1 unless it is genuine."""
    if json:
        print_json({"number": number, "verdict": verdict.value, "differences": differences})
    else:
        say(f"{number} of {issued_on}, {gross}: {VERDICTS[verdict]}")
        for one in differences:
            file, books = one["file"] or "(nothing)", one["books"] or "(nothing)"
            say(f"  {one['field']}: {file} in the file, {books} in the books")
    if verdict is not Verdict.GENUINE:
        raise typer.Exit(1)


VERDICTS = {
    Verdict.GENUINE: "genuine, unchanged.",
    Verdict.SAME_FIGURES: "the electronic part is the books', the file is not. Compare its pages with a new export.",
    Verdict.DIFFERENT: "CHANGED, it says something else than the books.",
    Verdict.BOOKS_CHANGED: "THE BOOKS are not as they were chained: `otai billing audit` says where.",
}
