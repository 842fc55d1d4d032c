"""The model as Open Ticket AI's own templates ask for one: a text, and a model's name that is here an attribute's."""

from __future__ import annotations

import asyncio

from open_ticket_ai.core.ai_classification_services.classification_models import (
    ClassificationRequest,
    ClassificationResult,
)
from open_ticket_ai.core.ai_classification_services.classification_service import ClassificationService

from otai_open_ticket_ai.deciding import Decider, ModelUnusable, TicketDecisions


class StudioClassificationService(ClassificationService):
    """`OTAI_QUEUE_MODEL=queue` asks for the attribute `queue`. Open Ticket AI compares each confidence with its one
    threshold; the thresholds of the model are those of the pipe. Raises ModelUnusable, ModelUnavailable."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._last: tuple[str, TicketDecisions] | None = None

    def classify(self, req: ClassificationRequest) -> ClassificationResult:
        if req.model_name not in self._decider.attributes:
            known = ", ".join(self._decider.attributes)
            raise ModelUnusable(f"The model predicts no {req.model_name}: OTAI_QUEUE_MODEL and OTAI_PRIORITY_MODEL"
                                f" name an attribute of {known}.")  # fmt: skip
        decision = self._decisions(req.text)[req.model_name]
        if len(decision.labels) != 1:
            # Several labels, or none, are no value of a field; without confidence the fallback is taken.
            return ClassificationResult(label=", ".join(decision.labels), confidence=0.0)
        return ClassificationResult(label=decision.labels[0], confidence=decision.confidence)

    async def aclassify(self, req: ClassificationRequest) -> ClassificationResult:
        return await asyncio.to_thread(self.classify, req)

    def _decisions(self, text: str) -> TicketDecisions:
        """A template asks for queue, then for priority, of the same text: it is predicted once."""
        if self._last is None or self._last[0] != text:
            self._last = text, self._decider.decide([("", text)])[0]
        return self._last[1]
