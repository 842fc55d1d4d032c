"""What earlier versions stored goes on being read: the models of customers, and the evidence beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from otai.learning.evidence.report_card import ReportCard
from otai.learning.model.bundle import Bundle
from otai.words.findings import told

pytestmark = pytest.mark.pure

STORED = Path(__file__).resolve().parents[1] / "stored"
EXPECTED = json.loads((STORED / "expected.json").read_text(encoding="utf-8"))
TEXTS = EXPECTED["texts"]

# One processor gives the same figures to the last bit each time. Another one than wrote these may add in another order
# (BLAS), or round an exponential the other way: docs/architecture.md says which digits that leaves the same.
TOLERANCE = {"basic": 1e-12, "business": 2e-6, "maximum": 2e-6}

DIGITS = {"basic": 6, "business": 4, "maximum": 4}
"""Digits behind the point that are the same: for Basic all that `otai serve`, files and the command line give."""


def made_up_values(width: int, seed: int) -> NDArray[np.float32]:
    """The vectors and scores that the figures were worked out with, shape (texts, width): the same on every machine."""
    numbers = np.arange(len(TEXTS) * width).reshape(len(TEXTS), width)
    values = ((numbers * 7919 + seed) % 2003 - 1001).astype(np.float32) / np.float32(1024)
    values[len(TEXTS) - 4] = 0
    return values


def predicted(bundle: Bundle, name: str) -> dict[str, NDArray[np.float64]]:
    """What a model makes of the texts: by attribute, the probability of each label (texts, labels)."""
    matrix, known_words = bundle.features.read(TEXTS)
    vectors = made_up_values(bundle.reader.width if bundle.reader else 0, 0)
    labels = len(bundle.intercepts)
    networks = [made_up_values(labels, 1) * 2, made_up_values(labels, 2) * 3] if name == "maximum" else []
    scored = bundle.scored(matrix, known_words, vectors, networks)
    return {model.spec.name: model.probabilities(one) for model, one in zip(bundle.attributes, scored, strict=True)}


@pytest.mark.parametrize("name", ["basic", "business", "maximum"])
def test_a_model_of_an_earlier_version_predicts_what_it_predicted_then(name: str) -> None:
    now = predicted(Bundle.load(STORED / f"{name}.otai"), name)
    then = {attribute: np.array(figures) for attribute, figures in EXPECTED["probabilities"][name].items()}
    assert set(now) == set(then)
    for attribute, figures in now.items():
        np.testing.assert_allclose(figures, then[attribute], rtol=0, atol=TOLERANCE[name])
        digits = DIGITS[name]
        np.testing.assert_array_equal(np.round(figures, digits), np.round(then[attribute], digits))


@pytest.mark.parametrize("name", ["basic", "business", "maximum"])
def test_a_model_that_is_saved_and_loaded_again_predicts_the_same_to_the_last_bit(name: str) -> None:
    bundle = Bundle.load(STORED / f"{name}.otai")
    again = predicted(Bundle.from_bytes(bundle.to_bytes()), name)
    for attribute, figures in predicted(bundle, name).items():
        assert figures.tobytes() == again[attribute].tobytes()


@pytest.mark.parametrize("name", ["basic", "business", "maximum"])
def test_nothing_of_an_earlier_model_is_lost_when_it_is_saved_again(name: str) -> None:
    content = (STORED / f"{name}.otai").read_bytes()
    assert Bundle.from_bytes(content).to_bytes() == content


def test_a_model_with_everything_in_it_is_among_them() -> None:
    """Else the two tests above would prove nothing of a part that no stored model has."""
    bundle = Bundle.load(STORED / "maximum.otai")
    parts = {name: value for name, value in vars(bundle).items() if name not in ("recipe", "sketch_columns")}
    # The models were stored before texts were cut.
    assert [name for name, value in parts.items() if value is None] == ["text_rules"]


def test_a_report_card_of_an_earlier_version_is_read_whole() -> None:
    text = (STORED / "basic.card.json").read_text(encoding="utf-8")
    card, stored = ReportCard.from_json(text), json.loads(text)
    kept = json.loads(card.to_json())
    findings = [(one["code"], one["severity"], one["attribute"]) for one in stored["findings"]]
    assert [(one["code"], one["severity"], one["attribute"]) for one in kept.pop("findings")] == findings
    # What its findings said in sentences then, they say by code and values now: with the same figures.
    said = told(json.loads(card.to_json())["findings"], of_card=True)
    figures = [sorted(re.findall(r"\d+", one["message"])) for one in stored.pop("findings")]
    assert [sorted(re.findall(r"\d+", one["message"])) for one in said] == figures
    # Its promises were chosen by another rule, which had no assurance.
    for coverage in (one for attribute in kept["attributes"] for one in attribute["coverage"]):
        assert (coverage.pop("assurance"), coverage.pop("more_tickets")) == (None, None)
    for beside in ("chance_of_no_signal", "at_random"):
        assert {attribute.pop(beside) for attribute in kept["attributes"]} == {None}
    assert {name: value for name, value in kept.items() if name in stored} == stored
    assert card.attribute("queue").accuracy.value > card.attribute("queue").majority.accuracy
