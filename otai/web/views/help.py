"""How credits work: every number on this page is read from the price book."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otai.billing import packages as packages_of
from otai.billing import queries as billing
from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.pricing.quote import price
from otai.web import words
from otai.web.access import MemberRequest, page


@require_safe
@page(Action.VIEW)
def help_page(request: MemberRequest) -> HttpResponse:
    """The help page, with the prices in force."""
    book = billing.price_book()
    prices = [
        (
            mode.title,
            [
                (
                    words.DELIVERIES[delivery],
                    book.base_prices[mode, delivery].credits,
                    words.promise_words(book.promises[mode, delivery]),
                )
                for delivery in Delivery
            ],
        )
        for mode in Mode
    ]
    bands = [
        (
            words.band_words(band.first, band.last),
            band.multiplier,
            [price(book, mode=mode, delivery=Delivery.STANDARD, attributes=band.first).credits for mode in Mode],
        )
        for band in book.bands
    ]
    example = price(book, mode=Mode.BUSINESS, delivery=Delivery.STANDARD, attributes=book.bands[0].first)
    context = {
        "prices": prices,
        "deliveries": list(words.DELIVERIES.values()),
        "modes": [mode.title for mode in Mode],
        "bands": bands,
        "most_attributes": book.most_attributes,
        "tiers": [(tier.title, book.tiers[tier], words.tier_modes(book, tier)) for tier in Tier],
        "packages": [
            (words.package_title(offer), offer)
            for offer in packages_of.packages_for(request.organisation, now=utc_now())
        ],
        "quote_minutes": int(book.quote_good_for.total_seconds() // 60),
        "retries": book.system_failure_attempts - 1,
        "example": example,
        "example_base": book.base_prices[Mode.BUSINESS, Delivery.STANDARD].credits,
        "example_band": words.band_words(book.bands[0].first, book.bands[0].last),
        "example_multiplier": book.bands[0].multiplier,
        "version": book.version,
    }
    return render(request, "web/help.html", context)
