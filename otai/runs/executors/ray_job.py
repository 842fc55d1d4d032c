"""What a node of the cluster runs: `python -m otai.runs.executors.ray_job STORE_URL JOB_FILE`.

Fetches the tickets from the store, trains with the local executor (so the limits and the killing of the group are the
same), puts the results into the store, and tells all of it in JSON lines. It knows neither the database nor any secret
but the store's own and, where files are encrypted, the key of this one attempt.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from otai.errors import OtaiError
from otai.learning.process import end_with_parent
from otai.runs.executors import Failed, Stopped, TrainedFiles, TrainingSpec, Watch
from otai.runs.executors.local import LocalExecutor, this_machine
from otai.runs.packing import Contents, contents_of, pack, unpack
from otai.runs.scratch import node_folder
from otai.sealed_files import DataKey
from otai.tickets.files import FileStore

checkpoint_every_seconds = 60.0
KEY_VARIABLE = "ATTEMPT_KEY"


def main(arguments: list[str]) -> int:
    """Trains on a node of the cluster what STORE_URL and JOB_FILE say; returns the exit code. Everything it says goes
    to standard output as JSON, one a line."""
    if len(arguments) != 2:
        print("usage: python -m otai.runs.executors.ray_job STORE_URL JOB_FILE", file=sys.stderr)  # noqa: T201
        return 2
    end_with_parent()
    store = FileStore(arguments[0], one_key=_key())
    with node_folder() as folder:
        try:
            return RayJob(store, arguments[1], folder).run()
        except (OtaiError, OSError) as error:
            _say(type="ending", outcome="failed", is_input=False, code="storage", message=str(error))
            return 1


def _key() -> DataKey | None:
    """What the files on their way are encrypted with, where they are. No process that this one starts sees it."""
    id, _, secret = os.environ.pop(KEY_VARIABLE, "").partition(":")
    return DataKey(UUID(id), bytes.fromhex(secret)) if secret else None


class RayJob:
    def __init__(self, store: FileStore, job_file: str, folder: Path) -> None:
        with store.open(job_file) as handle:
            self.job: dict[str, Any] = json.load(handle)
        self.store, self.folder = store, folder
        self.checkpoint = folder / "checkpoint"
        self.checkpoint.mkdir()
        self.saved: Contents = ()
        self.saved_at = time.monotonic()
        self.told_log = ""
        self.told: tuple[str, int, int] | None = None
        self.told_devices: Sequence[Mapping[str, Any]] = ()
        self.stop = False

    def run(self) -> int:
        """Fetches the checkpoint, trains, and stores the result or the checkpoint; returns the exit code."""
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        kind = f"Ray, {self.job['accelerator']}" if self.job["accelerator"] else "Ray"
        _say(type="hardware", text=f"{kind}, {socket.gethostname()}: {this_machine()}")
        if self.job["checkpoint"]:
            with self.store.open(self.job["checkpoint"]) as packed:
                unpack(packed, self.checkpoint)
            self.saved = contents_of(self.checkpoint)
        executor = LocalExecutor(command=tuple(self.job["command"])) if self.job["command"] else LocalExecutor()
        result = executor.execute(self._spec(), watch=self._watch, watch_every_seconds=0.5)
        self._tell_log(result.log)
        if not isinstance(result, TrainedFiles):
            self._save_checkpoint()
        return self._end(result)

    def _spec(self) -> TrainingSpec:
        return TrainingSpec(
            tickets=self._tickets(),
            attributes=self.job["attributes"],
            mode=self.job["mode"],
            seed=self.job["seed"],
            assurance=self.job.get("assurance"),
            seconds=self.job.get("seconds"),
            output_dir=self.folder / "out",
            threads=self.job["threads"],
            time_limit_seconds=self.job["time_limit_seconds"],
            memory_limit_bytes=self.job["memory_limit_bytes"],
            checkpoint_dir=self.checkpoint,
        )

    def _tickets(self) -> Path:
        tickets = self.folder / "tickets.parquet"
        with self.store.open(self.job["tickets"]) as stored, tickets.open("wb") as copy:
            shutil.copyfileobj(stored, copy, 1 << 20)
        return tickets

    def _watch(self, seen: Watch) -> bool:
        told = (seen.stage, seen.steps_done, seen.steps_total)
        if told != self.told:
            self.told = told
            _say(type="progress", stage=seen.stage, done=seen.steps_done, total=seen.steps_total)
        if seen.devices != self.told_devices:
            self.told_devices = seen.devices
            _say(type="devices", devices=list(seen.devices))
        self._tell_log(seen.log)
        if time.monotonic() - self.saved_at >= checkpoint_every_seconds:
            self._save_checkpoint()
        return not self.stop

    def _tell_log(self, log: str) -> None:
        for line in new_text(self.told_log, log).splitlines():
            _say(type="log", text=line)
        self.told_log = log

    def _save_checkpoint(self) -> None:
        self.saved_at = time.monotonic()
        contents = contents_of(self.checkpoint)
        if contents == self.saved:
            return
        packed = self.folder / "checkpoint.tar"
        try:
            pack(self.checkpoint, contents, into=packed)
            path = self.store.put(packed, folder=self.job["folder"], suffix=".tar").path
        except (OSError, OtaiError) as error:
            # Without it the next attempt takes longer, that is all.
            _say(type="log", text=f"A checkpoint could not be kept: {error}")
            return
        self.saved = contents
        _say(type="checkpoint", path=path)

    def _end(self, result: TrainedFiles | Failed | Stopped) -> int:
        match result:
            case TrainedFiles():
                card = self.folder / "report_card.json"
                card.write_text(json.dumps(result.report_card))
                folder = self.job["folder"]
                _say(
                    type="ending",
                    outcome="completed",
                    bundle=self.store.put(result.bundle, folder=folder, suffix=".otai").path,
                    bundle_sha256=result.bundle_sha256,
                    report_card=self.store.put(card, folder=folder, suffix=".json").path,
                )
                return 0
            case Failed():
                _say(
                    type="ending",
                    outcome="failed",
                    is_input=result.is_input,
                    code=result.code,
                    message=result.message,
                    fact=dict(result.fact),
                )
                return 0 if result.is_input else 1
            case Stopped():
                return 128 + signal.SIGTERM

    def _asked_to_stop(self, *_: object) -> None:
        self.stop = True


def new_text(before: str, now: str) -> str:
    """What `now` says beyond `before`; both are the same log, which is cut off at the front when it grows too long."""
    if now.startswith(before):
        return now[len(before) :]
    tail = before[-1000:]
    found = now.rfind(tail)
    return now[found + len(tail) :] if found >= 0 else now


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # Threads that still read from the parent must not keep the node busy.
    os._exit(code)
