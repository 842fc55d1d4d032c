"""The evidence of a model in use: as a page, and beside the version before."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.db import utc_now
from otai.jobs.models import Job
from otai.orgs.permissions import Role
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Run
from otai.runs.worker import Worker
from otai.serving import cards
from otai.serving import jobs as serving_jobs
from otai.serving.deletion import delete_model
from otai.serving.models import ModelVersion
from otai.serving.operations import register_completed_runs
from tests import stories
from tests.api.callers import Program
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def versions(tmp_path: Path, now: datetime) -> list[ModelVersion]:
    """Acme trained twice on the same tickets, really and in a process of its own."""
    acme = stories.acme(now)
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    support = stories.tickets.data_set(acme, "support")
    for _ in range(2):
        stories.ordered(acme, support, now)
        Worker(executor=LocalExecutor(), clock=lambda: now + timedelta(minutes=1)).work_once()
    return sorted(register_completed_runs(now=now), key=lambda version: version.number)


@pytest.mark.pure
def test_a_version_has_a_page_with_the_version_before_beside_it(versions: list[ModelVersion]) -> None:
    first, second = versions
    page = cards.card_page(second)
    assert "support v2" in page and "Compared with v1: not measurably different" in page
    assert "Estimate:" in page or "Measured by" in page
    assert "Compared with" not in cards.card_page(first)
    assert cards.comparison(first) is None

    compared = cards.comparison(second)
    assert compared is not None and [one.name for one in compared.attributes] == ["queue", "priority"]
    assert compared.tickets == cards.report_card(second).holdout_tickets

    # A page for others shows no ticket's text.
    assert "It began on day" in page and "It began on day" not in cards.card_page(second, with_texts=False)

    # A run of an older release left a card that cannot be read any more: that is said, not guessed.
    Run.objects.filter(pk=second.run_id).update(report_card={"format": 0})
    second.refresh_from_db()
    with pytest.raises(cards.NoReportCard):
        cards.card_page(second)


@pytest.mark.pure
def test_no_page_compares_two_models_itself(versions: list[ModelVersion], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a holdout of 100,000 tickets it takes 20 seconds and a gigabyte: a job does it, once for all who ask."""
    _, second = versions
    acme, now = second.model.organisation, utc_now()
    expected = cards.comparison(second)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the web process compares")

    for where in ("learning.evidence.comparison.compare", "serving.cards.comparison", "serving.versions.compared"):
        monkeypatch.setattr(f"otai.{where}", refuse)
    alice, program = of(member_of(acme, "alice", Role.OWNER, now)), Program(acme)
    address = f"/acme/models/{second.model_id}/compare"
    page = alice.get(address).content.decode()
    assert "no sure difference" in page and "on the same tickets" in page.lower()
    [job] = Job.objects.filter(kind="comparison")
    assert serving_jobs.comparison_of(job) == expected
    card = program.call("GET", "/models/support/versions/2/report-card.html")
    assert card.status_code == 200 and b"Compared with v1" in card.content
    assert b"Compared with v1" in alice.get("/acme/runs/2/report-card.html?download").content
    assert program.call("GET", "/models/support/versions/1/report-card.html").status_code == 200
    assert Job.objects.filter(kind="comparison").count() == 1, "asked again, it is answered again"

    # It names labels, so it goes with the model.
    delete_model(organisation=acme, id=second.model_id, who="alice", now=now)
    assert not Job.objects.filter(kind="comparison").exists()
