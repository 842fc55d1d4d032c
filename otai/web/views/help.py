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
from otai.runs import readiness
from otai.web import words
from otai.web.access import MemberRequest, page


@require_safe
@page(Action.VIEW)
def prices(request: MemberRequest) -> HttpResponse:
    """How credits work, with the prices in force."""
    book, modes = billing.price_book(), readiness.trainable(tuple(Mode))
    by_mode = [
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
        for mode in modes
    ]
    bands = [
        (
            words.band_words(band.first, band.last),
            band.multiplier,
            [
                (mode.title, price(book, mode=mode, delivery=Delivery.STANDARD, attributes=band.first).credits)
                for mode in modes
            ],
        )
        for band in book.bands
    ]
    shown = Mode.BUSINESS if Mode.BUSINESS in modes else modes[0]
    example = price(book, mode=shown, delivery=Delivery.STANDARD, attributes=book.bands[0].first)
    context = {
        "prices": by_mode,
        "deliveries": list(words.DELIVERIES.values()),
        "modes": [mode.title for mode in modes],
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
        "example_mode": shown.title,
        "example_base": book.base_prices[shown, Delivery.STANDARD].credits,
        "example_band": words.band_words(book.bands[0].first, book.bands[0].last),
        "example_multiplier": book.bands[0].multiplier,
        "version": book.version,
    }
    return render(request, "web/help/prices.html", context)
