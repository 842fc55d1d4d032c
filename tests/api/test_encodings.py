"""Whatever somebody says that the encoding of a file is: it is read so, or refused by code. Never a mistake of ours."""

from __future__ import annotations

import encodings
import gzip
import json
import pkgutil
from encodings.aliases import aliases
from pathlib import Path

import pytest

from otai.jobs import child, fork_server
from otai.jobs.server import Flight
from otai.tickets.operations import preview_columns
from otai.tickets.options import ReadOptions
from otai.tickets.problems import DatasetInvalid
from otai.tickets.sources.encodings import KNOWN, known_encoding
from tests.api.callers import Program

CODECS = sorted({*aliases.values(), *(module.name for module in pkgutil.iter_modules(encodings.__path__))})
ODD = [
    "",
    " ",
    "a\0b",
    "../../outside",
    "utf-8\n",
    "utf_8_sig ",
    "é",
    "x" * 40,
    "UTF-8",
    "Latin-1",
    "windows-1252",
    "__init__",
    "os",
    "cp99999",
]
CSV = "subject,body,queue\n" + "".join(f"Printer {n},It is on fire,{'it' if n % 2 else 'hr'}\n" for n in range(40))
PACKED = ("utf_8", "utf_16", "cp1252", "shift_jis")
NO_TEXT = (
    "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7", "rot13", "hex", "zip", "bz2",
    "base64", "uu",
           "quopri", "charmap", "mbcs", "oem")  # fmt: skip


class WorkHere:
    """In the place of the server that forks: hundreds of small files, each read at once. What dies in a process of its
    own dies here alike."""

    def fly(self, *, job: str, work: str, folder: Path, bounds: object, reaches_out: bool = False) -> Flight:
        flight = Flight(job, self)  # type: ignore[arg-type]
        try:
            left = fork_server.work({"work": work}, folder, lambda **_: None)
            (folder / "result.json").write_bytes(json.dumps(left, ensure_ascii=False).encode("utf-8", "replace"))
            flight.messages.put({"exit": 0})
        except Exception:  # noqa: BLE001  as in the outermost frame of a job's process
            flight.messages.put({"exit": child.WENT_WRONG})
        return flight

    def say(self, line: dict[str, object]) -> bool:
        return True

    def end(self, job: str) -> None:
        """Nothing flies any more: the work was done when it was asked for."""


@pytest.fixture
def work_here(monkeypatch: pytest.MonkeyPatch) -> None:
    here = WorkHere()
    monkeypatch.setattr("otai.jobs.conducting.server", lambda: here)


@pytest.mark.pure
@pytest.mark.django_db
@pytest.mark.usefixtures("work_here")
def test_no_name_of_an_encoding_is_answered_with_a_500(alice: Program, settings: object) -> None:
    settings.OTAI_API_REQUESTS_PER_MINUTE = 1_000_000  # type: ignore[attr-defined]
    from urllib.parse import quote

    answers: dict[str, int] = {}
    umlauts = "subject,body\nDrucker,\xfcber\x81\xff\n".encode("latin-1") * 9
    for name in [*CODECS, "rot13", "latin1", *ODD]:
        # Each codec with what breaks some of them, packed as well for the best known; other spellings of it once.
        for content in (umlauts, gzip.compress(umlauts))[: 2 if name in PACKED else 1] if name in KNOWN else ():
            answer = alice.upload(f"/data-sets/preview?filename=t.csv&encoding={quote(name)}", content)
            assert answer.status_code in (200, 422), (name, answer.status_code)
        answers[name] = alice.upload(
            f"/data-sets/preview?filename=t.csv&encoding={quote(name)}", CSV.encode()
        ).status_code
    for name in NO_TEXT:
        assert answers.get(name, 422) == 422, name
    assert [answers[name] for name in ("utf_8", "latin1", "cp1252", "ascii", "UTF-8", "windows-1252")] == [200] * 6
    # The import answers like its preview.
    for name in (*NO_TEXT, "a\0b"):
        answer = alice.upload(f"/data-sets?name=t&filename=t.csv&encoding={quote(name)}", CSV.encode())
        assert answer.status_code == 422 and answer.json()["error"]["code"] in ("dataset_invalid", "invalid_request"), (
            name
        )


@pytest.mark.pure
@pytest.mark.parametrize("codec", sorted(KNOWN))
def test_what_is_known_is_read_from_end_to_end(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(CSV.encode(codec))
    assert preview_columns(path, options=ReadOptions(encoding=codec)).look.rows == 40
    # Bytes that mean nothing in it are bad rows, or other characters; nothing breaks.
    path.write_bytes(CSV.encode(codec) + bytes(range(128, 256)) * 3)
    try:
        preview_columns(path, options=ReadOptions(encoding=codec))
    except DatasetInvalid as refused:
        assert refused.details["problems"]


@pytest.mark.pure
def test_spellings_lead_to_one_codec() -> None:
    assert {known_encoding(name) for name in ("utf-8", "UTF8", "U8", "utf_8", " Utf-8 ")} == {"utf_8"}
    assert known_encoding("windows-1252") == known_encoding("CP1252") == "cp1252"
    for name in aliases:
        assert known_encoding(name) in (*KNOWN, None)
    assert [known_encoding(name) for name in NO_TEXT] == [None] * len(NO_TEXT)
