from __future__ import annotations

import dataclasses
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from otai.learning.errors import BundleInvalid
from otai.learning.linear.calibration import ConfidenceMap
from otai.learning.linear.heads import OneLabelHead
from otai.learning.model.bundle import FORMAT, AttributeModel, Bundle, Scored
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets

pytestmark = pytest.mark.pure

NEW_TEXTS = [*made_up_tickets(25, seed=9).texts, "", "Ωψξ", "VPN\nΩ urgent"]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return train(made_up_tickets(240), [QUEUE, PRIORITY, TAGS], recipe_for("basic")).bundle


@pytest.fixture
def saved(bundle: Bundle, tmp_path: Path) -> Path:
    bundle.save(tmp_path / "model.otai")
    return tmp_path / "model.otai"


def test_a_bundle_predicts_the_same_to_the_last_digit_after_reload(bundle: Bundle, saved: Path) -> None:
    assert Bundle.load(saved).predict(NEW_TEXTS) == bundle.predict(NEW_TEXTS)


def test_a_ticket_is_predicted_the_same_alone_and_among_others(bundle: Bundle) -> None:
    together = bundle.predict(NEW_TEXTS)
    assert [bundle.predict([text])[0] for text in NEW_TEXTS] == together


def test_a_process_without_django_or_database_predicts_the_same(bundle: Bundle, saved: Path) -> None:
    program = """
import json, sys
from otai.learning.bundle import Bundle  # as customers' programs have it (README, docs/use-elsewhere.md)

texts = json.load(sys.stdin)
predictions = Bundle.load(sys.argv[1]).predict(texts)
assert not {"django", "sqlite3", "pyarrow", "lingua", "babel"} & set(sys.modules), "prediction must stay pure"
print(
    json.dumps(
        [[list(p[n].labels) + [repr(p[n].confidence)] for n in ("queue", "priority", "tags")] for p in predictions]
    )
)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program, str(saved)],
        input=json.dumps(NEW_TEXTS),
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin", "OPENBLAS_NUM_THREADS": "1"},
        cwd=Path(__file__).resolve().parents[3],
    )
    here = [
        [[*one[name].labels, repr(one[name].confidence)] for name in ("queue", "priority", "tags")]
        for one in bundle.predict(NEW_TEXTS)
    ]
    assert json.loads(answer.stdout) == here


def test_a_bundle_names_what_it_predicts_and_how_it_was_made(bundle: Bundle, saved: Path) -> None:
    loaded = Bundle.load(saved)
    assert loaded.specs == (QUEUE, PRIORITY, TAGS)
    assert loaded.attributes[1].labels == ("low", "medium", "high")
    assert loaded.recipe["mode"] == "basic" and loaded.recipe["seed"] == 0
    assert loaded.attributes[0].thresholds == bundle.attributes[0].thresholds


def test_a_bundle_holds_no_word_of_any_ticket(saved: Path) -> None:
    content = saved.read_bytes()
    for word in (b"invoice", b"password", b"firewall"):
        # Tags are labels, and labels are in it; words of texts are not.
        assert word not in content or word.decode() in set(Bundle.load(saved).attributes[2].labels)
    assert b"urgent" not in content


def test_saving_returns_the_files_checksum(bundle: Bundle, tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "model.otai"
    assert bundle.save(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.5, 0.9, 0.999])
def test_one_flipped_bit_is_found(saved: Path, share: float) -> None:
    content = bytearray(saved.read_bytes())
    content[int(share * (len(content) - 1))] ^= 0x10
    saved.write_bytes(content)
    with pytest.raises(BundleInvalid):
        Bundle.load(saved)


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 5_000, -1])
def test_a_file_cut_short_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(BundleInvalid):
        Bundle.load(saved)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 a zip file",
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 50_000) + b"[" * 50_000,
        struct.pack("<Q", 4) + b"null",
    ],
    ids=["zip", "huge header", "no manifest", "nested", "null"],
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.otai").write_bytes(content)
    with pytest.raises(BundleInvalid):
        Bundle.load(tmp_path / "model.otai")


def test_a_newer_format_asks_for_an_update(saved: Path) -> None:
    content = saved.read_bytes()
    newer = content.replace(f'\\"format\\": {FORMAT}'.encode(), b'\\"format\\": 9')
    assert newer != content
    saved.write_bytes(newer)
    with pytest.raises(BundleInvalid, match="Update OTAI Studio"):
        Bundle.load(saved)


def test_weights_survive_half_precision(bundle: Bundle) -> None:
    assert np.array_equal(bundle.weights, bundle.weights.astype(np.float16).astype(np.float32))


def test_a_ticket_of_unknown_words_is_no_surer_than_both_heads_are() -> None:
    straight = ConfidenceMap(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    head = OneLabelHead(1.0, straight)
    before = AttributeModel(QUEUE, ("a", "b"), slice(0, 2), head, {}, np.array([0.5, 0.5]), fallback_head=head)
    words, meaning = np.array([[0.2, 0.0], [0.2, 0.0]]), np.array([[0.0, 5.0], [0.0, 5.0]])
    scored = Scored(words, np.zeros(2, np.bool_), np.array([True, False]), meaning)
    sure = before.probabilities(scored)
    capped = dataclasses.replace(before, caps_fallback=True).probabilities(scored)
    assert sure[0].argmax() == capped[0].argmax() == 1, "the label stays the fallback's"
    assert sure[0].max() > 0.99 and capped[0].max() == pytest.approx(np.exp(0.2) / (1 + np.exp(0.2)))
    np.testing.assert_array_equal(sure[1], capped[1])
