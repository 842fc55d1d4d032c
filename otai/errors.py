"""The kinds of refusal that every room raises and every door translates.

A room derives its concrete errors from one of these kinds, above the function that raises them, and gives each a stable
`code`. A door has one table from kind to HTTP status or exit code and never looks at the concrete class.
"""

from __future__ import annotations

from typing import Any


class OtaiError(Exception):
    """Something a person can act upon: a stable code, a sentence that says what to do, and the numbers behind it.

    `code` is what programs test for; `message` is for people; `details` holds the JSON-serialisable facts that the
    sentence
    was made from (missing credits, row, column ...).
    """

    code: str = "error"
    kind: str = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details: dict[str, Any] = details

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for every door: the stable code, the sentence, and the values behind it."""
        return {"code": self.code, "message": self.message, "details": self.details}


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
