"""Gifts that nobody can make for nothing: what an operator looks at before it is agreed, or a fee is credited."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from otai.billing import operations as billing
from otai.billing.models import Notice
from otai.billing.operations.notices import send_notices
from otai.learning.evidence.acceptance import Criterion
from otai.learning.finding import Finding
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.models import Organisation, User
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Role
from otai.pricing.price_book import GUARANTEE_TERMS, Tier, VerdictRule
from otai.pricing.published import read
from otai.runs import operations as runs
from otai.runs.guarantee import fee, operations, queries
from otai.runs.guarantee.criteria import Reachable, noise_among, why_an_operator
from otai.runs.models import Guarantee, Run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.tickets.models import DataSet
from otai.words.sentences import Fact
from tests import stories
from tests.billing import people
from tests.orgs.people import joins, person
from tests.pricing.book import BOOK
from tests.runs.guarantees import agreed, expect, improvement, included, report_card, trained
from tests.runs.test_guarantee import pay_for

ACCURACY = Criterion.parse("queue accuracy 70%")
NOISE = Finding("no_signal", "warning", "queue", {"right": 0.25, "share": 0.25})


@pytest.fixture
def acme(now: datetime) -> Organisation:
    organisation = stories.acme(now)
    joins(organisation, person("alice"), Role.OWNER, now)
    return organisation


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    return stories.import_tickets(organisation=acme, name="support", source=source, now=now)


@pytest.fixture
def noise(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    """Tickets with labels dealt out at random."""
    chance, source = random.Random(7), tmp_path / "noise.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "body", "queue"])
        for number in range(400):
            words = " ".join(
                chance.choices(["printer", "vpn", "invoice", "mail", "slow", "broken", "login", "order"], k=6)
            )
            writer.writerow([f"ticket {number}", f"{words} {number}", chance.choice("abcd")])
    return stories.import_tickets(organisation=acme, name="noise", source=source, now=now)


def available(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def in_review(acme: Organisation, support: DataSet, now: datetime) -> Guarantee:
    """Alice's included run and improvement both missed, in the free tier."""
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    trained(now, queue=0.5)
    improvement(acme, support, now)
    trained(now, queue=0.5)
    guarantee.refresh_from_db()
    return guarantee


def told(now: datetime) -> list[tuple[str, str]]:
    """Subjects and texts of the mails that went out now."""
    mail.outbox.clear()
    send_notices(now=now)
    return [(str(message.subject), str(message.body)) for message in mail.outbox]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("criterion", "expected", "code"),
    [
        ("queue accuracy 70%", Reachable(accuracy=0.7), None),
        ("queue accuracy 70%", Reachable(accuracy=0.699), "guarantee.not_expected"),
        ("queue accuracy 70%", Reachable(macro_f1=0.9), "guarantee.not_known"),
        ("queue macro_f1 50%", Reachable(accuracy=0.9, macro_f1=0.4), "guarantee.not_expected"),
        ("queue coverage@95 30%", Reachable(accuracy=0.9), "guarantee.not_known"),
        ("queue coverage@95 30%", Reachable(coverage_at_95_precision=0.3), None),
        ("queue accuracy 71%", Reachable(accuracy=0.9), "guarantee.above_bar"),
        ("queue accuracy 1%", Reachable(accuracy=0.9, is_noise=True), "guarantee.no_signal"),
        ("queue accuracy 70%", None, None),
    ],
)
def test_a_criterion_is_agreed_at_once_only_where_it_is_standard_and_expected(
    criterion: str, expected: Reachable | None, code: str | None
) -> None:
    why = why_an_operator(Criterion.parse(criterion), BOOK.standard_bar, expected)
    assert (why.code if why else None) == code


@pytest.mark.pure
def test_labels_are_noise_where_nothing_can_be_learnt_or_one_in_four_looks_wrong() -> None:
    def codes(*findings: Finding, noise_from: Fraction | None = Fraction(1, 4)) -> list[str]:
        return [fact.code for fact in noise_among({"queue"}, findings, noise_from=noise_from)]

    suspected = {"wrong": 25, "examined": 100, "listed": 25}
    assert codes(NOISE) == ["guarantee.no_signal"]
    assert codes(Finding("labels_suspected", "note", "queue", suspected)) == ["guarantee.noise"]
    assert codes(Finding("labels_suspected", "note", "queue", {**suspected, "wrong": 24})) == []
    assert codes(Finding("no_signal", "warning", "priority", {})) == [], "what was not missed is nobody's noise"
    assert codes(NOISE, noise_from=None) == []


