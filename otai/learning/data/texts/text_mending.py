"""Texts as a person would read them: markup read, damage of encodings mended where that is certain, line breaks that
were written out broken.

Whole columns at a time. Whether any text of a batch holds a mark is asked of their bytes at once, which costs next to
nothing; the few texts that do are then read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from otai.learning.data.texts.html_text import LOOKS_LIKE_ENTITIES, LOOKS_LIKE_HTML, text_of_html
from otai.learning.data.texts.mending import IS_WRONGLY_READ, WRONGLY_READ, letters_mended, with_breaks
from otai.learning.data.texts.office_text import RTF, STYLES, text_of_rtf, without_styles
from otai.learning.data.texts.wiki_text import MARKS, looks_like_wiki, text_of_wiki

_SURELY_DAMAGED = re.compile(
    "Ã[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2010-\u203a\u20ac\u2122]|â€|\ufffd"
)
_REPLACED = "\ufffd".encode()


@dataclass(slots=True)
class Mended:
    """How many texts were changed, by kind, each with an example where it helps to see one."""

    html: int = 0
    wiki: int = 0
    encoding: int = 0
    encoding_example: str = ""
    damaged: int = 0
    damaged_example: str = ""
    written_breaks: int = 0

    def add(self, other: Mended) -> None:
        """Counts what another counted as well, of other texts; the first example of each kind stays."""
        for counted in ("html", "wiki", "encoding", "damaged", "written_breaks"):
            setattr(self, counted, getattr(self, counted) + getattr(other, counted))
        self.encoding_example = self.encoding_example or other.encoding_example
        self.damaged_example = self.damaged_example or other.damaged_example


class TextMender:
    """Mends texts, and counts in `mended`."""

    def __init__(self, mended: Mended | None = None) -> None:
        self.mended = Mended() if mended is None else mended

    def mend(self, texts: pa.Array) -> pa.Array:
        """The texts, mended. Nulls stay; a text of which nothing is left becomes empty."""
        # Letters read wrongly are none of ASCII, and whether all are is seen much sooner than the expression sees it.
        if not _bytes_of(texts).isascii():
            texts = self._with_right_letters(texts)
        if holds(texts, (RTF.encode(),)):
            texts = self._each(texts, pc.starts_with(texts, RTF), self._without_rtf)
        if holds(texts, (b"MsoNormal", b"mso-")):
            texts = self._each(texts, pc.match_substring_regex(texts, STYLES), without_styles)
        if holds(texts, (b"<", b"&")):
            texts = self._without_html(texts)
        if holds(texts, (b"\\n",)):
            texts = self._each(texts, pc.match_substring(texts, "\\n"), self._with_breaks)
        return self._each(texts, pc.match_substring_regex(texts, MARKS), self._without_wiki)

    def labels(self, texts: pa.Array) -> pa.Array:
        """Cells of labels, their letters mended; nothing of it is counted as a text."""
        return self._with_right_letters(texts, is_label=True)

    def _each(self, texts: pa.Array, where: pa.Array, change: Callable[[str], str]) -> pa.Array:
        where = pc.fill_null(where, False)
        if not pc.any(where).as_py():
            return texts
        return pc.replace_with_mask(
            texts, where, pa.array([change(text) for text in texts.filter(where).to_pylist()], pa.string())
        )

    def _with_right_letters(self, texts: pa.Array, *, is_label: bool = False) -> pa.Array:
        wrong = pc.fill_null(pc.match_substring_regex(texts, WRONGLY_READ), False)
        if pc.any(wrong).as_py():
            texts = self._each(texts, wrong, letters_mended if is_label else self._letters_mended)
        elif not is_label and holds(texts, (_REPLACED,)):
            self._each(texts, pc.match_substring(texts, "\ufffd"), self._damage_noted)
        return texts

    def _letters_mended(self, text: str) -> str:
        fixed = letters_mended(text)
        if fixed != text:
            self.mended.encoding += 1
            self.mended.encoding_example = self.mended.encoding_example or _around(text, IS_WRONGLY_READ)
        return self._damage_noted(fixed)

    def _damage_noted(self, text: str) -> str:
        if _SURELY_DAMAGED.search(text) is not None:
            self.mended.damaged += 1
            self.mended.damaged_example = self.mended.damaged_example or _around(text, _SURELY_DAMAGED)
        return text

    def _without_html(self, texts: pa.Array) -> pa.Array:
        # Most texts hold neither sign, and looking for one character is far quicker than the expression.
        markup = pc.fill_null(pc.match_substring_regex(texts, "[<&]"), False)
        if not pc.any(markup).as_py():
            return texts
        is_markup = pc.match_substring_regex(texts.filter(markup), f"{LOOKS_LIKE_HTML}|{LOOKS_LIKE_ENTITIES}")
        markup = pc.replace_with_mask(markup, markup, is_markup)
        self.mended.html += pc.sum(markup).as_py() or 0
        # Before tags become line breaks: in markup none of its own says anything.
        if holds(texts, (b"\\n",)):
            written = pc.and_(markup, pc.match_substring(texts, "\\n"))
            texts = self._each(texts, written, lambda text: self._with_breaks(text, is_markup=True))
        return self._each(texts, markup, text_of_html)

    def _without_rtf(self, text: str) -> str:
        self.mended.html += 1
        return text_of_rtf(text)

    def _with_breaks(self, text: str, *, is_markup: bool = False) -> str:
        read = with_breaks(text, is_markup=is_markup)
        self.mended.written_breaks += read != text
        return read

    def _without_wiki(self, text: str) -> str:
        if not looks_like_wiki(text):
            return text
        self.mended.wiki += 1
        return text_of_wiki(text)


def holds(texts: pa.Array, marks: Sequence[bytes]) -> bool:
    """Whether any text may hold one of the marks: all their bytes are looked at together, at gigabytes a second."""
    together = _bytes_of(texts)
    # One character is found ten times sooner than several, and most texts have neither brace nor backslash.
    return any(mark[:1] in together and mark in together for mark in marks)


def holds_any(texts: pa.Array, characters: bytes) -> bool:
    """Whether any text may hold one of the characters (ASCII)."""
    together = _bytes_of(texts)
    return len(together.translate(None, delete=characters)) != len(together)


def _bytes_of(texts: pa.Array) -> bytes:
    buffer = texts.buffers()[2]
    return b"" if buffer is None else buffer.to_pybytes()


def _around(text: str, pattern: re.Pattern[str]) -> str:
    """The words around what was found."""
    found = pattern.search(text)
    at = found.start() if found else 0
    return text[max(text.rfind(" ", 0, at) + 1, at - 20, 0) : at + 20].split("\n")[0]
