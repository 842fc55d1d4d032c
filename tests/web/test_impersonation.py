"""Operators who look at customers' things: their owners see it, and nothing is changed by looking."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from otai.billing import operations as billing
from otai.billing.models import Invoice
from otai.billing.operations import vendor_keys
from otai.cli import housekeeping
from otai.db import utc_now
from otai.orgs.access_events import about_said
from otai.orgs.models import AccessEvent, Impersonation, Member, Organisation, User
from otai.orgs.permissions import Role
from tests.billing.people import ALICE, details, transfer
from tests.orgs.people import person
from tests.stories import globex
from tests.web.test_asked_again import signed_in_long_ago
from tests.web.visitors import browser, member_of, of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(acme: Organisation) -> Member:
    return member_of(acme, "bob", Role.TRAINER, utc_now())


@pytest.fixture
def olga() -> Client:
    operator = person("olga", at="vendor.example")
    operator.is_staff = operator.is_superuser = True
    operator.save()
    hers = browser()
    hers.force_login(operator)
    return hers


def an_invoice(acme: Organisation) -> Invoice:
    details(acme, now=utc_now())
    bought = billing.buy(organisation=acme, package="10", key="b", who=ALICE, now=utc_now()).purchase
    transfer(bought, utc_now())
    return Invoice.objects.get()


def begins(olga: Client, member: Member, why: str = "ticket 4711: the card looks empty") -> str:
    form = {"member": str(member.id), "why": why}
    return str(olga.post(f"/desk/look-as/{member.organisation_id}/", form).headers.get("Location", ""))


def told() -> list[tuple[str, str, str]]:
    found = AccessEvent.objects.exclude(what="signed_in").order_by("first_at", "id")
    return [(event.what, event.who, about_said(event)) for event in found]


def test_what_an_operator_reads_at_the_desk_the_owners_see(acme: Organisation, alice: Client, olga: Client) -> None:
    assert olga.get(f"/desk/orgs/organisation/{acme.id}/change/").status_code == 200
    assert told() == [("operator_read", "olga@vendor.example", "Organisations: acme")]
    page = alice.get("/acme/team/access/").content.decode()
    assert "Read by an operator of ours" in page and "olga@vendor.example" in page


def test_a_list_of_customers_is_an_event_for_each_on_the_page(acme: Organisation, olga: Client) -> None:
    globex(utc_now())
    for _ in range(2):
        assert olga.get("/desk/orgs/organisation/").status_code == 200
    found = AccessEvent.objects.filter(what="operator_read").order_by("organisation__slug")
    assert [(one.organisation.slug, about_said(one), one.times) for one in found] == [
        ("acme", "Organisations, a list", 2),
        ("globex", "Organisations, a list", 2),
    ]
    assert olga.get("/desk/orgs/organisation/?q=acme").status_code == 200
    assert sorted(found.values_list("times", flat=True)) == [2, 3], "only who is on the page"


def test_invoices_and_a_program_of_ours_are_told_too(acme: Organisation, olga: Client) -> None:
    invoice = an_invoice(acme)
    AccessEvent.objects.all().delete()
    assert olga.get(f"/desk/billing/invoice/{invoice.id}/download/pdf/").status_code == 200
    operator = User.objects.get(email="olga@vendor.example")
    made = vendor_keys.create_vendor_key(
        name="dashboard",
        scopes=["organisations:read"],
        who=operator.get_username(),
        why="a wall of screens",
        now=utc_now(),
    )
    seen = Client().get("/api/vendor/v1/organisations/acme", headers={"Authorization": f"Bearer {made.secret}"})
    assert seen.status_code == 200
    assert [about for what, _, about in told() if what == "operator_read"] == [
        f"Invoice {invoice.number} as PDF",
        "by the vendor's API",
    ]


def test_a_list_costs_the_same_questions_however_many_are_on_it(acme: Organisation, olga: Client) -> None:
    def asked() -> int:
        AccessEvent.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            assert olga.get("/desk/orgs/organisation/").status_code == 200
        return sum("orgs_access_event" in one["sql"] for one in queries)

    asked()
    alone = asked()
    globex(utc_now())
    assert asked() == alone


def test_it_begins_at_the_desk_with_a_reason_and_the_owners_see_both_ends(
    acme: Organisation, alice: Client, bob: Member, olga: Client
) -> None:
    assert "Look as a member" in olga.get(f"/desk/orgs/organisation/{acme.id}/change/").content.decode()
    AccessEvent.objects.all().delete()
    assert olga.get("/acme/").status_code == 404
    assert begins(olga, bob, why="  ") == "" and olga.get("/acme/").status_code == 404
    assert begins(olga, bob) == "/acme/"
    page = olga.get("/acme/tickets/").content.decode()
    assert "As bob@acme.example you look at Acme Ltd" in page
    assert "you look at" in olga.get("/account/organisations/").content.decode(), "on pages of nobody's, too"
    assert "you look at" not in alice.get("/acme/").content.decode()
    assert olga.post("/studio/look-as/end")["Location"] == "/desk/"
    assert olga.get("/acme/").status_code == 404
    reason = "as bob@acme.example: ticket 4711: the card looks empty"
    assert told() == [
        ("impersonation_begun", "olga@vendor.example", reason),
        ("impersonation_ended", "olga@vendor.example", reason),
    ]
    assert "ticket 4711" in alice.get("/acme/team/access/").content.decode()


def test_nothing_is_changed_bought_deleted_or_downloaded(acme: Organisation, alice: Client, olga: Client) -> None:
    owner = Member.objects.get(organisation=acme)
    begins(olga, owner)
    before = Member.objects.count()
    for path in (
        "/acme/team/invite/",
        "/acme/team/keys/",
        f"/acme/team/members/{owner.id}/remove/",
        "/acme/team/leave/",
        "/acme/tickets/upload",
        "/acme/credits/packages/10/",
        "/acme/team/organisation/",
        "/acme/account/",
    ):
        answer = olga.post(path, {"email": "eve@acme.example", "role": "owner", "name": "x", "scopes": ["read"]})
        assert answer.status_code == 403, path
    for path in ("/acme/team/keys/", "/acme/credits/packages/10/", "/acme/credits/methods/"):
        assert olga.get(path).status_code == 403, path
    assert Member.objects.count() == before and not acme.invitations.exists() and not acme.api_keys.exists()
    assert olga.get("/api/v1/runs").status_code == 404, "over the API she is herself"


def test_she_sees_no_more_than_the_member_and_no_other_organisation(
    acme: Organisation, bob: Member, olga: Client
) -> None:
    member_of(globex(utc_now()), "carol", Role.OWNER, utc_now())
    begins(olga, bob)
    assert olga.get("/acme/team/access/").status_code == 403
    assert olga.get("/globex/").status_code == 404
    live = olga.get("/acme/runs/1/events", headers={"Accept": "text/event-stream"})
    assert live.status_code in (204, 404)


def test_after_half_an_hour_it_is_over_and_told(acme: Organisation, bob: Member, olga: Client) -> None:
    begins(olga, bob)
    Impersonation.objects.update(begun_at=utc_now() - timedelta(minutes=31), until=utc_now() - timedelta(minutes=1))
    assert olga.get("/acme/").status_code == 404
    housekeeping.impersonation.end_overdue(now=utc_now())
    housekeeping.impersonation.end_overdue(now=utc_now())
    assert sorted(what for what, _who, _about in told()) == ["impersonation_begun", "impersonation_ended"]


def test_only_operators_begin_and_after_a_while_they_say_who_they_are(
    acme: Organisation, bob: Member, olga: Client
) -> None:
    assert begins(of(bob), bob).startswith("/desk/login/") or not Impersonation.objects.exists()
    signed_in_long_ago(olga)
    assert begins(olga, bob).startswith("/account/reauthenticate/")
    assert not Impersonation.objects.exists()


def test_whoever_is_no_operator_any_more_looks_no_more(acme: Organisation, bob: Member, olga: Client) -> None:
    begins(olga, bob)
    operator = Impersonation.objects.get().operator
    operator.is_staff = False
    operator.save()
    assert olga.get("/acme/").status_code == 404


def test_the_database_refuses_what_no_door_writes(acme: Organisation, bob: Member, olga: Client) -> None:
    now = utc_now()
    operator = User.objects.get(email="olga@vendor.example")
    event = {
        "organisation": acme, "what": "signed_in", "who": "x", "address": "", "browser": "", "about": "",
        "hour": now, "first_at": now, "at": now,
    }  # fmt: skip
    AccessEvent.objects.create(**event)
    looking = {"member": bob, "operator": operator, "why": "4711", "begun_at": now, "until": now + timedelta(hours=1)}
    for rule, model, row in (
        ("orgs_access_event_is_one_in_an_hour|UNIQUE", AccessEvent, event),
        ("orgs_access_event_says_what_and_how_often", AccessEvent, event | {"what": ""}),
        ("orgs_access_event_says_what_and_how_often", AccessEvent, event | {"who": "y", "times": 0}),
        ("orgs_access_event_says_what_and_how_often", AccessEvent, event | {"who": "y", "at": now - timedelta(1)}),
        ("orgs_impersonation_has_a_reason_and_an_end", Impersonation, looking | {"why": ""}),
        ("orgs_impersonation_has_a_reason_and_an_end", Impersonation, looking | {"until": now}),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            model.objects.create(**row)
