"""Starts the Stripe double for tests, and a receiver that keeps the webhooks it sends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WEBHOOK_SECRET = "whsec_of_the_tests"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class _StaysHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Received:
    """Webhooks as they came over HTTP: (body, headers). Tests hand them on when and how often they like."""

    calls: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def wait_for(self, kind: str, about: str, *, seconds: float = 10) -> tuple[bytes, dict[str, str]]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for body, headers in self.calls:
                if f'"type": "{kind}"'.encode() in body and about.encode() in body:
                    return body, headers
            time.sleep(0.05)
        raise AssertionError(f"no webhook {kind} about {about} within {seconds} s; there are {len(self.calls)}")


@dataclass
class Double:
    base: str
    received: Received

    def forget_everything(self) -> None:
        self._call("DELETE", "/_config/data")
        self.received.calls.clear()

    def tells(self, address: str) -> None:
        """News go there from now on, signed."""
        target = json.dumps({"url": address, "secret": WEBHOOK_SECRET})
        self._call("POST", "/_config/webhooks/tests", target.encode())

    def payer_pays(self, page: str, number: str, *, bank: str = "") -> str:
        """The payer enters a card or an IBAN on the hosted page, and answers the bank with yes or no; returns where the
        page sends the browser, "" while it goes nowhere. `page` is its address."""
        body = urllib.parse.urlencode({"number": number, "bank": bank, "does": "pay"}).encode()
        opener = urllib.request.build_opener(_StaysHere)
        try:
            opener.open(page, data=body, timeout=10).close()
        except urllib.error.HTTPError as answer:
            return str(answer.headers.get("Location") or "")
        return ""

    def page_expires(self, page: str) -> None:
        """Nobody paid on the hosted page in its time. `page` is its address."""
        self._form(f"/v1/checkout/sessions/{page.rpartition('/')[2]}/expire")

    def disputes(self, payment: str, cents: int, status: str = "needs_response") -> str:
        """The payer's bank asks for so much of a payment, or only about it (`warning_needs_response`); returns the
        dispute's name."""
        asked = {"payment_intent": payment, "amount": str(cents), "status": status}
        return str(self._form("/_config/disputes", **asked)["id"])

    def refunds(self, payment: str, cents: int) -> str:
        """The vendor gives so much back in the provider's dashboard, past the Studio; returns the refund's name."""
        return str(self._form("/v1/refunds", payment_intent=payment, amount=str(cents))["id"])

    def refund_fails(self, refund: str) -> None:
        """The payer's bank sends a refund back, whoever made it."""
        self._form(f"/_config/refunds/{refund}/fail")

    def pays_out(self) -> str:
        """What no payout brought yet goes to the vendor's bank; returns the payout's name."""
        return str(self._form("/_config/payouts", now="yes")["id"])

    def payout_fails(self, payout: str) -> None:
        """The vendor's bank sends a payout back."""
        self._form(f"/_config/payouts/{payout}/fail")

    def decides(self, dispute: str, status: str) -> None:
        """The payer's bank says won or lost, in Stripe's words."""
        self._form(f"/_config/disputes/{dispute}", status=status)

    def payer_answers(self, payment: str, client_secret: str, *, yes: bool = True) -> None:
        """3-D Secure in the payer's browser, by Stripe's script: the bank is told that it is them, or is not."""
        said = {"success": str(yes).lower(), "client_secret": client_secret, "key": "pk_test_12345"}
        self._form(f"/v1/payment_intents/{payment}/_authenticate", **said)

    def _form(self, path: str, **fields: str) -> Any:
        asked = urllib.request.Request(self.base + path, data=urllib.parse.urlencode(fields).encode())
        asked.add_header("Authorization", "Bearer sk_test_12345")
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return json.loads(answer.read())

    def _call(self, method: str, path: str, body: bytes | None = None) -> None:
        request = urllib.request.Request(self.base + path, data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=5) as answer:
            answer.read()


@contextmanager
def stripe_double(environment: dict[str, str] | None = None) -> Iterator[Double]:
    """The double as a process of its own, with `environment` beside ours."""
    port, received = free_port(), Received()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.calls.append((body, dict(self.headers)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    command = [sys.executable, "-m", "tests.billing.stripe_double", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | (environment or {}))
    double = Double(f"http://127.0.0.1:{port}", received)
    try:
        _wait_until_it_answers(double, process)
        double.tells(f"http://127.0.0.1:{receiver.server_port}/")
        yield double
    finally:
        process.terminate()
        process.wait(timeout=10)
        receiver.shutdown()


def _wait_until_it_answers(double: Double, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "the Stripe double stopped"
        try:
            double._call("DELETE", "/_config/data")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the Stripe double did not answer within 20 s")
