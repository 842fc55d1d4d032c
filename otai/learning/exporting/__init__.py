"""A trained model in the forms of others: a folder that transformers loads, and ONNX.

Both hold a fine-tuned network of a Maximum model and the head of one attribute. Words and characters, which Basic and
Business read and Maximum reads beside its networks, are looked up by hash: neither form can express that. So
`network_of` says no for models that have no network of a kind that travels, and what would do instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from otai.errors import NotFound, Refused
from otai.learning.arrays import Floats, Matrix
from otai.learning.data.cuts.cutting import TextRules
from otai.learning.exporting.text_rules import texts_as_learnt
from otai.learning.linear.heads import OneLabelHead
from otai.learning.model.bundle import AttributeModel, Bundle

__all__ = ["texts_as_learnt"]

if TYPE_CHECKING:
    from otai.learning.finetuning.finetuned import FineTunedNetwork


# What an export is tried with before it counts: short, long, in other scripts, with signs, and with nothing.
TRIED_ON = (
    "My invoice is wrong, please refund the payment",
    "VPN",
    "Der Drucker im dritten Stock druckt seit gestern nur noch leere Seiten!",
    "password reset " * 12,
    "Hello,\n\nsince this morning I cannot log in any more. The screen says: error 0x80070005 (access "
    "denied).\n\nRegards, Bob",
    "プリンターが壊れました",
    "?!",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
)


class NothingToExport(Refused):
    """The model has nothing that the other form can hold; says what would."""

    code = "nothing_to_export"


class NoSuchAttribute(NotFound):
    """The model predicts no attribute of this name; names those it does."""

    code = "attribute_not_found"


class ExportDiffers(Refused):
    """What was written does not say the same as the model: nothing is handed out."""

    code = "export_differs"


@dataclass(frozen=True)
class Exported:
    """A folder that was written. `difference` is the largest difference of a probability between it and the network,
    over all labels of `tried` texts."""

    folder: Path
    files: list[str]
    attribute: str
    labels: list[str]
    difference: float
    tried: int


@dataclass(frozen=True)
class ExportedPart:
    """One network and its head for one attribute: logits are `weights` times the unit vector, plus `bias`; (labels, d)
    and (labels,).

    `is_whole` says that the model's own scores are this network's alone, so that nothing is missing but the last step
    of calibration.
    """

    network: FineTunedNetwork
    attribute: AttributeModel
    weights: Matrix
    bias: Matrix
    is_whole: bool
    text_rules: TextRules | None = None
    """What is to be cut from a text before the network reads it; None: nothing."""

    def logits(self, texts: Sequence[str]) -> Matrix:
        """What the export has to say of these texts, shape (texts, labels)."""
        network = self.network.network
        with network.bounded_threads(1):
            vectors = network.all_vectors(network.read(texts, keep_states=False), range(len(texts)))
        found: Matrix = vectors @ self.weights.T + self.bias
        return found

    def probabilities(self, logits: NDArray[Any]) -> Floats:
        """From logits, shape (texts, labels): each row sums to one, or for several labels a ticket each label on its
        own."""
        logits = logits.astype(np.float64)
        return special.expit(logits) if self.attribute.spec.is_multi else special.softmax(logits, axis=1)

    def compare(self, logits: NDArray[Any], texts: Sequence[str], *, most: float) -> float:
        """The largest difference of a probability. Raises ExportDiffers where it is more than `most`."""
        difference = float(np.abs(self.probabilities(logits) - self.probabilities(self.logits(texts))).max())
        if not difference <= most:
            raise ExportDiffers("export", difference=round(difference, 3))
        return difference


def part_of(bundle: Bundle, attribute: str | None) -> ExportedPart:
    """What can be exported of the bundle for this attribute (None: the only one). Raises NothingToExport,
    NoSuchAttribute, MissingEncoder."""
    names = [model.spec.name for model in bundle.attributes]
    if attribute is None:
        if len(names) > 1:
            raise NoSuchAttribute("which", attributes=names)
        attribute = names[0]
    if attribute not in names:
        raise NoSuchAttribute("attribute", attribute=attribute, attributes=names)
    number = names.index(attribute)
    model = bundle.attributes[number]
    network = _network_of(bundle, number)
    from otai.learning.finetuning.network import SCALE

    head, columns = network.arrays, model.columns
    weights = SCALE * np.asarray(head["head.weight"], np.float32)[columns]
    bias = np.asarray(head["head.bias"], np.float32)[columns]
    assert bundle.ensemble is not None
    others = [other.weights[number] for other in bundle.ensemble.networks if other is not network]
    is_whole = bundle.ensemble.business_weights[number] == 0 and not any(others)
    if is_whole:
        factor = np.float32(network.weights[number])
        weights, bias = weights * factor, bias * factor
        if isinstance(model.head, OneLabelHead):
            temperature = np.float32(model.head.temperature)
            weights, bias = weights / temperature, bias / temperature
        else:
            slopes, offsets = model.head.slopes.astype(np.float32), model.head.offsets.astype(np.float32)
            weights, bias = weights * slopes[:, None], bias * slopes + offsets
    return ExportedPart(network, model, weights, bias, is_whole, bundle.text_rules)


def _network_of(bundle: Bundle, number: int) -> FineTunedNetwork:
    """The transformer that the attribute listens to most."""
    networks = bundle.ensemble.networks if bundle.ensemble is not None else ()
    if not networks:
        mode = str(bundle.recipe.get("mode", "this"))
        raise NothingToExport("mode", mode=mode)
    transformers = [one for one in networks if one.network.is_transformer]
    if not transformers:
        raise NothingToExport("network", networks=[one.used.name for one in networks])
    return max(transformers, key=lambda one: one.weights[number])
