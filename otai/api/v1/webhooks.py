from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest, require_recent
from otai.api.cursors import Page, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.shapes import Text
from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.outbound import operations, queries
from otai.outbound.events import EVENTS
from otai.outbound.models import DeliveryAttempt, DeliveryState, Endpoint, WebhookDelivery

noun = Noun("Webhooks")

Url = Annotated[Text, Field(min_length=1, max_length=2000)]
Events = Annotated[list[Annotated[Text, Field(max_length=60)]], Field(max_length=50)]
Description = Annotated[Text, Field(max_length=200)]


class WebhookEventOut(Schema):
    event: str
    meaning: str


class WebhookEventsOut(Schema):
    items: list[WebhookEventOut]


class WebhookEndpointOut(Schema):
    """An address that hears our news. `events` empty: all of them."""

    id: UUID
    url: str
    description: str
    events: list[str]
    created_at: datetime
    created_by: Who
    failing_since_at: datetime | None
    disabled_at: datetime | None
    disabled_why: str
    previous_until_at: datetime | None = Field(
        description="Until then messages are signed with the secret before as well."
    )


class WebhookEndpointMadeOut(WebhookEndpointOut):
    secret: str | None = Field(description="What verifies signatures. Shown this once, and null when repeated.")


class WebhookEndpointsOut(Schema):
    items: list[WebhookEndpointOut]


class WebhookEndpointIn(Schema):
    url: Url
    events: Events = []
    description: Description = ""


class WebhookEndpointChangeIn(Schema):
    """What is left out stays as it is."""

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    enabled: bool | None = None


class WebhookDeliveryOut(Schema):
    """One message on its way to one endpoint. `webhook_id` is what the receiver sees; the same for every attempt."""

    id: UUID
    webhook_id: str
    endpoint: UUID
    event: str
    state: DeliveryState
    attempts: int
    made_at: datetime
    next_at: datetime | None
    ended_at: datetime | None


class DeliveryAttemptOut(Schema):
    number: int
    at: datetime
    status: int | None
    milliseconds: int
    answer: str
    problem: str


class WebhookDeliveryWithTriesOut(WebhookDeliveryOut):
    payload: dict[str, Any]
    tries: list[DeliveryAttemptOut]


class WebhookDeliveriesOut(Schema):
    items: list[WebhookDeliveryOut]
    next: str | None


class DeliveriesQuery(Page):
    endpoint: UUID | None = Field(None, description="Only those to this endpoint.")
    state: DeliveryState | None = Field(None, description="Only those in this state.")


ENDPOINT = {
    "id": "019a4f0f-5555-7666-8777-888899990000",
    "url": "https://hooks.acme.example/otai",
    "description": "routes new models",
    "events": ["run.completed", "model.ready"],
    "created_at": "2026-11-02T09:30:00Z",
    "created_by": "alice@acme.example",
    "failing_since_at": None,
    "disabled_at": None,
    "disabled_why": "",
    "previous_until_at": None,
}
MADE = {**ENDPOINT, "secret": "whsec_<44 characters>"}
DELIVERY = {
    "id": "019a4f0f-6666-7777-8888-999900001111",
    "webhook_id": "msg_019a4f0f666677778888999900001112",
    "endpoint": "019a4f0f-5555-7666-8777-888899990000",
    "event": "run.completed",
    "state": "delivered",
    "attempts": 1,
    "made_at": "2026-11-02T09:36:01Z",
    "next_at": None,
    "ended_at": "2026-11-02T09:36:02Z",
}
NEEDS = Action.MANAGE_WEBHOOKS


@noun.get(
    "/webhooks/events",
    NEEDS,
    WebhookEventsOut,
    example={"items": [{"event": "run.completed", "meaning": EVENTS["run.completed"]}]},
)
def list_webhook_events(request: CallerRequest) -> Any:
    """Which events there are"""
    return {"items": [{"event": event, "meaning": meaning} for event, meaning in EVENTS.items()]}


@noun.get("/webhooks/endpoints", NEEDS, WebhookEndpointsOut, example={"items": [ENDPOINT]})
def list_webhook_endpoints(request: CallerRequest) -> Any:
    """Your webhook endpoints"""
    return {"items": list(queries.endpoints(request.auth.organisation))}


@noun.post(
    "/webhooks/endpoints",
    NEEDS,
    WebhookEndpointMadeOut,
    status=201,
    example=MADE,
    body_example={"url": "https://hooks.acme.example/otai", "events": ["run.completed", "model.ready"]},
    repeatable=True,
    errors=[409],
    asks_again=True,
)
def create_webhook_endpoint(request: CallerRequest, asked: WebhookEndpointIn) -> HttpResponse:
    """Add a webhook endpoint

    It hears what happens from now on. The secret in this answer verifies signatures (Standard Webhooks); it is shown
    nowhere else.
    """
    caller = request.auth

    def work() -> Any:
        made = operations.create_endpoint(
            organisation=caller.organisation,
            url=asked.url,
            events=asked.events,
            description=asked.description,
            who=caller.who,
            now=utc_now(),
        )
        return {**_endpoint(made.endpoint), "secret": made.secret}

    return keys.once(request, work, secret="secret")  # noqa: S106  the name of a field


