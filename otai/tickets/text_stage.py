"""The texts of tickets, from cells to what is stored: letters and markup mended, threads read, personal data masked,
mails cut.

It is most of an import's work and needs nothing but the texts of a batch, so for a large file it is done in processes
beside the one that reads: batches go to them and come back in order as Arrow files in a folder of the import, and what
they counted comes at the end as JSON. The processes end with the pipe that they are told by, whatever becomes of the
one that reads.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from otai.jobs.child import OUT_OF_MEMORY, work_and_exit
from otai.learning.data.profiling import TEXT_HASH, text_hashes
from otai.learning.data.texts.text_mending import Mended
from otai.learning.data.texts.text_reader import TextReader
from otai.tickets.memory import give_back
from otai.tickets.text_preparation import TextPreparation

BYTES_FOR_PROCESSES = 24_000_000
"""A smaller source is read by one process: starting others takes longer than they save."""
MOST_PROCESSES = 3
BATCHES_WAITING = 2
"""Of each process: the one that it works on, and the next."""


class TextStage(Protocol):
    """Batches whose subjects and bodies are cells go in, batches whose texts are done come out, in the same order."""

    def give(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Takes rows as they were read; hands out those that are done by now, in the order in which they came."""

    def end(self) -> Iterator[pa.RecordBatch]:
        """All that is not handed out yet, with everything counted afterwards. Raises what went wrong in a process."""

    def close(self) -> None:
        """Lets go of processes and files, whatever happened; may be called twice."""


@dataclass(slots=True)
class TextsHere:
    """The stage in this process."""

    reader: TextReader
    preparation: TextPreparation

    def give(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        yield self.done(batch)

    def done(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with texts read and prepared, and the hash of each ticket's text as a further column."""
        for name in ("subject", "body"):
            at = batch.schema.get_field_index(name)
            batch = batch.set_column(at, batch.schema.field(at), self.reader.texts_of(batch.column(at)))
        batch = self.preparation.of(batch)
        return batch.append_column(TEXT_HASH, text_hashes(batch))

    def end(self) -> Iterator[pa.RecordBatch]:
        yield from ()

    def close(self) -> None:
        """Nothing is held."""


def text_stage(reader: TextReader, preparation: TextPreparation, *, size: int, folder: Path) -> TextStage:
    """For a source of `size` bytes: in processes of its own where that is worth it. `folder` is theirs until the stage
    is closed; what they count is added to `reader` and `preparation`."""
    here = TextsHere(reader, preparation)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if size < BYTES_FOR_PROCESSES or cores < 2 or not hasattr(os, "fork"):
        return here
    return TextProcesses(here, folder, processes=min(cores, MOST_PROCESSES))


@dataclass(slots=True)
class _Helper:
    """A process as its parent sees it: pipes to tell it numbers of batches and to hear which are done."""

    pid: int
    tell: int
    hear: int
    heard: bytes = b""
    waiting: int = 0


class TextProcesses:
    """The stage in processes that are forked here. Raises MemoryError where the system ended one of them, and
    RuntimeError where one broke."""

    def __init__(self, here: TextsHere, folder: Path, *, processes: int) -> None:
        self._here = here
        self._folder = folder
        self._helpers: list[_Helper] = []
        self._order: deque[tuple[int, _Helper]] = deque()
        self._done: set[int] = set()
        self._given = 0
        # The sample of the first rows has just been let go of.
        give_back()
        for number in range(processes):
            self._helpers.append(self._forked(number))

    def _forked(self, number: int) -> _Helper:
        told, tell = os.pipe()
        hear, say = os.pipe()
        pid = os.fork()
        if pid == 0:
            # An end that a sibling still holds would keep it alive.
            for descriptor in (tell, hear, *(end for other in self._helpers for end in (other.tell, other.hear))):
                os.close(descriptor)
            work_and_exit(partial(_work, self._here, self._folder, number, told, say))
        os.close(told)
        os.close(say)
        return _Helper(pid, tell, hear)

    def give(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        helper = min(self._helpers, key=lambda one: one.waiting)
        while helper.waiting >= BATCHES_WAITING:
            self._listen()
            helper = min(self._helpers, key=lambda one: one.waiting)
        number = self._given
        self._given += 1
        _write(self._folder / f"given-{number}", batch)
        helper.waiting += 1
        self._order.append((number, helper))
        with contextlib.suppress(BrokenPipeError):
            os.write(helper.tell, b"%d\n" % number)
        yield from self._ready()

    def end(self) -> Iterator[pa.RecordBatch]:
        while self._order:
            if self._order[0][0] not in self._done:
                self._listen()
            yield from self._ready()
        for number, helper in enumerate(self._helpers):
            os.close(helper.tell)
            helper.tell = -1
            self._must_have_ended_well(helper)
            self._add(json.loads((self._folder / f"counted-{number}").read_text(encoding="utf-8")))

    def close(self) -> None:
        for helper in self._helpers:
            for descriptor in (helper.tell, helper.hear):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                if helper.pid:
                    os.kill(helper.pid, signal.SIGKILL)
                    os.waitpid(helper.pid, 0)
                    helper.pid = 0

    def _ready(self) -> Iterator[pa.RecordBatch]:
        while self._order and self._order[0][0] in self._done:
            number, _ = self._order.popleft()
            self._done.discard(number)
            path = self._folder / f"done-{number}"
            yield _read(path)
            path.unlink()

    def _listen(self) -> None:
        """Waits until a process says that a batch is done."""
        readable, _, _ = select.select([helper.hear for helper in self._helpers], [], [])
        for helper in self._helpers:
            if helper.hear in readable:
                data = os.read(helper.hear, 1 << 12)
                if not data:
                    self._must_have_ended_well(helper)
                    raise RuntimeError("a process that reads texts ended too early")
                *lines, helper.heard = (helper.heard + data).split(b"\n")
                helper.waiting -= len(lines)
                self._done.update(map(int, lines))

    @staticmethod
    def _must_have_ended_well(helper: _Helper) -> None:
        _, status = os.waitpid(helper.pid, 0)
        helper.pid = 0
        code = os.waitstatus_to_exitcode(status)
        if code in (-signal.SIGKILL, OUT_OF_MEMORY):
            raise MemoryError("a process that reads texts ran out of memory")
        if code != 0:
            raise RuntimeError(f"a process that reads texts ended with {code}")

    def _add(self, counted: dict[str, Any]) -> None:
        reader = counted["reader"]
        self._here.reader.add(TextReader(Mended(**reader["mended"]), reader["control_characters"], reader["threads"]))
        self._here.preparation.add(counted)


def _work(here: TextsHere, folder: Path, number: int, told: int, say: int) -> None:
    """In a process of its own: one batch after the other, until the pipe ends."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(told, "rb", buffering=0) as numbers:
        for line in _lines(numbers):
            given = folder / f"given-{int(line)}"
            batch = here.done(_read(given))
            given.unlink()
            _write(folder / f"done-{int(line)}", batch)
            os.write(say, line + b"\n")
    counted = {
        "reader": dataclasses.asdict(here.reader),
        **here.preparation.counted(),
    }
    (folder / f"counted-{number}").write_text(json.dumps(counted), encoding="utf-8")


def _lines(numbers: Any) -> Iterator[bytes]:
    rest = b""
    while data := numbers.read(1 << 12):
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def _write(path: Path, batch: pa.RecordBatch) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, batch.schema) as writer:
        writer.write_batch(batch)


def _read(path: Path) -> pa.RecordBatch:
    with pa.OSFile(str(path), "rb") as file:
        return pa.ipc.open_stream(file.read_buffer()).read_next_batch()
