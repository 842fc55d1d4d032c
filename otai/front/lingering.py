"""What follows a refusal on its line: read for a while and thrown away.

A server that closes while its client still sends makes the client's kernel forget the answer (RFC 9112, 9.6): a proxy
says 502 then, and a browser that the connection was reset. So the answer goes out first, and what is still on its way
is read after it, up to a bound of bytes, of time and of silence.
"""

from __future__ import annotations

import asyncio
from typing import Any

from otai.front.asgi import Receive
from otai.front.limits import ServerLimits

most_silent_seconds = 2.0
"""Between two pieces; after that nobody sends any more. nginx waits for 5 (`lingering_timeout`)."""


class Incoming:
    """A request's body as it comes. `is_left`: whether there is more of it, as far as anybody has read."""

    def __init__(self, receive: Receive, headers: dict[bytes, str]) -> None:
        self._receive = receive
        self.is_left = b"transfer-encoding" in headers or headers.get(b"content-length", "0") != "0"

    async def __call__(self) -> dict[str, Any]:
        """The next piece, as the ASGI specification has it."""
        message = await self._receive()
        self.is_left = bool(message.get("more_body"))
        return message


async def read_past(incoming: Incoming, limits: ServerLimits) -> int:
    """Returns when the body has ended, its client has gone or is silent, or a bound is reached; how many bytes came."""
    loop = asyncio.get_running_loop()
    ends, length = loop.time() + limits.refused_most_seconds, 0
    while incoming.is_left and length < limits.refused_most_bytes:
        try:
            async with asyncio.timeout_at(min(ends, loop.time() + most_silent_seconds)):
                message = await incoming()
        except TimeoutError:
            break
        length += len(message.get("body", b""))
    return length
