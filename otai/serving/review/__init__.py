"""Labels that look wrong, looked through one by one: those that trainings suspect, and what colleagues corrected.

`queue` says what is still to be asked of the newest version of a data set, `decisions` what people answer, and
`versions` what a next version of it would change, which `serving.jobs.ask_to_apply_review` makes when somebody says so.
What was decided is kept by the ticket's id and the hash of its text (`models.ReviewItem`): a later training asks again
only where the text has changed (docs/decisions/0911-what-was-decided-stays-decided.md).
"""

from otai.serving.review.decisions import (
    ReviewMoved,
    decide,
    release,
    skip,
    take_next,
    undo,
)
from otai.serving.review.queue import Question, ReviewFilter, ReviewQueue, item, queue_of
from otai.serving.review.versions import changes_waiting, forget

__all__ = [
    "Question",
    "ReviewFilter",
    "ReviewMoved",
    "ReviewQueue",
    "changes_waiting",
    "decide",
    "forget",
    "item",
    "queue_of",
    "release",
    "skip",
    "take_next",
    "undo",
]
