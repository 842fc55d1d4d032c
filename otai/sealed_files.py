"""Files encrypted in pieces: AES-256-GCM over a mebibyte at a time, so that none is ever in memory as a whole.

    magic (8) | id of the data key (16) | salt (32) | pieces of ciphertext with their tags (16 each)

Each file has a key of its own, derived from the data key and the salt; a piece's nonce is its number and whether it is
the last, so that pieces cannot be exchanged, repeated, left out or cut off. docs/decisions/0647 says why.
"""

from __future__ import annotations

import hmac
import io
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"OTAISEA1"
KEY_BYTES = SALT_BYTES = 32
HEADER_BYTES = len(MAGIC) + 16 + SALT_BYTES
PIECE_BYTES = 1 << 20
TAG_BYTES = 16


class NotSealedHere(ValueError):
    """The file was changed, cut off, or sealed with another key than the one it names."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key for files, and the id by which a file names it."""

    id: UUID
    secret: bytes


def is_sealed(beginning: bytes) -> bool:
    """Whether a file that begins so (8 bytes at least) is one of these."""
    return beginning.startswith(MAGIC)


def seal(source: IO[bytes], target: IO[bytes], key: DataKey) -> None:
    """Writes all of `source` encrypted to `target`."""
    salt = secrets.token_bytes(SALT_BYTES)
    header = MAGIC + key.id.bytes + salt
    target.write(header)
    cipher, number = _cipher(key, salt), 0
    piece = source.read(PIECE_BYTES)
    while True:
        following = source.read(PIECE_BYTES)
        target.write(cipher.encrypt(_nonce(number, is_last=not following), piece, header))
        if not following:
            return
        piece, number = following, number + 1


def unseal(source: IO[bytes], target: IO[bytes], key_of: Callable[[UUID], DataKey]) -> None:
    """Writes what was sealed in `source` to `target`, piece by piece; `key_of` finds the key by its id. Raises
    NotSealedHere, also after some pieces were written: until it returns nothing of the target counts."""
    for piece in _pieces(source, key_of):
        target.write(piece)


class SealedReader(io.RawIOBase):
    """What was sealed in `source`, read from its beginning to its end, a mebibyte in memory at a time; closing it
    closes `source`. Raises NotSealedHere at once where it does not begin like one, and while reading where it was
    changed or cut off: what was read before does not count then."""

    def __init__(self, source: IO[bytes], key_of: Callable[[UUID], DataKey]) -> None:
        self._source = source
        self._opened = _pieces(source, key_of)
        self._left = next(self._opened, b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, target: Any) -> int:
        """Fills as much of `target` as is left of a piece; 0 at the end."""
        while not self._left:
            piece = next(self._opened, None)
            if piece is None:
                return 0
            self._left = piece
        count = min(len(target), len(self._left))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        """Closes the source too."""
        self._source.close()
        super().close()


def _pieces(source: IO[bytes], key_of: Callable[[UUID], DataKey]) -> Iterator[bytes]:
    header = source.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not is_sealed(header):
        raise NotSealedHere("no header")
    key = key_of(UUID(bytes=header[len(MAGIC) : len(MAGIC) + 16]))
    cipher, number = _cipher(key, header[-SALT_BYTES:]), 0
    piece = source.read(PIECE_BYTES + TAG_BYTES)
    while True:
        following = source.read(PIECE_BYTES + TAG_BYTES)
        try:
            opened = cipher.decrypt(_nonce(number, is_last=not following), piece, header)
        except (InvalidTag, ValueError):
            raise NotSealedHere(f"piece {number}") from None
        yield opened
        if not following:
            return
        piece, number = following, number + 1


def _cipher(key: DataKey, salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key.secret, b"otai file " + salt, "sha256"))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
