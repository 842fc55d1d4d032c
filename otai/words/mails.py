"""What mails about money name: what was bought, and why a payment came to nothing. And the mail about a webhook that
was turned off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from otai.words.catalogue import ENGLISH, first_that_fits, say
from otai.words.sentences import Counted, Sentence

BOUGHT: Mapping[str, Sentence] = {
    "package": Counted("{credits:n}-credit package", "{credits:n}-credit package", "credits"),
    "month": "{tier}, one month",
    "year": "{tier}, one year",
}

PROBLEMS: Mapping[str, tuple[Sentence, ...]] = {
    "payment_failed": ("The payment failed.",),
    "payment_declined": ("The payment was declined. The provider says: “{said}”", "The payment was declined."),
    "payer_needed": ("Your bank asks you to confirm it.",),
    "confirmation_needed": ("Your bank asks you to confirm the payment, which an automatic top-up cannot do for you.",),
    "billing_details_missing": ("There is no name and address to make the invoice out to.",),
    "not_found": ("The package is not offered any more.",),
}
OTHERWISE: Sentence = "The order is not possible as things are."

REASONS: Sentence = "{reasons:facts}"

WEBHOOK_OFF: tuple[Sentence, Sentence] = (
    "A webhook of {organisation} was turned off",
    "{url}\n\n{why:fact}\n\nWhat did not arrive is in the delivery log for {days:n} days and can be sent again from "
    "there, once the endpoint is turned on again: {log}\n",
)
"""Subject and text."""


def bought(what: Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """`{"kind": "package", "credits": 50}` or `{"kind": "month", "tier": "Pro"}` as a mail names it."""
    return say(BOUGHT[what["kind"]], what, language=language)


def problem(what: Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """Why a payment or an order failed: `code`, and `said`, the provider's own words, where there are some."""
    return first_that_fits(PROBLEMS.get(what["code"], ()), what, language=language) or say(
        OTHERWISE, what, language=language
    )


def webhook_off(values: Mapping[str, Any], *, language: str = ENGLISH) -> tuple[str, str]:
    """Subject and text of the mail to an owner. `values`: `organisation`, `url`, `why` (a fact), the `days` for which
    what did not arrive is kept, and `log`, the address where."""
    subject, text = (say(sentence, values, language=language) for sentence in WEBHOOK_OFF)
    return subject, text


def reasons(why: list[Mapping[str, Any]], *, language: str = ENGLISH) -> str:
    """Why an operator is asked: facts, one after the other."""
    return say(REASONS, {"reasons": why}, language=language)


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    yield from BOUGHT.values()
    for several in PROBLEMS.values():
        yield from several
    yield OTHERWISE
    yield from WEBHOOK_OFF
