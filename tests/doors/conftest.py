"""Every test in this folder comes in by a door: the marker `door` is theirs by themselves."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.doors.production import NAME, Blank, Production, in_production


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.door)


@pytest.fixture(autouse=True)
def the_name_leads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """`studio.otai.test` is this machine, for every client in this process."""
    ask = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        return ask("127.0.0.1" if host in (NAME, NAME.encode()) else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory, initialised_home: Path) -> Blank:
    return Blank(tmp_path_factory.mktemp("doors"), os.environ["OTAI_DATABASE_URL"], initialised_home)


@pytest.fixture(scope="session")
def studio(blank: Blank) -> Iterator[Production]:
    """One Studio for all tests that break nothing of it, with a worker: each uses organisations of its own."""
    # Customers' own web servers are on this machine.
    with in_production(*blank.new(), worker=True, settings={"OTAI_WEBHOOKS_ALLOW_PRIVATE": "1"}) as running:
        yield running


@pytest.fixture(scope="module")
def browser(studio: Production, a_browser: str) -> Iterator[Any]:
    """One Chromium for the tests of a module; `studio.page(browser, customer)` is a person's own."""
    with studio.browser() as running:
        yield running


Opens = Callable[..., AbstractContextManager[Production]]


@pytest.fixture
def open_studio(blank: Blank) -> Opens:
    """A Studio of a test's own: `with open_studio(settings={"OTAI_VERIFY_MAIL": "1"}, worker=False) as studio:`."""

    def opens(**more: Any) -> AbstractContextManager[Production]:
        return in_production(*blank.new(), **more)

    return opens


@pytest.fixture
def trusted(studio: Production, monkeypatch: pytest.MonkeyPatch) -> Production:
    """The Studio, whose certificate the Python client trusts as well."""
    monkeypatch.setenv("SSL_CERT_FILE", str(studio.certificate))
    return studio
