"""Which languages an installation speaks: those that have catalogues, or those of them that `OTAI_LANGUAGES` names."""

from __future__ import annotations

from pathlib import Path

from babel import Locale

from otai.environment import InvalidSetting

CATALOGUES = Path(__file__).parents[1] / "web" / "locale"
ENGLISH = "en"
"""What the sentences are written in: it needs no catalogue."""


def translated(catalogues: Path = CATALOGUES) -> list[str]:
    """The codes of the languages whose catalogues are here, English first: `["en", "de", "fr"]`."""
    folders = sorted(path.parent.parent.name for path in catalogues.glob("*/LC_MESSAGES/django.mo"))
    return [ENGLISH, *(name.replace("_", "-").lower() for name in folders)]


def languages(named: str, *, catalogues: Path = CATALOGUES) -> list[tuple[str, str]]:
    """Code and own name of each language, `[("en", "English"), ("de", "Deutsch")]`, in the order of `named` (codes
    separated by commas); all that are here if it is empty. Raises InvalidSetting for one that has no catalogue.
    """
    here = translated(catalogues)
    codes = [code.strip().lower().replace("_", "-") for code in named.split(",") if code.strip()]
    for code in codes:
        if code not in here:
            raise InvalidSetting("language", name=code, here=list(here), setting="OTAI_LANGUAGES")
    return [(code, _own_name(code)) for code in dict.fromkeys(codes or here)]


def _own_name(code: str) -> str:
    name = Locale.parse(code, sep="-").get_display_name() or code
    return name[:1].upper() + name[1:]
