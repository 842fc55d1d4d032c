"""Real tickets of the public data sets for stories: a few labels, a few hundred tickets, always the same ones."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from otai.learning.data.normalisation import same_text_key
from otai.orgs.models import Organisation
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets

Ticket = tuple[str, str]
"""Text and queue."""

CARDS = ("card_arrival", "lost_or_stolen_card", "exchange_rate", "top_up_failed")


def real(
    folder: Path, name: str, attribute: str, labels: Sequence[str], *, each: int, language: str | None = None
) -> list[Ticket]:
    """Up to `each` tickets of every label, in a fixed random order, no text twice."""
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            (row["text"], row[attribute])
            for row in csv.DictReader(file)
            if row[attribute] in labels and row["text"].strip() and (language is None or row["lang"] == language)
        ]
    once = list({same_text_key(text): (text, label) for text, label in rows}.values())
    random.Random(7).shuffle(once)
    taken: list[Ticket] = []
    for label in labels:
        taken += [one for one in once if one[1] == label][:each]
    random.Random(8).shuffle(taken)
    return taken


def brought(
    organisation: Organisation, tickets: Iterable[Ticket], path: Path, now: datetime, *, name: str = "support"
) -> DataSet:
    """The tickets as a data set of one attribute, queue, with ids of the customer's own."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket", "text", "queue"])
        for text, queue in tickets:
            writer.writerow([f"T{int.from_bytes(same_text_key(text)[:4], 'big')}", text, queue])
    return import_tickets(organisation=organisation, name=name, source=path, now=now)
