"""A network and one attribute's head as a folder that `AutoModelForSequenceClassification` loads, with no code of ours
in it.

Such a model looks at the first token, and its head is a dense layer, a tanh and a linear one. Ours looks at the mean of
all tokens, made as long as one. One more layer of the same architecture, with weights worked out instead of learnt,
makes the one of the other:

- Its attention has no queries and no keys, so every token looks at all tokens alike: what it gives is their mean. It is
  multiplied by `LARGE_FACTOR`, so that the first token's own state, which the layer adds, is drowned.
- A layer norm then subtracts the mean over the dimensions and divides by the spread. To divide by the length instead,
  the vector must have no mean: states come out of a layer norm themselves, so they lie in a plane; a reflection turns
  that plane into the one of vectors without mean, and loses nothing.
- The feed-forward part is zero, and the norm after it changes nothing a second time.
- The head's dense layer reflects back and makes the numbers so small (`SMALL_FACTOR`) that tanh leaves them as they
  are; the last layer makes up for both.

What remains of the difference is measured on a few texts at every export.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otai.learning.evidence.report_card import ReportCard
from otai.learning.exporting import TRIED_ON, Exported, ExportedPart, NothingToExport
from otai.learning.exporting.text_rules import said_of, write_text_rules

LARGE_FACTOR, SMALL_FACTOR = 1e4, 1e-3

# By how much a probability may differ between the network and the folder.
MOST_DIFFERENCE = 0.01

ARCHITECTURES = ("bert", "roberta", "xlm-roberta")


def write_folder(part: ExportedPart, folder: Path, *, name: str, card: ReportCard | None = None) -> Exported:
    """Writes the folder whole or not at all; `folder` must not exist or be empty. `card` lends its figures to the
    README.

    Raises NothingToExport for another architecture than BERT's or RoBERTa's, and ExportDiffers.
    """
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    network = part.network.network
    backbone = network.module.backbone
    if backbone.config.model_type not in ARCHITECTURES:
        raise NothingToExport("architecture", known=list(ARCHITECTURES), architecture=backbone.config.model_type)
    model = AutoModelForSequenceClassification.from_config(_config(part, backbone.config)).eval()
    with torch.no_grad():
        _fill(model, part, backbone)
    tokens = network.tokens(TRIED_ON)
    with torch.inference_mode(), network.bounded_threads(1):
        ids, mask = network.module.collate(tokens)
        logits = model(input_ids=ids.cpu(), attention_mask=mask.cpu()).logits.numpy()
    difference = part.compare(logits, TRIED_ON, most=MOST_DIFFERENCE)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as unfinished:
        written = Path(unfinished) / "model"
        model.save_pretrained(written)
        _write_tokeniser(part, written)
        write_text_rules(part.text_rules, written)
        (written / "README.md").write_text(_readme(part, name, difference, card), encoding="utf-8")
        if folder.exists():
            # Only an empty one: the caller has asked before.
            folder.rmdir()
        shutil.move(written, folder)
    files = sorted(path.name for path in folder.iterdir())
    return Exported(folder, files, part.attribute.spec.name, list(part.attribute.labels), difference, len(TRIED_ON))


def _config(part: ExportedPart, own: Any) -> Any:
    config = type(own).from_dict(own.to_dict())
    config.num_hidden_layers = own.num_hidden_layers + 1
    config.id2label = dict(enumerate(part.attribute.labels))
    config.label2id = {label: number for number, label in enumerate(part.attribute.labels)}
    config.problem_type = (
        "multi_label_classification" if part.attribute.spec.is_multi else "single_label_classification"
    )
    config.dtype = "float32"
    return config


def _fill(model: nn.Module, part: ExportedPart, backbone: nn.Module) -> None:
    base: Any = model.base_model
    base.embeddings.load_state_dict(backbone.embeddings.state_dict())
    for own, given in zip(base.encoder.layer, backbone.encoder.layer, strict=False):
        own.load_state_dict(given.state_dict())
    last = backbone.encoder.layer[-1].output.LayerNorm
    plane, offset = _plane(last.weight.double(), last.bias.double())
    dimension = len(plane)
    even = torch.full((dimension,), dimension**-0.5, dtype=torch.float64)
    reflection = _reflection(plane, even)
    _fill_gathering(base.encoder.layer[-1], reflection)

    network = part.network.network
    lengths = torch.linalg.vector_norm(_pooled(network, TRIED_ON), dim=1)
    typical = float(lengths.double().square().mean().sqrt())
    weights = torch.from_numpy(part.weights).double()
    # What lies along the plane's normal is the same for all texts: it goes into the bias.
    bias = torch.from_numpy(part.bias).double() + weights @ plane * (offset / typical)
    if part.network.network.module.pooling != "mean":
        raise NothingToExport("first_token")
    dense, out = _head(model)
    dense.weight.copy_(SMALL_FACTOR * reflection)
    dense.bias.zero_()
    out.weight.copy_(weights / (SMALL_FACTOR * dimension**0.5))
    out.bias.copy_(bias)


def _fill_gathering(layer: Any, reflection: Tensor) -> None:
    """The layer in which the first token gathers the mean of all."""
    attention = layer.attention.self
    for one in (attention.query, attention.key):
        one.weight.zero_()
        one.bias.zero_()
    attention.value.weight.copy_(torch.eye(len(reflection)))
    attention.value.bias.zero_()
    gathered = layer.attention.output
    gathered.dense.weight.copy_(LARGE_FACTOR * reflection)
    gathered.dense.bias.zero_()
    for dense in (layer.intermediate.dense, layer.output.dense):
        dense.weight.zero_()
        dense.bias.zero_()
    for norm in (gathered.LayerNorm, layer.output.LayerNorm):
        norm.weight.fill_(1)
        norm.bias.zero_()


def _plane(gain: Tensor, shift: Tensor) -> tuple[Tensor, float]:
    """The unit normal of the plane in which a layer norm's outputs lie, and the plane's distance from the origin along
    it.

    Before gain and shift they have no mean: the sum over (y - shift) / gain is zero. A dimension without gain is its
    shift, always: then it is the normal.
    """
    gain = torch.where(gain.abs() < 1e-12, torch.full_like(gain, 1e-12), gain)
    normal = 1 / gain
    length = torch.linalg.vector_norm(normal)
    return normal / length, float((shift / gain).sum() / length)


def _reflection(one: Tensor, other: Tensor) -> Tensor:
    """The symmetric matrix that swaps two unit vectors and keeps all that stands upright on their difference
    (Householder 1958)."""
    difference = one - other
    square = difference @ difference
    if square < 1e-18:
        return torch.eye(len(one), dtype=torch.float64)
    return torch.eye(len(one), dtype=torch.float64) - 2 * torch.outer(difference, difference) / square


def _head(model: Any) -> tuple[nn.Linear, nn.Linear]:
    if hasattr(model.classifier, "out_proj"):
        return model.classifier.dense, model.classifier.out_proj
    return model.base_model.pooler.dense, model.classifier


def _pooled(network: Any, texts: tuple[str, ...]) -> Tensor:
    with torch.inference_mode():
        found: Tensor = network.module(*network.module.collate(network.tokens(texts))).float().cpu()
        return found


def _write_tokeniser(part: ExportedPart, folder: Path) -> None:
    from tokenizers import Tokenizer, normalizers
    from transformers import PreTrainedTokenizerFast

    encoder = part.network.network._encoder
    tokenizer = Tokenizer.from_file(str(encoder.installed.folder / "tokenizer.json"))
    if encoder.spec.prefix:
        before = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(encoder.spec.prefix), *before])
    tokenizer.no_padding()
    tokenizer.enable_truncation(part.network.most_tokens)
    known = {
        role: token
        for role, tokens in {
            "pad_token": ("[PAD]", "<pad>"),
            "unk_token": ("[UNK]", "<unk>"),
            "cls_token": ("[CLS]", "<s>"),
            "sep_token": ("[SEP]", "</s>"),
            "mask_token": ("[MASK]", "<mask>"),
        }.items()
        for token in tokens
        if tokenizer.token_to_id(token) is not None
    }
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=part.network.most_tokens,
        model_input_names=["input_ids", "attention_mask"],
        **known,
    )
    wrapped.save_pretrained(folder)


def _readme(part: ExportedPart, name: str, difference: float, card: ReportCard | None) -> str:
    attribute = part.attribute
    measured = ""
    if card is not None:
        report = card.attribute(attribute.spec.name)
        measured = (
            "The whole model, of which this is "
            f"{'all but the last step of calibration' if part.is_whole else 'one part'}, was right on "
            f"{100 * report.accuracy.value:.1f} % of {report.holdout_tickets} tickets that it had not learnt (95 % "
            f"interval {100 * report.accuracy.low:.1f} to {100 * report.accuracy.high:.1f}), macro F1 "
            f"{report.macro_f1.value:.3f}.\n\n"
        )
    missing = (
        "Its scores are the model's own; the map from raw to calibrated confidence is left out."
        if part.is_whole
        else "The model itself also reads words and characters, and listens to this network beside them: labels of "
        "this folder alone may differ, and its confidences are not calibrated. Measure it on your own tickets "
        "before you set thresholds."
    )
    order = ", ".join(json.dumps(label, ensure_ascii=False) for label in attribute.labels[:20])
    more = f" and {len(attribute.labels) - 20} more" if len(attribute.labels) > 20 else ""
    multi = (
        "Any number of them may apply to a ticket: ask the pipeline for `top_k=None`."
        if attribute.spec.is_multi
        else ""
    )
    return f"""---
library_name: transformers
pipeline_tag: text-classification
---

# {name}: {attribute.spec.name}

Made by OTAI Studio from `{part.network.used.name}` (revision {part.network.used.revision}). A ticket is its subject,
a new line, and its body.

```python
from transformers import pipeline

classify = pipeline("text-classification", model="PATH/OF/THIS/FOLDER", truncation=True)
classify("My invoice is wrong")
```

{said_of(part.text_rules)}{measured}{missing} On
{len(TRIED_ON)} texts, probabilities differ from the network's by at most {difference:.1e}.

Labels: {order}{more}. {multi}
"""


def logits_of(folder: Path, texts: list[str]) -> np.ndarray[Any, Any]:
    """What transformers makes of the folder, as a stranger would load it, shape (texts, labels)."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True).eval()
    with torch.inference_mode():
        found = model(**tokenizer(texts, padding=True, truncation=True, return_tensors="pt"))
    logits: np.ndarray[Any, Any] = found.logits.numpy()
    return logits
