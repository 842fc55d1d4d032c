"""Which language a text is in, or an honest None.

The detector is lingua in its low-accuracy mode (trigrams only): 52 MB of memory instead of 440 and 1.3 times the speed,
with the same share right on tickets of normal length. On texts of a few words it is wrong more often, so each text is
decided with the whole data set's mixture of languages as its prior, and what is not sure even then is None.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from otai.learning.arrays import Floats
from otai.learning.data.language_names import language_code
from otai.learning.data.language_words import DESK_WORDS, FUNCTION_WORDS
from otai.learning.decisions import argmax_codes

if TYPE_CHECKING:
    from lingua import LanguageDetector

LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "da", "sv", "fi", "tr", "hu", "ro", "ru", "uk", "el", "ar",
    "ja", "zh", "ko",
)  # fmt: skip
"""ISO 639-1 codes told apart. Helpdesks of Europe and their neighbours; each further Latin language costs speed and
adds confusion."""

SHORTEST_CHARACTERS = 12
"""Below this a text ("ok thanks", "VPN") says nothing about its language."""

READ_CHARACTERS = 240
"""More does not change the answer (measured on support_en_de: 200 and 600 characters agree) and costs time in
proportion."""

LEAST_POSTERIOR = 0.6
"""How likely the best language must be, once the data set's mixture is known, for the answer to count."""

EM_STEPS = 12
PRIOR_TEXTS = 6.0
"""The mixture begins with what helpdesks' tickets are mostly written in (`USUAL`), with the weight of so many texts: a
single short question is decided by it, and a data set soon knows better."""
USUAL = {"en": 0.36, "de": 0.2, "fr": 0.08, "es": 0.08, "it": 0.06, "nl": 0.06, "pt": 0.05, "pl": 0.05}
"""The others share what is left."""
LEAST_SHARE = 2e-4
"""A language that nobody has written in yet is still possible: a long text in it is told all the same."""

SHORT_CHARACTERS = 80
"""In so short a text trigrams err, and words that every sentence has ("the", "ist", "mon") say more."""
SPEAKS, MOST_SPEAKING, LEAST_SPOKEN = 4.0, 3, 0.02
_SPEAKING: dict[str, list[int]] = {}
for _at, _code in enumerate(LANGUAGES):
    for _word in {*FUNCTION_WORDS.get(_code, "").split(), *DESK_WORDS.get(_code, "").split()}:
        _SPEAKING.setdefault(_word, []).append(_at)
_ALONE = {
    _word: _SPEAKING[_word] for _words in DESK_WORDS.values() for _word in _words.split() if len(_SPEAKING[_word]) == 1
}
"""Such a word of one language counts twice."""

# Addresses and digits are looked for from the beginning of a word alone: whatever holds one there holds it from there.
_NOT_LANGUAGE = re.compile(r"https?://\S+|(?<!\S)\S+@\S+|(?<!\S)\S*\d\S*|[#*_=<>|/\\]+")


@functools.cache
def _detector() -> LanguageDetector:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_low_accuracy_mode().build()


class LanguageMixture:
    """Decides each text's language with the shares of the languages in the whole data set as a prior.

    A single short question says little ("how do I reset my password" looks most like Italian to trigrams); a thousand
    of them say well that they are English. The shares are found by expectation-maximisation over the detector's
    likelihoods, and go on being learnt while texts come in: `detect` may be called batch by batch.
    """

    def __init__(self, *, languages: Mapping[str, float] | None = None) -> None:
        others = (1.0 - sum(USUAL.values())) / (len(LANGUAGES) - len(USUAL))
        self._weights = PRIOR_TEXTS * np.array([USUAL.get(code, others) for code in LANGUAGES])
        if languages:
            given = {language_code(name) or name: share for name, share in languages.items()}
            self._weights = np.array([PRIOR_TEXTS * given.get(code, 0.0) for code in LANGUAGES]) + 1e-3

    @property
    def shares(self) -> dict[str, float]:
        """The shares of the languages so far, from most to least."""
        found = dict(zip(LANGUAGES, (self._weights / self._weights.sum()).tolist(), strict=True))
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def detect(self, texts: Sequence[str | None]) -> list[str | None]:
        """The ISO 639-1 code of each text, in the same order; None where the text is missing, too short or not
        clear."""
        asked = [(index, _words_of(text)) for index, text in enumerate(texts) if text]
        asked = [(index, words) for index, words in asked if len(words) >= SHORTEST_CHARACTERS]
        codes: list[str | None] = [None] * len(texts)
        if not asked:
            return codes
        likelihoods = _likelihoods([words for _, words in asked])
        posteriors = self._settled(likelihoods)
        best = argmax_codes(posteriors)
        for (index, _), language, row, told in zip(asked, best.tolist(), posteriors, likelihoods, strict=True):
            # A text that is about as likely in no language at all (numbers, names) has no posterior to speak of.
            if row[language] >= LEAST_POSTERIOR and told.any():
                codes[index] = LANGUAGES[language]
        return codes

    def _settled(self, likelihoods: Floats) -> Floats:
        """Posteriors, shape (texts, languages), once the shares have settled; the texts count in the shares from then
        on."""
        weights = self._weights
        for _ in range(EM_STEPS):
            prior = np.maximum(weights / weights.sum(), LEAST_SHARE)
            posteriors = likelihoods * prior
            posteriors /= np.maximum(posteriors.sum(axis=1, keepdims=True), 1e-300)
            weights = self._weights + posteriors.sum(axis=0)
        self._weights = weights
        return posteriors


def _likelihoods(words: Sequence[str]) -> Floats:
    """How likely each text is in each language, up to a factor for each text; shape (texts, languages)."""
    places = {code: place for place, code in enumerate(LANGUAGES)}
    table = np.zeros((len(words), len(LANGUAGES)))
    for row, values in enumerate(_detector().compute_language_confidence_values_in_parallel(list(words))):
        for value in values:
            table[row, places[value.language.iso_code_639_1.name.lower()]] = value.value
    # Trigrams overlap, so the detector counts its evidence about twice.
    tempered: Floats = np.sqrt(table)
    for row, text in enumerate(words):
        if len(text) <= SHORT_CHARACTERS:
            said = Counter(at for word in text.casefold().split() for at in _SPEAKING.get(word.strip(",.!?;:"), ()))
            said.update(at for word in text.casefold().split() for at in _ALONE.get(word.strip(",.!?;:"), ()))
            for at, times in said.items():
                tempered[row, at] = max(tempered[row, at], LEAST_SPOKEN) * SPEAKS ** min(times, MOST_SPEAKING)
    return tempered


def load_models() -> None:
    """Loads what the first texts would wait a second for, without starting a thread: processes that are forked
    afterwards have it."""
    # One text of each script: what it loads are the languages that are written in it. Escapes, since letters that look
    # alike are not.
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

    The texts are decided together: what most of them are is a prior for each (`LanguageMixture`). Uses every core of
    the machine. About 4 000 tickets a second on two cores.
    """
    return LanguageMixture().detect(texts)


def detect_language(text: str | None) -> str | None:
    """The ISO 639-1 code of one text's language, None where it is too short to tell; as `detect_languages`, one text at
    a time."""
    return detect_languages([text])[0]


def _words_of(text: str) -> str:
    # Addresses, numbers and ticket ids are in no language; a mail that is mostly signature would otherwise be called
    # English.
    return _NOT_LANGUAGE.sub(" ", text[: 4 * READ_CHARACTERS])[:READ_CHARACTERS].strip()
