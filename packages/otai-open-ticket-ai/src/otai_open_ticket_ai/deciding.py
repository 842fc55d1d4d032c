"""What a model says of tickets, and whether it may be applied without a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx


class ModelUnusable(Exception):
    """The model cannot be asked for what is wanted; says what would help. Trying again without a change does not."""


class ModelUnavailable(Exception):
    """The model does not answer now; trying again later may help."""


@dataclass(frozen=True)
class Decision:
    """What the model says of one attribute of a ticket; without labels it says nothing. `alone`: its confidence reaches
    the threshold that guarantees the precision asked for."""

    labels: tuple[str, ...]
    confidence: float
    alone: bool

    @property
    def may_be_applied(self) -> bool:
        """Whether a field that holds one value may be set without a person."""
        return self.alone and len(self.labels) == 1


type TicketDecisions = Mapping[str, Decision]
"""By attribute."""


class Decider(Protocol):
    """A model that is asked about tickets. Raises ModelUnavailable, ModelUnusable."""

    @property
    def name(self) -> str:
        """What the model is called in notes, with its version."""
        ...

    @property
    def attributes(self) -> tuple[str, ...]: ...

    def decide(self, tickets: Sequence[tuple[str, str]]) -> list[TicketDecisions]:
        """For each (subject, body), in their order, what the model says of all its attributes."""
        ...


class ServedModel:
    """A model behind `otai serve`: a request a batch of tickets, decided at one precision."""

    def __init__(
        self, address: str, *, precision: float, key: str | None = None, name: str | None = None, timeout: float = 30.0
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=address.rstrip("/"), headers=headers, timeout=timeout)
        self._address = address
        self._precision = precision
        self._name = name
        self._attributes: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return self._name or self._address

    @property
    def attributes(self) -> tuple[str, ...]:
        if self._attributes is None:
            # With an empty ticket: a precision that the model was not measured at is refused here already.
            self.decide([("", "")])
            self._attributes = tuple(one["name"] for one in self._asked("GET", "/labels")["attributes"])
        return self._attributes

    def decide(self, tickets: Sequence[tuple[str, str]]) -> list[TicketDecisions]:
        asked = [{"subject": subject, "body": body} for subject, body in tickets]
        answer = self._asked("POST", "/predict", json={"tickets": asked, "precision": self._precision})
        self._name = self._name or answer["model"]
        return [_decisions(ticket["attributes"]) for ticket in answer["tickets"]]

    def _asked(self, method: str, path: str, **what: Any) -> Any:
        try:
            answer = self._client.request(method, path, **what)
        except httpx.TransportError as error:
            raise ModelUnavailable(f"The model at {self._address} does not answer: {error}.") from error
        if answer.status_code in (401, 403):
            raise ModelUnusable(f"The model at {self._address} wants the key of `otai serve`: set STUDIO_KEY to it.")
        if answer.status_code >= 500:
            raise ModelUnavailable(f"The model at {self._address} answers {answer.status_code}.")
        try:
            told = answer.json()
        except ValueError as error:
            raise ModelUnusable(f"What answers at {self._address} is no `otai serve`.") from error
        if answer.is_error:
            said = told.get("error", {}).get("message", answer.text[:300])
            raise ModelUnusable(f"The model at {self._address} answers {answer.status_code}: {said}")
        return told


def _decisions(attributes: Mapping[str, Any]) -> TicketDecisions:
    return {
        name: Decision(tuple(said["labels"]), float(said["confidence"]), bool(said["decides_alone"]))
        for name, said in attributes.items()
    }
