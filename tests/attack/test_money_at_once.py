"""Parallel requests for the last credits, one coupon, one order that waits for approval: through TLS, over two server
processes, with a worker that trains and captures meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from otai.client import Studio
from tests import stories
from tests.attack.scene import Browser, Scene
from tests.doors.production import Customer, Production
from tests.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.torture]

CREDITS = 6
"""A Community organisation begins with them; a training of one attribute costs one."""

COUPON = """
import django, json

django.setup()
from otai.billing.operations.coupons import CouponFor, CouponTerms, make_coupon
from otai.db import utc_now

now = utc_now()
terms = CouponTerms(what=CouponFor.PACKAGE, valid_from_at=now, percent=50, most_uses=1)
make_coupon(code="ONCE-50", terms=terms, who="olga", why="one of them", now=now)
print(json.dumps(True))
"""
USES = """
import django, json

django.setup()
from otai.billing.models import Purchase

print(json.dumps(Purchase.objects.filter(coupon__code="ONCE-50").count()))
"""


def at_once(studio: Production, whose: Sequence[Customer], ask: Callable[[httpx.Client, int], httpx.Response]) -> Any:
    """`ask(client, number)` for each of them in a thread and on a line of its own; the answers."""

    def one(number: int) -> httpx.Response:
        with studio.http(headers=whose[number].authorization) as client:
            return ask(client, number)

    with ThreadPoolExecutor(len(whose)) as threads:
        return list(threads.map(one, range(len(whose))))


def statuses(answers: Sequence[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.fixture
def studio(attacked: Scene, monkeypatch: pytest.MonkeyPatch) -> Production:
    monkeypatch.setenv("SSL_CERT_FILE", str(attacked.studio.certificate))
    return attacked.studio


def quotes(studio: Production, customer: Customer, tmp_path: Any, *, count: int) -> list[str]:
    with Studio(studio.url, customer.key) as program:
        tickets = program.import_tickets(stories.write_tickets(tmp_path / "t.csv", tickets=120), name="support")
        return [str(program.quote(tickets.id, attributes=["queue"], model=f"m{n}").id) for n in range(count)]


def test_the_last_credits_are_spent_once_whoever_orders_and_cancels(studio: Production, tmp_path: Any) -> None:
    last = studio.customer("last-credits", tier="community")
    offered = quotes(studio, last, tmp_path, count=2 * CREDITS)
    ordered = at_once(
        studio,
        [last] * len(offered),
        lambda client, number: client.post("/api/v1/runs", json={"quote": offered[number]}),
    )
    assert statuses(ordered) == {201: CREDITS, 409: CREDITS}, [answer.text for answer in ordered]
    refused = {answer.json()["error"]["code"] for answer in ordered if answer.status_code == 409}
    assert refused == {"insufficient_credits"}
    numbers = [answer.json()["number"] for answer in ordered if answer.status_code == 201]
    # Each is cancelled by two at once, while the worker trains the first of them.
    cancelled = at_once(
        studio,
        [last] * 2 * len(numbers),
        lambda client, number: client.post(f"/api/v1/runs/{numbers[number // 2]}/cancel"),
    )
    assert set(statuses(cancelled)) <= {200, 409}, [answer.text for answer in cancelled]
    with studio.http(headers=last.authorization) as client:
        balance = until(lambda: client.get("/api/v1/balance").json(), lambda now: now["held"] == 0, seconds=120)
        runs = client.get("/api/v1/runs").json()["items"]
    charged = sum(run["status"] == "completed" for run in runs)
    assert (balance["available"], balance["spent"]) == (CREDITS - charged, charged)
    studio.installation.otai("ledger", "audit")


def test_a_coupon_for_one_is_used_by_one(studio: Production) -> None:
    studio.installation.python(COUPON)
    buyers = [studio.customer(f"coupon-{number}") for number in range(4)]
    details = {"name": "A", "street": "Road 1", "postcode": "10115", "city": "Berlin", "country": "DE",
        "email": "a@acme.example"}  # fmt: skip
    said = at_once(studio, buyers, lambda client, _: client.put("/api/v1/billing-details", json=details))
    assert statuses(said) == {200: 4}, said[0].text
    order = {"package": "10", "gateway": "bank_transfer", "coupon": "ONCE-50"}
    bought = at_once(
        studio,
        buyers * 3,
        lambda client, _: client.post("/api/v1/purchases", json=order, headers={"Idempotency-Key": str(uuid4())}),
    )
    assert statuses(bought)[201] == 1 and set(statuses(bought)) <= {201, 409, 422}, [one.text for one in bought]
    assert studio.installation.python(USES) == 1
    studio.installation.otai("ledger", "audit")


def test_what_waits_for_approval_is_decided_once(studio: Production, tmp_path: Any) -> None:
    acme = studio.customer("approvals")
    [offered] = quotes(studio, acme, tmp_path, count=1)
    with studio.http(headers=acme.authorization) as client:
        before = client.get("/api/v1/balance").json()["available"]
        with studio.http(cookies={"__Host-sessionid": acme.cookie}) as hers:
            rule = {"above_credits": "0", "days": "3"}
            said = Browser(hers, studio.url).post("/approvals/credits/spending/approval", rule)
            assert said.status_code == 302, said.text
        run = client.post("/api/v1/runs", json={"quote": offered}, headers={"Idempotency-Key": "o"}).json()
        assert run["status"] == "awaiting_approval", run
    ways = [("approve", None), ("decline", {"why": "not now"}), ("cancel", None)] * 3
    decided = at_once(
        studio,
        [acme] * len(ways),
        lambda client, number: client.post(f"/api/v1/runs/{run['number']}/{ways[number][0]}", json=ways[number][1]),
    )
    # What was approved may still be cancelled, once.
    done = [ways[number][0] for number, answer in enumerate(decided) if answer.status_code == 200]
    assert set(statuses(decided)) == {200, 409}, [answer.text for answer in decided]
    assert sorted(done) in (["decline"], ["cancel"], ["approve"], ["approve", "cancel"]), done
    if done != ["approve"]:
        with studio.http(headers=acme.authorization) as client:
            balance = client.get("/api/v1/balance").json()
            assert (balance["available"], balance["held"]) == (before, 0)
    studio.installation.otai("ledger", "audit")
