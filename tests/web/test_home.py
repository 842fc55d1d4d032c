"""Home: the first run, what happens now, advice from the customer's own data, and where credits went."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils.translation import override

from otai.billing import operations as billing
from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.tickets.models import DataSet
from otai.web.charts import stacked_columns
from otai.web.formats import size
from otai.web.views.home import credit_history, greeting
from tests import stories
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return utc_now() - timedelta(minutes=5)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, now))


def text_of(page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_the_first_time_home_leads_to_tickets(alice: Client) -> None:
    page = alice.get("/acme/")
    shown = text_of(page)
    assert "Your first model is three steps away. You have 6 credits; a first training costs from 1 credit" in shown
    assert 'href="/acme/tickets/#upload"' in page.content.decode()


def test_a_training_is_watched_and_its_part_asks_again_only_while_it_runs(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    data_set = stories.tickets_of(acme, tmp_path, now)
    shown = text_of(alice.get("/acme/"))
    assert "150 tickets are ready, and no model has learnt from them yet." in shown
    assert 'hx-trigger="every 5s"' not in alice.get("/acme/now").content.decode()
    stories.ordered(acme, data_set, now)
    part = alice.get("/acme/now").content.decode()
    assert 'hx-trigger="every 5s"' in part
    assert "1 credit held" in text_of(alice.get("/acme/now"))
    assert 'hx-swap-oob="outerHTML:#balance"' in part
    DataSet.objects.filter(id=data_set.id).update(file="", source_filename="", deleted_at=now, deleted_by="alice")
    shown = text_of(alice.get("/acme/"))
    assert "1 credit held" in shown and "three steps away" not in shown, "whose tickets are deleted is no newcomer"


def test_a_first_visit_takes_less_than_150_kb_over_the_wire(alice: Client) -> None:
    """The page, and all that it loads, compressed as `otai studio` serves it; fonts are compressed already."""
    page = alice.get("/acme/", headers={"accept-encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    weight = len(page.content)
    loaded = set(re.findall(r'(?:src|href)="/static/([^"#]+)', gzip.decompress(page.content).decode()))
    assert {"web/css/studio.css", "web/js/studio.js", "web/icons.svg", "web/vendor/inter-latin.woff2"} <= loaded
    for name in loaded:
        file = finders.find(name)
        assert file, name
        body = Path(file).read_bytes()
        weight += len(body) if name.endswith(".woff2") else len(gzip.compress(body))
    assert weight < 150_000


def test_weeks_add_up_to_what_the_ledger_says_in_the_organisations_own_days(now: datetime) -> None:
    at = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)  # in Berlin it is the third already
    acme = stories.acme(at - timedelta(days=40))
    billing.give_goodwill(organisation=acme, credits=7, who="op", why="Sorry about that", key="1", now=at)
    history = credit_history(acme, now=at + timedelta(hours=1))
    assert (history.included, history.bought, history.spent) == (13, 0, 0)
    assert history.weeks[-1].included == 7
    assert history.weeks[-1].last.isoformat() == "2026-11-03"
    assert [week.included for week in history.weeks if week.included] == [6, 7]


@pytest.mark.pure
def test_columns_stand_on_one_axis_and_fill_the_height() -> None:
    drawn = stacked_columns([(6, 0), (2, 10)], [(1,), (4,)])
    # 12 up and 4 down share 200 units: the axis stands at three quarters.
    assert drawn.axis == 150
    [first, second] = [bars for _left, bars in drawn.columns]
    assert [(bar.series, bar.y, bar.height) for bar in first] == [(0, 75.0, 75.0), (2, 150.0, 12.5)]
    assert [(bar.series, bar.y, bar.height) for bar in second] == [(0, 125.0, 25.0), (1, 0.0, 125.0), (2, 150.0, 50.0)]
    assert stacked_columns([(0,)], [(0,)]).columns == [(0, [])]


@pytest.mark.pure
def test_the_greeting_knows_the_time_of_day() -> None:
    from datetime import time

    assert [str(greeting(time(hour))) for hour in (5, 10, 11, 17, 18, 23)] == [
        "Good morning",
        "Good morning",
        "Good afternoon",
        "Good afternoon",
        "Good evening",
        "Good evening",
    ]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0\N{NO-BREAK SPACE}kB"),
        (999_999, "999.9\N{NO-BREAK SPACE}kB"),
        (1_000_000, "1\N{NO-BREAK SPACE}MB"),
        (1 << 30, "1\N{NO-BREAK SPACE}GB"),
        (100 * 10**9, "100\N{NO-BREAK SPACE}GB"),
        (1_250 * 10**9, "1.2\N{NO-BREAK SPACE}TB"),
    ],
)
def test_bytes_are_said_in_the_units_of_the_price_book(count: int, said: str) -> None:
    assert size(count) == said
    with override("fr"):
        assert size(count) == said.replace("B", "o").replace(".", ",")
