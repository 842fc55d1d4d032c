"""Encoders of random weights, in the layout of the hub: the architecture and the size of the real ones, and nothing
fetched. Their vectors mean nothing; what they cost is what the real ones cost."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

CONFIG = """{{
  "_name_or_path": "tmp/",
  "architectures": [
    "XLMRobertaModel"
  ],
  "attention_probs_dropout_prob": 0.1,
  "bos_token_id": 0,
  "classifier_dropout": null,
  "eos_token_id": 2,
  "hidden_act": "gelu",
  "hidden_dropout_prob": 0.1,
  "hidden_size": {width},
  "initializer_range": 0.02,
  "intermediate_size": {inner},
  "layer_norm_eps": 1e-05,
  "max_position_embeddings": 514,
  "model_type": "xlm-roberta",
  "num_attention_heads": {heads},
  "num_hidden_layers": {layers},
  "output_past": true,
  "pad_token_id": 1,
  "position_embedding_type": "absolute",
  "torch_dtype": "float32",
  "transformers_version": "{version}",
  "type_vocab_size": 1,
  "use_cache": true,
  "vocab_size": {pieces}
}}
"""


@dataclass(frozen=True)
class Architecture:
    """The sizes of an XLM-R. `version` is that of transformers which its configuration names."""

    width: int
    layers: int
    heads: int
    pieces: int = 250_002
    version: str = "4.29.0"

    @property
    def config(self) -> str:
        """Its config.json. A test compares its checksum with that of the encoder of this architecture."""
        return CONFIG.format(
            width=self.width,
            inner=4 * self.width,
            heads=self.heads,
            layers=self.layers,
            version=self.version,
            pieces=self.pieces,
        )


ARCHITECTURES = {
    "multilingual-e5-base": Architecture(width=768, layers=12, heads=12, version="4.29.0.dev0"),
    "multilingual-e5-large": Architecture(width=1024, layers=24, heads=16),
}

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Two of them make a word, with the blank before it three pieces: rather more than words of tickets have.
_SYLLABLES = [first + second for first in "bcdfghklmnprstvw" for second in "aeiou"]


def write_encoder(folder: Path, architecture: Architecture, *, seed: int = 0) -> Path:
    """Writes config.json, tokenizer.json (pieces by unigrams, as XLM-R's) and model.safetensors into `folder`."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel
    from transformers.utils import logging

    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / "config.json"
    config_file.write_text(architecture.config)
    torch.manual_seed(seed)
    network = XLMRobertaModel(XLMRobertaConfig.from_json_file(config_file), add_pooling_layer=False)
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    network.save_pretrained(folder)
    if shown:
        logging.enable_progress_bar()
    # transformers has written it anew, with the version that is here.
    config_file.write_text(architecture.config)
    _tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def made_up_texts(tickets: int, *, labels: int, seed: int = 0) -> tuple[list[str], list[int]]:
    """Tickets as long as those of helpdesks (8 to 200 words, half of them under 35), and the label of each, which its
    words tell."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(_SYLLABLES, k=2)) for _ in range(500)]
    of_label = [chance.sample(words, 8) for _ in range(labels)]
    texts, chosen = [], []
    for number in range(tickets):
        label = number % labels
        length = min(max(int(chance.lognormvariate(3.55, 0.7)), 8), 200)
        said = chance.choices(words, k=length - 3) + chance.choices(of_label[label], k=3)
        chance.shuffle(said)
        texts.append(" ".join(said))
        chosen.append(label)
    return texts, chosen


def _tokenizer():  # type: ignore[no-untyped-def]  # tokenizers is not followed
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(syllable, -5.0) for syllable in _SYLLABLES] + [(letter, -8.0) for letter in _LETTERS]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
