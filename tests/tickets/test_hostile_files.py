"""Small inputs that ask for much: a page of one text repeated, markup as deep as it is long."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otai.learning.data.texts.html_text import _without_attributes, text_of_html
from otai.tickets.guessing import look_at
from otai.tickets.problems import DatasetInvalid
from otai.tickets.sources.opening import open_source
from tests.tickets.damaged_files import damaged_files, nested_mails

pytestmark = pytest.mark.pure

LONG_TEXT = "a" * 2_000_000


def repeated(times: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([LONG_TEXT]))


@pytest.mark.parametrize("is_list", [False, True])
def test_a_kilobyte_that_repeats_a_long_text_is_refused_before_it_is_unpacked(is_list: bool, tmp_path: Path) -> None:
    file = tmp_path / "tickets.parquet"
    texts = repeated(2_000)
    column = pa.ListArray.from_arrays(pa.array(range(2_001), pa.int32()), texts) if is_list else texts
    table = pa.table({"text": column, "queue": ["a", "b"] * 1_000})
    pq.write_table(table, file, compression="zstd", store_schema=is_list)
    assert file.stat().st_size < 4_000
    before = pa.total_allocated_bytes()
    with pytest.raises(DatasetInvalid, match="unpack to 2,048\N{NO-BREAK SPACE}MB"):
        look_at(open_source(file))
    assert pa.total_allocated_bytes() - before < 100 << 20


def test_repeated_texts_of_a_real_table_are_read_as_before(tmp_path: Path) -> None:
    from otai.tickets.problems import BadRows

    file = tmp_path / "tickets.parquet"
    texts = [f"The printer in room {room % 7} is on fire" for room in range(3_000)]
    tags = [["fire", "printer"], None, []] * 1_000
    pq.write_table(pa.table({"text": texts, "tags": tags, "queue": pa.array(["it"] * 3_000).dictionary_encode()}), file)
    rows = list(open_source(file).batches(BadRows(skip=True)))
    assert [text for batch in rows for text in batch.columns[0].to_pylist()] == texts
    assert [given for batch in rows for given in batch.columns[1].to_pylist()] == tags


HOSTILE = {
    "nested": "<div>" * 80_000 + "Help",
    "nested and closed": "<div>" * 80_000 + "Help" + "</div>" * 80_000,
    "nested in others": "<p>Hi</p>" + "<span><b><ul><li>" * 8_000 + "Help",
    "attributes": "<p " + " ".join(f"a{number}=1" for number in range(64_000)) + ">Help</p>",
    "bare attributes": "<p " + " ".join(f"a{number}" for number in range(64_000)) + ">Help</p>",
    "quoted attributes": "<p " + "".join(f'a{number}=">"' for number in range(64_000)) + ">Help</p>",
    "quotes that never close": "<p>Help</p>" + '<a title="' * 40_000,
    "comments that never close": "<p>Help</p>" + "<!--" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_markup_takes_time_by_its_length_alone(name: str) -> None:
    """A parser of trees took 23 seconds for the first, four times as long for twice its depth, and 15 seconds for the
    attributes."""
    began = time.process_time()
    assert "Help" in text_of_html(HOSTILE[name])
    assert time.process_time() - began < 3


def test_deep_markup_reads_as_shallow_markup_does() -> None:
    mail = (
        "<style>p { color: red }</style><p title='a > b'>Dear&nbsp;team,</p><div>the <b>printer</b><br>is on fire</div>"
        "<table><tr><td>Room</td><td>7</td></tr></table><script>if (1 < 2) steal()</script>"
    )
    deep = "<div>" * 300 + mail + "</div>" * 300
    assert text_of_html(deep) == text_of_html(mail) == "Dear team,\n\nthe printer\nis on fire\n\nRoom 7"
    assert text_of_html(_without_attributes(mail)) == text_of_html(mail)


def test_what_a_reader_stumbles_over_is_a_refusal_of_the_file(tmp_path: Path) -> None:
    said = {}
    for file in damaged_files(tmp_path):
        with pytest.raises(DatasetInvalid) as refused:
            look_at(open_source(file))
        said[file.stem] = refused.value.message
    assert "“A2000000000” lies outside any sheet" in said["a row far below"]
    assert "“ZZZZZZZ1” lies outside any sheet" in said["a column far away"]
    assert all("damaged" in sentence for sentence in said.values()), said


def test_one_damaged_mail_is_a_bad_row_among_the_others(tmp_path: Path) -> None:
    from otai.tickets.problems import BadRows

    file = tmp_path / "mails.mbox"
    good = nested_mails(0).replace("Help", "Help me")
    file.write_text(f"{good}\n{nested_mails(2_000)}\n{good}")
    bad = BadRows(skip=True)
    rows = [row for batch in open_source(file).batches(bad) for row in batch.numbers]
    assert rows == [1, 3]
    assert [problem.row for problem in bad.first] == [2]


def test_no_memory_and_a_full_disk_are_not_the_files_fault() -> None:
    from otai.tickets.problems import told_as

    for fault in (MemoryError(), OSError(28, "No space left on device"), KeyboardInterrupt()):
        with pytest.raises(type(fault)), told_as("file_damaged"):
            raise fault
    with pytest.raises(DatasetInvalid, match="is damaged"), told_as("file_damaged"):
        raise OSError("Not a gzipped file")
