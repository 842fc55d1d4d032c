"""Packages: what can be bought, and offers to one organisation."""

from __future__ import annotations

from typing import Annotated

import typer

from otai.billing import packages as packages_of
from otai.billing import queries
from otai.billing.models import OperatorRequest
from otai.billing.operations import second_operator
from otai.cli.actor import actor
from otai.cli.billing.arguments import Why, money_from
from otai.cli.billing.refunds import say_it_waits
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.typed import TYPED
from otai.db import utc_now
from otai.units import Money


def list_packages(org: OrgOption = None, json: JsonOption = False) -> None:
    """What can be bought: credits, net price, price of one credit."""
    organisation = organisation_named(org)
    offers = packages_of.packages_for(organisation, now=utc_now())
    if json:
        print_json(
            [
                {
                    "package": offer.code,
                    "credits": offer.credits,
                    "net_cents": offer.price.cents,
                    "currency": offer.price.currency,
                    "cents_per_credit": offer.cents_per_credit,
                    "own": offer.custom is not None,
                }
                for offer in offers
            ]
        )
        return
    print_table(
        ["package", "credits", "net price", "effective price"],
        [[offer.code, offer.credits, offer.price, offer.effective_price] for offer in offers],
        right=["credits", "net price", "effective price"],
    )


def offer_package(
    code: Annotated[str, typer.Argument(help="For example big-2027.")],
    credits: Annotated[int, typer.Argument(**TYPED)],
    price: Annotated[str, typer.Argument(help="Net, in the price book's currency: 3500 or 3500.00.")],
    why: Why,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: a package for one organisation."""
    organisation = organisation_named(org)
    made = second_operator.package(
        organisation=organisation,
        code=code,
        credits=credits,
        price=money_from(price, currency=queries.currency()),
        who=actor(),
        why=why,
        now=utc_now(),
    )
    if isinstance(made, OperatorRequest):
        say_it_waits(made, json=json)
        return
    if json:
        print_json({"package": made.code, "credits": made.credits, "net_cents": made.price_cents})
    else:
        net = Money(made.price_cents, made.currency)
        say(f"{organisation.name} can buy {made.code} now: {made.credits} credits for {net} net.")
