"""Which `<blockquote>` of a mail is the mail that it answers, and which is what the customer quotes.

While a mail's markup becomes text, marks stand where such blocks begin and end. Afterwards the lines of an earlier mail
are marked as plain texts mark them ("> "), so that the cutting finds them; other blocks are lines as any other.
"""

from __future__ import annotations

import re

from otai.learning.data.mail_patterns import FROM, WROTE

BEGINS_HISTORY, MAY_BEGIN_HISTORY, BEGINS, ENDS = "\ue5e0", "\ue5e1", "\ue5e2", "\ue5e3"
"""Signs of nobody's alphabet: a block that a mail program called a quote; a block without a word of what it is; one
that only moves its text to the right; the end of any."""
ALL_MARKS = re.compile("[\ue5e0-\ue5e3]")
_CITES = re.compile(
    r"type\s?+=\s?+[\"']?cite|class\s?+=\s?+[\"'][^\"']{0,200}?(?:quote|cite|history)|\bcite\s?+=", re.IGNORECASE
)
_MOVES = re.compile(r"border(?:-left)?\s?+:\s?+(?:none|0|medium none)", re.IGNORECASE)
_INTRODUCED = re.compile(rf"{WROTE}[^\n]{{0,120}}:|^[ \t>*]*{FROM}[ \t]*:", re.IGNORECASE | re.MULTILINE)


def mark_of(attributes: str) -> str:
    """The mark for the beginning of a block with these attributes, as they are written in its tag."""
    if _CITES.search(attributes):
        return BEGINS_HISTORY
    return BEGINS if _MOVES.search(attributes) else MAY_BEGIN_HISTORY


def without_marks(source: str) -> str:
    """Markup in which no such sign stands yet."""
    return ALL_MARKS.sub("", source)


def with_quotes(text: str) -> str:
    """The text with "> " before the lines of earlier mails, and without marks. What stands in no block stays."""
    if ALL_MARKS.search(text) is None:
        return text
    parts = re.split("([\ue5e0-\ue5e3])", text)
    ends = _ends(parts)
    if not any(part.strip() for part, inside in _with_depth(parts) if not inside):
        # Nothing else was written: it is the text.
        return ALL_MARKS.sub("", text)
    made: list[str] = []
    history: list[int] = []
    for at, part in enumerate(parts):
        if not ALL_MARKS.fullmatch(part):
            made.append(_quoted(part, len(history)) if history else part)
        elif part == ENDS:
            if history and ends.get(history[-1]) == at:
                history.pop()
        elif _is_history(parts, at, ends.get(at, len(parts)), is_within=bool(history)):
            history.append(at)
    return "".join(made)


def _with_depth(parts: list[str]) -> list[tuple[str, int]]:
    """Texts with the number of blocks around each."""
    depth, told = 0, []
    for part in parts:
        if ALL_MARKS.fullmatch(part):
            depth = max(depth - 1, 0) if part == ENDS else depth + 1
        else:
            told.append((part, depth))
    return told


def _ends(parts: list[str]) -> dict[int, int]:
    """Of each beginning where its block ends."""
    opened: list[int] = []
    ends: dict[int, int] = {}
    for at, part in enumerate(parts):
        if part == ENDS:
            if opened:
                ends[opened.pop()] = at
        elif ALL_MARKS.fullmatch(part):
            opened.append(at)
    return ends


def _is_history(parts: list[str], at: int, end: int, *, is_within: bool) -> bool:
    if parts[at] == BEGINS_HISTORY:
        return True
    if parts[at] == BEGINS:
        return False
    if is_within:
        return True
    before = ALL_MARKS.sub("", "".join(parts[max(at - 4, 0) : at])).strip()
    inside = next((part for part in parts[at + 1 : end] if part.strip() and not ALL_MARKS.fullmatch(part)), "")
    if _INTRODUCED.search(before[-300:]) or _INTRODUCED.search(inside[:300]):
        return True
    # At the end of a mail stands what it answers; below "it says:" what the customer quotes.
    is_last = not any(part.strip() for part in parts[end + 1 :] if not ALL_MARKS.fullmatch(part))
    return is_last and bool(before) and not before.endswith(":")


def _quoted(part: str, depth: int) -> str:
    sign = ">" * depth + " "
    return "\n".join(f"{sign}{line}" if line.strip() else line for line in part.split("\n"))
