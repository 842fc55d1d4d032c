"""An executor that trains nothing: it plays a script and returns a chosen result. It passes the executors' contract
test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from otai.runs.executors import Failed, Stopped, TrainedFiles, TrainingResult, TrainingSpec, Watch


@dataclass
class FakeExecutor:
    """`stages` are reported one after the other; then `failure` is returned, or a model with the given bytes."""

    stages: Sequence[str] = ("features", "training", "evaluating", "writing")
    failure: Failed | None = None
    model: bytes = b"not a real model"
    report_card: dict[str, Any] = field(default_factory=lambda: {"attributes": []})
    hardware: str = "FakeExecutor"
    before_stage: Callable[[str], None] = lambda stage: None
    no_room: str | None = None
    executed: list[TrainingSpec] = field(default_factory=list)

    def why_no_room(self) -> str | None:
        """What the test said."""
        return self.no_room

    def execute(
        self, spec: TrainingSpec, *, watch: Callable[[Watch], bool], watch_every_seconds: float
    ) -> TrainingResult:
        """Goes through the stages, and ends as the test said."""
        self.executed.append(spec)
        log = ""
        for done, stage in enumerate(self.stages):
            self.before_stage(stage)
            log += f"{stage} ...\n"
            if not watch(Watch(stage, done, len(self.stages), log)):
                return Stopped(log)
        if self.failure is not None:
            return self.failure
        spec.output_dir.mkdir(parents=True, exist_ok=True)
        bundle = spec.output_dir / "bundle.otai"
        bundle.write_bytes(self.model)
        return TrainedFiles(bundle, hashlib.sha256(self.model).hexdigest(), self.report_card, log)
