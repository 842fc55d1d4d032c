"""Acme's own system hears what happens to acme's runs and credits; nobody else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from otai.billing.operations import give_goodwill
from otai.billing.operations.topups import set_low_balance_notice
from otai.cli.housekeeping import HousekeepingThreads
from otai.errors import NotFound
from otai.orgs.models import Organisation, TeamEvent, User
from otai.orgs.operations import add_member
from otai.outbound import operations, queries
from otai.outbound.models import DeliveryAttempt, Endpoint, Message, WebhookDelivery
from otai.outbound.operations.delivering import DELAYS, deliver_due, given_up_after
from otai.outbound.operations.endpoints import EndpointDisabled, EndpointMade
from otai.runs.operations import cancel_run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from tests import stories
from tests.outbound.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


def listening(organisation: Organisation, receiver: Receiver, now: datetime, *events: str) -> EndpointMade:
    return operations.create_endpoint(organisation=organisation, url=receiver.url, events=events, who="alice", now=now)


def present() -> datetime:
    """Signatures carry the real time: a receiver refuses old ones."""
    return datetime.now(tz=UTC)


def told(receiver: Receiver, secret: str) -> list[str]:
    return [receiver.verified(number, secret)["type"] for number in range(len(receiver.got))]


def test_a_run_is_told_from_order_to_model(acme: Organisation, receiver: Receiver, tmp_path: Path) -> None:
    from otai.serving.operations import register_completed_runs

    start = present()
    made = listening(acme, receiver, start)
    data_set = stories.tickets_of(acme, tmp_path, present())
    run = stories.ordered(acme, data_set, present())
    Worker(FakeExecutor()).work_once()
    register_completed_runs(now=present())
    assert operations.collect(now=present()) == 5
    assert operations.collect(now=present()) == 0, "what was told is not told again"
    assert operations.deliver_due(now=present()) == 5
    assert sorted(told(receiver, made.secret)) == [
        "model.live",
        "model.ready",
        "run.completed",
        "run.ordered",
        "run.started",
    ]
    by_type = {m["type"]: m for m in (receiver.verified(n, made.secret) for n in range(5))}
    assert by_type["run.completed"]["data"]["run"] == run.number
    assert by_type["run.completed"]["data"]["charged"] == 1 and by_type["run.ordered"]["data"]["charged"] == 0
    assert by_type["model.ready"]["data"]["version"] == 1
    assert {d.state for d in queries.deliveries(acme)} == {"delivered"}
    assert operations.deliver_due(now=present()) == 0


def test_credits_are_told_as_they_come(acme: Organisation, receiver: Receiver, tmp_path: Path) -> None:
    made = listening(acme, receiver, present(), "credits.granted", "credits.low", "run.cancelled")
    give_goodwill(organisation=acme, credits=3, why="For the delay", who="olga", key="g1", now=present())
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, present()), present())
    cancel_run(organisation=acme, number=run.number, who="alice", now=present())
    operations.collect(now=present())
    operations.deliver_due(now=present())
    assert sorted(told(receiver, made.secret)) == ["credits.granted", "run.cancelled"], "a release is no grant"
    granted = next(m for m in (receiver.verified(n, made.secret) for n in range(2)) if m["type"] == "credits.granted")
    assert granted["data"] == granted["data"] | {"organisation": "acme", "source": "goodwill", "credits": 3}


def test_low_credits_are_told_once_for_each_fall(acme: Organisation, receiver: Receiver) -> None:
    from otai.billing.operations.topups import watch_credits
    from tests.billing.people import details

    details(acme, now=present())
    made = listening(acme, receiver, present(), "credits.low")
    set_low_balance_notice(organisation=acme, below=100, who="alice", now=present())
    for _ in range(2):
        watch_credits(now=present())
        operations.collect(now=present())
    operations.deliver_due(now=present())
    assert told(receiver, made.secret) == ["credits.low"]
    assert receiver.verified(0, made.secret)["data"]["available"] == 6


def test_bought_credits_and_advice_are_told(acme: Organisation, receiver: Receiver, tmp_path: Path) -> None:
    from otai.billing.operations import buy, confirm_payment
    from otai.units import Money
    from tests.api.everything import advice_on, completed
    from tests.billing.people import details

    details(acme, now=present())
    run = completed(stories.ordered(acme, stories.tickets_of(acme, tmp_path, present()), present()), present())
    made = listening(acme, receiver, present(), "credits.purchased", "advice.raised")
    purchase = buy(organisation=acme, package="10", key="k", who="alice", now=present()).purchase
    confirm_payment(
        reference=purchase.reference,
        received=Money(purchase.gross_cents),
        bank_reference="b1",
        who="olga",
        why="bank statement",
        now=present(),
    )
    advice_on(run, present())
    operations.collect(now=present())
    operations.deliver_due(now=present())
    assert sorted(told(receiver, made.secret)) == ["advice.raised", "credits.purchased"]
    bought = next(m for m in (receiver.verified(n, made.secret) for n in range(2)) if "credits" in m["type"])
    assert bought["data"]["credits"] == 10


def test_what_happened_before_is_not_told(acme: Organisation, receiver: Receiver) -> None:
    """The initial credits came before anybody listened."""
    listening(acme, receiver, present())
    assert operations.collect(now=present()) == 0


def test_globex_hears_nothing_of_acme(acme: Organisation, globex: Organisation, receiver: Receiver) -> None:
    made = listening(globex, receiver, present())
    give_goodwill(organisation=acme, credits=3, why="For the delay", who="olga", key="g1", now=present())
    assert operations.collect(now=present()) == 0
    for ask in (
        lambda: queries.endpoint(acme, made.endpoint.id),
        lambda: operations.rotate_secret(organisation=acme, endpoint=made.endpoint.id, who="x", now=present()),
        lambda: operations.delete_endpoint(organisation=acme, endpoint=made.endpoint.id, who="x", now=present()),
        lambda: operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="x", now=present()),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_row_that_appears_late_is_told_all_the_same(acme: Organisation, receiver: Receiver) -> None:
    """Its transaction took longer than a later one's: reading goes back, and tells nothing twice."""
    from otai.outbound.models import Position

    listening(acme, receiver, present() - timedelta(hours=1))
    give_goodwill(organisation=acme, credits=1, why="First", who="olga", key="g1", now=present())
    operations.collect(now=present())
    first = Message.objects.get(payload__data__credits=1)
    later = present() + timedelta(minutes=20)
    operations.collect(now=later)
    assert Position.objects.filter(source="transfers").exists(), "after ten minutes it counts as read"
    give_goodwill(organisation=acme, credits=2, why="Second", who="olga", key="g2", now=later)
    operations.collect(now=later)
    Message.objects.filter(payload__data__credits=2).delete()
    assert operations.collect(now=later) == 1, "within the ten minutes every row is looked at again"
    assert Message.objects.filter(key=first.key).count() == 1


