"""Models in the forms of others: transformers' pipeline and onnxruntime say what the network says, with the right
labels."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from otai.learning.data.cuts.cutting import TextRules, name_key
from otai.learning.encoders import EncoderStore, import_path, open_encoder
from otai.learning.exporting import ExportDiffers, NoSuchAttribute, NothingToExport, part_of, texts_as_learnt
from otai.learning.features.embeddings import EncoderUsed
from otai.learning.finetuning.finetuned import Ensemble, FineTunedNetwork
from otai.learning.model.bundle import Bundle
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from tests import parts
from tests.learning.encoders.conftest import tiny_folder
from tests.learning.made_up import QUEUE, TAGS, made_up_tickets
from tests.leftovers import found_in_files

__all__ = ["tiny_folder"]

pytestmark = pytest.mark.pure

PLANTED = ("carolina@kingfisher.example", "Carolina Kingfisher")
"""In every ticket that was learnt from."""
TEXTS = ["vpn", "the invoice is wrong", "printer password printer", "x y z " * 40, "invoice"]


@pytest.fixture(scope="module")
def basic() -> Bundle:
    tickets = made_up_tickets(200)
    signed = [f"{text}\nWrite to {PLANTED[0]}\n{PLANTED[1]}" for text in tickets.texts]
    return train(dataclasses.replace(tickets, texts=signed), [QUEUE, TAGS], recipe_for("basic")).bundle


@pytest.fixture(scope="module")
def maximum(basic: Bundle, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model that listens to a little BERT, whose upper layer and heads are as far from where they began as learning
    would bring them."""
    import torch

    from otai.learning.finetuning.network import Network

    store = EncoderStore(tmp_path_factory.mktemp("encoders"))
    import_path(tiny_folder, store, name="tiny")
    spec = store.find("tiny").spec
    labels = sum(len(one.labels) for one in basic.attributes)
    network = Network(open_encoder("tiny", store=store, threads=1), labels=labels, trained_layers=1, most_tokens=32)
    torch.manual_seed(1)
    arrays = {
        name: (one + 0.05 * torch.randn_like(one)).numpy().astype(np.float16) for name, one in network.learnt().items()
    }
    arrays["head.weight"] = (0.4 * torch.randn(labels, spec.dimension)).numpy().astype(np.float16)
    used = EncoderUsed(spec.name, spec.revision, spec.fingerprint, spec.dimension)
    ensemble = FineTunedNetwork(used, 1, 32, arrays, (0.7, 0.5), store, threads=1)
    return dataclasses.replace(basic, ensemble=Ensemble((ensemble,), (0.3, 0.0)))


