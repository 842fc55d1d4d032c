"""What becomes news: each source is a table that is written anyway, and each of its rows is one message or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Model, Q, QuerySet

from otai.billing.models import Notice
from otai.jobs.models import Job
from otai.jobs.status import JobStatus
from otai.ledger.models import LotSource, Transfer, TransferKind
from otai.ledger.reasons import read_reason
from otai.orgs.queries import person_behind
from otai.outbound.models import NotificationKind
from otai.runs.approval import orderer
from otai.runs.models import Event, Run
from otai.runs.status import RunOccurrence, RunStatus
from otai.serving.models import Advice, ModelEvent, ModelVersion, Move
from otai.tickets.models import DataSet
from otai.tickets.quotas import IMPORTS
from otai.words.catalogue import say_fact
from otai.words.quotes import without_quotes

EVENTS: dict[str, str] = {
    "run.approval_needed": "An order waits for approval; its credits are held.",
    "run.ordered": "A run was ordered, and approved where that was needed; its credits are held.",
    "run.started": "A worker has begun a run, or began it again after losing a machine.",
    "run.completed": "A run is completed: its credits are spent, its report card is there.",
    "run.failed": "A run failed; its credits were given back.",
    "run.cancelled": "A run was cancelled, or not approved; its credits were given back.",
    "run.late": "A run is expected to be ready later than promised.",
    "credits.granted": "Credits came in that nobody paid for: initial, monthly, goodwill, guarantee.",
    "credits.purchased": "Credits came in that were paid for.",
    "credits.refunded": "The credits of a completed run were given back.",
    "credits.low": "Credits fell below the threshold that was set (PUT /api/v1/low-balance-notice).",
    "model.ready": "A new version of a model can be used.",
    "model.live": "Another version of a model answers from now on.",
    "advice.raised": "A new training is worth its credits, and why.",
    "import.completed": "An import of tickets ended: they can be trained on.",
    "import.failed": "An import of tickets failed.",
    "webhook.test": "Sent when a person asks for a test; to that endpoint alone.",
}


@dataclass(frozen=True, slots=True)
class News:
    """`key` names the row it came from. `concerns`: of which kind it is to members; None: endpoints alone hear it.
    `caused_by`: the mail address of whoever ordered or imported."""

    organisation: UUID
    key: str
    event: str
    happened_at: datetime
    data: dict[str, Any]
    concerns: NotificationKind | None = None
    caused_by: str = ""


@dataclass(frozen=True, slots=True)
class NewsSource:
    """A table as a source of news: its rows in an order in which new ones come last, and what each of them tells.

    That is the order of their keys; with `ended`, the name of a column, the order in which they ended.
    """

    name: str
    rows: Callable[[], QuerySet[Any]]
    read: Callable[[Any], News | None]
    at: Callable[[Any], datetime]
    number: Callable[[str], Any]
    ended: str = ""

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that the rows are in the order of."""
        return (self.ended, "pk") if self.ended else ("pk",)

    def place(self, row: Model) -> str:
        """Where a row stands in the order, as text that `after` reads."""
        return f"{getattr(row, self.ended).isoformat()} {row.pk}" if self.ended else str(row.pk)

    def after(self, place: str) -> QuerySet[Any]:
        """The rows behind that place, in order; all of them where it is empty."""
        found = self.rows().order_by(*self.order)
        if not place:
            return found
        if not self.ended:
            return found.filter(pk__gt=self.number(place))
        at, _, key = place.partition(" ")
        ended = datetime.fromisoformat(at)
        return found.filter(Q(**{f"{self.ended}__gt": ended}) | Q(**{self.ended: ended}, pk__gt=self.number(key)))


def _run_news(event: Event) -> News | None:
    kind = _run_event(event)
    if kind is None:
        return None
    data = _run(event.run, event.reached)
    concerns = OF_RUNS.get(kind)
    if kind == "run.ordered" and event.came_from:
        # Whoever is told of orders heard of this one when it began to wait for approval.
        concerns = None
    caused_by = orderer(event.run) if concerns else ""
    return News(event.organisation_id, f"run-event:{event.id}", kind, event.at, data, concerns, caused_by)


OF_RUNS = {
    "run.completed": NotificationKind.TRAINING_READY,
    "run.failed": NotificationKind.TRAINING_FAILED,
    "run.late": NotificationKind.TRAINING_LATE,
    "run.ordered": NotificationKind.ORDER_ABOVE_LIMIT,
    "run.approval_needed": NotificationKind.ORDER_ABOVE_LIMIT,
}


def _run_event(event: Event) -> str | None:
    if event.what == RunOccurrence.EXPECTED_LATE:
        return "run.late"
    if event.reached == RunStatus.QUEUED:
        # Back from a lost machine: it will be started again, and that is told.
        is_first = event.came_from in ("", RunStatus.AWAITING_APPROVAL)
        return "run.ordered" if is_first else None
    told = {
        RunStatus.AWAITING_APPROVAL: "run.approval_needed",
        RunStatus.TRAINING: "run.started",
        RunStatus.COMPLETED: "run.completed",
        RunStatus.FAILED: "run.failed",
        RunStatus.CANCELLED: "run.cancelled",
    }
    return told.get(RunStatus(event.reached)) if event.reached else None


def _run(run: Run, after: str) -> dict[str, Any]:
    data = {
        "run": run.number,
        "id": str(run.id),
        "model": run.model_name,
        "mode": run.mode,
        "delivery": run.delivery,
        "status": after or run.status,
        "credits": run.credits,
        "charged": run.credits if after == RunStatus.COMPLETED else 0,
        "approval": run.approval,
        "ordered_at": run.ordered_at.isoformat(),
        "due_at": run.due_at.isoformat(),
        "url": f"{settings.OTAI_BASE_URL}/api/v1/runs/{run.number}",
    }
    if after == RunStatus.FAILED:
        data |= {"failure_code": run.failure_code, "failure_message": run.what_failed}
    return data


