"""The text of a ticket as everything in this room reads it, so that equal tickets stay equal."""

from __future__ import annotations

import hashlib
import unicodedata

# A ticket is read from both ends: what it is about stands at the top, and what was tried last at the bottom.
# Between them a log file or a quoted thread of any length would only cost time.
HEAD_CHARACTERS = 8_000
TAIL_CHARACTERS = 2_000


def normalise(text: str) -> str:
    """The text as the model reads it: one Unicode form, lower case, and cut in the middle when very long."""
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = text[:HEAD_CHARACTERS] + " " + text[-TAIL_CHARACTERS:]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.lower()


def same_text_key(text: str) -> bytes:
    """Equal for texts that differ only in case, blanks or Unicode form; 16 bytes."""
    squeezed = " ".join(normalise(text).split())
    return hashlib.blake2b(squeezed.encode("utf-8", "surrogatepass"), digest_size=16).digest()
