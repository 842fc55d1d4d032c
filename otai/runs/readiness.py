"""Whether this installation can train a mode at all: asked before any credit is held."""

from __future__ import annotations

from otai.errors import Unavailable
from otai.learning.encoders import KNOWN, EncoderStore, encoders_for
from otai.learning.recipes import RECIPES
from otai.pricing.price_book import Mode


class ModeNotInstalled(Unavailable):
    code = "mode_not_installed"


def require(mode: Mode) -> None:
    """Raises ModeNotInstalled, naming what can be trained here; for a mode that reads with encoders
    EncodersNotInstalled and MissingEncoder, which name the command that brings what is missing."""
    recipe = RECIPES.get(mode.value)
    if recipe is None:
        trained = ", ".join(m.title for m in Mode if m.value in RECIPES)
        raise ModeNotInstalled("mode", trained=trained, mode=mode.value)
    if recipe.reads_vectors:
        store = EncoderStore()
        # Whatever the languages of the tickets, one of the multilingual encoders is among those chosen; others only if
        # they are here.
        present = [name for name in store.available() if name in KNOWN]
        store.require(encoders_for({}, present=present).names)
