"""A number that can be one is followed by a noun that can be one: nobody reads "1 rows" or "1 credits are"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import polib
import pytest

import otai
from otai.words.sentences import Counted
from tests.words.book import sentences

pytestmark = pytest.mark.pure

ROOMS = ("web", "billing")
"""Whose own catalogue has sentences with numbers: what pages and the desk say."""
BOUNDS = {
    *("bytes", "arrived_bytes", "least_rate", "characters", "median_characters", "median", "seconds", "most_seconds"),
    *("silent_seconds", "minutes", "days", "most", "limit", "last", "fewest", "points", "high", "open", "files"),
    *("endpoints", "epochs", "ways", "sizes", "lift", "least", "received"),
}
"""Values that are bounds or settings, or sizes of which the smallest is more than one."""
OF_SEVERAL = (
    *(
        "tickets each",
        "labels, each",
        "of its {labels:n} labels",
        "in {where:fact}",
        "labels; wrong separator",
        "columns that hold the same",
    ),
    *("rows are messages of", "tickets in all", "the first {rows:n} rows", "fields, the header has", "entries in"),
    *(
        "{newest:n} newest tickets",
        "nothing in these texts",
        "right after",
        "joined",
        "Joined",
        "with {labels:n} labels",
    ),
    *("have the same text", "more labelled tickets", "would bring each", "of public sets", "of one batch"),
    *("is the most", "unpack to", "sheets lie in", "more tickets", "each measured", "All %(versions)s versions"),
    *("Measured on", "Learnt from", "More than %(rows)s rows", "tickets that neither had learnt"),
)
"""Words of sentences that are said of several only, or of more than a bound: what a model learnt from and was measured
on, and what a file that is too large has. Whatever one may come to has two forms (`Counted`, ngettext)."""
MORE = r"(?:(?:more|new|different|labelled|measured|rarer|newest|unpacked) )*"
VERBS = {"answers", "becomes", "begins", "does", "has", "is", "keeps", "reads", "times", "wants", "was", "less"}
OF_WORDS = re.compile(rf"(?<!of )\{{(\w+):n\}} {MORE}([a-z]+s)\b")
OF_PAGES = re.compile(rf"(?<!of )%\((\w+)\)s {MORE}([a-z]+s)\b")
VERB_OF_SEVERAL = re.compile(r"%\((?:credits|tickets|labels|count|rows)\)s (?:are|were|have)\b")


def without_a_form_for_one(texts: Iterable[str], pattern: re.Pattern[str]) -> list[str]:
    """The sentences with a noun in the plural after a value that may be one; of a share ("2 of 7 tickets") the whole is
    no count."""
    return [
        text
        for text in texts
        if not any(words in text for words in OF_SEVERAL)
        and any(name not in BOUNDS and noun not in VERBS for name, noun in pattern.findall(text))
    ]


def test_a_sentence_with_a_number_has_a_form_for_one() -> None:
    """A sentence with two forms is picked by one of its numbers; the others have to be several, or bounds."""
    alone = [str(one).replace("\n", " ") for one in sentences() if not isinstance(one, Counted)]
    by_another = [one.other.replace(f"{{{one.by}:n}}", "") for one in sentences() if isinstance(one, Counted)]
    assert without_a_form_for_one([*alone, *by_another], OF_WORDS) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_page_with_a_number_has_a_form_for_one(room: str) -> None:
    book = polib.pofile(str(Path(otai.__file__).parent / room / "locale" / "de" / "LC_MESSAGES" / "django.po"))
    alone = [entry.msgid for entry in book if not entry.obsolete and not entry.msgid_plural]
    assert without_a_form_for_one(alone, OF_PAGES) + [text for text in alone if VERB_OF_SEVERAL.search(text)] == []


def test_what_has_no_form_for_one_is_noticed() -> None:
    invented = "There are {invented:n} new rows."
    fine = "{wrong:n} of {all:n} rows; run {run:n} is over after {seconds:n} seconds."
    assert without_a_form_for_one([invented, fine], OF_WORDS) == [invented]
    assert without_a_form_for_one(["%(invented)s labels", "%(label)s answers"], OF_PAGES) == ["%(invented)s labels"]
    assert VERB_OF_SEVERAL.search("%(credits)s are given back")
