"""The languages that this installation speaks and writes: a list (`LANGUAGES` in the settings), and no more."""

from __future__ import annotations

from django.conf import settings


def languages() -> tuple[str, ...]:
    """Their codes, the first one being what those read who chose none: `("en", "de")`."""
    return tuple(code for code, _ in settings.LANGUAGES)


def templates(name: str, language: str) -> list[str]:
    """Where a mail stands in a language, else in English: for `render_to_string`."""
    return [f"{name}.{code}.txt" for code in (language, "en")]


def listed() -> str:
    """As a sentence names them: `en, de or fr`."""
    *most, last = languages()
    return f"{', '.join(most)} or {last}" if most else last
