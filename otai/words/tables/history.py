"""Why a run or a guarantee moved, as its history tells it."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

OF_A_RUN: Mapping[str, tuple[Sentence, ...]] = {
    "run.ordered": (Counted("{credits:n} credit held", "{credits:n} credits held", "credits"),),
    "run.begun": ("attempt {attempt:n} on {hardware}",),
    "run.trained": ("The training is done.",),
    "run.handed_back": ("The worker stops and hands the run back.",),
    "run.again": (
        "{what}: {said} Failure {failures:n} of at most {most:n}.",
        "{what}. Failure {failures:n} of at most {most:n}.",
    ),
    "run.late": (
        "due at {due_at:date} {due_at:time} UTC; it is expected to be ready at {ready_at:date} {ready_at:time} UTC",
        "due at {due_at:date} {due_at:time} UTC; no worker is there for it",
    ),
    "run.completed": (Counted("{credits:n} credit spent", "{credits:n} credits spent", "credits"),),
    "run.failed_system": (
        Counted(
            "{said} Failed on our side: {credits:n} credit given back, nothing charged.",
            "{said} Failed on our side: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
        Counted(
            "Failed on our side: {credits:n} credit given back, nothing charged.",
            "Failed on our side: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.failed_input": (
        Counted(
            "{failure:fact} The tickets cannot be trained on: {credits:n} credit given back, nothing charged.",
            "{failure:fact} The tickets cannot be trained on: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
        Counted(
            "{said} The tickets cannot be trained on: {credits:n} credit given back, nothing charged.",
            "{said} The tickets cannot be trained on: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
        Counted(
            "The tickets cannot be trained on: {credits:n} credit given back, nothing charged.",
            "The tickets cannot be trained on: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.cancelled": (
        Counted(
            "Cancelled: {credits:n} credit given back, nothing charged.",
            "Cancelled: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.hold_gone": (
        "{said} The credits had been given back before, nothing charged.",
        "The credits had been given back before, nothing charged.",
    ),
}
"""`failure` is what went wrong with the tickets, `said` the same in the words of the program that failed; both gone
where the tickets were deleted."""

OF_A_GUARANTEE: Mapping[str, tuple[Sentence, ...]] = {
    "guarantee.reached": ("{tier} was reached",),
    "guarantee.proposed_anew": ("Other criteria are proposed.",),
    "guarantee.proposed": ("{criteria:facts}",),
    "guarantee.standard": ("at or below the standard bar of {book}",),
    "guarantee.trained": ("Run {run:n} is completed.",),
    "guarantee.measured": ("{outcomes:facts}",),
    "guarantee.met": (
        Counted(
            "{criterion:fact}: {value:percent1} on {tickets:n} ticket, met",
            "{criterion:fact}: {value:percent1} on {tickets:n} tickets, met",
            "tickets",
        ),
    ),
    "guarantee.missed": (
        Counted(
            "{criterion:fact}: {value:percent1} on {tickets:n} ticket, missed",
            "{criterion:fact}: {value:percent1} on {tickets:n} tickets, missed",
            "tickets",
        ),
    ),
    "guarantee.fee": (
        Counted(
            "Missed twice: the list price of run {run:n}, {credits:n} credit, is credited.",
            "Missed twice: the list price of run {run:n}, {credits:n} credits, is credited.",
            "credits",
        ),
    ),
    "guarantee.funding_back": (
        Counted(
            "Run {run:n} brought no model: its {credits:n} credit went back, the included run can be ordered again.",
            "Run {run:n} brought no model: its {credits:n} credits went back, the included run can be ordered again.",
            "credits",
        ),
    ),
    "guarantee.funding_spent": (Counted("{credits:n} credit was spent", "{credits:n} credits were spent", "credits"),),
    "guarantee.ordered": (
        Counted(
            "Run {run:n} is ordered: {credits:n} credit, included.",
            "Run {run:n} is ordered: {credits:n} credits, included.",
            "credits",
        ),
    ),
    "guarantee.tickets_deleted": ("The tickets to measure on were deleted.",),
}

HISTORY: Mapping[str, tuple[Sentence, ...]] = {**OF_A_RUN, **OF_A_GUARANTEE}
