"""What machines ask of a server, answered on any host name and without a page's thread: they must hear us when
everything else is busy."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from otai.front.answers import Response

JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


class OneAtATime:
    """A question in a thread of its own. Whoever asks while it is being answered gets the same answer."""

    def __init__(self, work: Callable[[], Any], *, name: str, seconds: int) -> None:
        self.work, self.seconds = work, seconds
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.asked: asyncio.Future[Any] | None = None

    async def ask(self) -> Any:
        """Raises TimeoutError. The work goes on then, and the next one who asks waits for the same."""
        if self.asked is None or self.asked.done():
            self.asked = asyncio.get_running_loop().run_in_executor(self.thread, self.work)
        return await asyncio.wait_for(asyncio.shield(self.asked), self.seconds)


def probes(
    *, ready: Callable[[], bool], metrics: Callable[[], bytes], metrics_token: str, seconds: int
) -> dict[str, Callable[[Any], Any]]:
    """Path to answer. `ready`: whether the database answers; `metrics`: the text for Prometheus, for who knows the
    token."""
    is_ready = OneAtATime(ready, name="ready", seconds=seconds)
    measured = OneAtATime(metrics, name="metrics", seconds=10)

    async def live(_scope: Any) -> Response:
        return Response(200, list(JSON), b'{"live": true}')

    async def readiness(_scope: Any) -> Response:
        try:
            if await is_ready.ask():
                return Response(200, list(JSON), b'{"ready": true}')
        except TimeoutError:
            pass
        why = b'{"ready": false, "why": "the database does not answer, or `otai init` has not run"}'
        return Response(503, list(JSON), why)

    async def prometheus(scope: Any) -> Response:
        given = dict(scope["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ")
        if not metrics_token or not hmac.compare_digest(given, metrics_token.encode()):
            return Response(404, [(b"content-type", b"text/plain")])
        try:
            text = await measured.ask()
        except TimeoutError:
            return Response(503, [(b"content-type", b"text/plain")], b"the database does not answer\n")
        return Response(200, [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")], text)

    return {
        "/health/live": only_asked(live),
        "/health/ready": only_asked(readiness),
        "/metrics": only_asked(prometheus),
    }


def only_asked(probe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The probe for GET and HEAD; other methods are answered with 405."""

    async def answered(scope: Any) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return Response(405, [(b"allow", b"GET, HEAD"), (b"connection", b"close")])
        return await probe(scope)

    return answered
