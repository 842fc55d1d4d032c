from __future__ import annotations

import pytest

from otai.orgs.permissions import (
    ROLE_ACTIONS,
    SCOPE_ACTIONS,
    Action,
    Role,
    Scope,
    allowed,
    cancelled_with,
    may_cancel,
    scopes_allow,
)

pytestmark = pytest.mark.pure

MAY = {
    Role.VIEWER: "own_account view predict read_members",
    Role.BILLING: "own_account view predict read_members buy approve",
    Role.TRAINER: (
        "own_account view predict read_members read_tickets download_models give_feedback upload_tickets train "
        "manage_models "
        "manage_webhooks"
    ),
    Role.OWNER: (
        "own_account view predict read_members read_tickets download_models give_feedback upload_tickets train approve "
        "manage_models buy manage_webhooks read_access manage_keys manage_team manage_organisation "
        "export_data erase_data"
    ),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_may_do_what_the_table_says_and_nothing_else(role: Role, action: Action) -> None:
    assert allowed(role, action) == (action.value in MAY[role].split())


def test_every_role_and_every_scope_is_in_its_table() -> None:
    assert set(ROLE_ACTIONS) == set(Role)
    assert set(SCOPE_ACTIONS) == set(Scope)


@pytest.mark.parametrize("action", Action)
def test_what_is_not_a_role_or_a_scope_opens_nothing(action: Action) -> None:
    for nothing in ("", "Owner", "admin", "owner ", "*"):
        assert not allowed(nothing, action)
        assert not scopes_allow([nothing], action)
    assert not scopes_allow([], action)


@pytest.mark.parametrize(
    "action", [Action.MANAGE_TEAM, Action.MANAGE_KEYS, Action.MANAGE_ORGANISATION, Action.OWN_ACCOUNT]
)
def test_no_key_can_let_people_in_or_make_keys(action: Action) -> None:
    assert not scopes_allow(list(Scope), action)


def test_a_key_does_what_its_scopes_say_together() -> None:
    scopes = ["read", "runs:order"]
    assert [action for action in Action if scopes_allow(scopes, action)] == [Action.VIEW, Action.TRAIN]


OPENS = {
    "read": "view",
    "tickets:read": "read_tickets",
    "members:read": "read_members",
    "models:download": "download_models",
    "predict": "predict",
    "feedback:write": "give_feedback",
    "tickets:write": "upload_tickets",
    "runs:order": "train",
    "runs:approve": "approve",
    "models:manage": "manage_models",
    "billing:buy": "buy",
    "webhooks:manage": "manage_webhooks",
    "access:read": "read_access",
    "data:export": "export_data",
    "data:erase": "erase_data",
}


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("action", Action)
def test_a_scope_opens_what_the_table_says_and_nothing_else(scope: Scope, action: Action) -> None:
    assert scopes_allow([scope.value], action) == (action.value == OPENS[scope.value])


CANCELLED_WITH = {
    "import": "upload_tickets",
    "preview": "upload_tickets",
    "next_version": "upload_tickets train",
    "deletion": "upload_tickets",
    "look": "manage_models",
    "holdout": "train",
    "included_run": "train",
    "expected_quality": "upload_tickets train",
    "maximum_trial": "upload_tickets train",
    "same_texts": "upload_tickets",
    "ticket_index": "upload_tickets",
    "comparison": "manage_models",
    "a kind of tomorrow": "upload_tickets",
}


@pytest.mark.parametrize("kind", CANCELLED_WITH)
@pytest.mark.parametrize("action", Action)
def test_a_job_is_cancelled_by_who_may_do_what_it_does_or_asked_for_it(kind: str, action: Action) -> None:
    opens = action.value in CANCELLED_WITH[kind].split()
    assert (action in cancelled_with(kind)) == opens
    assert may_cancel(kind, is_own=False, may=lambda asked: asked is action) == opens
    assert may_cancel(kind, is_own=True, may=lambda _: False)
