"""The file store: immutable files under one fsspec URL (`OTAI_FILES`), on this machine or in an object store.

A file is written whole or not at all, never changed, and carries its hash in its name, so that a copy in a cache can be
trusted without asking again. With OTAI_ENCRYPT_FILES a file of an organisation lies there encrypted with its key;
whoever needs it gets a copy of what is in it, in memory where this machine has a file system there, for a while.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import fsspec
from django.conf import settings

from otai import sealed_files
from otai.db import new_id
from otai.errors import Unavailable
from otai.sealed_files import DataKey
from otai.tickets import opened_copies

CHUNK_BYTES = 1 << 20


class FileStoreUnavailable(Unavailable):
    code = "file_store_unavailable"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a file lies inside the store, the SHA-256 of its bytes (hex) and their number."""

    path: str
    sha256: str
    bytes: int


class FileStore:
    """Files below `url`. Paths are relative to it, with `/`, and are made by us: a name from outside never becomes
    one."""

    def __init__(self, url: str, *, cache: Path | None = None, one_key: DataKey | None = None) -> None:
        """`one_key`: everything that is put is encrypted with it, whosever it is, and opened with it; for what is on
        its way to a machine that knows no organisation's key."""
        self.url = url
        self._cache = cache
        self._one_key = one_key
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise FileStoreUnavailable("open", error=error, url=url) from None
        self._errors = _errors_of(self._fs)

    @property
    def is_local(self) -> bool:
        """Whether files lie in a folder of this machine."""
        return "file" in _protocols(self._fs)

    def with_one_key(self, key: DataKey) -> FileStore:
        """The same files, by one key."""
        return FileStore(self.url, cache=self._cache, one_key=key)

    def put(self, source: Path, *, folder: str, suffix: str, owner: UUID | None = None) -> StoredFile:
        """Copies the file at `source` into the store as `folder/<sha256><suffix>` and says where it lies.

        Readers see the whole file or none: it is written beside its place and then moved there. Putting the same bytes
        again is harmless. An organisation's file is encrypted where the setting says so (`owner`, else the second part
        of `folder` says whose it is); hash and size are always those of what is in it. Raises FileStoreUnavailable when
        the store refuses; nothing readable is left behind then.
        """
        sha256, size = _hash_of(source)
        path = f"{folder}/{sha256}{suffix}"
        whose = owner or owner_of(path)
        key = self._one_key
        if key is None and whose is not None and settings.OTAI_ENCRYPT_FILES:
            key = _key_for(whose)
        if key is None:
            self._write(source, path, size=size)
        else:
            with tempfile.TemporaryDirectory(prefix="otai-sealing-") as scratch:
                sealed = Path(scratch) / "sealed"
                with source.open("rb") as plain, sealed.open("wb") as into:
                    sealed_files.seal(plain, into, key)
                self._write(sealed, path, size=size)
        return StoredFile(path=path, sha256=sha256, bytes=size)

    def encrypt(self, path: str) -> bool:
        """Encrypts a plain file where it lies, for its organisation; whether it did. Who reads it meanwhile reads one
        or the other. Raises FileStoreUnavailable."""
        owner = owner_of(path)
        if owner is None or self.is_encrypted(path):
            return False
        with tempfile.TemporaryDirectory(prefix="otai-sealing-") as scratch:
            sealed = Path(scratch) / "sealed"
            with self._opened(path) as plain, sealed.open("wb") as into:
                sealed_files.seal(plain, into, _key_for(owner))
            self._write(sealed, path, size=sealed.stat().st_size)
        if not self.is_local:
            (self.cache / path).unlink(missing_ok=True)
        return True

    def is_encrypted(self, path: str) -> bool:
        """Whether the file lies in the store encrypted. Raises FileStoreUnavailable where it is not there."""
        with self._opened(path) as handle:
            return sealed_files.is_sealed(handle.read(len(sealed_files.MAGIC)))

    def _write(self, source: Path, path: str, *, size: int) -> None:
        folder = path.rpartition("/")[0]
        target = self._full(path)
        partial = self._full(f"{folder}/.{new_id()}.partial")
        try:
            self._fs.makedirs(self._fs._parent(target), exist_ok=True)
            if self.is_local:
                shutil.copyfile(source, partial)
                with Path(partial).open("rb") as handle:
                    # The database row follows this file: it must not survive a power cut that the file does not.
                    os.fsync(handle.fileno())
                Path(partial).replace(target)
            else:
                # An object store shows an object only once its upload is complete.
                self._fs.put_file(str(source), target)
        except self._errors as error:
            self._remove_quietly(partial)
            raise FileStoreUnavailable("write", size=size, error=error, url=self.url) from error

    @property
    def cache(self) -> Path:
        """Where this machine keeps copies of a remote store's files."""
        return self._cache or Path(tempfile.gettempdir()) / f"otai-files-{os.getuid()}"

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """What is in the file, for reading, in a `with`. Raises FileStoreUnavailable when it is not there, DataKeyGone
        where nobody can read it any more."""
        with self._opened(path) as handle:
            if not sealed_files.is_sealed(handle.read(len(sealed_files.MAGIC))):
                handle.seek(0)
                yield handle
                return
        if self._one_key is not None:
            with tempfile.TemporaryFile() as opened, self.reading(path) as sealed:
                shutil.copyfileobj(sealed, opened, CHUNK_BYTES)
                opened.seek(0)
                yield opened
            return
        with self.local_path(path).open("rb") as opened:
            yield opened

    def reading(self, path: str) -> IO[bytes]:
        """What is in the file, to be read once from its beginning to its end, a mebibyte at a time and without a copy;
        close it. Raises FileStoreUnavailable, DataKeyGone and SealedFileDamaged, and while it is read NotSealedHere
        where an encrypted file was changed further down."""
        try:
            handle = self._fs.open(self._full(path), "rb")
        except self._errors as error:
            raise FileStoreUnavailable("gone", url=self.url, path=path) from error
        is_sealed = sealed_files.is_sealed(handle.read(len(sealed_files.MAGIC)))
        handle.seek(0)
        if not is_sealed:
            return handle
        try:
            return io.BufferedReader(sealed_files.SealedReader(handle, self._key_with), sealed_files.PIECE_BYTES)
        except sealed_files.NotSealedHere:
            handle.close()
            raise opened_copies.SealedFileDamaged("changed", path=path) from None
        except BaseException:
            handle.close()
            raise

    def _key_with(self, id: UUID) -> DataKey:
        if self._one_key is not None and self._one_key.id == id:
            return self._one_key
        return _key_with(id)

    @contextmanager
    def _opened(self, path: str) -> Iterator[IO[bytes]]:
        try:
            handle = self._fs.open(self._full(path), "rb")
        except self._errors as error:
            raise FileStoreUnavailable("gone", url=self.url, path=path) from error
        with handle:
            yield handle

    def local_path(self, path: str) -> Path:
        """What is in the file, as a path on this machine, for other processes and memory maps: of an encrypted one a
        copy that stays for two hours after somebody asked for it last, of a remote one a copy that was downloaded once.

        The name carries the hash, so a copy is never stale. Raises FileStoreUnavailable, DataKeyGone.
        """
        stored = self._stored_here(path)
        with stored.open("rb") as handle:
            if not sealed_files.is_sealed(handle.read(len(sealed_files.MAGIC))):
                return stored
        return opened_copies.copy_of(stored, path, store=self.url, key_of=_key_with)

    def _stored_here(self, path: str) -> Path:
        if self.is_local:
            path_here = Path(self._full(path))
            if not path_here.is_file():
                raise FileStoreUnavailable("gone", url=self.url, path=path)
            return path_here
        full = self._full(path)
        cached = self.cache / path
        if cached.is_file():
            return cached
        cached.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = cached.parent / f".{new_id()}.partial"
        try:
            self._fs.get_file(full, str(partial))
        except self._errors as error:
            partial.unlink(missing_ok=True)
            raise FileStoreUnavailable("read", url=self.url, error=error, path=path) from error
        partial.replace(cached)
        return cached

    def delete(self, path: str) -> None:
        """Removes the file, and this machine's copy of it; one that is gone already is fine. Raises
        FileStoreUnavailable when the store refuses."""
        # Judged before anything is removed: joined to the cache, an absolute path would name any file of the machine.
        full = self._full(path)
        if not self.is_local:
            (self.cache / path).unlink(missing_ok=True)
        opened_copies.forget(path, store=self.url)
        try:
            self._fs.rm_file(full)
        except FileNotFoundError:
            return
        except self._errors as error:
            raise FileStoreUnavailable("delete", url=self.url, error=error, path=path) from error
        if self.is_local:
            self._remove_empty_folder(Path(full).parent)

    def forget_copies(self) -> None:
        """Removes this machine's copies of remote files: another machine may have deleted what they are copies of. They
        can be fetched again."""
        if not self.is_local:
            shutil.rmtree(self.cache, ignore_errors=True)
        opened_copies.forget_all(store=self.url)

    def forget_old_copies(self) -> None:
        """Removes this machine's copies of what is in encrypted files that nobody has asked for in two hours."""
        opened_copies.forget_old(store=self.url)

    def exists(self, path: str) -> bool:
        """Whether a file is stored at `path`, which is relative to the store."""
        return bool(self._fs.exists(self._full(path)))

    def paths(self, folder: str = "") -> list[str]:
        """Everything in the store, or below one folder of it: for finding files that no row speaks of."""
        root = str(self._root).rstrip("/")
        begin = f"{root}/{folder}".rstrip("/")
        if not self._fs.exists(begin):
            return []
        return sorted(found[len(root) + 1 :] for found in self._fs.find(begin))

    def _full(self, path: str) -> str:
        parts = path.split("/")
        assert path and all(part not in ("", ".", "..") for part in parts), f"not a path inside the store: {path!r}"
        return f"{str(self._root).rstrip('/')}/{path}"

    def _remove_quietly(self, full: str) -> None:
        if self.is_local:
            with suppress(OSError):
                # The failure that led here is the one to tell about.
                Path(full).unlink(missing_ok=True)

    def _remove_empty_folder(self, folder: Path) -> None:
        with suppress(OSError):
            # Another file may live there.
            folder.rmdir()


