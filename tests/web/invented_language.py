"""A language that a test invents: every sentence in brackets. What a page shows without them was written past the
catalogues.

That it works at all is the proof that a language needs catalogues and mails, and not a line of Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polib
import pytest
from django.test import override_settings

from otai.config import languages as configured
from otai.words import catalogue as words
from tests.web.strings import ROOMS, catalogue, languages
from tests.words import book

CODE = "eo"
"""Esperanto, since Babel and Django know how it writes numbers and days."""
OPENS, CLOSES = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}", "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"


def invented(text: str) -> str:
    """In brackets, each part between elements and places for itself: what a place is filled with brings its own."""
    parts = re.split(r"(<[^>]+>|\{[^{}]*\}|%\(\w+\)s)", text)
    return "".join(
        f"{OPENS}{part}{CLOSES}" if re.search(r"\w", part) and part[0] not in "<{" else part for part in parts
    )


def translate(book_of: polib.POFile) -> None:
    for entry in book_of:
        if entry.msgid_plural:
            entry.msgstr_plural = {0: invented(entry.msgid), 1: invented(entry.msgid_plural)}
        else:
            entry.msgstr = invented(entry.msgid)


def write_catalogues(folder: Path) -> None:
    """What a translator would hand in, compiled: below `folder`, one folder for each room, and `words`."""
    known = languages()[0]
    for room in ROOMS:
        pages = catalogue(known, room)
        translate(pages)
        pages.metadata |= {"Language": CODE, "Plural-Forms": "nplurals=2; plural=(n != 1);"}
        _save(pages, folder / room.name, "django")
    said = polib.pofile(str(book.LOCALES / known / "LC_MESSAGES" / f"{book.DOMAIN}.po"))
    translate(said)
    said.metadata |= {"Language": CODE, "Plural-Forms": "nplurals=2; plural=(n != 1);"}
    _save(said, folder / "words", book.DOMAIN)


def _save(catalogue: polib.POFile, folder: Path, domain: str) -> None:
    made = folder / CODE / "LC_MESSAGES"
    made.mkdir(parents=True)
    catalogue.save_as_mofile(str(made / f"{domain}.mo"))


@contextmanager
def spoken(folder: Path, settings: Any) -> Iterator[str]:
    """The installation speaks the invented language too; returns its code."""
    write_catalogues(folder)
    offered = configured.languages("", catalogues=folder / "web")
    assert (CODE, "Esperanto") in offered
    with (
        pytest.MonkeyPatch.context() as patched,
        override_settings(
            LANGUAGES=[*settings.LANGUAGES, *(one for one in offered if one[0] == CODE)],
            LOCALE_PATHS=[str(folder / room.name) for room in ROOMS],
        ),
    ):
        patched.setattr(words, "LOCALES", folder / "words")
        words._book.cache_clear()
        yield CODE
    words._book.cache_clear()
