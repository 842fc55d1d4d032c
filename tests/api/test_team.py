"""The team over the API: owners do what the Team page lets them do, nobody else does, and no key opens it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from otai.orgs import queries
from otai.orgs.models import Invitation, Member, Organisation, User
from otai.orgs.operations import accept_invitation, add_member
from otai.orgs.permissions import Role, Scope
from tests.api.callers import ROOT, Program, answered
from tests.api.everything import all_rows

pytestmark = pytest.mark.django_db


class Person:
    """Somebody in front of a browser, signed in and a member."""

    def __init__(self, name: str, organisation: Organisation, role: Role, now: Any) -> None:
        self.user = User.objects.create_user(name, f"{name}@{organisation.slug}.example", "long enough for anybody")
        self.member = add_member(organisation=organisation, user=self.user, role=role, who=name, now=now)
        self.client = Client()
        self.client.force_login(self.user)
        self.client.cookies["csrftoken"] = self.token = _get_new_csrf_string()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        headers = {"X-CSRFToken": self.token, **headers}
        return answered(self.client.generic(method, ROOT + path, headers=headers, **data))  # type: ignore[arg-type]


@pytest.fixture
def owner(acme: Organisation, moment: Any) -> Person:
    return Person("alice", acme, Role.OWNER, moment)


DORA = {"email": "Dora@acme.example", "role": "trainer"}


def test_an_owner_invites_and_the_link_lets_that_person_in(owner: Person, acme: Organisation, moment: Any) -> None:
    status, made = owner("POST", "/invitations", DORA, **{"Idempotency-Key": "i-1"})
    assert (status, made["email"], made["role"]) == (201, "dora@acme.example", "trainer")
    assert made["invited_by"] == "alice@acme.example"
    assert made["link"].startswith("http://localhost:8000/account/join/")
    # Repeated: the same invitation, its link not shown again, nothing new.
    again = owner("POST", "/invitations", DORA, **{"Idempotency-Key": "i-1"})
    assert again == (201, {**made, "link": None})
    assert owner("POST", "/invitations", {**DORA, "role": "owner"}, **{"Idempotency-Key": "i-1"})[0] == 409
    listed = owner("GET", "/invitations")[1]["items"]
    assert listed == [{name: value for name, value in made.items() if name != "link"}]

    token = made["link"].rstrip("/").rpartition("/")[2]
    dora = User.objects.create_user("dora", "dora@acme.example", "long enough for anybody")
    accept_invitation(token=token, user=dora, now=moment + timedelta(hours=1))
    assert owner("GET", "/invitations")[1]["items"] == []
    people = owner("GET", "/members")[1]["items"]
    assert [(one["email"], one["role"]) for one in people] == [
        ("alice@acme.example", "owner"),
        ("dora@acme.example", "trainer"),
    ]
    assert owner("GET", f"/members/{people[1]['id']}")[1] == people[1]
    assert owner("POST", "/invitations", DORA)[1]["error"]["code"] == "already_member"


def test_a_withdrawn_link_opens_nothing_and_withdrawing_twice_changes_nothing(owner: Person) -> None:
    made = owner("POST", "/invitations", DORA)[1]
    assert owner("DELETE", f"/invitations/{made['id']}") == (204, None)
    before = all_rows()
    assert owner("DELETE", f"/invitations/{made['id']}") == (204, None)
    assert all_rows() == before
    assert owner("GET", "/invitations")[1]["items"] == []
    link = made["link"].removeprefix("http://localhost:8000")
    assert "withdrawn" in Client().get(link).content.decode()


def test_invitations_come_in_pages(owner: Person) -> None:
    for number in range(3):
        assert owner("POST", "/invitations", {"email": f"p{number}@acme.example", "role": "viewer"})[0] == 201
    first = owner("GET", "/invitations?limit=2")[1]
    rest = owner("GET", f"/invitations?limit=2&cursor={first['next']}")[1]
    assert [one["email"] for one in (*first["items"], *rest["items"])] == [f"p{n}@acme.example" for n in (2, 1, 0)]
    assert rest["next"] is None


def test_roles_change_and_the_only_owner_stays(owner: Person, acme: Organisation, moment: Any) -> None:
    bob = Person("bob", acme, Role.TRAINER, moment)
    assert bob("GET", "/me")[1]["role"] == "trainer"
    assert owner("PATCH", f"/members/{bob.member.id}", {"role": "viewer"})[1]["role"] == "viewer"
    assert bob("GET", "/me")[1]["actions"] == ["view", "read_members", "predict", "own_account"]
    roles = {one["role"]: one["actions"] for one in owner("GET", "/roles")[1]["items"]}
    assert roles["viewer"] == ["view", "read_members", "predict", "own_account"] and "manage_team" in roles["owner"]
    for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        status, refused = owner(method, f"/members/{owner.member.id}", body)
        assert (status, refused["error"]["code"]) == (409, "last_owner")
    assert owner("PATCH", f"/members/{bob.member.id}", {"role": "king"})[0] == 422
    assert owner("DELETE", f"/members/{bob.member.id}") == (204, None)
    assert bob("GET", "/me")[0] == 404
    assert owner("DELETE", f"/members/{bob.member.id}")[0] == 404
    said = [one["what"] for one in owner("GET", "/team-events")[1]["items"]]
    assert said[:2] == ["member_removed", "role_changed"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_who_is_no_owner_changes_nothing_in_the_team(
    owner: Person, acme: Organisation, moment: Any, role: Role
) -> None:
    made = owner("POST", "/invitations", DORA)[1]
    bob = Person("bob", acme, role, moment)
    before = all_rows()
    asked = [
        ("GET", "/invitations", None),
        ("POST", "/invitations", {"email": "eve@acme.example", "role": "owner"}),
        ("DELETE", f"/invitations/{made['id']}", None),
        # Not even themselves: nobody makes themself an owner.
        ("PATCH", f"/members/{bob.member.id}", {"role": "owner"}),
        ("DELETE", f"/members/{owner.member.id}", None),
    ]
    for method, path, body in asked:
        status, refused = bob(method, path, body)
        assert (status, refused["error"]["needs"]) == (403, "manage_team"), (method, path)
    assert all_rows() == before
    assert bob("GET", "/members")[0] == 200 and bob("GET", "/roles")[0] == 200


def test_no_key_invites_or_promotes_however_many_scopes_it_has(owner: Person, acme: Organisation) -> None:
    program = Program(acme, scopes=tuple(Scope))
    made = owner("POST", "/invitations", DORA)[1]
    before = all_rows()
    asked = [
        ("GET", "/invitations", None),
        ("POST", "/invitations", {"email": "eve@acme.example", "role": "owner"}),
        ("DELETE", f"/invitations/{made['id']}", None),
        ("PATCH", f"/members/{owner.member.id}", {"role": "viewer"}),
        ("DELETE", f"/members/{owner.member.id}", None),
    ]
    for method, path, body in asked:
        response = program.call(method, path, body)
        assert response.status_code == 403 and b"No API key may do this" in response.content, (method, path)
    assert all_rows() == before
    assert program.get("/members")[0] == 200


def test_carols_owner_finds_nobody_of_acme(owner: Person, globex: Organisation, moment: Any) -> None:
    made = owner("POST", "/invitations", DORA)[1]
    carol = Person("carol", globex, Role.OWNER, moment)
    before = all_rows()
    asked = [
        ("GET", f"/members/{owner.member.id}", None),
        ("PATCH", f"/members/{owner.member.id}", {"role": "viewer"}),
        ("DELETE", f"/members/{owner.member.id}", None),
        ("DELETE", f"/invitations/{made['id']}", None),
    ]
    for method, path, body in asked:
        assert carol(method, path, body)[0] == 404, (method, path)
    assert all_rows() == before
    assert Member.objects.get(id=owner.member.id).role == "owner"
    assert Invitation.objects.get(id=made["id"]).withdrawn_at is None
    assert not queries.open_invitations(globex, now=moment).exists()


def test_without_the_csrf_token_nobody_is_invited(owner: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner.user)
    status, refused = answered(strict.post(ROOT + "/invitations", json.dumps(DORA), "application/json"))
    assert (status, refused["error"]["code"]) == (403, "csrf_failed")
    assert not Invitation.objects.exists()
