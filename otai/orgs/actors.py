"""How whoever did something is written beside it; `otai.words.actors` makes and reads it, pages say it in the reader's
language."""

from __future__ import annotations

from otai.words.actors import ActorKind, at_a_shell, at_the_desk, by_key, by_vendor_key, is_same_person, read_actor

__all__ = ["BY_HOUSEKEEPING", "at_a_shell", "at_the_desk", "by_key", "by_vendor_key", "is_same_person", "key_of"]

BY_HOUSEKEEPING = "housekeeping"
"""Nobody: the Studio's own rounds did it."""


def key_of(who: str) -> tuple[str, str] | None:
    """Name and prefix of the key where a program of the organisation did it (`by_key`); None where a person did."""
    actor = read_actor(who)
    return (actor.name, actor.id) if actor.kind is ActorKind.KEY else None
