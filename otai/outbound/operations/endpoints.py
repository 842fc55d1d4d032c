"""What a customer does with endpoints: make, change, rotate the secret, test, replay, delete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from otai.db import new_id, one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.orgs.models import Organisation, TeamEvent
from otai.outbound import queries
from otai.outbound.addresses import checked_url
from otai.outbound.events import EVENTS
from otai.outbound.models import DeliveryState, Endpoint, Message, WebhookDelivery
from otai.outbound.secrets import new_secret, sealed
from otai.words.catalogue import say_actor_to_programs
from otai.words.explained import as_text
from otai.words.sentences import Fact

most_endpoints = 20
"""For one organisation: each is a request for each event."""
both_secrets_for = timedelta(hours=24)


class InvalidEndpoint(Invalid):
    code = "invalid_webhook_endpoint"


class TooManyEndpoints(Refused):
    code = "too_many_webhook_endpoints"


class EndpointDisabled(Refused):
    code = "webhook_endpoint_disabled"


@dataclass(frozen=True, slots=True)
class EndpointMade:
    """`secret` is shown now and never again."""

    endpoint: Endpoint
    secret: str


def create_endpoint(
    *,
    organisation: Organisation,
    url: str,
    events: Iterable[str] = (),
    description: str = "",
    who: str,
    now: datetime,
    id: UUID | None = None,
) -> EndpointMade:
    """An address that hears what happens from now on; `events` empty: everything. `id`: of a form that may be sent
    twice; where that endpoint is there already, none is made, and `secret` is empty. Raises InvalidWebhookUrl,
    InvalidEndpoint, TooManyEndpoints."""
    checked, wanted, words = checked_url(url), _checked_events(events), _checked_description(description)
    with transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
        if id is not None and (made := Endpoint.objects.filter(organisation=organisation, id=id).first()) is not None:
            return EndpointMade(made, "")
        if Endpoint.objects.filter(organisation=organisation).count() >= most_endpoints:
            raise TooManyEndpoints("endpoints", endpoints=most_endpoints)
        id, secret = id or new_id(), new_secret()
        endpoint = Endpoint.objects.create(
            id=id,
            organisation=organisation,
            url=checked,
            description=words,
            events=wanted,
            sealed_secret=sealed(secret, id),
            created_at=now,
            created_by=who[:200],
        )
        _record(endpoint, "webhook_created", who=who, now=now)
    return EndpointMade(endpoint, secret)


def change_endpoint(
    *,
    organisation: Organisation,
    endpoint: UUID,
    url: str | None = None,
    events: Iterable[str] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
    who: str,
    now: datetime,
) -> Endpoint:
    """Changes what is given. Enabling forgets the failures; what was given up meanwhile can be replayed. Raises
    NotFound, InvalidWebhookUrl, InvalidEndpoint."""
    with transaction.atomic():
        changed = _locked(organisation, endpoint)
        if url is not None:
            changed.url = checked_url(url)
        if events is not None:
            changed.events = _checked_events(events)
        if description is not None:
            changed.description = _checked_description(description)
        if enabled is True:
            changed.disabled_at, changed.disabled_why, changed.disabled_fact = None, "", {}
            changed.failing_since_at = None
        elif enabled is False and changed.disabled_at is None:
            fact = Fact("webhook_turned_off", {"who": who})
            changed.disabled_at, changed.disabled_why, changed.disabled_fact = now, as_text(fact), fact.as_dict()
        changed.save()
        _record(changed, "webhook_changed", who=who, now=now)
    return changed


@one_transaction
def rotate_secret(*, organisation: Organisation, endpoint: UUID, who: str, now: datetime) -> EndpointMade:
    """A new secret. For a day messages carry the signatures of both, so that no receiver misses any. Raises
    NotFound."""
    found = _locked(organisation, endpoint)
    secret = new_secret()
    found.sealed_previous, found.previous_until_at = found.sealed_secret, now + both_secrets_for
    found.sealed_secret = sealed(secret, found.id)
    found.save(update_fields=["sealed_secret", "sealed_previous", "previous_until_at"])
    _record(found, "webhook_secret_rotated", who=who, now=now)
    return EndpointMade(found, secret)


@one_transaction
def delete_endpoint(*, organisation: Organisation, endpoint: UUID, who: str, now: datetime) -> None:
    """The endpoint with its log; what was on its way to it is dropped. Raises NotFound."""
    found = _locked_to_delete(organisation, endpoint)
    _record(found, "webhook_deleted", who=who, now=now)
    found.delete()


def send_test(*, organisation: Organisation, endpoint: UUID, who: str, now: datetime) -> WebhookDelivery:
    """A message `webhook.test` on its way to this endpoint. Raises NotFound, EndpointDisabled."""
    found = queries.endpoint(organisation, endpoint)
    _must_be_enabled(found)
    with transaction.atomic():
        id_ = new_id()
        message = Message.objects.create(
            id=id_,
            organisation=organisation,
            key=f"test:{id_}",
            event="webhook.test",
            payload=payload_of(
                "webhook.test", now, {"asked_by": say_actor_to_programs(who), "endpoint": str(found.id)}, organisation
            ),
            happened_at=now,
            made_at=now,
        )
        return WebhookDelivery.objects.create(message=message, endpoint=found, next_at=now, made_at=now)


@one_transaction
def replay(*, organisation: Organisation, delivery: UUID, now: datetime) -> WebhookDelivery:
    """The same message, with the same id, on its way again from the first attempt of a new round. While it still waits,
    it is tried at once.

    Raises NotFound, EndpointDisabled.
    """
    found = queries.delivery(organisation, delivery)
    _must_be_enabled(found.endpoint)
    locked = WebhookDelivery.objects.select_for_update(no_key=True).get(id=found.id)
    locked.state, locked.next_at, locked.ended_at = DeliveryState.WAITING, now, None
    locked.round_began_with = locked.attempts
    locked.save(update_fields=["state", "next_at", "ended_at", "round_began_with"])
    return queries.delivery(organisation, delivery)


def payload_of(
    event: str, happened_at: datetime, data: dict[str, object], organisation: Organisation
) -> dict[str, object]:
    """The message's JSON as receivers get it (docs/webhooks.md)."""
    return {
        "type": event,
        "timestamp": happened_at.isoformat(),
        "data": {"organisation": organisation.slug, **data},
    }


