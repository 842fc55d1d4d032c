"""Which answers of a model may be applied without a person looking: at a precision asked, by the threshold that held it
when the model was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otai.errors import Invalid

if TYPE_CHECKING:
    from otai.learning.model.bundle import AttributePrediction, Bundle

MEASURED_PRECISIONS = (0.9, 0.95, 0.99)


class PrecisionUnknown(Invalid):
    code = "precision_unknown"


@dataclass(frozen=True)
class Thresholds:
    """The confidence (0 to 1) from which each attribute is decided alone at one precision; None: never."""

    by_attribute: Mapping[str, float | None]

    @classmethod
    def at(cls, bundle: Bundle, precision: float) -> Thresholds:
        """Those of a model. Raises PrecisionUnknown for another precision than the measured ones."""
        if precision not in MEASURED_PRECISIONS:
            known = ", ".join(f"{one:g}" for one in MEASURED_PRECISIONS)
            raise PrecisionUnknown("precision", known=known, precision=precision)
        return cls({one.spec.name: one.thresholds.get(f"{precision:g}") for one in bundle.attributes})

    def decides_alone(self, attribute: str, found: AttributePrediction) -> bool:
        """Whether what was found of the attribute is sure enough."""
        threshold = self.by_attribute[attribute]
        return threshold is not None and found.confidence >= threshold
