"""Quality expected before ordering: tried on a part of the tickets, and honest about what is not known."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import learning_maximum
from otai.learning.data.attributes import AttributeSpec
from otai.learning.evidence.expected_quality import GAINS_FILE, MOST_TICKETS, expected, gains_over_basic
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from otai.words.catalogue import say_fact
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets, tickets_of, tickets_that_moved

pytestmark = pytest.mark.pure

ROOT = Path(__file__).resolve().parents[3]


def test_what_is_expected_holds_what_the_training_then_reaches() -> None:
    tickets = made_up_tickets(1_500)
    found = expected(tickets, [QUEUE, PRIORITY, TAGS])
    card = train(tickets, [QUEUE, PRIORITY, TAGS], recipe_for("basic")).report_card
    for report in card.attributes:
        basic = found[report.name].modes["basic"]
        assert basic is not None and basic.macro_f1 is not None
        assert basic.accuracy.low <= report.accuracy.value <= basic.accuracy.high
        assert basic.macro_f1.low <= report.macro_f1.value <= basic.macro_f1.high
        assert basic.accuracy.low < basic.accuracy.value <= 1


def test_a_few_thousand_tickets_are_tried_however_many_there_are() -> None:
    found = expected(made_up_tickets(6_000), [QUEUE])["queue"]
    assert found.tried_on == MOST_TICKETS


def test_business_is_basic_and_what_it_gained_elsewhere_with_all_its_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = {**gains_over_basic(), "business": ((-0.10, -0.10), (-0.06, -0.06), (-0.02, -0.02))}
    monkeypatch.setattr("otai.learning.evidence.expected_quality.gains_over_basic", lambda: spread)
    modes = expected(made_up_tickets(800), [PRIORITY])["priority"].modes
    basic, business = modes["basic"], modes["business"]
    assert basic is not None and business is not None
    assert business.accuracy.high - business.accuracy.low > basic.accuracy.high - basic.accuracy.low + 0.04
    assert business.accuracy.value == pytest.approx(basic.accuracy.value - 0.06, abs=0.01)


def test_every_mode_has_a_gain_for_each_of_thirteen_attributes() -> None:
    assert {mode: len(gains) for mode, gains in gains_over_basic().items()} == {
        "basic": 1,
        "business": 13,
        "maximum": 13,
    }
    modes = expected(made_up_tickets(800), [PRIORITY])["priority"].modes
    # What Maximum gains is tried on the tickets themselves, never read off these.
    assert [mode for mode, one in modes.items() if one is None] == ["maximum"]


def test_the_gains_are_those_of_the_benchmarks_page() -> None:
    """The page has points with one decimal, so a difference of two of them may be a point's tenth off."""
    section = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").partition("\n## Maximum\n")[2]
    table = section.partition("| mean macro F1 of these")[0]
    gains = json.loads(GAINS_FILE.read_text(encoding="utf-8"))["gains"]
    compared = 0
    for line in table.splitlines():
        cells = [cell.strip().replace("*", "") for cell in line.strip("|").split("|")]
        if cells[0] not in gains["maximum"]:
            continue
        basic, business, maximum = ([float(figure) / 100 for figure in cell.split("/")] for cell in cells[2:5])
        for mode, reached in (("business", business), ("maximum", maximum)):
            page = [after - before for after, before in zip(reached, basic, strict=True)]
            assert gains[mode][cells[0]] == pytest.approx(page, abs=0.0011), (mode, cells[0])
            compared += 1
    assert compared == 2 * len(gains["maximum"]) == 2 * len(gains["business"])


def test_the_benchmark_writes_what_the_product_reads() -> None:
    def measured(accuracy: float) -> dict[str, object]:
        return {"attributes": {"intent": {"accuracy": accuracy, "macro_f1": accuracy / 2}}}

    found = {
        "banking77": {
            "0": {"basic": measured(0.5), "business": measured(0.6), "maximum": measured(0.7)},
            "1": {"maximum": measured(0.8)},
        },
        "xsid": {"0": {"basic": measured(0.5), "business": measured(0.6), "maximum": measured(0.7)}},
    }
    assert learning_maximum.gains_over_basic(found) == {
        "business": {"banking77, intent": [0.1, 0.05]},
        "maximum": {"banking77, intent": [0.25, 0.125]},
    }


def test_a_mode_that_was_never_measured_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otai.learning.evidence.expected_quality.gains_over_basic", lambda: {"basic": ((0.0, 0.0),)})
    modes = expected(made_up_tickets(800), [PRIORITY])["priority"].modes
    assert modes["basic"] is not None and modes["business"] is None


def test_the_customers_own_split_is_measured_on() -> None:
    found = expected(made_up_tickets(1_000, splits=True), [QUEUE])["queue"]
    assert found.tried_on == 800 and found.modes["basic"] is not None


def test_what_is_expected_is_of_the_newest_tickets_as_the_cards_figures_are() -> None:
    timed = tickets_that_moved(1_200)
    of_new, of_all = (
        expected(tickets, [QUEUE])["queue"].modes["basic"]
        for tickets in (timed, dataclasses.replace(timed, created_at=None))
    )
    assert of_new is not None and of_all is not None
    reached = train(timed, [QUEUE], recipe_for("basic")).report_card.attribute("queue").accuracy.value
    assert of_new.accuracy.low <= reached <= of_new.accuracy.high < of_all.accuracy.value


@pytest.mark.parametrize(
    ("texts", "labels", "why"),
    [
        (["same text"] * 40, ["a", "b"] * 20, "same"),
        ([f"words {number}" for number in range(40)], ["a", "b"] * 20, "Too few"),
        ([f"words {number}" for number in range(40)], ["a"] * 40, "needs at least 2 labels"),
        ([f"words {number}" for number in range(40)], [None] * 40, "No training ticket"),
    ],
)
def test_what_cannot_be_tried_is_unknown_with_its_reason(texts: list[str], labels: list[str | None], why: str) -> None:
    found = expected(tickets_of(texts, labels), [AttributeSpec("queue")])["queue"]
    assert set(found.modes.values()) == {None} and found.unknown is not None and why in say_fact(found.unknown)


def test_what_no_text_tells_is_known_before_the_order() -> None:
    drawn = np.random.default_rng(2).choice(["a", "b", "c"], 900).tolist()
    data = made_up_tickets(900)
    data = dataclasses.replace(data, attributes={**data.attributes, "drawn": drawn})
    found = expected(data, [QUEUE, AttributeSpec("drawn")])
    assert (found["queue"].no_signal, found["drawn"].no_signal) == (False, True)
