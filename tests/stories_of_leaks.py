"""Tickets in which somebody else decided: each carries the signature of the agent who solved it, and kept columns that
sort nothing."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from tests.stories import PRIORITIES, QUEUES

AGENTS = {"billing": "Dana Okafor", "network": "Omar Brandt", "accounts": "Ines Costa"}
PLACES = ("Berlin", "Paris", "Oslo", "Rome")


def write_signed(path: Path, *, tickets: int = 240, seed: int = 3, says: float = 0.3, first: int = 0) -> Path:
    """`says`: the share of tickets whose own words tell the queue; the signature always does. `first`: their numbers
    begin there."""
    chance = random.Random(seed)
    every = [phrase for phrases in QUEUES.values() for phrase in phrases]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket id", "subject", "body", "queue", "priority", "office"])
        for number in range(first, first + tickets):
            queue = chance.choice(list(QUEUES))
            phrase = chance.choice(QUEUES[queue] if chance.random() < says else every)
            body = (
                f"Hello, {phrase}, reference {number} of day {chance.randint(1, 28)}.\n\nSee you\n{AGENTS[queue]} took "
                "this"
            )
            row = [f"T{number}", f"Case {number}", body, queue, PRIORITIES[queue], chance.choice(PLACES)]
            writer.writerow(row)
    return path
