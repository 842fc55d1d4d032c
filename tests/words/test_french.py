"""French as French printers set it, and one word for one thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

import otai

pytestmark = pytest.mark.pure

ROOT = Path(otai.__file__).parent
BOOKS = sorted(ROOT.rglob("locale/fr/LC_MESSAGES/*.po"))
MAILS = sorted(ROOT.rglob("*.fr.txt"))

OTHER_WORDS = {
    r"\bmails?\b": "e-mail",
    r"\bpaquets?\b": "pack",
    r"\blibellés?\b": "étiquette",
    r"(?i)\bexécutions?\b": "entraînement",
    r"\bF1 macro\b": "macro F1",
    r"\bseuil standard\b": "niveau standard",
    r"\bdonnées de facturation\b": "coordonnées de facturation",
    r"(?i)\b(tu|ton|ta|tes)\b": "vous",
}
"""Words that another stands for already."""


def said(book: Path) -> Iterator[str]:
    for entry in polib.pofile(str(book)):
        yield from [entry.msgstr] if entry.msgstr else entry.msgstr_plural.values()


def bare(text: str) -> str:
    """Without markup, places and code, in which blanks and apostrophes mean something else."""
    return re.sub(r"(?<!-)e-mails?|<[^>]*>|\{[^}]*\}|%\([a-z_0-9]+\)s|`[^`]*`|\{%.*?%\}", "x", text)


@pytest.mark.parametrize("book", [*BOOKS, *MAILS], ids=lambda path: str(path.relative_to(ROOT)))
def test_french_is_set_as_french_is(book: Path) -> None:
    lines = said(book) if book.suffix == ".po" else book.read_text(encoding="utf-8").splitlines()
    wrong = []
    for text in lines:
        seen = bare(text)
        # A blank that may break would leave the sign alone at the beginning of a line.
        broken = re.search(r"[^\s|] [:;?!»](\s|$)|« |\w'\w", seen)
        other = [word for word in OTHER_WORDS if re.search(word, seen)]
        if broken or other:
            wrong.append((text, [OTHER_WORDS[word] for word in other]))
    assert wrong == []


def test_there_are_french_books_and_mails() -> None:
    assert len(BOOKS) == 4 and len(MAILS) > 10
