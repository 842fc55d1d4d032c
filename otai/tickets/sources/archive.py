"""Several files packed into one: the tables of a zip or tar archive, read one after the other as one table."""

from __future__ import annotations

import gzip
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, DatasetInvalid, refused
from otai.tickets.sources.kinds import Placing, Table, kinds_of
from otai.tickets.sources.mails import MailSource
from otai.tickets.sources.table import Beside, Noted, RowBatch, Source, first_values, read_as, some_of_each
from otai.words.sentences import Fact

MOST_FILES = 20_000
FILE_COLUMN = "File"
CHUNK_BYTES = 1 << 20
_RATIO_FROM_BYTES = 64 << 20

Opener = Callable[[Path, str], Source]
"""Opens one unpacked file under the name it has in the archive."""


class ArchiveSource:
    """The files of an archive that are tables of one kind, joined by the names of their columns, and which of them each
    row comes from. Row numbers go on from file to file. `beside` are tables that belong to the tickets by their
    ids."""

    def __init__(self, path: Path, *, kind: str, limits: Limits, opened: Opener) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="otai-archive-")
        self._limits = limits
        unpacked = list(_unpacked(path, kind, Path(self._folder.name), limits))
        if not unpacked:
            raise refused("archive_empty")
        mails = [file for file, name in unpacked if name.lower().endswith(".eml")]
        folders = [name.rpartition("/")[0].rpartition("/")[2] for _, name in unpacked if name.lower().endswith(".eml")]
        unpacked = [(file, name.rpartition("/")[2]) for file, name in unpacked]
        sources: list[tuple[str, Source]] = []
        left_out: list[str] = []
        problems: list[tuple[str, DatasetInvalid]] = []
        if mails:
            sources.append(("mails", MailSource(files=mails, folders=folders, limits=limits)))
        for file, name in unpacked:
            if file in mails:
                continue
            try:
                sources.append((name, opened(file, name)))
            except DatasetInvalid as problem:
                left_out.append(name)
                problems.append((name, problem))
        if not sources:
            raise refused("archive_no_table", file=problems[0][0], why=problems[0][1])
        sizes = {name: file.stat().st_size for file, name in unpacked}
        tables = [Table(source.columns, sizes.get(name, 0), partial(first_values, source)) for name, source in sources]
        kinds = kinds_of(tables)
        self._sources = [sources[at] for at in kinds.tickets]
        self.beside = [Beside(*sources[at], ticket) for at, ticket in kinds.beside.items()]
        left_out += [sources[at][0] for at in kinds.others]
        first = self._sources[0][1]
        self.noted: Noted = first.noted
        self.noted.files, self.noted.files_left_out = [name for name, _ in self._sources], left_out
        self.noted.joined_by_id = [one.name for one in self.beside]
        self._placing = Placing([source.columns for _, source in self._sources])
        self.columns = list(self._placing.columns)
        if len(self._sources) > 1:
            self.columns.append(_free(FILE_COLUMN, self.columns))
        files = Fact("format_files", {"kind": kind, "count": len(self._sources)})
        self.format = read_as(files, first.format)
        self._position = 0
        self._reading: list[Source] = []

    def bytes_read(self) -> int:
        return self._position + sum(source.bytes_read() for source in self._reading)

    def first_batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """All rows, some of each file first, for a look at all columns."""
        self._position = 0
        self._reading = [source for _, source in self._sources]
        yield from some_of_each([self._placed(name, source, source.batches(bad), 0) for name, source in self._sources])

    def _placed(self, name: str, source: Source, batches: Iterator[RowBatch], offset: int) -> Iterator[RowBatch]:
        for rows in batches:
            placed = self._placing.placed(rows, source.columns)
            if len(self._sources) > 1:
                numbers = [number + offset for number in placed.numbers]
                placed = RowBatch(numbers, [*placed.columns, [name] * len(numbers)])
            yield placed

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """The tickets of all files, one after the other."""
        offset = self._position = 0
        self.noted.later_tables = []
        for at, (name, source) in enumerate(self._sources):
            last = 0
            if at:
                self.noted.later_tables.append(offset + 1)
            self._reading = [source]
            shifted = _Shifted(bad, offset)
            for rows in self._placed(name, source, source.batches(shifted), offset):
                last = max(last, rows.numbers[-1] - offset * (len(self._sources) > 1) if rows.numbers else 0)
                yield rows
            offset += last
            self._reading = []
            self._position += source.bytes_read()


class _Shifted(BadRows):
    """Bad rows of one file, counted with those of the whole archive."""

    def __init__(self, whole: BadRows, offset: int) -> None:
        super().__init__(skip=whole.skip)
        self._whole = whole
        self._offset = offset

    def add(self, row: int, column: str | None, case: str, **values: Any) -> None:
        self._whole.add(row + self._offset, column, case, **values)


def _free(name: str, taken: list[str]) -> str:
    return name if name not in taken else _free(name + "'", taken)


def unpacked_gzip(path: Path, folder: Path, limits: Limits) -> Path:
    """What a gzip file holds, as a file."""
    target = folder / "unpacked"
    with path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as stream:
        try:
            _copied(stream, target, limits, [0], path.stat().st_size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise refused("gzip_damaged", error=error) from error
    return target


def _unpacked(path: Path, kind: str, folder: Path, limits: Limits) -> Iterator[tuple[Path, str]]:
    """(file, its name in the archive) of each regular file, unpacked under names of ours and bounded by decoded bytes,
    all together."""
    total = [0]
    size = path.stat().st_size
    try:
        if kind == "zip":
            with zipfile.ZipFile(path) as archive:
                entries = [one for one in archive.infolist() if not one.is_dir() and _is_wanted(one.filename)]
                _must_be_few(len(entries))
                if any(one.flag_bits & 1 for one in entries):
                    raise refused("archive_password")
                for number, entry in enumerate(entries):
                    target = folder / str(number)
                    with archive.open(entry) as stream:
                        _copied(stream, target, limits, total, size)
                    yield target, _shown(entry.filename)
        else:
            with tarfile.open(path, "r:*") as tar:
                for number, member in enumerate(tar):
                    _must_be_few(number)
                    content = tar.extractfile(member) if member.isfile() and _is_wanted(member.name) else None
                    if content is not None:
                        target = folder / str(number)
                        _copied(content, target, limits, total, size)
                        yield target, _shown(member.name)
    except (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise refused("archive_damaged", error=error) from error


def _must_be_few(files: int) -> None:
    if files > MOST_FILES:
        raise refused("archive_files", most=MOST_FILES)


def _is_wanted(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" not in parts and not parts[-1].startswith(".") and bool(parts[-1])


def _shown(name: str) -> str:
    folder, _, file = name.replace("\\", "/").rpartition("/")
    return f"{folder[-200:]}/{file[:200]}" if folder else file[:200]


def _copied(
    stream: IO[bytes] | gzip.GzipFile, target: Path, limits: Limits, total: list[int], packed_bytes: int
) -> None:
    with target.open("wb") as out:
        while chunk := stream.read(CHUNK_BYTES):
            total[0] += len(chunk)
            if total[0] > limits.source_bytes:
                raise refused("archive_large", most=round(limits.source_bytes / (1 << 30)))
            if total[0] > limits.unpacked_bytes_trusted and total[0] > limits.unpacked_ratio * packed_bytes:
                raise refused("archive_ratio", most=limits.unpacked_ratio)
            out.write(chunk)
