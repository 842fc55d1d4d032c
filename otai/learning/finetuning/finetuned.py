"""What a model keeps of fine-tuned networks, and how it asks them.

Only what learning changed is kept (half precision; upper layers and heads): word embeddings and lower layers come from
the encoder in this installation's store, told by its fingerprint, like Business's. So ten models of one helpdesk share
one encoder, and a model stays small. Nothing here imports torch before the first text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from otai.learning.arrays import Arrays, Floats, Matrix
from otai.learning.features.embeddings import EncoderUsed, opened_encoder

if TYPE_CHECKING:
    from otai.learning.encoders import EncoderStore
    from otai.learning.finetuning.network import Network


@dataclass(frozen=True)
class FineTunedNetwork:
    """One network: the encoder it began as, and the arrays that learning changed (numbers that half precision can
    hold).

    `weights[attribute]` is its ensemble weight in an attribute (0: none).
    """

    used: EncoderUsed
    trained_layers: int | None
    most_tokens: int
    arrays: Arrays = field(repr=False)
    weights: tuple[float, ...]
    store: EncoderStore | None = None
    threads: int | None = None

    def scores(self, texts: Sequence[str]) -> Matrix:
        """Shape (texts, labels of all attributes). Raises MissingEncoder, EncodersNotInstalled."""
        network = self.network
        with network.bounded_threads(self.threads):
            reading = network.read(texts, keep_states=False)
            return network.scores(reading, range(len(texts)))

    @property
    def labels(self) -> int:
        """How many labels all attributes have together: the width of the network's head."""
        return len(self.arrays["head.bias"])

    @cached_property
    def network(self) -> Network:
        """The whole network in torch, for whoever exports it: `network.module` gives vectors, `network.head` the scores
        of all labels."""
        encoder = opened_encoder(self.used, self.store, self.threads)
        import torch

        from otai.learning.finetuning.network import Network

        network = Network(encoder, labels=self.labels, trained_layers=self.trained_layers, most_tokens=self.most_tokens)
        network.take({name: torch.from_numpy(np.asarray(array, np.float32)) for name, array in self.arrays.items()})
        return network

    def manifest(self) -> dict[str, Any]:
        """As a model stores it, its arrays apart."""
        return {
            "encoder": asdict(self.used),
            "trained_layers": self.trained_layers,
            "most_tokens": self.most_tokens,
            "weights": list(self.weights),
        }

    @classmethod
    def from_manifest(cls, entry: Mapping[str, Any], arrays: Arrays) -> FineTunedNetwork:
        """Raises KeyError, TypeError, ValueError for an entry whose parts do not fit together."""
        if "head.weight" not in arrays or arrays["head.weight"].shape[0] != len(arrays["head.bias"]):
            raise ValueError("a network without its heads")
        return cls(
            used=EncoderUsed(**entry["encoder"]),
            trained_layers=entry["trained_layers"],
            most_tokens=int(entry["most_tokens"]),
            arrays={name: np.asarray(array, np.float16) for name, array in arrays.items()},
            weights=tuple(float(one) for one in entry["weights"]),
        )


@dataclass(frozen=True)
class Ensemble:
    """The fine-tuned part of a model: networks, and each attribute's ensemble weight of Business's own scores beside
    them.

    Scores of an attribute are `business_weights[attribute]` times Business's and each network's times its own weight;
    where all networks' weights are 0, they are Business's own, untouched.
    """

    networks: tuple[FineTunedNetwork, ...]
    business_weights: tuple[float, ...]

    def scores(self, texts: Sequence[str]) -> list[Matrix]:
        """The scores of each network, in their order, shape (texts, labels of all attributes) each."""
        return [one.scores(texts) for one in self.networks]

    def manifest(self) -> dict[str, Any]:
        """As a model stores it, the networks' arrays apart."""
        return {"networks": [one.manifest() for one in self.networks], "business_weights": list(self.business_weights)}

    def combined(self, attribute: int, business: Floats, networks: Sequence[Matrix]) -> Floats:
        """An attribute's scores, shape (tickets, labels), from Business's and the networks' own columns of it."""
        weights = [one.weights[attribute] for one in self.networks]
        if not any(weights):
            return business
        whole = self.business_weights[attribute] * business
        for weight, one in zip(weights, networks, strict=True):
            if weight:
                whole = whole + weight * one.astype(np.float64)
        return whole
