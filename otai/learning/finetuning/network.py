"""An encoder that is trained further, with one head for each attribute on top of it.

Word embeddings and the lower layers of a transformer stay as they came: they know the language, and training them costs
two thirds of the time for nothing that was measurable (docs/experiments-maximum.md). What they give for a ticket is
worked out once and kept, so that an epoch costs only the upper layers. The Universal Sentence Encoder is small and is
trained whole, but for its table of word pieces.

All heads are one matrix: the columns of an attribute's labels lie side by side. Heads look at the unit vector times
`SCALE`.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from otai.learning.arrays import Matrix
from otai.learning.finetuning.checkpoints import Tensors

if TYPE_CHECKING:
    from otai.learning.encoders import Encoder


# Heads see unit vectors this long, so that their weights and the network's learn at rates of one order.
SCALE = 10.0

# States of the frozen layers are kept for at most so many numbers (half precision: 1 GB); beyond, they are worked out
# in every epoch.
MOST_KEPT_STATES = 500_000_000

BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}


class _PassThrough(nn.Module):
    """Takes the place of the embeddings and the layers below: hands on what they gave before."""

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> Tensor:
        return inputs_embeds


class Network:
    """A copy of `encoder`'s network that learns. `labels` is the number of labels of all attributes together.

    `trained_layers` counts from the top of a transformer; None: all. Texts are read to their first `most_tokens`
    tokens. With `recomputes_states` (gradient checkpointing) learning keeps the states between layers alone and works
    out the rest of them again on the way back: the same gradients, a third more time, a tenth of the memory.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        labels: int,
        trained_layers: int | None,
        most_tokens: int,
        recomputes_states: bool = False,
    ) -> None:
        self._encoder, self._most_tokens = encoder, most_tokens
        self.module = encoder.for_training()
        self.head = nn.Linear(encoder.dimension, labels).to(encoder.device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._lower, self._upper = _parted(self.module, trained_layers)
        self._passes = 4.0 if recomputes_states else 3.0
        if recomputes_states:
            for layer in _layers_of(self._upper):
                _recompute(layer)
        self.uses_brain_floats = encoder.device != "cpu"

    @property
    def _batch_tokens(self) -> int:
        return BATCH_TOKENS["cpu" if self.device == "cpu" else "cuda"]

    @property
    def device(self) -> str:
        """Where it computes, in torch's words: "cpu", "cuda"."""
        return self._encoder.device

    @property
    def dimension(self) -> int:
        """The width of its vectors: that of the encoder that it was begun from."""
        return self._encoder.dimension

    def parameters(self) -> list[nn.Parameter]:
        """Those of the network that learn, without the heads'."""
        return [parameter for parameter in self.module.parameters() if parameter.requires_grad]

    def bounded_threads(self, threads: int | None) -> contextlib.AbstractContextManager[None]:
        """Holds torch to so many threads inside (None: to the usable cores)."""
        from otai.learning.encoders.encoder import bounded_threads, usable_cores

        return bounded_threads(threads or usable_cores())

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """What is read of each text: framed, and cut behind `most_tokens`."""
        most = self._most_tokens
        return [[*one[: most - 1], one[-1]] if len(one) > most else one for one in self._encoder.tokens(texts)]

    @property
    def is_transformer(self) -> bool:
        """Whether it is one, and not the Universal Sentence Encoder."""
        return hasattr(self.module, "backbone")

    def weight_of_a_token(self) -> float:
        """How much training on one token costs, in multiplications of parameters (forward 1, again where states are
        worked out anew, backward 2)."""
        return self._passes * sum(parameter.numel() for parameter in self.parameters())

    @contextlib.contextmanager
    def learning(self) -> Iterator[None]:
        """Dropout is on inside, as the encoder's own configuration has it."""
        self._upper.train()
        try:
            yield
        finally:
            self._upper.eval()

    def vectors(self, texts_read: TokenisedTexts, rows: Sequence[int]) -> Tensor:
        """Shape (rows, dimension), of length one; of texts as `texts_read` has them."""
        with torch.autocast(self.device.partition(":")[0], dtype=_half_type(), enabled=self.uses_brain_floats):
            found = self._pooled(texts_read, rows)
        return functional.normalize(found.float(), dim=1)

    def _pooled(self, texts_read: TokenisedTexts, rows: Sequence[int]) -> Tensor:
        if self._lower is None:
            vectors: Tensor = self.module(*self.module.collate([texts_read.tokens[row] for row in rows]))
            return vectors
        tokens, mask = self.module.collate([texts_read.tokens[row] for row in rows])
        if texts_read.states is None:
            with torch.no_grad():
                states = self._lower(input_ids=tokens, attention_mask=mask).last_hidden_state
        else:
            states = torch.zeros(len(rows), tokens.shape[1], texts_read.states[0].shape[1], device=tokens.device)
            for place, row in enumerate(rows):
                own = texts_read.states[row]
                states[place, : len(own)] = own.to(states)
        pooled: Tensor = self.module.pooled(
            self._upper(inputs_embeds=states, attention_mask=mask).last_hidden_state, mask
        )
        return pooled

    def read(self, texts: Sequence[str], *, keep_states: bool = True) -> TokenisedTexts:
        """The texts as the network takes them; for a transformer with what its frozen layers make of them."""
        tokens = self.tokens(texts)
        if not keep_states or self._lower is None or sum(map(len, tokens)) * self.dimension > MOST_KEPT_STATES:
            return TokenisedTexts(tokens)
        states: list[Tensor] = [torch.empty(0)] * len(tokens)
        with torch.inference_mode():
            for batch in batches_of_like_length(tokens, budget=self._batch_tokens):
                ids, mask = self.module.collate([tokens[row] for row in batch])
                hidden = self._lower(input_ids=ids, attention_mask=mask).last_hidden_state.half().cpu()
                for place, row in enumerate(batch):
                    states[row] = hidden[place, : len(tokens[row])].clone()
        return TokenisedTexts(tokens, states)

    def all_vectors(self, texts_read: TokenisedTexts, rows: Sequence[int]) -> Matrix:
        """As `vectors`, of many rows, without learning."""
        found = np.zeros((len(rows), self.dimension), np.float32)
        tokens = [texts_read.tokens[row] for row in rows]
        self._upper.eval()
        with torch.inference_mode():
            for batch in batches_of_like_length(tokens, budget=self._batch_tokens):
                found[batch] = self.vectors(texts_read, [rows[place] for place in batch]).cpu().numpy()
        return found

    def logits(self, vectors: Tensor) -> Tensor:
        """Shape (rows, labels of all attributes)."""
        found: Tensor = self.head(vectors * SCALE)
        return found

    def scores(self, texts_read: TokenisedTexts, rows: Sequence[int]) -> Matrix:
        """Shape (rows, labels of all attributes), without learning."""
        weights, bias = (part.detach().cpu().numpy() for part in (self.head.weight, self.head.bias))
        return scores_of(self.all_vectors(texts_read, rows), weights, bias)

    def learnt(self) -> Tensors:
        """All that learning changed, by name, on the processor."""
        named = {f"network.{name}": one for name, one in self.module.named_parameters() if one.requires_grad}
        named |= {"head.weight": self.head.weight, "head.bias": self.head.bias}
        return {name: one.detach().cpu().contiguous().clone() for name, one in named.items()}

    def take(self, learnt: Mapping[str, Tensor]) -> None:
        """Puts back what `learnt` gave. Raises KeyError or RuntimeError where it does not fit."""
        own = {f"network.{name}": one for name, one in self.module.named_parameters() if one.requires_grad}
        own |= {"head.weight": self.head.weight, "head.bias": self.head.bias}
        if own.keys() != learnt.keys():
            raise KeyError(f"other parts: {sorted(own.keys() ^ learnt.keys())[:3]}")
        with torch.no_grad():
            for name, one in own.items():
                one.copy_(learnt[name])


class TokenisedTexts:
    """Texts as a network takes them: their tokens, and what its frozen layers give for each (None: to be worked out
    when needed)."""

    def __init__(self, tokens: list[list[int]], states: list[Tensor] | None = None) -> None:
        self.tokens, self.states = tokens, states


def scores_of(vectors: Matrix, weights: Matrix, bias: Matrix) -> Matrix:
    """What heads say of vectors: shape (tickets, labels)."""
    found: Matrix = ((vectors * np.float32(SCALE)) @ weights.T + bias).astype(np.float32)
    return found


def batches_of_like_length(tokens: Sequence[Sequence[int]], *, budget: int) -> Iterator[list[int]]:
    """Row numbers, the longest texts first; padding counted, no batch has more than `budget` tokens (but for a single
    text)."""
    batch: list[int] = []
    for row in sorted(range(len(tokens)), key=lambda row: -len(tokens[row])):
        if batch and (len(batch) + 1) * len(tokens[batch[0]]) > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _parted(module: nn.Module, trained_layers: int | None) -> tuple[nn.Module | None, nn.Module]:
    """What stays as it came and what learns. A network of another build than BERT's learns whole (first: None), but for
    its word embeddings."""
    backbone = getattr(module, "backbone", None)
    layers = getattr(getattr(backbone, "encoder", None), "layer", None)
    embeddings = getattr(backbone, "embeddings", None)
    if backbone is None:
        return None, module
    if not isinstance(layers, nn.ModuleList) or not isinstance(embeddings, nn.Module):
        backbone.get_input_embeddings().requires_grad_(False)
        return None, module
    frozen = len(layers) - min(trained_layers if trained_layers is not None else len(layers), len(layers))
    embeddings.requires_grad_(False)
    for layer in layers[:frozen]:
        layer.requires_grad_(False)
    if isinstance(pooler := getattr(backbone, "pooler", None), nn.Module):
        pooler.requires_grad_(False)
    return _view(backbone, embeddings, layers[:frozen]).eval(), _view(backbone, _PassThrough(), layers[frozen:])


def _layers_of(network: nn.Module) -> nn.ModuleList:
    """The layers of a transformer of whatever build: the longest list of modules in it; empty where there is none."""
    lists = [one for one in network.modules() if isinstance(one, nn.ModuleList)]
    return max(lists, key=len, default=nn.ModuleList())


def _recompute(layer: nn.Module) -> None:
    """Lets a layer forget what it worked out until its gradients ask for it, while learning."""
    plain = layer.forward

    def forward(*inputs: Any, **options: Any) -> Any:
        if not (layer.training and torch.is_grad_enabled()):
            return plain(*inputs, **options)
        # Dropout is repeated as it was: the generator's state is kept with the inputs.
        return checkpoint(plain, *inputs, use_reentrant=False, **options)

    layer.forward = forward


def _view(backbone: nn.Module, embeddings: nn.Module, layers: nn.ModuleList) -> nn.Module:
    """The same network with other embeddings and fewer layers; the layers themselves are shared, not copied."""
    view, inner = copy.copy(backbone), copy.copy(backbone.encoder)
    inner._modules = {**inner._modules, "layer": layers}
    view._modules = {**view._modules, "embeddings": embeddings, "encoder": inner}
    return view


def _half_type() -> torch.dtype:
    # Brain floats need no scaling of the loss; every GPU since 2020 has them.
    return torch.bfloat16
