"""The life of a guarantee, pure.

    OPEN -> AGREED -> TRAINING -> TRAINED -> MET
     ^        |  ^________|          |
     |________|  (failed, cancelled) v
                                   MISSED <-> IMPROVING -> MET
                                     |
                                     v  (missed a second time: in the same transaction)
                                  CREDITED -> REFUNDED

OPEN: no criteria, or criteria that wait for an operator. AGREED: they stand, and the tickets to measure on are fixed.
TRAINING and IMPROVING: the included run, or the included improvement run, is ordered; one that fails or is cancelled
costs no chance. TRAINED is passed through: the verdict falls in the transaction that ends the run. CREDITED: the fee
was credited. REFUNDED: an operator turned that credit into money.
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
    CREDITED = "credited"
    REFUNDED = "refunded"

    @property
    def title(self) -> str:  # type: ignore[override]
        """As people see it."""
        return self.value.capitalize()


_S = GuaranteeStatus

MOVES: dict[GuaranteeStatus, frozenset[GuaranteeStatus]] = {
    _S.OPEN: frozenset({_S.AGREED}),
    _S.AGREED: frozenset({_S.OPEN, _S.TRAINING}),
    _S.TRAINING: frozenset({_S.TRAINED, _S.AGREED}),
    _S.TRAINED: frozenset({_S.MET, _S.MISSED}),
    _S.MET: frozenset(),
    _S.MISSED: frozenset({_S.IMPROVING, _S.CREDITED}),
    _S.IMPROVING: frozenset({_S.MET, _S.MISSED}),
    _S.CREDITED: frozenset({_S.REFUNDED}),
    _S.REFUNDED: frozenset(),
}


class GuaranteeOccurrence(Occurrence):
    """What happens to a guarantee without a change of its status."""

    CRITERIA_PROPOSED = "criteria_proposed"
    CRITERIA_DECLINED = "criteria_declined"
    PROPOSAL_WITHDRAWN = "proposal_withdrawn"
    TICKETS_DELETED = "tickets_deleted"
    FUNDING_NOT_RECOVERED = "funding_not_recovered"


BEFORE_THE_RUN = frozenset({_S.OPEN, _S.AGREED})
AFTER_THE_SECOND_MISS = frozenset({_S.CREDITED, _S.REFUNDED})
