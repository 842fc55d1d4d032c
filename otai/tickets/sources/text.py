"""Text files: their encoding, found by reading all of them once, and their characters as a bounded stream."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from otai.tickets.limits import Limits
from otai.tickets.problems import refused
from otai.tickets.sources.encodings import known_encoding
from otai.words.sentences import Fact

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 256 << 10
UNDECODABLE = "\udcff"
"""Stands for bytes that the encoding does not know. It is no character, so it cannot come from anywhere else, and Arrow
refuses it."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSED = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_15", "iso8859_2", "mac_roman", "cp850", "cp437",
    "shift_jis", "gb18030", "big5", "euc_kr", "koi8_r",
]  # fmt: skip
UNDECODABLE_HANDLER = "otai-undecodable"
MIXED = "utf-8 with lines in "
"""Before a codec's name: UTF-8, and bytes that are none of it read in that codec."""
_BESIDE_UTF8 = {
    "cp1252": None,
    "cp1250": frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽäôľĺŕőűÖÜöüÄăâîşţ„”…"),
    "iso8859_2": frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽäôľĺŕőűÖÜöüÄăâîşţ"),
    "cp1254": frozenset("çğıöşüÇĞİÖŞÜâîû…"),
    "cp1251": frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁіїєґІЇЄҐ«»№—"),
}
"""What the lines in another encoding may be in, with the letters that such text is made of: those of Western Europe are
told by `_reads_as_western`."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return UNDECODABLE, error.end


def _as_other(error: UnicodeError, codec: str) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode(codec, errors=UNDECODABLE_HANDLER), error.end


codecs.register_error(UNDECODABLE_HANDLER, _mark)
for _codec in _BESIDE_UTF8:
    codecs.register_error(f"otai-{_codec}", partial(_as_other, codec=_codec))


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of text, possibly compressed with gzip, and the encoding that it will be read in."""

    path: Path
    is_gzip: bool
    encoding: str
    limits: Limits
    longest_line: int = 0
    """In bytes."""

    def must_have_lines(self) -> None:
        """Raises DatasetInvalid where a line is longer than may be read at once."""
        if self.longest_line > self.limits.line_bytes:
            raise refused("line", most=self.limits.line_bytes >> 20)

    def open(self) -> io.TextIOWrapper:
        """Its characters, line ends untouched; UNDECODABLE where bytes make no sense. Reading raises DatasetInvalid at
        a bound."""
        return self.decoded(self.open_bytes())

    def open_bytes(self) -> io.BufferedReader:
        """Its bytes, unpacked, with the same bounds."""
        return io.BufferedReader(_Bounded(self.path, is_gzip=self.is_gzip, limits=self.limits), CHUNK_BYTES)

    def decoded(self, handle: io.BufferedReader) -> io.TextIOWrapper:
        """The characters of its bytes, as `open` gives them."""
        return io.TextIOWrapper(
            handle,
            encoding="utf-8" if self.is_mixed else self.encoding,
            errors=f"otai-{self.encoding.removeprefix(MIXED)}" if self.is_mixed else UNDECODABLE_HANDLER,
            newline="",
        )

    @property
    def is_utf8(self) -> bool:
        """Whether it is read as UTF-8 and nothing else."""
        return self.encoding in ("utf-8", "utf-8-sig")

    @property
    def is_mixed(self) -> bool:
        """Whether it is UTF-8 with lines in another encoding."""
        return self.encoding.startswith(MIXED)

    @property
    def written_in(self) -> tuple[Fact, ...]:
        """The encoding, and that the file is compressed if it is."""
        names = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8"}
        name = names.get(self.encoding, self.encoding.replace("_", "-"))
        encoding = Fact("encoding", {"name": name})
        if self.is_mixed:
            other = self.encoding.removeprefix(MIXED)
            is_usual = other == "cp1252"
            encoding = Fact("encoding_mixed") if is_usual else Fact("encoding", {"name": f"UTF-8 + {other}"})
        return (encoding, Fact("packed_gzip")) if self.is_gzip else (encoding,)


