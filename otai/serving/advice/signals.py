"""This week's tests for drift: made once a week and kept."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from otai.serving.models import AdviceCheck, ModelVersion

WINDOW = timedelta(days=14)
HISTORY = timedelta(days=84)
"""Before the window: what the version was like in its own time, once there was enough of it."""


def week_of(now: datetime) -> date:
    """The Monday of the week, in UTC if `now` is."""
    return (now - timedelta(days=now.weekday())).date()


def made_this_week(version: ModelVersion, *, now: datetime) -> list[dict[str, Any]] | None:
    """The signals that were worked out this week already; None: none were."""
    made = AdviceCheck.objects.filter(version=version, week=week_of(now)).first()
    return None if made is None else list(made.signals)


def keep_signals(
    version: ModelVersion, signals: list[dict[str, Any]], *, tickets: int, now: datetime
) -> list[dict[str, Any]]:
    """Those of this week: these, unless another process was quicker."""
    try:
        with transaction.atomic():
            AdviceCheck.objects.create(
                version=version, week=week_of(now), checked_at=now, tickets=tickets, signals=signals
            )
    except IntegrityError:
        return list(AdviceCheck.objects.get(version=version, week=week_of(now)).signals)
    return signals
