"""One step for all attributes of the fetched tickets: decide, update, leave a note."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from open_ticket_ai.core.pipes.pipe import Pipe
from open_ticket_ai.core.pipes.pipe_context_model import PipeContext
from open_ticket_ai.core.pipes.pipe_models import PipeResult
from open_ticket_ai.core.ticket_system_integration.ticket_system_service import TicketSystemService
from open_ticket_ai.core.ticket_system_integration.unified_models import UnifiedEntity, UnifiedNote, UnifiedTicket
from otobo_znuny.util.otobo_errors import OTOBOError

from otai_open_ticket_ai import notes
from otai_open_ticket_ai.deciding import Decider, TicketDecisions
from otai_open_ticket_ai.settings import Language

REFUSED = (httpx.HTTPError, OTOBOError, RuntimeError, ValueError)
"""How the clients of the helpdesks say that something was not taken."""
WAIT_AFTER_FAILURE = 300.0
"""Seconds until a ticket is tried again that the helpdesk would not take, so that it holds up no other."""


@dataclass(frozen=True)
class Routing:
    """What becomes of decisions. `attribute_of` says which attribute each field of a ticket gets its value from; a
    ticket whose queue is not decided goes to `fallback_queue`, where people sort it. Its priority then stays."""

    attribute_of: Mapping[str, str]
    fallback_queue: str
    precision: float
    language: Language = "en"
    dry_run: bool = False


class DecideAndRoutePipe(Pipe):
    """Predicts all attributes of all fetched tickets at once, sets those that reach their own threshold, and leaves one
    note on each ticket. A value that the helpdesk refuses sends the ticket to the fallback queue, with the reason."""

    def __init__(
        self, pipe_id: str, *, ticket_system: TicketSystemService, decider: Decider, routing: Routing, fetched_by: str
    ) -> None:
        super().__init__(pipe_id)
        self._ticket_system = ticket_system
        self._decider = decider
        self._routing = routing
        self._fetched_by = fetched_by
        self._not_before: dict[str, float] = {}

    async def _process(self, context: PipeContext) -> PipeResult:
        fetched = context.get_result(self._fetched_by, "fetched_tickets")
        tickets = [ticket for ticket in fetched if self._is_due(str(ticket["id"]))]
        if not tickets:
            return PipeResult.skipped("No ticket is due.")
        texts = [(ticket["subject"] or "", ticket["body"] or "") for ticket in tickets]
        decided = await asyncio.to_thread(self._decider.decide, texts)
        model = self._decider.name
        routed = [await self._route(one, said, model) for one, said in zip(tickets, decided, strict=True)]
        return PipeResult.success(f"{sum(routed)} of {len(tickets)} tickets routed", {"routed": sum(routed)})

    def _is_due(self, ticket: str) -> bool:
        now = time.monotonic()
        self._not_before = {one: when for one, when in self._not_before.items() if when > now}
        return ticket not in self._not_before

    async def _route(self, ticket: Mapping[str, Any], said: TicketDecisions, model: str) -> bool:
        """Whether the ticket has left the incoming queue."""
        id = str(ticket["id"])
        values = self._values(said)
        if self._routing.dry_run:
            self._logger.info(f"Ticket {id} would get {values or 'nothing'}")
            self._wait_for(id)
            return False
        refused: str | None = None
        for fewer in _ever_fewer(values):
            problem = await self._updated(id, fewer)
            if problem is None:
                await self._noted(id, fewer, said, model, refused)
                return True
            self._logger.warning(f"Ticket {id} could not be set to {fewer or self._routing.fallback_queue}: {problem}")
            refused = refused or problem
        self._wait_for(id)
        return False

    def _wait_for(self, id: str) -> None:
        self._not_before[id] = time.monotonic() + WAIT_AFTER_FAILURE

    async def _updated(self, id: str, values: Mapping[str, str]) -> str | None:
        """Sets the values; a ticket without a queue of its own goes to the fallback. What is wrong, None: nothing."""
        queue = values.get("queue", self._routing.fallback_queue)
        entities = {field: UnifiedEntity(name=value) for field, value in {**values, "queue": queue}.items()}
        try:
            taken = await self._ticket_system.update_ticket(id, UnifiedTicket(**entities))
        except REFUSED as error:
            # OTOBO and Znuny send no ticket back where they are not set up to; their client takes that for failure.
            return None if await self._is_in(id, queue) else _reason(error)
        return None if taken else "the helpdesk did not take the update"

    async def _is_in(self, id: str, queue: str) -> bool:
        try:
            ticket = await self._ticket_system.get_ticket(id)
        except REFUSED:
            return False
        return ticket is not None and ticket.queue is not None and ticket.queue.name == queue

    async def _noted(
        self, id: str, values: Mapping[str, str], said: TicketDecisions, model: str, refused: str | None
    ) -> None:
        """A ticket that is where it belongs stays there without a note, too."""
        routing = self._routing
        applied = [routing.attribute_of[field] for field in values]
        note = UnifiedNote(
            subject=notes.subject(model, routing.language),
            body=notes.body(said, applied=applied, model=model, precision=routing.precision,
                            language=routing.language, refused=refused),
        )  # fmt: skip
        try:
            await self._ticket_system.add_note(id, note)
        except REFUSED as error:
            self._logger.warning(f"Ticket {id} may have no note: {_reason(error)}")

    def _values(self, said: TicketDecisions) -> dict[str, str]:
        """The fields that may be set without a person, and their values."""
        found = {field: said[name] for field, name in self._routing.attribute_of.items() if name in said}
        return {field: one.labels[0] for field, one in found.items() if one.may_be_applied}


def _reason(error: Exception) -> str:
    """What the helpdesk said, in one line, where it said something; its address is nothing for a note."""
    response = getattr(error, "response", None)
    if response is None:
        return str(error).partition("\n")[0] or type(error).__name__
    try:
        told = response.json()
    except ValueError:
        told = {}
    said = told.get("error_human") or told.get("error") if isinstance(told, dict) else None
    return str(said or f"status {response.status_code}").partition("\n")[0]


def _ever_fewer(values: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """What is tried in turn: all, then the queue alone, then nothing but the fallback queue."""
    yield values
    if len(values) > 1 and "queue" in values:
        yield {"queue": values["queue"]}
    if values:
        yield {}