@noun.get("/webhooks/endpoints/{uuid:endpoint}", NEEDS, WebhookEndpointOut, example=ENDPOINT)
def get_webhook_endpoint(request: CallerRequest, endpoint: UUID) -> Any:
    """One webhook endpoint"""
    return queries.endpoint(request.auth.organisation, endpoint)


@noun.patch(
    "/webhooks/endpoints/{uuid:endpoint}",
    NEEDS,
    WebhookEndpointOut,
    example=ENDPOINT,
    body_example={"events": ["run.completed"], "enabled": True},
)
def change_webhook_endpoint(request: CallerRequest, endpoint: UUID, asked: WebhookEndpointChangeIn) -> Any:
    """Change a webhook endpoint

    Also turns it off, and on again after it was turned off because nothing arrived.
    """
    caller = request.auth
    if asked.enabled or asked.url is not None:
        require_recent(request, caller)
    return operations.change_endpoint(
        organisation=caller.organisation, endpoint=endpoint, who=caller.who, now=utc_now(), **asked.dict()
    )


@noun.delete("/webhooks/endpoints/{uuid:endpoint}", NEEDS, lessens=True)
def delete_webhook_endpoint(request: CallerRequest, endpoint: UUID) -> HttpResponse:
    """Delete a webhook endpoint

    Its log goes with it, and what was on its way to it.
    """
    caller = request.auth
    operations.delete_endpoint(organisation=caller.organisation, endpoint=endpoint, who=caller.who, now=utc_now())
    return HttpResponse(status=204)


@noun.post(
    "/webhooks/endpoints/{uuid:endpoint}/rotate",
    NEEDS,
    WebhookEndpointMadeOut,
    example=MADE,
    repeatable=True,
    asks_again=True,
)
def rotate_webhook_secret(request: CallerRequest, endpoint: UUID) -> HttpResponse:
    """Get a new secret

    For 24 hours messages are signed with both, so that no receiver misses any.
    """
    caller = request.auth

    def work() -> Any:
        made = operations.rotate_secret(
            organisation=caller.organisation, endpoint=endpoint, who=caller.who, now=utc_now()
        )
        return {**_endpoint(made.endpoint), "secret": made.secret}

    return keys.once(request, work, status=200, secret="secret")  # noqa: S106  the name of a field


@noun.post(
    "/webhooks/endpoints/{uuid:endpoint}/test",
    NEEDS,
    WebhookDeliveryOut,
    status=202,
    example={**DELIVERY, "event": "webhook.test", "state": "waiting"},
    errors=[409],
)
def test_webhook_endpoint(request: CallerRequest, endpoint: UUID) -> Any:
    """Send a test message

    It goes out like every other, within seconds where a worker is at work; the delivery log shows what was answered.
    """
    caller = request.auth
    return _delivery(
        operations.send_test(organisation=caller.organisation, endpoint=endpoint, who=caller.who, now=utc_now())
    )


@noun.get("/webhooks/deliveries", NEEDS, WebhookDeliveriesOut, example={"items": [DELIVERY], "next": None})
def list_webhook_deliveries(request: CallerRequest, asked: Annotated[DeliveriesQuery, Query()]) -> Any:
    """The delivery log, the newest first

    Goes back 30 days.
    """
    found = queries.deliveries(request.auth.organisation, endpoint=asked.endpoint, state=asked.state or "")
    return page_of(found, request.auth, asked, of="deliveries", by=["-id"], shown=_delivery)


@noun.get(
    "/webhooks/deliveries/{uuid:delivery}",
    NEEDS,
    WebhookDeliveryWithTriesOut,
    example={
        **DELIVERY,
        "payload": {"type": "run.completed", "timestamp": "2026-11-02T09:36:00+00:00", "data": {"run": 4}},
        "tries": [
            {
                "number": 1,
                "at": "2026-11-02T09:36:02Z",
                "status": 200,
                "milliseconds": 84,
                "answer": "ok",
                "problem": "",
            }
        ],
    },
)
def get_webhook_delivery(request: CallerRequest, delivery: UUID) -> Any:
    """One delivery, with every try"""
    found = queries.delivery(request.auth.organisation, delivery)
    return {**_delivery(found), "payload": found.message.payload, "tries": list(map(_attempt, queries.attempts(found)))}


@noun.post(
    "/webhooks/deliveries/{uuid:delivery}/replay",
    NEEDS,
    WebhookDeliveryOut,
    status=202,
    example={**DELIVERY, "state": "waiting"},
    errors=[409],
)
def replay_webhook_delivery(request: CallerRequest, delivery: UUID) -> Any:
    """Send a message again

    The same message with the same id, whether it arrived or was given up.
    """
    caller = request.auth
    return _delivery(operations.replay(organisation=caller.organisation, delivery=delivery, now=utc_now()))


def _attempt(attempt: DeliveryAttempt) -> dict[str, Any]:
    columns = {name: getattr(attempt, name) for name in DeliveryAttemptOut.model_fields}
    return {**columns, "problem": attempt.what_failed}


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    columns = {name: getattr(endpoint, name) for name in WebhookEndpointOut.model_fields}
    return {**columns, "disabled_why": endpoint.why_disabled}


def _delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.message.webhook_id,
        "endpoint": delivery.endpoint_id,
        "event": delivery.message.event,
        **{name: getattr(delivery, name) for name in ("state", "attempts", "made_at", "next_at", "ended_at")},
    }
