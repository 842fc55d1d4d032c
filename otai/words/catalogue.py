"""Sentences with places for values, said in a language.

A place names a value and how it is written: `{tickets:n}`. The kinds:

| kind | value | English | German |
|---|---|---|---|
| (none) | a name or a word, as it is | `queue` | `queue` |
| `n` | a count | `1,234` | `1.234` |
| `percent`, `percent1` | a share from 0 to 1, without and with one decimal | `61.5%` | `61,5 %` |
| `points` | a difference of shares, signed | `+0.4` | `+0,4` |
| `number` | any number, as short as it can be said | `0.001` | `0,001` |
| `names` | a list of names, quoted, the first five of them | `“fax”, “telex”` | `„fax“, „telex“` |
| `words` | a list of words, as they are | `en, de` | `en, de` |
| `parts` | counts by what was counted (`PARTS`) | `signatures: 3` | `Signaturen: 3` |
| `fact` | a code with values (`facts.py`), or several, one after the other | | |
"""

from __future__ import annotations

import gettext
import string
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal, format_percent

from otai.words.facts import FACTS
from otai.words.sentences import Counted, Fact, Sentence, places

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "words"
ENGLISH = "en"
MOST_NAMED = 5

QUOTED = "“{name}”"
AND_MORE = "{named} and {more:n} more"
PARTS: Mapping[str, str] = {
    "quoted": "quoted history: {count:n}",
    "signature": "signatures: {count:n}",
    "disclaimer": "notices of confidentiality: {count:n}",
    "footer": "footers of mobile phones: {count:n}",
    "recurring": "endings that recur: {count:n}",
    "email": "mail addresses: {count:n}",
    "phone": "telephone numbers: {count:n}",
    "iban": "IBANs: {count:n}",
    "card": "card numbers: {count:n}",
    "password": "passwords: {count:n}",
    "national_id": "national identity numbers: {count:n}",
    "name": "names in signatures: {count:n}",
}
"""What was cut from texts, and what was found in them."""


def say(sentence: Sentence, values: Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """The sentence with its values. `language` is a code such as de or pt-br; what has no book is said in English.

    Raises KeyError for a value that is missing.
    """
    book = _book(language)
    if isinstance(sentence, Counted):
        text = book.ngettext(sentence.one, sentence.other, int(values[sentence.by]))
    else:
        text = book.gettext(sentence)
    return _Writer(language).vformat(text, (), values)


def translated(sentence: str, *, language: str = ENGLISH) -> str:
    """The sentence in a language, its places as they are."""
    return _book(language).gettext(sentence)


def first_that_fits(sentences: Iterable[Sentence], values: Mapping[str, Any], *, language: str = ENGLISH) -> str | None:
    """The first sentence whose values are all there: tables name the most exact one first. None: there is none."""
    for sentence in sentences:
        if all(values.get(name) is not None for name in places(sentence)):
            return say(sentence, values, language=language)
    return None


def say_fact(fact: Fact | Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """A code with values as its sentence; one that this release does not know as its code."""
    one = fact if isinstance(fact, Fact) else Fact.from_dict(fact)
    return first_that_fits(FACTS.get(one.code, ()), one.values, language=language) or one.code


@lru_cache(maxsize=64)
def _book(language: str) -> gettext.NullTranslations:
    wanted = [language.replace("-", "_"), language.partition("-")[0]]
    return gettext.translation(DOMAIN, LOCALES, languages=wanted, fallback=True)


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """How a language writes numbers and dates; English where Babel does not know it."""
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale.parse(ENGLISH)


class _Writer(string.Formatter):
    def __init__(self, language: str) -> None:
        self.language, self.locale = language, locale_of(language)

    def format_field(self, value: Any, kind: str) -> str:
        match kind:
            case "n":
                return format_decimal(int(value), locale=self.locale)
            case "percent":
                return format_percent(value, locale=self.locale, format=self._percent(0))
            case "percent1":
                return format_percent(value, locale=self.locale, format=self._percent(1))
            case "points":
                return format_decimal(100 * value, format="+0.0;-0.0", locale=self.locale)
            case "number":
                return format_decimal(value, format="#,##0.######", locale=self.locale)
            case "names":
                return self._names(value)
            case "parts":
                said = [say(PARTS[part], {"count": count}, language=self.language) for part, count in value.items()]
                return ", ".join(said)
            case "fact":
                several = [value] if isinstance(value, (Fact, Mapping)) else value
                return " ".join(say_fact(one, language=self.language) for one in several)
            case "words":
                return ", ".join(map(str, value))
            case "":
                return str(value)
        raise ValueError(f"There is no way to write a value as {kind!r}.")

    def _percent(self, decimals: int) -> str:
        # The language's own pattern says where the sign stands and whether a blank is before it.
        pattern: str = self.locale.percent_formats[None].pattern
        return pattern.replace("#,##0", "0" if decimals == 0 else "0." + "0" * decimals)

    def _names(self, all_names: Iterable[object]) -> str:
        names = list(all_names)
        said = ", ".join(say(QUOTED, {"name": name}, language=self.language) for name in names[:MOST_NAMED])
        more = len(names) - MOST_NAMED
        return said if more <= 0 else say(AND_MORE, {"named": said, "more": more}, language=self.language)
