"""The lines of a price, what would be cheaper, when a training is promised, and what moved in a statement."""

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
    "promise_about": ("about {hours:n} h",),
    "promise_same_day": ("same day",),
    "promise_within": ("within {hours:n} h",),
}

MOVEMENTS: Mapping[str, tuple[Sentence, ...]] = {
    "moved_initial": ("Initial credits",),
    "moved_monthly": ("Monthly credits",),
    "moved_purchase": ("Purchase",),
    "moved_goodwill": ("Goodwill",),
    "moved_guarantee": ("Guarantee",),
    "moved_grant": ("Credits granted",),
    "moved_hold": ("Credits held",),
    "moved_capture": ("Credits spent",),
    "moved_release": ("Hold released",),
    "moved_credit_refund": ("Credits refunded",),
    "moved_withdrawal": ("Credits withdrawn",),
}
"""By the source of granted credits, by the kind of every other movement."""

MOVED_WHY: Mapping[str, tuple[Sentence, ...]] = {
    "moved_why.included": ("A training that the guarantee includes",),
    "moved_why.fee": ("The agreed criteria were missed twice: the training fee is credited",),
    "moved_why.funding_back": ("The included training brought no model: what paid for it goes back",),
    "moved_why.fee_paid_back": ("Paid back as money: {why}", "Paid back as money"),
    "moved_why.paid_back": ("Paid back: {why}", "Paid back"),
    "moved_why.refunded": ("The payment was paid back",),
    "moved_why.taken_back": ("The payment was taken back by the bank",),
}
"""What brought a movement about, where the books did it by themselves; `why` is what a person wrote."""
