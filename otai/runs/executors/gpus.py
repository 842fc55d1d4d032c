"""One training, one GPU: which of the machine's GPUs a training has for itself.

A GPU is taken by a name in the kernel's own table of sockets (an abstract address, Linux), which no file outlives: a
worker that was killed has let go of it. Containers do not see each other's names, so each is given its own GPUs.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator, Sequence

from otai.learning.evidence.nvml import usable_gpus
from otai.learning.recipes import RECIPES


@contextlib.contextmanager
def environment_of_own_gpu(mode: str) -> Iterator[dict[str, str]]:
    """What a training of this mode is told of GPUs, while it lasts: one that no other training of this machine has, or
    none. Modes that read no vectors leave them to others."""
    recipe = RECIPES.get(mode)
    with _taken(usable_gpus() if recipe is not None and recipe.reads_vectors else ()) as gpu:
        yield {"CUDA_VISIBLE_DEVICES": gpu}


@contextlib.contextmanager
def _taken(gpus: Sequence[str]) -> Iterator[str]:
    """The first that is free; empty: none is."""
    for gpu in gpus if sys.platform == "linux" else ():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as name:
            try:
                name.bind(f"\0otai-gpu-{gpu}")
            except OSError:
                continue
            yield gpu
            return
    yield ""
