"""Refusals in a sentence: what was refused, and what would help at the door where it is read.

The tables (`tables/`) hold them by code and case. `ENGLISH` tables are read by programs, in logs and on the
command line alone, which speak English; all others have every language, at the operators' desk too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otai.words.catalogue import ENGLISH as ENGLISH_LANGUAGE
from otai.words.catalogue import first_that_fits, say_fact
from otai.words.refusal import Refusal
from otai.words.sentences import Fact, Sentence
from otai.words.tables import refused

_WITH_CASES = frozenset(code for code, dot, _ in (key.partition(".") for key in refused.ALL) if dot)

PAGE, API, COMMAND = DOORS = ("page", "api", "command")


def say(
    code: str,
    case: str,
    values: Mapping[str, Any],
    *,
    door: str,
    language: str = ENGLISH_LANGUAGE,
    written: str = "",
) -> str:
    """The sentence of a refusal with what would help at the door. What no table knows is said as it was `written`, or
    by its code alone; so is a code that has cases, where a release before kept none."""
    if written and not case and (code in _WITH_CASES or code not in refused.ALL):
        return written
    entry = refused.ALL.get(f"{code}.{case}" if case else code)
    message = None
    if door == PAGE and code in refused.ON_PAGES:
        message = first_that_fits((refused.ON_PAGES[code],), values, language=language)
    elif entry is not None:
        message = first_that_fits(entry.message, values, language=language)
    if message is None:
        return written or _of_code(code, values, language)
    step = entry.step(door) if entry is not None else ""
    more = first_that_fits((step,), values, language=language) if step else None
    return f"{message} {more}" if more else message


def _of_code(code: str, values: Mapping[str, Any], language: str) -> str:
    entry: Refusal | None = refused.ALL.get(code)
    return (first_that_fits(entry.message, values, language=language) if entry else None) or code


def sentences() -> Iterator[Sentence]:
    """All that have every language, for the translators' books."""
    yield from refused.ON_PAGES.values()
    for entry in refused.TRANSLATED.values():
        yield from entry.message
        if entry.page:
            yield entry.page


def said_of(fact: Mapping[str, Any] | Fact, *, language: str = ENGLISH_LANGUAGE) -> str:
    """A refusal that is stored as a fact, without what would help."""
    return say_fact(fact, language=language)


__all__: Sequence[str] = ("API", "COMMAND", "DOORS", "PAGE", "said_of", "say", "sentences")
