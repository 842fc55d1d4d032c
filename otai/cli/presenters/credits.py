"""Credits: what there is, and every movement of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Protocol

from otai.cli.output import print_table, say
from otai.cli.presenters.words import moment
from otai.pricing.price_book import Tier


class Balance(Protocol):
    @property
    def available(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def spent(self) -> int: ...


class StatementLine(Balance, Protocol):
    """One movement of credits, with the balance after it."""

    @property
    def at(self) -> datetime: ...
    @property
    def what(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def credits_in(self) -> int: ...
    @property
    def credits_out(self) -> int: ...


def balance_in_words(balance: Balance) -> str:
    """The three figures of a balance in a line."""
    return f"{balance.available} available | {balance.held} held | {balance.spent} spent"


def show_balance(name: str, tier: Tier, balance: Balance, *, warnings: Iterable[str]) -> None:
    """Prints an organisation's tier and credits, and what it should know of its account."""
    say(f"{name}, {tier.title}: {balance_in_words(balance)}")
    for warning in warnings:
        say(f"! {warning}")


def show_statement(lines: Iterable[StatementLine], *, of: str, balance: Balance, zone: tzinfo | None) -> None:
    """Prints movements of credits and the balance; `of`: the name of the organisation."""
    print_table(
        ["date", "what", "why", "in", "out", "available", "held", "spent"],
        [
            [
                moment(line.at, zone),
                line.what,
                line.reason,
                line.credits_in or "",
                line.credits_out or "",
                line.available,
                line.held,
                line.spent,
            ]
            for line in lines
        ],
        right=["in", "out", "available", "held", "spent"],
        title=f"Credit statement of {of}",
    )
    say(f"Balance: {balance_in_words(balance)}")
