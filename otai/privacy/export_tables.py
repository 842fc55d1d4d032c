"""Which tables an organisation's export holds, in the order in which an import can write them, and what of a row never
leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models

from otai.orgs.models import Organisation

RESTORED: tuple[tuple[str, str], ...] = (
    ("tickets.DataSet", "organisation"),
    ("tickets.Attribute", "data_set__organisation"),
    ("tickets.Label", "attribute__data_set__organisation"),
    ("tickets.ExpectedQuality", "data_set__organisation"),
    ("serving.DataSetChange", "data_set__organisation"),
    ("runs.Quote", "organisation"),
    ("runs.Run", "organisation"),
    ("runs.Attempt", "run__organisation"),
    ("runs.Event", "organisation"),
    ("serving.TrainedModel", "organisation"),
    ("serving.ModelVersion", "model__organisation"),
    ("serving.ModelEvent", "model__organisation"),
    ("serving.Feedback", "organisation"),
    ("serving.ReviewItem", "organisation"),
    ("serving.ObservedTicket", "version__model__organisation"),
    ("serving.Advice", "version__model__organisation"),
    ("serving.AdviceCheck", "version__model__organisation"),
)
"""What an import makes anew, with the way from a row to its organisation."""

TOLD: tuple[tuple[str, str], ...] = (
    ("orgs.Member", "organisation"),
    ("orgs.Invitation", "organisation"),
    ("orgs.ApiKey", "organisation"),
    ("orgs.TeamEvent", "organisation"),
    ("orgs.AccessEvent", "organisation"),
    ("orgs.QuotaLift", "organisation"),
    ("outbound.Endpoint", "organisation"),
    ("outbound.Message", "organisation"),
    ("helpdesks.HelpdeskConnection", "organisation"),
    ("outbound.NotificationChoice", "member__organisation"),
    ("outbound.Notification", "member__organisation"),
    ("runs.Guarantee", "organisation"),
    ("runs.GuaranteeEvent", "organisation"),
    ("runs.SpendLimit", "organisation"),
    ("runs.ApprovalRule", "organisation"),
    ("privacy.Retention", "organisation"),
    ("billing.BillingDetails", "organisation"),
    ("billing.Subscription", "organisation"),
    ("billing.TierChange", "organisation"),
    ("billing.CustomPackage", "organisation"),
    ("billing.CreditWatch", "organisation"),
    ("billing.TopUp", "organisation"),
    ("billing.Purchase", "organisation"),
    ("billing.Payment", "organisation"),
    ("billing.PaymentRefund", "organisation"),
    ("billing.Reversal", "organisation"),
    ("billing.Invoice", "organisation"),
    ("billing.Event", "organisation"),
    ("ledger.Transfer", "organisation"),
    ("ledger.Lot", "organisation"),
    ("ledger.Hold", "organisation"),
)
"""To be read: what was agreed and paid here stays here."""

SECRETS = frozenset(
    {
        *("secret_sha256", "token_sha256", "sealed_secret", "sealed_previous", "sealed_token", "request_hash"),
        *("gateway_reference", "external_id", "payment_method", "renewal_payment_method"),
    }
)
"""Columns that never leave."""
ROWS_AT_ONCE = 500


def model_of(label: str) -> type[models.Model]:
    """The table by its label."""
    return apps.get_model(label)


def file_of(label: str) -> str:
    """Where the table lies in the zip."""
    return f"tables/{model_of(label)._meta.db_table}.jsonl"


def lines(label: str, way: str, organisation: Organisation) -> Iterator[bytes]:
    """Each row of the organisation as a line of JSON; a few hundred rows in memory at once."""
    model = model_of(label)
    fields = [field for field in model._meta.concrete_fields if field.name not in SECRETS]
    rows = model._default_manager.filter(**{way: organisation}).order_by("pk")
    for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
        values = {field.attname: plain(getattr(row, field.attname)) for field in fields}
        if label == "orgs.Member":
            values["email"] = row.user.email  # type: ignore[attr-defined]
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def plain(value: Any) -> Any:
    """A column as JSON holds it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value
