"""Maximum as a whole: what is measured is what is delivered, labels under labels agree, and the card says where the
cheaper mode is enough."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.tickets import LabelledTickets
from otai.learning.encoders import EncoderStore, VectorCache
from otai.learning.errors import BundleInvalid
from otai.learning.features.encoding import Encoding
from otai.learning.maximum_trial import tried_gains
from otai.learning.model.bundle import Bundle
from otai.learning.progress import Progress
from otai.learning.recipes import RECIPES, WORDS_ALONE, Candidate, recipe_for
from otai.learning.training import Trained, steps_of, train
from tests.learning.encoders.conftest import store
from tests.learning.test_business import ENDINGS, MATTERS

__all__ = ["store"]

pytestmark = pytest.mark.pure

QUEUE, MATTER = AttributeSpec("queue"), AttributeSpec("matter")
HURRIED = dataclasses.replace(
    recipe_for("maximum"),
    tunings=tuple(
        (name, (dataclasses.replace(configurations[0], epochs=1, fewest_steps=1),))
        for name, configurations in recipe_for("maximum").tunings
    ),
    tickets_to_combine=10,
    candidates=(WORDS_ALONE, Candidate(4.0, 0.2)),
)
BUSINESS = dataclasses.replace(recipe_for("business"), candidates=HURRIED.candidates)


def helpdesk() -> LabelledTickets:
    rows = [
        (f"{text}{ending}", queue, text, "test" if number % 6 == 5 else "train")
        for queue, texts in MATTERS.items()
        for text in texts
        for number, ending in enumerate(ENDINGS)
    ]
    return LabelledTickets(
        ids=[str(number) for number in range(len(rows))],
        texts=[row[0] for row in rows],
        languages=["en"] * len(rows),
        attributes={"queue": [row[1] for row in rows], "matter": [row[2] for row in rows]},
        splits=[row[3] for row in rows],
    )


@pytest.fixture(scope="module")
def encoding(store: EncoderStore, tmp_path_factory: pytest.TempPathFactory) -> Encoding:
    return Encoding(store, VectorCache(tmp_path_factory.mktemp("vectors")), threads=1)


@pytest.fixture(scope="module")
def told() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def listening(encoding: Encoding, told: list[Progress]) -> Trained:
    """A model whose attributes listen to both networks, whatever they say: so that what they say can be followed to the
    end."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("otai.learning.finetuning.ensemble_weights.surely_better", lambda gains: True)
        patched.setattr("otai.learning.finetuning.ensemble_weights.LEAST_SHARE", 0.0)
        return train(helpdesk(), [QUEUE, MATTER], HURRIED, told.append, encoding=encoding)


@pytest.fixture(scope="module")
def loaded(listening: Trained, encoding: Encoding) -> Bundle:
    return here(listening.bundle.to_bytes(), encoding)


def here(content: bytes, encoding: Encoding) -> Bundle:
    """A model as another process loads it, with the encoders of these tests."""
    loaded = Bundle.from_bytes(content)
    assert loaded.reader is not None and loaded.ensemble is not None
    networks = tuple(dataclasses.replace(one, store=encoding.store, threads=1) for one in loaded.ensemble.networks)
    return dataclasses.replace(
        loaded,
        reader=dataclasses.replace(loaded.reader, store=encoding.store, threads=1),
        ensemble=dataclasses.replace(loaded.ensemble, networks=networks),
    )


def test_what_was_measured_is_what_a_loaded_model_says(listening: Trained, loaded: Bundle) -> None:
    assert loaded.to_bytes() == listening.bundle.to_bytes()
    assert loaded.ensemble is not None and {one.used.name for one in loaded.ensemble.networks} == {
        "use-multilingual",
        "minilm-en",
    }
    tickets = helpdesk()
    tested = [row for row, split in enumerate(tickets.splits or ()) if split == "test"]
    predicted = loaded.predict([tickets.texts[row] for row in tested])
    for report in listening.report_card.attributes:
        right = [
            one[report.name].label == tickets.attributes[report.name][row]
            for one, row in zip(predicted, tested, strict=True)
        ]
        assert np.mean(right) == report.accuracy.value
        assert report.accuracy.value > 0.8


