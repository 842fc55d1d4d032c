"""The training process: `python -m otai.learning.process SPEC.json`.

A training runs in a process of its own, so that it can be killed, can run out of memory, and cannot take anything else
with it. It is told what to do by a file, says how far it is in JSON lines on standard output, and writes `result.json`
last and at once: if that file is there, the training came to an end, and the file says which.

SPEC: `{"tickets": PARQUET, "attributes": [{"name", "kind", "order"}], "mode": "basic", "seed": 0, "output_dir": DIR,
"threads": 2, "encoders_dir": DIR or null, "vectors_dir": DIR or null, "checkpoint_dir": DIR or null, "seconds": 14400
or null}`. The three folders before the last say where encoders lie, where vectors of tickets are kept, and where a long
training saves its state and finds that of an attempt before, for modes that need them: no setting of the installation
reaches this process. `seconds` is the time until the delivery that was promised: networks stop learning by then. Exit
code 0: completed, or failed by the input. 1: failed by us. 143: asked to stop; nothing was written.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otai.learning.features.encoding import Encoding

STOPPED = 128 + signal.SIGTERM
ORPHANED = 3
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class ProcessSpec:
    """What is to be trained, from where, into which folder; `threads` is how many cores it may use."""

    tickets: Path
    attributes: tuple[Mapping[str, Any], ...]
    mode: str
    seed: int
    output_dir: Path
    threads: int
    encoders_dir: Path | None = None
    vectors_dir: Path | None = None
    checkpoint_dir: Path | None = None
    assurance: float | None = None
    seconds: float | None = None

    @classmethod
    def read(cls, path: Path) -> ProcessSpec:
        """Raises OSError, ValueError, KeyError: whoever wrote the file is at fault."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            tickets=Path(values["tickets"]),
            attributes=tuple(values["attributes"]),
            mode=values["mode"],
            seed=int(values.get("seed", 0)),
            output_dir=Path(values["output_dir"]),
            threads=max(1, int(values.get("threads", 1))),
            encoders_dir=Path(values["encoders_dir"]) if values.get("encoders_dir") else None,
            vectors_dir=Path(values["vectors_dir"]) if values.get("vectors_dir") else None,
            checkpoint_dir=Path(values["checkpoint_dir"]) if values.get("checkpoint_dir") else None,
            assurance=values.get("assurance"),
            seconds=values.get("seconds"),
        )


