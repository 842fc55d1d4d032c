"""What a training costs at the Studio elsewhere, and what its quotes say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from otai.cli.output import JsonOption, print_json
from otai.cli.presenters import data_sets, prices
from otai.cli.remote.signing_in import studio
from otai.cli.training import DeliveryOption, ModeOption
from otai.client import Quote, Saving
from otai.errors import Invalid
from otai.pricing.price_book import Delivery, Mode, Tier


def quote(
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    attributes: Annotated[int | None, typer.Option(help="Number of attributes to predict.")] = None,
    data_set: Annotated[
        str | None, typer.Option("--data-set", help="Count the usable attributes of these tickets.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """What a training costs, line by line, when it would be ready, and what would be cheaper. Orders nothing."""
    if (attributes is None) == (data_set is None):
        raise Invalid("what", code="nothing_to_price")
    with studio() as there:
        if data_set is not None:
            attributes = len(there.quote(there.data_set(data_set).id, mode="basic").attributes)
        assert attributes is not None
        priced = there.price(attributes, mode=mode.value, delivery=delivery.value)
    if json:
        print_json(priced)
        return
    prices.show_price(
        {(Mode(one["mode"]), Delivery(one["delivery"])): _offer(one) for one in priced["offers"]},
        mode=mode,
        delivery=delivery,
        attributes=attributes,
        in_words=priced["in_words"],
        tier=None,
        cheaper=[Saving.of(one) for one in priced["cheaper"]],
        balance=priced["balance"],
        zone=None,
    )


def _offer(raw: Mapping[str, Any]) -> prices.Offer:
    needs = Tier(raw["needs_tier"]) if raw["needs_tier"] and not raw["available"] else None
    due_at = datetime.fromisoformat(raw["due_at"])
    return prices.Offer(raw["credits"], raw["promise"], due_at, needs, is_installed=raw.get("installed", True))


def quote_shown(offered: Quote) -> prices.Quote:
    """The quote as the presenters of an installation of one's own show it."""
    return prices.Quote(
        model=offered.model,
        attributes=offered.attributes,
        credits=offered.credits,
        lines=offered.lines,
        price_book=offered.price_book,
        due_at=offered.due_at,
        expires_at=offered.expires_at,
        begins_at=None,
        ready_at=offered.expected_finish_at,
        balance=offered.balance,
        warnings=[_with_command(one["code"], f"{one['message']} {one['advice']}") for one in offered.warnings],
    )


def _with_command(code: str, sentence: str) -> str:
    hint = data_sets.NEXT.get(code, "")
    return f"{sentence} ({hint})" if hint else sentence
