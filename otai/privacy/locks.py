"""Erasing reaches rows of every room: they are locked beforehand, in the order of docs/ledger.md."""

from __future__ import annotations

from django.apps import apps
from django.db import models

from otai.orgs.models import Organisation

ORDER: tuple[tuple[str, str], ...] = (
    ("orgs.Invitation", "organisation"),
    ("orgs.Member", "organisation"),
    ("orgs.ApiKey", "organisation"),
    ("outbound.Endpoint", "organisation"),
    ("helpdesks.HelpdeskConnection", "organisation"),
    ("outbound.WebhookDelivery", "endpoint__organisation"),
    ("serving.TrainedModel", "organisation"),
    ("serving.Advice", "version__model__organisation"),
    ("serving.ModelVersion", "model__organisation"),
    ("tickets.DataSet", "organisation"),
    ("runs.Run", "organisation"),
    ("runs.Attempt", "run__organisation"),
    ("runs.Guarantee", "organisation"),
    ("billing.OperatorRequest", "organisation"),
    ("billing.Subscription", "organisation"),
    ("billing.PaymentMethod", "organisation"),
    ("billing.Purchase", "organisation"),
    ("billing.Payment", "organisation"),
    ("billing.Reversal", "organisation"),
    ("billing.PaymentRefund", "organisation"),
    ("billing.CreditWatch", "organisation"),
    ("billing.TopUp", "organisation"),
)
"""Tables with the way from a row to its organisation."""

_RANK = {label.lower(): rank for rank, (label, _way) in enumerate(ORDER)}


def in_order(tables: list[type[models.Model]]) -> list[type[models.Model]]:
    """The tables as they are to be written; those that nobody else locks come last."""
    return sorted(tables, key=lambda model: _RANK.get(model._meta.label_lower, len(_RANK)))


def lock_all(organisation: Organisation) -> None:
    """Every row of the organisation that others lock; within a transaction, with the organisation's row locked."""
    for label, way in ORDER:
        rows = apps.get_model(label)._default_manager.filter(**{way: organisation})
        list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))
