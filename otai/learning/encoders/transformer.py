"""Encoders that transformers' AutoModel loads: BERT and its relatives, from three files (weights, tokenizer,
configuration)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from otai.learning.encoders.errors import NotAnEncoder
from otai.learning.encoders.known import Pooling


class TransformerModule(nn.Module):
    """Tokens in, one vector a text out (not normalised). `backbone` is transformers' own module, for whoever trains it
    further."""

    def __init__(self, backbone: nn.Module, pooling: Pooling, padding: int) -> None:
        super().__init__()
        self.backbone, self.pooling, self.padding = backbone, pooling, padding

    @classmethod
    def from_folder(cls, folder: Path, pooling: Pooling, padding: int) -> TransformerModule:
        """A transformer from a folder in the hub's layout, without its head. Raises NotAnEncoder."""
        from transformers import AutoModel
        from transformers.utils import logging

        shown, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        # It would report the weights that sentence encoders leave out on purpose (BERT's pooler).
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            backbone, report = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                dtype=torch.float32,
            )
        except Exception as error:
            raise NotAnEncoder("transformers", error=error, folder=str(folder)) from error
        finally:
            logging.set_verbosity(shown)
            if bars:
                logging.enable_progress_bar()
        absent = sorted(name for name in report["missing_keys"] if "pooler" not in name)
        if absent:
            raise NotAnEncoder("weights", folder=folder, lacking=len(absent), first=absent[0], missing=absent)
        return cls(backbone, pooling, padding)

    def collate(self, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids and mask, both (texts, longest)."""
        device = next(self.parameters()).device
        longest = max(map(len, texts))
        tokens = torch.full((len(texts), longest), self.padding, dtype=torch.long)
        mask = torch.zeros((len(texts), longest), dtype=torch.long)
        for row, text in enumerate(texts):
            tokens[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        return tokens.to(device), mask.to(device)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """The vectors of the texts, shape (texts, d); `tokens` and `mask` have shape (texts, longest), as `collate`
        makes them."""
        if len(tokens) == 1 and torch.is_inference_mode_enabled() and self._is_plain_bert and bool(mask.all()):
            return self.pooled(self._straight(tokens), mask)
        return self.pooled(self.backbone(input_ids=tokens, attention_mask=mask).last_hidden_state, mask)

    @functools.cached_property
    def _is_plain_bert(self) -> bool:
        """Whether `_straight` says the same as the backbone: BERT as it was published, on a processor, not in
        training."""
        from transformers import BertModel

        backbone = self.backbone
        return (
            type(backbone) is BertModel
            and backbone.device.type == "cpu"
            and not backbone.training
            and backbone.config.hidden_act == "gelu"
            and not backbone.config.is_decoder
            and getattr(backbone.config, "position_embedding_type", "absolute") == "absolute"
        )

    def _straight(self, tokens: Tensor) -> Tensor:
        """The states of one text's tokens, (1, tokens, d), without what a library does around them for every other
        case.

        A ticket alone is a few milliseconds of arithmetic and, through transformers, as much again of looking up
        modules, masks and hooks. The weights are the backbone's own, so nothing is held twice.
        """
        backbone: Any = self.backbone
        heads = backbone.config.num_attention_heads
        embeddings = backbone.embeddings
        states = embeddings.word_embeddings.weight[tokens[0]]
        states = (
            states + embeddings.position_embeddings.weight[: len(states)] + embeddings.token_type_embeddings.weight[0]
        )
        states = _normalised(states, embeddings.LayerNorm)
        for layer in backbone.encoder.layer:
            attention, output = layer.attention.self, layer.attention.output
            query, key, value = (
                functional.linear(states, projection.weight, projection.bias)
                .view(len(states), heads, -1)
                .transpose(0, 1)
                for projection in (attention.query, attention.key, attention.value)
            )
            seen = functional.scaled_dot_product_attention(query[None], key[None], value[None])[0]
            seen = seen.transpose(0, 1).reshape(len(states), -1)
            seen = functional.linear(seen, output.dense.weight, output.dense.bias)
            states = _normalised(seen + states, output.LayerNorm)
            wide, narrow = layer.intermediate.dense, layer.output.dense
            inner = functional.gelu(functional.linear(states, wide.weight, wide.bias))
            states = _normalised(functional.linear(inner, narrow.weight, narrow.bias) + states, layer.output.LayerNorm)
        return states[None]

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """One vector a text, (texts, d), from the states of its tokens, (texts, longest, d)."""
        if self.pooling is Pooling.FIRST:
            return states[:, 0]
        weights = mask[:, :, None].to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1)


def _normalised(states: Tensor, layer: Any) -> Tensor:
    return functional.layer_norm(states, layer.normalized_shape, layer.weight, layer.bias, layer.eps)


class TransformerTokeniser:
    """The tokenizer.json of the model, run by the tokenizers library, without its cutting and padding: both are done
    here."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
            raise NotAnEncoder("tokenizer", folder=folder, error=error) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        marked = self._tokenizer.encode("")
        if not 1 <= len(marked.ids) <= 2:
            raise NotAnEncoder("frame", folder=folder)
        self._begin, self._end = marked.ids[:1], marked.ids[1:]
        self.padding = self._id_of("[PAD]", "<pad>") or 0
        self.unknown = self._id_of("[UNK]", "<unk>")
        self.blank = self._id_of("▁")

    def _id_of(self, *names: str) -> int | None:
        return next((found for name in names if (found := self._tokenizer.token_to_id(name)) is not None), None)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        return [found.ids for found in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def framed(self, tokens: Sequence[int]) -> list[int]:
        """Token numbers between the signs of beginning and end."""
        return [*self._begin, *tokens, *self._end]
