"""What every endpoint does alike: who may, one form of refusal, keys for repeating, pages, limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.test import Client
from ninja import Schema
from pydantic import TypeAdapter, ValidationError

from otai.billing.models import Purchase
from otai.billing.months import Month
from otai.billing.seller import seller
from otai.orgs.models import ApiKey, User
from otai.orgs.operations import add_member, revoke_api_key
from otai.orgs.permissions import Scope
from otai.tickets.models import DataSet
from tests.api.callers import ROOT, Program, answered
from tests.billing.people import details, transfer

pytestmark = pytest.mark.django_db


def test_a_key_does_what_its_scopes_say_and_nothing_else(acme: Any) -> None:
    reader = Program(acme, [Scope.READ])
    assert reader.get("/balance")[0] == 200
    status, refused = reader.post("/purchases", {"package": "10"}, **{"Idempotency-Key": "a"})
    assert status == 403 and refused["error"]["code"] == "not_allowed" and "billing:buy" in refused["error"]["message"]
    assert reader.post("/quotes", {"data_set": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b"})[0] == 403
    assert reader.post("/api-keys", {"name": "more", "scopes": ["read"]})[0] == 403
    buyer = Program(acme, [Scope.BILLING_BUY])
    assert buyer.get("/balance")[0] == 403 and buyer.get("/invoices")[0] == 200
    assert reader.get("/me")[1]["actions"] == ["view"]


def test_no_key_can_make_itself_permanent(alice: Program) -> None:
    """Every scope there is opens neither the keys nor the organisation itself."""
    assert alice.post("/api-keys", {"name": "more", "scopes": ["read"]})[0] == 403
    assert alice.get("/api-keys")[0] == 403
    assert answered(alice.call("PATCH", "/organisation", {"name": "x", "time_zone": "UTC"}))[0] == 403


@pytest.mark.parametrize(
    "header", ["Bearer otai_abcdefgh_wrong", "Bearer ", "Basic YTpi", "otai_x", "Bearer " + "x" * 5000, "Bearer ü"]
)
def test_a_wrong_key_is_answered_with_401(acme: Any, header: str) -> None:
    status, refused = answered(Client().get(ROOT + "/balance", headers={"Authorization": header}))
    assert status == 401 and refused["error"]["code"] == "api_key_unknown"


def test_a_revoked_or_expired_key_opens_nothing(acme: Any, alice: Program, moment: Any) -> None:
    ApiKey.objects.filter(id=alice.key.id).update(
        created_at=moment - timedelta(days=2), expires_at=moment - timedelta(days=1)
    )
    assert alice.get("/balance")[1]["error"]["code"] == "api_key_ended"
    ApiKey.objects.filter(id=alice.key.id).update(expires_at=None)
    assert alice.get("/balance")[0] == 200
    revoke_api_key(organisation=acme, key=alice.key.id, who="alice", now=moment)
    status, refused = alice.get("/balance")
    assert status == 401 and refused["error"]["code"] == "api_key_ended"


def test_many_wrong_keys_are_asked_to_wait(acme: Any) -> None:
    stranger = Client(headers={"Authorization": "Bearer otai_abcdefgh_wrong"})
    seen = [stranger.get(ROOT + "/balance").status_code for _ in range(62)]
    assert seen[0] == 401 and seen[-1] == 429
    # Who has a line with IPv6 has 2^64 addresses, and is one sender all the same.
    seen = [stranger.get(ROOT + "/balance", REMOTE_ADDR=f"2001:db8:0:7::{n:x}").status_code for n in range(62)]
    assert seen[0] == 401 and seen[-1] == 429
    assert stranger.get(ROOT + "/balance", REMOTE_ADDR="2001:db8:0:8::1").status_code == 401, "another line"


def test_a_signed_in_browser_may_read_and_changes_things_with_its_csrf_token_only(
    acme: Any, globex: Any, moment: Any
) -> None:
    user = User.objects.create_user("alice", "alice@acme.example", "long enough for anybody")
    add_member(organisation=acme, user=user, role="owner", who="alice", now=moment)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    assert browser.get(ROOT + "/organisation").json()["organisation"] == "acme", "there is only one that it could mean"
    asked = json.dumps({"name": "nightly", "scopes": ["read"]})
    status, refused = answered(browser.post(ROOT + "/api-keys", asked, "application/json"))
    assert status == 403 and refused["error"]["code"] == "csrf_failed" and not ApiKey.objects.exists()

    from django.middleware.csrf import _get_new_csrf_string

    browser.cookies["csrftoken"] = token = _get_new_csrf_string()
    status, made = answered(browser.post(ROOT + "/api-keys", asked, "application/json", headers={"X-CSRFToken": token}))
    assert status == 201 and made["secret"].startswith("otai_")
    assert Client(headers={"Authorization": f"Bearer {made['secret']}"}).get(ROOT + "/balance").status_code == 200

    add_member(organisation=globex, user=user, role="viewer", who="carol", now=moment)
    assert browser.get(ROOT + "/organisation").json()["error"]["code"] == "organisation_not_named"
    assert browser.get(ROOT + "/organisation?organisation=globex").json()["organisation"] == "globex"
    refused = browser.put(
        ROOT + "/low-balance-notice?organisation=globex",
        '{"below": 5}',
        "application/json",
        headers={"X-CSRFToken": token},
    )
    assert refused.status_code == 403, "a viewer changes nothing"


def test_refusals_have_one_form(alice: Program) -> None:
    refusals = {
        404: alice.call("GET", "/runs/77"),
        405: alice.call("DELETE", "/balance"),
        406: alice.call("GET", "/balance", Accept="image/png"),
        415: alice.upload("/quotes", b"a=b", "application/x-www-form-urlencoded"),
        400: alice.upload("/quotes", b"{", "application/json"),
        413: alice.upload("/quotes", b" " * 3_000_000, "application/json"),
        422: alice.call("POST", "/quotes", {"data_set": "no uuid", "attributes": ["a", 7]}),
    }
    for status, response in refusals.items():
        error = json.loads(response.content)["error"]
        assert response.status_code == status, (status, response.content)
        assert {"code", "message", "help"} <= set(error) and response["Content-Type"] == "application/json"
    assert refusals[405]["Allow"] == "GET, HEAD"
    wrong = json.loads(refusals[422].content)["error"]
    assert [problem["field"] for problem in wrong["problems"]] == ["body.data_set", "body.attributes.1"]
    assert wrong["field"] == "body.data_set"
    assert answered(alice.call("GET", "/no-such-thing"))[1]["error"]["code"] == "not_found"


def test_a_thousand_parameters_are_refused(alice: Program) -> None:
    status, refused = alice.get("/runs?" + "&".join(f"a{n}=1" for n in range(1_200)))
    assert status == 400 and refused["error"]["code"] == "malformed_request"


def test_what_nobody_expected_is_a_500_without_its_words(alice: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("otai.ledger.queries.balance", broken)
    status, refused = alice.get("/balance")
    assert status == 500 and refused["error"]["code"] == "internal_error" and "secret" not in json.dumps(refused)
    assert refused["error"]["id"]


def test_too_few_credits_say_what_is_missing_and_what_would_help(acme: Any, globex: Any, tickets: Path) -> None:
    from otai.ledger import operations as ledger
    from tests.api.test_the_walk import imported, quoted

    carol = Program(globex)
    data_set = imported(carol, tickets)
    orders = [quoted(carol, data_set, mode="basic", delivery="fast") for _ in range(7)]
    seen = [carol.post("/runs", {"quote": quote["id"], "again": True}) for quote in orders]
    assert [status for status, _ in seen] == [201] * 6 + [409]
    error = seen[-1][1]["error"]
    assert error["code"] == "insufficient_credits" and error["missing"] == 1 and error["packages"][0]["credits"] == 10
    assert ledger  # the hold of the seventh was refused by the ledger itself


def test_the_same_key_and_request_buy_once(acme: Any, alice: Program, moment: Any) -> None:
    details(acme, now=moment)
    asked = {"package": "10", "gateway": "bank_transfer"}
    first = alice.call("POST", "/purchases", asked, **{"Idempotency-Key": "monday"})
    again = alice.call("POST", "/purchases", asked, **{"Idempotency-Key": "monday"})
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first
    status, refused = alice.post("/purchases", {"package": "50"}, **{"Idempotency-Key": "monday"})
    assert status == 409 and refused["error"]["code"] == "duplicate_request"
    status, refused = alice.post("/purchases", asked)
    assert status == 422 and refused["error"]["code"] == "idempotency_key_missing"
    assert Purchase.objects.count() == 1


def test_a_refusal_is_not_kept_so_the_same_key_works_once_it_can(acme: Any, alice: Program, moment: Any) -> None:
    status, refused = alice.post("/purchases", {"package": "10"}, **{"Idempotency-Key": "k"})
    assert status == 409 and refused["error"]["code"] == "billing_details_missing"
    details(acme, now=moment)
    assert alice.post("/purchases", {"package": "10"}, **{"Idempotency-Key": "k"})[0] == 201


def test_another_organisations_keys_are_its_own(acme: Any, alice: Program, carol: Program, tickets: Path) -> None:
    for program in (alice, carol):
        response = program.upload(
            "/data-sets?name=support", tickets.read_bytes(), "text/csv", **{"Idempotency-Key": "k"}
        )
        assert response.status_code == 201 and "Idempotency-Replayed" not in response
    again = alice.upload("/data-sets?name=support", tickets.read_bytes(), "text/csv", **{"Idempotency-Key": "k"})
    assert again["Idempotency-Replayed"] == "true" and DataSet.objects.filter(organisation=acme).count() == 1
    other = alice.upload("/data-sets?name=support", b"text,queue\na,b\n", "text/csv", **{"Idempotency-Key": "k"})
    assert other.status_code == 409


def test_a_secret_is_not_kept_for_repeating(acme: Any, alice: Program) -> None:
    from otai.api.models import KeyedRequest

    asked = {"url": "https://hooks.acme.example/in"}
    first = alice.post("/webhooks/endpoints", asked, **{"Idempotency-Key": "k"})[1]
    again = alice.post("/webhooks/endpoints", asked, **{"Idempotency-Key": "k"})[1]
    assert first["secret"].startswith("whsec_") and again["secret"] is None and again["id"] == first["id"]
    assert first["secret"] not in json.dumps(list(KeyedRequest.objects.values_list("answer", flat=True)))


def test_a_request_that_is_being_worked_on_is_not_done_twice(acme: Any, alice: Program, moment: Any) -> None:
    from otai.api.keys import abandoned_after
    from otai.api.models import KeyedRequest

    details(acme, now=moment)
    asked = {"package": "10"}
    first = alice.post("/purchases", asked, **{"Idempotency-Key": "k"})
    KeyedRequest.objects.update(status=None, answer=None)
    status, refused = alice.post("/purchases", asked, **{"Idempotency-Key": "k"})
    assert status == 409 and refused["error"]["code"] == "request_in_progress"
    KeyedRequest.objects.update(made_at=moment - abandoned_after - timedelta(seconds=1))
    again = alice.post("/purchases", asked, **{"Idempotency-Key": "k"})
    assert again[0] == 201 and again[1]["reference"] == first[1]["reference"], "the process had died after buying"


def test_pages_show_every_row_once_while_rows_are_added(acme: Any, alice: Program, tickets: Path) -> None:
    from tests.api.test_the_walk import imported

    for _ in range(5):
        imported(alice, tickets)
    seen, cursor = [], ""
    while True:
        page = alice.get(f"/data-sets?limit=2{cursor}")[1]
        seen += [item["version"] for item in page["items"]]
        if len(seen) == 2:
            imported(alice, tickets, name="a new one, in front")
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [5, 4, 3, 2, 1]
    lines = alice.get("/statement?limit=1")[1]
    assert lines["next"] is None and len(lines["items"]) == 1


def test_a_cursor_that_was_changed_or_belongs_elsewhere_is_refused(
    alice: Program, carol: Program, tickets: Path
) -> None:
    from tests.api.test_the_walk import imported

    for program in (alice, carol):
        imported(program, tickets)
        imported(program, tickets)
    cursor = alice.get("/data-sets?limit=1")[1]["next"]
    assert alice.get(f"/data-sets?cursor={cursor}")[0] == 200
    for program, path in (
        (alice, f"/data-sets?cursor={cursor}x"),
        (alice, f"/runs?cursor={cursor}"),
        (carol, f"/data-sets?cursor={cursor}"),
    ):
        status, refused = program.get(path)
        assert status == 422 and refused["error"]["code"] == "invalid_cursor"


def test_a_caller_may_ask_so_often_and_is_told_how_often_still(alice: Program, carol: Program, settings: Any) -> None:
    settings.OTAI_API_REQUESTS_PER_MINUTE = 3
    seen = [alice.call("GET", "/balance") for _ in range(4)]
    assert [response.status_code for response in seen] == [200, 200, 200, 429]
    assert [response["RateLimit-Remaining"] for response in seen] == ["2", "1", "0", "0"]
    assert seen[0]["RateLimit-Limit"] == "3" and 1 <= int(seen[3]["Retry-After"]) <= 60
    assert carol.get("/balance")[0] == 200


def test_a_line_of_the_csv_cannot_run_in_a_spreadsheet(acme: Any, alice: Program, moment: Any) -> None:
    from otai.billing.operations import give_goodwill

    give_goodwill(organisation=acme, credits=1, why="=HYPERLINK(0)", who="olga", key="g", now=moment)
    response = alice.call("GET", "/statement.csv")
    text = b"".join(response).decode()
    assert response["Content-Type"].startswith("text/csv") and "'=HYPERLINK(0)" in text and ",=HYPERLINK" not in text


def test_an_invoice_can_be_fetched_as_pdf_and_xml(acme: Any, alice: Program, moment: Any) -> None:
    details(acme, now=moment)
    alice.post("/purchases", {"package": "10"}, **{"Idempotency-Key": "k"})
    purchase = Purchase.objects.get()
    confirmation = alice.call("GET", f"/purchases/{purchase.reference}/confirmation")
    assert confirmation["Content-Type"] == "application/pdf" and confirmation.content.startswith(b"%PDF")
    transfer(purchase, moment)
    invoice = alice.get("/invoices")[1]["items"][0]
    assert (invoice["state"], invoice["amount"]["cents"]) == ("paid", 119_00)
    assert alice.get("/invoices?state=open")[1]["items"] == []
    assert alice.get("/invoices?state=lost")[0] == 422
    pack = alice.call("GET", f"/invoices/archive?month={Month.at(moment, seller().zone)}")
    assert pack["Content-Type"] == "application/zip" and pack.content.startswith(b"PK")
    pdf = alice.call("GET", f"/invoices/{invoice['number']}/pdf")
    assert pdf["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF")
    assert b"CrossIndustryInvoice" in alice.call("GET", f"/invoices/{invoice['number']}/xml").content


def whole_numbers() -> Iterator[tuple[str, TypeAdapter[Any]]]:
    """Each field of a document that a program sends and that is a whole number, with what may stand in it."""
    import otai.api.application
    import otai.api.vendor.application  # noqa: F401 -- both, for their documents

    schemas: list[type[Schema]] = [Schema]
    for schema in schemas:
        schemas += schema.__subclasses__()
        is_sent = schema.__module__.startswith("otai.api") and schema.__name__.endswith("In")
        if not is_sent or schema.__name__ == "PriceIn":  # it stands in an address, where all is text
            continue
        for name, field in schema.model_fields.items():
            if re.search(r"\bint\b", str(field.annotation)):
                yield f"{schema.__name__}.{name}", TypeAdapter(Annotated[field.annotation, field])


@pytest.mark.pure
def test_true_and_texts_are_no_numbers() -> None:
    """A vendor's program that sent `"credits": true` gave 1 credit."""
    found = dict(whole_numbers())
    assert {"GrantIn.credits", "LimitIn.monthly_credits", "TopUpIn.below"} <= set(found)
    for name, field in found.items():
        assert field.validate_python(7) == 7, name
        for other in (True, "7", 7.5, float("nan")):
            with pytest.raises(ValidationError):
                field.validate_python(other)
                pytest.fail(f"{name} takes {other!r}")
