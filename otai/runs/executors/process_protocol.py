"""What a training process tells, and what is made of how it ended: the same wherever it runs."""

from __future__ import annotations

import json
from typing import Any

from otai.runs.executors import Failed, Watch

most_log_characters = 64_000

OUT_OF_MEMORY = "out_of_memory"
DISK_FULL = "disk_full"
NO_SPACE = ("No space left on device", "[Errno 28]", "Disk quota exceeded", "[Errno 122]")


class ProcessReport:
    """What the process said so far."""

    def __init__(self) -> None:
        self.stage, self.done, self.total, self.log = "starting", 0, 0, ""
        self.devices: list[dict[str, Any]] = []

    def read(self, line: str) -> None:
        """Takes one line of the process: JSON of the protocol, or anything else, which is log."""
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        match said:
            case {"type": "progress", "stage": str(stage), "done": int(done), "total": int(total)}:
                if stage != self.stage:
                    self.say(f"{stage} ...")
                self.stage, self.done, self.total = stage, max(done, 0), max(total, 0)
            case {"type": "devices", "devices": list(devices)}:
                self.devices = devices
            case {"type": "log", "text": str(text)}:
                self.say(text)
            case _:
                self.say(line.rstrip("\n"))

    def say(self, text: str) -> None:
        """Adds a line to the log, which keeps its last `most_log_characters`."""
        self.log = (self.log + text.replace("\x00", "") + "\n")[-most_log_characters:]

    def as_watch(self) -> Watch:
        """What is known so far, as an executor hands it on."""
        return Watch(self.stage, self.done, self.total, self.log, devices=self.devices)


def fault(message: str, log: str) -> Failed:
    """A failure of ours without a code of its own: a full disk is told from a crash, since an operator can do something
    about it."""
    last_words = message + log[-2000:]
    if any(words in last_words for words in NO_SPACE):
        return Failed(False, DISK_FULL, f"There was no room left on the training machine's disk. {message}", log)
    if "MemoryError" in last_words:
        return Failed(False, OUT_OF_MEMORY, f"The training needed more memory than the machine has. {message}", log)
    return Failed(False, "crash", message, log)
