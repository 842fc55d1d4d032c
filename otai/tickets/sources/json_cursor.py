"""A cursor in a stream of JSON: values one by one, in bounded memory, whatever lies around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from otai.tickets.limits import Limits
from otai.tickets.problems import DatasetInvalid, refused
from otai.words.sentences import Fact

READ_CHARACTERS = 1 << 20
BLANK = " \t\r\n\ufeff"


def _as_text(name: str) -> str:
    # NaN and Infinity are no JSON, but exports of data frames have them: as text they are seen as missing.
    return name


DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_as_text, strict=False)
"""Numbers stay as they are written: 007 is no JSON, but 1.10 and 1e5 are, and as labels they are names. Line breaks
inside texts pass."""


def parse(text: str) -> Any:
    """The value of a JSON text, numbers as their text (`DECODER`). Raises ValueError where it is none, RecursionError
    where it is nested too deeply."""
    return DECODER.decode(text.strip(BLANK))


def reason_of(error: Exception) -> Fact:
    """Why `parse` failed, as a fact: where the text is wrong, or that it is nested too deeply."""
    if isinstance(error, json.JSONDecodeError):
        return Fact("json_error_at", {"error": error.msg, "character": error.pos + 1})
    return Fact("json_nested") if isinstance(error, RecursionError) else Fact("json_error", {"error": str(error)})


def kind_of(document: Any) -> Fact:
    """What stands where an object should."""
    if isinstance(document, list):
        return Fact("json_list")
    return Fact("json_scalar" if document is not None else "json_null")


class Cursor:
    """A place in a JSON text. What is read is forgotten; no more than one value is held."""

    def __init__(self, handle: TextIO, limits: Limits) -> None:
        self._handle = handle
        self._most = 4 * limits.field_characters
        self._buffer, self._at, self._is_end = "", 0, False
        self._read = 0
        self.elements = 0
        """Of lists, so far: for saying where damage lies."""

    @property
    def read(self) -> int:
        """Characters passed so far."""
        return self._read - (len(self._buffer) - self._at)

    def _more(self) -> None:
        # Twice as much each time a value is longer than what is here, so that reading a long one stays linear.
        chunk = self._handle.read(max(READ_CHARACTERS, len(self._buffer) - self._at))
        self._is_end = not chunk
        self._read += len(chunk)
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0

    def peek(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in BLANK:
                self._at += 1
            if self._at < len(self._buffer) or self._is_end:
                return self._buffer[self._at : self._at + 1]
            self._more()

    def skip(self, character: str) -> bool:
        """Passes over the character, if it is the next."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def must(self, *characters: str) -> str:
        """Steps over the next character, which must be one of these. Raises DatasetInvalid."""
        found = self.peek()
        if found not in characters or not found:
            raise self.damaged(Fact("json_expected", {"expected": list(characters), "found": found}))
        self._at += 1
        return found

    def value(self) -> tuple[Any, int]:
        """The next value and its length in characters. Raises DatasetInvalid where none can be read."""
        self.peek()
        while True:
            try:
                found, end = DECODER.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                raise self.damaged(reason_of(error)) from None
            except ValueError as error:
                if self._is_end or len(self._buffer) - self._at > self._most:
                    raise self.damaged(reason_of(error)) from None
            else:
                # A number or a word at the buffer's end may go on.
                if end < len(self._buffer) or self._is_end or isinstance(found, dict | list):
                    size, self._at = end - self._at, end
                    return found, size
            self._more()

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; whoever takes one reads its value before the next."""
        self.must("{")
        if self.skip("}"):
            return
        while True:
            if self.peek() != '"':
                raise self.damaged(Fact("json_expected_key", {"found": self.peek()}))
            key, _ = self.value()
            self.must(":")
            yield str(key)
            if self.must(",", "}") == "}":
                return

    def items(self) -> Iterator[None]:
        """Stands before each element of the list that begins here in turn; whoever takes one reads it before the
        next."""
        self.must("[")
        if self.skip("]"):
            return
        while True:
            self.elements += 1
            yield
            if self.must(",", "]") == "]":
                return
            # A comma too many before the end is common in files put together by hand.
            if self.skip("]"):
                return

    def pass_over(self) -> None:
        """The next value, without holding a list or an object whole."""
        if self.peek() == "[":
            for _ in self.items():
                self.pass_over_flat()
        elif self.peek() == "{":
            for _ in self.members():
                self.pass_over_flat()
        else:
            self.value()

    def pass_over_flat(self) -> None:
        """Lists and objects of the second level are passed over piece by piece as well; below it each is held for a
        moment."""
        if self.peek() == "[":
            for _ in self.items():
                self.value()
        elif self.peek() == "{":
            for _ in self.members():
                self.value()
        else:
            self.value()

    def damaged(self, reason: Fact) -> DatasetInvalid:
        """The refusal of a file that cannot be read on from here."""
        return refused("json_damaged", reason=reason, character=self.read, row=self.elements or None)
