"""What each role may do, and what each scope of an API key opens. Tables of values: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum


class Action(StrEnum):
    """Something that a member or an API key may be allowed to do; every page and every endpoint names the one it
    needs."""

    VIEW = "view"
    READ_TICKETS = "read_tickets"
    READ_MEMBERS = "read_members"
    DOWNLOAD_MODELS = "download_models"
    PREDICT = "predict"
    GIVE_FEEDBACK = "give_feedback"
    UPLOAD_TICKETS = "upload_tickets"
    TRAIN = "train"
    APPROVE = "approve"
    MANAGE_MODELS = "manage_models"
    BUY = "buy"
    MANAGE_WEBHOOKS = "manage_webhooks"
    READ_ACCESS = "read_access"
    MANAGE_KEYS = "manage_keys"
    MANAGE_TEAM = "manage_team"
    MANAGE_ORGANISATION = "manage_organisation"
    EXPORT_DATA = "export_data"
    ERASE_DATA = "erase_data"
    OWN_ACCOUNT = "own_account"


class Role(StrEnum):
    OWNER = "owner"
    BILLING = "billing"
    TRAINER = "trainer"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What an API key is for. A key is given some of these, and never does more. `read` opens figures: words of
    tickets, people's addresses and files of models are opened each by a scope of its own."""

    READ = "read"
    TICKETS_READ = "tickets:read"
    MEMBERS_READ = "members:read"
    MODELS_DOWNLOAD = "models:download"
    PREDICT = "predict"
    FEEDBACK_WRITE = "feedback:write"
    TICKETS_WRITE = "tickets:write"
    RUNS_ORDER = "runs:order"
    RUNS_APPROVE = "runs:approve"
    MODELS_MANAGE = "models:manage"
    BILLING_BUY = "billing:buy"
    WEBHOOKS_MANAGE = "webhooks:manage"
    ACCESS_READ = "access:read"
    DATA_EXPORT = "data:export"
    DATA_ERASE = "data:erase"


# Colleagues know each other; what customers wrote, and what was learnt from it, is for who works with it.
_everyone = frozenset({Action.VIEW, Action.READ_MEMBERS, Action.PREDICT, Action.OWN_ACCOUNT})

ROLE_ACTIONS: dict[Role, frozenset[Action]] = {
    Role.VIEWER: _everyone,
    # Who pays the invoices need not be able to train, and who trains need not be able to spend money: a training spends
    # credits only.
    Role.BILLING: _everyone | {Action.BUY, Action.APPROVE},
    Role.TRAINER: _everyone
    | {Action.READ_TICKETS, Action.UPLOAD_TICKETS, Action.GIVE_FEEDBACK}
    | {Action.TRAIN, Action.DOWNLOAD_MODELS, Action.MANAGE_MODELS, Action.MANAGE_WEBHOOKS},
    Role.OWNER: frozenset(Action),
}

SCOPE_ACTIONS: dict[Scope, frozenset[Action]] = {
    Scope.READ: frozenset({Action.VIEW}),
    Scope.TICKETS_READ: frozenset({Action.READ_TICKETS}),
    Scope.MEMBERS_READ: frozenset({Action.READ_MEMBERS}),
    Scope.MODELS_DOWNLOAD: frozenset({Action.DOWNLOAD_MODELS}),
    Scope.PREDICT: frozenset({Action.PREDICT}),
    Scope.FEEDBACK_WRITE: frozenset({Action.GIVE_FEEDBACK}),
    Scope.TICKETS_WRITE: frozenset({Action.UPLOAD_TICKETS}),
    Scope.RUNS_ORDER: frozenset({Action.TRAIN}),
    Scope.RUNS_APPROVE: frozenset({Action.APPROVE}),
    Scope.MODELS_MANAGE: frozenset({Action.MANAGE_MODELS}),
    Scope.BILLING_BUY: frozenset({Action.BUY}),
    Scope.WEBHOOKS_MANAGE: frozenset({Action.MANAGE_WEBHOOKS}),
    Scope.ACCESS_READ: frozenset({Action.READ_ACCESS}),
    # An export holds what the scopes of reading hold together; a deletion waits thirty days and is told to all owners.
    Scope.DATA_EXPORT: frozenset({Action.EXPORT_DATA}),
    Scope.DATA_ERASE: frozenset({Action.ERASE_DATA}),
    # No scope opens the team, the keys or the organisation's settings: a leaked key must not be able to make itself
    # permanent. An account is its person's alone.
}

JOB_ACTIONS: dict[str, frozenset[Action]] = {
    "import": frozenset({Action.UPLOAD_TICKETS}),
    "preview": frozenset({Action.UPLOAD_TICKETS}),
    "helpdesk_look": frozenset({Action.UPLOAD_TICKETS}),
    "helpdesk_import": frozenset({Action.UPLOAD_TICKETS}),
    "next_version": frozenset({Action.UPLOAD_TICKETS, Action.TRAIN}),
    "deletion": frozenset({Action.UPLOAD_TICKETS}),
    "look": frozenset({Action.MANAGE_MODELS}),
    "holdout": frozenset({Action.TRAIN}),
    "included_run": frozenset({Action.TRAIN}),
    # Any reader may ask these, and the answer is everybody's: ended by who may act on it, and by who asked.
    "expected_quality": frozenset({Action.TRAIN, Action.UPLOAD_TICKETS}),
    "maximum_trial": frozenset({Action.TRAIN, Action.UPLOAD_TICKETS}),
    "same_texts": frozenset({Action.UPLOAD_TICKETS}),
    "ticket_index": frozenset({Action.UPLOAD_TICKETS}),
    "comparison": frozenset({Action.MANAGE_MODELS}),
}
"""By the kind of a job, who may cancel it: whoever may start it, for all that changes something."""


def cancelled_with(kind: str) -> frozenset[Action]:
    """Each of these actions opens the cancelling of a job of that kind."""
    return JOB_ACTIONS.get(kind, frozenset({Action.UPLOAD_TICKETS}))


def may_cancel(kind: str, *, is_own: bool, may: Callable[[Action], bool]) -> bool:
    """Whether somebody who `may` do these actions may cancel a job of that kind; `is_own`: who asked for it."""
    return is_own or any(may(action) for action in cancelled_with(kind))


def allowed(role: Role | str, action: Action) -> bool:
    """Whether a member with this role may do this. A role that is not in the table may do nothing."""
    return role in tuple(Role) and action in ROLE_ACTIONS[Role(role)]


def scopes_allow(scopes: Iterable[str], action: Action) -> bool:
    """Whether an API key with these scopes may do this. A scope that is not in the table opens nothing."""
    known = tuple(Scope)
    return any(scope in known and action in SCOPE_ACTIONS[Scope(scope)] for scope in scopes)
