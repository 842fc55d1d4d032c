"""What the server program cannot be told: a connection whose other side takes nothing is closed by the kernel."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

look_seconds = 0.2
looks = 50


async def close_stalled_connections(seconds: int) -> None:
    """Sets on the sockets that this process listens on what every connection accepted from them inherits: when data
    waits for `seconds` and the client takes none of it, or a silent client does not answer the kernel's question
    either, the connection ends.

    Without it an answer stays in the server's memory, and its connection in the server's count, for as long as a client
    likes. The server opens its sockets after it has loaded us, so this looks for them for a while. Linux only;
    elsewhere a proxy does it.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    for _ in range(looks):
        found = [_set(int(entry.name), seconds) for entry in Path("/proc/self/fd").iterdir()]
        if any(found):
            return
        await asyncio.sleep(look_seconds)


def _set(descriptor: int, seconds: int) -> bool:
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as found:
        if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) or found.type != socket.SOCK_STREAM:
            return False
        if found.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // 4))
        return True
    return False
