"""Brings the books of all languages up to date with the sentences, and compiles them: `python -m tests.words.book [fr
...]`.

A language that is named and has no book yet gets one. Prints what lacks a translation, and exits 1 if anything does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import polib
from babel.messages.plurals import get_plural

from otai.words import advice, catalogue, facts, findings, invoices, mails, named, news, refusals
from otai.words.catalogue import DOMAIN, LOCALES
from otai.words.sentences import Counted, Meant, Sentence


def sentences() -> Iterator[Sentence]:
    """Every sentence that can be said, each once, in the order of the tables."""
    seen: set[object] = set()
    parts = (
        catalogue.QUOTED,
        catalogue.AMOUNT,
        catalogue.AND_MORE,
        *catalogue.PARTS.values(),
        *catalogue.NO_LANGUAGES.values(),
    )
    said = (*findings.sentences(), *invoices.sentences(), *mails.sentences(), *facts.sentences(), *advice.sentences())
    refused = (*refusals.sentences(), *named.sentences(), *news.sentences())
    for one in (*parts, *said, *refused):
        key = (one, context_of(one))
        if key not in seen:
            seen.add(key)
            yield one


def context_of(sentence: Sentence) -> str | None:
    return sentence.context if isinstance(sentence, Meant) else None


def languages() -> list[str]:
    return sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir()) if LOCALES.exists() else []


def path_of(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def as_collected(language: str) -> polib.POFile:
    """The book of a language with what is new and without what is gone."""
    path = path_of(language)
    book = polib.pofile(str(path), wrapwidth=140) if path.exists() else polib.POFile(wrapwidth=140)
    plural = get_plural(language)
    book.metadata = {
        "Project-Id-Version": "OTAI Studio",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": plural.plural_forms,
    }
    there = {(entry.msgid, entry.msgid_plural, entry.msgctxt): entry for entry in book}
    entries = []
    for sentence in sentences():
        one, other = (sentence.one, sentence.other) if isinstance(sentence, Counted) else (str(sentence), "")
        key = (one, other, context_of(sentence))
        entry = there.get(key) or polib.POEntry(msgid=one, msgid_plural=other, msgctxt=key[2])
        if key[1]:
            entry.msgstr_plural = {form: entry.msgstr_plural.get(form, "") for form in range(plural.num_plurals)}
        entries.append(entry)
    book[:] = entries
    return book


def update(language: str) -> list[str]:
    """Writes the book of a language as it is collected, and compiles it; returns the sentences without a
    translation."""
    path, book = path_of(language), as_collected(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))
    book.save_as_mofile(str(path.with_suffix(".mo")))
    return [entry.msgid for entry in book if not entry.translated()]


if __name__ == "__main__":
    lacking = 0
    for one in sorted({*languages(), *sys.argv[1:]}):
        missing = update(one)
        lacking += len(missing)
        print(f"{one}: {len(missing)} sentences without a translation")
        for text in missing:
            print("  ", text)
    sys.exit(bool(lacking))
