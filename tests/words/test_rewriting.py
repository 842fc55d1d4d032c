"""A sentence is said once, in its catalogue: no door cuts, replaces or reads again what was said."""

from __future__ import annotations

import ast
import re

import polib
import pytest

from otai.words import invoices
from otai.words.catalogue import LOCALES
from otai.words.sentences import Counted, Sentence
from tests.docstrings import OTAI, trees
from tests.words.book import languages, sentences
from tests.words.rewriting import rewritten

pytestmark = pytest.mark.pure

SUBJECT_FIRST = "the first line of a mail's template is its subject"
WORKED_ON: dict[str, str] = {
    "billing/operations/notices.py:compose": SUBJECT_FIRST,
    "billing/operations/provisioning.py:mail_welcome": SUBJECT_FIRST,
    "web/accounts/mail.py:send_invitation": SUBJECT_FIRST,
}
"""Where a rendered text is taken apart all the same, each with its reason."""


def test_no_finished_sentence_is_worked_on_by_pattern() -> None:
    files = {path: tree for path, tree in trees(OTAI).items() if not path.startswith("learning/")}
    found = {place.rpartition(": ")[0]: place for place in rewritten(files)}
    assert {found[place] for place in found.keys() - WORKED_ON.keys()} == set()
    assert WORKED_ON.keys() - found.keys() == set(), "no exception is kept that is none any more"


FILTER = """
import re
from otai.words import advice as told
from otai.words.catalogue import say_fact
_RUN = re.compile("[Rr]un")

def together(text):
    return _RUN.sub("training", text) if text else ""

def fact_words(fact):
    return together(say_fact(fact))

def title(one):
    said = told.title(one)
    return said.removesuffix(".")

def refused(error):
    return error.said("page").replace("Run", "Training")

@register.simple_block_tag
def table_frame(content, label):
    return re.sub("<td>", "<td data-label>", content)

def name_of(who):
    return who.partition("@")[0]
"""
WORDS = {
    "words/advice.py": "def title(one) -> str: ...",
    "words/catalogue.py": "def say_fact(fact) -> str | None: ...\ndef sentences() -> list[str]: ...",
}


def test_a_pattern_over_sentences_is_noticed_behind_names_and_filters() -> None:
    """What turned run into training on English pages was a filter, called by four others."""
    files = {path: ast.parse(text) for path, text in {**WORDS, "web/filters.py": FILTER}.items()}
    assert [place.split(":")[1] for place in rewritten(files)] == ["together", "title", "refused", "table_frame"]


FIGURE_AND_UNIT = re.compile(r"[\d})] (?:%|h|min|[kKMGT]i?[Bo]|EUR)(?![\w-])")


def test_no_line_ends_between_a_figure_and_its_unit() -> None:
    """In every language: the catalogue has the no-break space, which nothing adds later. A document that was issued
    keeps its words as they are."""
    printed = set(invoices.sentences())
    said = {text for one in sentences() if one not in printed for text in _forms(one)}
    for language in languages():
        for entry in polib.pofile(str(LOCALES / language / "LC_MESSAGES" / "words.po")):
            said |= {entry.msgstr, *entry.msgstr_plural.values()} if entry.msgid not in printed else set()
    assert [text for text in sorted(said) if FIGURE_AND_UNIT.search(text)] == []


def _forms(sentence: Sentence) -> tuple[str, ...]:
    return (sentence.one, sentence.other) if isinstance(sentence, Counted) else (str(sentence),)


RUN = re.compile(r"\b(?:[Tt]h(?:e|is)|an?|A|no|paid|included|improvement|of|two) runs?\b|\b[Rr]uns? \{")


def test_people_are_told_of_trainings() -> None:
    """Only names of commands, fields and scopes say run (docs/glossary.md)."""
    said = {text for one in sentences() for text in _forms(one)}
    assert [text for text in sorted(said) if RUN.search(text)] == []
