"""Large files over a line that breaks: the client goes on, and so does the same command once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from otai.client import Studio, sending
from otai.errors import Unavailable
from tests.client.test_studio import key_of_acme


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and parts of a test's size."""
    from otai.tickets import arriving_uploads

    monkeypatch.setattr(arriving_uploads, "least_part_bytes", 1_000)
    monkeypatch.setattr(sending, "in_parts_from_bytes", 1_000)
    monkeypatch.setattr(sending, "least_part_bytes", 2_000)
    monkeypatch.setattr(sending, "first_part_bytes", 2_000)
    monkeypatch.setattr(sending, "quick_seconds", 0.0)


class Breaking(httpx.HTTPTransport):
    """A line that breaks at each part whose number is in `at`: before it is sent, or after it arrived."""

    def __init__(self, at: dict[int, str]) -> None:
        super().__init__()
        self.at, self.parts, self.sent = at, 0, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "PATCH":
            return super().handle_request(request)
        self.parts += 1
        when = self.at.get(self.parts)
        if when == "before":
            raise httpx.WriteError("broken", request=request)
        self.sent += int(request.headers["Content-Length"])
        response = super().handle_request(request)
        if when == "after":
            response.read()
            response.close()
            raise httpx.ReadError("broken", request=request)
        return response


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small")
def test_a_file_arrives_once_over_a_line_that_breaks(live_server: Any, tmp_path: Path, settings: Any) -> None:
    from otai.tickets.models import ArrivingUpload
    from tests import stories

    settings.OTAI_FILES = (tmp_path / "files").as_uri()
    tickets = stories.write_tickets(tmp_path / "support.csv")
    size = tickets.stat().st_size
    key, line, slept = key_of_acme(), Breaking({2: "before", 3: "after"}), list[float]()
    sent: list[int] = []

    def ends(done: int, _: int) -> None:
        sent.append(done)
        if done > size // 2:
            raise KeyboardInterrupt

    with Studio(live_server.url, key, transport=line, sleep=slept.append) as studio, pytest.raises(KeyboardInterrupt):
        studio.import_tickets(tickets, on_progress=ends)
    assert len(slept) == 2 and sent == sorted(sent)
    there = ArrivingUpload.objects.get().received
    assert there == line.sent, "what arrived was not sent again"
    # The same command, the next morning.
    line = Breaking({})
    with Studio(live_server.url, key, transport=line) as studio:
        data_set = studio.import_tickets(tickets)
    assert data_set.tickets == 150 and line.sent == size - there
    assert not ArrivingUpload.objects.exists() and not list((tmp_path / "files").rglob("*.part"))


@pytest.mark.pure
@pytest.mark.usefixtures("small")
def test_a_line_that_stays_broken_is_told_with_what_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "big.csv"
    file.write_bytes(b"x" * 5_000)
    monkeypatch.setattr(sending, "patient_seconds", 0.0)

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            known = {"id": "u", "fingerprint": sending.mark_of(file), "bytes": 5_000, "received": 3_000}
            return httpx.Response(200, json={"items": [], "arriving": [known], "part_bytes": 4_000})
        raise httpx.ConnectError("away", request=request)

    with (
        Studio("https://studio.example", "k", transport=httpx.MockTransport(answers), sleep=lambda _: None) as studio,
        pytest.raises(Unavailable, match=r"3,000 of 5,000 bytes are there, for a day. The same command goes on"),
    ):
        studio.import_tickets(file)


@pytest.mark.pure
@pytest.mark.usefixtures("small")
def test_a_studio_of_before_gets_the_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / "big.csv"
    file.write_bytes(b"x" * 5_000)
    for known in (httpx.Response(404, json={}), httpx.Response(200, json={"items": []})):
        transport = httpx.MockTransport(lambda _, known=known: known)  # type: ignore[misc]
        with httpx.Client(base_url="https://studio.example/api/v1", transport=transport) as http:
            assert sending.send(http, file, sleep=lambda _: None) is None
