"""A text a line with its labels in front of it, as fastText is taught: `__label__billing the invoice is wrong`."""

from __future__ import annotations

from collections.abc import Iterator

from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.table import Noted, RowBatch, RowBatcher, read_as
from otai.tickets.sources.text import TextFile, position_in_file
from otai.words.sentences import Fact

LABEL_MARK = "__label__"


class MarkedLinesSource:
    """A table of the columns `labels` (lists, where a line has several) and `text`. Rows are lines, numbered from 1."""

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._limits = text.limits
        self._position = 0
        self.noted = Noted(mixed_encodings=text.is_mixed)
        self.columns = ["labels", "text"]
        self._are_several = any(len(labels) > 1 for _, labels, _ in self._lines(BadRows(skip=True)))
        self.format = read_as(Fact("format_marked_lines"), *text.written_in)

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """One ticket a line."""
        batch = RowBatcher(2)
        for number, labels, words in self._lines(bad):
            told = labels if self._are_several else (labels[0] if labels else None)
            if batch.add(number, [told, words], len(words)):
                yield batch.take()
        if len(batch):
            yield batch.take()

    def _lines(self, bad: BadRows) -> Iterator[tuple[int, list[str], str]]:
        with self._text.open() as handle:
            for number, line in enumerate(handle, start=1):
                if number > self._limits.rows:
                    raise refused("rows", most=self._limits.rows, row=number)
                if number & 0xFF == 0:
                    self._position = position_in_file(handle)
                words = line.lstrip("\ufeff").split()
                labels = []
                while words and words[0].startswith(LABEL_MARK):
                    labels.append(words.pop(0)[len(LABEL_MARK) :])
                if words and len(line) > self._limits.field_characters:
                    bad.add(number, "text", "field_long", most=self._limits.field_characters)
                elif labels or words:
                    yield number, [label for label in labels if label], " ".join(words)
