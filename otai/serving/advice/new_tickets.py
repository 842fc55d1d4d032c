"""What the rows know of tickets that came after a training: those asked about, and those that feedback spoke of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from otai.serving.looking import EARLIER, LATELY, MOST_TICKETS, NewTickets
from otai.serving.models import Feedback, ModelVersion, ObservedTicket

__all__ = ["MOST_TICKETS", "NewTickets", "seen_rows"]

MOST_ASKED = 5 * MOST_TICKETS
"""Rows of a window that are read: the newest. The same ticket may have been asked about several times."""
MOST_STATEMENTS = 10 * MOST_TICKETS


def seen_rows(version: ModelVersion, *, windows: dict[str, tuple[datetime, datetime]]) -> Iterator[list[Any]]:
    """[window, text, language, attribute, corrected labels, is complete] of what was asked and said in each window,
    oldest first; what was only asked about has None for the attribute."""
    for window in (LATELY, EARLIER):
        since, until = windows[window]
        asked = ObservedTicket.objects.filter(version=version, seen_at__gt=since, seen_at__lte=until)
        ids = asked.order_by("-seen_at", "-id").values_list("id", flat=True)[:MOST_ASKED]
        newest = asked.filter(id__in=list(ids)) if asked.count() > MOST_ASKED else asked
        for text, language in newest.order_by("seen_at", "id").values_list("text", "language").iterator():
            yield [window, text, language, None, None, False]
        said = Feedback.objects.filter(
            version=version, given_at__gt=since, given_at__lte=until, withdrawn_at__isnull=True
        )
        of_said = said.order_by("-given_at", "-row").values_list("id", flat=True)[:MOST_STATEMENTS]
        newest_said = said.filter(id__in=list(of_said)) if said.count() > MOST_STATEMENTS else said
        columns = ("text", "language", "attribute", "corrected", "is_complete")
        for row in newest_said.order_by("given_at", "row").values_list(*columns).iterator():
            yield [window, *row]
