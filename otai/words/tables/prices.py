"""The lines of a price, what would be cheaper, when a training is promised, and how a sale is taxed."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

PRICES: Mapping[str, tuple[Sentence, ...]] = {
    "price_base": (
        Counted(
            "{mode:title}, {delivery:title}: {credits:n} credit",
            "{mode:title}, {delivery:title}: {credits:n} credits",
            "credits",
        ),
    ),
    "price_band": ("x {multiplier} ({first:n}-{last:n} attributes) = {amount:number}",),
    "price_rounded": (Counted("rounded up to {credits:n} credit", "rounded up to {credits:n} credits", "credits"),),
    "saving_attributes": (
        Counted(
            "{attributes:n} attribute instead of {chosen:n}",
            "{attributes:n} attributes instead of {chosen:n}",
            "attributes",
        ),
    ),
    "saving_delivery": ("Standard delivery ({promise:fact})",),
    "saving_mode": ("{mode:title} mode",),
    "promise_about": ("about {hours:n}\u00a0h",),
    "promise_same_day": ("same day",),
    "promise_within": ("within {hours:n}\u00a0h",),
    "vat.charged": ("{rate:share} VAT ({country})",),
    "vat.reverse_charge": ("reverse charge: the buyer owes the VAT",),
    "vat.outside": ("no VAT outside the European Union's VAT territory",),
    "vat.small_business": ("no VAT: the seller is a small business",),
}
