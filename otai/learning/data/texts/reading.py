"""The texts of new tickets as an import reads its cells: control characters blanked, of threads and chats the
customer's first words, letters and markup mended. Whole columns: text_reader.py."""

from __future__ import annotations

import re
from collections.abc import Sequence

from otai.learning.data.texts.html_text import LOOKS_LIKE_HTML
from otai.learning.data.texts.mending import as_re2, mended
from otai.learning.data.texts.threads import STARTS_AS_LIST, TREE_MARK, first_customer_message
from otai.learning.data.texts.transcripts import customers_first_words

CONTROL_CHARACTERS = r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"
_CONTROLS = re.compile(CONTROL_CHARACTERS)
_IS_LIST = re.compile(as_re2(STARTS_AS_LIST))
_IS_WHOLE = re.compile(f"{LOOKS_LIKE_HTML}|{STARTS_AS_LIST}|{re.escape(TREE_MARK)}".replace("(?i)", ""), re.IGNORECASE)
"""In a first line: it begins a body, and is no subject."""


def as_imported(texts: Sequence[str], *, chats: bool = False) -> list[str]:
    """The texts of new tickets (subject, line feed, body) as an import reads its cells; one in which there is nothing
    to be read comes back as it is, to the blank.

    `chats`: where a text is a chat, the customer's first words are the ticket, as in the tickets of the training. The
    time it takes grows with the length of the texts alone.
    """
    return ["\n".join(_read(part, chats=chats) for part in _parts(text, chats=chats)) for text in texts]


def _read(cell: str, *, chats: bool) -> str:
    if not _is_text(cell):
        return cell
    read = text_of_cell(cell, chats=chats)
    return cell if read == cell.strip() else read


def text_of_cell(cell: str, *, chats: bool = False) -> str:
    """What a cell says, without blanks at its ends; empty where that is nothing."""
    if chats:
        cell = (customers_first_words(cell) if cell else None) or cell
    elif _IS_LIST.search(cell) is not None or TREE_MARK in cell:
        message = first_customer_message(cell)
        cell = cell if message is None else message
    text = _CONTROLS.sub(" ", cell).strip()
    return mended(text).strip() if text else ""


def _parts(text: str, *, chats: bool) -> list[str]:
    """Subject and body; the text alone where its first line is no subject."""
    subject, newline, body = text.partition("\n")
    if not newline or _IS_WHOLE.search(subject) is not None or (chats and customers_first_words(text) is not None):
        return [text]
    return [subject, body]


def _is_text(text: str) -> bool:
    """Half of a character outside the basic plane is none; no file can hold it."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
