"""A secret that a job's process needs is handed to it through a pipe in its folder: it lies in no file, and is gone
with whoever hands it."""

from __future__ import annotations

import os
from pathlib import Path

PIPE = "secret"
most_bytes = 4096
"""POSIX lets so much wait in a pipe that nobody reads yet."""


def hand(folder: Path, secret: str) -> int:
    """Makes the pipe with the secret in it; returns the descriptor that keeps it there, to be closed once the process
    has ended. Raises ValueError for one that is too long."""
    told = secret.encode()
    if len(told) > most_bytes:
        raise ValueError("the secret does not fit a pipe")
    pipe = folder / PIPE
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, 0o600)
    # For reading as well: opening it for writing alone would wait for the reader.
    descriptor = os.open(pipe, os.O_RDWR | os.O_CLOEXEC)
    os.write(descriptor, told)
    return descriptor


def handed(folder: Path) -> str:
    """The secret, in the process that it is for. Raises OSError where none was handed."""
    # Not waiting: whoever hands it did so before this process began.
    descriptor = os.open(folder / PIPE, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, most_bytes).decode()
    finally:
        os.close(descriptor)
        (folder / PIPE).unlink()