@pytest.mark.pure
def test_books_of_before_promised_the_fee_at_once_and_criteria_without_a_trial() -> None:
    before, now = read("2026-11e").guarantee, GUARANTEE_TERMS
    assert (before.fee_at_once, before.agreed_if_expected, before.noise_from) == (frozenset(Tier), None, None)
    assert (now.fee_at_once, now.agreed_if_expected) == ({Tier.PRO, Tier.ENTERPRISE}, VerdictRule.POINT)


@pytest.mark.django_db(transaction=True)
def test_random_labels_bring_no_credits(acme: Organisation, noise: DataSet, now: datetime) -> None:
    """It was 6 -> 14 for nothing: a criterion that is surely missed twice, and the list price of a gift credited."""

    def order(place: Callable[..., Run]) -> None:
        offered = stories.quote_for(acme, noise, now, attributes=("queue",))
        place(organisation=acme, quote=offered.id, who="alice", now=now)

    expect(noise, now, no_signal=True, queue=0.25)
    guarantee = operations.propose(organisation=acme, data_set=noise, criteria=[ACCURACY], who="alice", now=now)
    assert (guarantee.status, guarantee.waits_for_operator) == ("open", True)
    assert [reason["code"] for reason in guarantee.waits_because] == ["guarantee.no_signal"]
    assert list(queries.waiting()) == [guarantee]
    [(subject, text)] = told(now)
    assert subject == "We look at your criteria" and "nothing can be learnt from these labels" in text
    with pytest.raises(operations.NotAgreed):
        order(runs.order_included_run)

    # Even if an operator agreed, both misses bring nothing until one has looked.
    operations.agree(guarantee=guarantee.id, who="olga", why="let them try", now=now)
    order(runs.order_included_run)
    trained(now, queue=0.26)
    order(runs.order_improvement_run)
    trained(now, queue=0.26)
    guarantee.refresh_from_db()
    assert (guarantee.status, available(acme)) == ("in_review", 6)
    assert "guarantee.free_tier" in [reason["code"] for reason in guarantee.waits_because]
    fee.decline_fee(guarantee=guarantee.id, who="olga", why="the labels were dealt out", now=now)
    assert available(acme) == 6
    assert queries.why_declined(guarantee) == "the labels were dealt out"
    assert ("The training fee is not credited", True) in [
        (subject, "the labels were dealt out" in text) for subject, text in told(now)
    ]
    assert audit().clean


