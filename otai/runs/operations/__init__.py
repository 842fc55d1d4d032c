"""All that changes a run: quote, order, progress, cancel, end. One transaction each."""

from otai.ledger.operations import AlreadyRefunded, InsufficientCredits
from otai.runs.operations.approvals import ApprovalDecided, approve_run, decline_run, lapse_approvals
from otai.runs.operations.attempts import Claimed, begin_attempt, end_run, hand_back, record_progress
from otai.runs.operations.corrections import RunHasEnded, RunNotCharged, cancel_run, refund_run
from otai.runs.operations.erasing import (
    MODEL_DELETED,
    TICKETS_DELETED,
    forget_models,
    forget_tickets,
    kept_of,
    made_from,
    open_runs_on,
)
from otai.runs.operations.included import NothingMissed, QuoteDoesNotFit, order_improvement_run, order_included_run
from otai.runs.operations.moves import AttemptOutcome, RunMoved, hold_reference
from otai.runs.operations.orders import (
    Inclusion,
    InvalidModelName,
    NoGainExpected,
    NothingTells,
    QuoteExpired,
    UnknownAttribute,
    make_quote,
    order_run,
    refuse_no_signal,
)
from otai.runs.operations.pools import (
    LOCAL_POOL,
    InvalidPool,
    PoolIsFull,
    beat,
    local_pool,
    lose_silent_workers,
    register_worker,
    set_pool,
    stop_worker,
)

__all__ = [
    "LOCAL_POOL",
    "MODEL_DELETED",
    "TICKETS_DELETED",
    "AlreadyRefunded",
    "ApprovalDecided",
    "AttemptOutcome",
    "Claimed",
    "Inclusion",
    "InsufficientCredits",
    "InvalidModelName",
    "InvalidPool",
    "NoGainExpected",
    "NothingMissed",
    "NothingTells",
    "PoolIsFull",
    "QuoteDoesNotFit",
    "QuoteExpired",
    "RunHasEnded",
    "RunMoved",
    "RunNotCharged",
    "UnknownAttribute",
    "approve_run",
    "beat",
    "begin_attempt",
    "cancel_run",
    "decline_run",
    "end_run",
    "forget_models",
    "forget_tickets",
    "hand_back",
    "hold_reference",
    "kept_of",
    "lapse_approvals",
    "local_pool",
    "lose_silent_workers",
    "made_from",
    "make_quote",
    "open_runs_on",
    "order_improvement_run",
    "order_included_run",
    "order_run",
    "record_progress",
    "refund_run",
    "refuse_no_signal",
    "register_worker",
    "set_pool",
    "stop_worker",
]
