"""What a Studio refused, as the error it was there; and how long to wait before asking again."""

from __future__ import annotations

import random
from typing import Any

import httpx

from otai.errors import Invalid, NotAllowed, NotFound, OtaiError, Refused, Unavailable

KINDS: dict[int, type[OtaiError]] = {401: NotAllowed, 403: NotAllowed, 404: NotFound, 409: Refused, 429: Unavailable}
TRY_AGAIN = frozenset({429, 502, 503, 504})


def backoff(attempt: int) -> float:
    """Seconds before the next try, longer with each: half of them by chance."""
    return min(0.5 * 2**attempt, 20.0) * random.uniform(0.5, 1.0)  # noqa: S311  no secret


def asked_wait(response: httpx.Response) -> float | None:
    """Seconds that `Retry-After` asks for."""
    told = response.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else None


def error_in(response: httpx.Response) -> dict[str, Any]:
    """What the answer says in `error`; empty where it is none of ours."""
    try:
        found = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def refusal(response: httpx.Response) -> OtaiError:
    """The API's refusal as the error it was there."""
    error = error_in(response)
    status = response.status_code
    kind = KINDS.get(status) or (Invalid if 400 <= status < 500 else Unavailable)
    details = {name: value for name, value in error.items() if name not in ("code", "case", "message", "written")}
    message = error.get("message") or f"The Studio answered with {status}."
    found = kind(code=error.get("code") or f"http_{status}", written=message)
    found.details |= details
    return found
