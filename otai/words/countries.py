"""Countries: the codes of ISO 3166, and how a language names them (Unicode's CLDR, by Babel)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from babel import Locale

from otai.words.catalogue import locale_of

_NO_COUNTRIES = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"])
"""What CLDR names beside the 249 codes that ISO 3166 assigns: islands with a postal code of their own, groups of
countries, pseudo languages, Kosovo's provisional code, and ZZ, which is nowhere."""

_LIKE = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
"""Letters that Unicode takes apart into no letter and an accent, and where readers look for them."""

COUNTRIES: frozenset[str] = frozenset(
    code
    for code in map(str, Locale("en").territories)
    if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
)


def country_name(code: str, language: str) -> str:
    """`Germany`, `Deutschland`; the code itself where nobody assigned it."""
    return str(locale_of(language).territories.get(code, code)) if code in COUNTRIES else code


@lru_cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """All of them as (code, name), by name as the language spells it; letters sort as if without
    accents."""
    named = [(code, country_name(code, language)) for code in COUNTRIES]
    return tuple(sorted(named, key=lambda one: _letters(one[1])))


def _letters(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name.casefold().translate(_LIKE))
    return "".join(character for character in parts if not unicodedata.combining(character))