def test_the_model_holds_what_was_learnt_and_not_the_encoders(listening: Trained, store: EncoderStore) -> None:
    encoders = sum(store.find(name).spec.bytes for name in ("use-multilingual", "minilm-en"))
    assert len(listening.bundle.to_bytes()) < 0.15 * encoders


def test_a_damaged_network_is_refused(listening: Trained) -> None:
    ensemble = listening.bundle.ensemble
    assert ensemble is not None
    short = dataclasses.replace(
        ensemble.networks[0], arrays={**ensemble.networks[0].arrays, "head.bias": np.zeros(3, np.float16)}
    )
    broken = dataclasses.replace(listening.bundle, ensemble=dataclasses.replace(ensemble, networks=(short,)))
    with pytest.raises(BundleInvalid):
        Bundle.from_bytes(broken.to_bytes())


def test_labels_under_labels_agree_for_every_ticket(listening: Trained, loaded: Bundle) -> None:
    assert any(
        finding.code == "hierarchy" and finding.attribute == "matter" for finding in listening.report_card.findings
    )
    queue_of = {text: queue for queue, texts in MATTERS.items() for text in texts}
    texts = [
        "printer password invoice",
        "my screen and my login",
        "refund of the broken mouse",
        "help",
        "nothing works",
        *helpdesk().texts[:20],
    ]
    for ticket in loaded.predict(texts):
        assert queue_of[ticket["matter"].label or ""] == ticket["queue"].label


def test_progress_counts_every_step_and_says_what_is_left(listening: Trained, told: list[Progress]) -> None:
    assert told[-1].done == told[-1].total == steps_of(2, HURRIED)
    assert [one.done for one in told] == sorted(one.done for one in told)
    notes = [one.note for one in told if one.note]
    assert notes[0].startswith("Fine-tuning use-multilingual and minilm-en on 75 tickets takes about")
    assert any("left" in note for note in notes[1:])


def test_a_trial_on_some_tickets_tells_what_fine_tuning_gains_over_business(
    encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "maximum", HURRIED)
    monkeypatch.setattr("otai.learning.maximum_trial.MOST_TICKETS", 60)
    found = tried_gains(helpdesk(), [QUEUE, MATTER], encoding)
    # Of a matter there are too few tickets among sixty to say anything.
    assert set(found) == {"queue"}
    for gain in found.values():
        assert gain.low <= gain.gain <= gain.high and 0 < gain.tickets <= 60
        assert gain.gain == pytest.approx((gain.accuracy + gain.macro_f1) / 2)


def test_where_fine_tuning_gains_nothing_the_model_is_businesss_and_the_card_says_so(
    encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.finetuning.ensemble_weights.surely_better", lambda gains: False)
    trained = train(helpdesk(), [QUEUE], HURRIED, encoding=encoding)
    [enough] = [one for one in trained.report_card.findings if one.code == "business_is_enough"]
    assert enough.severity == "warning" and enough.values["networks_left_out"] > 0
    assert trained.bundle.ensemble is None and trained.bundle.hierarchy is None
    business = train(helpdesk(), [QUEUE], BUSINESS, encoding=encoding)
    texts = helpdesk().texts[:10]
    ours, theirs = (one.bundle.probabilities(texts)["queue"] for one in (trained, business))
    np.testing.assert_array_equal(ours, theirs)
    assert trained.report_card.attributes[0].accuracy == business.report_card.attributes[0].accuracy


def test_a_ticket_in_a_language_never_seen_is_still_judged_by_the_multilingual_encoder(loaded: Bundle) -> None:
    assert loaded.predict(["Der Drucker ist kaputt"])[0]["queue"].label == "hardware"


@pytest.mark.parametrize("text", ["", " \n", "\x00\x01", "한국어만 있는 글", "word " * 20_000, "\ud800 broken"])
def test_any_text_gets_an_answer(loaded: Bundle, text: str) -> None:
    [prediction] = loaded.predict([text])
    assert 0 <= prediction["queue"].confidence <= 1
