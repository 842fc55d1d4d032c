"""Tables on a phone are cards: each value names its column, in the words of the column's head."""

from __future__ import annotations

import re
from html.parser import HTMLParser


def mislabelled(page: str) -> list[str]:
    """Of tables in a frame that have a head: the cells whose `data-label` is not what their column's head says.

    A row's own head (`<th>`) and a value across columns have none, nor has a column whose head is for screen readers
    alone: buttons say what they do.
    """
    reader = _Tables()
    reader.feed(page)
    return reader.wrong


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.heads: list[str] = []
        self.frames, self.unseen, self.column = 0, 0, 0
        self.in_head, self.in_cell = False, False
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = (given.get("class") or "").split()
        if tag == "div":
            self.frames += "cards-on-phone" in classes or self.frames > 0
        if not self.frames:
            return
        if tag == "table":
            self.heads = []
        elif tag == "thead":
            self.in_head = True
        elif tag == "tr":
            self.column = 0
            self.heads = [] if self.in_head else self.heads
        elif tag in ("td", "th"):
            self._cell(tag, given)
        elif tag == "span" and self.in_cell:
            self.unseen += self.unseen > 0 or "hidden-visually" in classes

    def _cell(self, tag: str, given: dict[str, str | None]) -> None:
        spans = int(given.get("colspan") or 1)
        if self.in_head:
            self.in_cell, self.words, self.column = True, "", spans
        elif self.heads:
            head = self.heads[self.column] if self.column < len(self.heads) else ""
            wanted = head if tag == "td" and spans == 1 else ""
            if (given.get("data-label") or "") != wanted:
                self.wrong.append(f"{given.get('data-label')!r} under {wanted!r}")
            self.column += spans

    def handle_data(self, data: str) -> None:
        if self.in_cell and not self.unseen:
            self.words += f"{data} "

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self.frames:
            self.frames -= 1
        elif tag == "thead":
            self.in_head = False
        elif tag == "span" and self.unseen:
            self.unseen -= 1
        elif tag in ("td", "th") and self.in_cell:
            self.heads += [" ".join(re.split(r"[ \n]+", self.words.strip()))] * self.column
            self.in_cell = False
