"""Which letters documents can be printed with: those of the fonts that are packaged with them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FONTS = Path(__file__).parent / "documents" / "fonts"
REGULAR, BOLD = FONTS / "NotoSans-Regular.ttf", FONTS / "NotoSans-Bold.ttf"


def letters_missing(text: str) -> list[str]:
    """The signs of a text that a document's PDF would leave out, each once, in their order; empty where it has all."""
    return list(dict.fromkeys(sign for sign in text if not sign.isspace() and ord(sign) not in _printable()))


@lru_cache(maxsize=1)
def _printable() -> frozenset[int]:
    # Here, for most commands print nothing.
    from fontTools.ttLib import TTFont

    with TTFont(REGULAR, lazy=True) as regular, TTFont(BOLD, lazy=True) as bold:
        return frozenset(regular.getBestCmap()) & frozenset(bold.getBestCmap())
