"""A helpdesk at an address: which systems there are, and how one is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from otai.helpdesks.asking import Asking, TimeLimits, unhurried
from otai.helpdesks.helpdesk import Helpdesk
from otai.helpdesks.problems import InvalidHelpdeskToken
from otai.helpdesks.systems.request_tracker import RequestTracker
from otai.helpdesks.systems.zammad import Zammad
from otai.helpdesks.systems.zendesk import Zendesk

most_token_characters = 4_000


class System(StrEnum):
    """The systems that are known, by the names that commands take."""

    ZAMMAD = "zammad"
    REQUEST_TRACKER = "request-tracker"
    ZENDESK = "zendesk"


Adapter = type[Zammad] | type[RequestTracker] | type[Zendesk]
ADAPTERS: Mapping[System, Adapter] = {
    System.ZAMMAD: Zammad,
    System.REQUEST_TRACKER: RequestTracker,
    System.ZENDESK: Zendesk,
}


@contextmanager
def connected(
    system: System,
    address: str,
    token: str,
    *,
    wait: Callable[[float], None] = time.sleep,
    private: bool | None = None,
    limits: TimeLimits = unhurried,
) -> Iterator[Helpdesk]:
    """The helpdesk, for as long as the block takes; nothing is asked yet. `wait` sleeps between tries; `private` as
    for `checked_address`. Raises InvalidHelpdeskAddress, InvalidHelpdeskToken."""
    adapter = ADAPTERS[system]
    headers = {"Authorization": _authorization(adapter, token)}
    asking = Asking(
        address,
        system=adapter.name,
        root=adapter.root,
        headers=headers,
        wait=wait,
        private=private,
        limits=limits,
    )
    try:
        yield adapter(asking)
    finally:
        asking.close()


def checked_token(system: System, token: str) -> str:
    """The token, if it can be sent to such a helpdesk. Raises InvalidHelpdeskToken."""
    _authorization(ADAPTERS[system], token)
    return token


def _authorization(adapter: Adapter, token: str) -> str:
    # What a header cannot hold would come back in an error's text.
    if not token or len(token) > most_token_characters or not token.isprintable() or token != token.strip():
        raise InvalidHelpdeskToken("form")
    authorization = adapter.authorization(token)
    if not authorization.isascii():
        raise InvalidHelpdeskToken("form")
    return authorization
