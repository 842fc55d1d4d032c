"""The doors themselves: a browser, curl and the Python client come in through TLS, to two processes."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import httpx
import psutil
import pytest

from otai.client import InvalidWebhook, Studio, verify_webhook
from tests.doors.production import METRICS_TOKEN, Customer, Production
from tests.outbound.receiver import Receiver


@pytest.fixture(scope="module")
def acme(studio: Production) -> Customer:
    return studio.customer("acme-doors")


def test_curl_comes_in_over_tls(studio: Production) -> None:
    assert studio.curl(f"{studio.url}/health/ready") == '{"ready": true}'
    assert "200" in studio.curl("-I", f"{studio.url}/account/login/").splitlines()[0]


def test_the_python_client_comes_in_over_tls(trusted: Production, acme: Customer) -> None:
    with Studio(trusted.url, acme.key) as client:
        assert client.organisation()["organisation"] == acme.slug


def test_what_is_missing_before_strangers_come_is_said_at_the_start(studio: Production) -> None:
    """Whoever opens the Studio to the world reads its log, if nothing else."""
    said = (studio.installation.home / "studio.log").read_text()
    assert "Before strangers reach it, " in said, said
    assert "needed  mail_server: " in said and "otai check says it again" in said, said


def test_machines_ask_by_an_address_through_the_proxy_and_past_it(studio: Production) -> None:
    """Kubernetes, a load balancer and Prometheus know no name; the page of figures needs its token all the same."""
    through_it = studio.http(headers={"Host": f"10.1.2.3:{studio.port}"})
    past_it = httpx.Client(base_url=studio.direct, headers={"Host": "10.1.2.3"}, timeout=30)
    for machine in (through_it, past_it):
        with machine:
            assert machine.get("/health/live").status_code == machine.get("/health/ready").status_code == 200
            answer = machine.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
            assert answer.status_code == 200 and "otai_holds_open " in answer.text
            for given in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {METRICS_TOKEN[:-1]}"}):
                assert machine.get("/metrics", headers=given).status_code == 404


def test_two_processes_answer(studio: Production) -> None:
    port = int(studio.direct.rsplit(":", 1)[1])
    ours = psutil.Process(os.getpid()).children(recursive=True)
    serving = {process.pid for process in ours if _listens(process, port)}
    assert len(serving) >= 2, studio.log()


def _listens(process: psutil.Process, port: int) -> bool:
    return any(line.laddr and line.laddr.port == port and line.status == "LISTEN" for line in process.net_connections())


def test_a_browser_comes_in_over_tls(studio: Production, browser: Any) -> None:
    page = browser.new_page(locale="en-GB")
    page.goto(f"{studio.url}/account/login/")
    assert page.evaluate("window.isSecureContext")
    assert page.locator("[name=login]").is_visible()


def test_a_key_is_made_once_however_often_the_page_is_loaded_again(
    trusted: Production, acme: Customer, browser: Any
) -> None:
    page = trusted.page(browser, acme)
    page.goto("team/keys/")
    before = page.locator("tbody tr").count()
    page.fill("[name=name]", "Ticket router")
    page.check("[name=scopes][value=read]")
    page.click("text=Make the key")
    secret = page.inner_text("#new-key")
    assert page.locator("tbody tr").count() == before + 1
    page.reload()
    assert secret not in page.content()
    assert page.locator("tbody tr").count() == before + 1
    page.go_back()
    page.go_forward()
    page.reload()
    assert page.locator("tbody tr").count() == before + 1
    with Studio(trusted.url, secret) as client:
        assert client.organisation()["organisation"] == acme.slug
    # Revoked there, it opens nothing here.
    page.click("tr:has-text('Ticket router') .button")
    page.click("dialog[open] button.danger")
    page.wait_for_selector("tr:has-text('Ticket router') >> text=Revoked")
    with trusted.http(headers={"Authorization": f"Bearer {secret}"}) as late:
        assert late.get("/api/v1/organisation").status_code == 401


def test_a_webhook_made_in_a_browser_is_told_by_the_worker_and_verified(
    studio: Production, acme: Customer, browser: Any
) -> None:
    page = studio.page(browser, acme)
    with Receiver() as receiver:
        page.goto("team/webhooks/")
        page.fill("[name=url]", receiver.url)
        page.click("text=Make the webhook")
        secret = page.inner_text("#new-secret")
        page.click(f"a:has-text('{receiver.url}')")
        page.click("text=Send a test")
        ends = time.monotonic() + 30
        while not receiver.got and time.monotonic() < ends:
            time.sleep(0.1)
        [(headers, body)] = receiver.got
        assert verify_webhook(body, headers, secret)["type"]
        with pytest.raises(InvalidWebhook):
            verify_webhook(body + b" ", headers, secret)
        page.goto(page.url)
        assert re.search(r"HTTP 200, \d+ ms", page.inner_text("main"))
