"""How much an organisation has of what this room keeps, for `orgs.quotas`."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Sum

from otai.db import utc_now
from otai.orgs.quotas import Quota, counters
from otai.runs.models import Quote, Run


def model_bytes(organisation: UUID) -> int:
    """Of the models that trainings brought, until they are deleted."""
    return Run.objects.filter(organisation=organisation).aggregate(bytes=Sum("bundle_bytes"))["bytes"] or 0


def open_quotes(organisation: UUID) -> int:
    """Offers that can be ordered now."""
    return Quote.objects.filter(organisation=organisation, expires_at__gt=utc_now(), run__isnull=True).count()


def register() -> None:
    """Once, when the app is ready."""
    counters[Quota.STORAGE].append(model_bytes)
    counters[Quota.OPEN_QUOTES].append(open_quotes)
