"""When to train again, from the customer's own data: labels that changed, drift, a new language, a new attribute. And
what would raise a model.

`check` looks at one model; `look_at_all` at all of an installation. New tickets are those that the model was asked
about (where they are kept), those that feedback spoke of, and those that newer versions of its data set brought. Drift
is tested once a week on the last two weeks, so that a check of an unchanged helpdesk advises a training at most once in
a hundred. Nothing is trained by itself: `follow` orders, at the quoted price.
"""

from otai.serving.advice.decisions import (
    FOR_A_TRAINING,
    AdviceDecided,
    TicketsFirst,
    accept_suspects,
    dismiss,
    follow,
    needs_merging_first,
    suspects_as_labels,
)
from otai.serving.advice.looks import LOOK, check, look_at_all, look_every, look_when_due
from otai.serving.advice.new_lessons import has_tickets_first
from otai.serving.advice.new_tickets import NewTickets
from otai.serving.advice.queries import advice, all_advice, checks, improvements, open_advice

__all__ = [
    "FOR_A_TRAINING",
    "LOOK",
    "AdviceDecided",
    "NewTickets",
    "TicketsFirst",
    "accept_suspects",
    "advice",
    "all_advice",
    "check",
    "checks",
    "dismiss",
    "follow",
    "has_tickets_first",
    "improvements",
    "look_at_all",
    "look_every",
    "look_when_due",
    "needs_merging_first",
    "open_advice",
    "suspects_as_labels",
]
