"""Name and logo of whoever offers the Studio under their own name."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from otai.environment import OWN_NAME, InvalidSetting

most_letters = 60
most_bytes = 128 * 1024
most_pixels = 1024
"""Of each side."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture as PNG, read at the start; `digest` names its content in its address."""

    data: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        """12 signs of its content's hash."""
        return hashlib.sha256(self.data).hexdigest()[:12]


def studio_name(text: str) -> str:
    """What the Studio is called. Raises InvalidSetting for what is too long, or cannot be seen."""
    name = " ".join(text.split()) or OWN_NAME
    if len(name) > most_letters or not name.isprintable() or set(name) & set('<>"@'):
        raise InvalidSetting("studio_name", text=text[:100], most=most_letters, setting="OTAI_NAME")
    return name


def logo(path: str) -> Logo | None:
    """The logo at `path`, a PNG; None where none is set.

    PNG alone: an SVG can hold scripts and addresses. Raises InvalidSetting for a file that cannot be read, another
    kind, more than 128 KiB, and sides of more than 1024 pixels.
    """
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError:
        raise _no_logo(path) from None
    if len(data) > most_bytes or data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 33:
        raise _no_logo(path)
    width, height = struct.unpack(">II", data[16:24])
    if not (0 < width <= most_pixels and 0 < height <= most_pixels):
        raise _no_logo(path)
    return Logo(data, width, height)


def _no_logo(path: str) -> InvalidSetting:
    return InvalidSetting("logo", text=path, kib=most_bytes // 1024, pixels=most_pixels, setting="OTAI_LOGO")
