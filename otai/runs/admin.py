"""The operator's desk for guarantees: criteria that wait for a yes, verdicts, and fees that are to be paid back as
money."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from otai.billing import queries as billing
from otai.billing.desk import WAITS_FOR_A_SECOND, Desk, DeskAction
from otai.learning.evidence.report_card import ReportCard
from otai.pricing.price_book import Tier, VerdictRule
from otai.runs.guarantee import fee, operations, queries
from otai.runs.guarantee.expected import reachable
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee
from otai.units import Money
from otai.words.catalogue import say_fact
from otai.words.findings import message


def _agree(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    operations.agree(guarantee=row.id, who=who, why=why, now=now)
    return "Agreed: the included run can be ordered."


def _decline(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    operations.decline(guarantee=row.id, who=who, why=why, now=now)
    return "Declined: the customer can propose other criteria."


def _credit_fee(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    found = fee.credit_fee(guarantee=row.id, who=who, why=why, now=now)
    if found.status == GuaranteeStatus.IN_REVIEW:
        return WAITS_FOR_A_SECOND
    return f"{found.fee_credits} credits are credited."


def _decline_fee(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    fee.decline_fee(guarantee=row.id, who=who, why=why, now=now)
    return "Declined: the customer reads why."


def _in_review(row: Guarantee) -> bool:
    return row.status == GuaranteeStatus.IN_REVIEW


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{share:.1%}"


class WaitingGuarantees(admin.SimpleListFilter):
    """What waits for an operator: criteria, or a fee."""

    title = "waits for us"
    parameter_name = "waits"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("yes", "Criteria or fees that wait")]

    def queryset(self, request: Any, queryset: models.QuerySet[Guarantee]) -> models.QuerySet[Guarantee]:
        """Only those that wait, where that is asked for."""
        return queryset.filter(id__in=queries.waiting().values("id")) if self.value() else queryset


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
        "because",
        "run",
        "improvement_run",
        "fee_credits",
    )
    list_filter = (WaitingGuarantees, "status", "tier")
    search_fields = ("organisation__slug", "organisation__name")
    list_select_related = ("organisation", "run", "improvement_run")
    ordering = ("-waits_for_operator", "-proposed_at")
    readonly_fields = ("proposed", "because", "expected", "measured", "said_of_the_labels")
    desk_actions = (
        DeskAction("agree", "Agree to the criteria", _agree, applies=lambda row: bool(row.waits_for_operator)),
        DeskAction("decline", "Decline the criteria", _decline, applies=lambda row: bool(row.waits_for_operator)),
        DeskAction(
            "credit-fee",
            "Credit the fee",
            _credit_fee,
            applies=_in_review,
            explanation="The list price of the first included run; above the limit of goodwill, two operators decide.",
        ),
        DeskAction("decline-fee", "Do not credit the fee", _decline_fee, applies=_in_review),
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

    @admin.display(description="why it waits")
    def because(self, row: Guarantee) -> str:
        """Why we are asked, in words."""
        return " ".join(say_fact(reason) for reason in row.waits_because)

    @admin.display(description="expected of these tickets")
    def expected(self, row: Guarantee) -> SafeString | str:
        """What each attribute of the criteria is expected to reach in the tier's best mode, beside how much it is."""
        if row.data_set is None:
            return "-"
        found = reachable(row.data_set, billing.price_book().tiers[Tier(row.tier)].modes, VerdictRule.POINT)
        lines = [
            (name, _percent(found[name].accuracy), _percent(found[name].macro_f1))
            for name in dict.fromkeys(criterion.attribute for criterion in queries.criteria(row))
            if name in found
        ]
        head = format_html("{} of {} tickets are measured on<br>", row.holdout_tickets, row.data_set.tickets)
        return head + format_html_join("", "{}: accuracy {}, macro F1 {}<br>", lines)

    @admin.display(description="said of the labels")
    def said_of_the_labels(self, row: Guarantee) -> SafeString:
        """Warnings of the report cards of both included runs, of the attributes that were agreed on."""
        names = {criterion.attribute for criterion in queries.criteria(row)}
        cards = [run.report_card for run in (row.run, row.improvement_run) if run is not None and run.report_card]
        findings = [finding for card in cards for finding in ReportCard.from_json(json.dumps(card)).findings]
        lines = [(message(finding, of_card=True),) for finding in findings if finding.attribute in names]
        return format_html_join("", "{}<br>", lines)

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
