"""What makes a password easy to guess, as codes: too short, one of the commonest, made of the person's own data. There
are no other rules, as NIST SP 800-63B and OWASP ASVS 2.1 advise: none on kinds of signs, none on changing it.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from unicodedata import normalize

fewest_characters = 12
fewest_of_a_word = 4
"""Shorter words (`bob`, `ltd`) are in too many passwords by chance."""

_WORD = re.compile(r"[^\W_]+")


class Weakness(StrEnum):
    TOO_SHORT = "too_short"
    COMMON = "common"
    OWN_DATA = "own_data"


def weakness(password: str, own_data: Iterable[str] = ()) -> Weakness | None:
    """What is wrong with it; None where nothing is. `own_data`: name, mail address, organisation, as the person wrote
    them.

    Case does not count, nor digits and signs at either end: `Password2026!` is `password`. A word that is only repeated
    counts once.
    """
    if len(password) < fewest_characters:
        return Weakness.TOO_SHORT
    plain = normalize("NFKC", password).casefold()
    core, once = _core(plain), _repeated(plain)
    if len(once) == 1 or any(_is_common(word) for word in {plain, core, once, _core(once)}):
        return Weakness.COMMON
    return Weakness.OWN_DATA if _is_own(core, own_data) else None


def _core(plain: str) -> str:
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)


def _repeated(plain: str) -> str:
    """The part that the whole repeats: `abcd` of `abcdabcdabcd`; the whole where it repeats none."""
    # A text is a rotation of itself by its shortest period, and by nothing shorter.
    return plain[: (plain + plain).find(plain, 1)]


def _is_own(core: str, own_data: Iterable[str]) -> bool:
    """Whether nothing but own words, digits and signs is in it."""
    words = {word for text in own_data for word in _words(text)}
    left = core
    # The longest first: `anna` must not tear `annabell` apart.
    for word in sorted(words, key=lambda word: (-len(word), word)):
        left = left.replace(word, " ")
    return left != core and not any(sign.isalpha() for sign in left)


def _words(text: str) -> set[str]:
    plain = normalize("NFKC", text).casefold()
    words = _WORD.findall(plain)
    # `Acme Support` is also written acmesupport; of an address the whole is a word as well.
    return {word for word in (*words, "".join(words), plain) if len(word) >= fewest_of_a_word}


def _is_common(word: str) -> bool:
    return len(word) >= fewest_of_a_word and f"\n{word}\n" in _common()


@lru_cache(maxsize=1)
def _common() -> str:
    """The list, a word a line: searched as one text, since a set of it would take ten times the memory for something
    that is asked a few times a day."""
    packed = (files("otai.orgs") / "common_passwords.txt.gz").read_bytes()
    return "\n" + gzip.decompress(packed).decode()