def _transfer_news(transfer: Transfer) -> News | None:
    if transfer.kind == TransferKind.GRANT:
        event = "credits.purchased" if transfer.source == LotSource.PURCHASE else "credits.granted"
    elif transfer.kind == TransferKind.CREDIT_REFUND:
        event = "credits.refunded"
    else:
        return None
    why = read_reason(transfer.reason)
    data = {
        "transfer": str(transfer.id),
        "kind": transfer.kind,
        "source": transfer.source if transfer.kind == TransferKind.GRANT else "",
        "credits": transfer.credits,
        "reference": transfer.reference,
        "reason": why if isinstance(why, str) else say_fact(why),
        "fact": None if isinstance(why, str) else why.as_dict(),
        "available": transfer.available_after,
    }
    return News(transfer.organisation_id, f"transfer:{transfer.id}", event, transfer.at, data)


def _notice_news(notice: Notice) -> News | None:
    if notice.template != "low_balance":
        return None
    data = {"available": notice.context.get("available"), "below": notice.context.get("below")}
    assert notice.organisation_id is not None, "a customer's own balance"
    return News(notice.organisation_id, f"notice:{notice.id}", "credits.low", notice.made_at, data)


def _import_news(job: Job) -> News | None:
    if job.status == JobStatus.DONE and job.result and job.result.get("data_set"):
        data_set = DataSet.objects.filter(organisation=job.organisation_id, id=job.result["data_set"]).first()
        if data_set is None:
            return None
        data = {
            "data_set": str(data_set.id),
            "name": data_set.name,
            "version": data_set.version,
            "tickets": data_set.tickets,
            "url": f"{settings.OTAI_BASE_URL}/api/v1/data-sets/{data_set.id}",
        }
        event = "import.completed"
    elif job.status == JobStatus.FAILED:
        # Without what it says of the file: that may be words of a ticket.
        data = {"job": str(job.id), "failure_code": job.error_code}
        data["url"] = f"{settings.OTAI_BASE_URL}/api/v1/jobs/{job.id}"
        event = "import.failed"
    else:
        return None
    assert job.ended_at is not None
    caused_by = person_behind(job.organisation_id, job.asked_by)
    kind = NotificationKind.IMPORT_ENDED
    return News(job.organisation_id, f"import:{job.id}", event, job.ended_at, data, kind, caused_by)


def _live_news(event: ModelEvent) -> News | None:
    if event.what not in (Move.LIVE, Move.BACK) or event.version is None:
        return None
    model = event.model
    data = {
        "model": model.name,
        "model_id": str(model.id),
        "version": event.version.number,
        "before": event.before.number if event.before else None,
        "url": f"{settings.OTAI_BASE_URL}/api/v1/models/{model.name}/versions/{event.version.number}",
    }
    kind = NotificationKind.MODEL_LIVE
    return News(model.organisation_id, f"model-event:{event.id}", "model.live", event.at, data, kind)


def _version_news(version: ModelVersion) -> News | None:
    model = version.model
    data = {
        "model": model.name,
        "version": version.number,
        "run": version.run.number,
        "sha256": version.bundle_sha256,
        "bytes": version.bundle_bytes,
        "url": f"{settings.OTAI_BASE_URL}/api/v1/models/{model.name}/versions/{version.number}",
    }
    return News(model.organisation_id, f"model-version:{version.id}", "model.ready", version.created_at, data)


def _advice_news(advice: Advice) -> News | None:
    model = advice.version.model
    data = {
        "advice": str(advice.id),
        "kind": advice.kind,
        "title": str(advice),
        "data_set": str(advice.data_set or ""),
        # Who reads no tickets is told as well.
        "evidence": without_quotes(advice.evidence),
        "model": model.name,
        "model_id": str(model.id),
        "version": advice.version.number,
        "credits": advice.credits,
        "url": f"{settings.OTAI_BASE_URL}/api/v1/advice/{advice.id}",
    }
    kind = NotificationKind.MODEL_DRIFTS
    return News(model.organisation_id, f"advice:{advice.id}", "advice.raised", advice.found_at, data, kind)


SOURCES: Sequence[NewsSource] = (
    NewsSource(
        "runs",
        lambda: Event.objects.select_related("run").defer("run__report_card"),
        _run_news,
        lambda row: row.at,
        int,
    ),
    NewsSource(
        "transfers",
        lambda: Transfer.objects.filter(kind__in=[TransferKind.GRANT, TransferKind.CREDIT_REFUND]),
        _transfer_news,
        lambda row: row.at,
        UUID,
    ),
    NewsSource(
        "notices", lambda: Notice.objects.filter(template="low_balance"), _notice_news, lambda row: row.made_at, UUID
    ),
    NewsSource(
        "versions",
        lambda: ModelVersion.objects.select_related("model", "run").defer("run__report_card"),
        _version_news,
        lambda row: row.created_at,
        UUID,
    ),
    NewsSource(
        "advice",
        lambda: Advice.objects.select_related("version__model", "data_set"),
        _advice_news,
        lambda row: row.found_at,
        UUID,
    ),
    NewsSource(
        "live",
        lambda: ModelEvent.objects.select_related("model", "version", "before"),
        _live_news,
        lambda row: row.at,
        int,
    ),
    NewsSource(
        "imports",
        lambda: Job.objects.filter(kind__in=IMPORTS, ended_at__isnull=False),
        _import_news,
        lambda row: row.ended_at,
        UUID,
        ended="ended_at",
    ),
)
