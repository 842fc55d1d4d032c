"""How a payment provider's balance and the books differ: at the operators' desk, and in what the audit finds."""

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
}
