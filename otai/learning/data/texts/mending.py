"""One text as a person would read it: markup read, damage of encodings mended where that is certain, line breaks that
were written out broken. Whole columns of them: text_mending.py.

What looks like markup is decided by the same expressions there (RE2) and here (Python). Where the two differ in what a
blank, a digit or the other case of a letter is, RE2's answer counts in both.
"""

from __future__ import annotations

import re

from otai.learning.data.texts.html_text import LOOKS_LIKE_ENTITIES, LOOKS_LIKE_HTML, text_of_html
from otai.learning.data.texts.office_text import RTF, text_of_rtf, without_styles
from otai.learning.data.texts.wiki_text import MARKS, looks_like_wiki, text_of_wiki

WRONGLY_READ = "[ÃÂÄÅÐÑâÎãäåæçèéêë][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2010-\u203a\u20ac\u2122]"
"""A letter and a sign that follow each other where UTF-8 was read as Windows-1252. RE2 and Python syntax."""
IS_WRONGLY_READ = re.compile(WRONGLY_READ)

_PATHS = r"(?:[A-Za-z]:\\|\\\\)[^\s\"'<>|]*"
_WRITTEN_BREAKS = re.compile(rf"({_PATHS})|(?<!\\)\\r\\n|(?<![A-Z0-9_\\])(?<!\\)\\[nrt]|(?<=[A-Z0-9_])\\[nr](?![a-z])")
_SURE_BREAK = re.compile(r"\\n\\n|\\r\\n|(?<=[.,:;!?)>\s])\\n|\\n(?=[A-ZÄÖÜ\s\-*>•<])")
_DOTLESS = str.maketrans("\u0130\u0131", "\0\0")
"""Python takes the Turkish letters for other cases of "i", RE2 does not."""


_OF_ASCII = {r"\s": "\t\n\f\r ", r"\d": "0-9"}
_SIGN = re.compile(r"\\.|\[\^?|.", re.DOTALL)


def as_re2(expression: str) -> str:
    """The expression with RE2's blanks and digits, which are those of ASCII."""
    made, in_class = [], False
    for sign in _SIGN.findall(expression):
        if sign in _OF_ASCII:
            made.append(_OF_ASCII[sign] if in_class else f"[{_OF_ASCII[sign]}]")
            continue
        in_class = sign[0] == "[" or (in_class and sign != "]")
        made.append(sign)
    return "".join(made)


_IS_MARKUP = re.compile(as_re2(f"{LOOKS_LIKE_HTML}|{LOOKS_LIKE_ENTITIES}"))
_MAY_BE_WIKI = re.compile(as_re2(MARKS))


def mended(text: str) -> str:
    """The text, mended; empty where nothing of it is left."""
    if not text.isascii() and IS_WRONGLY_READ.search(text) is not None:
        text = letters_mended(text)
    if text.startswith(RTF):
        text = text_of_rtf(text)
    if "MsoNormal" in text or "mso-" in text:
        text = without_styles(text)
    if ("<" in text or "&" in text) and _IS_MARKUP.search(text.translate(_DOTLESS)) is not None:
        # Before tags become line breaks: in markup none of its own says anything.
        text = text_of_html(with_breaks(text, is_markup=True))
    text = with_breaks(text)
    if _MAY_BE_WIKI.search(text.translate(_DOTLESS)) is not None and looks_like_wiki(text):
        text = text_of_wiki(text)
    return text


def letters_mended(text: str) -> str:
    """Letters that were read in a wrong encoding as they were meant."""
    import ftfy

    return ftfy.fix_encoding(text)


def with_breaks(text: str, *, is_markup: bool = False) -> str:
    r"""The text with the line breaks that were written out in it (`\n`) broken, where they surely are some."""
    if "\\n" not in text or ("\n" in text and not is_markup) or _SURE_BREAK.search(text) is None:
        return text
    return _WRITTEN_BREAKS.sub(lambda found: found[1] or ("\t" if found[0] == "\\t" else "\n"), text)
