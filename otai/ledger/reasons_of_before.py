"""Why credits moved, in rows that keep an English sentence: release 0.1 wrote no codes.

The beginning of an operation's key says what brought it about, and a person's own words stand behind a colon. Rows of
the ledger are never changed, so these stay as they are; nothing else reads sentences.
"""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Fact

CODES: Mapping[str, str] = {
    "guarantee-run": "moved_why.included",
    "guarantee-fee": "moved_why.fee",
    "guarantee-back": "moved_why.funding_back",
    "guarantee-refund": "moved_why.fee_paid_back",
    "payment-refund": "moved_why.paid_back",
    "order": "moved_why.ordered",
    "settle": "moved_why.settled",
    "sweep": "moved_why.unsettled",
    "initial": "moved_why.initial",
    "monthly": "moved_why.monthly",
    "purchase": "moved_why.bought",
}
"""By what the key begins with."""

OF_REVERSALS: Mapping[str, str] = {
    "The payment was taken back": "moved_why.taken_back",
    "The payment was paid back": "moved_why.refunded",
}
STAYS = "moved_why.payment_stays"
WITH_OWN_WORDS = frozenset({"guarantee-refund", "payment-refund"})


def reason_of_before(*, key: str, sentence: str) -> str | Fact:
    """What an English sentence of a row told: a fact where the books wrote it, else the person's own words."""
    begins, (_said, _colon, own) = key.partition(":")[0], sentence.partition(": ")
    if begins == "refund":
        return own
    if begins == "reversal":
        return Fact(next((code for said, code in OF_REVERSALS.items() if sentence.startswith(said)), STAYS))
    if begins not in CODES:
        return sentence
    return Fact(CODES[begins], {"why": own} if begins in WITH_OWN_WORDS and own else {})
