from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from otai.api.access import Caller, CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.v1.shapes import Whole
from otai.db import utc_now
from otai.errors import NotFound
from otai.links import absolute
from otai.orgs.models import Member
from otai.orgs.permissions import Action
from otai.outbound import notifications, operations, queries
from otai.outbound.models import MailTiming, Notification, NotificationKind
from otai.words import news

noun = Noun("Notifications")


class NotificationOut(Schema):
    """A piece of news as it concerns one member. `mailed_at`: when its mail was written; null: none is, or not yet."""

    id: UUID
    kind: NotificationKind
    event: str
    title: str
    page: str
    happened_at: datetime
    mailed_at: datetime | None


class NotificationsOut(Schema):
    items: list[NotificationOut]
    next: str | None


class NotificationChoiceOut(Schema):
    """How one kind is told. `above_credits` counts for `order_above_limit` alone."""

    kind: NotificationKind
    meaning: str
    mail: MailTiming
    in_browser: bool
    above_credits: int


class NotificationChoicesOut(Schema):
    mail_is_on: bool = Field(description="Whether this installation sends mails at all.")
    items: list[NotificationChoiceOut]


class NotificationChoiceIn(Schema):
    """What is left out stays as it is."""

    mail: MailTiming | None = None
    in_browser: bool | None = None
    above_credits: Whole | None = Field(None, description="A colleague's orders of more credits are told.")


TOLD = {
    "id": "019a4f0f-7777-7888-8999-000011112222",
    "kind": "training_ready",
    "event": "run.completed",
    "title": "Your training is ready: support, training 4",
    "page": "https://studio.example/acme/runs/4/",
    "happened_at": "2026-11-02T09:36:00Z",
    "mailed_at": "2026-11-02T09:36:02Z",
}
CHOICE = {
    "kind": "training_ready",
    "meaning": "A training of mine is ready",
    "mail": "at_once",
    "in_browser": True,
    "above_credits": 10,
}


def member_of(caller: Caller) -> Member:
    """Who is meant: the signed-in member, or whoever made the key. Raises NotFound where that is no member any
    more."""
    if caller.member is not None:
        return caller.member
    assert caller.key is not None
    found = Member.objects.select_related("user", "organisation").filter(
        organisation=caller.organisation, user__email__iexact=caller.key.created_by
    )
    if (member := found.first()) is None:
        raise NotFound("notifications")
    return member


@noun.get("/notifications", Action.VIEW, NotificationsOut, example={"items": [TOLD], "next": None})
def list_notifications(request: CallerRequest, page: PageQuery) -> Any:
    """What you were told

    The newest first, for 30 days: your own as a signed-in member, or those of whoever made the key.
    """
    rows = queries.notifications(member_of(request.auth)).order_by()
    return page_of(rows, request.auth, page, of="notifications", by=["-id"], shown=_told)


@noun.get(
    "/notifications/choices",
    Action.VIEW,
    NotificationChoicesOut,
    example={"mail_is_on": True, "items": [CHOICE]},
)
def list_notification_choices(request: CallerRequest) -> Any:
    """What you are told, and how

    By mail at once, in a daily mail or not at all, and in browsers that allow it.
    """
    member = member_of(request.auth)
    chosen = notifications.choices_of([member])[member.id]
    return {"mail_is_on": notifications.mail_is_on(), "items": [_choice(one) for one in chosen.values()]}


@noun.put(
    "/notifications/choices/{str:kind}",
    Action.TRAIN,
    NotificationChoiceOut,
    example=CHOICE,
    body_example={"mail": "daily"},
    errors=[404],
)
def choose_notification(request: CallerRequest, kind: NotificationKind, asked: NotificationChoiceIn) -> Any:
    """Choose how one kind is told

    From now on. Who may not train chooses on the page.
    """
    chosen = operations.choose(
        member=member_of(request.auth),
        kind=kind,
        mail=asked.mail,
        in_browser=asked.in_browser,
        above_credits=asked.above_credits,
        now=utc_now(),
    )
    return _choice(chosen)


def _told(one: Notification) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "event": one.message.event,
        "title": news.title(one.message.event, one.message.payload["data"]),
        "page": absolute(notifications.page_of(one.message)),
        "happened_at": one.message.happened_at,
        "mailed_at": one.mailed_at,
    }


def _choice(chosen: notifications.ChosenNotification) -> dict[str, Any]:
    names = ("kind", "mail", "in_browser", "above_credits")
    return {"meaning": news.kind(chosen.kind), **{name: getattr(chosen, name) for name in names}}