def _key_for(organisation: UUID) -> DataKey:
    # Processes of jobs read files and have no tables.
    from otai.orgs.data_keys import key_for

    return key_for(organisation)


def _key_with(id: UUID) -> DataKey:
    from otai.orgs.data_keys import key_with

    return key_with(id)


OF_ORGANISATIONS = ("tickets", "models", "guarantees", "exports", "uploads")


def owner_of(path: str) -> UUID | None:
    """The organisation in whose folder the file lies (`tickets/ORGANISATION/...`); None for what is nobody's."""
    top, _, rest = path.partition("/")
    try:
        return UUID(rest.partition("/")[0]) if top in OF_ORGANISATIONS else None
    except ValueError:
        return None


def kept_vectors(organisation: object) -> Path | None:
    """Where a training keeps vectors; None where files are encrypted, since from a vector some of the text can be
    guessed."""
    return None if settings.OTAI_ENCRYPT_FILES else vectors_folder(organisation)


def vectors_folder(organisation: object) -> Path:
    """Where this machine keeps vectors of an organisation's tickets, by the organisation's key, so that training again
    takes seconds. They can always be made again; whoever deletes tickets calls `forget_vectors`."""
    return Path(settings.OTAI_HOME) / "vectors" / str(organisation)


def forget_vectors(organisation: object) -> None:
    """Deletes the vectors of all the organisation's tickets on this machine: which of them came from which data set is
    not kept."""
    shutil.rmtree(vectors_folder(organisation), ignore_errors=True)


def file_store() -> FileStore:
    """The store of this installation, from the setting `OTAI_FILES`."""
    return FileStore(settings.OTAI_FILES)


def _protocols(fs: Any) -> tuple[str, ...]:
    protocol = fs.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _errors_of(fs: Any) -> tuple[type[Exception], ...]:
    """What the store raises when it cannot be reached or refuses. S3's own errors are no OSError where nothing answers
    at all."""
    if "s3" not in _protocols(fs):
        return (OSError,)
    from botocore.exceptions import BotoCoreError, ClientError

    return (OSError, BotoCoreError, ClientError)


def _hash_of(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
