"""Who did something, where it is more than a name."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Sentence

ACTORS: Mapping[str, tuple[Sentence, ...]] = {
    "actor.key": ("{name} (API key {key})",),
    "actor.vendor-key": ("{name} (vendor key {key})",),
    "actor.desk": ("{name} (desk)",),
    "actor.shell": ("{name} (command line)",),
    "actor.person": ("Person {number} (erased)",),
    "actor.part.housekeeping": ("housekeeping",),
    "actor.part.sweep": ("automatic renewal",),
    "actor.part.billing": ("billing",),
    "actor.part.webhooks": ("webhooks",),
    "actor.part.guarantee": ("guarantee",),
    "actor.part.forecast": ("forecast",),
    "actor.part.comparison": ("comparison of the versions",),
    "actor.part.advice": ("advice",),
    "actor.part.import": ("import",),
    "actor.part.approvals": ("approvals",),
    "actor.part.demo": ("demo",),
    "actor.part.top_up": ("automatic top-up",),
    "actor.part.price_book": ("price book",),
    "actor.part.vies": ("VIES",),
    "actor.part.command_line": ("command line",),
}
"""By the kind of an actor (`words.actors`); the parts of the Studio by their code."""
