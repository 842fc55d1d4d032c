"""A page of the help as HTML: anchors on its headings, links between pages, no markup of its own, no pictures.

A translated page has the anchors of the English one, heading by heading: an address means the same place in every
language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import PurePosixPath

from django.utils.safestring import SafeString
from markdown_it.token import Token

from otai.web.handbook import pages
from otai.web.markdown import reader
from otai.words.catalogue import ENGLISH

FOR_OPERATORS = "<!-- for operators -->"
"""Stands under the heading of a section, in the English page, that customers are not shown."""
_FIGURE = re.compile(r"(?<=\d) (?=\d{3}\b|%)")
_OF_DECISIONS = re.compile(r",? \(decision \d{4}\)")

OUR_FILE = re.compile(r"(?:otai|docs|tests)[/.][\w/.*-]+$|\d{4}$")
"""A file of the sources, or the number of a decision."""

_reader = reader(re.compile(r"(?:https?://|mailto:|#|[\w./-]+$|[\w./-]+#)", re.I))


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, as plain text for the search. `level` 1 is the page's title, its anchor empty."""

    level: int
    anchor: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A page in the language in which it is there, `html` without its title."""

    name: str
    language: str
    title: str
    html: SafeString
    sections: tuple[Section, ...]

    @property
    def contents(self) -> list[Section]:
        """Its headings of the second level: the table of contents."""
        return [section for section in self.sections if section.level == 2]


@lru_cache(maxsize=512)
def page(name: str, *, language: str, operator: bool) -> HelpPage:
    """The page in the reader's language, or in English where it has none; `name` is one of `pages.names`."""
    written_in = pages.language_of(name, language)
    tokens = _read(name, written_in)
    english = tokens if written_in == ENGLISH else _read(name, ENGLISH)
    _give_anchors(english, english)
    _give_anchors(tokens, english)
    tokens = _without_marks(tokens)
    if not operator:
        tokens = _without_operators_sections(tokens)
    title, tokens = _title(tokens[1]), tokens[3:]
    _lead_to_pages(name, tokens, written_in, operator=operator)
    for token in tokens:
        if not operator:
            token.children = _without_sources(token.children or [])
        _mend(token.children or (), operator=operator)
    sections = _sections(title, tokens)
    _label_cells(tokens)
    for token in tokens:
        if token.type in ("fence", "code_block"):
            # As an indented block: of a fence, attributes would stand inside.
            token.type, token.attrs = "code_block", {"class": "code", "tabindex": "0"}
    html = _reader.renderer.render(list(_framed(tokens)), _reader.options, {})
    return HelpPage(name, written_in, title, SafeString(html), sections)


def anchor_of(title: str, taken: set[str]) -> str:
    """As GitHub makes them: small letters, hyphens for spaces, no punctuation; a second one of a page is counted."""
    plain = "".join(sign for sign in title.lower() if sign in " -_" or unicodedata.category(sign)[0] in "LN")
    anchor = base = plain.strip().replace(" ", "-")
    count = 0
    while anchor in taken:
        count += 1
        anchor = f"{base}-{count}"
    taken.add(anchor)
    return anchor


def _read(name: str, language: str) -> list[Token]:
    tokens = _reader.parse(pages.file_of(name, language).read_text(encoding="utf-8"))
    assert tokens[0].tag == "h1", f"{name} ({language}) begins with its title"
    return tokens


