"""Small made-up tickets for the tests of learning. Not the product's sample data: only what a test needs to say."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.tickets import LabelledTickets, Value

QUEUES = {
    "Billing": "invoice payment refund charge receipt tax bank amount credit",
    "Network": "vpn wifi router cable latency dns proxy firewall connection",
    "Hardware": "laptop monitor keyboard mouse battery dock printer screen fan",
    "Access": "password login account locked token permission reset role group",
}
FILLER = [
    "please",
    "help",
    "since",
    "today",
    "cannot",
    "it",
    "is",
    "not",
    "working",
    "for",
    "me",
    "again",
    "thanks",
    "team",
    "the",
    "our",
    "from",
    "this",
    "morning",
]
URGENT = {"low": "whenever convenient", "medium": "this week", "high": "urgent immediately outage"}

QUEUE = AttributeSpec("queue")
PRIORITY = AttributeSpec("priority", AttributeKind.ORDERED, ("low", "medium", "high"))
TAGS = AttributeSpec("tags", AttributeKind.MULTI)


def made_up_tickets(
    tickets: int = 240, *, seed: int = 0, noise: float = 0.1, splits: bool = False, unlabelled: float = 0.0
) -> LabelledTickets:
    """Tickets with a `queue`, a `priority` and `tags`, all readable from the text, except for a share of `noise`."""
    chance = random.Random(seed)
    texts: list[str] = []
    queues: list[Value] = []
    priorities: list[Value] = []
    tags: list[Value] = []
    for number in range(tickets):
        queue = chance.choices(list(QUEUES), weights=[6, 3, 2, 1])[0]
        priority = chance.choices(list(URGENT), weights=[2, 5, 1])[0]
        words = chance.sample(QUEUES[queue].split(), 3) + chance.sample(FILLER, 6) + URGENT[priority].split()
        tagged = tuple(sorted(word for word in words[:3] if len(word) > 4)[:2])
        chance.shuffle(words)
        texts.append(f"{words[0]} ticket {number}\n{' '.join(words)}")
        queues.append(chance.choice(list(QUEUES)) if chance.random() < noise else queue)
        priorities.append(priority)
        tags.append(tagged)
    if unlabelled:
        queues = [None if chance.random() < unlabelled else queue for queue in queues]
    return LabelledTickets(
        ids=[f"T-{number}" for number in range(tickets)],
        texts=texts,
        languages=["en"] * tickets,
        attributes={"queue": queues, "priority": priorities, "tags": tags},
        splits=["test" if number % 5 == 0 else "train" for number in range(tickets)] if splits else None,
    )


def tickets_that_moved(days: int = 700) -> LabelledTickets:
    """A ticket a day. In the last 60 of 700 days everything about networks and hardware goes to the other of the
    two."""
    made = made_up_tickets(days, noise=0.0)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    moved = {"Network": "Hardware", "Hardware": "Network"}
    queues = [
        moved.get(str(queue), queue) if number * 70 >= days * 64 else queue
        for number, queue in enumerate(made.attributes["queue"])
    ]
    times = [began + timedelta(days=number) for number in range(days)]
    return dataclasses.replace(made, attributes={"queue": queues}, created_at=times)


def tickets_of(texts: Sequence[str], labels: Sequence[Value], name: str = "queue") -> LabelledTickets:
    """Just these texts with just these labels."""
    return LabelledTickets(
        ids=[str(number) for number in range(len(texts))],
        texts=list(texts),
        languages=[None] * len(texts),
        attributes={name: list(labels)},
    )