def _must_be_enabled(endpoint: Endpoint) -> None:
    if endpoint.disabled_at is not None:
        raise EndpointDisabled("off", endpoint=str(endpoint.id))


def _locked(organisation: Organisation, endpoint: UUID) -> Endpoint:
    found = Endpoint.objects.select_for_update(no_key=True).filter(organisation=organisation, id=endpoint).first()
    if found is None:
        raise NotFound("webhook")
    return found


def _locked_to_delete(organisation: Organisation, endpoint: UUID) -> Endpoint:
    # The whole row: a message on its way to it waits, and then finds it gone.
    found = Endpoint.objects.select_for_update().filter(organisation=organisation, id=endpoint).first()
    if found is None:
        raise NotFound("webhook")
    return found


def _checked_events(events: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(events))
    for event in wanted:
        if event not in EVENTS or event == "webhook.test":
            raise InvalidEndpoint(
                "event", event=event, known=[e for e in EVENTS if e != "webhook.test"], field="events"
            )
    return wanted


def _checked_description(description: str) -> str:
    words = " ".join(description.split())
    if len(words) > 200 or not words.isprintable():
        raise InvalidEndpoint("description", field="description")
    return words


def _record(endpoint: Endpoint, what: str, *, who: str, now: datetime) -> None:
    TeamEvent.objects.create(
        organisation_id=endpoint.organisation_id,
        at=now,
        who=who[:200],
        what=what,
        subject=endpoint.url[:254],
        details={"endpoint": str(endpoint.id), "events": endpoint.events},
    )
