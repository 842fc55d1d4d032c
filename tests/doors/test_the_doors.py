"""The doors themselves: a browser, curl and the Python client come in through TLS, to two processes."""

from __future__ import annotations

import os

import httpx
import psutil
import pytest

from otai.client import Studio
from tests.doors.production import METRICS_TOKEN, Production


def test_curl_comes_in_over_tls(studio: Production) -> None:
    assert studio.curl(f"{studio.url}/health/ready") == '{"ready": true}'
    assert "200" in studio.curl("-I", f"{studio.url}/account/login/").splitlines()[0]


def test_the_python_client_comes_in_over_tls(trusted: Production) -> None:
    trusted.organisation("acme")
    with Studio(trusted.url, trusted.key("read")) as client:
        assert client.organisation()["name"] == "Acme"


def test_what_is_missing_before_strangers_come_is_said_at_the_start(studio: Production) -> None:
    """Whoever opens the Studio to the world reads its log, if nothing else."""
    said = (studio.installation.home / "studio.log").read_text()
    assert "Before strangers reach it, " in said, said
    assert "needed  mail_server: " in said and "otai check says it again" in said, said


def test_prometheus_asks_by_the_address_of_a_machine_and_needs_the_token(studio: Production) -> None:
    with httpx.Client(base_url=studio.direct, headers={"Host": "10.1.2.3"}, timeout=30) as prometheus:
        answer = prometheus.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        assert answer.status_code == 200 and "otai_holds_open " in answer.text
        for given in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {METRICS_TOKEN[:-1]}"}):
            assert prometheus.get("/metrics", headers=given).status_code == 404


def test_two_processes_answer(studio: Production) -> None:
    port = int(studio.direct.rsplit(":", 1)[1])
    ours = psutil.Process(os.getpid()).children(recursive=True)
    serving = {process.pid for process in ours if _listens(process, port)}
    assert len(serving) >= 2, studio.log()


def _listens(process: psutil.Process, port: int) -> bool:
    return any(line.laddr and line.laddr.port == port and line.status == "LISTEN" for line in process.net_connections())


@pytest.mark.usefixtures("a_browser")
def test_a_browser_comes_in_over_tls(studio: Production) -> None:
    with studio.browser() as browser:
        page = browser.new_page(locale="en-GB")
        page.goto(f"{studio.url}/account/login/")
        assert page.evaluate("window.isSecureContext")
        assert page.locator("[name=login]").is_visible()
