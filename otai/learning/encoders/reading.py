"""What of a text an encoder reads: cleaned of what no tokeniser takes, and cut where more would cost time and change
little.

How much is worth reading was measured: docs/experiments-encoders.md.
"""

from __future__ import annotations

from collections.abc import Sequence

# A hundred thousand words of log file must not be tokenised to read the first 256 pieces. A piece is seldom longer than
# four letters; sixteen leaves room for long words and for runs of blanks that the tokeniser drops.
CHARACTERS_PER_TOKEN = 16


def ticket_text(subject: str | None, body: str | None) -> str:
    """Subject, newline, body: the form in which a ticket is encoded everywhere, and by whose content it is cached."""
    return "\n".join(part.strip() for part in (subject, body) if part and part.strip())


def readable(text: str | None, *, head_tokens: int, tail_tokens: int = 0) -> str:
    """The text without what UTF-8 cannot carry, and without the middle that no encoder of that size would reach."""
    if not text:
        return ""
    head, tail = head_tokens * CHARACTERS_PER_TOKEN, tail_tokens * CHARACTERS_PER_TOKEN
    if len(text) > head + tail:
        text = text.lstrip()
    if len(text) > head + tail:
        text = text[:head] + (" " + text[-tail:] if tail else "")
    # Half a surrogate pair comes out of a broken JSON export; NUL out of a binary attachment pasted as text.
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ")


def cut(tokens: Sequence[int], *, head_tokens: int, tail_tokens: int = 0) -> list[int]:
    """The first `head_tokens` and, of a longer text, the last `tail_tokens`."""
    if len(tokens) <= head_tokens + tail_tokens:
        return list(tokens)
    return [*tokens[:head_tokens], *(tokens[-tail_tokens:] if tail_tokens else ())]
