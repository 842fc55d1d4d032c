"""Alice orders the same training twice, and the same package: she is led to the first, with "order again" beside it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.billing.models import Purchase
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs.models import Run
from otai.runs.operations import cancel_run, order_run
from otai.runs.operations.orders import EqualOrder
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program
from tests.billing.people import details
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    return stories.tickets_of(acme, tmp_path, now)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, now))


def form_of(browser: Client, address: str, has: str) -> dict[str, Any]:
    """What the form with that field would send."""
    page = browser.get(address).content.decode()
    return fields(next(form for form in re.findall(r"<form.*?</form>", page, flags=re.DOTALL) if has in form))


def fields(form: str) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf'\b{key}="([^"]*)"', tag) for key in ("name", "value"))
        is_off = ('type="radio"' in tag or 'type="checkbox"' in tag) and "checked" not in tag
        if name and name[1] != "csrfmiddlewaretoken" and not is_off:
            found.setdefault(name[1], []).append(unescape(value[1]) if value else "on")
    return found


def test_a_training_ordered_again_leads_to_the_first(alice: Client, support: DataSet) -> None:
    def order(**more: str) -> Any:
        return alice.post(
            "/acme/train/order", form_of(alice, f"/acme/train/?data_set={support.id}", 'name="key"') | more
        )

    assert order().status_code == 302
    again = order()
    assert again.status_code == 409 and Run.objects.count() == 1
    assert "You ordered just this 1 minute ago: training 1." in again.text
    assert 'href="/acme/runs/1/"' in again.text
    [asked] = [form for form in re.findall(r"<form.*?</form>", again.text, flags=re.DOTALL) if 'name="again"' in form]
    for _ in range(2):
        led = alice.post("/acme/train/order", fields(asked))
        assert (led.status_code, led.headers["Location"]) == (302, "/acme/runs/2/"), "clicked twice, ordered once more"
    assert Run.objects.count() == 2
    assert order(reason="drift").status_code == 302, "for another reason it is another order"


def test_what_was_cancelled_or_is_a_day_old_is_ordered_unasked(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    def order(at: datetime) -> Run:
        offered = stories.quote_for(acme, support, at)
        return order_run(organisation=acme, quote=offered.id, who="alice", now=at, refuses_equal=True)

    first = order(now)
    with pytest.raises(EqualOrder) as refused:
        order(now + timedelta(hours=23))
    assert refused.value.details == {"run": first.number, "minutes": 23 * 60}
    cancel_run(organisation=acme, number=first.number, who="alice", now=now + timedelta(hours=23))
    order(now + timedelta(hours=23))
    order(now + timedelta(hours=48))
    assert Run.objects.count() == 3


def test_programs_are_asked_unless_their_key_or_they_say_so(acme: Organisation, support: DataSet) -> None:
    program = Program(acme)

    def order(body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
        _, offered = program.post("/quotes", {"data_set": str(support.id), "attributes": ["queue"]})
        return program.post("/runs", {"quote": offered["id"], **(body or {})}, **headers)

    assert order()[0] == 201
    status, refused = order()
    assert status == 409 and refused["error"]["code"] == "equal_order" and refused["error"]["run"] == 1
    assert "again" in refused["error"]["help"]
    assert ledger.balance(acme.id).held == 1
    assert order({"again": False}, **{"Idempotency-Key": "a"})[0] == 409
    assert order({"again": True})[0] == 201
    assert order(**{"Idempotency-Key": "b"})[0] == 201
    assert Run.objects.count() == 3


def test_the_command_says_how_it_is_ordered_again(acme: Organisation, support: DataSet) -> None:
    from typer.testing import CliRunner

    from otai.cli.main import app

    command = ["train", "support", "--yes", "--detach"]
    assert CliRunner().invoke(app, command).exit_code == 0
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, EqualOrder) or refused.exit_code == 3
    assert Run.objects.count() == 1
    assert CliRunner().invoke(app, [*command, "--again"]).exit_code == 0
    assert Run.objects.count() == 2


def test_an_open_order_of_the_same_package_is_led_to(alice: Client, acme: Organisation, now: datetime) -> None:
    details(acme, now=now)

    def order(package: str = "10") -> Any:
        address = f"/acme/credits/packages/{package}/"
        return alice.post(address, form_of(alice, address, 'name="key"'))

    assert order().status_code == 302
    asked = order()
    reference = Purchase.objects.get().reference
    assert asked.status_code == 409 and f"/acme/credits/purchases/{reference}/" in asked.text
    assert order("50").status_code == 302, "another package is another order"
    [form] = [form for form in re.findall(r"<form.*?</form>", asked.text, flags=re.DOTALL) if 'name="again"' in form]
    assert alice.post("/acme/credits/packages/10/", fields(form)).status_code == 302
    assert Purchase.objects.count() == 3


def test_a_program_may_ask_to_be_told_of_an_open_order(acme: Organisation, now: datetime) -> None:
    details(acme, now=now)
    program = Program(acme)
    body = {"package": "10", "gateway": "bank_transfer"}
    assert program.post("/purchases", body, **{"Idempotency-Key": "a"})[0] == 201
    status, refused = program.post("/purchases", {**body, "again": False}, **{"Idempotency-Key": "b"})
    assert (status, refused["error"]["code"]) == (409, "equal_order")
    assert refused["error"]["reference"] == Purchase.objects.get().reference
    assert program.post("/purchases", body, **{"Idempotency-Key": "c"})[0] == 201
