"""All that changes the ledger. Each operation is one transaction of its own, or part of the caller's
`transaction.atomic()`.

Every operation that moves credits takes a `key`: the same key with the same request is given the same answer and writes
nothing (`replayed`); with another request it is refused (`KeyReused`). The clock (`now`, a deadline) is no part of the
request, since whoever asks again asks later. A refusal changes nothing and leaves the caller's transaction usable.
"""

from otai.ledger.models import LotSource
from otai.ledger.operations.batches import CaptureRequest, HoldRequest, captures, place_holds
from otai.ledger.operations.grants import CreditsWithdrawn, GrantMade, LotNotFound, PriceMissing, grant, withdraw
from otai.ledger.operations.holds import (
    AlreadyRefunded,
    HoldAlreadyResolved,
    HoldNotCaptured,
    HoldNotFound,
    HoldPlaced,
    HoldResolved,
    InvalidDeadline,
    capture,
    credit_refund,
    extend_hold,
    place_hold,
    release,
)
from otai.ledger.operations.requests import InsufficientCredits, InvalidRequest, KeyReused
from otai.ledger.operations.sweep import SweepReport, sweep_stranded_holds

__all__ = [
    "AlreadyRefunded",
    "CaptureRequest",
    "CreditsWithdrawn",
    "GrantMade",
    "HoldAlreadyResolved",
    "HoldNotCaptured",
    "HoldNotFound",
    "HoldPlaced",
    "HoldRequest",
    "HoldResolved",
    "InsufficientCredits",
    "InvalidDeadline",
    "InvalidRequest",
    "KeyReused",
    "LotNotFound",
    "LotSource",
    "PriceMissing",
    "SweepReport",
    "capture",
    "captures",
    "credit_refund",
    "extend_hold",
    "grant",
    "place_hold",
    "place_holds",
    "release",
    "sweep_stranded_holds",
    "withdraw",
]
