"""Codes that a workbook keeps as numbers come in as people see them: 1.1 shown as 1.10 is another code than 1.1."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from otai.tickets.models import DataSet
from otai.tickets.problems import BadRows
from otai.tickets.sources import workbook
from otai.tickets.sources.number_formats import format_of, same_number
from otai.tickets.sources.opening import open_source
from tests.tickets.old_excel import Cell, Shown, write_xls

QUOTE = '"'
HEADER = ["Number", "Subject", "Category code", "Cost centre", "Spent"]
CODES: tuple[tuple[Shown | float, str], ...] = (
    (Shown(1.1, "0.00"), "1.10"), (1.1, "1.1"), (Shown(2.2, "0.00"), "2.20"), (2.21, "2.21"),
)  # fmt: skip
CENTRES: tuple[tuple[Shown, str], ...] = ((Shown(42, "00000"), "00042"), (Shown(7, '"KST "000'), "KST 007"))


def rows(count: int = 48) -> list[list[Cell]]:
    return [
        [Shown(n, '"INC"0000000'), f"the printer in room {n} smells of smoke", CODES[n % 4][0], CENTRES[n % 2][0],
            Shown(1.2345, "0.00")]
        for n in range(count)
    ]  # fmt: skip


def new_excel(table: Sequence[Sequence[Cell]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for at, row in enumerate(table, start=1):
        for column, cell in enumerate(row, start=1):
            place = book.active.cell(at, column, cell.number if isinstance(cell, Shown) else cell)
            if isinstance(cell, Shown):
                place.number_format = cell.format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def old_excel(table: Sequence[Sequence[Cell]], folder: Path) -> bytes:
    write_xls(folder / "made.xls", {"Tickets": table})
    return (folder / "made.xls").read_bytes()


def open_document(table: Sequence[Sequence[Cell]]) -> bytes:
    """As LibreOffice writes it in Germany: the number, and beside it what is shown."""

    def cell(value: Cell) -> str:
        if not isinstance(value, Shown | float | int):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        number = value.number if isinstance(value, Shown) else value
        made = format_of(value.format) if isinstance(value, Shown) else None
        shown = (made.shown(number) if made is not None else None) or f"{number:.4g}"
        return (
            f'<table:table-cell office:value-type="float" office:value="{number}"><text:p>{shown.replace(".", ",")}'
            "</text:p></table:table-cell>"
        )

    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in table)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content{spaces}><office:body><office:spreadsheet><table:table '
            f'table:name="Tickets">{body}</table:table></office:spreadsheet></office:body></office:document-content>',
        )
    return out.getvalue()


def spreadsheet_2003(table: Sequence[Sequence[Cell]]) -> bytes:
    """As Excel saves "XML Spreadsheet 2003": the formats in styles, which cells, rows and columns name."""
    codes = {cell.format for row in table for cell in row if isinstance(cell, Shown)}
    styles = {"": "Default"} | {code: f"s{number}" for number, code in enumerate(sorted(codes), start=62)}

    def cell(value: Cell) -> str:
        if not isinstance(value, Shown | float | int):
            return f'<Cell><Data ss:Type="String">{value}</Data></Cell>'
        number, style = (value.number, styles[value.format]) if isinstance(value, Shown) else (value, "Default")
        return f'<Cell ss:StyleID="{style}"><Data ss:Type="Number">{number}</Data></Cell>'

    said = "".join(
        f'<Style ss:ID="{name}"><NumberFormat ss:Format="{escape(code, {QUOTE: "&quot;"})}"/></Style>'
        for code, name in styles.items()
    )
    rows = "".join(f"<Row>{''.join(map(cell, row))}</Row>" for row in table)
    of = "urn:schemas-microsoft-com:office:spreadsheet"
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{of}" xmlns:ss="{of}"><Styles>{said}</Styles>'
        f'<Worksheet ss:Name="Tickets"><Table>{rows}</Table></Worksheet></Workbook>'
    ).encode()


MADE: dict[str, Callable[[Sequence[Sequence[Cell]], Path], bytes]] = {
    "xlsx": lambda table, folder: new_excel(table),
    "xls": old_excel,
    "ods": lambda table, folder: open_document(table),
    "xml": lambda table, folder: spreadsheet_2003(table),
}


def labels(data_set: DataSet, attribute: str) -> set[str]:
    return {label.name for label in data_set.attributes.get(name=attribute).labels.all()}


@pytest.mark.django_db
@pytest.mark.pure
@pytest.mark.parametrize("kind", MADE)
def test_codes_come_in_as_people_see_them(kind: str, bring: Callable[..., DataSet], tmp_path: Path) -> None:
    found = bring(MADE[kind]([HEADER, *rows()], tmp_path), filename=f"codes.{kind}")
    assert labels(found, "Category code") == {"1.10", "1.1", "2.20", "2.21"}
    assert labels(found, "Cost centre") == {"00042", "KST 007"}
    assert found.roles["single"]["ticket"] == "Number"


@pytest.mark.pure
@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_number_that_is_shown_shorter_stays_whole(
    is_streamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_streamed:
        monkeypatch.setattr(workbook, "HELD_BYTES", 0)
    (tmp_path / "codes.xlsx").write_bytes(new_excel([["Note"], HEADER, *rows(30)]))
    source = open_source(tmp_path / "codes.xlsx")
    [page] = source.batches(BadRows(skip=False))
    table = {name: list(cells) for name, cells in zip(source.columns, page.columns, strict=True)}
    assert table["Number"][:2] == ["INC0000000", "INC0000001"]
    assert table["Category code"][:4] == ["1.10", "1.1", "2.20", "2.21"]
    assert set(table["Spent"]) == {"1.2345"}


@pytest.mark.pure
def test_cells_and_rows_without_their_place_follow_the_ones_before(tmp_path: Path) -> None:
    made = new_excel([HEADER, *rows(30)])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as archive, zipfile.ZipFile(out, "w") as without:
        for name in archive.namelist():
            content = archive.read(name)
            if name.startswith("xl/worksheets/"):
                content = re.sub(rb'(<(?:row|c)) r="\w+"', rb"\1", content)
            without.writestr(name, content)
    (tmp_path / "codes.xlsx").write_bytes(out.getvalue())
    source = open_source(tmp_path / "codes.xlsx")
    [page] = source.batches(BadRows(skip=False))
    assert list(page.columns[2])[:4] == ["1.10", "1.1", "2.20", "2.21"]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("0.00", 1.1, "1.10"), ("00000", 42, "00042"), ("0%", 0.25, "25%"), ("0.0%", 0.256, "25.6%"),
        ('0" - High"', 1, "1 - High"), ("000-00-0000", 123456789, "123-45-6789"), ("0\\.00", 110, "1.10"),
        ("[Red]0.00;[Blue]-0.00", -1.1, "-1.10"), ("_-* #,##0.00_-", 1.1, "1.10"), ("#,##0.00", 1234.5, "1234.50"),
        ("0.00", 1.234, None), ("0%", 0.256, None), ("General", 1.5, None), ("0", 5, None), ("#,##0", 12345, None),
        ("0.00 €", 5, None), ("[$€-407] 0.00", 5, None), ("# ?/?", 0.5, None), ("0.00E+00", 5, None),
        ("[h]:mm", 0.5, None), ("yyyy-mm-dd", 46000, None), ("0.##", 1.1, None), ("0.00", 1e300, None),
    ],
)  # fmt: skip
def test_a_format_shows_zeros_signs_and_words(code: str, number: float, shown: str | None) -> None:
    made = format_of(code)
    assert (made.shown(number) if made is not None else None) == shown


@pytest.mark.pure
@pytest.mark.parametrize(
    ("number", "text", "shown"),
    [
        (1.1, "1,10", "1.10"), (42.0, "00042", "00042"), (0.25, "25 %", "25 %"), (123.0, "INC0000123", "INC0000123"),
        (42.0, "000-00-042", "000-00-042"), (1234.0, "1.234", None), (1234.5, "1.234,50", None), (1.234, "1,23", None),
        (5.0, "5,00 €", None), (5.0, "", None),
    ],
)  # fmt: skip
def test_what_a_sheet_shows_counts_where_it_is_the_number(number: float, text: str, shown: str | None) -> None:
    assert same_number(number, text) == shown


@pytest.mark.pure
def test_a_workbook_cut_short_has_no_formats_and_no_tickets(tmp_path: Path) -> None:
    from otai.tickets.problems import DatasetInvalid

    whole = old_excel([HEADER, *rows()], tmp_path)
    for length in range(600, len(whole), 1500):
        (tmp_path / "cut.xls").write_bytes(whole[:length])
        try:
            source: Any = open_source(tmp_path / "cut.xls")
            list(source.batches(BadRows(skip=False)))
        except DatasetInvalid:
            continue


@pytest.mark.pure
def test_styles_of_spreadsheet_2003_are_the_cells_own_the_rows_or_the_columns(tmp_path: Path) -> None:
    of = "urn:schemas-microsoft-com:office:spreadsheet"
    number = '<Data ss:Type="Number">1.1</Data>'
    (tmp_path / "codes.xls").write_text(
        f'''<?xml version="1.0"?><Workbook xmlns="{of}" xmlns:ss="{of}"><Styles>
        <Style ss:ID="two"><NumberFormat ss:Format="Fixed"/></Style><Style ss:ID="child" ss:Parent="two"/>
        <Style ss:ID="share"><NumberFormat ss:Format="Percent"/></Style></Styles><Worksheet ss:Name="Tickets"><Table>
        <Column ss:Index="3" ss:Span="1" ss:StyleID="two"/>
        <Row><Cell ss:MergeAcross="1"><Data ss:Type="String">Text</Data></Cell>
        <Cell><Data ss:Type="String">Code</Data></Cell><Cell><Data ss:Type="String">Part</Data></Cell></Row>
        <Row><Cell><Data ss:Type="String">no toner</Data></Cell>
        <Cell ss:Index="3">{number}</Cell><Cell>{number}</Cell></Row>
        <Row ss:StyleID="child"><Cell><Data ss:Type="String">smoke</Data></Cell><Cell ss:Index="3">{number}</Cell>
        <Cell ss:StyleID="share">{number}</Cell></Row>
        <Row><Cell><Data ss:Type="String">1.1</Data></Cell>
        <Cell ss:Index="3"><Data ss:Type="String">1.1</Data></Cell></Row>
        </Table></Worksheet></Workbook>'''
    )
    source = open_source(tmp_path / "codes.xls")
    [page] = source.batches(BadRows(skip=False))
    table = {name: list(cells) for name, cells in zip(source.columns, page.columns, strict=True)}
    assert (table["Code"], table["Part"]) == (["1.10", "1.10", "1.1"], ["1.10", "110.00%", None])
