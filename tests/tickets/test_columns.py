"""What columns are taken for, and that every answer has its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from otai.learning.data.attributes import AttributeKind
from otai.learning.data.texts.html_text import text_of_html
from otai.learning.data.texts.times import parse_time
from otai.tickets.columns import ColumnRoles, ColumnsInvalid
from otai.tickets.guessing import guess_roles, look_at, order_of
from otai.tickets.options import ImportOptions
from otai.tickets.problems import DatasetInvalid
from otai.tickets.reading import read_tickets
from otai.tickets.sources.opening import open_source

pytestmark = pytest.mark.pure


def guessed(
    tmp_path: Path, header: str, *rows: str, times: int = 1, overrides: ColumnRoles | None = None
) -> ColumnRoles:
    path = tmp_path / "t.csv"
    path.write_text("\n".join([header, *(list(rows) * times)]) + "\n")
    return guess_roles(look_at(open_source(path)), overrides)


def test_a_german_export_is_understood(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        "Ticketnummer;Erstellt am;Betreff;Beschreibung;Priorität;Warteschlange;Bearbeiter;Lösung;Kunde;Sprache",
        *(
            f"T{n};0{n % 9 + 1}.03.2026 10:0{n % 10};Drucker {n};"
            f"{(f'Der Drucker im {n}. Stock geht nicht mehr, bitte helfen', f'The printer on floor {n} does not work any more, please help')[n % 2]};"  # noqa: E501
            f"{('niedrig', 'hoch', 'mittel')[n % 3]};{('IT', 'Einkauf')[n % 2]};{('Mia', 'Jonas')[n % 2]};Wir haben "
            f"Drucker {n} neu gestartet;Firma {n};{('Deutsch', 'en')[n % 2]}"
            for n in range(60)
        ),
    )
    assert dict(roles.single) == {
        "ticket": "Ticketnummer", "created": "Erstellt am", "subject": "Betreff", "body": "Beschreibung", "language": (
            "Sprache"
        ),
    }  # fmt: skip
    attributes = {found.name: found for found in roles.attributes}
    assert list(attributes) == ["Priorität", "Warteschlange", "Bearbeiter"]
    assert attributes["Priorität"].order == ("niedrig", "mittel", "hoch")
    assert roles.ignored == ("Lösung", "Kunde")
    assert "after the ticket" in roles.why["Lösung"]
    assert all(roles.why.values())


def test_numbered_columns_are_one_multi_label_attribute(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        "text,tag_1,tag_2,tag_3",
        *(f"Some text number {n} here,{'ab'[n % 2]},{'bc'[n % 2]}," + ("c" if n % 5 else "") for n in range(40)),
    )
    assert [(found.name, found.kind, found.columns) for found in roles.attributes] == [
        ("tag", AttributeKind.MULTI, ("tag_1", "tag_2", "tag_3"))
    ]


def test_a_repeated_header_is_one_multi_label_attribute(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path, "text,Labels,Labels", *(f"Some text number {n} here,{'ab'[n % 2]},{'bc'[n % 2]}" for n in range(40))
    )
    assert [(found.name, found.columns) for found in roles.attributes] == [("Labels", ("Labels", "Labels (2)"))]


def test_two_levels_of_a_hierarchy_stay_two_attributes(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path, "text,sub_category1,sub_category2", *(f"Some text number {n} here,{n % 4},{n % 7}" for n in range(60))
    )
    assert [found.name for found in roles.attributes] == ["sub_category1", "sub_category2"]


def test_what_names_single_things_is_no_attribute_and_says_why(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        "text,customer,mail,constant,empty,hours,status,order",
        *(
            f"Some text number {n} here,Customer {n},a{n}@example.com,same,,{n}.5,{('open', 'closed')[n % 2]},X-{n}"
            for n in range(60)
        ),
    )
    assert roles.attributes == ()
    for column, word in {
        "customer": "person", "mail": "e-mail", "constant": "same value", "empty": "empty", "hours": (
            "after the ticket"
        ), "status": (
            "state"
        ),
        "order": "single things",
    }.items():  # fmt: skip
        assert word in roles.why[column], column


def test_the_customers_word_wins(tmp_path: Path) -> None:
    overrides = ColumnRoles.parse(
        columns=["answer=body", "text=ignore"],
        attributes=["status"],
        multi=["things:+"],
        ordered=["size=S,M,L"],
        ignore=["queue"],
    )
    roles = guessed(
        tmp_path,
        "text,answer,status,things,size,queue",
        *(
            f"Some text number {n} here,Some answer number "
            f"{n},{'ab'[n % 2]},{('p+q', 'q')[n % 2]},{'SML'[n % 3]},{'xy'[n % 2]}"
            for n in range(30)
        ),
        overrides=overrides,
    )
    assert roles.single == {"body": "answer"}
    assert {found.name: (str(found.kind), found.separator, found.order) for found in roles.attributes} == {
        "status": ("single", None, ()), "things": ("multi", "+", ()), "size": ("ordered", None, ("S", "M", "L")),
    }  # fmt: skip
    assert roles.why["queue"] == "named when importing"


@pytest.mark.parametrize(
    ("order", "last", "stored", "left_out"),
    [
        ("low,medium,high", "High", ("Low", "Medium", "High"), []),
        ("low,high,medium", "High", ("Low", "High", "Medium"), []),
        ("low,medium,high", "Whenever", ("Low", "Medium", "high"), ["Whenever"]),
    ],
)
def test_an_order_is_typed_in_any_case_and_kept_where_a_label_is_not_in_it(
    tmp_path: Path, order: str, last: str, stored: tuple[str, ...], left_out: list[str]
) -> None:
    rows = [f"the printer on floor {n} burns,{('Low', 'Medium', last)[n % 3]}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["text,priority", *rows]), encoding="utf-8")
    roles = ColumnRoles.parse(ordered=[f"priority={order}"])
    options = ImportOptions(roles=roles)
    read = read_tickets(tmp_path / "t.csv", into=tmp_path / "out.parquet", options=options)
    assert (read.profile.attribute("priority").kind, read.profile.attribute("priority").order) == ("ordered", stored)
    found = [finding for finding in read.profile.findings if finding.code == "labels_outside_the_order"]
    assert [label for finding in found for label in finding.values["labels"]] == left_out


def test_names_may_differ_in_case_and_punctuation(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        "text,Sub Category",
        *(f"Some text number {n} here,{'ab'[n % 2]}" for n in range(20)),
        overrides=ColumnRoles.parse(attributes=["sub_category"]),
    )
    assert roles.attributes[0].columns == ("Sub Category",)


@pytest.mark.parametrize(
    "words",
    [
        {"columns": ["text"]}, {"columns": ["text=nonsense"]}, {"columns": ["a=body", "b=body"]}, {"columns": [
            "a=body"], "ignore": [
            "a"]},
        {"attributes": ["a", "a"]}, {"multi": [":|"]}, {"ordered": ["p=low,low"]}, {"ordered": ["=a,b"]},
    ],
)  # fmt: skip
def test_words_that_contradict_themselves_are_refused(words: dict[str, list[str]]) -> None:
    with pytest.raises(ColumnsInvalid) as refusal:
        ColumnRoles.parse(**words)
    assert refusal.value.code == "dataset_invalid"


def test_an_order_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="--ordered size=low"):
        guessed(
            tmp_path,
            "text,size",
            *(f"Some text number {n} here,{('tiny', 'vast')[n % 2]}" for n in range(20)),
            overrides=ColumnRoles.parse(ordered=["size"]),
        )


def test_roles_come_back_from_json_the_same(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        "text,queue,tags",
        *(f"Some text number {n} here,{'ab'[n % 2]},{('p|q', 'q|r')[n % 2]}" for n in range(40)),
    )
    assert ColumnRoles.from_dict(roles.as_dict()) == roles


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["high", "Low", "medium"], ("Low", "medium", "high")), (["3", "1", "2"], ("1", "2", "3")), ([
            "P1", "P3", "P2"], (
            "P3", "P2", "P1")),
        (["1 - Critical", "3 - Low", "2 - High"], ("3 - Low", "2 - High", "1 - Critical")), (["red", "blue"], ()), ([
            "low"], ()),
        (["hoch", "niedrig"], ("niedrig", "hoch")), (["low", "Low", "high"], ()),
    ],
)  # fmt: skip
def test_orders_are_known_scales_or_numbers(labels: list[str], order: tuple[str, ...]) -> None:
    assert order_of(labels) == order


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-02 09:30", "2026-11-02T09:30:00"), ("2026-11-02T09:30:00Z", "2026-11-02T09:30:00"), (
            "2026-11-02T10:30:00+01:00", "2026-11-02T09:30:00"),
        ("02.11.2026 09:30", "2026-11-02T09:30:00"), ("11/02/2026 9:30 AM", "2026-11-02T09:30:00"), (
            "25/11/2026", "2026-11-25T00:00:00"),
        ("1793611800", "2026-11-02T09:30:00"), ("Mon, 02 Nov 2026 09:30:00 +0000", "2026-11-02T09:30:00"), (
            "2026-11-02 09:30:00 UTC", "2026-11-02T09:30:00"),
        ("soon", None), ("GRP_12", None), ("123456", None), ("0001-01-01", None), ("2026-02-31", None), (
            "99/99/9999", None), (
            "", None),
    ],
)  # fmt: skip
def test_times_are_read_as_exports_write_them(text: str, iso: str | None) -> None:
    found = parse_time(text)
    assert (found.strftime("%Y-%m-%dT%H:%M:%S") if found else None) == iso


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Hello</p><p>World &amp; all</p>", "Hello\n\nWorld & all"), ("a<br>b<br/>c", "a\nb\nc"),
        ("<div>x</div><script>alert(1)</script><style>p{}</style>", "x"), ("price < 5 and > 3", "price < 5 and > 3"),
        ("call <tel_num> now", "call <tel_num> now"), ("call <tel_num><br>or <ada@example.com>", "call <tel_num>\nor "
        "<ada@example.com>"),
        ("a &amp; b", "a & b"), ("AT&T", "AT&T"), ("<p>unclosed <b>bold", "unclosed bold"),
        ('<p>x<img src="data:image/png;base64,' + "A" * 100_000 + '"></p>', "x"), (
            "<!doctype html><html><head><title>t</title></head><body></body></html>", ""),
    ],
)  # fmt: skip
def test_html_becomes_what_a_person_reads(source: str, text: str) -> None:
    assert text_of_html(source) == text
