"""The kinds of refusal that every room raises and every door says.

A room derives its concrete errors from one of these kinds, above the function that raises them, and gives each a
stable `code`. It raises them with a `case` and the facts, never with a sentence: `NotFound("data_set_of", name=name)`.
The sentence of each code and case, and what would help at which door, stands in `otai/words/tables`. A door has one
table from kind to HTTP status or exit code and never looks at the concrete class.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any


class OtaiError(Exception):
    """Something a person can act upon: a stable code, its case, and the facts behind it.

    `code` is what programs test for; `case` tells refusals of one code apart; `details` are the JSON-serialisable facts
    that the sentence is made from (missing credits, row, column ...). `written` is the sentence of an error that came
    as one: from an API, from a release before.
    """

    code: str = "error"
    kind: str = "error"

    def __init__(self, case: str = "", /, *, code: str | None = None, written: str = "", **details: Any) -> None:
        super().__init__(case)
        self.case = case
        self.code = code or type(self).code
        self.written = written
        self.details: dict[str, Any] = {name: plain(value) for name, value in details.items()}

    def __str__(self) -> str:
        return self.message

    @property
    def key(self) -> str:
        """Code and case, as the catalogue names them."""
        return f"{self.code}.{self.case}" if self.case else self.code

    @property
    def message(self) -> str:
        """In English, with what would help on the command line."""
        return self.said("command")

    def said(self, door: str, language: str = "en") -> str:
        """The sentence for a door (`page`, `api`, `command`), with what would help there."""
        # Here and not above: a client of the API raises errors and needs no catalogue.
        from otai.words import refusals

        return refusals.say(self.code, self.case, self.details, door=door, language=language, written=self.written)

    def as_fact(self) -> dict[str, Any]:
        """As a fact that another sentence may hold."""
        return {"code": self.key, "values": self.details, "written": self.written}

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for programs that read a command's output: `message` is the English sentence."""
        return {"code": self.code, "case": self.case, "message": self.message, "details": self.details}


def plain(value: Any) -> Any:
    """A fact as JSON holds it; money as cents and currency, another refusal as a fact, what JSON does not know as its
    text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, OtaiError):
        return value.as_fact()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if hasattr(value, "cents") and hasattr(value, "currency"):
        return {"cents": value.cents, "currency": value.currency}
    return str(value)


class Refused(OtaiError):
    """The request was understood, and the state of things does not allow it (HTTP 409)."""

    kind = "refused"


class Invalid(OtaiError):
    """The request itself is wrong: a value, a file, a row (HTTP 422)."""

    kind = "invalid"


class NotFound(OtaiError):
    """There is no such thing, or it belongs to another organisation; the two cannot be told apart (HTTP 404)."""

    kind = "not_found"
    code = "not_found"


class NotAllowed(OtaiError):
    """The person is known, and this is not theirs to do (HTTP 403)."""

    kind = "not_allowed"
    code = "not_allowed"


class Unavailable(OtaiError):
    """Something outside does not answer, or a part is not installed; trying again or installing it may help (HTTP
    503)."""

    kind = "unavailable"
    code = "unavailable"
