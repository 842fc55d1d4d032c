"""`otai billing methods`: payment methods that the provider keeps; `otai billing pay`: the page to pay an order on."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.models import PaymentMethod
from otai.cli.actor import actor
from otai.cli.billing.arguments import at_in_words
from otai.cli.billing.purchases import purchase_row
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.db import utc_now

app = typer.Typer(help="Saved payment methods: list, add, use, remove.", no_args_is_help=True)
Method = Annotated[UUID, typer.Argument(help="The id of `otai billing methods list`.")]


def pay(
    reference: Annotated[str, typer.Argument(help="OT-XXXXX-XXXXX")],
    keep: Annotated[bool, typer.Option(help="The provider keeps what paid, for later charges by itself.")] = True,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """The address of the provider's page on which an order is paid: any card, debit or wallet."""
    organisation = organisation_named(org)
    opened = billing.open_payment_page(
        organisation=organisation, reference=reference, who=actor(), now=utc_now(), keeps_method=keep
    )
    assert opened.purchase is not None, "a payment page is of a purchase"
    if json:
        url = opened.page.url if opened.page else None
        print_json({**purchase_row(opened.purchase), "url": url})
    elif opened.page is None:
        say(f"{reference} is {opened.purchase.status}: nothing is to be paid.")
    else:
        say(f"Open until {at_in_words(opened.page.expires_at, organisation)}:")
        say(f"  {opened.page.url}")


def _row(found: PaymentMethod, renewals: str) -> dict[str, Any]:
    names = ("id", "gateway", "kind", "brand", "last_four", "expires_year", "expires_month", "saved_at")
    return {name: getattr(found, name) for name in names} | {"pays_tier": found.reference == renewals}


@app.command("list")
def methods_list(org: OrgOption = None, json: JsonOption = False) -> None:
    """Saved payment methods, the newest first, and which one pays the tier."""
    organisation = organisation_named(org)
    renewals = queries.subscription_of(organisation).renewal_payment_method
    rows = [_row(found, renewals) for found in billing.payment_methods(organisation)]
    if json:
        print_json(rows)
        return
    print_table(
        ["id", "kind", "brand", "ends in", "expires", "pays the tier"],
        [
            [
                row["id"],
                row["kind"],
                row["brand"],
                row["last_four"],
                f"{row['expires_month']:02}/{row['expires_year']}" if row["expires_year"] else "",
                "yes" if row["pays_tier"] else "",
            ]
            for row in rows
        ],
    )


@app.command("add")
def methods_add(
    gateway: Annotated[str, typer.Option(help="A provider with pages of its own.")] = "stripe",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """The address of the provider's page on which a payment method is entered and kept."""
    organisation = organisation_named(org)
    page = billing.open_method_page(organisation=organisation, gateway=gateway, who=actor(), now=utc_now())
    if json:
        print_json({"url": page.url, "expires_at": page.expires_at})
    else:
        say(page.url)


@app.command("use")
def methods_use(
    method: Annotated[UUID | None, typer.Argument(help="The id of a saved method; left out: by invoice.")] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """The months of the tier are charged to this method from now on; without one, paid by invoice."""
    organisation = organisation_named(org)
    found = billing.pay_renewals_with(organisation=organisation, method=method, who=actor(), now=utc_now())
    if json:
        print_json({"gateway": found.renewal_gateway, "payment_method": method})
    else:
        say("Charged by itself." if found.renewal_payment_method else "Paid by invoice and bank transfer.")


@app.command("remove")
def methods_remove(method: Method, org: OrgOption = None, json: JsonOption = False) -> None:
    """The provider keeps it no more. What it paid for is paid by invoice; a top-up that used it stops."""
    organisation = organisation_named(org)
    found = billing.remove_method(organisation=organisation, method=method, who=actor(), now=utc_now())
    if json:
        print_json({"id": found.id, "removed": True})
    else:
        say("Removed.")
