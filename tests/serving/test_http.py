"""A model behind HTTP: what it answers, and what it refuses, to whom."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from otai.learning.model.bundle import Bundle
from otai.serving import http
from otai.serving.http import ModelServer

pytestmark = pytest.mark.pure

VPN = "vpn router\nthe vpn cable and the wifi are down urgent immediately outage"


def ask(
    server: ModelServer,
    method: str,
    path: str,
    body: bytes | object = b"",
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> tuple[int, Any]:
    """One request, as granian would hand it over, its body in two parts."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    parts = [content[: len(content) // 2], content[len(content) // 2 :]]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    asyncio.run(server(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.fixture
def server(bundle: Bundle) -> ModelServer:
    return ModelServer(bundle, "support v1")


def test_a_ticket_is_answered_as_the_bundle_itself_would(server: ModelServer, bundle: Bundle) -> None:
    status, answer = ask(server, "POST", "/predict", {"text": VPN})
    assert status == 200 and answer["model"] == "support v1"
    [found] = bundle.predict([VPN])
    assert answer["attributes"]["queue"]["labels"] == ["Network"] == list(found["queue"].labels)
    assert answer["attributes"]["queue"]["confidence"] == pytest.approx(found["queue"].confidence, abs=1e-6)
    assert len(answer["attributes"]["queue"]["runners_up"]) == 3
    subject, body = VPN.split("\n")
    assert ask(server, "POST", "/predict/", {"subject": subject, "body": body}) == (status, answer)


def test_what_may_be_decided_alone_is_said_at_the_precision_asked_for(server: ModelServer, bundle: Bundle) -> None:
    thresholds = {one.spec.name: one.thresholds.get("0.95", 2.0) for one in bundle.attributes}
    tickets = [VPN, "invoice payment refund", ""]
    answer = ask(server, "POST", "/predict", {"tickets": tickets, "precision": 0.95})[1]
    said = [{name: one["decides_alone"] for name, one in ticket["attributes"].items()} for ticket in answer["tickets"]]
    found = bundle.predict(tickets)
    assert said == [{name: one[name].confidence >= least for name, least in thresholds.items()} for one in found]
    assert {alone for one in said for alone in one.values()} == {True, False}
    assert "decides_alone" not in ask(server, "POST", "/predict", {"text": VPN})[1]["attributes"]["queue"]


def test_markup_is_read_as_the_import_reads_it(server: ModelServer) -> None:
    said = ask(server, "POST", "/predict", {"subject": "vpn router", "body": "the wifi is down\n\nurgent outage"})
    html = "<style>invoice refund payment</style><p>the wifi is down</p><div>urgent outage</div>"
    for body in (html, html.replace("<", "&lt;").replace(">", "&gt;"), "the wifi is down\\n\\nUrgent outage"):
        assert ask(server, "POST", "/predict", {"subject": "vpn router", "body": body}) == said


def test_a_batch_is_answered_in_its_order_and_no_text_comes_back(server: ModelServer) -> None:
    tickets = [
        {"text": VPN},
        "invoice payment refund",
        {"subject": "password login locked", "body": None},
        {"text": ""},
    ]
    status, answer = ask(server, "POST", "/predict", {"tickets": tickets})
    labels = [ticket["attributes"]["queue"]["labels"][0] for ticket in answer["tickets"]]
    assert status == 200 and labels == ["Network", "Billing", "Access", "Billing"]
    assert "vpn" not in json.dumps(answer)


