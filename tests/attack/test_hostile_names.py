"""Names made to harm, entered wherever a customer can enter one, and looked for wherever one is seen: in the quick part
by Django's client, for `make attack` through TLS, with a training of hostile labels, mails, cards and exports."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from otai.billing.operations import notices
from otai.db import utc_now
from otai.orgs.models import Member, Organisation, User
from otai.orgs.permissions import Role
from otai.outbound import operations as outbound
from otai.outbound.models import NotificationKind
from otai.outbound.sending import Reply
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs.events import record
from otai.runs.models import Reason
from otai.runs.operations import make_quote, order_run
from otai.serving.models import ReviewItem, TrainedModel
from otai.tickets.models import DataSet
from otai.words.explained import arrow
from tests import stories
from tests.api.callers import Program
from tests.api.everything import Everything, completed, everything_of
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
    hostile = DataSet.objects.get(name__contains=PRINTABLE)
    label = is_worked_on(hostile)
    known = {**has.path, "slug": "acme", "model": model, "number": "1", "position": "0", "object_id": "1"}
    everywhere = pages(known)
    for one in DataSet.objects.values_list("id", flat=True):
        everywhere |= {f"web: data set {one} {page}": f"/acme/tickets/{one}/{page}" for page in OF_TICKETS}
    everywhere["web: a label to look through"] = f"/acme/tickets/{hostile.id}/review/{label}/"
    everywhere["web: tickets with a label"] = f"/acme/tickets/{hostile.id}/browse?{urlencode(labelled(hostile))}"
    everywhere |= {f"web: upload {one}": f"/acme/tickets/uploads/{one}/" for one in waiting()}
    ours = {name: path for name, path in everywhere.items() if name.startswith("web:")}
    fields = enter_in_forms(watch, alice, ours, QUICK)
    assert len(fields) >= 25, sorted(fields)
    assert enter_in_bodies(watch, program.call, has, QUICK) >= 30
    alice.post("/acme/team/invite/", {"email": "eve@acme.example", "role": "viewer"})
    notices.send_notices(now=utc_now())
    told = is_told_of_it(watch, acme)
    assert any(hostile.name in json.dumps(one, ensure_ascii=False).replace('\\"', '"') for one in told)
    assert look_at_all(watch, alice, ours) >= 30
    assert ask_for_all(watch, program.call, has) >= 20
    assert look_at_rows_of_the_desk(watch, alice, everywhere, most=1) >= 10
    for message in mail.outbox:
        watch.at_mail(message.message().as_string())
    assert PRINTABLE in Organisation.objects.get(slug="acme").name
    assert any(PRINTABLE in message.body for message in mail.outbox) and len(mail.outbox) >= 3
    assert not watch.harms, "\n".join(watch.harms)


OF_TICKETS = ("", "sample", "labels", "browse", "browse/0", f"browse?q={SIGN}", "review/")


def is_worked_on(hostile: DataSet) -> str:
    """A model learnt from it, and a label of it is to be looked through; the label's id."""
    [attribute] = hostile.attributes.all()
    run = order_run(
        organisation=hostile.organisation,
        quote=make_quote(
            organisation=hostile.organisation, data_set=hostile, attributes=(attribute.name,), mode=Mode.BASIC,
            delivery=Delivery.STANDARD, model_name="hostile", reason=Reason.NEW_MODEL, now=utc_now(),
        ).id,
        who="alice@acme.example",
        now=utc_now(),
    )  # fmt: skip
    completed(run, utc_now())
    record(run, move=arrow("evaluating", "completed"), who="w", why="", now=utc_now(), to="completed")
    labels = list(attribute.labels.values_list("name", flat=True))
    asked = ReviewItem.objects.create(
        organisation=hostile.organisation, data_set_name=hostile.name, ticket="row 2", attribute=attribute.name,
        text_key="0" * 32, given=labels[:1], suggested=labels[1:], confidence=0.9,
    )  # fmt: skip
    return str(asked.id)


def labelled(hostile: DataSet) -> dict[str, str]:
    """What a chart's link to its tickets asks for."""
    attribute = hostile.attributes.get()
    return {"attribute": attribute.name, "label": str(attribute.labels.values_list("name", flat=True)[0])}


def is_told_of_it(watch: Watch, acme: Organisation) -> list[Any]:
    """To Alice by the daily mail, to acme's program by webhooks: what they say."""
    alice, said = Member.objects.get(organisation=acme, user__email="alice@acme.example"), []
    for kind in NotificationKind.values:
        outbound.choose(member=alice, kind=kind, mail="daily", in_browser=True, now=utc_now())
    outbound.collect(now=utc_now())
    assert outbound.mail_due(now=utc_now() + timedelta(days=2))
    notices.send_notices(now=utc_now())
    assert any(SIGN in one.body and "hostile" in one.body for one in mail.outbox if one.to == [alice.user.email])

    def heard(_: str, *, body: bytes, headers: dict[str, str]) -> Reply:
        watch.at(HttpResponse(body, headers=headers), where="webhook")
        said.append(json.loads(body))
        return Reply(200, 1, "")

    outbound.deliver_due(now=utc_now(), clock=utc_now, post=heard)
    return said


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
