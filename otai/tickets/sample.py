"""Synthetic helpdesk tickets, English and German, for the demo, the tests and a first look around.

They are called synthetic wherever they appear. The same seed gives the same tickets on every machine. They are made to
be learnt well and not perfectly: agents mislabel a few per cent, some tickets say nearly nothing, priorities follow the
text only loosely, labels are missing, and some texts come twice.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from otai.errors import Invalid
from otai.tickets import sample_words as words
from otai.tickets.sample_words import Topic

COLUMNS = (
    "ticket", "created_at", "language", "subject", "body", "queue", "category", "type", "priority", "product",
    "assignee", "tags", "source",
)  # fmt: skip
SOURCE = "synthetic (otai tickets sample)"
MOST_TICKETS = 10_000_000

GERMAN_SHARE = 0.4
MISLABELLED_SHARE = 0.04
VAGUE_SHARE = 0.08
MISSING_SHARE = {"category": 0.03, "type": 0.05, "priority": 0.02, "product": 0.25, "assignee": 0.1, "tags": 0.15}
REPEATED_SHARE = 0.02
HTML_SHARE = 0.08
TYPO_SHARE = 0.25
URGENCY_WEIGHTS = (25, 45, 22, 8)
"""How often tickets are low, medium, high, critical."""
URGENCY_FOLLOWED = 0.78
"""How often the text's urgency is the priority that the agent chose; else a neighbour of it."""


class SampleTooLarge(Invalid):
    code = "sample_out_of_range"


@dataclass(frozen=True, slots=True)
class SyntheticTicket:
    """One made-up ticket; empty strings are missing labels, `tags` is joined by bars."""

    ticket: str
    created_at: str
    language: str
    subject: str
    body: str
    queue: str
    category: str
    type: str
    priority: str
    product: str
    assignee: str
    tags: str
    source: str = SOURCE


def synthetic_tickets(tickets: int = 1200, seed: int = 7) -> Iterator[SyntheticTicket]:
    """So many tickets, the same ones for the same seed."""
    maker = _Maker(random.Random(seed))  # noqa: S311
    return (maker.ticket(number) for number in range(1, tickets + 1))


def write_csv(path: Path, tickets: int = 1200, seed: int = 7) -> Path:
    """A CSV of synthetic tickets at `path` (UTF-8, with a header). Raises SampleTooLarge for anything but 1 to 10 000
    000 tickets."""
    if not 1 <= tickets <= MOST_TICKETS:
        raise SampleTooLarge("tickets", most=MOST_TICKETS, tickets=tickets)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for ticket in synthetic_tickets(tickets, seed):
            writer.writerow([getattr(ticket, column) for column in COLUMNS])
    return path


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._time = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)
        self._before: list[SyntheticTicket] = []

    def ticket(self, number: int) -> SyntheticTicket:
        rng = self._rng
        self._time += timedelta(minutes=rng.expovariate(1 / 20))
        name = f"SYN-{number:06d}"
        created_at = self._time.isoformat(timespec="seconds")
        if self._before and rng.random() < REPEATED_SHARE:
            twin = rng.choice(self._before)
            return SyntheticTicket(
                name, created_at, twin.language, twin.subject, twin.body, twin.queue, twin.category, twin.type,
                # Two agents do not always choose alike.
                rng.choice((twin.priority, rng.choice(words.PRIORITIES))), twin.product, twin.assignee, twin.tags,
            )  # fmt: skip
        made = self._new(name, created_at)
        self._before = [*self._before[-49:], made]
        return made

    def _new(self, name: str, created_at: str) -> SyntheticTicket:
        rng = self._rng
        topic = rng.choices(words.TOPICS, weights=[topic.weight for topic in words.TOPICS])[0]
        language = "de" if rng.random() < GERMAN_SHARE else "en"
        product = _weighted(rng, words.PRODUCTS)
        urgency = rng.choices(range(4), weights=URGENCY_WEIGHTS)[0]
        subject, body = self._text(topic, language, product, urgency)
        labelled = topic if rng.random() >= MISLABELLED_SHARE else rng.choice(words.TOPICS)
        kinds = ("Incident", "Request", "Question", "Problem")
        kind = labelled.type if rng.random() < 0.85 else rng.choice(kinds)
        tags = {tag for tag in labelled.tags if rng.random() < 0.85} | ({"vip"} if rng.random() < 0.05 else set())
        tags |= {"urgent"} if urgency == 3 and rng.random() < 0.7 else set()
        return SyntheticTicket(
            ticket=name,
            created_at=created_at,
            language=language,
            subject=subject,
            body=body,
            queue=labelled.queue,
            category=self._or_missing("category", labelled.category),
            type=self._or_missing("type", kind),
            priority=self._or_missing("priority", words.PRIORITIES[self._chosen_priority(urgency)]),
            product=self._or_missing("product", product),
            assignee=self._or_missing("assignee", _weighted(rng, words.AGENTS[labelled.queue])),
            tags=self._or_missing("tags", "|".join(sorted(tags))),
        )

    def _chosen_priority(self, urgency: int) -> int:
        if self._rng.random() < URGENCY_FOLLOWED:
            return urgency
        return min(3, max(0, urgency + self._rng.choice((-1, 1))))

    def _or_missing(self, attribute: str, label: str) -> str:
        return "" if self._rng.random() < MISSING_SHARE[attribute] else label

    def _text(self, topic: Topic, language: str, product: str, urgency: int) -> tuple[str, str]:
        """Subject and body as somebody would write them: greeting, matter, more of it, urgency, closing, signature."""
        rng = self._rng
        subjects, openings = topic.texts[language]
        is_vague = rng.random() < VAGUE_SHARE
        matter = [rng.choice(words.VAGUE[language])] if is_vague else rng.sample(openings, k=1 + (rng.random() < 0.25))
        matter += rng.sample(words.MORE[language], k=rng.choices((0, 1, 2), weights=(40, 40, 20))[0])
        if rng.random() < 0.85:
            matter.append(rng.choice(words.URGENCY[language][urgency]))
        subject = rng.choice(words.VAGUE[language] if is_vague else subjects)
        if rng.random() < 0.1:
            subject = rng.choice(("RE: ", "FW: ", "AW: ")) + subject
        paragraphs = [rng.choice(words.GREETINGS[language]), " ".join(matter), rng.choice(words.CLOSINGS[language])]
        writer = rng.choice(words.WRITERS)
        paragraphs.append(rng.choice(words.SIGNATURES[language]) if rng.random() < 0.5 else writer)
        numbers = {"product": product, "number": rng.randint(2, 9999), "writer": writer}
        text = "\n".join(paragraph for paragraph in paragraphs if paragraph).format(**numbers)
        if rng.random() < TYPO_SHARE:
            text = self._with_typo(text)
        if rng.random() < HTML_SHARE:
            text = "<html><body><p>" + text.replace("&", "&amp;").replace("\n", "</p>\n<p>") + "</p></body></html>"
        return subject.format(**numbers), text

    def _with_typo(self, text: str) -> str:
        """Two neighbouring letters change places, as hurried fingers do."""
        at = self._rng.randrange(len(text) - 1)
        if text[at].isalpha() and text[at + 1].isalpha():
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return text


def _weighted(rng: random.Random, choices: Sequence[tuple[str, int]]) -> str:
    return rng.choices([name for name, _ in choices], weights=[weight for _, weight in choices])[0]
