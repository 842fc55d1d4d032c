"""Messages on their way: whoever takes a delivery sends it, writes down what was answered, and says when to try again.

waiting -> delivered     the receiver answered with a status from 200 to 299
waiting -> waiting       it did not: again after the next of the delays
waiting -> failed        the delays are used up (about three days), or the endpoint was turned off or is gone (410)
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection, transaction

from otai import __version__
from otai.orgs import queries as orgs
from otai.orgs.languages import languages
from otai.orgs.models import TeamEvent
from otai.orgs.permissions import Role
from otai.outbound import sending
from otai.outbound.models import DeliveryAttempt, DeliveryState, Endpoint, Message, WebhookDelivery
from otai.outbound.secrets import headers
from otai.words import mails
from otai.words.explained import as_text
from otai.words.sentences import Fact

log = logging.getLogger(__name__)

DELAYS: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=24),
)
"""Together 71 hours: a receiver that was down over a weekend misses nothing."""
jitter = 0.2
"""Each delay is up to a fifth shorter or longer, so that what failed together does not come back together."""
given_up_after = timedelta(days=5)
"""An endpoint that took nothing for so long is turned off, and its people are told."""
taken_for = timedelta(minutes=2)
"""A sender that dies leaves its delivery to the others after this long; a try takes at most a fraction of it."""
most_for_an_endpoint = 50
"""In one round: the others' turn comes, however much one of them has to hear."""
messages_kept_for = timedelta(days=30)
senders = 8

Post = Callable[..., sending.Reply]


def deliver_due(
    *, now: datetime, post: Post = sending.post, clock: Callable[[], datetime] | None = None, parallel: bool = False
) -> int:
    """Sends what is due; returns how many tries were made. Safe from any number of processes: each try is taken by one.

    `parallel`: endpoints do not wait for each other (a slow one holds up its own messages only). `clock` tells the time
    as tries go by.
    """
    waiting = WebhookDelivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=now)
    endpoints = list(waiting.order_by().values_list("endpoint", flat=True).distinct())
    tell = clock or (lambda: now)

    def one(endpoint: UUID) -> int:
        return _deliver_to(endpoint, now=now, post=post, clock=tell)

    def one_of_many(endpoint: UUID) -> int:
        try:
            return one(endpoint)
        except Exception:
            log.exception("delivering to endpoint %s failed", endpoint)
            return 0
        finally:
            connection.close()

    if not parallel or len(endpoints) < 2:
        return sum(one(endpoint) for endpoint in endpoints)
    with ThreadPoolExecutor(min(senders, len(endpoints)), thread_name_prefix="webhooks") as pool:
        return sum(pool.map(one_of_many, endpoints))


def _deliver_to(endpoint: UUID, *, now: datetime, post: Post, clock: Callable[[], datetime]) -> int:
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.WAITING, next_at__lte=now)
    due: Sequence[tuple[UUID, int]] = list(
        waiting.order_by("next_at", "id").values_list("id", "attempts")[:most_for_an_endpoint]
    )
    tries = 0
    for id_, attempts in due:
        at = clock()
        taken = waiting.filter(id=id_, attempts=attempts).update(attempts=attempts + 1, next_at=at + taken_for)
        if not taken:
            continue
        delivery = WebhookDelivery.objects.select_related("message", "endpoint__organisation").get(id=id_)
        if delivery.endpoint.disabled_at is not None:
            _end(delivery, DeliveryState.FAILED, at=at)
            continue
        tries += 1
        answer = _send(delivery, post=post, at=at)
        _settle(delivery, answer, at=clock())
        if answer.status is None and answer.why:
            # Nobody is there: the rest waits for the next round rather than for as many time-outs.
            break
    return tries


def _send(delivery: WebhookDelivery, *, post: Post, at: datetime) -> sending.Reply:
    message = delivery.message
    body = json.dumps(message.payload, ensure_ascii=False, separators=(",", ":")).encode()
    signed = headers(delivery.endpoint, webhook_id=message.webhook_id, body=body, now=at)
    return post(
        delivery.endpoint.url,
        body=body,
        headers={"Content-Type": "application/json", "User-Agent": f"OTAI-Studio/{__version__}", **signed},
    )


