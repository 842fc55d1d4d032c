"""`otai billing details`: who the invoices are made out to."""

from __future__ import annotations

from typing import Annotated

import typer

from otai.billing import operations as billing
from otai.billing import queries
from otai.cli.actor import actor
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, say
from otai.db import utc_now
from otai.words.catalogue import say_fact

app = typer.Typer(help="Who the invoices are made out to.", no_args_is_help=True)


@app.command("set")
def details_set(
    name: Annotated[str, typer.Option(help="Legal name.")],
    street: Annotated[str, typer.Option()],
    city: Annotated[str, typer.Option()],
    country: Annotated[str, typer.Option(help="Two-letter ISO code, for example DE.")],
    email: Annotated[str, typer.Option(help="Where invoices and notices go.")],
    postcode: Annotated[str, typer.Option()] = "",
    vat_id: Annotated[str, typer.Option(help="VAT id, for buyers in the European Union.")] = "",
    language: Annotated[
        str, typer.Option(help="Language of invoices and mails, such as en; else the first one of the installation.")
    ] = "",
    address_line_2: Annotated[str, typer.Option(help="Department, building, floor.")] = "",
    buyer_reference: Annotated[str, typer.Option(help="Your reference, named on invoices.")] = "",
    purchase_order: Annotated[str, typer.Option(help="Your purchase-order number, named on invoices.")] = "",
    leitweg_id: Annotated[
        str, typer.Option(help="Of a German public buyer: the XML of invoices is an XRechnung then.")
    ] = "",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Who the invoices from now on are made out to; VAT follows country and VAT id."""
    details = billing.set_billing_details(
        organisation=organisation_named(org),
        name=name,
        street=street,
        postcode=postcode,
        city=city,
        country=country,
        email=email,
        vat_id=vat_id,
        language=language,
        address_line_2=address_line_2,
        buyer_reference=buyer_reference,
        purchase_order=purchase_order,
        leitweg_id=leitweg_id,
        who=actor(),
        now=utc_now(),
    )
    vat = queries.vat_of(details)
    if json:
        print_json({**queries.details_as_dict(details), "vat": {"treatment": vat.treatment, "permille": vat.permille}})
    else:
        say(f"Invoices are made out to {details.name}, {details.city}, {details.country}: {say_fact(vat.fact)}.")


@app.command("show")
def details_show(org: OrgOption = None, json: JsonOption = False) -> None:
    """The billing details, and the VAT that follows from them."""
    found = queries.billing_details_of(organisation_named(org))
    vat = queries.vat_of(found)
    if json:
        print_json({**queries.details_as_dict(found), "vat": {"treatment": vat.treatment, "permille": vat.permille}})
    else:
        say("\n".join(str(value) for value in queries.details_as_dict(found).values() if value))
        say(say_fact(vat.fact))
