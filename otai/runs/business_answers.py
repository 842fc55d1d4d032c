"""What a Maximum costs that answers as Business does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otai.billing.price_books import book_named
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.pricing.published import PriceBookUnknown
from otai.runs.models import Run

ANSWERS_OF_BUSINESS = "answers_of_business"
"""The finding of a report card that says so."""


def price_of_business_answers(run: Run, report_card: Mapping[str, Any] | None) -> int | None:
    """In credits, by the price book that the run's quote names; None where it costs what was quoted: the book says so,
    networks joined, or a guarantee includes the run, which costs its customer nothing as it is."""
    if run.mode != Mode.MAXIMUM or run.guarantee_id is not None:
        return None
    try:
        book = book_named(run.quote.price_book)
    except PriceBookUnknown:
        # Made by a book that is gone: a run has to end all the same, and costs what was held.
        return None
    if not book.business_answers_cost_business:
        return None
    if not any(one["code"] == ANSWERS_OF_BUSINESS for one in (report_card or {}).get("findings", ())):
        return None
    return pricing.price(
        book, mode=Mode.BUSINESS, delivery=Delivery(run.delivery), attributes=len(run.attributes)
    ).credits
