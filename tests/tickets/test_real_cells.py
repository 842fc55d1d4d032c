"""What stands in cells as helpdesks export it: markup, damaged letters, written-out line breaks, words for nothing,
dates of all countries."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from otai.learning.data.texts.html_text import text_of_html
from otai.learning.data.texts.text_mending import TextMender
from otai.learning.data.texts.times import parse_time, which_first
from otai.tickets.column_stats import look_at
from otai.tickets.day_order import DayOrder, day_order_of
from otai.tickets.guessing import guess_roles
from otai.tickets.label_orders import order_of
from otai.tickets.missing_values import is_missing
from otai.tickets.reading import read_tickets
from otai.tickets.sources.opening import open_source
from otai.words.findings import told as said

if TYPE_CHECKING:
    from otai.tickets.models import DataSet

    Bring = Callable[..., DataSet]


def mended(text: str) -> str:
    made = TextMender().mend(pa.array([None, "hello", text], pa.string())).to_pylist()
    assert made[:2] == [None, "hello"]
    return str(made[2])


@pytest.mark.pure
class TestLetters:
    @pytest.mark.parametrize(
        "text",
        [
            "Der Drucker läuft nicht",
            "Änderung für März: 5 € Gebühr",
            "Où est l'imprimante ?",
            "Zażółć gęślą jaźń",
            "não está",
            "“quoted” dash",
        ],
    )
    @pytest.mark.parametrize("times", [1, 2])
    def test_that_were_read_in_the_wrong_encoding_are_mended(self, text: str, times: int) -> None:
        damaged = text
        for _ in range(times):
            damaged = "".join(
                chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252")
                for byte in damaged.encode()
            )
        assert damaged != text
        assert mended(damaged) == text

    @pytest.mark.parametrize(
        "text",
        [
            "Änderung läuft",
            "SÃO PAULO",
            "Ångström",
            "naïve café",
            "Größe: „groß“",
            "MÜNCHEN Flughafen",
            "¿Dónde está?",
            "Łódź",
        ],
    )
    def test_that_are_right_stay(self, text: str) -> None:
        assert mended(text) == text

    def test_right_and_wrong_ones_in_one_text_are_told_apart(self) -> None:
        assert mended("Frist lÃ¤uft ab. Grüße, Zoë") == "Frist läuft ab. Grüße, Zoë"

    def test_what_cannot_be_mended_is_counted_with_an_example(self) -> None:
        mender = TextMender()
        mender.mend(pa.array(["Die Gr\ufffd\ufffde stimmt nicht", "gut"]))
        assert mender.mended.damaged == 1 and "Gr\ufffd" in mender.mended.damaged_example


@pytest.mark.pure
class TestMarkup:
    @pytest.mark.parametrize(
        "text",
        ["<p>Guten Tag,<br>Hilfe</p>", "&lt;p&gt;Guten Tag,&lt;br&gt;Hilfe&lt;/p&gt;",
            "&#60;p&#62;Guten Tag,&#60;br&#62;Hilfe&#60;/p&#62;",
         "&amp;lt;p&amp;gt;Guten Tag,&amp;lt;br&amp;gt;Hilfe&amp;lt;/p&amp;gt;"],
    )  # fmt: skip
    def test_of_html_is_read_however_often_it_was_escaped(self, text: str) -> None:
        assert mended(text) == "Guten Tag,\nHilfe"

    def test_escaped_without_end_ends(self) -> None:
        assert text_of_html("&" + "amp;" * 1_000 + "lt;p&gt;")

    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("h3. Problem\n\n{code:java}x = 1;{code}", "Problem\n\nx = 1;"),
            ("Please see !screen shot.png|thumbnail! now", "Please see  now"),
            (
                "[~accountid:5b10] asks: {color:#ff0000}where{color} is [the page|https://x.example/a|smart-link]?",
                "asks: where is the page?",
            ),
            ("{noformat}\nerror 5\n{noformat}\nbq. quoted", "error 5\n\nquoted"),
            ("||Host||State||\n|a|down| {panel:title=x}see{panel}", "Host State\n|a|down| see"),
        ],
    )
    def test_of_jira_is_read(self, text: str, read: str) -> None:
        assert " ".join(mended(text).split()) == " ".join(read.split())

    @pytest.mark.parametrize(
        "text", ["Help! It is on fire! Again!", "[ticket] {x} is h2 here", "use f({a: 1}) or [a|b]", "100 % {sure}"]
    )
    def test_that_nobody_wrote_is_not_read(self, text: str) -> None:
        assert mended(text) == text

    @pytest.mark.parametrize(
        ("text", "read"),
        [
            (r"Hello,\n\nthe printer smokes.\nBye", "Hello,\n\nthe printer smokes.\nBye"),
            (r"Hello.\r\nPlease help", "Hello.\nPlease help"),
            (r"Hello,\nC:\new\notes is gone,\nCORP\nina", "Hello,\nC:\\new\\notes is gone,\nCORP\\nina"),
            (r"C:\new\table", r"C:\new\table"),
            (r"\\server\names is away", r"\\server\names is away"),
            (r"sign in as CORP\nowak", r"sign in as CORP\nowak"),
            ("a real\nbreak and a \\n as text", "a real\nbreak and a \\n as text"),
        ],
    )
    def test_line_breaks_that_were_written_out_are_breaks_and_paths_stay(self, text: str, read: str) -> None:
        assert mended(text) == read


@pytest.mark.pure
@pytest.mark.parametrize(
    "text",
    [
        "-",
        "N/A",
        "n.v.t.",
        "?",
        "NULL",
        "NaN",
        "(leer)",
        "--None--",
        "Not set",
        "k. A.",
        "\\N",
        "",
        "s/d",
        "s.o.",
        "b/d",
        "não informado",
        "sin dato",
        "non indicato",
        "Ohne Angabe",
    ],
)
def test_words_for_nothing_are_known(text: str) -> None:
    assert is_missing(text)


@pytest.mark.pure
@pytest.mark.parametrize("text", ["None", "Other", "unknown", "NA", "0", "C", "C++", "low", "keine", "--help"])
def test_what_can_be_an_answer_stays_one(text: str) -> None:
    assert not is_missing(text)


def test_words_for_nothing_are_counted_as_missing(bring: Bring) -> None:
    queues = ["it", "office", "-", "N/A", "n.v.t.", "Not set"]
    rows = "\n".join(
        f"The printer in room {n} is on fire,{queues[n % 6]},{['low', 'high', '?'][n % 3]}" for n in range(120)
    )
    data_set = bring(f"text,queue,priority\n{rows}\n")
    found = {one["name"]: one for one in data_set.profile["attributes"]}
    assert {label["name"] for label in found["queue"]["labels"]} == {"it", "office"} and found["queue"][
        "labelled"
    ] == 40
    assert list(found["priority"]["order"]) == ["low", "high"]
    findings = said(data_set.profile["findings"], of_card=False)
    told = {one["attribute"]: one for one in findings if one["code"] == "labels_missing_in_words"}
    assert told["queue"]["values"]["tickets"] == 80 and "N/A" in told["queue"]["message"]


@pytest.mark.pure
@pytest.mark.parametrize(
    "low_to_high",
    [
        ["4 - Low", "3 - Moderate", "2 - High", "1 - Critical"],
        ["1 low", "2 normal", "3 high", "4 urgent"],
        ["P4 - Low", "P3 - Medium", "P2 - High", "P1 - Critical"],
        ["Low (4)", "Medium (3)", "High (2)"],
        ["1", "2", "3", "4"],
        ["1 - red", "2 - blue"],
    ],
)
def test_numbers_before_words_do_not_turn_their_order_round(low_to_high: list[str]) -> None:
    shuffled = list(low_to_high)
    random.Random(3).shuffle(shuffled)
    assert order_of(shuffled) == tuple(low_to_high)


@pytest.mark.pure
def test_decimal_codes_are_labels_and_measures_are_not(tmp_path: Path) -> None:
    codes = ["1", "1.1", "1.10", "2", "2.21", "3.0"]
    rows = "\n".join(f"The printer in room {n} is on fire,{codes[n % 6]},{n % 8 / 4:.2f}" for n in range(120))
    (tmp_path / "t.csv").write_text(f"text,kind of thing,effort\n{rows}\n")
    source = open_source(tmp_path / "t.csv")
    assert [found.name for found in guess_roles(look_at(source)).attributes] == ["kind of thing"]


MORNING = datetime(2026, 1, 5, 8, 43, tzinfo=UTC)


@pytest.mark.pure
class TestTimes:
    @pytest.mark.parametrize(
        "text",
        [
            "Mon Jan 05 08:43:00 2026", "46027,36319", "46027.36319", "5. Januar 2026 08:43", "5 janv. 2026 à 08:43",
            "lundi 5 janvier 2026 08:43",
            "5 de enero de 2026 08:43", "5 gennaio 2026 08:43", "5 stycznia 2026 08:43", "5 jan. 2026 08:43",
            "05.01.2026 08:43", "2026/01/05 08:43",
            "05/Jan/26 8:43 AM", "Jan 5, 2026 8:43 AM", "January 5th, 2026 at 8:43 am",
            "Mon, 05 Jan 2026 09:43:00 +0100", "2026-01-05 09:43 CET",
            "2026-01-05 09:43:00 (UTC+01:00)", "5 Jan 2026 09:43 +0100", "1767602580", "1767602580000",
            "20260105T084300", "05-Jan-2026 08:43",
        ],
    )  # fmt: skip
    def test_are_read_as_exports_write_them(self, text: str) -> None:
        assert parse_time(text) == MORNING

    @pytest.mark.parametrize(
        "text",
        ["Not set", "12,50", "46027", "Please call 5", "Room 12 is cold", "may 2026", "10 001", "4711-22", "99999.99"],
    )
    def test_what_is_none_is_none(self, text: str) -> None:
        assert parse_time(text) is None

    def test_say_which_of_their_numbers_can_be_the_day(self) -> None:
        dates = ["25/03/2026", "03/25/2026", "03/04/2026", "04/04/2026", "2026-03-04", "40/40/2026", "13/13/2026"]
        assert [which_first(date) for date in dates] == ["day", "month", "either", None, None, None, None]


def order_in(tmp_path: Path, dates: list[str]) -> DayOrder:
    rows = "\n".join(
        f"The printer in room {n} is on fire,{'it' if n % 2 else 'office'},{date}" for n, date in enumerate(dates)
    )
    (tmp_path / "t.csv").write_text(f"text,queue,opened\n{rows}\n")
    source = open_source(tmp_path / "t.csv")
    return day_order_of(source, look_at(source), "opened")


def days(first: datetime, count: int, form: str) -> list[str]:
    return [(first + timedelta(hours=7 * n)).strftime(form) for n in range(count)]


@pytest.mark.pure
class TestDayOrMonthFirst:
    @pytest.mark.parametrize(("form", "day_first"), [("%d/%m/%Y", True), ("%m/%d/%Y", False)])
    def test_is_settled_by_any_date_of_the_file(self, tmp_path: Path, form: str, day_first: bool) -> None:
        assert order_in(tmp_path, days(datetime(2026, 1, 1), 200, form)) == DayOrder(day_first)  # noqa: DTZ001

    def test_is_settled_by_the_last_row_of_a_long_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from otai.tickets import column_stats

        monkeypatch.setattr(column_stats, "GUESSED_ROWS", 1_000)
        dates = ["03/04/2026", "05/06/2026"] * 5_000 + ["25/06/2026"]
        assert order_in(tmp_path, dates) == DayOrder(day_first=True)

    @pytest.mark.parametrize(("form", "day_first"), [("%d/%m/%Y %H:%M", True), ("%m/%d/%Y %H:%M", False)])
    def test_is_settled_by_the_order_of_the_rows(self, tmp_path: Path, form: str, day_first: bool) -> None:
        """Twelve days of March: the wrong reading lies in all twelve months."""
        found = order_in(tmp_path, days(datetime(2026, 3, 1), 40, form))  # noqa: DTZ001
        assert (found.day_first, found.is_settled) == (day_first, True)

    def test_is_asked_where_nothing_settles_it(self, bring: Bring) -> None:
        rows = "\n".join(
            f"The printer in room {n} is on fire,{'it' if n % 2 else 'office'},03/04/2026" for n in range(60)
        )
        data_set = bring(f"text,queue,opened\n{rows}\n")
        findings = said(data_set.profile["findings"], of_card=False)
        told = next(one for one in findings if one["code"] == "dates_read_month_first")
        assert "03/04/2026" in told["message"] and "day comes first" in told["advice"]


@pytest.mark.pure
def test_days_among_a_spreadsheets_numbers_are_times_too(tmp_path: Path) -> None:
    lines = [
        f"The printer of room {n} is on fire;{f'{46055 + n / 4:g}'.replace('.', ',')};{'AB'[n % 2]};{46000 + n}"
        for n in range(40)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["Anfrage;Eingang;Team;Konto", *lines]))
    read = read_tickets(tmp_path / "t.csv", into=tmp_path / "out.parquet")
    assert read.roles.single["created"] == "Eingang"
    assert read.profile.first_created_at == "2026-02-02T00:00:00+00:00"
    # Numbers without an hour anywhere are accounts, not days.
    assert "Konto" in read.roles.ignored or read.roles.single.get("ticket") == "Konto"


@pytest.mark.pure
@pytest.mark.parametrize("text", ["20260105T084300Z", "05-JAN-26 08.43.00.000000 AM", "20260105T0843"])
def test_times_without_signs_and_as_oracle_writes_them(text: str) -> None:
    assert parse_time(text) == datetime(2026, 1, 5, 8, 43, tzinfo=UTC)


@pytest.mark.pure
@pytest.mark.parametrize("text", ["20261305T084300Z", "40-JAN-26 08.43.00 AM", "20260105T9943"])
def test_what_only_looks_so_is_none(text: str) -> None:
    assert parse_time(text) is None
