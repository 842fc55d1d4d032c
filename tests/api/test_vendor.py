"""The vendor's own systems: Vera's shop provisions, suspends, grants and prices, with a key of its own, and reaches
nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from typer.testing import CliRunner

from otai.api.models import KeyedRequest
from otai.api.vendor.application import PREFIX, openapi
from otai.billing import price_books
from otai.billing.models import Event, OperatorRequest, VendorKey
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import second_operator
from otai.billing.operations.second_operator import SameOperator
from otai.billing.operations.vendor_keys import create_vendor_key, note_misuse, revoke_vendor_key
from otai.billing.vendor_scopes import VendorScope
from otai.cli.main import app
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.orgs import access_events
from otai.orgs.models import AccessEvent, Organisation, User
from otai.orgs.operations import accept_invitation, create_api_key
from otai.words.catalogue import say_actor
from tests.api.callers import Program, answered

pytestmark = pytest.mark.django_db
OLGA, OTTO = "olga (operator)", "otto (operator)"


class System:
    """One of the vendor's systems, with a key that has these scopes."""

    def __init__(self, *scopes: VendorScope, name: str = "shop") -> None:
        made = create_vendor_key(
            name=name, scopes=scopes or tuple(VendorScope), who=OLGA, why="the shop sells it", now=utc_now()
        )
        self.key, self.secret = made.key, made.secret
        self.client = Client(headers={"Authorization": f"Bearer {made.secret}"}, raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, PREFIX + path, headers=headers, **data)  # type: ignore[arg-type]

    def get(self, path: str) -> tuple[int, Any]:
        return answered(self.call("GET", path))

    def post(self, path: str, body: Any, key: str = "k1") -> tuple[int, Any]:
        return answered(self.call("POST", path, body, **{"Idempotency-Key": key}))


@pytest.fixture
def shop(db: None) -> System:
    return System()


@pytest.fixture
def books(settings: Any, tmp_path: Path) -> Path:
    settings.OTAI_PRICE_BOOKS = tmp_path / "books"
    return tmp_path / "books"


def endpoints() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for address, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            yield address.removeprefix(PREFIX).replace("{organisation}", "acme"), method.upper(), operation


