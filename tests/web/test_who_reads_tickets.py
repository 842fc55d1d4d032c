"""Whoever may read no tickets sees every figure, and no word of a ticket on any page, file or part of a page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from otai.orgs.permissions import Role
from otai.runs.models import Run
from otai.serving import feedback
from otai.serving.models import Advice
from otai.tickets.models import DataSet
from tests.web import test_every_page
from tests.web.test_every_page import ROUTES, World
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)

WORD = "xylophone"

world = test_every_page.world


def pages(visitor: Client, of_acme: World) -> dict[str, tuple[int, str]]:
    """Of every address below the organisation that can be got: its status, and what it answers."""
    found = {}
    for name, arguments in ROUTES:
        address = of_acme.address(name, arguments)
        if name.endswith("events"):
            continue
        got: Any = visitor.get(address)
        content = b"".join(got.streaming_content) if got.streaming else got.content
        found[name] = (got.status_code, content.decode(errors="replace"))
    return found


def holding(found: dict[str, tuple[int, str]]) -> set[str]:
    return {name for name, (_, content) in found.items() if WORD in content}


@pytest.fixture
def quoted(world: World, now: datetime) -> World:
    """A customer's word wherever evidence quotes tickets."""
    run = Run.objects.filter(organisation=world.acme, report_card__isnull=False).latest("number")
    pair = {"actual": "a", "predicted": "b", "tickets": 1, "share_of_actual": 0.1}
    for report in run.report_card["attributes"]:
        report["confused_pairs"] = [{**pair, "ticket_ids": ["4711"], "excerpts": [WORD]}]
    run.save(update_fields=["report_card"])
    mended = {"code": "encoding_mended", "severity": "note", "attribute": None, "values": {"texts": 7, "example": WORD}}
    for tickets in DataSet.objects.filter(organisation=world.acme):
        tickets.profile["findings"] += [mended]
        DataSet.objects.filter(id=tickets.id).update(profile=tickets.profile)
    Advice.objects.update(evidence=[{"kind": "words", "words": [WORD], "is_drift": True}])
    said = feedback.Correction(f"the {WORD} is flat", {"queue": ("network",)}, "12")
    feedback.give(version=run.version, corrections=[said], by="alice", key="said", now=now)
    return world


@pytest.mark.pure
def test_figures_without_a_word_of_a_ticket(quoted: World, now: datetime) -> None:
    of_alice = pages(quoted.alice, quoted)
    assert {"web:data_set", "web:run_attribute", "web:report_card_json", "web:model_feedback"} <= holding(of_alice)
    of_reader = pages(of(member_of(quoted.acme, "vera", Role.VIEWER, now)), quoted)
    assert holding(of_reader) == set()
    for name in ("data_set", "run", "run_attribute", "report_card_html", "report_card_json", "model"):
        assert of_reader[f"web:{name}"][0] == 200, name
    for name in ("web:data_set_sample", "web:model_feedback", "web:download_version", "web:guarantee_holdout"):
        assert of_alice[name][0] != 403 == of_reader[name][0], name
        link = f'href="{quoted.address(name, dict(ROUTES)[name])}"'
        assert not [page for page, (_, text) in of_reader.items() if link in text], "a link to a refusal"
