"""Jira's wiki markup as the text that a person would read: what it frames stays, the frames go."""

from __future__ import annotations

import re

_FRAMED_LINE = "|".join(rf"{sign}[^\s{sign}][^{sign}\n]*{sign}(?:[\s,.:;!?]|$)" for sign in (r"\*", "_", r"\+"))
MARKS = (
    r"\{(?:code|color|noformat|quote|panel|adf)|\[~|(?i:\.(?:png|jpe?g|gif)!)|\{\{|"
    r"\|(?:thumbnail|width=|http|mailto:|smart-link)|"
    rf"(?m:^[ \t]*(?:h[1-6]\. |bq\. |\|\||{_FRAMED_LINE}))"
)
"""A text without any of these has no markup. RE2 and Python syntax."""

_MACROS = re.compile(
    r"\{(?:code|color|noformat|quote|panel|anchor|expand|info|note|tip|warning|adf|toc)(?::[^{}\n]{0,300})?\}"
)
_PICTURES = re.compile(
    r"!(?!\s)[^!\n|]{1,250}\.(?:png|jpe?g|gif|bmp|svg|webp|pdf|mp4|mov|docx?|xlsx?)(?:\|[^!\n]{0,200})?!", re.IGNORECASE
)
_MENTIONS = re.compile(r"\[~[^\]\n]{1,200}\]")
_LINKS = re.compile(r"\[([^\[\]|\n]{1,300})\|(?:https?:|mailto:|#|\^|/|file:)[^\[\]\n]{0,2000}\]")
_BARE_LINKS = re.compile(r"\[((?:https?:|mailto:)[^\[\]|\s]{1,2000})\]")
_HEADINGS = re.compile(r"^[ \t]*(?:h[1-6]|bq)\.[ \t]+", re.MULTILINE)
_FRAMED = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]{0,200}[^\s*])\*(?![\w*])|(?<![\w_])_(?=[^\s_])([^_\n]{0,200}[^\s_])_(?![\w_])|"
    r"(?<![\w+])\+(?=[^\s+\d])([^+\n]{0,200}[^\s+])\+(?![\w+])|\{\{([^{}\n]{1,300})\}\}"
)
"""*bold*, _italic_, +inserted+ and {{as typed}}, as Jira and plain mails write them."""
_FRAMED_AT_START = re.compile(
    r"^[ \t]*+(?:\*[^\s*][^*\n]{0,200}\*|_[^\s_][^_\n]{0,200}_|\+[^\s+\d][^+\n]{0,200}\+)(?=[\s,.:;!?]|$)", re.MULTILINE
)
_TYPED = re.compile(r"\{\{[^{}\n]{1,300}\}\}")
_HEAD_ROW = re.compile(r"^[ \t]*+\|\|[^|\n]{1,300}\|\|", re.MULTILINE)
_POINTS = re.compile(r"^[ \t]*+(?:\*{1,6}|#{1,6})[ \t]++(?=\S)", re.MULTILINE)
_LINES = re.compile(r"^[ \t]*+-{4,5}[ \t]*+$", re.MULTILINE)
_ROWS = re.compile(r"^[ \t]*+\|([^\n]*)\|[ \t]*$", re.MULTILINE)


def looks_like_wiki(text: str) -> bool:
    """Whether it bears marks that nobody types by accident."""
    found = (_MACROS, _PICTURES, _MENTIONS, _HEADINGS, _LINKS, _TYPED, _FRAMED_AT_START, _HEAD_ROW)
    return any(pattern.search(text) is not None for pattern in found)


def text_of_wiki(text: str) -> str:
    """Macros, pictures, mentions, headings, lists, tables and framed words without their marks; links as the words that
    they stand behind."""
    text = _PICTURES.sub("", _MACROS.sub("", text))
    text = _BARE_LINKS.sub(r"\1", _LINKS.sub(r"\1", _MENTIONS.sub("", text)))
    text = _LINES.sub("", _POINTS.sub("", _HEADINGS.sub("", text)))
    text = _ROWS.sub(lambda row: " ".join(row[1].replace("|", " ").split()), text)
    text = _FRAMED.sub(lambda framed: next(words for words in framed.groups() if words is not None), text)
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