@pytest.mark.django_db(transaction=True)
def test_alice_reads_why_her_criteria_wait_and_what_became_of_them(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    expect(support, now, queue=0.65, priority=0.9)
    asked = agreed(acme, support, now, "queue accuracy 70%")
    [reason] = asked.waits_because
    assert (reason["code"], reason["values"]["expected"]) == ("guarantee.not_expected", 0.65)
    assert "these tickets make 65.0\N{NO-BREAK SPACE}% likely" in told(now)[0][1]
    operations.decline(guarantee=asked.id, who="olga", why="ask for 60 %", now=now)
    [(subject, text)] = told(now)
    assert subject == "We cannot agree to these criteria" and "ask for 60 %" in text
    asked = agreed(acme, support, now + timedelta(minutes=1), "queue accuracy 60%")
    assert (asked.status, asked.agreed_by, asked.waits_because) == ("agreed", "price book", [])
    assert queries.why_declined(asked) == ""
    asked = agreed(acme, support, now + timedelta(minutes=2), "queue accuracy 75%")
    operations.agree(guarantee=asked.id, who="olga", why="their tickets are clean", now=now)
    assert {subject for subject, _ in told(now)} == {"We look at your criteria", "Your criteria are agreed"}


@pytest.mark.django_db(transaction=True)
def test_in_a_paid_tier_noise_alone_is_looked_at(acme: Organisation, support: DataSet, now: datetime) -> None:
    people.details(acme, now=now)
    pay_for(acme, Tier.PRO, now)
    guarantee, before = agreed(acme, support, now), available(acme)
    card = report_card(queue=0.3)
    card["findings"] = [{"code": "no_signal", "severity": "warning", "attribute": "queue", "values": NOISE.values}]
    for order in (included, improvement):
        order(acme, support, now)
        worker = Worker(executor=FakeExecutor(report_card=card), clock=lambda: now + timedelta(minutes=1))
        worker.work_once()
    guarantee.refresh_from_db()
    assert (guarantee.status, available(acme)) == ("in_review", before)
    assert [reason["code"] for reason in guarantee.waits_because] == ["guarantee.no_signal"]
    found = fee.credit_fee(guarantee=guarantee.id, who="olga", why="our own test was wrong", now=now)
    assert (found.status, available(acme)) == ("credited", before + 1)
    assert ("The training fee is credited", True) in [(s, "our own test was wrong" in text) for s, text in told(now)]


@pytest.mark.django_db(transaction=True)
def test_what_was_agreed_under_an_older_book_is_credited_at_once(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    Guarantee.objects.filter(id=guarantee.id).update(price_book="2026-11e")
    included(acme, support, now)
    trained(now, queue=0.5)
    improvement(acme, support, now)
    trained(now, queue=0.5)
    guarantee.refresh_from_db()
    assert (guarantee.status, available(acme)) == ("credited", 7)
    told_then = queries.events(guarantee).last()
    assert told_then and (told_then.who, told_then.move) == ("guarantee", "missed -> credited")
    why = Fact("guarantee.fee", {"run": 1, "credits": 1}).as_dict()
    assert told_then.details == {"why": why, "credits": 1, "lot": str(guarantee.fee_lot)}


@pytest.mark.django_db(transaction=True)
def test_above_the_limit_two_operators_credit_a_fee(
    acme: Organisation, support: DataSet, now: datetime, settings
) -> None:
    settings.OTAI_GOODWILL_ALONE = 5
    guarantee = in_review(acme, support, now)
    billing.give_goodwill(organisation=acme, credits=5, who="olga", why="a slow week", key="1", now=now)
    asked = fee.credit_fee(guarantee=guarantee.id, who="olga", why="honest labels", now=now)
    assert (asked.status, asked.fee_asked_by, available(acme)) == ("in_review", "olga", 11)
    assert queries.events(asked).last().details == {"credits": 1}
    with pytest.raises(billing.SameOperator):
        fee.credit_fee(guarantee=guarantee.id, who="Olga (desk)", why="honest labels", now=now)
    credited = fee.credit_fee(guarantee=guarantee.id, who="otto", why="I looked too", now=now)
    assert (credited.status, available(acme)) == ("credited", 12)
    assert queries.events(credited).last().who == "olga, otto"


@pytest.mark.django_db(transaction=True)
def test_olga_finds_all_figures_at_the_desk(acme: Organisation, support: DataSet, now: datetime) -> None:
    guarantee = in_review(acme, support, now)
    desk = Client()
    desk.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase"))
    listed = desk.get(reverse("admin:runs_guarantee_changelist"), {"waits": "yes"}).content.decode()
    assert "The training was included in Community, which is free." in listed
    row = desk.get(reverse("admin:runs_guarantee_change", args=[guarantee.pk])).content.decode()
    assert "accuracy 90.0\N{NO-BREAK SPACE}%, macro F1 90.0\N{NO-BREAK SPACE}%" in row, "what was expected"
    assert (
        "Tickets that are measured on" in row
        and "50.0\N{NO-BREAK SPACE}% (47.0\N{NO-BREAK SPACE}% - 53.0\N{NO-BREAK SPACE}%), missed" in row
    )
    address = reverse("admin:runs_guarantee_act", args=[guarantee.pk, "credit-fee"])
    assert "1 credit is credited" in desk.post(address, {"why": "honest labels"}, follow=True).content.decode()
    assert available(acme) == 7
    assert desk.get(reverse("admin:runs_guarantee_act", args=[guarantee.pk, "decline-fee"])).status_code != 200


@pytest.mark.django_db(transaction=True)
def test_alice_sees_on_the_page_and_in_the_api_that_the_fee_waits(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = in_review(acme, support, now)
    alice = Client()
    alice.force_login(User.objects.get(email="alice@acme.example"))
    event, waiting = queries.events(guarantee).last(), Notice.objects.get(template="fee_waits")
    reasons = guarantee.waits_because
    assert event and event.details == {"why": Fact("guarantee.fee_waits", {"reasons": reasons}).as_dict()}
    whose = {"organisation": "Acme Ltd", "slug": "acme", "credits": 1}
    assert (waiting.context, waiting.made_at) == ({**whose, "reasons": reasons}, now + timedelta(minutes=1))
    page = alice.get("/acme/guarantee/").content.decode()
    assert "we look at it before the training fee of" in page and "which is free" in page
    alice.cookies["otai_language"] = "fr"
    assert "gratuit" in alice.get("/acme/guarantee/").content.decode()
    fee.decline_fee(guarantee=guarantee.id, who="olga", why="labels of two queues were swapped", now=now)
    declined = Notice.objects.get(template="fee_declined").context
    assert declined == {**whose, "why": "labels of two queues were swapped"}
    del alice.cookies["otai_language"]
    assert "The training fee is not credited: labels of two" in alice.get("/acme/guarantee/").content.decode()
    made = create_api_key(organisation=acme, name="ci", scopes=["read"], who="alice", now=now)
    answer = alice.get("/api/v1/guarantees", headers={"Authorization": f"Bearer {made.secret}"}).json()
    assert answer["items"][0]["declined_because"] == "labels of two queues were swapped"
    assert answer["items"][0]["waits_because"][0]["why"].startswith("The training was included in Community")