def test_transformers_pipeline_gives_the_networks_labels_and_scores(maximum: Bundle, tmp_path: Path) -> None:
    from transformers import pipeline

    from otai.learning.exporting.huggingface import logits_of, write_folder

    part = part_of(maximum, "queue")
    exported = write_folder(part, tmp_path / "queue", name="support v2")
    assert exported.difference < 0.001 and not part.is_whole
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= set(
        exported.files
    )
    config = json.loads((exported.folder / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"] and "auto_map" not in config
    assert config["id2label"] == {"0": "Access", "1": "Billing", "2": "Hardware", "3": "Network"}

    expected = part.probabilities(part.logits(TEXTS))
    classify = pipeline("text-classification", model=str(exported.folder), truncation=True, device="cpu")
    for text, likely in zip(TEXTS, expected, strict=True):
        found = classify(text)[0]
        assert found["label"] == part.attribute.labels[int(likely.argmax())]
        assert found["score"] == pytest.approx(likely.max(), abs=0.002)
    assert len({classify(text)[0]["label"] for text in TEXTS}) > 1
    # Padding beside a longer text changes nothing.
    together = part.probabilities(logits_of(exported.folder, TEXTS))
    assert np.abs(together - expected).max() < 0.002


def test_nobody_who_stood_in_the_tickets_stands_in_what_is_exported(maximum: Bundle, tmp_path: Path) -> None:
    parts.module("onnxruntime", extra="onnx")
    parts.module("onnx", extra="onnx")
    from otai.learning.exporting import huggingface, onnx_file

    folders = [
        form.write_folder(part_of(maximum, "queue"), tmp_path / form.__name__, name="support v2").folder
        for form in (huggingface, onnx_file)
    ]
    (tmp_path / "model.otai").write_bytes(maximum.to_bytes())
    words = ["carolina", "kingfisher"]
    assert all(any(folder.iterdir()) for folder in folders) and found_in_files(words, tmp_path) == {}
    (tmp_path / "note.txt").write_text(f"asked by {PLANTED[1]}")
    assert found_in_files(words, tmp_path) == {"note.txt": words}, "the search finds them"


def test_a_multi_label_attribute_is_one_with_sigmoids(maximum: Bundle, tmp_path: Path) -> None:
    from transformers import pipeline

    from otai.learning.exporting.huggingface import write_folder

    part = part_of(maximum, "tags")
    # Tags listen to the network alone, so the folder has the calibration's curve in it.
    assert part.is_whole
    exported = write_folder(part, tmp_path / "tags", name="support v2")
    classify = pipeline("text-classification", model=str(exported.folder), truncation=True, top_k=None, device="cpu")
    [expected] = part.probabilities(part.logits(["vpn printer"]))
    found = {one["label"]: one["score"] for one in classify(["vpn printer"])[0]}
    assert set(found) == set(part.attribute.labels) and sum(found.values()) != pytest.approx(1, abs=0.01)
    for label, likely in zip(part.attribute.labels, expected, strict=True):
        assert found[label] == pytest.approx(likely, abs=0.002)


def test_a_whole_network_gives_the_models_own_scores(maximum: Bundle) -> None:
    alone = dataclasses.replace(maximum, ensemble=dataclasses.replace(maximum.ensemble, business_weights=(0.0, 0.0)))  # type: ignore[type-var]
    part = part_of(alone, "queue")
    own = alone.probabilities(TEXTS)["queue"]
    assert part.is_whole
    assert part.probabilities(part.logits(TEXTS)).argmax(axis=1).tolist() == own.argmax(axis=1).tolist()


def test_onnxruntime_says_the_same(maximum: Bundle, tmp_path: Path) -> None:
    parts.module("onnxruntime", extra="onnx")
    parts.module("onnx", extra="onnx")
    from otai.learning.exporting.onnx_file import write_folder

    cutting = dataclasses.replace(maximum, text_rules=RULES)
    exported = write_folder(part_of(cutting, "queue"), tmp_path / "onnx", name="support v2")
    assert texts_as_learnt(exported.folder, [MAIL]) == list(cutting.as_learnt([MAIL]))
    assert exported.difference < 1e-4 and {"model.onnx", "labels.json", "tokenizer.json"} <= set(exported.files)
    told = json.loads((exported.folder / "labels.json").read_text())
    assert told["labels"] == list(part_of(maximum, "queue").attribute.labels) and told["probabilities"] == "softmax"
    assert told["text_rules"] == "text_rules.json" and "texts_as_learnt" in told["before_it_reads_a_text"]


RULES = TextRules(masked=("email", "iban"), lines=frozenset({name_key("Dana Okafor took this")}))
MAIL = (
    "VPN down\nHello, write to carol@globex.example please.\nDana Okafor took this\n\nOn 5 Jan 2026 10:00, Helpdesk "
    "wrote:\n> We look at it"
)


def test_what_training_cut_is_cut_before_an_exported_network_reads(maximum: Bundle, tmp_path: Path) -> None:
    from otai.learning.exporting.huggingface import write_folder

    cutting = dataclasses.replace(maximum, text_rules=RULES)
    exported = write_folder(part_of(cutting, "queue"), tmp_path / "queue", name="support v2")
    read = texts_as_learnt(exported.folder, [MAIL])
    assert read == list(cutting.as_learnt([MAIL])) == ["VPN down\nHello, write to [email] please."]
    told = (exported.folder / "README.md").read_text()
    assert "texts_as_learnt" in told and "signatures" in told and "labels away (1)" in told
    for file in exported.folder.rglob("*"):
        assert file.suffix == ".safetensors" or b"Okafor" not in file.read_bytes()
    # The snippet of the README runs as it stands.
    snippets = [part.split("```")[0] for part in told.split("```python")[1:]]
    snippet = next(one for one in snippets if "texts_as_learnt" in one)
    found: dict[str, list[str]] = {}
    exec(snippet.replace("PATH/OF/THIS/FOLDER", str(exported.folder)), found)
    assert found["texts"] == ["Subject\nThe body as it came"]


def test_an_export_of_a_model_that_cuts_nothing_only_reads_markup(maximum: Bundle, tmp_path: Path) -> None:
    from otai.learning.exporting.huggingface import write_folder

    exported = write_folder(part_of(maximum, "queue"), tmp_path / "queue", name="support v2")
    told = (exported.folder / "README.md").read_text()
    assert "text_rules.json" not in exported.files and "text_rules.json" not in told and "signatures" not in told
    assert "wiki markup" in told
    assert texts_as_learnt(exported.folder, [MAIL, "<p>VPN &amp; mail</p>"]) == [MAIL, "VPN & mail"]
    with pytest.raises(OSError, match="nowhere"):
        texts_as_learnt(tmp_path / "nowhere", [MAIL])


def test_what_cannot_be_exported_says_what_would_do(basic: Bundle, maximum: Bundle) -> None:
    with pytest.raises(NothingToExport, match="otai serve"):
        part_of(basic, "queue")
    with pytest.raises(NoSuchAttribute, match="queue, tags"):
        part_of(maximum, "colour")
    with pytest.raises(NoSuchAttribute, match="Say which"):
        part_of(maximum, None)


def test_an_export_that_answers_otherwise_is_not_kept(
    maximum: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otai.learning.exporting import huggingface

    monkeypatch.setattr(huggingface, "LARGE_FACTOR", 0.01)
    with pytest.raises(ExportDiffers):
        huggingface.write_folder(part_of(maximum, "queue"), tmp_path / "queue", name="support v2")
    assert not list(tmp_path.iterdir())
