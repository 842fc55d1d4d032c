"""The desk's pages of what comes and goes by itself: news of providers, saved methods, attempts, mails,
top-ups."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from otai.billing.desk import Desk, DeskAction
from otai.billing.models import ChargeAttempt, CreditWatch, Notice, PaymentMethod, WebhookEvent
from otai.billing.operations import webhooks
from otai.words.catalogue import ENGLISH, say_kept


def _retry(row: WebhookEvent, *, who: str, now: datetime, why: str) -> str:
    found = webhooks.retry(event=row.id, who=who, why=why, now=now)
    return f"{found.get_state_display()}: {say_kept(found.outcome, language=get_language() or ENGLISH)}"


@admin.register(WebhookEvent)
class WebhookDesk(Desk):
    list_display = ("event_id", "gateway", "type", "state", "deliveries", "attempts", "received_at", "outcome")
    list_filter = ("state", "gateway", "type")
    search_fields = ("event_id", "outcome")
    ordering = ("-received_at",)
    said_columns = ("outcome",)
    event_subject = "webhook"
    desk_actions = (
        DeskAction("retry", _("Handle again"), _retry, applies=lambda row: row.state in ("received", "failed")),
    )


@admin.register(PaymentMethod)
class PaymentMethodDesk(Desk):
    list_display = ("organisation", "kind", "brand", "last_four", "gateway", "saved_at", "saved_by", "removed_at")
    list_filter = ("gateway", "kind")
    search_fields = ("organisation__slug", "external_id")
    list_select_related = ("organisation",)
    event_subject = "payment_method"


@admin.register(ChargeAttempt)
class ChargeAttemptDesk(Desk):
    list_display = ("purchase", "number", "tried_at", "outcome", "problem")
    list_filter = ("outcome",)
    search_fields = ("purchase__reference", "purchase__organisation__slug")
    list_select_related = ("purchase",)
    event_subject = "purchase"


@admin.register(Notice)
class NoticeDesk(Desk):
    list_display = ("template", "organisation", "recipient", "language", "made_at", "sent_at", "attempts", "problem")
    list_filter = ("template", "language")
    search_fields = ("organisation__slug", "recipient")
    list_select_related = ("organisation",)
    ordering = ("-made_at",)


@admin.register(CreditWatch)
class CreditWatchDesk(Desk):
    list_display = (
        "organisation",
        "notice_below",
        "top_up_below",
        "top_up_package",
        "failures",
        "stopped_at",
        "stopped_why",
    )
    exclude = ("payment_method",)
    search_fields = ("organisation__slug",)
    list_select_related = ("organisation",)
    said_columns = ("stopped_why",)
    event_subject = "credit watch"
