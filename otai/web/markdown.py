"""Markdown (CommonMark 0.31 with tables) of legal pages as HTML. Markup in it is shown as it is written, pictures are
not, and a link leads to http, https, mailto or a place here."""

from __future__ import annotations

import re

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

_LEADS_TO = re.compile(r"(?:https?://|mailto:|#|/(?!/))", re.I)


class _Reader(MarkdownIt):
    leads_to: re.Pattern[str]

    def validateLink(self, url: str) -> bool:  # noqa: N802 -- the library calls it so
        """Whether the address may be led to; else its markup is shown."""
        return bool(self.leads_to.match(url))


def reader(leads_to: re.Pattern[str]) -> MarkdownIt:
    """Reads Markdown without markup and pictures; links lead to what the pattern matches."""
    made = _Reader("commonmark", {"html": False})
    made.leads_to = leads_to
    return made.enable("table").disable("image")


_reader = reader(_LEADS_TO)


def as_html(text: str) -> SafeString:
    """The text as HTML. A heading of the first level becomes one of the second: the page has its own."""
    tokens = _reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 4)}"
        for part in token.children or ():
            if part.type == "link_open":
                part.attrSet("rel", "noopener")
    return SafeString(_reader.renderer.render(tokens, _reader.options, {}))
