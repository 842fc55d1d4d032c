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
    memory_mb, seconds = bounds.memory_bytes >> 20, int(bounds.wall_seconds)
    facts: dict[str, Any] = {"memory_mb": memory_mb, "seconds": seconds}
    match code:
        case JobOutOfMemory.code:
            return JobOutOfMemory(
                f"Reading this needed more than {memory_mb:,} MB of memory. Split it into parts, or export it in "
                "another format.",
                **facts,
            )
        case JobTookTooLong.code:
            return JobTookTooLong(
                f"This took longer than {seconds:,} seconds and was ended. Split it into parts, or export it in "
                "another format.",
                **facts,
            )
        case JobTooLarge.code:
            return JobTooLarge("What came of this is larger than one job may write. Split it into parts.", **facts)
    return JobDied(
        "The process that worked on this died. Nothing was changed. Try again; if it happens again, tell us.", **facts
    )


def lost() -> JobLost:
    """Of a job whose process went with the Studio."""
    return JobLost("The Studio was stopped while this was worked on. Nothing was changed. Ask for it again.")


def cancelled() -> JobCancelled:
    """Of a job that somebody cancelled."""
    return JobCancelled("This was cancelled; nothing was changed.")


def refusal(kind: str, message: str, *, code: str, details: dict[str, Any]) -> OtaiError:
    """An error as it was in another process, by the name of its kind."""
    known = {each.kind: each for each in (Refused, Invalid, NotFound, Unavailable)}
    return known.get(kind, Unavailable)(message, code=code, **details)
