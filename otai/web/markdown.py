"""Markdown of legal pages as HTML: headings, paragraphs, lists, emphasis, code, rules, links. Nothing else: markup in
it is shown as it is written, pictures are not, and a link leads to http, https, mailto or a place here."""

from __future__ import annotations

import re

from django.utils.html import escape
from django.utils.safestring import SafeString

_LIST = re.compile(r"\s{0,3}(?:(?P<bullet>[-*+])|(?P<number>\d{1,9})[.)])\s+(?P<said>.*)")
_HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<said>.*?)\s*#*")
_RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,})\s*")
_LINK = re.compile(r"\[([^\]\n]{1,300})\]\(((?:https?://|mailto:|/(?!/))[^\s()]{1,1000})\)")
_CODE = re.compile(r"`([^`\n]+)`")
_STRONG = re.compile(r"\*\*(?=\S)([^\n]+?)(?<=\S)\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])[*_](?=\S)([^*_\n]+?)(?<=\S)[*_](?![\w*])")


def as_html(text: str) -> SafeString:
    """The text as HTML. A heading of the first level becomes one of the second: the page has its own."""
    blocks: list[str] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        blocks += _block([line for line in block.split("\n") if line.strip()])
    return SafeString("\n".join(blocks))


def _block(lines: list[str]) -> list[str]:
    """A block's parts: a heading may stand right above its paragraph, a list right below one."""
    parts: list[str] = []
    words: list[str] = []
    kind, items = "", []  # type: str, list[str]

    def finish() -> None:
        nonlocal kind
        if words:
            parts.append(f"<p>{_inline(' '.join(words))}</p>")
            words.clear()
        if items:
            parts.append(f"<{kind}>{''.join(f'<li>{_inline(one)}</li>' for one in items)}</{kind}>")
            items.clear()
        kind = ""

    for line in lines:
        if heading := _HEADING.fullmatch(line.strip()):
            finish()
            level = min(len(heading["marks"]) + 1, 4)
            parts.append(f"<h{level}>{_inline(heading['said'])}</h{level}>")
        elif _RULE.fullmatch(line):
            finish()
            parts.append("<hr>")
        elif item := _LIST.fullmatch(line):
            wanted = "ul" if item["bullet"] else "ol"
            if kind != wanted:
                finish()
                kind = wanted
            items.append(item["said"])
        elif items:
            items[-1] += " " + line.strip()
        else:
            words.append(line.strip())
    finish()
    return parts


def _inline(text: str) -> str:
    text = escape(text)
    text = _CODE.sub(r"<code>\1</code>", text)
    text = _STRONG.sub(r"<strong>\1</strong>", text)
    text = _EMPHASIS.sub(r"<em>\1</em>", text)
    return _LINK.sub(r'<a href="\2" rel="noopener">\1</a>', text)
