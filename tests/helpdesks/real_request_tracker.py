"""`python -m tests.helpdesks.real_request_tracker` (`make integration`): whether a Request Tracker of Debian's answers
as its fake in `fakes/request_tracker.py` does.

It is installed where it is missing (as root), gets a database and a port of its own for as long as this takes, and
tickets by its REST 2.0. Exits with 1 where something is other than the fake says.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.parts import installed
from tests.waiting import until

PACKAGES = "request-tracker5 rt5-db-sqlite rt5-standalone"
SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
PASSWORD = "password"
"""Of root, in each new database of RT."""
TEXT = "Hello, unser Drucker klemmt über Nacht."


@contextmanager
def request_tracker() -> Iterator[str]:
    """The address of a Request Tracker with an empty database."""
    for package in PACKAGES.split():
        installed(partial(_there, package), package=package)
    with tempfile.TemporaryDirectory(prefix="otai-rt-") as folder:
        port = _free_port()
        settings = {
            "rtname": "otai.test", "Organization": "otai.test", "WebDomain": "127.0.0.1", "WebPort": str(port),
            "WebPath": "", "DatabaseType": "SQLite", "DatabaseName": f"{folder}/rt.sqlite",
            "MailCommand": "testfile", "LogToSTDERR": "error",
        }  # fmt: skip
        file = Path(folder) / "SiteConfig.pm"
        file.write_text("".join(f"Set(${name}, '{value}');\n" for name, value in settings.items()) + "1;\n")
        # The folder as well: without it RT reads the settings of the machine's own.
        environment = {**os.environ, "RT_SITE_CONFIG": str(file), "RT_SITE_CONFIG_DIR": folder}
        setup = shutil.which("rt-setup-database-5", path="/usr/sbin:/usr/bin") or "rt-setup-database-5"
        asked = [setup, "--action", "init", "--skip-create"]
        subprocess.run(asked, env=environment, check=True, capture_output=True)
        command = [str(SERVER), "--host", "127.0.0.1", "--port", str(port)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                address = f"http://127.0.0.1:{port}"
                until(lambda: _answers(address))
                yield address
            finally:
                server.terminate()


def _there(package: str) -> str | None:
    asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return package if said == "installed" else None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{address}/REST/2.0/queues/all", auth=("root", PASSWORD)).status_code == 200
    return False


def tickets_in(address: str) -> None:
    """Three tickets: of a customer in HTML, with an answer and a note that has a file; of another queue; of none."""
    with httpx.Client(base_url=f"{address}/REST/2.0/", auth=("root", PASSWORD), timeout=60) as rt:
        for name in ("Network", "Bob's"):
            rt.post("queue", json={"Name": name}).raise_for_status()
        asked = {"Requestor": "ada@globex.example", "ContentType": "text/plain"}
        first = {**asked, "Queue": "Network", "Subject": "Drucker", "Content": f"<p>{TEXT}</p>"}
        rt.post("ticket", json={**first, "ContentType": "text/html"}).raise_for_status()
        rt.post("ticket", json={**asked, "Queue": "Bob's", "Subject": "Two", "Content": "Of Bob"}).raise_for_status()
        rt.post("ticket", json={**asked, "Queue": "General", "Subject": "Three", "Content": ""}).raise_for_status()
        answer = {"Content": "<p>We looked into it</p>", "ContentType": "text/html"}
        rt.post("ticket/1/correspond", json=answer).raise_for_status()
        file = {"FileName": "a.txt", "FileType": "text/plain", "FileContent": "c2VjcmV0"}
        note = {"Content": "Between us", "ContentType": "text/plain", "Attachments": [file]}
        rt.post("ticket/1/comment", json=note).raise_for_status()


def main() -> None:
    """Asks it what the contract asks of the fakes."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "otai.config.settings", "OTAI_WEBHOOKS_ALLOW_PRIVATE": "1"}
    with tempfile.TemporaryDirectory(prefix="otai-home-") as home:
        os.environ["OTAI_HOME"] = home
        import django

        django.setup()
        with request_tracker() as address:
            began_at = datetime.now(UTC).replace(microsecond=0)
            tickets_in(address)
            _ask(address, began_at)
    print("Request Tracker answers as its fake does.")


def _ask(address: str, began_at: datetime) -> None:
    from otai.helpdesks.connecting import System, connected
    from otai.helpdesks.problems import HelpdeskRefused
    from otai.helpdesks.reading import understood
    from otai.helpdesks.values import ArticleWriter, WantedTickets

    with connected(System.REQUEST_TRACKER, address, f"root:{PASSWORD}") as rt:
        assert {"General", "Network", "Bob's"} <= set(rt.labels()["Queue"])
        page = rt.page(WantedTickets())
        assert [one.title for one in page.tickets] == ["Drucker", "Two", "Three"] and page.cursor is None
        of_bob = rt.page(WantedTickets(queues=frozenset({"Bob's"}))).tickets
        assert [(one.title, one.fields["Queue"]) for one in of_bob] == [("Two", "Bob's")]
        assert len(rt.page(WantedTickets(created_since=began_at.date(), changed_since=began_at)).tickets) == 3
        assert rt.page(WantedTickets(changed_since=began_at + timedelta(days=2))).tickets == ()
        assert rt.ticket("1") == page.tickets[0]
        read = rt.read(page.tickets[0])
        assert [(one.writer, one.is_internal) for one in read.articles] == [
            (ArticleWriter.CUSTOMER, False),
            (ArticleWriter.AGENT, False),
            (ArticleWriter.AGENT, True),
        ]
        assert read.articles[2].body.strip() == "Between us"
        assert understood(read) == TEXT
        assert rt.read(page.tickets[2]).articles == ()
        with pytest.raises(HelpdeskRefused) as refused:
            rt.ticket("99")
        assert refused.value.case == "not_there"
    with (
        connected(System.REQUEST_TRACKER, address, "1-23-nobodys") as stranger,
        pytest.raises(HelpdeskRefused) as refused,
    ):
        stranger.labels()
    assert refused.value.case == "token"


if __name__ == "__main__":
    main()
