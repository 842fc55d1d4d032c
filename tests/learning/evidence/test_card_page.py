"""The report card as a page: complete in itself, with charts, and harmless whatever labels and tickets hold."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.tickets import Value
from otai.learning.evidence.card_charts import (
    MOST_MATRIX_LABELS,
    confusion_chart,
    learning_chart,
    precision_curve,
    reliability_chart,
)
from otai.learning.evidence.card_page import card_html
from otai.learning.evidence.comparison import compare
from otai.learning.evidence.report_card import Cost, ReportCard
from otai.learning.recipes import recipe_for
from otai.learning.training import Trained, train
from otai.words import findings as words
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets, tickets_of

pytestmark = pytest.mark.pure

NASTY = "<script>alert('1')</script>\"' onmouseover=alert(2) </title></style>&lt;"
COST = Cost(12.5, 20.0, 300_000_000, 0.0556, False, "Estimate: <b>")


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(made_up_tickets(400), [QUEUE, PRIORITY, TAGS], recipe_for("basic"))


@pytest.fixture(scope="module")
def nasty() -> ReportCard:
    """Labels, an attribute, tickets and their numbers as somebody would write them who wants to harm."""
    tickets = made_up_tickets(400, noise=0.2)
    labels: list[Value] = [f"{NASTY} {queue}" for queue in tickets.attributes["queue"]]
    hostile = tickets_of([f"{NASTY} {text}" for text in tickets.texts], labels, name=f"queue {NASTY}")
    hostile = dataclasses.replace(hostile, ids=[f"{NASTY}{number}" for number in range(400)])
    card = train(hostile, [AttributeSpec(f"queue {NASTY}")], recipe_for("basic")).report_card
    return dataclasses.replace(card, cost=COST)


class Page(HTMLParser):
    """What a browser would make of it: tags with their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_tag_is_closed_and_nothing_comes_from_elsewhere(trained: Trained) -> None:
    html = card_html(dataclasses.replace(trained.report_card, cost=COST), title="Queue routing v2")
    page = Page(html)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "form", "image", "use"} & set(page.tags)
    links = [value for name, value in page.attributes if name in ("href", "src", "action", "xlink:href")]
    assert links and all(link is not None and link.startswith("#a") for link in links)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", html)
    assert "prefers-color-scheme:dark" in html
    assert "Queue routing v2" in page.text


def test_nothing_from_outside_becomes_a_tag_or_an_attribute(nasty: ReportCard) -> None:
    html = card_html(nasty, title=NASTY, facts=[(NASTY, NASTY)], compared_with=NASTY)
    page = Page(html)
    assert page.open == [] and "script" not in page.tags and "b" in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert" not in html and "alert('1')" in page.text
    assert "</style>&lt;" not in html.split("</style>", 1)[1].replace("&lt;/style&gt;", "")
    assert "Estimate: <b>" in page.text


def test_the_charts_are_well_formed_and_say_their_figures(trained: Trained, nasty: ReportCard) -> None:
    reports = [*trained.report_card.attributes, *nasty.attributes]
    for report in reports:
        for chart in (precision_curve, reliability_chart, learning_chart, confusion_chart):
            svg = chart(report)
            if not svg:
                assert report.kind == "multi" and chart is confusion_chart
                continue
            drawn = ElementTree.fromstring(svg)
            assert drawn.attrib["role"] == "img" and report.name in drawn.attrib["aria-label"]
            titles = [one.text or "" for one in drawn.iter("{http://www.w3.org/2000/svg}title")]
            assert any("%" in title or "ticket" in title for title in titles)
            numbers = [float(one) for one in re.findall(r' (?:x|y|cx|cy|x1|x2|y1|y2)="([^"]+)"', svg)]
            _, _, width, height = map(float, drawn.attrib["viewBox"].split())
            assert all(-1 <= number <= max(width, height) for number in numbers)


def test_the_figures_stand_in_tables_too(trained: Trained) -> None:
    page = Page(card_html(trained.report_card))
    report = trained.report_card.attribute("queue")
    assert f"{100 * report.accuracy.value:.1f}" in page.text
    for coverage in report.coverage:
        assert (f"{coverage.threshold:.3f}" if coverage.threshold is not None else "not reached") in page.text
    assert report.wrong_labels is not None
    assert all(one.ticket_id in page.text for one in report.wrong_labels.suspects)
    assert "Most frequent confusions" in page.text and "What more tickets would bring" in page.text
    for finding in trained.report_card.findings:
        assert words.message(finding, of_card=True) in page.text


def test_a_comparison_says_what_changed_and_a_missing_one_why(trained: Trained) -> None:
    same = compare(trained.bundle, trained.bundle)
    text = Page(card_html(trained.report_card, comparison=same, compared_with="v1")).text
    assert "Compared with v1: not measurably different" in text and "no measurable change" in text
    other = train(made_up_tickets(300, seed=9), [QUEUE], recipe_for("basic"))
    text = Page(card_html(trained.report_card, comparison=compare(other.bundle, trained.bundle))).text
    assert "Not possible: " in text


def test_many_labels_stay_readable() -> None:
    tickets = tickets_of(
        [f"word{number % 60} of matter {number % 60} number {number}" for number in range(720)],
        [f"label {number % 60}" for number in range(720)],
    )
    report = train(tickets, [AttributeSpec("queue")], recipe_for("basic")).report_card.attributes[0]
    drawn = ElementTree.fromstring(confusion_chart(report))
    assert 1 <= len(drawn.findall(".//*[@class='cell right']")) <= MOST_MATRIX_LABELS


def test_cards_without_charts_have_a_page_all_the_same(trained: Trained) -> None:
    texts = [f"invoice {number}" for number in range(5)] + [f"printer {number}" for number in range(5)]
    few = train(tickets_of(texts, ["a"] * 5 + ["b"] * 5), [QUEUE], recipe_for("basic")).report_card
    assert "too few to keep any aside" in Page(card_html(few)).text
    report = dataclasses.replace(
        trained.report_card.attributes[0], curve=[], reliability=[], confusion=[], confused_pairs=[],
        learning_curve=None, wrong_labels=None, holdout_tickets=0, coverage=[]
    )  # fmt: skip
    assert Page(card_html(dataclasses.replace(trained.report_card, attributes=[report]))).open == []


def test_a_bare_card_shows_no_text(trained: Trained) -> None:
    text = Page(card_html(trained.report_card.without_texts())).text
    assert "ticket 1" not in text and "T-" in text


@pytest.mark.parametrize(("attributes", "rows", "most_bytes"), [(1, 200, 200_000), (100, 20, 5_000_000)])
def test_thousands_of_labels_make_no_heavy_page(trained: Trained, attributes: int, rows: int, most_bytes: int) -> None:
    report = trained.report_card.attributes[0]
    names = [f"Label {number} with a name of a usual length" for number in range(3000)]
    many = dataclasses.replace(
        report,
        labels=names,
        per_label=[dataclasses.replace(report.per_label[0], label=name) for name in names],
        confusion=[[number, number, 1] for number in range(3000)],
    )
    page = card_html(dataclasses.replace(trained.report_card, attributes=[many] * attributes))
    assert len(page) < most_bytes
    assert page.count(f"The {rows} most frequent are shown") == attributes
