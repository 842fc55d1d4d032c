"""Many holds or captures of one organisation in one statement, with an answer for each: a success or its refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from otai.errors import OtaiError
from otai.ledger.answers import DatabaseAnswer, TransferRequest
from otai.ledger.models import TransferKind
from otai.ledger.operations.holds import (
    HoldPlaced,
    HoldResolved,
    asked_to_hold,
    asked_to_resolve,
    hold_placed,
    hold_resolved,
)
from otai.ledger.operations.requests import database
from otai.words.sentences import Fact

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class HoldRequest:
    credits: int
    key: str
    reference: str
    reason: str | Fact
    deadline_at: datetime


def place_holds(*, organisation: UUID, requests: Sequence[HoldRequest], now: datetime) -> list[HoldPlaced | OtaiError]:
    """Places each hold as if it had been asked alone, in this order; one refused hinders none of the others.

    Returns a HoldPlaced, or the error that `place_hold` would raise, for each request in its place.
    """
    placed: list[HoldPlaced | OtaiError | None] = [None] * len(requests)
    checked: list[tuple[int, TransferRequest]] = []
    for place, request in enumerate(requests):
        try:
            asked = asked_to_hold(
                organisation=organisation,
                credits=request.credits,
                key=request.key,
                reference=request.reference,
                reason=request.reason,
                deadline_at=request.deadline_at,
                now=now,
            )
        except OtaiError as error:
            placed[place] = error
        else:
            checked.append((place, asked))

    def ask(some: list[tuple[int, TransferRequest]]) -> list[DatabaseAnswer]:
        wanted = [requests[place] for place, _ in some]
        answers: list[DatabaseAnswer] = database().place_holds(
            [one for _, one in some],
            credits=[each.credits for each in wanted],
            references=[each.reference for each in wanted],
            deadlines=[each.deadline_at for each in wanted],
        )
        return answers

    _answer_each(checked, ask, lambda place, answer, asked: hold_placed(answer, asked), placed)
    return [each for each in placed if each is not None]


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    hold: UUID
    key: str
    reason: str | Fact


def captures(
    *, organisation: UUID, requests: Sequence[CaptureRequest], now: datetime
) -> list[HoldResolved | OtaiError]:
    """Captures each hold as if it had been asked alone, in this order.

    Returns a HoldResolved, or the error that `capture` would raise, for each request in its place.
    """
    resolved: list[HoldResolved | OtaiError | None] = [None] * len(requests)
    checked: list[tuple[int, TransferRequest]] = []
    for place, request in enumerate(requests):
        try:
            wanted = asked_to_resolve(
                kind=TransferKind.CAPTURE,
                organisation=organisation,
                hold=request.hold,
                key=request.key,
                reason=request.reason,
                now=now,
            )
        except OtaiError as error:
            resolved[place] = error
        else:
            checked.append((place, wanted))

    def ask(some: list[tuple[int, TransferRequest]]) -> list[DatabaseAnswer]:
        answers: list[DatabaseAnswer] = database().captures(
            [one for _, one in some], holds=[requests[place].hold for place, _ in some]
        )
        return answers

    def result(place: int, answer: DatabaseAnswer, wanted: TransferRequest) -> HoldResolved:
        return hold_resolved(answer, wanted, kind=TransferKind.CAPTURE, hold=requests[place].hold)

    _answer_each(checked, ask, result, resolved)
    return [each for each in resolved if each is not None]


def _answer_each(
    checked: list[tuple[int, TransferRequest]],
    ask: Callable[[list[tuple[int, TransferRequest]]], list[DatabaseAnswer]],
    result: Callable[[int, DatabaseAnswer, TransferRequest], Made],
    into: list[Made | OtaiError | None],
) -> None:
    """Asks the database, and puts each result or refusal into its place.

    A key that comes twice is asked again after the others, so that it meets its own first use: a replay, or a refusal.
    """
    while checked:
        first_uses: dict[str, tuple[int, TransferRequest]] = {}
        again: list[tuple[int, TransferRequest]] = []
        for place, request in checked:
            if request.key in first_uses:
                again.append((place, request))
            else:
                first_uses[request.key] = (place, request)
        some = list(first_uses.values())
        for (place, request), answer in zip(some, ask(some), strict=True):
            try:
                into[place] = result(place, answer, request)
            except OtaiError as error:
                into[place] = error
        checked = again
