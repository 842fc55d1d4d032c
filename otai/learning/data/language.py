"""Which language a text is in, or an honest None.

The detector is lingua in its low-accuracy mode (trigrams only): 52 MB of memory instead of 440 and 1.3 times the speed, with the same
share right on tickets of normal length. On texts of a few words it is wrong more often, so what it is not sure of is None.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingua import LanguageDetector

LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "da", "sv", "fi", "tr", "hu", "ro", "ru", "uk", "el", "ar", "ja", "zh", "ko",
)  # fmt: skip
"""ISO 639-1 codes told apart. Helpdesks of Europe and their neighbours; each further Latin language costs speed and adds confusion."""

SHORTEST_CHARACTERS = 12
"""Below this a text ("ok thanks", "VPN") says nothing about its language."""

READ_CHARACTERS = 240
"""More does not change the answer (measured on support_en_de: 200 and 600 characters agree) and costs time in proportion."""

LEAST_DISTANCE = 0.25
"""How far the best language must lead the second (lingua's relative distance, 0 to 1) for the answer to count. On the questions
of six words in xsid this halves the wrong answers (13 to 8 in 100) for 7 in 100 unknown; on whole tickets it changes nothing."""

_NOT_LANGUAGE = re.compile(r"https?://\S+|\S+@\S+|\S*\d\S*|[#*_=<>|/\\]+")


@functools.cache
def _detector() -> LanguageDetector:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in LANGUAGES]
    return (
        LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
        .with_low_accuracy_mode()
        .with_minimum_relative_distance(LEAST_DISTANCE)
        .build()
    )


def load_models() -> None:
    """Loads what the first texts would wait a second for, without starting a thread: processes that are forked afterwards have it."""
    # One text of each script: what it loads are the languages that are written in it. Escapes, since letters that look alike are not.
    greek, cyrillic = "\u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1", "\u043f\u0440\u0438\u043d\u0442\u0435\u0440"
    for script in (
        "the printer",
        greek,
        cyrillic,
        "\u30d7\u30ea\u30f3",
        "\u6253\u5370\u673a",
        "\ud504\ub9b0\ud130",
        "\u0627\u0644\u0637\u0627",
    ):
        _detector().detect_language_of(script)


def detect_languages(texts: Sequence[str | None]) -> list[str | None]:
    """The ISO 639-1 code of each text, in the same order; None where the text is missing, too short or not clear.

    Uses every core of the machine. About 6 000 tickets a second on two cores.
    """
    asked = [(index, _words_of(text)) for index, text in enumerate(texts) if text]
    asked = [(index, words) for index, words in asked if len(words) >= SHORTEST_CHARACTERS]
    found: list[str | None] = [None] * len(texts)
    if asked:
        answers = _detector().detect_languages_in_parallel_of([words for _, words in asked])
        for (index, _), answer in zip(asked, answers, strict=True):
            if answer is not None:
                found[index] = answer.iso_code_639_1.name.lower()
    return found


def detect_language(text: str | None) -> str | None:
    """As detect_languages, for one text."""
    return detect_languages([text])[0]


def _words_of(text: str) -> str:
    # Addresses, numbers and ticket ids are in no language; a mail that is mostly signature would otherwise be called English.
    return _NOT_LANGUAGE.sub(" ", text[: 4 * READ_CHARACTERS])[:READ_CHARACTERS].strip()
