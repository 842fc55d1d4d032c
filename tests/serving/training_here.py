"""Real trainings without a process of their own, each done once for the whole test session: the same tickets give the
same model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.tickets import LabelledTickets
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from otai.orgs.models import Organisation
from otai.pricing.price_book import Delivery, Mode
from otai.runs.executors import TrainedFiles, TrainingResult, TrainingSpec, Watch
from otai.runs.models import Reason, Run
from otai.runs.operations import make_quote, order_run
from otai.runs.worker import Worker
from otai.serving.models import ModelVersion
from otai.serving.operations import register_completed_runs
from otai.tickets.models import DataSet

_done: dict[str, tuple[bytes, str]] = {}


class HereExecutor:
    hardware = "this very process"

    def why_no_room(self) -> str | None:
        return None

    def execute(
        self, spec: TrainingSpec, *, watch: Callable[[Watch], bool], watch_every_seconds: float
    ) -> TrainingResult:
        what = hashlib.sha256(Path(spec.tickets).read_bytes())
        what.update(json.dumps([dict(one) for one in spec.attributes], sort_keys=True).encode() + spec.mode.encode())
        if what.hexdigest() not in _done:
            specs = [
                AttributeSpec(one["name"], AttributeKind(one["kind"]), tuple(one.get("order") or ()))
                for one in spec.attributes
            ]
            trained = train(LabelledTickets.read_parquet(spec.tickets), specs, recipe_for(spec.mode), seed=spec.seed)
            _done[what.hexdigest()] = (trained.bundle.to_bytes(), trained.report_card.to_json())
        bundle, card = _done[what.hexdigest()]
        watch(Watch("evaluating", 1, 2, ""))
        path = spec.output_dir / "bundle.otai"
        path.write_bytes(bundle)
        return TrainedFiles(path, hashlib.sha256(bundle).hexdigest(), json.loads(card), "")


def work(now: datetime) -> list[ModelVersion]:
    """Trains what was ordered last, here and now."""
    Worker(executor=HereExecutor(), clock=lambda: now + timedelta(minutes=1)).work_once()
    return register_completed_runs(now=now + timedelta(minutes=2))


def trained(
    organisation: Organisation,
    data_set: DataSet,
    now: datetime,
    *,
    attributes: tuple[str, ...] = ("queue",),
    model: str | None = None,
    reason: Reason = Reason.NEW_MODEL,
) -> ModelVersion:
    offered = make_quote(
        organisation=organisation,
        data_set=data_set,
        attributes=attributes,
        mode=Mode.BASIC,
        delivery=Delivery.STANDARD,
        model_name=model or data_set.name,
        reason=reason,
        now=now,
    )
    run = order_run(organisation=organisation, quote=offered.id, who="alice", now=now)
    work(now)
    run = Run.objects.get(id=run.id)
    assert run.status == "completed", run.failure_message
    return run.version
