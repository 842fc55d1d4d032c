"""Tickets of which some carry a queue that is plainly not theirs."""

from __future__ import annotations

import csv
import random
from datetime import datetime
from pathlib import Path

from otai.orgs.models import Organisation
from otai.serving.models import ModelVersion
from otai.tickets import queries
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from tests import stories

WRONG = 6
"""Of 180 tickets; their ids begin with W."""


def write_doubtful(path: Path) -> Path:
    """Each ticket's words say its queue; of a few the column says another. `tags` has several labels."""
    chance = random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "subject", "body", "queue", "tags"])
        for number in range(180):
            queue = list(stories.QUEUES)[number % 3]
            phrase = stories.QUEUES[queue][number // 3 % 4]
            is_wrong = number % 30 == 17
            given = list(stories.QUEUES)[(number + 1) % 3] if is_wrong else queue
            body = f"Hello, {phrase}. Please look at it: {phrase}, on day {chance.randint(1, 28)}. Number {number}."
            writer.writerow([f"{'W' if is_wrong else 'T'}-{number}", f"{phrase} {number}", body, given, f"{queue}|all"])
    return path


def doubtful(organisation: Organisation, folder: Path, now: datetime) -> DataSet:
    source = write_doubtful(folder / "support.csv")
    import_tickets(organisation=organisation, name="support", source=source, now=now)
    return queries.data_set(organisation, "support")


def doubt(version: ModelVersion) -> list[str]:
    """As if the training had doubted the queue of every one of them; their ids. (It doubts some, as its cross-fitting
    comes out.)"""
    suspects = []
    for row in queries.tickets(version.run.data_set):
        if row["ticket"].startswith("W"):
            number = int(row["ticket"].partition("-")[2])
            right = list(stories.QUEUES)[number % 3]
            if row["attribute:queue"] != right:
                suspects.append(
                    {
                        "ticket_id": row["ticket"],
                        "given": [row["attribute:queue"]],
                        "suggested": [right],
                        "confidence": 0.9 + number / 2_000,
                        "excerpt": row["subject"],
                    }
                )
    found = {"examined": 180, "total": len(suspects), "suspects": suspects}
    version.run.report_card["attributes"][0]["wrong_labels"] = found
    version.run.save(update_fields=["report_card"])
    return [str(one["ticket_id"]) for one in suspects]
