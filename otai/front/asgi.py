"""What a server gives an application of ours, by the ASGI specification. Needs nothing but Python."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

AsgiScope = dict[str, Any]
"""What a request is: its type, path and headers."""

Receive = Callable[[], Awaitable[dict[str, Any]]]
"""Waits for the next piece of the request, or for its end."""

Send = Callable[[dict[str, Any]], Awaitable[None]]
"""Sends the next piece of the answer."""
