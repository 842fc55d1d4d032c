"""Credits of the Studio elsewhere: what there is, and every movement of them."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from otai.cli.output import JsonOption, print_json, say
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
    say(f"{found['name']}, {Tier(found['tier']).title}: {credits.balance_in_words(Balance.of(found['balance']))}")
    for warning in found["warnings"]:
        say(f"! {warning['message']}")


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
    credits.show_statement(map(StatementLine.of, lines), of=organisation["name"], zone=None)
    say(f"Balance: {credits.balance_in_words(Balance.of(organisation['balance']))}")
