"""One POST to an address that a customer chose: pinned to the address that was judged, no redirects, bounded in time
and size."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import certifi
import httpcore

from otai.outbound.addresses import AddressRefused, resolved
from otai.words.sentences import Fact

connect_seconds = 5.0
total_seconds = 15.0
most_answer_bytes = 16 * 1024
"""What is read of an answer; what is kept is less."""
kept_characters = 1000


@dataclass(frozen=True, slots=True)
class Reply:
    """`why` is None exactly when the message arrived: the receiver answered with a status from 200 to 299."""

    status: int | None
    milliseconds: int
    body: str
    why: Fact | None = None


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Sends it. Whatever goes wrong is in the answer: nothing is raised that a receiver could cause."""
    began = time.monotonic()
    deadline = began + total_seconds
    status, text = None, ""
    why: Fact | None = None
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=trust(), network_backend=Pinned(Deadline(deadline)), max_connections=1
            ) as pool,
            pool.stream(
                "POST",
                url,
                headers=_headers(url, headers),
                content=body,
                extensions={
                    "timeout": {
                        "connect": connect_seconds,
                        "read": total_seconds,
                        "write": total_seconds,
                        "pool": total_seconds,
                    }
                },
            ) as response,
        ):
            status = response.status
            text = _beginning(response.iter_stream())
    except AddressRefused as refused:
        why = refused.why
    except (httpcore.TimeoutException, TimeoutError):
        why = Fact("try_slow", {"seconds": round(total_seconds)})
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        why = Fact("try_broken", {"error": said[:400]})
    if why is None and status is not None and not 200 <= status < 300:
        why = Fact("try_redirected" if 300 <= status < 400 else "try_answered", {"status": status})
    return Reply(status, int(1000 * (time.monotonic() - began)), text, why)


def _headers(url: str, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    host = httpcore.URL(url)
    port = f":{host.port}" if host.port is not None else ""
    return [("Host", f"{host.host.decode()}{port}"), *headers.items()]


def _beginning(chunks: Iterable[bytes]) -> str:
    kept = b""
    for chunk in chunks:
        kept += chunk
        if len(kept) >= most_answer_bytes:
            break
    text = kept[:most_answer_bytes].decode("utf-8", errors="replace").replace("\0", "")
    return text[:kept_characters]


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """Whose certificates are believed: the authorities that come with certifi."""
    return ssl.create_default_context(cafile=certifi.where())


@dataclass(slots=True)
class Deadline:
    """When whoever waits gives up (`time.monotonic`, seconds); a connection that is kept is given a later one for each
    request."""

    at: float


class Pinned(httpcore.NetworkBackend):
    """Connects to addresses that were judged, and to nothing by name; gives up at the deadline, however slowly bytes
    drip in. `private`: whether private addresses may be among them; None: as the setting of webhooks says."""

    def __init__(self, deadline: Deadline, *, private: bool | None = None) -> None:
        self._sockets = httpcore.SyncBackend()
        self._deadline = deadline
        self._private = private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        problem: Exception | None = None
        for address in resolved(host.strip("[]"), port, private=self._private)[:4]:
            try:
                return _Until(self._sockets.connect_tcp(address, port, _left(self._deadline, timeout)), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem or httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("not an address of the internet")


class _Until(httpcore.NetworkStream):
    """A stream whose every step ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        # The certificate is checked against the name, whatever address it led to.
        tls = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _Until(tls, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: Deadline, timeout: float | None) -> float:
    left = deadline.at - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left if timeout is None else min(left, timeout)
