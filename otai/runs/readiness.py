"""Whether this installation can train a mode at all: asked before any credit is held, and before a mode is offered."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from otai.errors import OtaiError, Unavailable
from otai.learning.encoders import KNOWN, EncoderStore
from otai.learning.encoders import store as encoders
from otai.learning.features.encoder_choice import encoders_for
from otai.learning.recipes import RECIPES
from otai.pricing.price_book import Mode


class ModeNotInstalled(Unavailable):
    code = "mode_not_installed"


def require(mode: Mode) -> None:
    """Raises ModeNotInstalled, naming what can be trained here and, for a mode that reads with encoders, the commands
    that bring what is missing (`details["install"]`). Its words name no folder: strangers read them."""
    recipe = RECIPES.get(mode.value)
    if recipe is None:
        raise ModeNotInstalled("mode", trained=_values(one for one in Mode if one.value in RECIPES), mode=mode.value)
    if missing := _missing_encoders() if recipe.reads_vectors else []:
        trained = _values(one for one in Mode if one.value in RECIPES and not RECIPES[one.value].reads_vectors)
        install = [encoders.INSTALL_COMMAND] if encoders.missing_libraries() else []
        install += [f"otai encoders pull {name}" for name in missing]
        raise ModeNotInstalled("encoders", trained=trained, mode=mode.value, install=install)


def _missing_encoders() -> list[str]:
    """Names of the encoders that a training reads with and that are not usable here. Whatever the languages of the
    tickets, one of the multilingual encoders is among those chosen; others only if they are here."""
    store = EncoderStore()
    wanted = encoders_for({}, present=[name for name in store.available() if name in KNOWN]).names
    missing = []
    for name in wanted:
        try:
            store.require([name])
        except OtaiError:
            missing.append(name)
    return missing


def _values(modes: Iterable[Mode]) -> list[str]:
    return [mode.value for mode in modes]


def trainable(modes: Collection[Mode]) -> tuple[Mode, ...]:
    """Those of `modes` that can be trained here, in the order of the price book: what may be sold."""
    return tuple(mode for mode in Mode if mode in modes and is_installed(mode))


def missing() -> tuple[Mode, ...]:
    """The modes that cannot be trained here: sold in no tier."""
    return tuple(mode for mode in Mode if not is_installed(mode))


def install_commands() -> tuple[str, ...]:
    """What brings the missing modes, for whoever runs this installation; empty where none is missing."""
    commands: dict[str, None] = {}
    for mode in Mode:
        try:
            require(mode)
        except Unavailable as refused:
            commands |= dict.fromkeys(refused.details.get("install", ()))
    return tuple(commands)


def is_installed(mode: Mode) -> bool:
    """Whether this installation can train the mode."""
    try:
        require(mode)
    except Unavailable:
        return False
    return True
