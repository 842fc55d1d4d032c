"""Rows become messages: a sweep reads on from where it was in each source, and writes a delivery for each endpoint and
a notification for each member that want to know.

A row may become visible after a later one, when its transaction took longer. So the place up to which a source counts
as read stays ten minutes behind; what lies between is read again each time, and a message's key keeps it from being
told twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from otai.outbound.events import SOURCES, News, NewsSource
from otai.outbound.models import Endpoint, Message, Notification, Position, WebhookDelivery
from otai.outbound.notifications import Listener, listeners
from otai.outbound.operations.endpoints import payload_of
from otai.runs.operations import made_from

looks_back = timedelta(minutes=10)
rows_at_once = 500


def collect(*, now: datetime) -> int:
    """One round over all sources; returns how many messages were made. Safe at any time and from any number of
    processes."""
    endpoints: dict[UUID, list[Endpoint]] = {}
    for endpoint in Endpoint.objects.filter(disabled_at__isnull=True).select_related("organisation"):
        endpoints.setdefault(endpoint.organisation_id, []).append(endpoint)
    return sum(_collect_from(source, endpoints, now=now) for source in SOURCES)


def forget_failures(organisation: UUID, data_sets: Sequence[UUID]) -> int:
    """Why a run on these data sets failed is said with labels: messages keep the code. Within the transaction that
    deletes their tickets."""
    made = {str(id) for id in made_from(organisation, data_sets).values_list("id", flat=True)}
    changed = 0
    for message in Message.objects.filter(organisation=organisation, event="run.failed"):
        data = message.payload.get("data", {})
        if data.get("id") in made and data.get("failure_message"):
            data["failure_message"] = ""
            message.save(update_fields=["payload"])
            changed += 1
    return changed


def _collect_from(source: NewsSource, endpoints: dict[UUID, list[Endpoint]], *, now: datetime) -> int:
    position = Position.objects.filter(source=source.name).first()
    made = 0
    settled = after = position.value if position else ""
    for rows in _rows_after(source, after):
        made += _tell(source, rows, endpoints, now=now)
        for row in rows:
            if source.at(row) > now - looks_back:
                break
            settled = source.place(row)
        else:
            continue
        # From here on everything is recent. The rest is told all the same, and read again next time.
        made += sum(_tell(source, rest, endpoints, now=now) for rest in _rows_after(source, source.place(rows[-1])))
        break
    if settled != after:
        Position.objects.update_or_create(source=source.name, defaults={"value": settled})
    return made


def _rows_after(source: NewsSource, place: str) -> Iterator[Sequence[Any]]:
    while True:
        rows = list(source.after(place)[:rows_at_once])
        if not rows:
            return
        yield rows
        place = source.place(rows[-1])


def _tell(source: NewsSource, rows: Sequence[Any], endpoints: dict[UUID, list[Endpoint]], *, now: datetime) -> int:
    news = [found for row in rows if (found := source.read(row)) is not None]
    known = set(
        Message.objects.filter(
            organisation__in={each.organisation for each in news}, key__in=[each.key for each in news]
        ).values_list("organisation_id", "key")
    )
    news = [each for each in news if (each.organisation, each.key) not in known]
    people = listeners(news)
    told = 0
    for each in news:
        # An endpoint hears what happened since it is there.
        wanting = [
            endpoint
            for endpoint in endpoints.get(each.organisation, [])
            if endpoint.wants(each.event) and endpoint.created_at <= each.happened_at
        ]
        if wanting or people.get(each.key):
            told += _write(each, wanting, people.get(each.key, []), now=now)
    return told


def _write(news: News, endpoints: Sequence[Endpoint], people: Sequence[Listener], *, now: datetime) -> int:
    organisation = endpoints[0].organisation if endpoints else people[0].member.organisation
    try:
        with transaction.atomic():
            message = Message.objects.create(
                organisation_id=news.organisation,
                key=news.key,
                event=news.event,
                payload=payload_of(news.event, news.happened_at, news.data, organisation),
                happened_at=news.happened_at,
                made_at=now,
            )
            WebhookDelivery.objects.bulk_create(
                [
                    WebhookDelivery(message=message, endpoint=endpoint, next_at=now, made_at=now)
                    for endpoint in endpoints
                ]
            )
            Notification.objects.bulk_create([each.notification(message, now=now) for each in people])
    except IntegrityError:
        # Another process tells it at this moment, or the endpoint or the member was deleted meanwhile.
        return 0
    return 1
