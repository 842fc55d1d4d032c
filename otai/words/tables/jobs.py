"""How a job ends without a result."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "job_cancelled": said(
        "This was cancelled; nothing was changed.",
    ),
    "job_died": said(
        "The process that worked on this died. Nothing was changed. Try again; if it happens again, tell us.",
    ),
    "job_has_ended": said(
        "This has ended already; there is nothing to cancel.",
    ),
    "job_lost": said(
        "The Studio was stopped while this was worked on. Nothing was changed. Ask for it again.",
    ),
    "job_out_of_memory": said(
        (
            "Reading this needed more than {memory_mb:n}\u00a0MB of memory. Split it into parts, or export it in "
            "another format."
        ),
    ),
    "job_too_large": said(
        "What came of this is larger than one job may write. Split it into parts.",
    ),
    "job_took_too_long": said(
        (
            "This took longer than {seconds:n} seconds and was ended. Split it into parts, or export it in "
            "another format."
        ),
    ),
    "not_found.job": said(
        "There is no such job. Its answer is kept for a day.",
    ),
    "too_many_files_wait.columns": said(
        (
            "{files:n} files of yours wait for somebody to say what their columns are; that is the most. Import or "
            "delete one of them."
        ),
    ),
    "too_many_jobs.all": said(
        "Too much is waiting to be worked on here. Try again in a minute.",
    ),
    "too_many_jobs.own": said(
        (
            "{open:n} files and questions of yours are waiting or being worked on; that is the most. Wait for one"
            " of them, or cancel it."
        ),
    ),
}