def main(arguments: list[str]) -> int:
    """Runs one training; returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    if len(arguments) != 1:
        print("usage: python -m otai.learning.process SPEC.json", file=sys.stderr)  # noqa: T201
        return 2
    end_with_parent()
    spec = ProcessSpec.read(Path(arguments[0]))
    result = run(spec)
    _write(spec.output_dir / "result.json", json.dumps(result, ensure_ascii=False))
    return 1 if result.get("failure") == "system" else 0


def run(spec: ProcessSpec) -> dict[str, Any]:
    """Trains and writes the bundle and the report card; returns what belongs into `result.json`. Raises nothing."""
    # numpy's BLAS reads these once, when it is first imported: hence no import of it above.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(spec.threads)
    # Threads that spin while they wait make a busy machine collapse.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from otai.learning.errors import InputFailure

    try:
        return _completed(spec)
    except InputFailure as failure:
        return {
            "outcome": "failed",
            "failure": "input",
            "code": failure.code,
            "message": failure.message,
            "where": failure.where,
            "fact": failure.as_fact(),
        }
    except MemoryError:
        message = "The training needed more memory than this machine has."
        return {"outcome": "failed", "failure": "system", "code": "out_of_memory", "message": message}
    except Exception as error:  # noqa: BLE001 the outermost frame: whatever it was, the run must end
        _log_traceback()
        return {
            "outcome": "failed",
            "failure": "system",
            "code": "crash",
            "message": f"{type(error).__name__}: {error}",
        }


def _completed(spec: ProcessSpec) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    from otai.learning.data.attributes import AttributeKind, AttributeSpec
    from otai.learning.data.tickets import LabelledTickets
    from otai.learning.evidence.energy import CostMeter
    from otai.learning.evidence.risk_control import ASSURANCE
    from otai.learning.progress import Progress, Stage
    from otai.learning.recipes import recipe_for
    from otai.learning.training import steps_of, train
    from otai.words import findings as words

    seconds: dict[str, float] = {}
    meter = CostMeter()
    devices = _Devices(spec.threads)
    devices.say_what_is_used()

    def on_progress(progress: Progress) -> None:
        devices.say_what_is_used()
        if progress.note:
            say(type="log", text=progress.note)
        # Two steps stand outside the training itself: reading the file and writing the results.
        say(type="progress", stage=progress.stage.value, done=progress.done + 1, total=total)

    recipe = recipe_for(spec.mode)
    total = steps_of(len(spec.attributes), recipe) + 2
    attributes = [
        AttributeSpec(
            attribute["name"], AttributeKind(attribute.get("kind", "single")), tuple(attribute.get("order") or ())
        )
        for attribute in spec.attributes
    ]
    began = time.perf_counter()
    say(type="progress", stage=Stage.READING.value, done=0, total=total)
    tickets = LabelledTickets.read_parquet(spec.tickets)
    reading = time.perf_counter() - began
    say(
        type="log",
        text=f"{len(tickets)} tickets, {len(attributes)} attributes, mode {spec.mode}, {spec.threads} threads",
    )
    with threadpool_limits(limits=spec.threads):
        trained = train(
            tickets,
            attributes,
            recipe,
            on_progress,
            spec.seed,
            _encoding(spec),
            spec.checkpoint_dir,
            spec.assurance or ASSURANCE,
            spec.seconds,
        )

    seconds.update(trained.seconds)
    seconds[Stage.READING.value] = round(seconds[Stage.READING.value] + reading, 4)
    writing = time.perf_counter()
    say(type="progress", stage=Stage.WRITING.value, done=total - 1, total=total)
    sha256 = trained.bundle.save(spec.output_dir / "bundle.otai")
    card = dataclasses.replace(trained.report_card, cost=meter.cost())
    _write(spec.output_dir / "report_card.json", card.to_json())
    seconds[Stage.WRITING.value] = round(time.perf_counter() - writing, 4)
    say(type="progress", stage=Stage.WRITING.value, done=total, total=total)
    for finding in trained.report_card.findings:
        say(type="log", text=words.message(finding, of_card=True))
    return {
        "outcome": "completed",
        "bundle": "bundle.otai",
        "bundle_sha256": sha256,
        "report_card": "report_card.json",
        "seconds": seconds,
    }


class _Devices:
    """Tells on what this training really runs: its cores from the beginning, a GPU once anything lies on it."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._told: list[str] | None = None

    def say_what_is_used(self) -> None:
        """Says it where it is news."""
        gpus = used_gpus()
        if gpus == self._told:
            return
        self._told = gpus
        counted = [{"kind": "gpu", "name": name, "count": gpus.count(name)} for name in dict.fromkeys(gpus)]
        say(type="devices", devices=[*counted, {"kind": "cpu", "name": processor_name(), "count": self._threads}])


def used_gpus() -> list[str]:
    """The name of each GPU on which torch has held anything in this process; torch is not loaded for it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return []
    held = [number for number in range(torch.cuda.device_count()) if torch.cuda.max_memory_allocated(number) > 0]
    return [str(torch.cuda.get_device_name(number)) for number in held]


def processor_name() -> str:
    """What the processor calls itself."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _encoding(spec: ProcessSpec) -> Encoding:
    from otai.learning.encoders import EncoderStore, VectorCache
    from otai.learning.features.encoding import Encoding

    store = EncoderStore(spec.encoders_dir) if spec.encoders_dir else EncoderStore()
    return Encoding(store, VectorCache(spec.vectors_dir) if spec.vectors_dir else None, threads=spec.threads)


def say(**line: Any) -> None:
    """One JSON line to whoever started this process; a reader that went away does not matter here."""
    try:
        sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(ORPHANED)


def end_with_parent() -> None:
    """Ends this process when the one that started it is gone: at once by the kernel (Linux), and when standard input
    ends."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the kernel was asked.
        if os.getppid() != parent:
            os._exit(ORPHANED)
    if sys.stdin is not None and not sys.stdin.closed and not sys.stdin.isatty():
        threading.Thread(target=_end_with_input, name="end-with-input", daemon=True).start()


def _end_with_input() -> None:
    descriptor = sys.stdin.fileno()
    # A process started without an input (/dev/null) has no parent that could close it.
    if os.path.sameopenfile(descriptor, descriptor) and _is_pipe(descriptor):
        while os.read(descriptor, 4096):
            pass
        os._exit(ORPHANED)


def _is_pipe(descriptor: int) -> bool:
    import stat

    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _stop(_signal: int, _frame: object) -> None:
    # Every file is written whole or not at all, so there is nothing to tidy up.
    os._exit(STOPPED)


def _log_traceback() -> None:
    import traceback

    say(type="log", text=traceback.format_exc())


def _write(path: Path, text: str) -> None:
    """Whole or not at all: nobody ever reads half a result."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
