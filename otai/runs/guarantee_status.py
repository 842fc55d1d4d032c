"""The life of a guarantee, pure.

    OPEN -> AGREED -> TRAINING -> TRAINED -> MET
     ^        |  ^________|          |
     |________|  (failed, cancelled) v
                                   MISSED <-> IMPROVING -> MET
                                     |
                                     v  (missed a second time: in the same transaction)
                                  CREDITED -> REFUNDED
                                     ^
                                IN_REVIEW -> DECLINED

OPEN: no criteria, or criteria that wait for an operator. AGREED: they stand, and the tickets to measure on are fixed.
TRAINING and IMPROVING: the included run, or the included improvement run, is ordered; one that fails or is cancelled
costs no chance. TRAINED is passed through: the verdict falls in the transaction that ends the run. CREDITED: the fee
was credited. REFUNDED: an operator turned that credit into money. IN_REVIEW: missed a second time, and an operator
looks before the fee is credited, or DECLINED (docs/policies.md).
"""

from __future__ import annotations

from enum import StrEnum

from otai.words.explained import Occurrence


class GuaranteeStatus(StrEnum):
    OPEN = "open"
    AGREED = "agreed"
    TRAINING = "training"
    TRAINED = "trained"
    MET = "met"
    MISSED = "missed"
    IMPROVING = "improving"
    IN_REVIEW = "in_review"
    DECLINED = "declined"
    CREDITED = "credited"
    REFUNDED = "refunded"


_S = GuaranteeStatus

MOVES: dict[GuaranteeStatus, frozenset[GuaranteeStatus]] = {
    _S.OPEN: frozenset({_S.AGREED}),
    _S.AGREED: frozenset({_S.OPEN, _S.TRAINING}),
    _S.TRAINING: frozenset({_S.TRAINED, _S.AGREED}),
    _S.TRAINED: frozenset({_S.MET, _S.MISSED}),
    _S.MET: frozenset(),
    _S.MISSED: frozenset({_S.IMPROVING, _S.CREDITED, _S.IN_REVIEW}),
    _S.IMPROVING: frozenset({_S.MET, _S.MISSED}),
    _S.IN_REVIEW: frozenset({_S.CREDITED, _S.DECLINED}),
    _S.DECLINED: frozenset(),
    _S.CREDITED: frozenset({_S.REFUNDED}),
    _S.REFUNDED: frozenset(),
}


class GuaranteeOccurrence(Occurrence):
    """What happens to a guarantee without a change of its status."""

    CRITERIA_PROPOSED = "criteria_proposed"
    CRITERIA_WAIT = "criteria_wait"
    CRITERIA_DECLINED = "criteria_declined"
    SECOND_OPERATOR_ASKED = "second_operator_asked"
    PROPOSAL_WITHDRAWN = "proposal_withdrawn"
    TICKETS_DELETED = "tickets_deleted"
    FUNDING_NOT_RECOVERED = "funding_not_recovered"


BEFORE_THE_RUN = frozenset({_S.OPEN, _S.AGREED})
WITH_A_FEE = frozenset({_S.CREDITED, _S.REFUNDED})
AFTER_THE_SECOND_MISS = frozenset({_S.IN_REVIEW, _S.DECLINED, *WITH_A_FEE})
DECIDED = AFTER_THE_SECOND_MISS - {_S.IN_REVIEW} | {_S.MET}
