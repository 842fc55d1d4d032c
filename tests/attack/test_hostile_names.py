"""Names made to harm, entered wherever a customer can enter one, and looked for wherever one is seen: in the quick part
by Django's client, for `make attack` through TLS, with a training of hostile labels, mails, cards and exports."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otai.billing.operations import notices
from otai.db import utc_now
from otai.orgs.models import Organisation, User
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from otai.serving.models import TrainedModel
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program
from tests.api.everything import Everything, everything_of
from tests.attack.entering import (
    Calls,
    ask_for_all,
    enter_in_bodies,
    enter_in_forms,
    look_at_all,
    look_at_rows_of_the_desk,
)
from tests.attack.names import HIDDEN, PRINTABLE, SIGN, Watch
from tests.attack.scene import Scene
from tests.waiting import until
from tests.web.test_every_post import path_of, routes
from tests.web.visitors import member_of, of

UNSEEN = f"{SIGN}\u202e\u200bx"
QUICK = {"everything that is printed": PRINTABLE, "what nobody sees": f"{UNSEEN}\r\nBcc: eve@evil.example"}
NOT_WALKED = (
    *("account_", "mfa_", "admin:logout", "web:leave", "web:run_events", "web:job_events", "live", "ready", "metrics"),
    *("web:demo", "web:export_account"),
)


def pages(values: dict[str, str]) -> dict[str, str]:
    """Every address that a browser may be sent to, by its name."""
    return {name: path_of(pattern, values) for name, pattern in routes() if not name.startswith(NOT_WALKED)}


def table(name: str, *, tickets: int = 24) -> bytes:
    """Tickets with an attribute and labels of this name."""
    named = '"' + name.replace('"', '""') + '"'
    words = {named: "the printer is on fire", "other": "no money came this month"}
    rows = [f"{words[label]} {number},{label}\n" for number in range(tickets // 2) for label in words]
    return f"text,{named}\n{''.join(rows)}".encode()


def waiting() -> list[str]:
    """Ids of the files that wait for their columns to be settled."""
    return [path.parent.name for path in Path(settings.OTAI_HOME).glob("**/about.json")]


@pytest.fixture
def acme() -> Organisation:
    return stories.acme(utc_now(), tier=Tier.PRO)


@pytest.fixture
def alice(acme: Organisation) -> Client:
    """Alice owns acme, and operates the Studio."""
    member = member_of(acme, "alice", Role.OWNER, utc_now())
    User.objects.filter(pk=member.user_id).update(is_staff=True, is_superuser=True)
    return of(member)


@pytest.mark.pure
@pytest.mark.django_db
def test_no_name_does_anything_wherever_it_is_seen(acme: Organisation, alice: Client, tmp_path: Path) -> None:
    watch, program = Watch(), Program(acme)
    alice.raise_request_exception = False
    has = everything_of(acme, tmp_path, utc_now())
    for name, label in ((PRINTABLE, PRINTABLE), ("support", UNSEEN)):
        sent = program.upload(
            f"/data-sets?name={quote(name)}&filename={quote(name + UNSEEN)}", table(label), "text/csv"
        )
        watch.at(sent, where="upload")
        assert sent.json()["roles"]["attributes"], sent.content
        file = SimpleUploadedFile("x", table(label))
        file._name = name + UNSEEN
        watch.at(alice.post("/acme/tickets/upload", {"file": file}), where="upload by page")
    model = str(TrainedModel.objects.get().id)
    everywhere = pages({**has.path, "slug": "acme", "model": model, "number": "1", "position": "0", "object_id": "1"})
    for one in DataSet.objects.values_list("id", flat=True):
        everywhere |= {
            f"web: data set {one} {page}": f"/acme/tickets/{one}/{page}" for page in ("", "sample", "labels")
        }
    everywhere |= {f"web: upload {one}": f"/acme/tickets/uploads/{one}/" for one in waiting()}
    ours = {name: path for name, path in everywhere.items() if name.startswith("web:")}
    fields = enter_in_forms(watch, alice, ours, QUICK)
    assert len(fields) >= 25, sorted(fields)
    assert enter_in_bodies(watch, program.call, has, QUICK) >= 30
    alice.post("/acme/team/invite/", {"email": "eve@acme.example", "role": "viewer"})
    notices.send_notices(now=utc_now())
    assert look_at_all(watch, alice, ours) >= 30
    assert ask_for_all(watch, program.call, has) >= 20
    assert look_at_rows_of_the_desk(watch, alice, everywhere, most=1) >= 10
    for message in mail.outbox:
        watch.at_mail(message.message().as_string())
    assert PRINTABLE in Organisation.objects.get(slug="acme").name
    assert any(PRINTABLE in message.body for message in mail.outbox) and len(mail.outbox) >= 3
    assert not watch.harms, "\n".join(watch.harms)


ALL = {"everything that is printed": PRINTABLE, **HIDDEN}


@pytest.mark.postgres
@pytest.mark.torture
@pytest.mark.timeout(500)
def test_nor_through_tls_with_a_model_of_hostile_labels(attacked: Scene) -> None:
    watch, studio = Watch(), attacked.studio
    with attacked.program("everything") as program, attacked.browser("olga") as olga:
        has = trained_on_hostile_labels(watch, attacked, program)
        everywhere = pages({**has.path, **attacked.pages, "slug": "acme", "position": "0", "object_id": "1"})
        ours = {name: path for name, path in everywhere.items() if name.startswith("web:")}
        with attacked.browser("owner") as alice:
            for what, text in ALL.items():
                files = {"file": (text[:2_000].replace("\0", ""), table(PRINTABLE), "text/csv")}
                watch.at(alice.post("/acme/tickets/upload", files=files), where=f"upload named by {what}")
            assert len(enter_in_forms(watch, alice, ours, ALL)) >= 25
            assert enter_in_bodies(watch, calling(program), has, ALL) >= 30
            alice.post("/acme/team/invite/", {"email": "eve@acme.example", "role": "viewer"})
            assert look_at_all(watch, alice, ours) >= 40
        assert ask_for_all(watch, calling(program), has) >= 30
        assert look_at_all(watch, olga, everywhere) >= 60
        assert look_at_rows_of_the_desk(watch, olga, everywhere) >= 20
    file = studio.installation.home / "acme.zip"
    # The scene's own model has a row and no file.
    (studio.installation.home / "files" / "models").mkdir(parents=True, exist_ok=True)
    (studio.installation.home / "files" / "models" / "none.otai").write_bytes(b"none")
    studio.installation.otai("org", "export", str(file), "--org", "acme")
    watch.at_file(file.read_bytes(), kind="application/zip", where="export")
    mails = studio.mails()
    assert any(SIGN in one for one in mails)
    for one in mails:
        watch.at_mail(one)
    for one in studio.log().splitlines():
        if re.match(r"bcc:|dear\b", one.strip(), re.IGNORECASE):
            watch.harms.append(f"a line of the log: {one!r}")
    assert not watch.harms, "\n".join(watch.harms)


def calling(program: httpx.Client) -> Calls:
    return lambda method, path, body: program.request(method, f"/api/v1{path}", json=body)


def trained_on_hostile_labels(watch: Watch, scene: Scene, program: httpx.Client) -> Everything:
    """What there is of acme, with a run and a model whose attribute and labels are hostile."""
    file = table(PRINTABLE, tickets=160)
    address = f"/api/v1/data-sets?name={quote(PRINTABLE)}&filename={quote(PRINTABLE)}"
    sent = program.post(address, content=file, headers={"Prefer": "wait=60", "Content-Type": "text/csv"})
    assert sent.status_code == 201, sent.text
    asked = {"data_set": sent.json()["id"], "attributes": [PRINTABLE], "model": "hostile", "mode": "basic",
        "delivery": "standard"}  # fmt: skip
    quoted = program.post("/api/v1/quotes", json=asked)
    assert quoted.status_code == 201, quoted.text
    run = program.post("/api/v1/runs", json={"quote": quoted.json()["id"]}).json()
    until(
        lambda: program.get(f"/api/v1/runs/{run['number']}").json()["status"],
        lambda now: now == "completed",
        seconds=120,
    )
    number = str(run["number"])
    for form in ("json", "html"):
        watch.at(program.get(f"/api/v1/runs/{number}/report-card.{form}"), where=f"card as {form}")
    ticket = {"texts": ["the printer is on fire"]}
    said = until(
        lambda: program.post("/api/v1/models/hostile/predict", json=ticket), lambda answer: answer.status_code == 200
    )
    watch.at(said, where="prediction")
    path = {**scene.path, "data_set": sent.json()["id"], "/runs/number": number, "number": number, "model": "hostile"}
    return Everything(path=path, body=dict(scene.body))
