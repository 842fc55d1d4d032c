"""How a payment provider's balance and the books differ, and what to do about it: at the operators' desk, and in what
the audit finds."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Sentence

BALANCE_DIFFERS: Mapping[str, tuple[Sentence, ...]] = {
    "balance_differs.payment_not_moved": ("a payment did not move the balance",),
    "balance_differs.payment_moved_otherwise": ("a payment moved another amount",),
    "balance_differs.payment_not_booked": ("a payment is not booked",),
    "balance_differs.return_moved_otherwise": ("what went back moved another amount",),
    "balance_differs.return_not_booked": ("what went back is not booked",),
    "balance_differs.unknown_kind": ("a movement of an unknown kind",),
    "balance_differs.move_changed": ("a movement is listed with another amount than it was booked with",),
    "balance_differs.move_not_listed": ("a movement that was booked is no longer listed",),
    "balance_differs.fee_of_unknown_payment": ("a fee of a payment that the books do not know",),
    "balance_differs.payout_moved_otherwise": ("a payout moved another amount than was paid out",),
    "balance_differs.payout_not_back": ("a payout failed, and its money did not come back",),
    "balance_differs.payout_brought_otherwise": ("a payout is not the sum of what it brought",),
    "balance_differs.balance_not_the_sum": ("the balance is not the sum of its movements",),
}

BALANCE_ADVICE: Mapping[str, tuple[Sentence, ...]] = {
    "balance_advice.payment_not_moved": (
        "Look the payment up at the provider. If it is not there, this Studio was told of money that never came: stop "
        "what was delivered for it.",
    ),
    "balance_advice.payment_moved_otherwise": (
        "Look the payment up at the provider, and compare the order: more than was due is refunded, less is asked for.",
    ),
    "balance_advice.payment_not_booked": (
        "If it is of another business of yours, explain it. If it is of an order, confirm the order's payment or "
        "refund it at the provider.",
    ),
    "balance_advice.return_moved_otherwise": (
        "Compare the refund or dispute at the provider with the order. One that is still under way is right by itself "
        "in a few days.",
    ),
    "balance_advice.return_not_booked": (
        "Look up at the provider which payment it is of. If that is of another business of yours, explain it.",
    ),
    "balance_advice.unknown_kind": (
        "DATEV's file does not have it: look it up at the provider, book it by hand, and explain it.",
    ),
    "balance_advice.move_changed": (
        "DATEV's file has the amount of before: ask the provider which is right, book the rest by hand, and explain "
        "it.",
    ),
    "balance_advice.move_not_listed": (
        "DATEV's file has it: ask the provider, reverse its booking by hand where it never was, and explain it.",
    ),
    "balance_advice.fee_of_unknown_payment": (
        "Look the payment up at the provider. If it is of another business of yours, explain it; its fee is in DATEV's "
        "file with the others.",
    ),
    "balance_advice.payout_moved_otherwise": (
        "Compare the payout at the provider with the bank statement, and correct its booking to what arrived.",
    ),
    "balance_advice.payout_not_back": (
        "Ask the provider where the money is. Until it is back, take the payout's booking out of what is on its way to "
        "the bank.",
    ),
    "balance_advice.payout_brought_otherwise": (
        "Compare the payout's own list at the provider with the movements here, by their names: one of them is missing "
        "or has another amount.",
    ),
    "balance_advice.balance_not_the_sum": (
        "Compare the provider's list of all movements with those here, from the day on which this was found: one is "
        "missing, or was changed.",
    ),
}