def test_health_labels_and_description(server: ModelServer) -> None:
    assert ask(server, "GET", "/health") == (
        200,
        {"status": "ok", "model": "support v1", "attributes": ["queue", "priority", "tags"]},
    )
    labels = ask(server, "GET", "/labels")[1]["attributes"]
    assert labels[1] == {
        "name": "priority",
        "kind": "ordered",
        "labels": ["low", "medium", "high"],
        "thresholds": labels[1]["thresholds"],
    }
    described = ask(server, "GET", "/openapi.json")[1]
    assert described["openapi"].startswith("3.1") and set(described["paths"]) == {"/predict", "/labels", "/health"}


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"", "request_invalid", "not JSON"),
        (b"\xff\xfe", "request_invalid", "not JSON"),
        (b"[" * 100_000, "request_invalid", "not JSON"),
        ([], "request_invalid", "The body is"),
        ({}, "request_invalid", 'has neither "text"'),
        ({"text": 7}, "request_invalid", "no text"),
        ({"subject": ["x"]}, "request_invalid", "are texts"),
        ({"text": "x", "precison": 0.95}, "request_invalid", "The request has precison, which nobody reads"),
        ({"tickets": ["x"], "text": "y"}, "request_invalid", "nobody reads"),
        ({"tickets": [{"text": "x", "id": 7}]}, "request_invalid", "Ticket 1 has id, which nobody reads"),
        ({"text": "x", "precision": "0.95"}, "request_invalid", "is a number"),
        ({"text": "x", "precision": True}, "request_invalid", "is a number"),
        ({"text": "x", "precision": 0.8}, "precision_unknown", "0.9, 0.95, 0.99"),
        ({"tickets": []}, "request_invalid", "at least one"),
        ({"tickets": {"a": 1}}, "request_invalid", "is a list"),
        ({"tickets": ["fine", 7]}, "request_invalid", "Ticket 2"),
        ({"tickets": ["x"] * 1_001}, "request_invalid", "1,000 is the most"),
        ({"text": "x" * 1_000_001}, "request_invalid", "1,000,000 is the most"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(server: ModelServer, body: object, code: str, said: str) -> None:
    status, answer = ask(server, "POST", "/predict", body)
    assert (status, answer["error"]["code"]) == (422, code) and said in answer["error"]["message"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, answer = ask(server, "POST", "/predict", b"{}", headers=((b"content-length", b"9000000000"),))
    assert (status, answer["error"]["code"]) == (413, "body_too_large")
    monkeypatch.setattr(http, "most_body_bytes", 100)
    assert ask(server, "POST", "/predict", {"text": "x" * 200})[0] == 413


def test_other_paths_and_methods_are_named(server: ModelServer) -> None:
    assert ask(server, "GET", "/admin")[0] == 404
    assert ask(server, "GET", "/predict")[0] == 405
    assert ask(server, "POST", "/labels")[0] == 405


def test_with_a_key_only_health_is_open(bundle: Bundle) -> None:
    server = ModelServer(bundle, "support", key="s3cret")
    assert ask(server, "GET", "/health")[0] == 200
    for header in ((), ((b"authorization", b"Bearer wrong"),), ((b"authorization", b"s3cret"),)):
        assert ask(server, "POST", "/predict", {"text": "x"}, headers=header)[0] == 401
        assert ask(server, "GET", "/labels", headers=header)[0] == 401
    assert ask(server, "POST", "/predict", {"text": "x"}, headers=((b"authorization", b"Bearer s3cret"),))[0] == 200


def test_a_fault_of_ours_tells_nothing_and_the_next_request_is_answered(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Bundle, "predict", lambda *_: 1 / 0)
        status, answer = ask(server, "POST", "/predict", {"text": "x"})
        assert status == 500 and "division" not in json.dumps(answer)
    assert ask(server, "POST", "/predict", {"text": "x"})[0] == 200


def test_the_command_serves_a_bundle_without_a_database(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "support.otai")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "otai.cli.main", "serve", "support.otai", "--port", str(port)]
    environment = {"PATH": os.environ["PATH"], "OTAI_HOME": str(tmp_path / "nowhere")}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/predict", data=json.dumps({"text": VPN}).encode(), method="POST"
            )
            answer = None
            for _ in range(150):
                try:
                    with urllib.request.urlopen(request, timeout=5) as response:
                        answer = json.load(response)
                    break
                except urllib.error.URLError:
                    assert process.poll() is None, process.stdout.read() if process.stdout else ""
                    time.sleep(0.2)
            assert answer is not None and answer["model"] == "support"
            assert answer["attributes"]["queue"]["labels"] == ["Network"]
        finally:
            process.terminate()
    assert not (tmp_path / "nowhere").exists()