def example_of(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return content and content["examples"]["example"]["value"]


ACME = {
    "name": "Acme Ltd",
    "organisation": "acme",
    "tier": "pro",
    "owner_email": "alice@acme.example",
    "language": "de",
}


def test_a_customer_is_provisioned_and_its_owner_joins_by_the_mail(shop: System) -> None:
    status, made = shop.post("/organisations", ACME)
    assert (status, made["tier"], made["tier_status"], made["credits"]["available"]) == (201, "pro", "unpaid", 100)
    assert made["invited"] == ["alice@acme.example"] and made["mailed"]
    [message] = mail.outbox
    assert message.to == ["alice@acme.example"] and made["link"] in message.body
    assert message.subject == "Ihr OTAI Studio ist bereit: Acme Ltd"
    again = shop.call("POST", "/organisations", ACME, **{"Idempotency-Key": "k1"})
    assert again["Idempotency-Replayed"] == "true" and again.json() == {**made, "link": None}
    assert Organisation.objects.count() == 1 and len(mail.outbox) == 1
    alice = User.objects.create_user("alice", "alice@acme.example", "long enough for anybody")
    accept_invitation(token=made["link"].rstrip("/").rpartition("/")[2], user=alice, now=utc_now())
    assert shop.get("/organisations/acme")[1]["owners"] == ["alice@acme.example"]


def test_nothing_is_made_of_what_is_refused(shop: System) -> None:
    for changed, code in (
        ({"organisation": "API"}, "invalid_organisation"),
        ({"owner_email": "nobody"}, "invalid_invitation"),
        ({"time_zone": "Mars/Olympus"}, "invalid_organisation"),
        ({"language": "xx"}, "language_unknown"),
        ({"tier": "gold"}, "invalid_request"),
    ):
        status, problem = shop.post("/organisations", {**ACME, **changed}, key=code)
        assert (status, problem["code"], problem["status"]) == (422, code, 422), changed
    assert answered(shop.call("POST", "/organisations", ACME))[1]["code"] == "idempotency_key_missing"
    assert Organisation.objects.count() == 0 and KeyedRequest.objects.count() == 0 and not mail.outbox


def test_a_mail_that_does_not_go_leaves_the_link(shop: System, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.api.test_vendor.NoMail"
    _, made = shop.post("/organisations", {**ACME, "organisation": ""})
    assert (made["mailed"], made["organisation"]) == (False, "acme-ltd") and made["link"]


class NoMail:
    def __init__(self, **_: Any) -> None: ...

    def send_messages(self, _: Any) -> int:
        raise OSError("no route to the mail server")


def test_a_suspension_is_seen_told_and_ended(shop: System, acme: Organisation) -> None:
    status, seen = shop.post("/organisations/acme/suspend", {"why": "The contract is being settled."})
    assert (status, seen["suspension"]["by"]) == (200, f"shop (vendor key {shop.key.prefix})")
    since = seen["suspension"]["since"]
    assert shop.post("/organisations/acme/suspend", {"why": "once more"})[1]["suspension"]["since"] == since
    assert shop.post("/organisations/acme/resume", {"why": "settled"})[1]["suspension"] is None
    moves = Event.objects.filter(subject="organisation").values_list("move", "who")
    assert list(moves) == [("suspended", shop.key.who), ("resumed", shop.key.who)]


def test_who_may_only_suspend_is_told_the_state_alone(shop: System, acme: Organisation) -> None:
    accounting = System(VendorScope.ORGANISATIONS_SUSPEND, name="accounting")
    for action, state in (("resume", None), ("suspend", "accounting")):
        status, told = accounting.post(f"/organisations/acme/{action}", {"why": "The contract is being settled."})
        assert (status, set(told)) == (200, {"organisation", "suspension"})
        assert (told["suspension"] and told["suspension"]["by"].partition(" ")[0]) == state
    assert not AccessEvent.objects.exists(), "nothing was read"
    assert shop.post("/organisations/acme/resume", {"why": "settled"})[1]["tier"] == "pro"
    assert [(one.what, one.who) for one in AccessEvent.objects.all()] == [("operator_read", shop.key.who)]


def test_misuse_of_a_key_is_an_event_with_its_address_and_without_a_secret(shop: System, acme: Organisation) -> None:
    revoke_vendor_key(key=shop.key.id, who=OLGA, why="gone", now=utc_now())
    suspends = System(VendorScope.ORGANISATIONS_SUSPEND, name="accounting")
    hers = create_api_key(organisation=acme, name="Helpdesk", scopes=["read"], who="alice", now=utc_now())
    tried = (shop.secret, f"otaivendor_{shop.key.prefix}_guessed-and-wrong", "otaivendor_unknown_x")
    for secret, door in [*((one, PREFIX) for one in tried), (suspends.secret, "/api/v1")]:
        sent = Client(headers={"Authorization": f"Bearer {secret}"}, REMOTE_ADDR="198.51.100.7")
        path = f"{PREFIX}/price-books" if door == PREFIX else "/api/v1/runs"
        assert sent.get(path).status_code == 401
    assert suspends.get("/organisations/acme")[0] == suspends.get("/price-books")[0] == 403
    assert suspends.get("/price-books")[0] == 403
    assert Client(headers={"Authorization": f"Bearer {hers.secret}"}).get(f"{PREFIX}/price-books").status_code == 403
    found = AccessEvent.objects.filter(organisation=None).order_by("first_at", "id")
    assert [(one.what, one.who, access_events.about_said(one), one.address, one.times) for one in found] == [
        ("key_revoked_used", shop.key.who, "", "198.51.100.7", 1),
        ("key_wrong", shop.key.who, "", "198.51.100.7", 1),
        ("key_wrong", "", "", "198.51.100.7", 1),
        ("key_wrong", suspends.key.who, "sent to the customers' API", "198.51.100.7", 1),
        ("access_refused", suspends.key.who, "needs the scope organisations:read", "127.0.0.1", 1),
        ("access_refused", suspends.key.who, "needs the scope prices:read", "127.0.0.1", 2),
    ]
    [of_acme] = AccessEvent.objects.filter(organisation=acme)
    assert (of_acme.what, access_events.about_said(of_acme)) == ("access_refused", "sent to the vendor's API")
    kept = json.dumps(list(AccessEvent.objects.values()), default=str)
    assert not any(part in kept for part in ("unknown_x", "guessed", shop.secret[-20:], hers.secret[-20:]))


def test_operators_read_misuse_of_keys_and_take_it_along_as_json_lines(shop: System, acme: Organisation) -> None:
    shop.get("/organisations/acme")
    for number in range(access_events.most_in_an_hour + 5):
        secret = f"otaivendor_{shop.key.prefix}_wrong"
        note_misuse(secret, case="unknown", about=None, now=utc_now(), address=f"2001:db8::{number:x}")
    desk = Client()
    desk.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase"))
    page = desk.get("/desk/orgs/accessevent/").content.decode()
    assert "Wrong key" in page and say_actor(shop.key.who) in page and "2001:db8::" in page
    lines = b"".join(desk.get("/desk/orgs/accessevent/lines/").streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert [len(lines), json.loads(lines[0])["times"]] == [access_events.most_in_an_hour + 1, 5], "a flood is bounded"
    done = CliRunner().invoke(app, ["vendor-keys", "misuse", "--lines"], catch_exceptions=False)
    assert done.output.splitlines() == lines
    staff = Client()
    staff.force_login(User.objects.create_user("bob", "bob@vendor.example", "a long passphrase", is_staff=True))
    assert staff.get("/desk/orgs/accessevent/lines/").status_code == 403


def test_who_may_only_grant_is_not_told_what_there_is(acme: Organisation) -> None:
    gives = System(VendorScope.CREDITS_GRANT, name="support")
    _, made = gives.post("/organisations/acme/grants", {"credits": 5, "why": "The outage of 2 November."})
    assert (made["state"], made["credits"], made["available"]) == ("granted", 5, None)


def test_goodwill_is_given_once_and_what_is_too_much_waits_for_another_operator(
    shop: System, acme: Organisation
) -> None:
    before = ledger.balance(acme.id).available
    asked = {"credits": 60, "why": "The outage of 2 November."}
    assert shop.post("/organisations/acme/grants", asked, key="a")[1]["state"] == "granted"
    KeyedRequest.objects.all().delete()
    assert shop.post("/organisations/acme/grants", asked, key="a")[1]["available"] == before + 60, "kept by the ledger"
    status, waits = shop.post("/organisations/acme/grants", asked, key="b")
    assert (status, waits["state"], waits["available"]) == (201, "waiting", before + 60), (
        "120 in two pieces are too many"
    )
    request = OperatorRequest.objects.get(id=waits["request"])
    for who in (OLGA, shop.key.who):
        with pytest.raises(second_operator.SameOperator):
            second_operator.approve(request=request.id, who=who, why="mine", now=utc_now())
    second_operator.approve(request=request.id, who=OTTO, why="right", now=utc_now())
    assert ledger.balance(acme.id).available == before + 120


def test_prices_are_read_and_set_from_a_day_on(shop: System, books: Path) -> None:
    day = (utc_now() + timedelta(days=30)).date().isoformat()
    asked = {
        "version": "2027-x",
        "effective_on": day,
        "packages": [{"credits": 50, "price_cents": 47500}],
        "tiers": [
            {"tier": "pro", "monthly_price_cents": 10900},
            {"tier": "enterprise", "annual_price_cents": 450000},
        ],
        "why": "New prices for 2027.",
    }
    assert shop.post("/price-books", asked)[0] == 201
    _, found = shop.get("/price-books")
    [to_come] = found["to_come"]
    assert (to_come["version"], to_come["effective_on"]) == ("2027-x", day)
    assert {one["credits"]: one["price"]["cents"] for one in to_come["packages"]} == {
        10: 10000,
        50: 47500,
        100: 80000,
    }
    assert [one["monthly_price"]["cents"] for one in found["in_force"]["tiers"]] == [0, 9900, 49900]
    assert [one["monthly_price"]["cents"] for one in to_come["tiers"]] == [0, 10900, 49900]
    assert [one["annual_price"] and one["annual_price"]["cents"] for one in to_come["tiers"]] == [None, 99000, 450000]
    assert price_books.price_book(utc_now() + timedelta(days=31)).version == "2027-x"
    event = Event.objects.get(subject="price book")
    assert (event.who, event.why) == (shop.key.who, "New prices for 2027.")


def test_nearly_free_prices_wait_for_an_operator_who_did_not_make_the_key(shop: System, books: Path) -> None:
    day = (utc_now() + timedelta(days=30)).date().isoformat()
    asked = {
        "version": "2027-x",
        "effective_on": day,
        "packages": [{"credits": 100, "price_cents": 1}],
        "why": "Cheap.",
    }
    status, made = shop.post("/price-books", asked)
    assert (status, made["state"], made["nearly_free"][0]) == (201, "waiting", "credit")
    assert shop.get("/price-books")[1]["to_come"] == []
    with pytest.raises(SameOperator):
        second_operator.approve(request=made["request"], who=OLGA, why="mine", now=utc_now())
    second_operator.approve(request=made["request"], who="otto (operator)", why="right", now=utc_now())
    assert [one["version"] for one in shop.get("/price-books")[1]["to_come"]] == ["2027-x"]


def test_prices_follow_the_rules_of_price_books(shop: System, books: Path) -> None:
    day = (utc_now() + timedelta(days=30)).date().isoformat()
    good = {
        "version": "2027-x",
        "effective_on": day,
        "packages": [{"credits": 50, "price_cents": 47500}],
        "why": "New prices.",
    }
    for number, (changed, status, code) in enumerate(
        (
            ({"effective_on": utc_now().date().isoformat()}, 409, "price_book_not_new"),
            ({"version": "../evil"}, 409, "price_book_not_new"),
            ({"packages": [{"credits": 51, "price_cents": 1}]}, 422, "invalid_price_book"),
            ({"packages": []}, 422, "invalid_price_book"),
            ({"packages": [{"credits": 50, "price_cents": 0}]}, 422, "invalid_request"),
            ({"tiers": [{"tier": "community", "monthly_price_cents": 5}]}, 422, "invalid_price_book"),
            # A year would cost more than its months.
            ({"tiers": [{"tier": "pro", "monthly_price_cents": 8000}]}, 422, "invalid_price_book"),
            ({"packages": [], "tiers": [{"tier": "pro"}]}, 422, "invalid_price_book"),
            ({"why": ""}, 422, "who_and_why_missing"),
        )
    ):
        answer = shop.post("/price-books", {**good, **changed}, key=str(number))
        assert (answer[0], answer[1]["code"]) == (status, code), changed
    assert not list(books.glob("*")) and not Event.objects.filter(subject="price book")
    assert shop.post("/price-books", good, key="x")[0] == 201
    assert shop.post("/price-books", good, key="y")[1]["code"] == "price_book_not_new"


def test_every_call_is_an_event_with_the_keys_name_refused_ones_too(shop: System, acme: Organisation) -> None:
    shop.get("/organisations/acme")
    shop.get("/organisations/nobody")
    reader = System(VendorScope.PRICES_READ, name="price list")
    assert reader.get("/organisations/acme")[0] == 403
    calls = Event.objects.filter(subject="vendor key", move=BillingOccurrence.CALLED).order_by("id")
    assert [(one.who, one.details["operation"], one.details["status"]) for one in calls] == [
        (shop.key.who, "look_at_organisation", 200),
        (shop.key.who, "look_at_organisation", 404),
        (reader.key.who, "look_at_organisation", 403),
    ]
    assert VendorKey.objects.get(id=shop.key.id).last_used_at is not None


def test_each_endpoint_needs_its_own_scope(acme: Organisation, books: Path) -> None:
    before = Event.objects.exclude(subject="vendor key").count()
    for address, method, operation in endpoints():
        [scope] = operation["x-scopes"]
        others = System(*(one for one in VendorScope if one.value != scope), name=scope)
        response = others.call(method, address, example_of(operation), **{"Idempotency-Key": "k"})
        assert (response.status_code, response.json()["code"]) == (403, "not_allowed"), address
    assert Event.objects.exclude(subject="vendor key").count() == before


def test_no_other_key_and_no_browser_comes_in(acme: Organisation, alice: Program) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "long enough for anybody"))
    for address, method, operation in endpoints():
        body = example_of(operation)
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        for client, status in ((alice.client, 403), (browser, 401), (Client(), 401)):
            response: Any = client.generic(method, PREFIX + address, **data)
            assert response.status_code == status and response["Content-Type"] == "application/problem+json"
    assert not Event.objects.filter(subject="vendor key")


def test_a_vendor_key_opens_nothing_of_a_customers(shop: System, acme: Organisation) -> None:
    for path in ("/api/v1/data-sets", "/api/v1/organisation", "/api/v1/models", "/api/v1/runs"):
        response = shop.client.get(path, headers={"Otai-Organisation": "acme"})
        assert (response.status_code, response.json()["error"]["code"]) == (401, "api_key_unknown"), path
    assert not any(word in address for address in openapi()["paths"] for word in ("data-set", "model", "run", "ticket"))


def test_a_revoked_key_opens_nothing_from_its_next_use_on(shop: System, acme: Organisation) -> None:
    revoke_vendor_key(key=shop.key.id, who=OLGA, why="the shop was sold", now=utc_now())
    status, problem = shop.get("/organisations/acme")
    assert (status, problem["code"]) == (401, "api_key_ended")
    wrong = Client(headers={"Authorization": f"Bearer {shop.secret}x"}).get(f"{PREFIX}/price-books")
    assert wrong.status_code == 401 and "shop" not in wrong.content.decode()
    assert shop.secret.split("_", 2)[2] not in json.dumps(list(VendorKey.objects.values()), default=str)


def test_calls_are_bounded(shop: System, settings: Any, acme: Organisation) -> None:
    settings.OTAI_VENDOR_REQUESTS_PER_MINUTE = 2
    statuses = [shop.get("/organisations/acme")[0] for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert Event.objects.filter(subject="vendor key", move=BillingOccurrence.CALLED).count() == 2


def test_the_document_is_complete_and_its_examples_are_true(client: Client) -> None:
    document = openapi()
    assert client.get(f"{PREFIX}/openapi.json").json() == json.loads(json.dumps(document))
    page = client.get(f"{PREFIX}/docs").content.decode()
    for address, _, operation in endpoints():
        assert operation["security"] == [{"vendorKey": []}] and operation["summary"] in page, address
        assert "application/problem+json" in operation["responses"][401]["content"], address
        for content in (operation.get("requestBody", {}), *operation["responses"].values()):
            for kind in content.get("content", {}).values():
                for example in kind.get("examples", {}).values():
                    schema = {**kind["schema"], "components": document["components"]}
                    jsonschema_rs.Draft202012Validator(schema).validate(example["value"])
    missing = client.get(f"{PREFIX}/nothing")
    assert missing.status_code == 404 and missing["Content-Type"] == "application/problem+json"


def test_the_database_keeps_what_a_vendor_key_is(shop: System, acme: Organisation) -> None:
    KeyedRequest.objects.create(vendor_key=shop.key, key="k", request_sha256="0" * 64, made_at=utc_now())
    for change, rule in (
        ("UPDATE billing_vendor_key SET name = ''", "has_a_name_and_a_maker"),
        ("UPDATE billing_vendor_key SET secret_sha256 = 'plain'", "keeps_a_hash_and_no_secret"),
        ("UPDATE billing_vendor_key SET expires_at = created_at", "expires_after_it_is_made"),
        ("UPDATE billing_vendor_key SET revoked_at = created_at", "is_revoked_by_somebody"),
        ("UPDATE api_keyed_request SET vendor_key_id = NULL", "is_of_an_organisation_or_a_vendor_key"),
        ("UPDATE orgs_organisation SET suspended_by = 'olga'", "is_suspended_by_somebody_with_a_reason"),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    with pytest.raises(IntegrityError), transaction.atomic():
        KeyedRequest.objects.create(vendor_key=shop.key, key="k", request_sha256="1" * 64, made_at=utc_now())
