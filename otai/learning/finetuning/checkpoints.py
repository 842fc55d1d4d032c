"""What a long training has saved of itself, so that the next attempt goes on where this one ended, to the same model.

Each part of the work has a name and a file: `NAME.safetensors`, written under a name that begins with a dot and then
renamed, so it is there whole or not at all. Its metadata hold the key of the training (recipe, seed, tickets,
encoders): files of another training are not taken for this one's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

Tensors = dict[str, Tensor]


def fingerprint(parts: Iterable[bytes | NDArray[Any]]) -> str:
    """Of contents that are too large to be spelt out; where one part ends and the next begins counts."""
    whole = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.tobytes()
        whole.update(len(content).to_bytes(8, "little"))
        whole.update(content)
    return whole.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """The state of one part: its tensors, and what else must be known to go on."""

    tensors: Tensors
    values: dict[str, Any]


@dataclass(frozen=True)
class CheckpointStore:
    """The folder of one training's saved parts. `folder` None: nothing is saved, and nothing found."""

    folder: Path | None
    key: str

    @classmethod
    def of(cls, folder: Path | None, *parts: object) -> CheckpointStore:
        """`parts` is everything that decides what is learnt; each must print the same in every process."""
        return cls(folder, hashlib.sha256(repr(parts).encode()).hexdigest()[:32])

    def save(self, name: str, tensors: Tensors, values: Mapping[str, Any]) -> None:
        """Whole or not at all. A disk that is full ends the training's ability to go on, not the training."""
        if self.folder is None:
            return
        metadata = {"otai": json.dumps({"key": self.key, "values": dict(values)})}
        unfinished = self.folder / f".{name}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_file(tensors, unfinished, metadata=metadata)
            unfinished.replace(self.folder / f"{name}.safetensors")
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def find(self, name: str) -> Checkpoint | None:
        """What was saved under this name by this very training; None if nothing was, or it cannot be read."""
        if self.folder is None or not (path := self.folder / f"{name}.safetensors").is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                said = json.loads(file.metadata()["otai"])
                if said["key"] != self.key:
                    return None
                # A copy, since the file may be replaced while its mapping is in use.
                return Checkpoint({one: file.get_tensor(one).clone() for one in file.keys()}, said["values"])  # noqa: SIM118 - no mapping
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            return None

    def forget(self, name: str) -> None:
        """Removes what was saved under this name; nothing happens where nothing was."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                (self.folder / f"{name}.safetensors").unlink(missing_ok=True)
