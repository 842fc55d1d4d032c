"""What is read quickly is read as it was slowly: whole blocks by Arrow, row by row by Python's strict reader."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from otai.learning.data.cuts.cut_columns import CutCount, cut_texts
from otai.learning.data.cuts.cutting import TextRules, cut
from otai.learning.data.normal_texts import normal_texts
from otai.learning.data.profiling import _codes_of_sets, code_of_labels
from otai.tickets.limits import LIMITS
from otai.tickets.problems import BadRows, DatasetInvalid
from otai.tickets.sources import plain_blocks, table
from otai.tickets.sources.delimited import DelimitedSource
from otai.tickets.sources.plain_blocks import PlainReader, PlainRecords
from otai.tickets.sources.text import read_text_file

pytestmark = pytest.mark.pure

PIECES = ["a", "b c", '""', '"', ",", "\n", "\r\n", "\r", " ", "é", "Ünïcode", "\x00", "\ufeff", "=", "\\", "x" * 30]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_blocks, "FIRST_BYTES", 40)
    monkeypatch.setattr(plain_blocks, "FEWEST_BYTES", 60)
    monkeypatch.setattr(table, "BATCH_CHARACTERS", 400)
    monkeypatch.setattr(plain_blocks, "LONGEST_RECORD", 4_000)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _odd_text(chance: random.Random) -> bytes:
    """Rows as programs write them, with now and then something that hardly any does."""
    oddness = chance.choice((0.0, 0.002, 0.02))
    lines = ["id,subject,body\n"]
    for number in range(chance.randrange(40, 160)):
        cells = [str(number), "".join(chance.choices(PIECES, k=2)), "".join(chance.choices(PIECES, k=4))]
        written = [cell if cell.isalnum() else _quoted(cell) for cell in cells]
        if chance.random() < oddness:
            written = chance.choice(
                (written[:2], [*written, "d"], [*cells], ["id", "subject", "body"], [], ["Page 3", "", ""])
            )
        lines.append(",".join(written) + chance.choice(("\n", "\n", "\n", "\r\n")))
    data = "".join(lines).encode()
    if chance.random() < 4 * oddness:
        at = chance.randrange(20, len(data))
        data = data[:at] + chance.choice((b"\xff", b'"', b"\n\n", b"\xc3")) + data[at:]
    return data


def _read(path: Path) -> tuple[Any, ...]:
    bad = BadRows(skip=True)
    try:
        source = DelimitedSource(read_text_file(path, encoding="utf-8", limits=LIMITS))
        rows = []
        for batch in source.batches(bad):
            cells = [column.to_pylist() if hasattr(column, "to_pylist") else column for column in batch.columns]
            rows += [(number, *row) for number, *row in zip(batch.numbers, *cells, strict=True)]
    except DatasetInvalid as problem:
        return (problem.code, str(problem))
    return rows, bad.count, [(one.row, one.column, str(one)) for one in bad.first], source.noted


def test_a_table_reads_the_same_by_blocks_and_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_blocks: list[int] = []
    read = PlainReader._read

    def noted(self: PlainReader, block: bytes) -> PlainRecords | None:
        columns = read(self, block)
        by_blocks.append(0 if columns is None else len(columns))
        return columns

    monkeypatch.setattr(PlainReader, "_read", noted)
    for seed in range(80):
        path = tmp_path / f"{seed}.csv"
        path.write_bytes(_odd_text(random.Random(seed)))
        by_blocks_read = _read(path)
        with monkeypatch.context() as slowly:
            slowly.setattr(DelimitedSource, "_parts", lambda self, handle: iter([self._text.decoded(handle)]))
            assert by_blocks_read == _read(path), f"seed {seed}"
    assert sum(by_blocks) > 3_000 and by_blocks.count(0) > 10


def test_corrections_and_threads_read_cells_of_a_long_table(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("id,body\n" + "".join(f'{number},"a text, {number}"\n' for number in range(300)))
    source = DelimitedSource(read_text_file(path, encoding=None, limits=LIMITS))
    assert [cell for batch in source.batches(BadRows(skip=True)) for cell in batch.lists()[1]][299] == "a text, 299"


def test_texts_are_the_same_in_case_and_blanks_together_as_one_by_one() -> None:
    chance = random.Random(4)
    signs = [chr(one) for one in range(1, 0x3100) if unicodedata.category(chr(one)) != "Cn"]
    blanks = [sign for sign in signs if sign.isspace()]
    texts = [
        "".join(chance.choices((*signs[:128], *chance.choices(signs, k=9), *chance.choices(blanks, k=40)), k=30))
        for _ in range(3_000)
    ]
    texts += ["", " ", "\u3000", "A\xa0 b", "a B ", "ΟΔΟΣ", "İ", "a\0b"]
    singly = [" ".join(text.lower().split()).encode() for text in texts]
    for start in range(0, len(texts), 7):
        some = texts[start : start + 7]
        assert normal_texts(pa.array(some, pa.string())) == singly[start : start + 7], some
    assert normal_texts(pa.array([], pa.string())) == []
    ends = pa.array(texts, pa.string()).slice(len(texts) - 5, 2)
    assert normal_texts(ends) == singly[-5:-3]


def test_sets_of_labels_have_the_codes_that_each_would_have_alone() -> None:
    sets = [["b", "a"], None, [], ["a"], ["a", "b"], ["c d", "a"], ["a"]]
    made = _codes_of_sets(pa.array(sets, pa.list_(pa.string()))).tolist()
    assert made == [code_of_labels("\x1f".join(sorted(labels))) if labels else 0 for labels in sets]
    assert made[0] == made[4] != made[3]
    assert _codes_of_sets(pa.array([None, None], pa.list_(pa.string()))).tolist() == [0, 0]


MAILS = (
    "Hello,", "the printer is broken", "Mit freundlichen Grüßen", "Kind regards,", "  Thanks!", "Viele\xa0Grüße", "MfG",
    "--", "__", "Ada Byron", "Tel. +49 30 5550001", "+49\xa030\xa0555 0001", "Acme GmbH", "ada@acme.example",
    "10115 Berlin", "", "", " ", "\xa0", "> quoted before", "On Monday Ada wrote:", "-----Original Message-----",
    "From: Ada", "Sent: Monday", "__________________", "Sent from my iPhone", "\xa0Gesendet mit der App",
    "Von meinem iPhone gesendet", "Get Outlook for iOS", "This message is confidential and may be privileged.",
    "Please notify the sender. Do not print.", "Am 3. Mai schrieb Ada:", "Am 3. Mai um 10 Uhr",
    "schrieb Ada Byron <ada@acme.example>:", "W dniu 3 maja Ada napisała:", "Il giorno 3 Ada ha scritto:",
)  # fmt: skip
"""Lines as mails have them; blanks of several kinds among them."""


def test_mails_are_cut_alike_by_columns_and_one_by_one() -> None:
    chance = random.Random(9)
    mails = ["\n".join(chance.choices(MAILS, k=chance.randrange(2, 9))) for _ in range(4_000)]
    together = cut_texts(pa.array(mails, pa.string()), TextRules(), CutCount()).to_pylist()
    singly = [cut(mail, TextRules()).text for mail in mails]
    assert sum(mail != text for mail, text in zip(mails, singly, strict=True)) > 1_000
    assert [pair for pair in zip(mails, together, singly, strict=True) if pair[1] != pair[2]] == []
