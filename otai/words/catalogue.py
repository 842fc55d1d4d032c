"""Sentences with places for values, said in a language.

A place names a value and how it is written: `{tickets:n}`. The kinds:

| kind | value | English | German |
|---|---|---|---|
| (none) | a name or a word, as it is | `queue` | `queue` |
| `n` | a count | `1,234` | `1.234` |
| `percent`, `percent1` | a share from 0 to 1, without and with one decimal | `61.5 %` | `61,5 %` |
| `share` | a share with the decimals that it has, two at most | `72.25 %` | `72,25 %` |
| `points` | a difference of shares, signed | `+0.4` | `+0,4` |
| `number` | any number, as short as it can be said | `0.001` | `0,001` |
| `names` | a list of names, quoted, the first five of them | `“fax”, “telex”` | `„fax“, „telex“` |
| `words` | a list of words, as they are | `en, de` | `en, de` |
| `language`, `languages` | the code of a language, or several | `English, German` | `Englisch, Deutsch` |
| `parts` | counts by what was counted (`PARTS`) | `signatures: 3` | `Signaturen: 3` |
| `quoted` | a name, quoted | `“fax”` | `„fax“` |
| `title`, `titles` | a mode, tier or delivery by its code, or several | `Business` | `Business` |
| `money` | `{"cents", "currency"}` | `EUR 450` | `450 EUR` |
| `date`, `time` | a moment as ISO 8601: its day, its time of day | `2026-11-02` | `02.11.2026` |
| `state`, `status`, `role`, `field` | a code of `named.py` | `cancelled` | `abgebrochen` |
| `action`, `table`, `books` | the same | `train` | `Trainings bestellen` |
| `order` | the status of an order | `cancelled` | `storniert` |
| `who` | who did something (`actors.py`): `desk:olga` | `olga (desk)` | `olga (Pult)` |
| `facts` | several, with commas | | |
| `fact` | a code with values (`facts.py`), or several, one after the other | | |
"""

from __future__ import annotations

import dataclasses
import gettext
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from otai.words.actors import BETWEEN_TWO, ActorKind, read_actors
from otai.words.facts import sentences_of
from otai.words.kept_facts import read_fact
from otai.words.named import WORDS
from otai.words.sentences import Counted, Fact, Meant, Sentence, places

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "words"
ENGLISH = "en"
MOST_NAMED = 5
DAY = "d MMM y"
"""A day as people write it, in the letters of the Unicode locale data: `2 Nov 2026`, `02.11.2026`."""

QUOTED = "“{name}”"
AMOUNT = "{currency} {amount}"
"""An amount of money: where the currency stands, and with which blank, is the language's."""

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


NO_LANGUAGES: Mapping[str, str] = {"other": "other languages", "unknown": "language not known"}
"""What the languages of tickets are counted under beside their codes."""


