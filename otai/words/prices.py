"""The lines of a price as a quote keeps them, each with its sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otai.words.catalogue import ENGLISH, say_fact


def price_lines(lines: Sequence[Mapping[str, Any]], *, language: str = ENGLISH) -> list[dict[str, Any]]:
    """Each with `what` it is. Quotes of release 0.1 kept that as a sentence, which stays."""
    return [{"what": say_fact(line, language=language), **line} if "code" in line else dict(line) for line in lines]
