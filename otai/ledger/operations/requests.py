"""What every operation has in common: checking what came in, binding a key to its request, and the refusals that any of
them meets."""

from __future__ import annotations

from datetime import datetime
from types import ModuleType
from uuid import UUID

from django.db import connection

from otai.db import new_id
from otai.errors import Invalid, NotFound, Refused
from otai.ledger import postgres, sqlite
from otai.ledger.answers import DatabaseAnswer, TransferRequest
from otai.ledger.chain import request_hash
from otai.ledger.reasons import stored_reason
from otai.words.sentences import Fact

MAX_KEY_CHARACTERS = 200
MAX_REFERENCE_CHARACTERS = 200
MAX_REASON_CHARACTERS = 500
"""Of a person's own words; a fact may hold as many among its values."""
MAX_FACT_CHARACTERS = 4000


class InvalidRequest(Invalid):
    """A key, reference, reason, identifier or time that cannot be used. Nothing was written."""

    code = "invalid_request"


class KeyReused(Refused):
    """The key was used before, for another request. Take a new key, or ask exactly as before."""

    code = "duplicate_request"


class InsufficientCredits(Refused):
    """Fewer credits are there than asked for. `details`: needed, available, missing. Nothing was written."""

    code = "insufficient_credits"


def database() -> ModuleType:
    """The operations for the database in use: postgres.py or sqlite.py, which offer the same functions."""
    return postgres if connection.vendor == "postgresql" else sqlite


def _checked_text(value: object, *, what: str, most: int, may_be_empty: bool) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("type", type=type(value).__name__, field=what)
    if not value and not may_be_empty:
        raise InvalidRequest("missing", field=what)
    if len(value) > most:
        raise InvalidRequest("length", characters=len(value), most=most, field=what)
    # PostgreSQL stores no NUL, and half a surrogate pair has no UTF-8 form: neither could be hashed or printed.
    if not value.isprintable() and ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        raise InvalidRequest("character", field=what)
    return value


def checked_reference(value: object) -> str:
    """The reference, if it is a text that the chain can carry; it may be empty. Raises InvalidRequest."""
    return _checked_text(value, what="reference", most=MAX_REFERENCE_CHARACTERS, may_be_empty=True)


def checked_id(value: object, *, what: str) -> UUID:
    """The id, if it is a UUID. Raises InvalidRequest, naming `what`."""
    if not isinstance(value, UUID):
        raise InvalidRequest("id", value=repr(value), field=what)
    return value


def checked_moment(value: object, *, what: str) -> datetime:
    """The time, if it has a zone. Raises InvalidRequest, naming `what`."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidRequest("moment", value=repr(value), field=what)
    return value


def asked(
    *, organisation: UUID, key: str, reason: str | Fact, now: datetime, request: tuple[str | int | None, ...]
) -> TransferRequest:
    """The request, checked, with a new id for its transfer and the hash that its key is bound to.

    `request` is what the operation is asked to do, without the clock. Raises InvalidRequest.
    """
    checked_id(organisation, what="organisation")
    _checked_text(key, what="key", most=MAX_KEY_CHARACTERS, may_be_empty=False)
    most = MAX_FACT_CHARACTERS if isinstance(reason, Fact) else MAX_REASON_CHARACTERS
    stored = _checked_text(stored_reason(reason), what="reason", most=most, may_be_empty=True)
    checked_moment(now, what="now")
    return TransferRequest(organisation, new_id(), key, request_hash(*request, reason=stored), stored, now)


def refusal(answer: DatabaseAnswer, request: TransferRequest) -> Invalid | Refused | NotFound:
    """The error for an answer that every operation may get."""
    match answer.outcome:
        case "key_reused":
            return KeyReused("key", key=request.key)
        case "no_organisation":
            return NotFound("no_organisation", organisation=str(request.organisation))
        case "insufficient":
            assert answer.credits is not None and answer.available is not None
            return InsufficientCredits(
                "available",
                needed=answer.credits,
                available=answer.available,
                missing=answer.credits - answer.available,
            )
    raise AssertionError(f"The ledger does not know the answer {answer!r}.")
