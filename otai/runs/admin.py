"""The operator's desk for guarantees: criteria that wait for a yes, verdicts, and fees that are to be paid back as
money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from otai.billing.desk import Desk, DeskAction
from otai.runs.guarantee import operations, queries
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee
from otai.units import Money


def _agree(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    operations.agree(guarantee=row.id, who=who, why=why, now=now)
    return "Agreed: the included run can be ordered."


def _decline(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    operations.decline(guarantee=row.id, who=who, why=why, now=now)
    return "Declined: the customer can propose other criteria."


def _refund(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    refunds = operations.refund_fee(guarantee=row.id, who=who, why=why, now=now)
    return ", ".join(
        f"{Money(one.gross_cents, one.currency)} on {one.purchase.reference}: {one.state}." for one in refunds
    )


@admin.register(Guarantee)
class GuaranteeDesk(Desk):
    list_display = (
        "organisation",
        "tier",
        "status",
        "waits_for_operator",
        "proposed",
        "run",
        "improvement_run",
        "fee_credits",
    )
    list_filter = ("waits_for_operator", "status", "tier")
    search_fields = ("organisation__slug", "organisation__name")
    list_select_related = ("organisation", "run", "improvement_run")
    ordering = ("-waits_for_operator", "-proposed_at")
    readonly_fields = ("proposed", "measured")
    desk_actions = (
        DeskAction("agree", "Agree to the criteria", _agree, applies=lambda row: bool(row.waits_for_operator)),
        DeskAction("decline", "Decline the criteria", _decline, applies=lambda row: bool(row.waits_for_operator)),
        DeskAction(
            "refund-fee",
            "Pay the fee back as money",
            _refund,
            applies=lambda row: row.status == GuaranteeStatus.CREDITED,
            explanation=(
                "Withdraws the credited credits and pays their list price back on the newest paid month that covers "
                "it, with a credit note. Only while all of them are unspent."
            ),
        ),
    )

    def history(self, row: models.Model | None) -> Iterable[Any]:
        """What happened to the guarantee."""
        return queries.events(row) if isinstance(row, Guarantee) else ()

    @admin.display(description="criteria")
    def proposed(self, row: Guarantee) -> str:
        """The criteria in words."""
        return "; ".join(criterion.in_words for criterion in queries.criteria(row))

    @admin.display(description="measured")
    def measured(self, row: Guarantee) -> SafeString:
        """What each version reached of each criterion, with its interval."""
        lines = [
            (
                version,
                one["in_words"],
                f"{one['value']:.1%}",
                f"{one['low']:.1%} to {one['high']:.1%}",
                "met" if one["met"] else "missed",
            )
            for version, verdict in (("first", row.verdict), ("improvement", row.improvement_verdict))
            for one in verdict or []
        ]
        return format_html_join("", "{}: {}: {} ({}), {}<br>", lines)
