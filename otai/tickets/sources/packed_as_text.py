"""Files packed as text (base64), as mails, web pages and APIs carry them: what is inside is told, so that the customer
knows what to unpack."""

from __future__ import annotations

import base64
import binascii
import re

from otai.words.sentences import Fact

LEAST_SIGNS = 60
"""Shorter texts of such signs may be a word."""
_DATA_ADDRESS = re.compile(r"data:[\w.+-]{0,80}/?[\w.+-]{0,80}(?:;[\w=.-]{1,80})*;base64,", re.IGNORECASE)
_BEGINNING = re.compile(r"begin-base64 \d{3} [^\n]{1,200}\n|-----BEGIN [A-Z ]{1,60}-----\n")
_LINES = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
_CONTENT: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "file_zip"),
    (b"%PDF", "file_pdf"),
    (b"\x1f\x8b", "file_gzip"),
    (b"\xd0\xcf\x11\xe0", "file_compound"),
    (b"PAR1", "file_parquet"),
    (b"\x89PNG", "file_picture"),
    (b"\xff\xd8\xff", "file_picture"),
    (b"GIF8", "file_picture"),
    (b"Rar!", "file_rar"),
    (b"7z\xbc\xaf", "file_7z"),
    (b"{\\rtf", "file_rtf"),
)

_READABLE = frozenset(
    ("file_zip", "file_gzip", "file_compound", "file_parquet", "file_json", "file_markup", "file_table")
)


def packed_as_text(start: str) -> Fact | None:
    """What the beginning of a text is, if it is base64 ("file_base64" with what is inside); None for anything else."""
    address = _DATA_ADDRESS.match(start.lstrip("\"'"))
    rest = start.lstrip("\"'")[address.end() :] if address else start
    begun = _BEGINNING.match(rest)
    rest = rest[begun.end() :] if begun else rest
    lines = rest.rstrip("\"' \r\n").split()
    # The last line of a beginning is cut where reading ended, and in a whole file it is shorter.
    if not lines or any(_LINES.fullmatch(line) is None for line in lines[:-1]):
        return None
    if any(len(line) != len(lines[0]) for line in lines[:-1]) or len("".join(lines)) < LEAST_SIGNS:
        return None
    content = _unpacked("".join(re.findall(r"[A-Za-z0-9+/_-]+", "".join(lines))))
    inside = _kind_of(content) if content is not None else None
    return Fact("file_base64", {"inside": Fact(inside).as_dict()}) if inside is not None else None


def instead_of(packed: Fact) -> Fact:
    """What to do about a file packed as text: unpack it, or export tickets where there are none inside."""
    is_readable = packed.values["inside"]["code"] in _READABLE
    return Fact("instead_unpacked" if is_readable else "instead_unpacked_no_tickets")


def _unpacked(signs: str) -> bytes | None:
    try:
        return base64.b64decode(signs[: len(signs) // 4 * 4], altchars=b"-_" if re.search("[-_]", signs) else None)
    except (binascii.Error, ValueError):
        return None


def _kind_of(content: bytes) -> str | None:
    for beginning, kind in _CONTENT:
        if content.startswith(beginning):
            return kind
    for encoding in ("utf-16", "utf-8") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "cp1252"):
        try:
            # A letter of several bytes may be cut at the end.
            text = content[: len(content) // 4 * 4 - 4].decode(encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
        if text and sum(sign.isprintable() or sign in "\r\n\t" for sign in text) == len(text) and " " in text + "\n":
            return _kind_of_text(text)
    return None


def _kind_of_text(text: str) -> str | None:
    if text.startswith(("{", "[")):
        return "file_json"
    if text.startswith("<"):
        return "file_markup"
    first = text.partition("\n")[0]
    is_table = "\n" in text and any(sign in first for sign in ",;\t|")
    is_of_words = sum(sign.isalpha() or sign.isspace() for sign in text) >= 0.6 * len(text)
    if is_table:
        return "file_table"
    return "file_plain_text" if is_of_words and " " in text else None
