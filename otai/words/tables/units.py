"""What is refused about amounts, and by a database that is busy."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "database_busy.no_answer": said(
        "The database does not answer at this moment. Nothing was changed; try again.",
    ),
    "database_busy.not_set_up": said(
        "The Studio is not set up here: its database has no tables.",
        command="Run otai init, or name the folder of the installation that you mean in OTAI_HOME.",
    ),
    "database_busy.others": said(
        "Others were changing the same things at this moment. Nothing was changed; try again in a few seconds.",
    ),
    "invalid_amount.no_whole_number": said(
        "A whole number is needed here; {value:quoted} is not one.",
    ),
    "invalid_amount.outside": said(
        "The number must be from 1 to {most:n}; {value} is outside.",
    ),
}
