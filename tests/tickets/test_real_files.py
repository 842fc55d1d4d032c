"""Files as people and helpdesks really write them: titles above the header, footers below, lists inside objects, tables
that call themselves something else. Every input is made here; what is told about it is read as a customer reads it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from otai.tickets.file_findings import findings_of_file
from otai.tickets.limits import Limits
from otai.tickets.options import FormatOptions
from otai.tickets.problems import BadRows, DatasetInvalid
from otai.tickets.sources.opening import open_source
from otai.words.catalogue import say_fact

pytestmark = pytest.mark.pure

HEADER = ["id", "subject", "body", "queue"]
TICKETS = [
    [
        str(4000 + n),
        f"Printer {n} smells",
        f"The printer in room {n} smells of smoke, please come soon",
        ("it", "office")[n % 2],
    ]
    for n in range(40)
]


def csv_of(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) + "\n" for row in rows)


def read(
    content: str | bytes | Path, tmp_path: Path, **options: Any
) -> tuple[list[str], list[list[Any]], BadRows, set[str]]:
    """(columns, rows, bad rows, codes of the findings) of a file whose name says nothing."""
    path = content if isinstance(content, Path) else tmp_path / "export"
    if not isinstance(content, Path):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    filename = options.pop("filename", None)
    source = open_source(path, filename=filename, options=FormatOptions(**options))
    bad = BadRows(skip=True)
    rows: list[list[Any]] = []
    for batch in source.batches(bad):
        columns = [column.to_pylist() if hasattr(column, "to_pylist") else list(column) for column in batch.columns]
        rows += map(list, zip(*columns, strict=True))
    return source.columns, rows, bad, {finding.code for finding in findings_of_file(source.noted)}


def refusal(content: str | bytes, tmp_path: Path, **options: Any) -> str:
    with pytest.raises(DatasetInvalid) as refused:
        _, _, bad, _ = read(content, tmp_path, **options)
        bad.refuse()
    return refused.value.message


class TestTheHeader:
    @pytest.mark.parametrize(
        "titles",
        [
            "Tickets of the second quarter\n",
            "Report:,Tickets\nMade by:,Alice\n\n",
            "Report,,,\n,,,\n",
            "\n\nInternal;do not forward\n\n",
        ],
    )
    def test_is_found_below_titles(self, tmp_path: Path, titles: str) -> None:
        columns, rows, bad, codes = read(titles + csv_of([HEADER, *TICKETS]), tmp_path)
        assert (columns, rows, bad.count) == (HEADER, TICKETS, 0)
        assert codes == {"header_found_below"}

    def test_that_is_the_first_row_stays_it_whatever_is_in_it(self, tmp_path: Path) -> None:
        for header in (
            ["", "Betreff", "", "Q"],
            ["2024", "2025", "2026", "x"],
            ["How did you like our service today, honestly?", "b", "c", "d"],
        ):
            columns, rows, _, codes = read(csv_of([header, *TICKETS]), tmp_path)
            assert len(rows) == 40 and not codes, header
            assert columns[-1] == header[-1]

    def test_may_be_missing_and_no_ticket_is_lost(self, tmp_path: Path) -> None:
        columns, rows, _, codes = read(csv_of(TICKETS), tmp_path)
        assert columns == ["column 1", "column 2", "column 3", "column 4"]
        assert (rows, codes) == (TICKETS, {"no_header"})

    def test_again_in_the_middle_is_no_ticket(self, tmp_path: Path) -> None:
        parts = csv_of([HEADER, *TICKETS[:20]]) + "\ufeff" + csv_of([HEADER, *TICKETS[20:]])
        _, rows, bad, codes = read(parts, tmp_path)
        assert (rows, bad.count, codes) == (TICKETS, 0, {"headers_repeated"})

    def test_is_the_row_that_the_customer_names(self, tmp_path: Path) -> None:
        content = csv_of([["a", "b", "c", "d"], HEADER, *TICKETS])
        assert read(content, tmp_path, header=2)[0] == HEADER
        columns, rows, _, codes = read(content, tmp_path, header=0)
        assert columns[0] == "column 1" and len(rows) == 42
        assert codes == set(), "whoever says that there is no header need not be told"
        assert "no row 500" in refusal(content, tmp_path, header=500)

    @pytest.mark.parametrize("marks", ["\ufeff", "\ufeff\ufeff", "\ufeff\ufeff\ufeff"])
    def test_has_no_byte_order_marks_in_its_names(self, tmp_path: Path, marks: str) -> None:
        quoted = "\n".join(",".join(f'"{cell}"' for cell in row) for row in [HEADER, *TICKETS])
        assert read(marks + quoted, tmp_path)[0] == HEADER

    def test_with_more_names_than_rows_have_fields_is_told_by_numbers(self, tmp_path: Path) -> None:
        message = refusal(csv_of([[*HEADER, "opened", "closed"], *TICKETS]), tmp_path)
        assert "4 of 6 fields" in message

    def test_without_a_name_for_the_row_numbers_of_r_is_moved(self, tmp_path: Path) -> None:
        rows = [[str(number), *row] for number, row in enumerate(TICKETS, start=1)]
        columns, read_rows, bad, _ = read(csv_of([HEADER, *rows]), tmp_path)
        assert (columns[1:], read_rows, bad.count) == (HEADER, rows, 0)


class TestBelowTheTickets:
    @pytest.mark.parametrize(
        "footer",
        [
            "\n\nTickets of acme\nCopyright (c) 2026 example.com\nConfidential\n",
            "Total,,,40\n",
            "\nSumme;40\n",
            "\n,,,40\n",
        ],
    )
    def test_totals_and_notes_are_no_tickets(self, tmp_path: Path, footer: str) -> None:
        _, rows, bad, codes = read(csv_of([HEADER, *TICKETS]) + footer, tmp_path)
        assert (rows, bad.count, codes) == (TICKETS, 0, {"footer_left_out"})

    def test_a_ticket_that_was_cut_is_a_bad_row_and_no_footer(self, tmp_path: Path) -> None:
        _, rows, bad, codes = read(csv_of([HEADER, *TICKETS]) + "9,Cut here,and then", tmp_path)
        assert len(rows) == 40 and bad.count == 1 and not codes

    def test_short_rows_among_tickets_are_bad_rows(self, tmp_path: Path) -> None:
        _, rows, bad, codes = read(csv_of([HEADER, *TICKETS[:20]]) + "a lonely line\n" + csv_of(TICKETS[20:]), tmp_path)
        assert len(rows) == 40 and bad.count == 1 and bad.first[0].row == 22 and not codes

    def test_sparse_last_tickets_stay(self, tmp_path: Path) -> None:
        last = [["4100", "Totally broken", "", "it"], ["4101", "", "Help", ""]]
        assert read(csv_of([HEADER, *TICKETS, *last]), tmp_path)[1][-2:] == last


class TestCells:
    def test_written_as_formulas_are_texts(self, tmp_path: Path) -> None:
        rows = "\n".join(f'="{row[0].zfill(8)}","{row[1]}","{row[2]}",="{row[3]}, desk"' for row in TICKETS)
        _, found, bad, _ = read('="id","subject","body","queue"\n' + rows, tmp_path)
        assert found[0] == ["00004000", TICKETS[0][1], TICKETS[0][2], "it, desk"] and not bad.count

    def test_with_a_lone_quote_are_read_where_nothing_is_quoted(self, tmp_path: Path) -> None:
        content = csv_of([HEADER, *TICKETS], "\t") + '4100\t"Printer on fire\thelp\tit\n4101\tsays "no"\thelp\tit\n'
        _, rows, bad, _ = read(content, tmp_path)
        assert (
            rows[-2:] == [["4100", '"Printer on fire', "help", "it"], ["4101", 'says "no"', "help", "it"]]
            and not bad.count
        )

    def test_of_hundreds_of_columns_with_one_name_are_read_as_far_as_they_go(self, tmp_path: Path) -> None:
        header = [*HEADER, *["Comment"] * 600]
        rows = [[*row, *["answer"] * 600] for row in TICKETS]
        columns, found, _, codes = read(csv_of([header, *rows]), tmp_path)
        assert columns[:4] == HEADER and len(columns) == 12 and len(found) == 40 and codes == {"columns_left_out"}


class TestOneColumn:
    @pytest.mark.parametrize("between", ["\n", "\n\n"])
    def test_without_a_name_loses_no_ticket(self, tmp_path: Path, between: str) -> None:
        said = [f'"Hello, the printer {n} is broken"' for n in range(20)]
        content = said[0] + between + "\n".join(said[1:])
        columns, rows, _, codes = read(content.encode(), tmp_path)
        assert columns == ["column 1"] and len(rows) == 20 and "no_header" in codes

    def test_with_a_name_keeps_it(self, tmp_path: Path) -> None:
        content = "What happened\n\n" + "\n".join(f'"Hello, the printer {n} is broken"' for n in range(20))
        columns, rows, _, _ = read(content.encode(), tmp_path)
        assert columns == ["What happened"] and len(rows) == 20


class TestEncodings:
    def test_of_two_files_joined_are_told_apart(self, tmp_path: Path) -> None:
        content = csv_of([HEADER, ["1", "Drucker läuft nicht", "Größe: „falsch“", "it"]]).encode()
        content += csv_of([["2", "Drucker läuft nicht", "Größe: „falsch“", "it"]] * 20).encode("cp1252")
        _, rows, bad, codes = read(content, tmp_path)
        assert {row[1] for row in rows} == {"Drucker läuft nicht"} and {row[2] for row in rows} == {"Größe: „falsch“"}
        assert not bad.count and codes == {"encodings_mixed"}

    @pytest.mark.parametrize(
        ("codec", "text"),
        [
            ("cp1250", "Zażółć gęślą jaźń"), ("iso8859_2", "Příliš žluťoučký kůň"), ("cp1251", "Принтер не работает"),
        ],
    )  # fmt: skip
    def test_of_two_files_joined_are_told_apart_in_other_code_pages(
        self, tmp_path: Path, codec: str, text: str
    ) -> None:
        content = csv_of([HEADER, *([str(n), text, f"{text} {n}", "it"] for n in range(9))]).encode()
        content += csv_of([[str(n), text, f"{text} {n}", "it"] for n in range(9, 30)]).encode(codec)
        _, rows, bad, codes = read(content, tmp_path)
        assert {row[1] for row in rows} == {text} and not bad.count and codes == {"encodings_mixed"}

    def test_damage_is_still_a_bad_row(self, tmp_path: Path) -> None:
        content = csv_of([HEADER, ["1", "Drucker läuft nicht", "Größe", "it"]] * 20).encode() + b"2,a\xff\xfe,b,it\n"
        _, rows, _, codes = read(content, tmp_path)
        assert "\udcff" in rows[-1][1] and "encodings_mixed" not in codes


def objects() -> list[dict[str, Any]]:
    return [dict(zip(HEADER, row, strict=True)) for row in TICKETS]


def wrapped(path: str, inner: list[Any]) -> dict[str, Any]:
    document: Any = inner
    for key in reversed(path.split(".")):
        document = {key: document}
    return {"count": len(inner), **document, "next_page": None, "users": [{"id": 1, "name": "Alice"}]}


class TestJson:
    @pytest.mark.parametrize(
        "path",
        ["tickets", "result", "issues", "_embedded.conversations", "data.project.issues.nodes", "hits.hits", "rest"],
    )
    @pytest.mark.parametrize("indent", [None, 2])
    def test_a_list_inside_an_object_is_found(self, tmp_path: Path, path: str, indent: int | None) -> None:
        columns, rows, bad, _ = read(json.dumps(wrapped(path, objects()), indent=indent), tmp_path)
        assert (columns, rows, bad.count) == (HEADER, TICKETS, 0)
        assert path in say_fact(open_source(tmp_path / "export").format)

    def test_pages_one_after_the_other_are_one_table(self, tmp_path: Path) -> None:
        pages = "\n".join(json.dumps(wrapped("tickets", objects()[start : start + 10])) for start in range(0, 40, 10))
        assert read(pages, tmp_path)[1] == TICKETS

    @pytest.mark.parametrize("between", ["\n", "", ",\n", "\n\n"])
    def test_objects_over_several_lines_are_read(self, tmp_path: Path, between: str) -> None:
        assert read(between.join(json.dumps(one, indent=2) for one in objects()), tmp_path)[1] == TICKETS

    def test_lists_one_after_the_other_are_read(self, tmp_path: Path) -> None:
        assert read(json.dumps(objects()[:20]) + "\n" + json.dumps(objects()[20:]), tmp_path)[1] == TICKETS

    def test_real_line_breaks_inside_texts_are_read(self, tmp_path: Path) -> None:
        lines = "\n".join(json.dumps(one).replace(", please", ",\nplease") for one in objects())
        _, rows, bad, _ = read(lines, tmp_path)
        assert len(rows) == 40 and not bad.count and rows[3][2] == TICKETS[3][2].replace(", please", ",\nplease")

    def test_a_broken_line_among_good_ones_is_one_bad_row(self, tmp_path: Path) -> None:
        lines = [json.dumps(one) for one in objects()]
        lines[7] = '{"id": "4007", "subject": "cut he'
        _, rows, bad, _ = read("\n".join(lines), tmp_path)
        assert len(rows) == 39 and [problem.row for problem in bad.first] == [8]

    def test_a_ticket_with_lists_of_its_own_is_a_ticket(self, tmp_path: Path) -> None:
        more = {"comments": [{"author": "a", "body": "b"}], "custom_fields": [{"name": "Severity", "value": "high"}]}
        columns, rows, _, _ = read("\n".join(json.dumps({**one, **more}) for one in objects()), tmp_path)
        assert columns == [*HEADER, "comments", "custom_fields.Severity"] and len(rows) == 40
        assert rows[0][4:] == ['[{"author":"a","body":"b"}]', "high"]

    def test_lists_of_objects_with_names_are_their_names(self, tmp_path: Path) -> None:
        labels = [[{"id": 1, "name": "vip", "color": "red"}, {"id": 2, "name": "fire", "color": "blue"}], []]
        lines = "\n".join(json.dumps({**one, "labels": labels[n % 2]}) for n, one in enumerate(objects()))
        assert [row[4] for row in read(lines, tmp_path)[1][:2]] == [["vip", "fire"], []]

    def test_what_a_helpdesk_shows_is_taken_instead_of_its_key(self, tmp_path: Path) -> None:
        value = [{"display_value": "Network", "value": "8a4d", "link": "x"}, {"display_value": "", "value": "raw"}]
        lines = "\n".join(json.dumps({**one, "group": value[n % 2]}) for n, one in enumerate(objects()))
        columns, rows, _, _ = read(lines, tmp_path)
        assert columns[-1] == "group" and [row[4] for row in rows[:2]] == ["Network", "raw"]

    def test_one_line_of_any_length_is_read_in_pieces(self, tmp_path: Path) -> None:
        limits = Limits(line_bytes=1_000)
        path = tmp_path / "export"
        path.write_text(json.dumps({"tickets": objects() * 600}))
        bad = BadRows(skip=True)
        assert sum(len(batch.numbers) for batch in open_source(path, limits=limits).batches(bad)) == 24_000

    @pytest.mark.parametrize("content", ["{" * 100_000, "[{" * 100_000, '{"a":' * 100_000, '{"tickets":[' * 50_000])
    def test_depth_is_refused(self, tmp_path: Path, content: str) -> None:
        assert refusal(content, tmp_path)


def xml_of(rows: Sequence[Sequence[str]]) -> str:
    return "".join(
        "<ticket>" + "".join(f"<{name}>{cell}</{name}>" for name, cell in zip(HEADER, row, strict=True)) + "</ticket>"
        for row in rows
    )


class TestXml:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('<?xml version="1.0"?><tickets>', "</tickets>"),
            ("<xml>", "</xml>"),
            ('<?xml version="1.0" encoding="ISO-8859-1"?>\n<rss><channel><title>Issues</title>', "</channel></rss>"),
            (
                '<e:export xmlns:e="urn:x"><meta><user>alice</user></meta><tickets type="array">',
                "</tickets></e:export>",
            ),
        ],
    )
    def test_the_element_that_repeats_is_a_ticket(self, tmp_path: Path, before: str, after: str) -> None:
        columns, rows, _, _ = read(before + xml_of(TICKETS) + after, tmp_path)
        assert (columns, rows) == (HEADER, TICKETS)

    def test_attributes_are_columns_and_shown_values_win(self, tmp_path: Path) -> None:
        rows = "".join(
            f'<row id="{row[0]}" subject="{row[1]}"><group display_value="{row[3]}">8a4d</group><tags><tag>a</tag><tag>b</tag></tags></row>'  # noqa: E501
            for row in TICKETS
        )
        columns, found, _, _ = read(f"<data>{rows}</data>", tmp_path)
        assert columns == ["id", "subject", "group", "tags"] and found[1] == [
            "4001",
            "Printer 1 smells",
            "office",
            ["a", "b"],
        ]

    @pytest.mark.parametrize(
        "content",
        [
            '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x><t><s>&b;</s></t></x>',
            '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x><t><s>1</s></t><t><s>1</s></t></x>',
        ],
    )
    def test_entities_are_refused_before_they_are_read(self, tmp_path: Path, content: str) -> None:
        assert "document type" in refusal(content, tmp_path)

    def test_damage_says_its_line(self, tmp_path: Path) -> None:
        assert "damaged in line 2" in refusal("<tickets>\n<ticket><id>1</ticket></tickets>", tmp_path)

    def test_depth_is_refused(self, tmp_path: Path) -> None:
        assert "nested" in refusal("<?xml version='1.0'?>" + "<a>" * 100_000, tmp_path)

    def test_a_workbook_in_xml_is_read(self, tmp_path: Path) -> None:
        def row(cells: Sequence[str]) -> str:
            return "<Row>" + "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in cells) + "</Row>"

        table = "<Table>" + "".join(map(row, [HEADER, *TICKETS])) + "</Table>"
        content = (
            '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
            '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'  # noqa: E501
            '<Worksheet ss:Name="Notes"><Table><Row><Cell ss:Index="3"><Data>hello</Data></Cell></Row></Table></Worksheet>'  # noqa: E501
            f'<Worksheet ss:Name="Tickets">{table}</Worksheet></Workbook>'
        )
        columns, rows, _, codes = read(content, tmp_path)
        assert (columns, rows, codes) == (HEADER, TICKETS, {"sheets_chosen"})


class TestHtml:
    def test_a_table_is_read_whatever_it_is_called(self, tmp_path: Path) -> None:
        def row(cells: Sequence[str], kind: str = "td") -> str:
            return "<tr>" + "".join(f"<{kind} class='x'>{cell}</{kind}>" for cell in cells) + "</tr>\n"

        menu = "<table><tr><td>Home</td><td>Reports</td></tr></table>"
        cells = [[*one[:2], one[2].replace(", ", ",<br>"), f"{one[3]} &amp; co"] for one in TICKETS]
        content = f"<html><body>{menu}<table>{row(HEADER, 'th')}{''.join(map(row, cells))}</table></body></html>"
        columns, rows, _, _ = read(content, tmp_path, filename="export.xls")
        assert columns == HEADER and len(rows) == 40
        assert rows[0][2:] == ["The printer in room 0 smells of smoke,\nplease come soon", "it & co"]

    def test_a_page_without_a_table_says_what_it_probably_is(self, tmp_path: Path) -> None:
        message = refusal("<!DOCTYPE html><html><body><h1>Sign in</h1><form></form></body></html>", tmp_path)
        assert "web page" in message and "sign-in" in message and "CSV" in message

    def test_unclosed_tags_take_linear_time(self, tmp_path: Path) -> None:
        refusal("<html><table>" + "<td " * 300_000, tmp_path)


def mail(number: int, *, html: bool = False) -> str:
    kind = "html" if html else "plain"
    body = f"<p>The printer in room {number}<br>smells</p>" if html else f"The printer in room {number}\nsmells"
    return (
        "From alice@acme.example Mon Jan 05 08:43:00 2026\nFrom: Alice <alice@acme.example>\nTo: it@acme.example\n"
        f"Subject: =?utf-8?q?Drucker_{number}_l=C3=A4uft?=\nDate: Mon, 05 Jan 2026 08:43:00 +0100\nMessage-ID: "
        f"<{number}@acme.example>\nX-Gmail-Labels: Inbox,{'it' if number % 2 else 'office'}\nContent-Type: "
        f"text/{kind}; charset=utf-8\n\n{body}\n\n"
    )


class TestMails:
    def test_of_a_mailbox_are_tickets(self, tmp_path: Path) -> None:
        columns, rows, _, _ = read("".join(mail(n, html=n == 3) for n in range(40)), tmp_path)
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        assert len(found) == 40
        assert found[3]["subject"] == "Drucker 3 läuft" and found[3]["body"] == "The printer in room 3\nsmells"
        assert found[3]["labels"] == ["it"] and found[3]["date"] == "2026-01-05T08:43:00+01:00"
        assert found[3]["message id"] == "3@acme.example"

    def test_alone_are_refused_by_name(self, tmp_path: Path) -> None:
        one = mail(1).partition("\n")[2]
        assert "a single mail" in refusal(one, tmp_path)

    def test_packed_together_are_tickets(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "mails", "w") as archive:
            for n in range(10):
                archive.writestr(f"inbox/{n}.eml", mail(n).partition("\n")[2])
        assert len(read(tmp_path / "mails", tmp_path)[1]) == 10


def book_of(sheets: dict[str, Sequence[Sequence[Any]]], path: Path, *, hidden: Sequence[str] = ()) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        page.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            page.append(list(row))
    book.save(path)
    return path


class TestWorkbooks:
    def test_the_sheet_with_the_tickets_is_chosen_and_the_others_are_named(self, tmp_path: Path) -> None:
        sheets = {
            "Cover": [["Tickets of acme"]],
            "Legend": [["it", "the IT desk"], ["hr", "people"]],
            "Data": [HEADER, *TICKETS],
        }
        columns, rows, _, codes = read(book_of(sheets, tmp_path / "b"), tmp_path)
        assert (columns, rows, codes) == (HEADER, TICKETS, {"sheets_chosen"})
        assert open_source(tmp_path / "b").noted.sheets_left_out == ["Cover", "Legend"]

    def test_sheets_that_are_built_alike_are_one_table_with_the_sheet_as_a_column(self, tmp_path: Path) -> None:
        sheets = {"January": [HEADER, *TICKETS[:25]], "February": [HEADER, *TICKETS[25:]], "Old": [HEADER, *TICKETS]}
        columns, rows, _, _ = read(book_of(sheets, tmp_path / "b", hidden=["Old"]), tmp_path)
        assert columns == [*HEADER, "Sheet"] and [row[:4] for row in rows] == TICKETS
        assert [row[4] for row in rows] == ["January"] * 25 + ["February"] * 15
        numbers = [
            number for batch in open_source(tmp_path / "b").batches(BadRows(skip=True)) for number in batch.numbers
        ]
        assert len(set(numbers)) == 40

    def test_titles_and_totals_are_no_tickets(self, tmp_path: Path) -> None:
        sheets = {"Q1": [["Tickets, first quarter"], [], HEADER, *TICKETS, [], ["Total", None, None, 40]]}
        columns, rows, _, codes = read(book_of(sheets, tmp_path / "b"), tmp_path)
        assert (columns, rows, codes) == (HEADER, TICKETS, {"header_found_below", "footer_left_out"})

    def test_a_stray_cell_far_away_costs_nothing(self, tmp_path: Path) -> None:
        import openpyxl

        book_of({"Q1": [HEADER, *TICKETS]}, tmp_path / "b")
        with (tmp_path / "b").open("rb") as file:
            book = openpyxl.load_workbook(file)
        book.active["ZZ900000"] = "stray"
        book.save(tmp_path / "b.xlsx")
        (tmp_path / "b.xlsx").rename(tmp_path / "b")
        source = open_source(tmp_path / "b")
        bad = BadRows(skip=True)
        assert sum(len(batch.numbers) for batch in source.batches(bad)) == 40

    def test_both_readers_give_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from datetime import datetime

        from otai.tickets.sources import workbook

        rows = [[n, datetime(2026, 1, 5, 8, 43), 1.5, n % 2 == 0, "a\nb", None, "x "] for n in range(20)]  # noqa: DTZ001
        path = book_of({"Q1": [["n", "at", "hours", "ok", "text", "none", "last"], *rows]}, tmp_path / "b")
        held = read(path, tmp_path)
        monkeypatch.setattr(workbook, "HELD_BYTES", 0)
        assert read(path, tmp_path)[:2] == held[:2]

    def test_open_document_sheets_are_read_and_repetitions_are_bounded(self, tmp_path: Path) -> None:
        def cell(text: str) -> str:
            return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'

        rows = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in [HEADER, *TICKETS])
        empty = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'  # noqa: E501
        names = " ".join(f'xmlns:{name}="urn:{name}"' for name in ("office", "table", "text"))
        content = f'<office:document-content {names}><table:table table:name="Q1">{rows}{empty}</table:table></office:document-content>'  # noqa: E501
        with zipfile.ZipFile(tmp_path / "b", "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("content.xml", content)
        columns, found, _, _ = read(tmp_path / "b", tmp_path)
        assert (columns, found) == (HEADER, TICKETS)


class TestArchives:
    def pack(self, path: Path, kind: str, files: dict[str, bytes]) -> Path:
        if kind == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
        else:
            with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as tar:
                for name, content in files.items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))
        return path

    @pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
    def test_files_that_are_alike_are_one_table(self, tmp_path: Path, kind: str) -> None:
        files = {
            "__MACOSX/._a.csv": b"rubbish",
            "2026/a.csv": csv_of([HEADER, *TICKETS[:25]]).encode(),
            "../../b.csv": csv_of([HEADER, *TICKETS[25:]]).encode(),
            "readme.txt": b"one,two\n1,2\n",
        }
        columns, rows, _, codes = read(self.pack(tmp_path / "a", kind, files), tmp_path)
        assert columns == [*HEADER, "File"] and [row[:4] for row in rows] == TICKETS and codes == {"files_chosen"}
        assert {row[4] for row in rows} == {"a.csv", "b.csv"}

    def test_one_file_is_read_as_it_is(self, tmp_path: Path) -> None:
        columns, rows, _, codes = read(
            self.pack(tmp_path / "a", "zip", {"a.csv": csv_of([HEADER, *TICKETS]).encode()}), tmp_path
        )
        assert (columns, rows, codes) == (HEADER, TICKETS, set())

    def test_a_packed_workbook_is_read(self, tmp_path: Path) -> None:
        book = book_of({"Q1": [HEADER, *TICKETS]}, tmp_path / "b").read_bytes()
        assert read(gzip.compress(book), tmp_path)[1] == TICKETS

    @pytest.mark.parametrize("kind", ["zip", "tar.gz"])
    def test_bombs_are_refused_by_what_they_unpack_to(self, tmp_path: Path, kind: str) -> None:
        path = self.pack(tmp_path / "a", kind, {"a.csv": b"a,b\n" * 3_000_000})
        limits = Limits(unpacked_bytes_trusted=1 << 20)
        with pytest.raises(DatasetInvalid, match="unpacks to more than 200 times"):
            open_source(path, limits=limits)
        with pytest.raises(DatasetInvalid, match="unpacks to more than"):
            open_source(path, limits=Limits(source_bytes=1 << 20))

    def test_archives_in_archives_end(self, tmp_path: Path) -> None:
        content = csv_of([HEADER, *TICKETS]).encode()
        for _ in range(4):
            content = self.pack(tmp_path / "a", "zip", {"a.zip": content}).read_bytes()
        assert "archive in an archive" in refusal(content, tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"$VAR1 = {\n  '1' => { 'Title' => 'a' }\n};", "Perl dump"),
        (b"-- MySQL dump 10.13\nCREATE TABLE t (id int);", "SQL dump"),
        (b"INSERT INTO tickets VALUES (1, 'a');", "SQL dump"),
        (b"{\\rtf1\\ansi hello}", "RTF"),
        (b"BEGIN:VCALENDAR\nVERSION:2.0\n", "calendar"),
        (b"!BDN\x00\x00", "Outlook archive"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "__substg1.0_0037001F".encode("utf-16-le"), "Outlook mail"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "password"),
        (bytes(range(32)) * 50, "no text"),
    ],
)
def test_what_is_no_table_is_refused_by_its_kind(tmp_path: Path, content: bytes, says: str) -> None:
    message = refusal(content, tmp_path)
    assert says in message
    for astray in ("--skip-bad-rows", "--column", "delimiter"):
        assert astray not in message
