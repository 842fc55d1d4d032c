"""The desk's pages of the balance at payment providers."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from otai.billing.desk import Desk, DeskAction, cents_shown
from otai.billing.models import BalanceDifference, BalanceMove
from otai.billing.operations.balance import explain
from otai.words.catalogue import ENGLISH


def _explain(row: BalanceDifference, *, who: str, now: datetime, why: str) -> str:
    explain(difference=row.id, who=who, why=why, now=now)
    return gettext("Explained.")


@admin.register(BalanceDifference)
class BalanceDifferenceDesk(Desk):
    """Where a provider's balance and the books differ; compared daily."""

    list_display = ("found_at", "gateway", "how", "subject", "theirs", "ours", "what_to_do", "gone_at", "explained_why")
    list_filter = ("gateway", ("gone_at", admin.EmptyFieldListFilter), ("explained_at", admin.EmptyFieldListFilter))
    search_fields = ("subject",)
    ordering = ("-found_at",)
    event_subject = "balance difference"
    desk_actions = (
        DeskAction(
            "explain",
            _("Explain it"),
            _explain,
            applies=lambda row: row.gone_at is None and row.explained_at is None,
            explanation=_("It stands no longer, unless its amount changes: of another business of yours, for example."),
        ),
    )

    @admin.display(description=pgettext_lazy("desk", "what"), ordering="what")
    def how(self, row: BalanceDifference) -> str:
        """In what the two differ."""
        return row.said(language=get_language() or ENGLISH)

    @admin.display(description=_("there"))
    def theirs(self, row: BalanceDifference) -> str:
        """What the provider's balance says."""
        return cents_shown(row.theirs_cents, row.currency or "EUR")

    @admin.display(description=_("here"))
    def ours(self, row: BalanceDifference) -> str:
        """What the books say."""
        return cents_shown(row.ours_cents, row.currency or "EUR")

    @admin.display(description=_("What to do"))
    def what_to_do(self, row: BalanceDifference) -> str:
        """What an operator can do about it."""
        return row.advised(language=get_language() or ENGLISH)


@admin.register(BalanceMove)
class BalanceMoveDesk(Desk):
    """What moved the vendor's balance at a provider, fees and payouts too."""

    list_display = ("moved_at", "gateway", "kind", "provider_kind", "amount", "fee", "payment", "subject")
    list_filter = ("gateway", "kind")
    search_fields = ("external_id", "payment", "subject")
    ordering = ("-moved_at",)

    @admin.display(description=_("amount"))
    def amount(self, row: BalanceMove) -> str:
        """Gross; negative where it went out."""
        return cents_shown(row.cents, row.currency)

    @admin.display(description=_("fee"))
    def fee(self, row: BalanceMove) -> str:
        """What the provider kept of it."""
        return cents_shown(row.fee_cents, row.currency)