def say(sentence: Sentence, values: Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """The sentence with its values. `language` is a code such as de or pt-br; what has no book is said in English.

    Raises KeyError for a value that is missing.
    """
    book = _book(language)
    if isinstance(sentence, Counted):
        text = book.ngettext(sentence.one, sentence.other, int(values[sentence.by]))
    elif isinstance(sentence, Meant):
        text = book.pgettext(sentence.context, sentence)
    else:
        text = book.gettext(sentence)
    return _Writer(language).vformat(text, (), values)


def percent(share: float, *, places: int = 0, language: str = ENGLISH) -> str:
    """A share as a percentage, as every door writes it: 0.841 with one place is `84.1 %`."""
    return _Writer(language).percent(share, "0." + "0" * places if places else "0")


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
    said = first_that_fits(sentences_of(one.code), one.values, language=language)
    return said or (fact.get("written") if isinstance(fact, Mapping) else "") or one.code


def say_actor(stored: str, *, language: str = ENGLISH) -> str:
    """Who did something, as a column keeps it, in the language of whoever reads it."""
    return BETWEEN_TWO.join(
        say_fact(one.fact, language=language) if one.fact else one.name for one in read_actors(stored)
    )


def say_actor_to_programs(stored: str, *, shown: Callable[[str], str] = str) -> str:
    """The same for programs and the command line: in English, where parts of the Studio and erased persons keep the
    code that they always had. `shown`: each name as it may be shown."""
    coded = (ActorKind.PART, ActorKind.ERASED)
    actors = [dataclasses.replace(one, name=shown(one.name)) for one in read_actors(stored)]
    return BETWEEN_TWO.join(say_fact(one.fact) if one.fact and one.kind not in coded else one.name for one in actors)


def codes_that_say(text: str, codes: Iterable[str], *, language: str = ENGLISH) -> list[str]:
    """Those of the codes of which some sentence holds the text, as the language writes it around its values."""
    wanted = text.casefold()
    return [
        code
        for code in codes
        if any(
            wanted in part.casefold()
            for sentence in sentences_of(code)
            for one in ((sentence.one, sentence.other) if isinstance(sentence, Counted) else (sentence,))
            for part, *_ in string.Formatter().parse(translated(one, language=language))
        )
    ]


def say_stored(text: str, *, language: str = ENGLISH) -> str:
    """What a column of text keeps (`explained.as_text`): a code as its sentence, a person's own words as they are."""
    return say_fact({"code": text, "written": text}, language=language)


def say_kept(text: str, *, language: str = ENGLISH) -> str:
    """What a column of text keeps (`kept_facts.stored_fact`): a fact as its sentence, all else as `say_stored` says
    it."""
    kept = read_fact(text)
    return say_fact(kept, language=language) if isinstance(kept, Fact) else say_stored(kept, language=language)


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


def language_name(code: str, *, language: str = ENGLISH) -> str:
    """`German`, `Deutsch`, `allemand` for `de` (Unicode's CLDR, by Babel); the code itself where nothing is named
    so."""
    if code in NO_LANGUAGES:
        return translated(NO_LANGUAGES[code], language=language)
    return str(locale_of(language).languages.get(code.replace("-", "_"), code))


class _Writer(string.Formatter):
    def __init__(self, language: str) -> None:
        self.language, self.locale = language, locale_of(language)

    def format_field(self, value: Any, kind: str) -> str:
        match kind:
            case "":
                return str(value)
            case "n" | "percent" | "percent1" | "share" | "points" | "number":
                return self._number(value, kind)
            case "names" | "attributes" | "parts" | "words" | "titles" | "facts" | "languages":
                return self._listed(value, kind)
            case "fact":
                several = [value] if isinstance(value, Fact | Mapping) else value
                return " ".join(say_fact(one, language=self.language) for one in several)
            case "quoted":
                return say(QUOTED, {"name": value}, language=self.language)
            case "language":
                return language_name(str(value), language=self.language)
            case "title":
                return str(value).capitalize()
            case "who":
                return say_actor(str(value), language=self.language)
            case "money":
                return self._money(value)
            case "date":
                return format_date(
                    date.fromisoformat(str(value)[:10]), translated(DAY, language=self.language), self.locale
                )
            case "time":
                return str(value)[11:16]
            case "state" | "status" | "order" | "role" | "field" | "action" | "table" | "books":
                known = WORDS[kind].get(str(value))
                return say(known, {}, language=self.language) if known else str(value)
        raise ValueError(f"There is no way to write a value as {kind!r}.")

    def _number(self, value: Any, kind: str) -> str:
        match kind:
            case "n":
                return format_decimal(int(value), locale=self.locale)
            case "points":
                return format_decimal(100 * value, format="+0.0;-0.0", locale=self.locale)
            case "number":
                return format_decimal(value, format="#,##0.######", locale=self.locale)
        decimals = {"percent": "0", "percent1": "0.0", "share": "0.##"}[kind]
        return self.percent(value, decimals)

    def _listed(self, value: Any, kind: str) -> str:
        match kind:
            case "names":
                return self._first([say(QUOTED, {"name": name}, language=self.language) for name in value])
            case "attributes":
                # As everywhere else in a sentence: bare.
                return self._first([str(name) for name in value])
            case "parts":
                counted = ((PARTS[part], {"count": count}) for part, count in value.items())
                return ", ".join(say(part, count, language=self.language) for part, count in counted)
            case "languages":
                return ", ".join(language_name(str(one), language=self.language) for one in value)
            case "titles":
                return ", ".join(str(one).capitalize() for one in value)
            case "facts":
                return ", ".join(say_fact(one, language=self.language) for one in value)
        return ", ".join(map(str, value)) or "-"

    def _money(self, value: Mapping[str, Any]) -> str:
        units = format_decimal(Decimal(value["cents"]) / 100, format="#,##0.00", locale=self.locale)
        # Whole amounts are said without cents, as on pages.
        whole = units[:-3] if value["cents"] % 100 == 0 else units
        return say(AMOUNT, {"currency": value["currency"], "amount": whole}, language=self.language)

    def percent(self, share: float, decimals: str) -> str:
        # The language's own pattern says where the sign stands. The blank is ISO 80000-1's, in every language the same.
        pattern: str = self.locale.percent_formats[None].pattern
        parted = re.sub(r"(?<=#,##0)[\s\N{NO-BREAK SPACE}]*(?=%)", "\N{NO-BREAK SPACE}", pattern)
        return format_percent(share, locale=self.locale, format=parted.replace("#,##0", decimals))

    def _first(self, names: Sequence[str]) -> str:
        said = ", ".join(names[:MOST_NAMED])
        more = len(names) - MOST_NAMED
        return said if more <= 0 else say(AND_MORE, {"named": said, "more": more}, language=self.language)