class _Bounded(io.RawIOBase):
    """The bytes of a file, unpacked where it is compressed, which end with a refusal at the bound."""

    def __init__(self, path: Path, *, is_gzip: bool, limits: Limits) -> None:
        self._limits = limits
        self._file = path.open("rb")
        self._stream: IO[bytes] = gzip.GzipFile(fileobj=self._file) if is_gzip else self._file  # type: ignore[assignment]
        self._is_gzip = is_gzip
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise refused("gzip_damaged_after", bytes=self._given, error=error) from error
        buffer[: len(data)] = data
        self._given += len(data)
        if self._given > self._limits.source_bytes:
            raise refused("unpacked", most=round(self._limits.source_bytes / (1 << 30)))
        if (
            self._is_gzip
            and self._given > self._limits.unpacked_bytes_trusted
            and self._given > self._limits.unpacked_ratio * self._file.tell()
        ):
            raise refused("gzip_ratio")
        return len(data)

    def tell_file(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def position_in_file(handle: io.TextIOWrapper | io.BufferedReader) -> int:
    """How many bytes of the file itself (packed, if it is) were read."""
    raw: Any = getattr(handle, "buffer", handle).raw  # type: ignore[union-attr]
    return int(raw.tell_file()) if not raw.closed else 0


def read_text_file(path: Path, *, encoding: str | None, limits: Limits) -> TextFile:
    """The file with its encoding: the one given, the one its first bytes state, UTF-8 if it is valid, else the most
    likely one.

    Reads the file once to the end (about 1 GB/s): a sample would miss the one umlaut in row 900 000, and half an import
    later is a bad moment to find it. Raises DatasetInvalid for an unknown encoding, a bound, a line without an end.
    """
    with path.open("rb") as handle:
        head = handle.read(4)
    is_gzip = head[:2] == b"\x1f\x8b"
    if encoding is not None and known_encoding(encoding) is None:
        # Named as it came, but never at length.
        raise refused("encoding", encoding=encoding[:40])
    scan = _scan(path, is_gzip=is_gzip, limits=limits)
    file = TextFile(path, is_gzip, encoding or scan.encoding(), limits, scan.longest_line)
    if encoding is not None:
        try:
            with file.open() as characters:
                characters.read(1)
        except UnicodeError:
            # UTF-16 and UTF-32 say by their first bytes which end comes first.
            raise refused("byte_order", encoding=encoding[:40]) from None
    return file


@dataclass(slots=True)
class _Scan:
    """What one pass over the bytes found. `odd` gathers the neighbourhoods of bytes beyond ASCII, for guessing."""

    head: bytes = b""
    longest_line: int = 0
    """In bytes; of lines longer than a chunk. (Shorter ones do not matter.)"""
    utf8_errors: int = 0
    latin_characters: int = 0
    """Of the characters in UTF-8, in text that is not all of it: letters and marks of Europe."""
    undecodable: bytes = b""
    """Some of the bytes that are no UTF-8."""
    utf8_characters: int = 0
    odd: bytes = b""
    nul_even: int = 0
    nul_odd: int = 0

    def encoding(self) -> str:
        for bom, name in _BOMS:
            if self.head.startswith(bom):
                return name
        # Text in UTF-16 without a mark has a zero in every other byte, in western languages.
        sampled = max(len(self.head) // 2, 1)
        if self.nul_odd > 0.4 * sampled and self.nul_even < 0.05 * sampled:
            return "utf-16-le"
        if self.nul_even > 0.4 * sampled and self.nul_odd < 0.05 * sampled:
            return "utf-16-be"
        # Two files joined, one in UTF-8 and one in a code page: what is no UTF-8 reads as letters of it.
        # A few pairs of letters look like UTF-8 by accident; they stand for letters that nobody writes here.
        is_joined = self.latin_characters >= max(3, self.utf8_errors // 1_000, self.utf8_characters // 2)
        if self.utf8_errors and is_joined and (other := _beside_utf8(self.undecodable)):
            return f"{MIXED}{other}"
        # Text in another encoding is hardly ever valid UTF-8 by accident, so a few damaged bytes among good ones are
        # bad rows of UTF-8.
        if self.utf8_errors == 0 or self.utf8_characters > 2 * self.utf8_errors:
            return "utf-8"
        return _most_likely(self.odd)


def _scan(path: Path, *, is_gzip: bool, limits: Limits) -> _Scan:
    scan = _Scan()
    since_line_end = 0
    rest = b""
    with io.BufferedReader(_Bounded(path, is_gzip=is_gzip, limits=limits), CHUNK_BYTES) as handle:
        while chunk := handle.read(CHUNK_BYTES):
            if not scan.head:
                scan.head = chunk[:SAMPLE_BYTES]
                scan.nul_even, scan.nul_odd = scan.head[0::2].count(0), scan.head[1::2].count(0)
            last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            first = len(chunk) if last < 0 else min(at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0)
            scan.longest_line = max(scan.longest_line, since_line_end + first)
            since_line_end = since_line_end + len(chunk) if last < 0 else len(chunk) - last
            data = rest + chunk
            rest = b""
            if data.isascii():
                continue
            rest = _incomplete_end(data)
            data = data[: len(data) - len(rest)]
            try:
                data.decode("utf-8")
                scan.utf8_characters += len(data) - len(data.translate(None, _BEYOND_ASCII))
            except UnicodeDecodeError:
                decoded = data.decode("utf-8", errors="surrogateescape")
                undecodable = _ESCAPED.findall(decoded)
                scan.utf8_errors += len(undecodable)
                scan.latin_characters += len(_LATIN.findall(decoded))
                scan.utf8_characters += len(decoded) - len(_BEYOND.sub("", decoded)) - len(undecodable)
                if len(scan.undecodable) < SAMPLE_BYTES:
                    scan.undecodable += "".join(undecodable).encode("utf-8", errors="surrogateescape")
            if len(scan.odd) < SAMPLE_BYTES:
                scan.odd += b"\n".join(_odd_lines(data))[:SAMPLE_BYTES]
    if rest:
        scan.utf8_errors += 1
        scan.odd += rest
    return scan


_BEYOND_ASCII = bytes(range(0x80, 0x100))
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_LATIN = re.compile("[\u00c0-\u024f\u0400-\u045f\u0490\u0491\u2010-\u203a\u20ac]")
_ESCAPED = re.compile("[\udc80-\udcff]")
"""How Python writes a byte that is no UTF-8."""


def _incomplete_end(data: bytes) -> bytes:
    """The last bytes that begin a UTF-8 character which the next chunk completes."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[-back:] if needed > back else b""
        if byte < 0x80:
            return b""
    return b""


def _odd_lines(data: bytes) -> Iterator[bytes]:
    taken = 0
    for line in data.splitlines():
        if not line.isascii():
            taken += len(line)
            yield line[:4096]
            if taken > SAMPLE_BYTES:
                return


def _most_likely(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    # Western Windows text is by far the most common helpdesk export, and detectors take short texts in it for
    # neighbours (Mac, DOS): letters of German and French at places where letters stand decide first.
    if _reads_as_western(sample):
        return "cp1252"
    best = from_bytes(sample[:SAMPLE_BYTES], cp_isolation=_GUESSED, preemptive_behaviour=False).best()
    return best.encoding if best is not None else "cp1252"


_WESTERN = frozenset(
    bytes.fromhex("80848b91929394959697 9ba0a6a7a9abaeb0bb").decode("cp1252") + "äöüÄÖÜßàâçéèêëîïôùûæøåñãõíóúáÀÂÇÉÈÊØÅÑ"
)
"""Letters of German, French, Spanish and the Nordic languages, and typographic marks."""


def _beside_utf8(undecodable: bytes) -> str | None:
    """The encoding of lines that are no UTF-8 in a file that else is; None where nothing tells."""
    if _reads_as_western(undecodable):
        return "cp1252"
    for codec, letters in _BESIDE_UTF8.items():
        read = undecodable.decode(codec, errors="replace")
        is_of_it = sum(letter in letters for letter in read) >= _SURELY * len(read) if letters else False
        if is_of_it and len(set(read)) >= _DIFFERENT_LETTERS:
            return codec
    return None


_SURELY, _DIFFERENT_LETTERS = 0.97, 5
"""A few damaged bytes are letters of some alphabet, too."""


def _reads_as_western(sample: bytes) -> bool:
    odd = sample.translate(None, bytes(range(0x80))).decode("cp1252", errors="replace")
    return bool(odd) and sum(character in _WESTERN for character in odd) >= 0.9 * len(odd)
