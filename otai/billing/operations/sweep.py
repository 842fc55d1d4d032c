"""All that is due by the clock, in one call: a worker or a timer makes it every few minutes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from otai.billing.operations import webhooks
from otai.billing.operations.balance import compare_balances
from otai.billing.operations.chaining import chain_new
from otai.billing.operations.checkout import ask_gateways, cancel_expired
from otai.billing.operations.dunning import charge_again
from otai.billing.operations.grants import sweep_grants
from otai.billing.operations.notices import send_notices
from otai.billing.operations.pages import look_at_pages
from otai.billing.operations.refunds import send_waiting
from otai.billing.operations.renewals import announce_years, sweep_subscriptions
from otai.billing.operations.reversals import collect_owed
from otai.billing.operations.topups import watch_credits
from otai.billing.operations.vat_ids import ask_vies
from otai.errors import OtaiError

logger = logging.getLogger(__name__)


def sweep(*, now: datetime) -> dict[str, Any]:
    """Runs every part, each safe to run at any time and from any number of processes; returns what each of them did.

    A part that fails is told as `None` and does not keep the others from their turn.
    """
    parts: dict[str, Callable[..., Any]] = {
        "lost_events_found": webhooks.fetch_lost,
        "events_handled": webhooks.handle_waiting,
        "payments_found": ask_gateways,
        "reversals_asked": webhooks.ask_reversals,
        "pages_ended": look_at_pages,
        "orders_lapsed": cancel_expired,
        "subscriptions": sweep_subscriptions,
        "months_charged_again": charge_again,
        "years_announced": announce_years,
        "grants": sweep_grants,
        "owed_credits_collected": collect_owed,
        "credits_watched": watch_credits,
        "refunds_sent": send_waiting,
        "balance_differences": compare_balances,
        "vat_ids_answered": ask_vies,
        "rows_chained": chain_new,
        "notices_sent": send_notices,
    }
    report: dict[str, Any] = {}
    for name, part in parts.items():
        try:
            report[name] = part(now=now)
        except (OtaiError, DatabaseError):
            logger.exception("The part %s of the sweep failed.", name)
            report[name] = None
    return report