def _settle(delivery: WebhookDelivery, answer: sending.Reply, *, at: datetime) -> None:
    """Writes down what became of the try, and what follows from it for the delivery and its endpoint."""
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(no_key=True).filter(id=delivery.endpoint_id).first()
        if endpoint is None:
            return
        DeliveryAttempt.objects.create(
            delivery=delivery,
            number=delivery.attempts,
            at=at,
            status=answer.status,
            milliseconds=answer.milliseconds,
            answer=answer.body,
            problem=as_text(answer.why) if answer.why else "",
            problem_fact=answer.why.as_dict() if answer.why else {},
        )
        if answer.why is None:
            _end(delivery, DeliveryState.DELIVERED, at=at)
            if endpoint.failing_since_at is not None:
                Endpoint.objects.filter(id=endpoint.id).update(failing_since_at=None)
            return
        if endpoint.failing_since_at is None:
            endpoint.failing_since_at = at
            Endpoint.objects.filter(id=endpoint.id).update(failing_since_at=at)
        tried = delivery.attempts - delivery.round_began_with
        if tried > len(DELAYS):
            _end(delivery, DeliveryState.FAILED, at=at)
        else:
            wait = DELAYS[tried - 1] * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311  no secret
            WebhookDelivery.objects.filter(id=delivery.id).update(next_at=at + wait)
        why = _why_to_turn_off(endpoint, answer, at=at)
        if why:
            _turn_off(endpoint, why, at=at)
    if why:
        _tell_people(endpoint, why)


def _why_to_turn_off(endpoint: Endpoint, answer: sending.Reply, *, at: datetime) -> Fact | None:
    assert endpoint.failing_since_at is not None
    if endpoint.disabled_at is not None:
        return None
    if answer.status == 410:
        return Fact("webhook_gone")
    if answer.why is not None and at - endpoint.failing_since_at >= given_up_after:
        since = endpoint.failing_since_at.date().isoformat()
        return Fact("webhook_silent", {"since": since, "problem": answer.why.as_dict()})
    return None


def _turn_off(endpoint: Endpoint, why: Fact, *, at: datetime) -> None:
    Endpoint.objects.filter(id=endpoint.id).update(
        disabled_at=at, disabled_why=as_text(why), disabled_fact=why.as_dict()
    )
    WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.WAITING).update(
        state=DeliveryState.FAILED, next_at=None, ended_at=at
    )
    TeamEvent.objects.create(
        organisation_id=endpoint.organisation_id,
        at=at,
        who="webhooks",
        what="webhook_disabled",
        subject=endpoint.url[:254],
        details={"endpoint": str(endpoint.id), "why": why.as_dict()},
    )


def _tell_people(endpoint: Endpoint, why: Fact) -> None:
    """The owners, each in their language."""
    values = {
        "organisation": endpoint.organisation.name,
        "url": endpoint.url,
        "why": why,
        "days": messages_kept_for.days,
        "log": f"{settings.OTAI_BASE_URL}/{endpoint.organisation.slug}/team/webhooks/",
    }
    owners = orgs.members(endpoint.organisation).filter(role=Role.OWNER)
    for email, language in owners.exclude(user__email="").values_list("user__email", "user__language"):
        subject, text = mails.webhook_off(values, language=language or languages()[0])
        try:
            send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [email])
        except OSError:
            # The page says it too; a mail server that is away must not stop the messages of others.
            log.warning("an owner could not be told that webhook %s was turned off", endpoint.id, exc_info=True)


def _end(delivery: WebhookDelivery, state: DeliveryState, *, at: datetime) -> None:
    WebhookDelivery.objects.filter(id=delivery.id).update(state=state, next_at=None, ended_at=at)


def forget_old(*, now: datetime) -> int:
    """Deletes messages that are older than the log goes back, with their deliveries; returns how many."""
    old = Message.objects.filter(made_at__lt=now - messages_kept_for).order_by("made_at").values_list("id", flat=True)
    deleted, _ = Message.objects.filter(id__in=list(old[:1000])).delete()
    return deleted
