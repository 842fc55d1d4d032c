"""How a job can end without a result that its work is to answer for. What would help is in the sentence; doors have
their own words."""

from __future__ import annotations

from typing import Any

from otai.errors import Invalid, NotFound, OtaiError, Refused, Unavailable
from otai.jobs.work import Bounds


class JobOutOfMemory(Invalid):
    code = "job_out_of_memory"


class JobTookTooLong(Invalid):
    code = "job_took_too_long"


class JobTooLarge(Invalid):
    code = "job_too_large"


class JobDied(Unavailable):
    code = "job_died"


class JobLost(Unavailable):
    code = "job_lost"


class JobCancelled(Refused):
    code = "job_cancelled"


def failure(code: str, bounds: Bounds) -> OtaiError:
    """The failure of that code, with the bounds that the work had."""
    memory_mb, seconds = bounds.memory_bytes >> 20, bounds.seconds
    facts: dict[str, Any] = {"memory_mb": memory_mb, "seconds": seconds}
    match code:
        case JobOutOfMemory.code:
            return JobOutOfMemory(**facts)
        case JobTookTooLong.code:
            return JobTookTooLong(**facts)
        case JobTooLarge.code:
            return JobTooLarge(**facts)
    return JobDied(**facts)


def lost() -> JobLost:
    """Of a job whose process went with the Studio."""
    return JobLost()


def cancelled() -> JobCancelled:
    """Of a job that somebody cancelled."""
    return JobCancelled()


def refusal(kind: str, message: str, *, code: str, details: dict[str, Any], case: str = "") -> OtaiError:
    """An error as it was in another process, by the name of its kind. Release 0.1 kept no case: `message` is said."""
    known = {each.kind: each for each in (Refused, Invalid, NotFound, Unavailable)}
    return known.get(kind, Unavailable)(case, code=code, written=message, **details)


def refusal_of(said: dict[str, Any]) -> OtaiError:
    """The same, as a process wrote it into its result."""
    return refusal(said["kind"], said["message"], code=said["code"], details=said["details"], case=said["case"])
