"""Texts made equal in case and blanks, for telling which are the same: a whole column at once, in a third of the time
that it takes text by text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_END = "\0"
_BLANKS = bytes.maketrans(b"\t\n\v\f\r\x1c\x1d\x1e\x1f", b" " * 9)
_GENERAL_PUNCTUATION = b"\xe2\x80"
_WIDE_BLANKS = ("\x85", "\xa0", "\u1680", "\u205f", "\u3000")
_PUNCTUATING_BLANKS = (*map(chr, range(0x2000, 0x200B)), "\u2028", "\u2029", "\u202f")
"""Blanks beyond ASCII; of these the first two bytes are those of dashes and quotation marks as well."""
_TOLD_BY_CONTEXT = ("\u03a3".encode(), "\u0130".encode())
"""A capital sigma, which ends words in another letter, and the Turkish capital i: Python lowers them otherwise."""


def normal_texts(texts: pa.Array) -> list[bytes]:
    """Each text in lower case, its blanks one space each and none at its ends, as UTF-8. None of them may be null."""
    quickly = _normal_together(pc.binary_join_element_wise(texts, "", _END))
    return [_normal(text) for text in texts.to_pylist()] if len(quickly) != len(texts) else quickly


def _normal(text: str) -> bytes:
    return " ".join(text.lower().split()).encode("utf-8", "surrogatepass")


def _normal_together(ended: pa.Array) -> list[bytes]:
    """The texts between their ends; as many as there are ends in them, or none where they must be read one by one."""
    given = _bytes_of(ended)
    if any(sign in given for sign in _TOLD_BY_CONTEXT):
        return []
    data = _bytes_of(pc.utf8_lower(ended)).translate(_BLANKS)
    if not data.isascii():
        blanks = _WIDE_BLANKS if _GENERAL_PUNCTUATION not in data else (*_WIDE_BLANKS, *_PUNCTUATING_BLANKS)
        for blank in blanks:
            data = data.replace(blank.encode(), b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    data = data.lstrip(b" ").replace(b" \0", b"\0").replace(b"\0 ", b"\0")
    return data.split(b"\0")[:-1]


def _bytes_of(made: pa.Array) -> bytes:
    buffer = made.buffers()[2]
    return b"" if buffer is None else buffer.to_pybytes()
