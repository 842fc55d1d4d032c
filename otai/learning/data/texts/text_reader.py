"""Whole columns of subjects and bodies as texts: control characters blanked, of threads and chats the
customer's first words, letters and markup mended."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from otai.learning.data.texts.reading import CONTROL_CHARACTERS
from otai.learning.data.texts.text_mending import Mended, TextMender, holds, holds_any
from otai.learning.data.texts.threads import STARTS_AS_LIST, TREE_MARK, first_customer_message
from otai.learning.data.texts.transcripts import customers_first_words

_CONTROLS = bytes((*range(1, 9), 11, 12, *range(14, 32), 127))


@dataclass(slots=True)
class TextReader:
    """Cells as texts, and what was changed on the way. `mended`, `control_characters` and `threads` count texts."""

    mended: Mended = field(default_factory=Mended)
    control_characters: int = 0
    threads: int = 0
    reads_chats: bool = False
    """Whether a text is a chat of which the customer's first words are the ticket."""

    def texts_of(self, cells: pa.Array) -> pa.Array:
        """Letters and markup mended, of whole threads the customer's first message; null where nothing is left."""
        texts = null_where_blank(self.without_controls(self._messages(cells)))
        return null_where_blank(TextMender(self.mended).mend(texts))

    def without_controls(self, texts: pa.Array) -> pa.Array:
        """The texts with a blank for each control character; counts them."""
        found = holds_any(texts, _CONTROLS) and pc.sum(pc.match_substring_regex(texts, CONTROL_CHARACTERS)).as_py()
        if not found:
            return texts
        self.control_characters += found
        return pc.replace_substring_regex(texts, CONTROL_CHARACTERS, " ")

    def _messages(self, texts: pa.Array) -> pa.Array:
        if self.reads_chats:
            read = [customers_first_words(text) if text else None for text in texts.to_pylist()]
            self.threads += sum(text is not None for text in read)
            return pc.coalesce(pa.array(read, pa.string()), texts)
        # Hardly a batch has either sign, and both are looked for much sooner than the expression is.
        if not holds(texts, (b"{", TREE_MARK.encode())):
            return texts
        threads = pc.fill_null(
            pc.or_(pc.match_substring_regex(texts, STARTS_AS_LIST), pc.match_substring(texts, TREE_MARK)), False
        )
        if not pc.any(threads).as_py():
            return texts
        read = [first_customer_message(text) for text in texts.filter(threads).to_pylist()]
        self.threads += sum(text is not None for text in read)
        made = pc.replace_with_mask(texts, threads, pa.array(read, pa.string()))
        return pc.if_else(pc.is_null(made), texts, made)

    def add(self, other: TextReader) -> None:
        """Counts what another counted as well, of other texts."""
        self.control_characters += other.control_characters
        self.threads += other.threads
        self.mended.add(other.mended)


def null_where_blank(texts: pa.Array) -> pa.Array:
    """Texts without blanks at their ends; null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(texts)
    empty = pc.equal(pc.binary_length(trimmed), 0)
    return pc.if_else(empty, pa.scalar(None, pa.string()), trimmed) if pc.any(empty).as_py() else trimmed
