"""Trains as a job on a Ray cluster: one job for each attempt, on a node with the accelerator that the pool names.

Ray decides nothing but the node. It has no priorities, so a run is claimed only when a slot is free there; it does not
retry, since we do; its clock says when a job was submitted, so what the job itself tells says when work began. Tickets,
models and checkpoints travel through the file store: a node shares no disk with us. Installed by `pip install
'otai[ray]'`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import secrets
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from otai.db import new_id
from otai.errors import OtaiError, Unavailable
from otai.runs.executors import Failed, Stopped, TrainedFiles, TrainingResult, TrainingSpec, Watch
from otai.runs.executors.process_protocol import ProcessReport, fault
from otai.runs.executors.ray_job import KEY_VARIABLE
from otai.runs.packing import contents_of, pack, unpack
from otai.sealed_files import KEY_BYTES, DataKey
from otai.tickets.files import FileStore, file_store

log = logging.getLogger(__name__)

seconds_to_find_a_node = 180.0
"""A job that no node takes for so long never will be: it would wait for ever, and the run with it."""

seconds_without_cluster = 60.0
"""A cluster that does not answer for so long is lost to us; until then the training is believed to go on."""

seconds_between_looks = 1.0
most_report_card_bytes = 256 * 2**20


class RayMissing(Unavailable):
    code = "ray_not_installed"


class ClusterUnavailable(Unavailable):
    code = "cluster_unavailable"


@dataclass
class RayExecutor:
    """`address` is that of the cluster's Jobs API (http://head:8265); `interpreter` the absolute path of the nodes'
    Python in which this product is installed: a job's own `python` is another one. `slots_per_node` is how many
    trainings share one node."""

    address: str
    interpreter: str
    accelerator: str = ""
    slots_per_node: int = 1
    store: FileStore = field(default_factory=file_store)
    encrypts: bool = field(default_factory=lambda: bool(settings.OTAI_ENCRYPT_FILES))
    """Whether what travels through the store is encrypted with a key of the attempt's own, which the cluster tells the
    job (decision 0652)."""
    command: tuple[str, ...] = ()
    """The training process on the node; empty: ours. Tests play scripts."""
    _client: Any = None

    @property
    def hardware(self) -> str:
        """What a training would run on, before it is known which machine takes it; without words, as pages show it."""
        return f"Ray, {self.accelerator}" if self.accelerator else "Ray"

    def why_no_room(self) -> str | None:
        """Asks the cluster for a free node of the kind; one that does not answer has none."""
        try:
            answer = self._jobs()._do_request("GET", "/nodes?view=summary")
            nodes = answer.json()["data"]["nodeLogicalResources"].values()
        except (OtaiError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
            self._client = None
            return f"The cluster at {self.address} does not answer: {error}"
        resource, needed = self._placement()
        found = [(used, total) for node in nodes for used, total in usage_of(str(node), resource)]
        if not found:
            return f"The cluster at {self.address} has no node with {resource}."
        if all(total - used < needed - 1e-6 for used, total in found):
            return f"All nodes with {resource} are at work."
        return None

    def _placement(self) -> tuple[str, float]:
        """The resource that a job takes, and how much of it: each node has 1 of `accelerator_type:X`."""
        if self.accelerator:
            return f"accelerator_type:{self.accelerator}", 1 / self.slots_per_node
        return "CPU", 1.0

    def _jobs(self) -> Any:
        if self._client is None:
            try:
                from ray.job_submission import JobSubmissionClient
            except ImportError:
                raise RayMissing("ray") from None
            try:
                self._client = JobSubmissionClient(self.address)
            except (ConnectionError, RuntimeError) as error:
                raise ClusterUnavailable("cluster", address=self.address, error=error) from error
        return self._client

    def execute(
        self, spec: TrainingSpec, *, watch: Callable[[Watch], bool], watch_every_seconds: float
    ) -> TrainingResult:
        """Trains as a job of the cluster, by the attempt's id, so that it is submitted once; see `Executor`."""
        assert spec.attempt_id, "a cluster knows a job by its attempt"
        key = DataKey(new_id(), secrets.token_bytes(KEY_BYTES)) if self.encrypts else None
        store = self.store.with_one_key(key) if key else self.store
        with self._things_on_their_way(spec, store) as job_file:
            try:
                self._submit(spec, job_file, key)
            except OtaiError as error:
                return Failed(False, error.code, error.message, log="")
            except RuntimeError as error:
                # Also a name used twice: the attempt was submitted before, and is not submitted again.
                return Failed(False, "not_submitted", f"The cluster did not take the job: {error}", log="")
            follow = _Following(self, spec, store, watch=watch, watch_every_seconds=watch_every_seconds)
            try:
                return follow.to_the_end()
            finally:
                self._stop(spec.attempt_id)

    def _submit(self, spec: TrainingSpec, job_file: str, key: DataKey | None) -> None:
        resource, needed = self._placement()
        is_cpu = resource == "CPU"
        self._jobs().submit_job(
            entrypoint=shlex.join([self.interpreter, "-m", "otai.runs.executors.ray_job", self.store.url, job_file]),
            submission_id=spec.attempt_id,
            runtime_env={"env_vars": {KEY_VARIABLE: f"{key.id}:{key.secret.hex()}"}} if key else None,
            entrypoint_num_cpus=spec.threads if is_cpu else None,
            entrypoint_num_gpus=None if is_cpu else 1,
            entrypoint_resources=None if is_cpu else {resource: needed},
        )

    @contextlib.contextmanager
    def _things_on_their_way(self, spec: TrainingSpec, store: FileStore) -> Iterator[str]:
        """Puts what the job needs into the store; yields the path of its description there. Removes all of the job's
        files afterwards."""
        folder = _folder_of(spec.attempt_id)
        with tempfile.TemporaryDirectory(prefix="otai-job-") as scratch:
            tickets = spec.tickets_in_store
            if not tickets:
                tickets = store.put(spec.tickets, folder=folder, suffix=".parquet").path
            description = {
                "tickets": tickets,
                "attributes": [dict(attribute) for attribute in spec.attributes],
                "mode": spec.mode,
                "seed": spec.seed,
                "assurance": spec.assurance,
                "seconds": spec.seconds,
                "threads": spec.threads,
                "time_limit_seconds": spec.time_limit_seconds,
                "memory_limit_bytes": spec.memory_limit_bytes,
                "checkpoint": self._checkpoint(spec, store, Path(scratch), folder),
                "folder": folder,
                "accelerator": self.accelerator,
                "command": self.command,
            }
            file = Path(scratch) / "job.json"
            file.write_text(json.dumps(description))
            job_file = store.put(file, folder=folder, suffix=".json").path
        try:
            yield job_file
        finally:
            for path in [path for path in self.store.paths() if path.startswith(f"{folder}/")]:
                with contextlib.suppress(OtaiError):
                    self.store.delete(path)

    def _checkpoint(self, spec: TrainingSpec, store: FileStore, scratch: Path, folder: str) -> str:
        if spec.checkpoint_dir is None or not (contents := contents_of(spec.checkpoint_dir)):
            return ""
        pack(spec.checkpoint_dir, contents, into=scratch / "checkpoint.tar")
        return store.put(scratch / "checkpoint.tar", folder=folder, suffix=".tar").path

    def _stop(self, job: str) -> None:
        """Ends the job if it still runs; a cluster that is gone has ended it in its own way."""
        with contextlib.suppress(Exception):
            if not self._jobs().get_job_status(job).is_terminal():
                self._jobs().stop_job(job)


