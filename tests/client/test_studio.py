"""The Python client against a live server: the walk, refusals as errors, broken lines."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from otai.client import InvalidWebhook, Studio, verify_webhook
from otai.errors import Invalid, NotAllowed, NotFound, Refused, Unavailable
from otai.learning.model.bundle import Bundle


def present() -> datetime:
    return datetime.now(tz=UTC)


def key_of_acme(scopes: list[str] | None = None) -> str:
    from otai.orgs.operations import create_api_key
    from otai.orgs.permissions import Scope
    from otai.pricing.price_book import Tier
    from tests import stories

    acme = stories.acme(present(), tier=Tier.PRO)
    return create_api_key(
        organisation=acme, name="client", scopes=scopes or list(Scope), who="alice", now=present()
    ).secret


@contextmanager
def worker(bundle: Path) -> Iterator[None]:
    """Someone trains, as long as the `with` lasts; what comes of it is a real model."""
    from django.db import connection

    from otai.runs.testing import FakeExecutor
    from otai.runs.worker import Worker
    from otai.serving.operations import register_completed_runs

    stop = threading.Event()

    def work() -> None:
        executor = FakeExecutor(model=bundle.read_bytes(), before_stage=lambda _stage: time.sleep(0.2))
        told = lambda _run: register_completed_runs(now=present())  # noqa: E731
        Worker(executor, on_end=told).work(until=stop.is_set)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_program_walks_from_tickets_to_predictions(live_server: Any, bundle: Path, tmp_path: Path) -> None:
    from tests import stories

    tickets = stories.write_tickets(tmp_path / "support.csv")
    sent: list[int] = []
    seen: list[str] = []
    with Studio(live_server.url, key_of_acme()) as studio, worker(bundle):
        data_set = studio.import_tickets(tickets, on_progress=lambda done, _: sent.append(done), ignore=["priority"])
        assert data_set.tickets == 150 and sent[-1] == tickets.stat().st_size
        assert studio.data_set("support").id == data_set.id
        assert studio.price(1)["credits"] == 1
        quote = studio.quote(data_set.id)
        assert quote.attributes == ["queue"] and quote.balance_after == 99
        run = studio.order(quote.id)
        assert studio.order(quote.id).number == run.number
        run = studio.wait_for_run(run.number, on_progress=lambda p: seen.append(p["status"]), timeout=60)
        assert run.status == "completed" and run.charged == 1 and seen[-1] == "completed"
        assert studio.balance().spent == 1
        for _ in range(50):
            if versions := list(studio.models()):
                break
            time.sleep(0.1)
        assert [(v.model, v.version) for v in versions] == [("support", 1)]
        assert len(studio.predict("support", ["vpn wifi router"] * 3)) == 3
        assert studio.predict("support", ["invoice payment refund tax bank"])[0]["queue"].labels == ("Billing",)
        known = Bundle.load(bundle)
        [said] = studio.predict("support", ["vpn wifi router"], precision=0.95)
        [here] = known.predict(["vpn wifi router"])
        assert {name: one.decides_alone for name, one in said.attributes.items()} == {
            one.spec.name: here[one.spec.name].confidence >= one.thresholds.get("0.95", 2.0) for one in known.attributes
        }
        assert studio.predict("support", ["vpn"])[0]["queue"].decides_alone is None
        with pytest.raises(Invalid, match=r"0\.9, 0\.95, 0\.99"):
            studio.predict("support", ["vpn"], precision=0.8)
        with pytest.raises(Invalid, match="precison"):
            studio._post("/models/support/predict", {"texts": ["vpn"], "precison": 0.95})
        saved = studio.download("support", tmp_path)
        assert saved.read_bytes() == bundle.read_bytes()
        assert [line["kind"] for line in studio.statement()] == ["capture", "hold", "grant"]


@pytest.mark.django_db(transaction=True)
def test_refusals_are_the_products_own_errors(live_server: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("text,queue\n" + "vpn down,network\n" * 20 + "a,b,c,d\n")
    with Studio(live_server.url, key_of_acme(["read", "tickets:write"])) as studio:
        with pytest.raises(NotFound) as missing:
            studio.run(7)
        assert missing.value.code == "not_found" and missing.value.details["number"] == 7
        with pytest.raises(Invalid) as wrong:
            studio.import_tickets(bad)
        assert wrong.value.code == "dataset_invalid" and wrong.value.details["row"] == 22
        with pytest.raises(NotAllowed, match="runs:order"):
            studio.quote("019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b")
    with Studio(live_server.url, "otai_abcdefgh_wrong") as stranger, pytest.raises(NotAllowed) as unknown:
        stranger.balance()
    assert unknown.value.code == "api_key_unknown"


def answering(*answers: Callable[[httpx.Request], httpx.Response]) -> tuple[Studio, list[httpx.Request], list[float]]:
    asked: list[httpx.Request] = []
    slept: list[float] = []
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        asked.append(request)
        return left.pop(0)(request)

    studio = Studio("https://studio.example", "otai_k_s", transport=httpx.MockTransport(handle), sleep=slept.append)
    return studio, asked, slept


def said(status: int, body: Any, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, json=body, headers=headers)


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


RUN = {
    **dict.fromkeys(["number", "credits", "held", "charged", "steps_done", "steps_total"], 1),
    **dict.fromkeys(["model", "data_set_name", "mode", "delivery", "status", "stage"], "x"),
    **dict.fromkeys(["failure_code", "failure_message"], ""),
    **dict.fromkeys(["ended_at", "expected_finish_at", "model_version"]),
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "attributes": [],
    "ordered_at": "2026-11-02T09:30:00Z",
    "due_at": "2026-11-02T09:30:00Z",
}


@pytest.mark.pure
def test_a_broken_line_is_tried_again_with_the_same_key() -> None:
    studio, asked, slept = answering(
        broken,
        said(503, {"error": {"code": "database_busy", "message": "Busy."}}, **{"Retry-After": "7"}),
        said(409, {"error": {"code": "request_in_progress", "message": "Being worked on."}}, **{"Retry-After": "1"}),
        said(201, RUN),
    )
    assert studio.order("q").number == 1
    assert {request.headers["Idempotency-Key"] for request in asked} == {"order:q"} and len(asked) == 4
    assert slept[1:] == [7, 1]


@pytest.mark.pure
def test_what_is_refused_for_good_is_not_tried_again() -> None:
    studio, asked, _ = answering(
        said(409, {"error": {"code": "insufficient_credits", "message": "12 needed", "missing": 3}})
    )
    with pytest.raises(Refused) as refused:
        studio.order("q")
    assert refused.value.details["missing"] == 3 and len(asked) == 1


@pytest.mark.pure
def test_a_studio_that_stays_away_is_unavailable() -> None:
    studio, asked, _ = answering(*[said(502, {})] * 5)
    with pytest.raises(Unavailable) as away:
        studio.balance()
    assert away.value.code == "http_502" and len(asked) == 5


@pytest.mark.pure
def test_a_stream_that_breaks_is_taken_up_where_it_was() -> None:
    first = b'id: 4\nevent: move\ndata: {}\n\nevent: progress\ndata: {"status": "training", "stage": "features"}\n\n'
    second = (
        b'id: 5\nevent: move\ndata: {}\n\nevent: progress\ndata: {"status": "completed"}\n\nevent: end\ndata: {}\n\n'
    )
    studio, asked, _ = answering(
        lambda _: httpx.Response(200, content=first),
        broken,
        lambda _: httpx.Response(200, content=second),
        said(200, RUN),
    )
    seen: list[Any] = []
    studio.wait_for_run(1, on_progress=seen.append)
    assert [request.headers.get("Last-Event-ID") for request in asked] == ["0", "4", "4", None]
    assert [progress["status"] for progress in seen] == ["training", "completed"]


@pytest.mark.pure
def test_a_key_does_not_travel_in_the_clear() -> None:
    for url in ("http://studio.example", "ftp://studio.example", "studio.example", ""):
        with pytest.raises(Invalid):
            Studio(url, "otai_k_s")
    assert Studio("http://localhost:8000", "otai_k_s").url


@pytest.mark.pure
def test_a_webhook_is_verified_as_the_reference_library_signs_it() -> None:
    from standardwebhooks import Webhook

    secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body, stamp = b'{"type":"run.completed","data":{"run":4}}', present()
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(stamp.timestamp())),
        "Webhook-Signature": "v1,AAAA " + Webhook(secret).sign("msg_1", stamp, body.decode()),
    }
    assert verify_webhook(body, headers, secret)["data"] == {"run": 4}
    for wrong in (
        {"body": body.replace(b"4", b"5")},
        {"headers": {**headers, "Webhook-Id": "msg_2"}},
        {"headers": {}},
        {"headers": {**headers, "Webhook-Timestamp": "now"}},
        {"secret": "whsec_AAAA"},
        {"secret": "?"},
        {"now": time.time() + 301},
        {"now": time.time() - 301},
    ):
        with pytest.raises(InvalidWebhook):
            verify_webhook(**{"body": body, "headers": headers, "secret": secret, **wrong})  # type: ignore[arg-type]


@contextmanager
def served(database_url: str, home: str) -> Iterator[str]:
    """The real server, as `otai studio` starts it, on the test's database."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "otai.cli.main", "studio", "--port", str(port)],
        env={**os.environ, "OTAI_DATABASE_URL": database_url, "OTAI_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(400):
            try:
                urllib.request.urlopen(f"{url}/health/live", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def otai(*arguments: str) -> str:
    """A command against a Studio elsewhere, in this process."""
    from typer.testing import CliRunner

    from otai.cli import elsewhere, remote

    assert elsewhere.is_wanted(list(arguments))
    found = CliRunner().invoke(remote.app, list(arguments))
    assert found.exit_code == 0, (found.output, found.exception)
    return found.output


def otai_here(*arguments: str) -> str:
    """The same command against the installation here, of which the Studio is one door."""
    from typer.testing import CliRunner

    from otai.cli.main import app

    found = CliRunner().invoke(app, list(arguments))
    assert found.exit_code == 0, found.output
    return found.output


def without_times(printed: str) -> list[str]:
    """The lines, without what differs by right: times, which each door shows in its own zone, and the blanks that set
    columns apart."""
    untimed = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( \([A-Za-z]+/[A-Za-z]+\))?", "", printed)
    return [" ".join(line.split()) for line in untimed.splitlines() if line.strip()]


def otai_in_a_process(*arguments: str, **environment: str) -> str:
    found = subprocess.run(
        [sys.executable, "-m", "otai.cli.main", *arguments],
        env={**{k: v for k, v in os.environ.items() if k not in ("OTAI_HOME", "OTAI_DATABASE_URL")}, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.postgres
def test_the_command_line_works_against_a_studio_elsewhere(
    database_url: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real server with its live stream; the process that trains has no database of its own."""
    from tests import stories

    tickets = stories.write_tickets(tmp_path / "support.csv")
    key, login = key_of_acme(), tmp_path / "login.json"
    home = os.environ["OTAI_HOME"]
    monkeypatch.setenv("OTAI_LOGIN_FILE", str(login))
    # Wide enough that no line of a table is broken: where it would be depends on the names of zones.
    monkeypatch.setenv("COLUMNS", "300")
    with served(database_url, home) as url, worker(bundle):
        monkeypatch.delenv("OTAI_HOME")
        assert "Signed in" in otai("login", url, "--key", key)
        assert oct(login.stat().st_mode)[-3:] == "600"
        assert "150 tickets imported" in otai("tickets", "import", str(tickets), "--ignore", "priority")
        there = {"OTAI_URL": url, "OTAI_API_KEY": key}
        trained = json.loads(otai_in_a_process("train", "support", "--yes", "--json", **there))
        assert trained["status"] == "completed" and trained["charged"] == 1
        assert json.loads(otai("runs", "list", "--json"))[0]["status"] == "completed"
        assert json.loads(otai("runs", "show", "1", "--json"))["report_card"] == {"attributes": []}
        assert "1 credit" in otai("quote", "--data-set", "support")
        asked = ("predict", "support", "invoice payment refund tax bank", "--precision", "0.95")
        assert re.search(r"otherwise +alone", otai(*asked))
        predicted = json.loads(otai(*asked, "--json"))
        assert predicted["attributes"]["queue"]["decides_alone"] in (True, False)
        assert predicted["attributes"]["queue"]["labels"] == ["Billing"]
        otai("model", "export", "support", str(tmp_path))
        assert (tmp_path / "support-v1.otai").read_bytes() == bundle.read_bytes()
        assert "99 available" in otai("balance")
        grown = json.loads(otai("tickets", "import", str(tickets), "--name", "support", "--add", "--mask", "--json"))
        assert grown["version"] == 2
        changes = ("tickets", "labels", "support", "-a", "queue", "--rename", "accounts=network")
        assert "then has" in otai(*changes, "--dry-run")
        assert json.loads(otai(*changes, "--yes", "--json"))["version"] == 3
        assert "labels that went since version 2: “accounts”" in otai("tickets", "profile", "support")
        earlier = "\n\nOn Mon, 5 Jan 2026 at 08:12, Dana wrote:\n> The earlier words"
        rows = "".join(f'T{n},"The printer number {n} fails{earlier}",{"ab"[n % 2]}\n' for n in range(60))
        (tmp_path / "mails.csv").write_text(f"ticket id,text,queue\n{rows}")
        otai("tickets", "import", str(tmp_path / "mails.csv"), "--name", "mails")
        assert "with the texts as they came" in otai("tickets", "uncut", "mails")
        for noun in ("tickets list", "runs list", "model list", "statement", "predict support invoice"):
            elsewhere, here = without_times(otai(*noun.split())), without_times(otai_here(*noun.split()))
            assert set(elsewhere) <= set(here), f"otai {noun}: both doors say it alike"
            assert len(elsewhere) >= 2
        for words in (["quote", "--data-set", "support"], ["balance"]):
            assert without_times(otai(*words)) == without_times(otai_here(*words))
        otai("logout")
    from otai.cli.elsewhere import is_wanted

    assert not is_wanted(["train", "support"]), "signed out: the commands are for this machine again"
    monkeypatch.setenv("OTAI_URL", "https://studio.example")
    assert is_wanted(["train", "support"]) and not is_wanted(["worker"])
    monkeypatch.setenv("OTAI_URL", "")
    assert not is_wanted(["train", "support"])
