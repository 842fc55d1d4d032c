"""Streams of a run or a job, read in a test as a browser reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

from otai.orgs.streams import Hub, Stream

Heard = TypeVar("Heard")


def read_to_its_end(stream: Stream, between: Callable[[], Any] = lambda: None) -> list[tuple[str, Any, int | None]]:
    """All messages: the event, its data, its number. `between` happens after each look."""

    async def in_thread(work: Callable[[], object]) -> object:
        found = await sync_to_async(work)()
        await sync_to_async(between)()
        return found

    async def collect() -> bytes:
        return b"".join([piece async for piece in Hub(in_thread).read(stream)])

    found = []
    for message in in_a_loop(collect()).decode().strip().split("\n\n"):
        if not message.startswith(":"):
            fields = dict(line.split(": ", 1) for line in message.splitlines())
            found.append((fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None))
    return found


def in_a_loop(reading: Coroutine[Any, Any, Heard]) -> Heard:
    """What it comes to, within 20 seconds. The thread that looks for it outlives the loop, and is left without a
    connection: PostgreSQL drops no database that somebody uses."""

    async def to_the_end() -> Heard:
        try:
            return await asyncio.wait_for(reading, 20)
        finally:
            await sync_to_async(lambda: connection.close())()

    return asyncio.run(to_the_end())
