"""One helpdesk's HTTP API, asked for JSON: at addresses that webhooks may go to as well, without redirects, bounded in
time and size, patient with a helpdesk that asks for patience."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpcore
from django.conf import settings

from otai.helpdesks.problems import HelpdeskRefused, HelpdeskUnavailable, InvalidHelpdeskAddress
from otai.outbound.addresses import AddressRefused, InvalidWebhookUrl, checked_url
from otai.outbound.sending import Deadline, Pinned, trust

connect_seconds = 5.0
answer_seconds = 60.0
most_answer_bytes = 64 << 20
most_tries = 4
longest_wait_seconds = 120.0
"""Of one wait: a helpdesk that asks for more is asked again later, by a person."""
TRY_AGAIN = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a helpdesk is borne with: in all, and each time it asks for patience."""

    seconds: float = 24 * 3600.0
    longest_wait_seconds: float = longest_wait_seconds


unhurried = TimeLimits()
hurried = TimeLimits(seconds=30.0, longest_wait_seconds=5.0)
"""Of somebody who waits for the answer."""

Parameters = Sequence[tuple[str, str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def wait_seconds(self, tried: int) -> float:
        """As long as the answer asks for (Retry-After, in seconds or as a date); without that 1, 2, 4 ... seconds."""
        asked = self.headers.get("retry-after", "")
        try:
            if asked.isdigit():
                return float(asked)
            return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return float(2**tried)


class Asking:
    """`Asking(address, system="Zammad", root="api/v1", headers={"Authorization": ...})` keeps one connection open until
    `close`."""

    def __init__(
        self,
        address: str,
        *,
        system: str,
        root: str,
        headers: Mapping[str, str],
        wait: Callable[[float], None] = time.sleep,
        private: bool | None = None,
        limits: TimeLimits = unhurried,
    ) -> None:
        """`root`: where below the address the system's API begins; `private` as for `checked_address`. Raises
        InvalidHelpdeskAddress."""
        private = allows_private() if private is None else private
        self.address = checked_address(address, private=private)
        self._system, self._root = system, root
        self._limits, self._ends_at = limits, time.monotonic() + limits.seconds
        self._headers = {"Accept": "application/json", "User-Agent": "otai-studio", **headers}
        self._wait = wait
        self._deadline = Deadline(0.0)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust(), network_backend=Pinned(self._deadline, private=private), max_connections=1
        )

    def close(self) -> None:
        """Ends the connection."""
        self._pool.close()

    def get(self, path: str, query: Parameters = ()) -> Any:
        """What is at the path below the API's root, as JSON. Raises HelpdeskRefused, HelpdeskUnavailable."""
        path = self._below(path)
        answer = self._answered(f"{self.address}/{path}" + (f"?{urlencode(query)}" if query else ""), path)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self._unexpected(path) from None

    def read(self, path: str, query: Parameters, understood: Callable[[Any], T]) -> T:
        """What is at the path, as `understood` makes it. Raises as `get` and `taken` do."""
        return self.taken(self.get(path, query), path, understood)

    def taken(self, answer: Any, path: str, understood: Callable[[Any], T]) -> T:
        """What `understood` makes of an answer. Raises HelpdeskRefused where it is none of this system's."""
        try:
            return understood(answer)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._unexpected(self._below(path)) from None

    def _below(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _unexpected(self, path: str) -> HelpdeskRefused:
        return HelpdeskRefused("unexpected", system=self._system, path=path)

    def _answered(self, url: str, path: str) -> _Answer:
        for tried in range(most_tries):
            answer = self._once(url, path)
            if answer.status not in TRY_AGAIN:
                break
            seconds = answer.wait_seconds(tried)
            is_last = tried + 1 == most_tries or time.monotonic() + seconds > self._ends_at
            if is_last or seconds > self._limits.longest_wait_seconds:
                raise HelpdeskUnavailable("busy", status=answer.status, path=path)
            self._wait(seconds)
        self._refuse(answer, path)
        return answer

    def _refuse(self, answer: _Answer, path: str) -> None:
        if 200 <= answer.status < 300:
            return
        if answer.status == 401:
            raise HelpdeskRefused("token")
        if answer.status == 403:
            raise HelpdeskRefused("rights", path=path)
        if answer.status == 404:
            raise HelpdeskRefused("not_there", system=self._system, path=path)
        if answer.status >= 500:
            raise HelpdeskUnavailable("answered", status=answer.status, path=path)
        if 300 <= answer.status < 400:
            raise HelpdeskRefused("redirected", path=path, to=answer.headers.get("location", "")[:500])
        raise HelpdeskRefused("answered", status=answer.status, path=path)

    def _once(self, url: str, path: str) -> _Answer:
        seconds = min(answer_seconds, self._ends_at - time.monotonic())
        if seconds <= 0:
            raise HelpdeskUnavailable("slow", path=path, seconds=round(self._limits.seconds))
        self._deadline.at = time.monotonic() + seconds
        timeouts = {"connect": connect_seconds, "read": seconds, "write": seconds, "pool": seconds}
        try:
            with self._pool.stream("GET", url, headers=self._sent(url), extensions={"timeout": timeouts}) as response:
                body = bytearray()
                for chunk in response.iter_stream():
                    body += chunk
                    if len(body) > most_answer_bytes:
                        raise HelpdeskRefused("large", path=path, most=most_answer_bytes >> 20)
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return _Answer(response.status, headers, bytes(body))
        except AddressRefused as refused:
            raise HelpdeskUnavailable("address", why=refused.why) from None
        except (httpcore.TimeoutException, TimeoutError):
            raise HelpdeskUnavailable("slow", path=path, seconds=max(1, round(seconds))) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise HelpdeskUnavailable("broken", error=(str(error) or type(error).__name__)[:400]) from None

    def _sent(self, url: str) -> list[tuple[str, str]]:
        parts = httpcore.URL(url)
        port = f":{parts.port}" if parts.port is not None else ""
        return [("Host", f"{parts.host.decode()}{port}"), *self._headers.items()]


def allows_private() -> bool:
    """Whether helpdesks may be at private addresses: OTAI_HELPDESKS_ALLOW_PRIVATE, or what allows it for webhooks."""
    return bool(settings.OTAI_HELPDESKS_ALLOW_PRIVATE or settings.OTAI_WEBHOOKS_ALLOW_PRIVATE)


def checked_address(address: str, *, private: bool | None = None) -> str:
    """The address without a slash at its end, if a helpdesk may be there as far as its writing tells; the rules are
    those of webhooks. `private`: whether private addresses may be; None: as `allows_private` says. Raises
    InvalidHelpdeskAddress."""
    try:
        checked = checked_url(address, private=allows_private() if private is None else private)
    except InvalidWebhookUrl as error:
        if error.case == "private":
            raise InvalidHelpdeskAddress("private", host=error.details["host"]) from None
        if error.case == "scheme":
            raise InvalidHelpdeskAddress("scheme", scheme=error.details["scheme"]) from None
        raise InvalidHelpdeskAddress("form") from None
    if "?" in checked or "#" in checked:
        raise InvalidHelpdeskAddress("form")
    return checked.rstrip("/")


def basic(user: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
