"""The evidence of a model in use: as a page, and beside the version before."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Run
from otai.runs.worker import Worker
from otai.serving import cards
from otai.serving.models import ModelVersion
from otai.serving.operations import register_completed_runs
from tests import stories

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
