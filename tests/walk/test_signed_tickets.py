"""1 600 tickets, each with the signature of the agent who solved it: the card says 90 %, and fresh tickets have no
signature.

Alice is told at the import, before she orders and on the card; she cuts the signatures in one click, and the next card
says what is true.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from otai.learning.evidence.report_card import ReportCard
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs.models import Run
from otai.serving import queries
from otai.serving.models import ModelVersion
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from tests import stories
from tests.orgs.people import joins, person
from tests.serving.training_here import trained
from tests.stories_of_leaks import write_signed

pytestmark = pytest.mark.django_db(transaction=True)


def fresh(folder: Path) -> list[tuple[str, str]]:
    """Tickets of the week after, as customers write them: (text, queue)."""
    with write_signed(folder / "fresh.csv", tickets=3_000, seed=11, first=50_000).open(
        newline="", encoding="utf-8"
    ) as file:
        rows = list(csv.DictReader(file))
    return [(f"{row['subject']}\n{row['body'].rpartition(chr(10))[0]}", row["queue"]) for row in rows]


def share_right(version: ModelVersion, asked: list[tuple[str, str]]) -> float:
    said = queries.predict(version, [text for text, _ in asked])
    return sum(one["queue"].labels[0] == queue for one, (_, queue) in zip(said, asked, strict=True)) / len(asked)


def card_of(version: ModelVersion) -> ReportCard:
    return ReportCard.from_values(Run.objects.get(id=version.run_id).report_card)


@pytest.mark.pure
def test_the_card_is_honest_once_the_signatures_are_cut(tmp_path: Path, now: datetime) -> None:
    acme: Organisation = stories.acme(now)
    alice = Client()
    alice.force_login(joins(acme, person("alice"), Role.OWNER, now).user)
    source = write_signed(tmp_path / "support.csv", tickets=1_600)
    support = import_tickets(organisation=acme, name="support", source=source, now=now)
    assert "label_given_away" in {one.code for one in tickets.profile(support).findings}

    asked = fresh(tmp_path)
    flattered = trained(acme, support, now, attributes=("queue",))
    truly = share_right(flattered, asked)
    card = card_of(flattered)
    assert card.attribute("queue").accuracy.value > 0.9 and truly < 0.6
    (told,) = [one for one in card.findings if one.code == "label_given_away"]
    assert abs(told.values["without"] - truly) < 0.1
    page = alice.get("/acme/runs/1/").content.decode()
    assert f"without these lines {told.values['right_of_100']} of 100 would be right" in page
    assert "Cut these lines" in page

    assert alice.post(f"/acme/tickets/{support.id}/cut", {"then": "train"}).status_code == 302
    cut = DataSet.objects.get(version=2)
    honest = trained(acme, cut, now + timedelta(hours=1), attributes=("queue",))
    accuracy = card_of(honest).attribute("queue").accuracy
    share = share_right(honest, asked)
    error = 2 * (share * (1 - share) / len(asked)) ** 0.5
    assert accuracy.low - error <= share <= accuracy.high + error, "the fresh tickets are a sample as well"
    assert "label_given_away" not in {one.code for one in card_of(honest).findings}
