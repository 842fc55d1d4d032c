"""Carol Kingfisher's account, card, telephone, address, identity number and password stand in every ticket of acme's.
Whatever comes out of acme's whole life with these tickets is searched for them."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from otai.api.application import openapi
from otai.db import utc_now
from otai.jobs.models import Job
from otai.learning.evidence.acceptance import Criterion
from otai.orgs.permissions import Role
from otai.outbound import operations as webhooks
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs import operations as runs
from otai.runs.guarantee import operations as guarantees
from otai.runs.models import Reason, Run
from otai.serving import advice, queries
from otai.serving.models import ModelVersion
from otai.tickets import queries as queries_of_tickets
from tests import stories
from tests.api.callers import Program
from tests.learning.encoders.conftest import store
from tests.leftovers import found_in_files, found_in_tables, unpacked
from tests.outbound.receiver import Receiver
from tests.serving.training_here import work
from tests.web.visitors import member_of, of

__all__ = ["store"]

pytestmark = pytest.mark.django_db(transaction=True)

PLANTED = (
    "my IBAN is DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111, password: Sommerwind2026! SVNR 1237 010180\n"
    "Call +49 30 5550 1234 or write to carolina@kingfisher.example\n\nKind regards\nCarolina Kingfisher"
)
TRACES = [
    *("de89 3704 0044", "de8937040044", "4111 1111 1111", "4111111111111111", "sommerwind2026", "1237 010180"),
    *("1237010180", "+49 30 5550", "5550 1234", "carolina", "kingfisher"),
]
"""As they may stand anywhere, in lower case."""
TICKETS_THEMSELVES = re.compile(r"^files/.*(data-sets|tickets|guarantee)")
"""Files that hold what customers wrote: they leave only for whoever asks for the tickets."""
EVENT_STREAM = "text/event-stream"
SHOWS_TICKETS = re.compile(r"/tickets$|/search$|/review$|/label-issues$|/holdout$")


def written(path: Path) -> bytes:
    """Every ticket holds all of it, and one in ten the wrong label, so that report cards have something to quote."""
    stories.write_tickets(path, tickets=300)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row["subject"] = f"carolina@kingfisher.example {row['subject']}"
        row["body"] += f"\n{PLANTED}"
        row["queue"] = row["queue"] if number % 10 else "accounts"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path.read_bytes()


def lived_through(program: Program, content: bytes, now: datetime, *, masked: bool, mode: Mode) -> ModelVersion:
    """Previewed, imported, refused once, quoted, trained, measured by a guarantee, asked, corrected and looked at."""
    acme, asked = program.key.organisation, "&mask=true" if masked else ""
    program.upload("/data-sets/preview?filename=support.csv", content)
    refused = program.upload(f"/data-sets?name=wrong&filename=wrong.csv{asked}", content + b'x,"' + PLANTED.encode())
    assert refused.status_code == 422 and traces_in(refused.content) == []
    made = program.upload(f"/data-sets?name=support&filename=support.csv&keep_quotes=true{asked}", content)
    assert made.status_code == 201, made.content
    support = queries_of_tickets.data_set(acme, "support")
    assert guarantees.open_guarantees(organisation=acme, now=now)
    guarantees.propose(
        organisation=acme, data_set=support, criteria=[Criterion.parse("queue accuracy 60%")], who="alice", now=now
    )
    offered = runs.make_quote(
        organisation=acme, data_set=support, attributes=("queue",), mode=mode, delivery=Delivery.STANDARD,
        model_name="support", reason=Reason.NEW_MODEL, now=now,
    )  # fmt: skip
    runs.order_included_run(organisation=acme, quote=offered.id, who="alice", now=now)
    work(now)
    version = queries.version(acme, "support")
    text = f"vpn drops\n{PLANTED}"
    assert program.post("/models/support/predict", {"texts": [text]})[0] == 200
    said = {"items": [{"text": text, "labels": {"queue": ["network"]}}]}
    if masked:
        status, answer = program.post("/models/support/feedback", said, **{"Idempotency-Key": "said"})
        assert status in (200, 201), answer
    advice.check(organisation=acme, name="support", now=now)
    return version


def traces_in(content: bytes | str) -> list[str]:
    whole = content.encode() if isinstance(content, str) else content
    return [trace for trace in TRACES if any(trace.encode() in part.lower() for part in unpacked(whole))]


def everything_that_is_got(program: Program, version: ModelVersion) -> Iterator[tuple[str, bytes]]:
    """Every GET of the API whose parts have something to name here: address and answer."""
    run = Run.objects.get(id=version.run_id)
    parts = {
        "data_set": str(run.data_set_id), "number": str(run.number), "model": "support", "version": "1",
        "quote": str(run.quote_id), "job": str(Job.objects.latest("asked_at").id),
    }  # fmt: skip
    for address, methods in openapi()["paths"].items():
        names = re.findall(r"{(\w+)}", address)
        if "get" not in methods or not set(names) <= set(parts):
            continue
        path = address.removeprefix("/api/v1").format(**parts)
        yield path, all_of(program.call("GET", path))
        if EVENT_STREAM in str(methods["get"]["responses"]):
            # The run and the job have ended, and with them their streams.
            yield f"{path} as a stream", all_of(program.call("GET", path, Accept=EVENT_STREAM))


def all_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.pure
@pytest.mark.parametrize(
    ("masked", "mode"),
    [
        (True, Mode.BASIC),
        (False, Mode.BASIC),
        pytest.param(True, Mode.BUSINESS, marks=pytest.mark.torture),
        pytest.param(False, Mode.BUSINESS, marks=pytest.mark.torture),
    ],
)
def test_of_what_is_planted_nothing_leaves(
    tmp_path: Path,
    masked: bool,
    mode: Mode,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if mode is Mode.BUSINESS:
        monkeypatch.setenv("OTAI_ENCODERS", str(request.getfixturevalue("store").folder))
    now, left_by_others = utc_now(), found_in_files(TRACES)
    settings.OTAI_WEBHOOKS_ALLOW_PRIVATE = True
    acme = stories.acme(now, tier=Tier.COMMUNITY if mode is Mode.BASIC else Tier.PRO)
    alice, program = of(member_of(acme, "alice", Role.OWNER, now)), Program(acme)
    content = written(tmp_path / "support.csv")
    assert len(traces_in(content)) > 6, "the search finds them"
    with caplog.at_level(logging.DEBUG), Receiver() as receiver:
        webhooks.create_endpoint(organisation=acme, url=receiver.url, events=(), who="alice", now=now)
        version = lived_through(program, content, now, masked=masked, mode=mode)
        webhooks.collect(now=utc_now())
        webhooks.deliver_due(now=utc_now())
    assert len(receiver.got) >= 3 and traces_in(b"".join(body for _, body in receiver.got)) == []

    exported = queries.export(version, tmp_path / "model.otai")
    assert traces_in(exported.read_bytes()) == []
    assert traces_in(caplog.text) == []
    assert traces_in("".join(str(sent.message()) for sent in mail.outbox)) == []
    assert found_in_tables(TRACES) == {}, "events, jobs, quotes, cards, outboxes, answers that are kept"
    in_files = {path: found for path, found in found_in_files(TRACES).items() if path not in left_by_others}
    assert bool(in_files) is not masked, "whoever masks keeps none of it"
    assert {path: found for path, found in in_files.items() if not TICKETS_THEMSELVES.match(path)} == {}

    got = dict(everything_that_is_got(program, version))
    assert len(got) > 25 and sum(path.endswith("as a stream") for path in got) == 2
    shown = {path for path, answer in got.items() if traces_in(answer) and (masked or not SHOWS_TICKETS.search(path))}
    assert shown == set()
    run = Run.objects.get(id=version.run_id).number
    of_run = [f"runs/{run}/{part}" for part in ("", "attributes/0/", "report-card.html", "report-card.json")]
    for page in (*of_run, f"models/{version.model_id}/", "train/", ""):
        answer = alice.get(f"/acme/{page}")
        assert answer.status_code == 200 and traces_in(answer.content) == [], page
