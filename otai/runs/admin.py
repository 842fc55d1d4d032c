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
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from otai.billing import queries as billing
from otai.billing.desk import WAITS_FOR_A_SECOND, Desk, DeskAction, cents_shown
from otai.learning.evidence.acceptance import Criterion
from otai.learning.evidence.report_card import ReportCard
from otai.pricing.price_book import Tier, VerdictRule
from otai.runs import readiness
from otai.runs.guarantee import fee, operations, queries
from otai.runs.guarantee.expected import reachable
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee
from otai.words.catalogue import ENGLISH, say, say_fact
from otai.words.findings import message


def _agree(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    operations.agree(guarantee=row.id, who=who, why=why, now=now)
    return gettext("Agreed: the included training can be ordered.")


def _decline(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    operations.decline(guarantee=row.id, who=who, why=why, now=now)
    return gettext("Declined: the customer can propose other criteria.")


def _credit_fee(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    found = fee.credit_fee(guarantee=row.id, who=who, why=why, now=now)
    if found.status == GuaranteeStatus.IN_REVIEW:
        return str(WAITS_FOR_A_SECOND)
    said = ngettext("%(credits)s credit is credited.", "%(credits)s credits are credited.", found.fee_credits or 0)
    return said % {"credits": found.fee_credits}


def _decline_fee(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    fee.decline_fee(guarantee=row.id, who=who, why=why, now=now)
    return gettext("Declined: the customer reads why.")


def _language() -> str:
    return get_language() or ENGLISH


def _in_review(row: Guarantee) -> bool:
    return row.status == GuaranteeStatus.IN_REVIEW


SHARE = "{share:percent1}"


def _percent(share: float | None) -> str:
    return gettext("not known") if share is None else say(SHARE, {"share": share}, language=_language())


class WaitingGuarantees(admin.SimpleListFilter):
    """What waits for an operator: criteria, or a fee."""

    title = _("waits for us")
    parameter_name = "waits"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("yes", gettext("Criteria or fees that wait"))]

    def queryset(self, request: Any, queryset: models.QuerySet[Guarantee]) -> models.QuerySet[Guarantee]:
        """Only those that wait, where that is asked for."""
        return queryset.filter(id__in=queries.waiting().values("id")) if self.value() else queryset


def _refund(row: Guarantee, *, who: str, now: datetime, why: str) -> str:
    refunds = operations.refund_fee(guarantee=row.id, who=who, why=why, now=now)
    said = gettext("%(amount)s on %(reference)s: %(state)s.")
    return " ".join(
        said
        % {
            "amount": cents_shown(one.gross_cents, one.currency),
            "reference": one.purchase.reference,
            "state": one.get_state_display(),
        }
        for one in refunds
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
        DeskAction("agree", _("Agree to the criteria"), _agree, applies=lambda row: bool(row.waits_for_operator)),
        DeskAction("decline", _("Decline the criteria"), _decline, applies=lambda row: bool(row.waits_for_operator)),
        DeskAction(
            "credit-fee",
            _("Credit the fee"),
            _credit_fee,
            applies=_in_review,
            explanation=_(
                "The list price of the first included run; above the limit of goodwill, two operators decide."
            ),
        ),
        DeskAction("decline-fee", _("Do not credit the fee"), _decline_fee, applies=_in_review),
        DeskAction(
            "refund-fee",
            _("Pay the fee back as money"),
            _refund,
            applies=lambda row: row.status == GuaranteeStatus.CREDITED,
            explanation=_(
                "Withdraws the credited credits and pays their list price back on the newest paid month that covers "
                "it, with a credit note. Only while all of them are unspent."
            ),
        ),
    )

    def history(self, row: models.Model | None) -> Iterable[Any]:
        """What happened to the guarantee."""
        return queries.events(row) if isinstance(row, Guarantee) else ()

    @admin.display(description=_("criteria"))
    def proposed(self, row: Guarantee) -> str:
        """The criteria in words."""
        return "; ".join(say_fact(criterion.as_fact(), language=_language()) for criterion in queries.criteria(row))

    @admin.display(description=_("why it waits"))
    def because(self, row: Guarantee) -> str:
        """Why we are asked, in words."""
        return " ".join(say_fact(reason, language=_language()) for reason in row.waits_because)

    @admin.display(description=_("expected of these tickets"))
    def expected(self, row: Guarantee) -> SafeString | str:
        """What each attribute of the criteria is expected to reach in the tier's best mode, beside how much it is."""
        if row.data_set is None:
            return "-"
        modes = readiness.trainable(billing.price_book().tiers[Tier(row.tier)].modes)
        likely = reachable(row.data_set, modes, VerdictRule.POINT)
        lines = [
            (
                gettext("%(attribute)s: accuracy %(accuracy)s, macro F1 %(macro_f1)s")
                % {
                    "attribute": name,
                    "accuracy": _percent(likely[name].accuracy),
                    "macro_f1": _percent(likely[name].macro_f1),
                },
            )
            for name in dict.fromkeys(criterion.attribute for criterion in queries.criteria(row))
            if name in likely
        ]
        counts = {"measured": row.holdout_tickets, "all": row.data_set.tickets}
        head = format_html("{}<br>", gettext("Tickets that are measured on: %(measured)s of %(all)s") % counts)
        return head + format_html_join("", "{}<br>", lines)

    @admin.display(description=_("said of the labels"))
    def said_of_the_labels(self, row: Guarantee) -> SafeString:
        """Warnings of the report cards of both included runs, of the attributes that were agreed on."""
        names = {criterion.attribute for criterion in queries.criteria(row)}
        cards = [run.report_card for run in (row.run, row.improvement_run) if run is not None and run.report_card]
        findings = [finding for card in cards for finding in ReportCard.from_json(json.dumps(card)).findings]
        lines = [
            (message(finding, of_card=True, language=_language()),)
            for finding in findings
            if finding.attribute in names
        ]
        return format_html_join("", "{}<br>", lines)

    @admin.display(description=_("measured"))
    def measured(self, row: Guarantee) -> SafeString:
        """What each version reached of each criterion, with its interval."""
        versions = ((gettext("first version"), row.verdict), (gettext("improvement"), row.improvement_verdict))
        lines = [
            (
                version,
                say_fact(Criterion.from_dict(one["criterion"]).as_fact(), language=_language()),
                _percent(one["value"]),
                f"{_percent(one['low'])} - {_percent(one['high'])}",
                gettext("met") if one["met"] else gettext("missed"),
            )
            for version, verdict in versions
            for one in verdict or []
        ]
        return format_html_join("", "{}: {}: {} ({}), {}<br>", lines)
