"""Lists that are cut off say so: `{% first_shown shown all %}`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet


def first_of(found: QuerySet[Any], most: int) -> tuple[list[Any], int]:
    """The first rows, and how many there are in all: counted only where some are left out."""
    shown = list(found[:most])
    return shown, found.count() if len(shown) == most else len(shown)
