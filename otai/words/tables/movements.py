"""What moved in a statement of credits, and why."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

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

OF_CREDITS_IN: Mapping[str, tuple[Sentence, ...]] = {
    "moved_why.initial": ("Initial credits of the {tier:title} tier", "Initial credits of the tier"),
    "moved_why.monthly": ("Monthly credits of the {tier:title} tier for {day:date}", "Monthly credits of the tier"),
    "moved_why.bought": (
        Counted("{credits:n}-credit package", "{credits:n}-credit package", "credits"),
        "A package of credits",
    ),
    "moved_why.opening_balance": (
        "Opening balance from the export of {made_at:date}",
        "Opening balance from an export",
    ),
    "moved_why.payment_stays": ("The payment stays after all: what was taken is given back",),
    "moved_why.included": (
        "Included in {tier:title}: training",
        "A training that the guarantee includes",
    ),
    "moved_why.improvement": ("Included in {tier:title}: improvement",),
    "moved_why.fee": (
        "Training {run:n}: the agreed criteria were missed twice, and its training fee is credited",
        "The agreed criteria were missed twice: the training fee is credited",
    ),
}

OF_RUNS: Mapping[str, tuple[Sentence, ...]] = {
    "moved_why.ordered": ("{mode:title} {delivery:title}: training {run:n}", "A training was ordered"),
    "moved_why.settled": ("A training has ended",),
    "moved_why.run_completed": (
        Counted("Training {run:n}: {credits:n} credit spent", "Training {run:n}: {credits:n} credits spent", "credits"),
    ),
    "moved_why.run_failed_system": (
        Counted(
            "Training {run:n} failed on our side: {credits:n} credit given back, nothing charged",
            "Training {run:n} failed on our side: {credits:n} credits given back, nothing charged",
            "credits",
        ),
    ),
    "moved_why.run_failed_input": (
        Counted(
            "The tickets of training {run:n} cannot be trained on: {credits:n} credit given back, nothing charged",
            "The tickets of training {run:n} cannot be trained on: {credits:n} credits given back, nothing charged",
            "credits",
        ),
    ),
    "moved_why.run_cancelled": (
        Counted(
            "Training {run:n} was cancelled: {credits:n} credit given back, nothing charged",
            "Training {run:n} was cancelled: {credits:n} credits given back, nothing charged",
            "credits",
        ),
    ),
    "moved_why.business_answers": ("Training {run:n}: it answers as Business does, and costs as much",),
    "moved_why.business_price": ("Training {run:n}: Business's price for Business's answers",),
    "moved_why.unsettled": ("Given back: the training ended without settling it",),
    "moved_why.run_refunded": ("Refund of training {run:n}: {why}",),
}

OF_CREDITS_OUT: Mapping[str, tuple[Sentence, ...]] = {
    "moved_why.funding_back": (
        "Training {run:n} brought no model: what the guarantee paid for it goes back",
        "The included training brought no model: what paid for it goes back",
    ),
    "moved_why.fee_paid_back": ("Paid back as money: {why}", "Paid back as money"),
    "moved_why.paid_back": ("Paid back: {why}", "Paid back"),
    "moved_why.refunded": ("The payment was paid back",),
    "moved_why.taken_back": ("The payment was taken back by the bank",),
}

MOVED_WHY: Mapping[str, tuple[Sentence, ...]] = {**OF_CREDITS_IN, **OF_RUNS, **OF_CREDITS_OUT}
"""What brought a movement about, where the books did it by themselves; `why` is what a person wrote."""
