"""The tables of this room: pools and workers, quotes and runs, the guarantee."""

from otai.runs.models.guarantee import Guarantee, GuaranteeEvent
from otai.runs.models.runs import (
    DELIVERIES,
    ENDINGS,
    MODES,
    STATUSES,
    Accelerator,
    Attempt,
    Event,
    ExecutorKind,
    Housekeeping,
    Pool,
    Quote,
    Reason,
    RegisteredWorker,
    Run,
    WorkerEnd,
)
from otai.runs.models.spending import ApprovalRule, SpendLimit

__all__ = [
    "DELIVERIES",
    "ENDINGS",
    "MODES",
    "STATUSES",
    "Accelerator",
    "ApprovalRule",
    "Attempt",
    "Event",
    "ExecutorKind",
    "Guarantee",
    "GuaranteeEvent",
    "Housekeeping",
    "Pool",
    "Quote",
    "Reason",
    "RegisteredWorker",
    "Run",
    "SpendLimit",
    "WorkerEnd",
]
