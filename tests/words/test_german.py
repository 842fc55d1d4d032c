"""One word for one thing in German as well, and whoever reads is addressed formally."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import otai
from tests.words.test_french import bare, said

pytestmark = pytest.mark.pure

ROOT = Path(otai.__file__).parent
BOOKS = sorted(ROOT.rglob("locale/de/LC_MESSAGES/*.po"))
MAILS = sorted(ROOT.rglob("*.de.txt"))

OTHER_WORDS = {
    r"Merkmal": "Attribut",
    r"\b(Lauf(s|en)?|Läufen?)\b": "Training",
    r"\bausgegeben": "verbraucht",
    r"Vormerkung": "Reservierung",
    r"Standardschwelle": "Standardmarke",
    r"Beispieltickets": "Beispiel-Tickets",
    r"\bLive\b|\blive\.": "in Betrieb",
    r"\bRats?\b": "Hinweis",
    r"Inhaber": "Leitung",
    r"[Gg]escheitert|\bscheitert": "fehlgeschlagen",
    r"Worker|Encoder": "Maschine, Sprachmodell",
    r"weg(zu)?(schneiden|geschnitten)": "herausschneiden",
    r"Verbesserung": "Nachbesserung",
    r"\b(du|dein|deine|deinen|deiner|dir|dich)\b": "Sie",
    r"\b[Mm]ails?\b": "E-Mail",
    r"\bBestellung\w*\b[^.:;]{0,60}\babgebrochen": "Bestellung: storniert",
    r"\bTrainings?\b[^.:;]{0,60}\bstorniert": "Training: abgebrochen",
}
"""Words that another stands for already."""


@pytest.mark.parametrize("book", [*BOOKS, *MAILS], ids=lambda path: str(path.relative_to(ROOT)))
def test_german_has_one_word_for_one_thing(book: Path) -> None:
    texts = list(said(book)) if book.suffix == ".po" else book.read_text(encoding="utf-8").splitlines()
    assert texts
    wrong = []
    for text in texts:
        seen = bare(re.sub(r"E-Mails?", "x", text))
        wrong += [(text, word) for other, word in OTHER_WORDS.items() if re.search(other, seen)]
    assert wrong == []
