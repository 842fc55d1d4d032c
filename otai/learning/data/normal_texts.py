"""Texts made equal in case and blanks, for telling which are the same: a whole column at once, in a third of the time
that it takes text by text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_END = "\0"
_BLANKS = bytes.maketrans(b"\t\n\v\f\r\x1c\x1d\x1e\x1f", b" " * 9)
_WIDE_BLANKS = {
    b"\xc2": ("\x85", "\xa0"),
    b"\xe1": ("\u1680",),
    b"\xe2": (*map(chr, range(0x2000, 0x200B)), "\u2028", "\u2029", "\u202f", "\u205f"),
    b"\xe3": ("\u3000",),
}
"""Blanks beyond ASCII by their first byte: one byte is looked for ten times as quickly as several."""
_TOLD_BY_CONTEXT = {b"\xce": "\u03a3".encode(), b"\xc4": "\u0130".encode()}
"""A capital sigma, which ends words in another letter, and the Turkish capital i: Python lowers them otherwise. By
their first byte, too."""


def normal_texts(texts: pa.Array) -> list[bytes]:
    """Each text in lower case, its blanks one space each and none at its ends, as UTF-8. None of them may be null."""
    quickly = _normal_together(pc.binary_join_element_wise(texts, "", _END))
    return [_normal(text) for text in texts.to_pylist()] if len(quickly) != len(texts) else quickly


def _normal(text: str) -> bytes:
    return " ".join(text.lower().split()).encode("utf-8", "surrogatepass")


def _normal_together(ended: pa.Array) -> list[bytes]:
    """The texts between their ends; as many as there are ends in them, or none where they must be read one by one."""
    given = _bytes_of(ended)
    if any(first in given and sign in given for first, sign in _TOLD_BY_CONTEXT.items()):
        return []
    data = _bytes_of(pc.utf8_lower(ended)).translate(_BLANKS)
    for first, blanks in _WIDE_BLANKS.items():
        if first in data:
            for blank in blanks:
                data = data.replace(blank.encode(), b" ")
    return _with_single_blanks(data).split(b"\0")[:-1]


def _with_single_blanks(data: bytes) -> bytes:
    """Without blanks before others and at both ends of texts."""
    signs = np.frombuffer(data, np.uint8)
    is_blank, is_end = signs == ord(" "), signs == 0
    is_followed = is_blank[:-1] & (is_blank[1:] | is_end[1:])
    if is_followed.any():
        data = np.append(signs[:-1][~is_followed], signs[-1:]).tobytes()
    begins_blank = data.startswith(b" ") or bool((is_end[:-1] & is_blank[1:]).any())
    return data.lstrip(b" ").replace(b"\0 ", b"\0") if begins_blank else data


def _bytes_of(made: pa.Array) -> bytes:
    buffer = made.buffers()[2]
    return b"" if buffer is None else buffer.to_pybytes()
