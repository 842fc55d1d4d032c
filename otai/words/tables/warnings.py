"""What an organisation is told of its account before it asks, on every page, in the API and at the command line."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

WARNINGS: Mapping[str, tuple[Sentence, ...]] = {
    "account.closing": (
        "This organisation is deleted on {until:date}. Until then it only reads, and any owner can keep it.",
    ),
    "account.suspended": (
        "This organisation has been suspended since {since:date}, and nothing can be ordered: {why}",
    ),
    "account.payment_owed": (
        "Payments were taken back; {amount:money} are owed. Until that is settled, nothing can be bought by card.",
    ),
    "account.credits_frozen": (
        Counted(
            "A payment is disputed: {credits:n} credit is frozen until the bank has decided.",
            "A payment is disputed: {credits:n} credits are frozen until the bank has decided.",
            "credits",
        ),
    ),
    "account.tier_unpaid": (
        "{tier:title} is not paid yet: without a payment it falls back to Community on {until:date}.",
    ),
    "account.top_up_stopped": (
        "The automatic top-up is stopped: {why:fact}",
        "The automatic top-up is stopped: {said}",
    ),
    "account.low_balance": (
        Counted(
            "{available:n} credit left, fewer than the {below:n} you set.",
            "{available:n} credits left, fewer than the {below:n} you set.",
            "available",
        ),
    ),
}