def usage_of(node: str, resource: str) -> list[tuple[float, float]]:
    """(used, total) of the resource, from the cluster's words about a node: lines such as `0.5/1.0
    accelerator_type:L4`."""
    found = []
    for line in node.splitlines():
        amounts, _, name = line.partition(" ")
        if name.strip() == resource:
            used, _, total = amounts.partition("/")
            found.append((float(used), float(total)))
    return found


def _folder_of(attempt: str) -> str:
    return f"jobs/{attempt}"


class _Following:
    """One job, from its submission to its end."""

    def __init__(
        self,
        executor: RayExecutor,
        spec: TrainingSpec,
        store: FileStore,
        *,
        watch: Callable[[Watch], bool],
        watch_every_seconds: float,
    ) -> None:
        self.executor, self.spec, self.store, self.watch = executor, spec, store, watch
        self.pause = min(watch_every_seconds, seconds_between_looks)
        self.progress = ProcessReport()
        self.progress.stage = "waiting for a node"
        self.hardware = ""
        self.ending: dict[str, Any] | None = None
        self.read = 0
        self.heard_at = time.monotonic()

    def to_the_end(self) -> TrainingResult:
        submitted_at = time.monotonic()
        while True:
            try:
                status = self.executor._jobs().get_job_status(self.spec.attempt_id)
                self.heard_at = time.monotonic()
            except Exception as error:  # noqa: BLE001 the client raises whatever its transport raises
                if time.monotonic() - self.heard_at > seconds_without_cluster:
                    message = f"The cluster has not answered for {seconds_without_cluster:.0f} s: {error}"
                    return Failed(False, "machine_lost", message, self.progress.log)
                status = None
            with contextlib.suppress(Exception):
                # The log lies on the job's node: it is gone when that is, and the job's status says so.
                self._read_log()
            if not self.watch(self._as_watch()):
                return self._stopped()
            if status is not None and status.is_terminal():
                return self._result()
            if status == "PENDING" and time.monotonic() - submitted_at > seconds_to_find_a_node:
                message = f"No node of the cluster took the job within {seconds_to_find_a_node:.0f} s."
                return Failed(False, "no_machine", message, self.progress.log)
            if (
                self.hardware
                and time.monotonic() - submitted_at > self.spec.time_limit_seconds + seconds_to_find_a_node
            ):
                message = f"The training took longer than its limit of {self.spec.time_limit_seconds:.0f} s."
                return Failed(False, "time_limit", message, self.progress.log)
            time.sleep(self.pause)

    def _as_watch(self) -> Watch:
        seen = self.progress.as_watch()
        return dataclasses.replace(seen, hardware=self.hardware)

    def _read_log(self) -> None:
        """Reads what was said since the last look, in whole lines; the cluster answers with all of it each time."""
        said = self.executor._jobs().get_job_logs(self.spec.attempt_id)
        end = said.rfind("\n") + 1
        lines, self.read = said[self.read : end].splitlines(), max(self.read, end)
        for line in lines:
            self._read(line)

    def _read(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        match told:
            case {"type": "hardware", "text": str(text)}:
                self.hardware = text
            case {"type": "checkpoint", "path": str(path)}:
                self._take_checkpoint(path)
            case {"type": "ending", **ending}:
                self.ending = {str(name): value for name, value in ending.items()}
            case _:
                self.progress.read(line)

    def _take_checkpoint(self, path: str) -> None:
        if self.spec.checkpoint_dir is None:
            return
        with contextlib.suppress(OtaiError, OSError), self.store.open(path) as packed:
            unpack(packed, self.spec.checkpoint_dir)

    def _stopped(self) -> Stopped:
        """Ends the job and hears its last words: it may have saved a checkpoint."""
        self.executor._stop(self.spec.attempt_id)
        with contextlib.suppress(Exception):
            self._read_log()
        return Stopped(self.progress.log)

    def _result(self) -> TrainingResult:
        with contextlib.suppress(Exception):
            self._read_log()
        match self.ending:
            case {
                "outcome": "completed",
                "bundle": str(bundle),
                "bundle_sha256": str(sha256),
                "report_card": str(card),
            }:
                return self._fetched(bundle, sha256, card)
            case {"outcome": "failed", "is_input": bool(is_input), "code": str(code), "message": str(message)}:
                return Failed(is_input, code, message, self.progress.log, fact=(self.ending or {}).get("fact") or {})
        why = ""
        with contextlib.suppress(Exception):
            why = self.executor._jobs().get_job_info(self.spec.attempt_id).message or ""
        if "node" in why.lower() and ("died" in why.lower() or "dead" in why.lower()):
            return Failed(False, "machine_lost", f"The machine was lost in mid-training. {why}", self.progress.log)
        if "137" in why:
            return Failed(False, "process_died", f"The job was killed. {why}", self.progress.log)
        return fault(f"The job ended without a result. {why}", self.progress.log)

    def _fetched(self, bundle: str, sha256: str, card: str) -> TrainingResult:
        store, out = self.store, self.spec.output_dir
        out.mkdir(parents=True, exist_ok=True)
        try:
            for path, target in ((bundle, out / "bundle.otai"), (card, out / "report_card.json")):
                with store.open(path) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            if (out / "report_card.json").stat().st_size > most_report_card_bytes:
                return Failed(False, "crash", "The report card is larger than any can be.", self.progress.log)
            report_card = json.loads((out / "report_card.json").read_text())
        except (OtaiError, OSError, ValueError) as error:
            return fault(f"The job's result could not be fetched: {error}", self.progress.log)
        return TrainedFiles(out / "bundle.otai", sha256, report_card, self.progress.log)
