"""For the machines that watch us: `/health/live`, `/health/ready` and `/metrics`."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator

from django.db import DatabaseError, close_old_connections, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from otai.db import give_back_connection, utc_now
from otai.runs.watching import ServiceFigures, watched


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all. Whoever restarts processes asks here, and not whether the database is
    there."""
    return JsonResponse({"live": True})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when requests can be served: the database answers and has our tables. 503 otherwise; whoever spreads load
    asks here."""
    if not database_answers():
        return JsonResponse(
            {"ready": False, "why": "the database does not answer, or `otai init` has not run"}, status=503
        )
    return JsonResponse({"ready": True})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus. Figures of the whole business: only for who knows `OTAI_METRICS_TOKEN`; without that setting
    there is no such page."""
    token = os.environ.get("OTAI_METRICS_TOKEN", "")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        return HttpResponseNotFound()
    return HttpResponse(metrics_text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def database_answers() -> bool:
    """Whether the database answers and has our tables."""
    close_old_connections()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM runs_pool LIMIT 1")
    except DatabaseError:
        return False
    finally:
        give_back_connection()
    return True


def metrics_text() -> bytes:
    """The installation's figures in Prometheus's text format, read anew at each call."""
    close_old_connections()
    registry = CollectorRegistry()
    registry.register(_Now())
    try:
        return generate_latest(registry)
    finally:
        give_back_connection()


class _Now(Collector):
    """What is true at this moment, asked when Prometheus asks: nothing is counted in processes that come and go."""

    def collect(self) -> Iterator[Metric]:
        yield from as_metrics(watched(now=utc_now()))


def as_metrics(figures: ServiceFigures) -> Iterator[Metric]:
    """The figures as Prometheus's metrics; names, labels and units stand in docs/dispatch.md."""
    by_pool = {
        "otai_pool_slots": ("Slots of the pool", "slots"),
        "otai_pool_workers": ("Workers registered", "workers"),
        "otai_pool_runs_training": ("Runs being trained", "working"),
        "otai_queue_runs": ("Runs that wait and that the pool serves", "waiting"),
        "otai_queue_oldest_seconds": ("How long the oldest of them waits", "oldest_seconds"),
    }
    for name, (words, field) in by_pool.items():
        family = GaugeMetricFamily(name, words, labels=["pool"])
        for pool in figures.pools:
            family.add_metric([pool.pool], getattr(pool, field))
        yield family
    on_time = GaugeMetricFamily(
        "otai_on_time_ratio", "Share of runs ready in time, last 24 hours", labels=["mode", "delivery"]
    )
    for (mode, delivery), share in figures.on_time.items():
        on_time.add_metric([mode, delivery], share)
    yield on_time
    ended = GaugeMetricFamily("otai_runs_ended_24h", "Runs ended in the last 24 hours", labels=["ending"])
    for ending, count in figures.ended.items():
        ended.add_metric([ending], count)
    yield ended
    attempts = GaugeMetricFamily("otai_attempts_24h", "Attempts of the last 24 hours", labels=["outcome"])
    for outcome, count in figures.attempts.items():
        attempts.add_metric([outcome], count)
    yield attempts
    yield GaugeMetricFamily(
        "otai_runs_expected_late", "Open runs that are expected to be late", value=figures.expected_late
    )
    yield GaugeMetricFamily("otai_holds_open", "Holds that are neither captured nor released", value=figures.open_holds)
    yield GaugeMetricFamily("otai_grants_due", "Subscriptions whose monthly grant is due", value=figures.grants_due)
