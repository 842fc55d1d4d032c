"""A new ticket is read, cut and masked by Python alone, a file of tickets by Arrow: both say the same of every text."""

from __future__ import annotations

import random
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from otai.learning.data.texts.reading import as_imported, text_of_cell
from otai.learning.data.texts.text_reader import TextReader

pytestmark = pytest.mark.pure

BLANKS = [*" \n\t\r\x0b\x0c\x1c\x85\xa0\u2003\u2028\u3000\u200b\ufeff"]
PIECES = [
    *BLANKS, *BLANKS, "a", "Drucker ", "geht nicht.", "\u0131", "İ", "\u017f", "\u212a", "é", "\x01", "\x7f", "٣",
    "½", "<p>", "</p>", "<DIV>", "</div>", "<br/>", "<d\u0131v>", "<lİ>", "<\u017ftrong>", "<a\xa0href=x>",
    "<a href='x'>", "</a>", "<a\x0b>", "<b", ">", "<name>", "&nbsp;", "&NBSP;", "&#1633;", "&#٣٣;",
    "&amp;lt;p&amp;gt;", "&lt;br&gt;", "<td>", "<blockquote>", "Ã¼", "Ã", "â€™", "\ufffd", "{\\rtf1 ", "\\par ",
    "}", "p.MsoNormal {mso-x: y}", "<style>", "</style>", "\\n", "\\r\\n", "\\n\\n", "C:\\new", ":", "{code}",
    "{{x}}", "*fett*", "_so_", "+mehr+", "*\xa0x*", "*x*\xa0", "h1. ", "||", "|thumbnail", "!bild.png!",
    "!b\u0131ld.gİf!", ".g\u0131f!", "[~mann]", "[x|http://y]", '[{"body": "eins"}]', "[", "{",
    '\xa0[{"body": "zwei"}]', "-->||customer||Ann||2024-01-01||\n", "-->||", "Customer: Hallo\n",
    "Agent: Guten Tag\n", "[10:01] Ann: x\n", "12:30 Bob: y\n",
]  # fmt: skip


def text_from(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.randrange(1, 9)))


@pytest.mark.parametrize("chats", [False, True])
def test_a_text_is_read_as_the_column_of_an_import_reads_it(chats: bool) -> None:
    chance = random.Random(20)
    texts = [text_from(chance) for _ in range(1_500)]
    read = TextReader(reads_chats=chats).texts_of(pa.array(texts, pa.string())).to_pylist()
    for text, done in zip(texts, read, strict=True):
        assert text_of_cell(text, chats=chats) == (done or ""), repr(text)


def test_what_is_a_blank_at_the_end_of_a_text_is_one_for_both() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    trimmed = pc.utf8_trim_whitespace(pa.array(every, pa.string())).to_pylist()
    assert [one for one, left in zip(every, trimmed, strict=True) if (left == "") != (one.strip() == "")] == []


def test_a_text_with_nothing_to_be_read_stays_as_it_is_to_the_blank() -> None:
    texts = ["  VPN \n down  ", "\ud800 half", "", "\n", "a <b", "x\n"]
    assert as_imported(texts) == texts
