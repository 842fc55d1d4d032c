"""All that others read from the ledger. Nothing here writes, and everything is asked for one organisation, unless it is
for the vendor."""

from otai.ledger.queries.balances import (
    Balance,
    ChainEnd,
    balance,
    balances_at,
    chain_end,
    hold,
    late_captures,
    latest_time,
    open_holds,
)
from otai.ledger.queries.lots import LotView, SourceTotal, granted_since, lots, totals_by_source
from otai.ledger.queries.revenue import (
    DeferredLot,
    DeferredRevenue,
    PaidCredits,
    RecognisedLot,
    RecognisedRevenue,
    deferred_revenue,
    paid_credits_by_month,
    revenue_recognised,
)
from otai.ledger.queries.statements import InvalidPeriod, StatementLine, TextSearch, csv_row, statement, statement_csv

__all__ = [
    "Balance",
    "ChainEnd",
    "DeferredLot",
    "DeferredRevenue",
    "InvalidPeriod",
    "LotView",
    "PaidCredits",
    "RecognisedLot",
    "RecognisedRevenue",
    "SourceTotal",
    "StatementLine",
    "TextSearch",
    "balance",
    "balances_at",
    "chain_end",
    "csv_row",
    "deferred_revenue",
    "granted_since",
    "hold",
    "late_captures",
    "latest_time",
    "lots",
    "open_holds",
    "paid_credits_by_month",
    "revenue_recognised",
    "statement",
    "statement_csv",
    "totals_by_source",
]
