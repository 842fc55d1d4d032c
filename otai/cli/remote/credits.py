"""Credits of the Studio elsewhere: what there is, and every movement of them."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from otai.cli.output import JsonOption, print_json
from otai.cli.presenters import credits
from otai.cli.remote.signing_in import studio
from otai.client import Balance, StatementLine
from otai.pricing.price_book import Tier


def balance(json: JsonOption = False) -> None:
    """Credits: available, held, spent."""
    with studio() as there:
        found = there.organisation()
    if json:
        print_json(found)
        return
    said = [warning["message"] for warning in found["warnings"]]
    credits.show_balance(found["name"], Tier(found["tier"]), Balance.of(found["balance"]), warnings=said)


def statement(
    limit: Annotated[int, typer.Option(min=1, help="How many lines, the newest first.")] = 50, json: JsonOption = False
) -> None:
    """The latest movements of credits."""
    with studio() as there:
        lines = list(islice(there.statement(), limit))
        if json:
            print_json(lines)
            return
        organisation = there.organisation()
    balance = Balance.of(organisation["balance"])
    credits.show_statement(map(StatementLine.of, lines), of=organisation["name"], balance=balance, zone=None)
