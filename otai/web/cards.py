"""Tables on a phone: each row is a card, in which the head of a column stands beside each value."""

from __future__ import annotations

import re

_HEAD = re.compile(r"<thead.*?</thead>", re.S)
_ROW = re.compile(r"<tr\b.*?</tr>", re.S)
_CELL = re.compile(r"<(t[hd])\b((?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>")
_CELLS = re.compile(r"<(?:th|td)\b((?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>(.*?)</(?:th|td)>", re.S)
_SPAN = re.compile(r"\bcolspan=\"?(\d+)")
_UNSEEN = re.compile(r"<span class=\"hidden-visually\">.*?</span>", re.S)
_TAG = re.compile(r"<[^>]*>")


def labelled(table: str) -> str:
    """The table's markup with `data-label` at each value: the words of its column's head, for the style sheet to show.

    A row's own head (`<th>`) and a value across columns have none, nor has a column whose head is for screen readers
    alone: buttons say what they do.
    """
    head = _HEAD.search(table)
    if head is None:
        return table
    labels = _labels(head.group())
    body = table[head.end() :]
    return table[: head.end()] + _ROW.sub(lambda row: _row(row.group(), labels), body)


def _labels(head: str) -> list[str]:
    rows = _ROW.findall(head)
    labels: list[str] = []
    for attributes, content in _CELLS.findall(rows[-1] if rows else ""):
        words = " ".join(_TAG.sub(" ", _UNSEEN.sub("", content)).split())
        labels += [words.replace('"', "&quot;")] * _span(attributes)
    return labels


def _row(row: str, labels: list[str]) -> str:
    column = 0

    def cell(found: re.Match[str]) -> str:
        nonlocal column
        name, attributes = found.groups()
        here, spans = column, _span(attributes)
        column += spans
        label = labels[here] if here < len(labels) and name == "td" and spans == 1 else ""
        return f'<{name} data-label="{label}"{attributes}>' if label else found.group()

    return _CELL.sub(cell, row)


def _span(attributes: str) -> int:
    found = _SPAN.search(attributes)
    return int(found.group(1)) if found else 1
