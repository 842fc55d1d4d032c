"""Whether this installation can train a mode at all: asked before any credit is held."""

from __future__ import annotations

from otai.errors import Unavailable
from otai.learning.recipes import RECIPES
from otai.pricing.price_book import Mode


class ModeNotInstalled(Unavailable):
    code = "mode_not_installed"


def require(mode: Mode) -> None:
    """Raises ModeNotInstalled, naming what can be trained here."""
    if mode.value in RECIPES:
        return
    trained = ", ".join(m.title for m in Mode if m.value in RECIPES)
    raise ModeNotInstalled(
        f"{mode.title} cannot be trained by this version of the Studio; it trains {trained}. Nothing was charged.",
        mode=mode.value,
    )
