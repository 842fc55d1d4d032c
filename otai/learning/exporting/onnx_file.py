"""A network and one attribute's head as ONNX: token ids and their mask in, logits out; beside it the tokeniser and the
labels.

Tried with onnxruntime before it counts, where that is installed; an export that nobody could try says so.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otai.errors import Unavailable
from otai.learning.exporting import TRIED_ON, Exported, ExportedPart
from otai.learning.exporting.huggingface import _write_tokeniser
from otai.learning.exporting.text_rules import TEXT_RULES, said_of, write_text_rules

OPSET = 17
MOST_DIFFERENCE = 0.001


class OnnxNotInstalled(Unavailable):
    """The extra `otai[onnx]` is missing; says how to install it."""

    code = "onnx_not_installed"


class _Whole(nn.Module):
    """Ids and mask to logits, as the model itself computes them."""

    def __init__(self, part: ExportedPart) -> None:
        super().__init__()
        self.module = part.network.network.module
        self.weights = nn.Parameter(torch.from_numpy(part.weights.copy()))
        self.bias = nn.Parameter(torch.from_numpy(part.bias.copy()))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        unit = nn.functional.normalize(self.module(input_ids, attention_mask), dim=1)
        return nn.functional.linear(unit, self.weights, self.bias)


def write_folder(part: ExportedPart, folder: Path, *, name: str) -> Exported:
    """Writes `model.onnx`, the tokeniser and `labels.json`, whole or not at all. Raises OnnxNotInstalled,
    ExportDiffers."""
    try:
        import onnx  # noqa: F401 - torch writes through it
        import onnxruntime
    except ImportError as missing:
        raise OnnxNotInstalled("onnx", missing=missing.name) from None
    network = part.network.network
    ids, mask = network.module.collate(network.tokens(TRIED_ON))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as unfinished:
        written = Path(unfinished) / "model"
        written.mkdir()
        with warnings.catch_warnings(), network.bounded_threads(1):
            # torch warns that shapes become constants where they do not, and that its newer exporter will take over.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Whole(part).cpu().eval(),
                (ids.cpu(), mask.cpu()),
                str(written / "model.onnx"),
                input_names=["input_ids", "attention_mask"],
                output_names=["logits"],
                dynamic_axes={
                    "input_ids": {0: "tickets", 1: "tokens"},
                    "attention_mask": {0: "tickets", 1: "tokens"},
                    "logits": {0: "tickets"},
                },
                opset_version=OPSET,
                dynamo=False,
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(written / "model.onnx", options, providers=["CPUExecutionProvider"])
        # Another number of tickets and of tokens than it was exported with, so that no shape was taken for a constant.
        logits = [_asked(session, network, [text]) for text in TRIED_ON]
        difference = part.compare(np.concatenate(logits), TRIED_ON, most=MOST_DIFFERENCE)
        _write_tokeniser(part, written)
        write_text_rules(part.text_rules, written)
        (written / "labels.json").write_text(
            json.dumps(
                {
                    "model": name,
                    "attribute": part.attribute.spec.name,
                    "labels": list(part.attribute.labels),
                    "probabilities": "sigmoid" if part.attribute.spec.is_multi else "softmax",
                    "is_the_whole_model": part.is_whole,
                    "largest_difference": difference,
                    "text_rules": TEXT_RULES if part.text_rules is not None else None,
                    "before_it_reads_a_text": said_of(part.text_rules),
                },
                ensure_ascii=False,
                indent=2,
            ),
            encoding="utf-8",
        )
        if folder.exists():
            folder.rmdir()
        shutil.move(written, folder)
    files = sorted(path.name for path in folder.iterdir())
    return Exported(folder, files, part.attribute.spec.name, list(part.attribute.labels), difference, len(TRIED_ON))


def _asked(session: Any, network: Any, texts: list[str]) -> np.ndarray[Any, Any]:
    ids, mask = network.module.collate(network.tokens(texts))
    found: np.ndarray[Any, Any] = session.run(
        None, {"input_ids": ids.cpu().numpy(), "attention_mask": mask.cpu().numpy()}
    )[0]
    return found
