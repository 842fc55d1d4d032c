"""Each rule of the tables, by trying to break it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from otai.api.models import KeyedRequest
from otai.billing.operations.vendor_keys import create_vendor_key
from otai.billing.vendor_scopes import VendorScope
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.outbound.models import (
    DeliveryAttempt,
    Endpoint,
    Message,
    Notification,
    NotificationChoice,
    WebhookDelivery,
)
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def there(acme: Organisation, now: datetime) -> dict[str, Any]:
    endpoint = Endpoint.objects.create(
        organisation=acme, url="https://a.example", sealed_secret="s", created_at=now, created_by="a"
    )
    message = Message.objects.create(
        organisation=acme, key="k", event="run.completed", payload={}, happened_at=now, made_at=now
    )
    delivery = WebhookDelivery.objects.create(message=message, endpoint=endpoint, next_at=now, made_at=now)
    DeliveryAttempt.objects.create(delivery=delivery, number=1, at=now, status=200, milliseconds=1)
    KeyedRequest.objects.create(organisation=acme, key="k", request_sha256="0", made_at=now)
    vendor_key = create_vendor_key(
        name="shop", scopes=[VendorScope.PRICES_READ], who="olga", why="our shop", now=now, expires_at=None
    ).key
    alice = joins(acme, person("alice"), Role.OWNER, now)
    NotificationChoice.objects.create(member=alice, kind="training_ready", mail="off", in_browser=False, changed_at=now)
    Notification.objects.create(message=message, member=alice, kind="training_ready", in_browser=True, made_at=now)
    return {
        "acme": acme,
        "alice": alice,
        "vendor_key": vendor_key,
        "endpoint": endpoint,
        "message": message,
        "delivery": delivery,
        "now": now,
    }


BREAKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "outbound_endpoint_has_a_url_and_a_secret": lambda t: Endpoint.objects.update(url=""),
    "outbound_endpoint_disabled_says_why": lambda t: Endpoint.objects.update(disabled_at=t["now"]),
    "outbound_endpoint_previous_secret_has_an_end": lambda t: Endpoint.objects.update(sealed_previous="x"),
    "outbound_message_is_told_once": lambda t: Message.objects.create(
        organisation=t["acme"], key="k", event="e", payload={}, happened_at=t["now"], made_at=t["now"]
    ),
    "outbound_message_has_a_key_and_an_event": lambda t: Message.objects.update(event=""),
    "outbound_delivery_is_one_for_each_endpoint": lambda t: WebhookDelivery.objects.create(
        message=t["message"], endpoint=t["endpoint"], next_at=t["now"], made_at=t["now"]
    ),
    "outbound_delivery_has_a_next_time_exactly_while_it_waits": lambda t: WebhookDelivery.objects.update(next_at=None),
    "outbound_delivery_rounds_begin_in_the_past": lambda t: WebhookDelivery.objects.update(round_began_with=7),
    "outbound_attempt_number_is_used_once": lambda t: DeliveryAttempt.objects.create(
        delivery=t["delivery"], number=1, at=t["now"], status=200, milliseconds=1
    ),
    "outbound_attempt_without_an_answer_says_why": lambda t: DeliveryAttempt.objects.update(status=None),
    "outbound_choice_is_one_for_each_kind": lambda t: NotificationChoice.objects.create(
        member=t["alice"], kind="training_ready", mail="daily", in_browser=False, changed_at=t["now"]
    ),
    "outbound_choice_kind_is_known": lambda t: NotificationChoice.objects.update(kind="weather"),
    "outbound_choice_mail_is_known": lambda t: NotificationChoice.objects.update(mail="hourly"),
    "outbound_notification_is_one_for_each_member": lambda t: Notification.objects.create(
        message=t["message"], member=t["alice"], kind="training_late", in_browser=True, made_at=t["now"]
    ),
    "outbound_notification_kind_is_known": lambda t: Notification.objects.update(kind="weather"),
    "outbound_notification_is_mailed_only_when_due": lambda t: Notification.objects.update(mailed_at=t["now"]),
    "api_keyed_request_key_is_used_once": lambda t: KeyedRequest.objects.create(
        organisation=t["acme"], key="k", request_sha256="1", made_at=t["now"]
    ),
    "api_keyed_request_of_a_vendor_key_is_used_once": lambda t: [
        KeyedRequest.objects.create(vendor_key=t["vendor_key"], key="k", request_sha256="0", made_at=t["now"])
        for _ in range(2)
    ],
    "api_keyed_request_is_of_an_organisation_or_a_vendor_key": lambda t: KeyedRequest.objects.update(
        vendor_key=t["vendor_key"]
    ),
    "api_keyed_request_has_a_key": lambda t: KeyedRequest.objects.update(key=""),
    "api_keyed_request_keeps_answers_of_what_was_done": lambda t: KeyedRequest.objects.update(status=409, answer={}),
}


@pytest.mark.parametrize("rule", sorted(BREAKS))
def test_the_database_itself_refuses(rule: str, there: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BREAKS[rule](there)
    # SQLite names the columns of a unique rule, not the rule.
    assert rule in str(refused.value) or "UNIQUE constraint failed" in str(refused.value)


@pytest.mark.pure
def test_every_rule_is_tried() -> None:
    rules = {
        constraint.name
        for model in (
            *(Endpoint, Message, WebhookDelivery, DeliveryAttempt, KeyedRequest),
            *(Notification, NotificationChoice),
        )
        for constraint in model._meta.constraints
    }
    assert rules == set(BREAKS)
