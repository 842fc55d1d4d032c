"""Files whose fields are parted by a sign that is no comma: found, or said."""

from __future__ import annotations

from pathlib import Path

import pytest

from otai.tickets.options import FormatOptions
from otai.tickets.problems import BadRows
from otai.tickets.sources.opening import open_source

pytestmark = pytest.mark.pure

NAMES = ("ticket id", "subject", "text", "queue")


def table(sign: str, *, text: str = "Hello, it costs 3,50 {n}; please help, it is urgent!") -> str:
    rows = [NAMES, *((f"T{n}", f"Printer {n}", text.format(n=n), ("it", "hr")[n % 2]) for n in range(30))]
    return "".join(sign.join(row) + "\r\n" for row in rows)


def columns_of(path: Path, content: str, delimiter: str | None = None) -> tuple[list[str], int]:
    path.write_bytes(content.encode())
    source = open_source(path, options=FormatOptions(delimiter=delimiter))
    return list(source.columns), sum(len(batch.numbers) for batch in source.batches(BadRows(skip=False)))


@pytest.mark.parametrize("sign", ["^", "~", "§", "¦", "#", "*", "\x01", "\x1f", "\x1e", "¬", ":"])
def test_an_unusual_sign_is_found(tmp_path: Path, sign: str) -> None:
    assert columns_of(tmp_path / "t.txt", table(sign)) == (list(NAMES), 30)


def test_a_sign_is_found_below_a_title_and_around_quotes(tmp_path: Path) -> None:
    content = "Export of March\n" + table("^", text='"It is, on two\nlines, broken ^ and ""old"" {n}"')
    assert columns_of(tmp_path / "t.csv", content) == (list(NAMES), 30)


@pytest.mark.parametrize(
    "line",
    ["Re: printer {n}: it is on fire", "Ticket #{n}", "It is 1{n}:05 *now*", "why {n}? a/b & c/d = $5", "a~b {n}"],
)
def test_signs_in_one_column_of_texts_part_nothing(tmp_path: Path, line: str) -> None:
    content = "text\n" + "".join(line.format(n=n) + "\n" for n in range(30))
    assert columns_of(tmp_path / "t.csv", content) == (["text"], 30)


def test_commas_win_over_a_sign_that_stands_in_every_row(tmp_path: Path) -> None:
    content = "ticket #,e-mail @ home,queue\n" + "".join(f"T#{n},a{n}@example.com,it\n" for n in range(30))
    assert columns_of(tmp_path / "t.csv", content)[0] == ["ticket #", "e-mail @ home", "queue"]


@pytest.mark.parametrize("said", ["tab", "\\t", "\t"])
def test_a_tab_is_said_in_letters(tmp_path: Path, said: str) -> None:
    assert columns_of(tmp_path / "t.csv", table("\t"), said)[0] == list(NAMES)


@pytest.mark.parametrize("sign", ["¦", "§", "¬"])
def test_a_sign_of_the_windows_code_page_parts_its_file(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(table(sign, text="Der Drucker im Büro {n} läuft nicht").encode("cp1252"))
    source = open_source(path)
    [batch] = source.batches(BadRows(skip=False))
    assert list(source.columns) == list(NAMES) and batch.columns[2][0] == "Der Drucker im Büro 0 läuft nicht"


@pytest.mark.parametrize("header", [None, 0])
def test_rows_of_differing_length_without_a_header_are_told_one_by_one(tmp_path: Path, header: int | None) -> None:
    """The table is as wide as most of its rows: what is shorter or longer is bad, and nothing else."""
    rows = [[str(n), f"The printer in room {n} is broken", ("it", "hr")[n % 2]] for n in range(40)]
    rows[3].pop()
    rows[5].append("extra")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(map(",".join, rows)))
    bad = BadRows(skip=True)
    source = open_source(path, options=FormatOptions(header=header))
    assert (len(source.columns), sum(len(batch.numbers) for batch in source.batches(bad))) == (3, 38)
    assert [(problem.row, problem.fact.code) for problem in bad.first] == [
        (4, "row.fields_too_few"),
        (6, "row.fields_too_many"),
    ]
