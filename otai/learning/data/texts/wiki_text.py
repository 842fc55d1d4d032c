"""Jira's wiki markup as the text that a person would read: what it frames stays, the frames go."""

from __future__ import annotations

import re

MARKS = r"\{(?:code|color|noformat|quote|panel|adf)|\[~|(?i:\.(?:png|jpe?g|gif)!)|\|(?:thumbnail|width=|http|mailto:|smart-link)|(?m:^[ \t]*h[1-5]\. )"
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
_TABLE_HEADS = re.compile(r"\|\|")


def looks_like_wiki(text: str) -> bool:
    """Whether it bears marks that nobody types by accident."""
    found = (_MACROS, _PICTURES, _MENTIONS, _HEADINGS, _LINKS)
    return any(pattern.search(text) is not None for pattern in found)


def text_of_wiki(text: str) -> str:
    """Macros, pictures, mentions and headings without their marks; links as the words that they stand behind."""
    text = _PICTURES.sub("", _MACROS.sub("", text))
    text = _BARE_LINKS.sub(r"\1", _LINKS.sub(r"\1", _MENTIONS.sub("", text)))
    text = _TABLE_HEADS.sub(" ", _HEADINGS.sub("", text))
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
