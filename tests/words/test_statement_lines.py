"""Every kind of line that a credit statement can have, made by the code that makes it, said in every language."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.ledger import operations as ledger
from otai.ledger import queries
from otai.ledger.audit import audit
from otai.orgs.models import Organisation
from otai.pricing.price_book import Mode, Tier
from otai.runs import operations as runs
from otai.runs.executors import Failed
from otai.runs.guarantee import operations as guarantees
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.tickets.models import DataSet
from otai.words.catalogue import say_fact
from otai.words.facts import sentences_of
from otai.words.sentences import Fact, places
from otai.words.tables.movements import MOVED_WHY
from tests import stories
from tests.billing import people
from tests.billing.conftest import fake
from tests.billing.test_reversals import buys, deliver
from tests.runs.guarantees import agreed, failed, improvement, included, trained
from tests.runs.test_business_answers import AS_BUSINESS
from tests.runs.test_guarantee import pay_for
from tests.words.book import languages

__all__ = ["fake"]

pytestmark = pytest.mark.django_db(transaction=True)

ONLY_OF_BEFORE = {"moved_why.settled"}
"""What rows of release 0.1 say no more exactly."""
TRIED_ELSEWHERE = {"moved_why.opening_balance"}
"""By an import of a whole organisation: `tests/privacy/test_exports.py`."""
DAY = timedelta(days=1)


@pytest.fixture
def acme(now: datetime, fake: Any) -> Organisation:
    made = stories.acme(now)
    people.details(made, now=now)
    pay_for(made, Tier.PRO, now)
    return made


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    return stories.import_tickets(organisation=acme, name="support", source=source, now=now)


def ends_as(now: datetime, *, times: int = 1, **how: Any) -> None:
    for hour in range(times):
        at = now + timedelta(hours=hour, minutes=1)
        Worker(executor=FakeExecutor(**how), clock=lambda at=at: at).work_once()


def a_guarantee_that_is_missed(acme: Organisation, support: DataSet, now: datetime) -> None:
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    failed(now)
    for order in (included, improvement):
        order(acme, support, now)
        trained(now, queue=0.6)
    guarantees.refund_fee(guarantee=guarantee.id, who="olga", why="they asked for money", now=now)


def trainings(acme: Organisation, support: DataSet, now: datetime) -> None:
    completed = stories.ordered(acme, support, now)
    ends_as(now)
    runs.refund_run(organisation=acme, number=completed.number, who="olga", why="a label was lost", now=now)
    stories.ordered(acme, support, now)
    ends_as(now, times=3, failure=Failed(False, "out_of_memory", "it broke", ""))
    cancelled = stories.ordered(acme, support, now)
    runs.cancel_run(organisation=acme, number=cancelled.number, who="alice", now=now)
    stories.ordered(acme, support, now)
    ledger.sweep_stranded_holds(now=now + 30 * DAY, still_working=lambda _: set())


def a_maximum_that_answers_as_business(folder: Path, now: datetime, patch: pytest.MonkeyPatch) -> Organisation:
    globex = stories.globex(now, tier=Tier.ENTERPRISE)
    patch.setattr("otai.runs.readiness.require", lambda mode: None)
    offered = stories.quote_for(globex, stories.tickets_of(globex, folder, now), now, mode=Mode.MAXIMUM)
    runs.order_run(organisation=globex, quote=offered.id, who="carol", now=now)
    # The run whose hold was swept is still in the queue.
    ends_as(now, times=2, report_card=AS_BUSINESS)
    return globex


def payments(acme: Organisation, fake: Any, now: datetime) -> None:
    disputed, unused = buys(acme, now, "10", "one"), buys(acme, now, "50", "two")
    deliver(fake, fake.dispute(disputed.gateway_reference), now)
    deliver(fake, fake.dispute(disputed.gateway_reference, verdict="won"), now)
    by_hand = buys(acme, now, "10", "three")
    deliver(fake, fake.refund_by_hand(by_hand.gateway_reference, cents=by_hand.gross_cents), now)
    billing.refund_payment(reference=unused.reference, who="olga", why="they asked", now=now)
    billing.give_goodwill(organisation=acme, credits=2, who="olga", why="For the trouble", key="1", now=now)


def test_each_kind_of_line_is_made_and_said_with_all_its_values(
    acme: Organisation,
    support: DataSet,
    fake: Any,
    settings: Any,
    tmp_path: Path,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_guarantee_that_is_missed(acme, support, now)
    payments(acme, fake, now)
    trainings(acme, support, now)
    settings.OTAI_PRICE_BOOK = "tests.runs.test_business_answers:CHEAPER_BOOK"
    globex = a_maximum_that_answers_as_business(tmp_path, now, monkeypatch)

    initech = people.sign_up("initech", Tier.COMMUNITY, now)
    billing.sweep_grants(now=now + 32 * DAY)

    lines = [line for one in (acme, globex, initech) for line in queries.statement(one.id)]
    own_words = [line.why for line in lines if isinstance(line.why, str)]
    facts = [line.why for line in lines if isinstance(line.why, Fact)]
    assert own_words == ["For the trouble"], "what an operator wrote"
    assert {fact.code for fact in facts} == set(MOVED_WHY) - ONLY_OF_BEFORE - TRIED_ELSEWHERE
    for fact in facts:
        most_exact = places(sentences_of(fact.code)[0])
        assert most_exact <= set(fact.values), fact
        for language in ("en", *languages()):
            said = say_fact(fact, language=language)
            assert all(shown(fact.values[name], name, language) in said for name in most_exact), (language, said)
            assert language == "en" or said != say_fact(fact), (language, said)
    assert audit().clean
    for language in ("en", *languages()):
        rows = list(csv.DictReader(io.StringIO("".join(queries.statement_csv(acme.id, language=language)))))
        assert [row["reason"] for row in rows] == [
            line.said(language=language) for line in lines if line.transfer in ids(acme)
        ]


def ids(organisation: Organisation) -> set[Any]:
    return {line.transfer for line in queries.statement(organisation.id)}


def shown(value: Any, name: str, language: str) -> str:
    """How a sentence shows it."""
    as_shown: dict[str, Callable[[], str]] = {
        **dict.fromkeys(("tier", "mode", "delivery"), lambda: str(value).capitalize()),
        "day": lambda: say_fact(Fact("moved_why.monthly", {"tier": "", "day": value}), language=language)[-10:],
    }
    return as_shown.get(name, lambda: str(value))()
