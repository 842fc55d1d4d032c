"""`python -m tests.open_ticket_ai.real_open_ticket_ai` (`make integration`): Open Ticket AI itself, started with the
exported folder of a model, routes tickets of a fake Zammad and a fake OTOBO.

It wants Python 3.14: Debian's, from a newer suite, in a folder of its own (as root, by debootstrap; some minutes the
first time). Open Ticket AI and `packages/otai-open-ticket-ai` are installed there; settings and pipeline are theirs.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx

from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.tickets import LabelledTickets
from otai.learning.exporting.open_ticket_ai import write_folder
from otai.learning.model.bundle import Bundle
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from tests.open_ticket_ai import fakes
from tests.parts import installed
from tests.waiting import until

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "packages/otai-open-ticket-ai"
OPEN_TICKET_AI = "open-ticket-ai==2.0.0"
SUITE = "testing"
QUEUES = ("Network", "Accounts", "Hardware")
WORDS = {
    "Network": ["vpn", "tunnel", "wifi", "router", "network", "connection", "dropped", "switch", "cable"],
    "Accounts": ["password", "login", "account", "locked", "reset", "user", "access", "token"],
    "Hardware": ["printer", "laptop", "screen", "keyboard", "battery", "mouse", "dock", "broken"],
}
INCOMING, FALLBACK = "Incoming", "To be sorted"
UNLIKE_ANYTHING = "zzyx qwrt blorp"
UNKNOWN_THERE = "Hardware"
"""A queue that the model knows and the helpdesk does not."""


def main() -> None:
    program = _environment()
    with tempfile.TemporaryDirectory(prefix="otai-open-ticket-ai-", dir=program / "var/tmp") as folder:
        exported = Path(folder) / "model"
        write_folder(_model(), exported, name="support v1")
        _check_settings(program, exported)
        with _served(exported) as address:
            _route(program, exported, address, "zammad", fakes.zammad)
            _route(program, exported, address, "otobo", fakes.otobo)
    print("Open Ticket AI routed tickets of Zammad and OTOBO with a model of Studio.")


def _environment() -> Path:
    """A folder with Python 3.14, Open Ticket AI, and our package, to be entered by chroot."""
    installed(partial(shutil.which, "debootstrap"), package="debootstrap")
    kept = Path(os.environ.get("OTAI_TEST_PYTHON_314", Path.home() / ".cache/otai-python-3.14"))
    if not (kept / "usr/bin/python3").exists():
        told = ["apt-get", "indextargets", "--format", "$(SITE)"]
        site = subprocess.run(told, check=True, capture_output=True, text=True).stdout.split()[0]
        packages = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(["debootstrap", "--variant=minbase", packages, SUITE, str(kept), site], check=True)
    for file in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
        with suppress(shutil.SameFileError):
            shutil.copyfile(file, kept / file[1:])
    if not (kept / "venv/bin/open-ticket-ai").exists():
        _inside(kept, "python3", "-m", "venv", "/venv")
        _inside(kept, "/venv/bin/pip", "install", "--quiet", OPEN_TICKET_AI)
    source = kept / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(PACKAGE, source)
    _inside(kept, "/venv/bin/pip", "install", "--quiet", "--force-reinstall", "--no-deps", "/source")
    return kept


def _inside(root: Path, *command: str) -> str:
    done = subprocess.run(["chroot", str(root), *command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _model() -> Bundle:
    """A Basic model of three queues, and of priorities that say nothing: only the first may decide alone."""
    chance = random.Random(7)
    texts, queues, priorities = [], [], []
    for queue in QUEUES:
        for _ in range(300):
            words = chance.sample(WORDS[queue], 4)
            texts.append(
                f"{words[0]} {words[1]}\nThe {words[2]} and the {words[3]} since {chance.randrange(60)} minutes"
            )
            queues.append(queue)
            priorities.append(chance.choice(fakes.PRIORITIES))
    tickets = LabelledTickets(
        ids=[str(number) for number in range(len(texts))],
        texts=texts,
        languages=["en"] * len(texts),
        attributes={"queue": queues, "priority": priorities},
    )
    specs = [AttributeSpec("queue", AttributeKind.SINGLE), AttributeSpec("priority", AttributeKind.SINGLE)]
    return train(tickets, specs, recipe_for("basic"), seed=1).bundle


def _check_settings(program: Path, exported: Path) -> None:
    """Each name in the exported `.env` is a setting of the installed program."""
    asked = "from open_ticket_ai.settings import Settings; print(*Settings.model_fields)"
    known = {f"OTAI_{name.upper()}" for name in _inside(program, "/venv/bin/python", "-c", asked).split()}
    lines = (exported / ".env").read_text().splitlines()
    named = {line.lstrip("#").partition("=")[0] for line in lines if line.lstrip("#").startswith("OTAI_")}
    assert named <= known, f"Open Ticket AI knows no {named - known}"


@contextmanager
def _served(exported: Path) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "otai.cli.main", "serve", str(exported / "model.otai"), "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with _running(command, until_answers=f"{address}/health"):
        yield address


@contextmanager
def _running(
    command: Sequence[str], *, until_answers: str, environment: dict[str, str] | None = None
) -> Iterator[Path]:
    with (
        tempfile.NamedTemporaryFile("w+", suffix=".log") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT) as program,
    ):
        try:
            until(lambda: program.poll() is not None or _answers(until_answers), seconds=120)
            assert program.poll() is None, Path(log.name).read_text()
            yield Path(log.name)
        finally:
            program.terminate()


def _answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(address).status_code == 200
    return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _route(program: Path, exported: Path, served: str, system: str, answers: fakes.Answers) -> None:
    queues = [queue for queue in QUEUES if queue != UNKNOWN_THERE]
    with fakes.helpdesk(answers, INCOMING, FALLBACK, *queues) as (address, desk):
        known = {
            queue: desk.add(" ".join(WORDS[queue][:2]), f"<p>{' '.join(WORDS[queue][2:6])}</p>", INCOMING).id
            for queue in QUEUES
        }
        strange = desk.add(UNLIKE_ANYTHING, UNLIKE_ANYTHING, INCOMING).id
        elsewhere = desk.add("vpn router", "tunnel", FALLBACK).id
        port = _free_port()
        environment = {
            **os.environ,
            "OTAI_TICKET_SYSTEM_TYPE": system, "OTAI_API_PORT": str(port),
            "OTAI_ZAMMAD_BASE_URL": address, "OTAI_ZAMMAD_ACCESS_TOKEN": fakes.TOKEN,
            "OTAI_OTOBO_BASE_URL": f"{address}/nph-genericinterface.pl", "OTAI_OTOBO_PASSWORD": fakes.TOKEN,
            "STUDIO_MODEL": served, "STUDIO_DRY_RUN": "0", "STUDIO_INTERVAL": "0.2", "STUDIO_LANGUAGE": "de",
        }  # fmt: skip
        inside = "/" + str(exported.relative_to(program))
        command = ["chroot", str(program), "/bin/sh", "-c", f"cd {inside} && exec /venv/bin/otai-open-ticket-ai"]
        with _running(command, until_answers=f"http://127.0.0.1:{port}/health", environment=environment) as log:
            until(lambda: all(one.queue != INCOMING and one.notes for one in _waiting(desk, elsewhere)), seconds=60)
            # It is asked on: what is routed is left alone, and a new ticket is taken up.
            late = desk.add("password reset", "account locked, login token", INCOMING).id
            until(lambda: bool(desk.tickets[late].notes), seconds=60)
            running = httpx.get(f"http://127.0.0.1:{port}/api/workflows").json()
            asked = {"text": "vpn tunnel router wifi", "model_name": "queue"}
            classified = httpx.post(f"http://127.0.0.1:{port}/api/classify", json=asked).json()
            said = log.read_text()
    found = {name: desk.tickets[id].queue for name, id in known.items()}
    assert found == {"Network": "Network", "Accounts": "Accounts", UNKNOWN_THERE: FALLBACK}, (system, found, said)
    assert desk.tickets[strange].queue == FALLBACK
    assert desk.tickets[late].queue == "Accounts"
    assert desk.tickets[elsewhere].notes == [], "a ticket of another queue was touched"
    # Priorities of chance are promised at no precision: they are never set, only noted.
    assert {one.priority for one in desk.tickets.values()} == {fakes.PRIORITIES[1]}
    assert all(len(one.notes) == 1 for one in desk.tickets.values() if one.id != elsewhere), (system, desk.tickets)
    [(subject, body)] = desk.tickets[known["Network"]].notes
    assert subject == "Klassifiziert von support v1"
    assert "queue: Network (" in body and "gesetzt" in body and "priority: " in body and "Vorschlag" in body, body
    [(_, refused)] = desk.tickets[known[UNKNOWN_THERE]].notes
    assert "abgelehnt" in refused and "No lookup value" in refused, refused
    assert [one["status"] for one in running] == ["running"], running
    assert classified["label"] == "Network" and classified["confidence"] > 0.8, classified
    assert fakes.TOKEN not in said, "the helpdesk's token stands in the log"
    print(system, json.dumps({"routed": found, "note": body}, ensure_ascii=False))


def _waiting(desk: fakes.Desk, elsewhere: int) -> list[fakes.Kept]:
    return [one for one in desk.tickets.values() if one.id != elsewhere]


if __name__ == "__main__":
    main()
