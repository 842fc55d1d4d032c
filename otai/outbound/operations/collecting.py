"""Rows become messages: a sweep reads on from where it was in each source, and writes a delivery for each endpoint that
wants to know.

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

from otai.outbound.events import SOURCES, News, NewsSource, newest
from otai.outbound.models import Endpoint, Message, Position, WebhookDelivery
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
    if not endpoints:
        # Nobody listens. Whoever begins to hears what happens from then on, so nothing before has to be read.
        if (last := newest(source)) is not None:
            Position.objects.update_or_create(source=source.name, defaults={"value": last})
        return 0
    made = 0
    settled = after = position.value if position else ""
    for rows in _rows_after(source, after):
        made += _tell(source, rows, endpoints, now=now)
        for row in rows:
            if source.at(row) > now - looks_back:
                break
            settled = str(row.pk)
        else:
            continue
        # From here on everything is recent. The rest is told all the same, and read again next time.
        made += sum(_tell(source, rest, endpoints, now=now) for rest in _rows_after(source, str(rows[-1].pk)))
        break
    if settled != after:
        Position.objects.update_or_create(source=source.name, defaults={"value": settled})
    return made


def _rows_after(source: NewsSource, place: str) -> Iterator[Sequence[Any]]:
    while True:
        found = source.rows().order_by("pk")
        if place:
            found = found.filter(pk__gt=source.number(place))
        rows = list(found[:rows_at_once])
        if not rows:
            return
        yield rows
        place = str(rows[-1].pk)


def _tell(source: NewsSource, rows: Sequence[Any], endpoints: dict[UUID, list[Endpoint]], *, now: datetime) -> int:
    news = [found for row in rows if (found := source.read(row)) is not None and found.organisation in endpoints]
    known = set(
        Message.objects.filter(
            organisation__in={each.organisation for each in news}, key__in=[each.key for each in news]
        ).values_list("organisation_id", "key")
    )
    told = 0
    for each in news:
        # An endpoint hears what happened since it is there.
        wanting = [e for e in endpoints[each.organisation] if e.wants(each.event) and e.created_at <= each.happened_at]
        if wanting and (each.organisation, each.key) not in known:
            told += _write(each, wanting, now=now)
    return told


def _write(news: News, endpoints: Sequence[Endpoint], *, now: datetime) -> int:
    try:
        with transaction.atomic():
            message = Message.objects.create(
                organisation_id=news.organisation,
                key=news.key,
                event=news.event,
                payload=payload_of(news.event, news.happened_at, news.data, endpoints[0].organisation),
                happened_at=news.happened_at,
                made_at=now,
            )
            WebhookDelivery.objects.bulk_create(
                [
                    WebhookDelivery(message=message, endpoint=endpoint, next_at=now, made_at=now)
                    for endpoint in endpoints
                ]
            )
    except IntegrityError:
        # Another process tells it at this moment, or the endpoint was deleted meanwhile.
        return 0
    return 1
