"""What lies in each fake helpdesk: 130 tickets of acme in three queues, an hour apart, each changed ten days later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

TOKEN = "a-token-of-acme"
BEGAN_AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
QUEUES = ("Network", "Printing", "Accounts")
PRIORITIES = ("1 low", "2 normal", "3 high")
TICKETS = 130
ADA = "ada@globex.example"
JANA = "jana@acme.example"
ANSWER = "We have looked into it"
SECRET_NOTE = "Between us: the customer never pays"
FILE = "Content of a file that nobody asked for"
_TROUBLES = ("restarts", "is slow", "klemmt über Nacht", "cannot be reached")


@dataclass(frozen=True)
class Told:
    """A ticket as its people tell it. Ticket 2 was written in HTML, 3 by an agent on the telephone, and 4 has a file;
    an agent answers every second one."""

    id: int

    @property
    def queue(self) -> str:
        return QUEUES[self.id % 3]

    @property
    def priority(self) -> str:
        return PRIORITIES[self.id // 3 % 3]

    @property
    def title(self) -> str:
        return f"{self.queue}: number {self.id} {_TROUBLES[self.id % 4]}"

    @property
    def text(self) -> str:
        return f"Hello, since this morning our {self.queue.lower()} thing number {self.id} {_TROUBLES[self.id % 4]}."

    @property
    def is_html(self) -> bool:
        return self.id == 2

    @property
    def has_file(self) -> bool:
        return self.id == 4

    @property
    def is_answered(self) -> bool:
        return self.id % 2 == 0

    @property
    def created_at(self) -> datetime:
        return BEGAN_AT + timedelta(hours=self.id)

    @property
    def changed_at(self) -> datetime:
        return self.created_at + timedelta(days=10)


def tickets() -> list[Told]:
    return [Told(id) for id in range(1, TICKETS + 1)]


def written(at: datetime, *, of: str = "milliseconds") -> str:
    """As APIs write times: 2026-01-05T08:00:00.000Z."""
    return at.isoformat(timespec=of).replace("+00:00", "Z")