def _headings(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Each heading with what is written in it."""
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            yield token, tokens[place + 1]


def _title(inline: Token) -> str:
    return "".join(part.content for part in inline.children or () if part.type in ("text", "code_inline"))


def _give_anchors(tokens: Sequence[Token], english: Sequence[Token]) -> None:
    """Each heading gets the anchor of the English one, and knows whether that one's section is for operators."""
    taken: set[str] = set()
    marked = [is_mark(below) for below in _below_headings(english)]
    for (heading, _inline), (_heading, title), mark in zip(_headings(tokens), _headings(english), marked, strict=False):
        heading.attrSet("id", anchor_of(_title(title), taken))
        heading.meta["operators"] = mark


def _below_headings(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            yield tokens[place + 3 : place + 6]


def is_mark(tokens: Sequence[Token]) -> bool:
    """Whether a paragraph is the mark alone."""
    return len(tokens) == 3 and tokens[0].type == "paragraph_open" and tokens[1].content == FOR_OPERATORS


def _without_marks(tokens: Sequence[Token]) -> list[Token]:
    marks = [place for place in range(len(tokens)) if is_mark(tokens[place : place + 3])]
    gone = {place + step for place in marks for step in range(3)}
    return [token for place, token in enumerate(tokens) if place not in gone]


@lru_cache(maxsize=64)
def operators_anchors(name: str) -> frozenset[str]:
    """The anchors of the page's sections for operators, with those of what stands below them."""
    tokens = _read(name, ENGLISH)
    _give_anchors(tokens, tokens)
    shown = {str(token.attrGet("id")) for token, _inline in _headings(_without_operators_sections(tokens))}
    return frozenset(str(token.attrGet("id")) for token, _inline in _headings(tokens)) - shown


def _without_operators_sections(tokens: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    left_out = 0
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1])
            if left_out and level <= left_out:
                left_out = 0
            if not left_out and token.meta.get("operators"):
                left_out = level
        if not left_out:
            kept.append(token)
    return kept


def _sections(title: str, tokens: Sequence[Token]) -> tuple[Section, ...]:
    """What is written, by heading, in plain text."""
    found = [(1, "", title, list[str]())]
    is_heading = False
    for token in tokens:
        if token.type == "heading_open":
            found.append((int(token.tag[1]), str(token.attrGet("id") or ""), "", []))
            is_heading = True
        elif token.type == "inline":
            text = " ".join(_words(token).split())
            if is_heading:
                level, anchor, _none, texts = found[-1]
                found[-1] = (level, anchor, text, texts)
                is_heading = False
            else:
                found[-1][3].append(text)
        elif token.type in ("fence", "code_block"):
            found[-1][3].append(token.content)
    return tuple(Section(level, anchor, of, " ".join(texts)) for level, anchor, of, texts in found)


def _words(inline: Token) -> str:
    return "".join(
        " " if part.type in ("softbreak", "hardbreak") else part.content
        for part in inline.children or ()
        if part.type in ("text", "code_inline", "softbreak", "hardbreak")
    )


def _lead_to_pages(name: str, tokens: Sequence[Token], language: str, *, operator: bool) -> None:
    """Links lead to the page here; what leads to a file that is none of the help is words alone."""
    for token in tokens:
        parts = token.children or []
        closing: list[bool] = []
        for part in parts:
            if part.type == "link_open":
                address = _address(name, str(part.attrGet("href")), language, operator=operator)
                closing.append(bool(address))
                if address:
                    part.attrSet("href", address)
                    if address.startswith("http"):
                        part.attrSet("rel", "noopener noreferrer")
                else:
                    _silence(part)
            elif part.type == "link_close" and not closing.pop():
                _silence(part)


def _mend(parts: Sequence[Token], *, operator: bool) -> None:
    """A figure stands on one line with its parts and its percent sign; customers read of no decisions of ours."""
    for part in parts:
        if part.type == "text":
            part.content = _FIGURE.sub("\u00a0", part.content)
            if not operator:
                part.content = _OF_DECISIONS.sub("", part.content)


def _without_sources(parts: Sequence[Token]) -> list[Token]:
    """Without the asides that name a file of ours alone, such as `(otai/units.py)`: those read the sources."""
    kept: list[Token] = []
    place = 0
    while place < len(parts):
        end = _end_of_aside(parts, place)
        if end:
            opening, closing = parts[place], parts[end]
            opening.content = opening.content[:-1].rstrip()
            closing.content = closing.content[1:]
            if opening.content:
                kept.append(opening)
            elif kept and kept[-1].type == "softbreak":
                kept.pop()
            place = end
        else:
            kept.append(parts[place])
            place += 1
    return kept


def _end_of_aside(parts: Sequence[Token], place: int) -> int:
    """Where an aside about our files ends that begins at the end of this text; 0 where none does."""
    if parts[place].type != "text" or not parts[place].content.endswith("("):
        return 0
    has_source = False
    for end in range(place + 1, len(parts)):
        part = parts[end]
        if part.type == "text" and part.content.startswith(")"):
            return end if has_source else 0
        is_source = OUR_FILE.match(part.content) is not None
        if part.content and not is_source:
            return 0
        if part.type in ("link_open", "link_close"):
            return 0
        has_source = has_source or is_source
    return 0


def _silence(part: Token) -> None:
    part.type, part.tag, part.nesting, part.content, part.attrs = "text", "", 0, "", {}


def _address(name: str, link: str, language: str, *, operator: bool) -> str:
    """Where a link of the page leads, relative to its address; empty where the reader has no such page or section."""
    if re.match(r"(?:https?:|mailto:|#)", link, re.I):
        return link
    file, _, anchor = link.partition("#")
    folder = pages.file_of(name, language).parent
    target = PurePosixPath(_resolved(folder.relative_to(pages.DOCS).as_posix(), file).removeprefix(f"{language}/"))
    if target.suffix != ".md":
        return ""
    to = pages.name_of(pages.DOCS / target)
    if to not in pages.names(operator=operator) or (not operator and anchor in operators_anchors(to)):
        return ""
    up = "../" * (name.count("/") + 1)
    return f"{up}{to}/" + (f"#{anchor}" if anchor else "")


def _resolved(folder: str, file: str) -> str:
    parts = [] if folder == "." else folder.split("/")
    for step in file.split("/"):
        if step == ".." and parts:
            parts.pop()
        elif step not in ("", "."):
            parts.append(step)
    return "/".join(parts)


def _framed(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tables in a frame that scrolls by itself, headings with a link to themselves."""
    around = ""
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            around = _title(tokens[place + 1])
        if token.type in ("th_open", "td_open") and (style := str(token.attrs.pop("style", ""))):
            token.attrSet("class", "number" if "right" in style else "")
        if token.type == "table_open":
            token.attrSet("class", "table")
            yield _markup(
                f'<div class="table-frame cards-on-phone" role="group" aria-label="{escape(around)}" tabindex="0">'
            )
        if token.type == "heading_close" and (anchor := tokens[place - 2].attrGet("id")):
            yield _markup(f' <a class="anchor" href="#{escape(str(anchor))}" aria-label="{escape(around)}">#</a>')
        yield token
        if token.type == "table_close":
            yield _markup("</div>")


def _label_cells(tokens: Sequence[Token]) -> None:
    """Each value says the head of its column, which a phone shows beside it; a column without a head has a cell."""
    heads: list[str] = []
    column = 0
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            heads = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            heads.append(_title(tokens[place + 1]))
            if not heads[-1]:
                token.tag = tokens[place + 2].tag = "td"
        elif token.type == "td_open":
            if heads[column]:
                token.attrSet("data-label", heads[column])
            column += 1


def _markup(html: str) -> Token:
    return Token("html_block", "", 0, content=html)