def test_a_receiver_that_is_down_gets_it_later(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    receiver.statuses = [500, 503]
    delivery = operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    at = present()
    for _ in range(3):
        deliver_due(now=at)
        found = queries.delivery(acme, delivery.id)
        at = found.next_at or at
    assert found.state == "delivered" and found.attempts == 3
    tries = list(queries.attempts(found))
    assert [t.status for t in tries] == [500, 503, 200] and tries[0].problem == "try_answered"
    assert tries[0].what_failed == "answered with 500"
    assert tries[2].answer == "thank you" and tries[2].problem == ""
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1, "the same message, so that it counts once"
    assert queries.endpoint(acme, made.endpoint.id).failing_since_at is None


def test_delays_grow_to_three_days_and_then_it_is_given_up(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    receiver.statuses = [500] * 99
    start = at = present()
    delivery = operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=at)
    waits = []
    while (found := queries.delivery(acme, delivery.id)).state == "waiting":
        assert found.next_at is not None
        waits.append(found.next_at - at)
        at = found.next_at
        deliver_due(now=at)
    assert found.state == "failed" and found.attempts == len(DELAYS) + 1
    assert timedelta(days=2) < at - start < timedelta(days=4)
    for wait, delay in zip(waits[1:], DELAYS, strict=True):
        assert 0.8 * delay <= wait <= 1.2 * delay
    receiver.statuses = []
    operations.replay(organisation=acme, delivery=delivery.id, now=at)
    deliver_due(now=at)
    assert queries.delivery(acme, delivery.id).state == "delivered"


def test_an_endpoint_that_never_answers_is_turned_off_and_people_are_told(
    acme: Organisation, receiver: Receiver, mailoutbox: list[Any]
) -> None:
    alice = User.objects.create_user("alice", "alice@acme.example", "long enough for anybody")
    amelie = User.objects.create_user("amelie", "amelie@acme.example", "long enough for anybody", language="fr")
    for owner in (alice, amelie):
        add_member(organisation=acme, user=owner, role="owner", who="alice", now=present())
    made = listening(acme, receiver, present())
    receiver.statuses = [500] * 9
    operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    deliver_due(now=present())
    late = present() + given_up_after + timedelta(minutes=1)
    deliver_due(now=late)
    found = queries.endpoint(acme, made.endpoint.id)
    assert found.disabled_at == late and "No message arrived" in found.why_disabled
    to_alice, to_amelie = mailoutbox
    assert (to_alice.to, to_amelie.to) == (["alice@acme.example"], ["amelie@acme.example"])
    assert receiver.url in to_alice.body and "No message arrived" in to_alice.body
    assert to_amelie.subject == f"Un webhook de {acme.name} a été désactivé"
    assert "Aucun message" in to_amelie.body and "No message" not in to_amelie.body
    assert TeamEvent.objects.get(what="webhook_disabled").details["why"]["code"] == "webhook_silent"
    assert not WebhookDelivery.objects.filter(state="waiting").exists()
    with pytest.raises(EndpointDisabled):
        operations.send_test(organisation=acme, endpoint=found.id, who="alice", now=late)
    operations.change_endpoint(organisation=acme, endpoint=found.id, enabled=True, who="alice", now=late)
    receiver.statuses = []
    operations.send_test(organisation=acme, endpoint=found.id, who="alice", now=late)
    assert deliver_due(now=late) == 1


def test_gone_means_gone(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    receiver.statuses = [410]
    operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    deliver_due(now=present())
    assert "410" in queries.endpoint(acme, made.endpoint.id).why_disabled


def test_a_new_secret_works_beside_the_old_one_for_a_day(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    rotated = operations.rotate_secret(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    deliver_due(now=present())
    assert rotated.secret != made.secret
    assert receiver.verified(0, made.secret) == receiver.verified(0, rotated.secret)
    Endpoint.objects.update(previous_until_at=present() - timedelta(seconds=1))
    operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    deliver_due(now=present())
    assert receiver.verified(1, rotated.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.verified(1, made.secret)


def test_no_table_holds_a_secret(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    raw = made.secret.removeprefix("whsec_")
    for row in Endpoint.objects.values():
        assert raw not in repr(row)


def test_a_changed_body_does_not_verify(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    deliver_due(now=present())
    headers, body = receiver.got[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(body.replace(b"alice", b"carol"), headers)


def test_a_try_that_a_dead_process_took_is_made_by_another(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    delivery = operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())

    class Died(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> Any:
        raise Died

    with pytest.raises(Died):
        deliver_due(now=present(), post=dies)
    assert deliver_due(now=present()) == 0, "it is taken"
    assert deliver_due(now=present() + timedelta(minutes=3)) == 1
    assert queries.delivery(acme, delivery.id).state == "delivered"


def test_two_senders_send_it_once(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    inner: list[int] = []

    def meanwhile(url: str, **named: Any) -> Any:
        from otai.outbound import sending

        inner.append(deliver_due(now=present()))
        return sending.post(url, **named)

    assert deliver_due(now=present(), post=meanwhile) == 1
    assert inner == [0] and len(receiver.got) == 1


def test_the_worker_tells_within_seconds(
    acme: Organisation, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.cli.housekeeping.seconds_between_webhooks", 0.05)
    made = listening(acme, receiver, present())
    give_goodwill(organisation=acme, credits=3, why="For the delay", who="olga", key="g1", now=present())
    with HousekeepingThreads() as rounds:
        for _ in range(400):
            if receiver.got:
                break
            rounds._stop.wait(0.02)
    assert told(receiver, made.secret) == ["credits.granted"]


def test_old_messages_are_forgotten(acme: Organisation, receiver: Receiver) -> None:
    made = listening(acme, receiver, present())
    operations.send_test(organisation=acme, endpoint=made.endpoint.id, who="alice", now=present())
    deliver_due(now=present())
    assert operations.forget_old(now=present() + timedelta(days=29)) == 0
    assert operations.forget_old(now=present() + timedelta(days=31)) == 3
    assert not DeliveryAttempt.objects.exists()
