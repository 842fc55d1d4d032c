"""Business: words, characters and the vectors of frozen encoders in one model; what it remembers of the encoders, and
what it refuses."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.tickets import LabelledTickets
from otai.learning.encoders import EncoderStore, MissingEncoder, VectorCache
from otai.learning.errors import BundleInvalid, InputFailure
from otai.learning.features.embeddings import VectorReader
from otai.learning.features.encoding import Encoding, language_shares
from otai.learning.linear.blending import Blend
from otai.learning.model.bundle import Bundle
from otai.learning.recipes import recipe_for
from otai.learning.training import Trained, train
from tests.learning.encoders.conftest import store
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets, tickets_of

__all__ = ["store"]

pytestmark = pytest.mark.pure

BUSINESS = recipe_for("business")

MATTERS = {
    "billing": ["My invoice is wrong", "Please refund the payment", "You charged me twice", "Where is my receipt",
        "I was billed too much"],
    "access": ["I forgot my password", "My account is locked", "I cannot log in any more", "Please reset my login",
        "My sign in fails"],
    "hardware": ["The printer is broken", "My laptop screen is black", "The keyboard does not work", "My mouse is dead",
        "The monitor flickers"],
}  # fmt: skip
ENDINGS = ["", " today", ", please help", " again", " since this morning", "!"]
OTHER_LANGUAGES = [
    ("Meine Rechnung ist falsch, bitte erstatten Sie den Betrag", "billing"),
    ("Ich habe mein Passwort vergessen und kann mich nicht anmelden", "access"),
    ("Der Drucker ist kaputt", "hardware"),
    ("La tastiera non funziona", "hardware"),
    ("Mi hanno addebitato la fattura due volte", "billing"),
]


def english_tickets() -> LabelledTickets:
    pairs = [(text + ending, queue) for queue, texts in MATTERS.items() for text in texts for ending in ENDINGS]
    tickets = tickets_of([text for text, _ in pairs], [queue for _, queue in pairs])
    return dataclasses.replace(tickets, languages=["en"] * len(pairs))


@pytest.fixture(scope="module")
def encoding(store: EncoderStore, tmp_path_factory: pytest.TempPathFactory) -> Encoding:
    return Encoding(store, VectorCache(tmp_path_factory.mktemp("vectors")), threads=1)


@pytest.fixture(scope="module")
def trained(encoding: Encoding) -> Trained:
    return train(made_up_tickets(220), [QUEUE, PRIORITY, TAGS], BUSINESS, encoding=encoding)


@pytest.fixture(scope="module")
def english(encoding: Encoding) -> Trained:
    return train(english_tickets(), [QUEUE], BUSINESS, encoding=encoding)


def test_all_kinds_of_attributes_are_learnt_and_the_card_says_which_encoders_read(trained: Trained) -> None:
    card = trained.report_card
    assert card.mode == "business"
    assert [one.name for one in card.attributes] == ["queue", "priority", "tags"]
    assert all(one.accuracy.value > one.majority.accuracy for one in card.attributes)
    read_with = [one.values["encoder"] for one in card.findings if one.code.startswith("encoder_")]
    assert read_with == ["use-multilingual", "minilm-en"]


def test_the_card_says_where_the_cheaper_mode_is_enough(trained: Trained) -> None:
    # The made-up tickets' queues are told by single words: vectors have nothing to add.
    enough = [finding for finding in trained.report_card.findings if finding.code == "words_were_enough"]
    assert "queue" in [finding.attribute for finding in enough]
    assert enough[0].values["low"] <= enough[0].values["gain"] <= enough[0].values["high"]


def test_tickets_in_languages_never_trained_on_are_understood(english: Trained) -> None:
    predicted = [one["queue"].label for one in english.bundle.predict([text for text, _ in OTHER_LANGUAGES])]
    assert predicted == [queue for _, queue in OTHER_LANGUAGES]


def test_the_english_encoder_may_question_the_label_of_a_ticket_in_another_language_and_not_choose_it(
    english: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [text for text, _ in OTHER_LANGUAGES]
    bundle = english.bundle
    assert bundle.reader is not None and bundle.fallback is not None
    # Models from before were as sure as the multilingual reading alone.
    alone = dataclasses.replace(
        bundle, attributes=tuple(dataclasses.replace(one, caps_fallback=False) for one in bundle.attributes)
    )
    before = alone.probabilities(texts)["queue"]
    vectors = bundle.reader.vectors(texts)
    vectors[:, bundle.reader.base_width :] = 7.0
    monkeypatch.setattr(VectorReader, "vectors", lambda self, texts, **_: vectors)
    np.testing.assert_array_equal(alone.probabilities(texts)["queue"], before)
    doubted = bundle.probabilities(texts)["queue"]
    np.testing.assert_array_equal(doubted.argmax(axis=1), before.argmax(axis=1))
    assert (doubted.max(axis=1) <= before.max(axis=1)).all()


def test_a_second_training_encodes_nothing_and_gives_the_same_model(trained: Trained, encoding: Encoding) -> None:
    assert encoding.cache is not None
    misses = encoding.cache.misses
    again = train(made_up_tickets(220), [QUEUE, PRIORITY, TAGS], BUSINESS, encoding=encoding)
    assert encoding.cache.misses == misses
    assert again.bundle.to_bytes() == trained.bundle.to_bytes()


def test_a_loaded_model_predicts_to_the_last_digit_in_a_process_without_django(
    trained: Trained, store: EncoderStore, tmp_path: Path
) -> None:
    path = tmp_path / "model.otai"
    trained.bundle.save(path)
    program = (
        "import json, sys\n"
        "from otai.learning.model.bundle import Bundle\n"
        "predictions = Bundle.load(sys.argv[1]).predict(json.load(sys.stdin))\n"
        'assert "django" not in sys.modules\n'
        'print(json.dumps([[repr(p[n].confidence) for n in ("queue", "priority", "tags")] for p in predictions]))\n'
    )
    texts = [*made_up_tickets(8, seed=5).texts, "", "Der Drucker brennt"]
    environment = {
        **os.environ,
        "OTAI_ENCODERS": str(store.folder),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program, str(path)], input=json.dumps(texts), env=environment, text=True,
            capture_output=True, check=True
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    here = [[one[name].confidence for name in ("queue", "priority", "tags")] for one in trained.bundle.predict(texts)]
    there = [[float(value) for value in row] for row in json.loads(outputs[0])]
    # Encoders agree between thread counts to about five digits; a process with the same threads agrees to the last.
    np.testing.assert_allclose(there, here, atol=2e-3)


def test_saving_and_loading_changes_no_digit(trained: Trained, encoding: Encoding) -> None:
    content = trained.bundle.to_bytes()
    loaded = Bundle.from_bytes(content)
    assert loaded.to_bytes() == content
    assert loaded.reader is not None and trained.bundle.reader is not None
    loaded = dataclasses.replace(loaded, reader=dataclasses.replace(loaded.reader, store=encoding.store, threads=1))
    here = dataclasses.replace(
        trained.bundle, reader=dataclasses.replace(trained.bundle.reader, cache=None)
    )  # vectors as predicting makes them, not as training kept them
    texts = made_up_tickets(6, seed=9).texts
    for name, likely in here.probabilities(texts).items():
        np.testing.assert_array_equal(loaded.probabilities(texts)[name], likely)


def test_a_model_without_its_encoder_says_what_to_pull(trained: Trained, tmp_path: Path) -> None:
    loaded = Bundle.from_bytes(trained.bundle.to_bytes())
    assert loaded.reader is not None
    bare = dataclasses.replace(loaded, reader=dataclasses.replace(loaded.reader, store=EncoderStore(tmp_path)))
    with pytest.raises(MissingEncoder, match="otai encoders pull use-multilingual"):
        bare.predict(["anything"])


def test_a_model_refuses_another_revision_of_its_encoder(trained: Trained) -> None:
    reader = trained.bundle.reader
    assert reader is not None
    other = dataclasses.replace(reader.used[0], fingerprint="0" * 16, revision="0.1")
    changed = dataclasses.replace(trained.bundle, reader=dataclasses.replace(reader, used=(other, *reader.used[1:])))
    with pytest.raises(MissingEncoder, match=r"revision 0\.1"):
        changed.predict(["anything"])


def test_the_bundle_names_encoders_and_holds_none_of_their_weights(trained: Trained) -> None:
    content = trained.bundle.to_bytes()
    assert len(content) < 3_000_000
    loaded = Bundle.from_bytes(content)
    assert loaded.reader is not None
    assert [one.name for one in loaded.reader.used] == ["use-multilingual", "minilm-en"]
    assert all(len(one.fingerprint) == 16 and one.revision for one in loaded.reader.used)


def test_weights_that_do_not_fit_their_encoders_are_refused(trained: Trained) -> None:
    narrow = dataclasses.replace(trained.bundle, vector_weights=trained.bundle.vector_weights[:-1])
    with pytest.raises(BundleInvalid):
        Bundle.from_bytes(narrow.to_bytes())


def here(loaded: Bundle, trained: Trained) -> Bundle:
    """A loaded model with the encoders of the tests."""
    return dataclasses.replace(loaded, reader=trained.bundle.reader)


def test_a_model_of_the_format_before_kernels_predicts_as_it_did(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained.bundle.kernel is not None and trained.bundle.reader is not None
    weights = np.random.default_rng(0).standard_normal((trained.bundle.reader.width, len(trained.bundle.intercepts)))
    linear = dataclasses.replace(
        trained.bundle, kernel=None, vector_weights=weights.astype(np.float16).astype(np.float32)
    )
    monkeypatch.setattr("otai.learning.model.bundle.FORMAT", 1)
    content = linear.to_bytes()
    monkeypatch.undo()
    texts = made_up_tickets(8, seed=5).texts
    loaded = here(Bundle.from_bytes(content), trained)
    for name, probabilities in linear.probabilities(texts).items():
        np.testing.assert_array_equal(loaded.probabilities(texts)[name], probabilities)


def test_a_model_of_words_alone_can_be_averaged_with_one_of_a_kernel(
    encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "otai.learning.linear.cross_fitting.best_blend",
        lambda tried, *_, **__: Blend((0, 2) if len(tried) > 1 else (0,), 0.0),
    )
    tickets = made_up_tickets(220)
    given = dataclasses.replace(tickets, splits=["test" if n % 5 == 0 else "train" for n in range(220)])
    trained = train(given, [QUEUE], BUSINESS, encoding=encoding)
    assert trained.report_card.attributes[0].accuracy.value > 0.8


def test_landmarks_that_do_not_fit_are_refused(trained: Trained) -> None:
    kernel = trained.bundle.kernel
    assert kernel is not None
    narrow = dataclasses.replace(kernel, directions=kernel.directions[:-1])
    with pytest.raises(BundleInvalid):
        Bundle.from_bytes(dataclasses.replace(trained.bundle, kernel=narrow).to_bytes())


def test_many_tickets_are_compared_with_some_of_them(
    trained: Trained, encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.linear.cross_fitting.MOST_TICKETS_EXACT_BLENDED", 100)
    monkeypatch.setattr("otai.learning.linear.cross_fitting.MOST_LANDMARKS", 60)
    sketched = train(made_up_tickets(220), [QUEUE, PRIORITY, TAGS], BUSINESS, encoding=encoding)
    assert sketched.bundle.kernel is not None and sketched.bundle.sketch_columns > 0
    assert len(sketched.bundle.kernel.landmarks) == 60
    loaded = here(Bundle.from_bytes(sketched.bundle.to_bytes()), trained)
    tickets = made_up_tickets(60, seed=9)
    decided = [one["queue"].label for one in loaded.predict(tickets.texts)]
    right = sum(label == said for label, said in zip(decided, tickets.attributes["queue"], strict=True))
    exact = [one["queue"].label for one in trained.bundle.predict(tickets.texts)]
    assert right >= 0.9 * sum(label == said for label, said in zip(exact, tickets.attributes["queue"], strict=True))


@pytest.mark.parametrize(
    "text", ["", " \n", "\x00\x01\x02", "한국어만 있는 글", "word " * 20_000, "\ud800 broken", "ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ"]
)
def test_any_text_gets_an_answer(trained: Trained, text: str) -> None:
    [prediction] = trained.bundle.predict([text])
    assert 0 <= prediction["queue"].confidence <= 1


def test_labels_too_rare_fail_as_in_basic(encoding: Encoding) -> None:
    with pytest.raises(InputFailure):
        train(tickets_of([f"text {n}" for n in range(20)], [str(n) for n in range(20)]), [QUEUE], BUSINESS,
            encoding=encoding)  # fmt: skip


def test_a_training_without_encoders_is_refused_before_it_learns(tmp_path: Path) -> None:
    with pytest.raises(MissingEncoder, match="otai encoders pull"):
        train(english_tickets(), [AttributeSpec("queue")], BUSINESS, encoding=Encoding(EncoderStore(tmp_path)))


def test_languages_nobody_told_are_detected() -> None:
    german = ["Ich habe mein Passwort vergessen und komme nicht mehr in mein Konto"] * 3
    assert language_shares(german, [None] * 3) == {"de": 1.0}
    assert language_shares(german, ["it", "it", None]) == {"it": 1.0}
    assert language_shares([], []) == {}
