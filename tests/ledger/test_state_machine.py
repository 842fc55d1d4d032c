"""Random operations in random order, with retries and wrong keys, against a model of the ledger that fits on two pages.

The model knows nothing of SQL, rows or chains. After every step balances and lots must be the model's; at the end the
audit is clean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from otai.errors import OtaiError
from otai.ledger import operations as ledger
from otai.ledger import queries
from otai.ledger.audit import audit
from otai.ledger.models import SPENDING_RANK, Hold, LotSource, Transfer
from otai.orgs.operations import create_organisation
from otai.units import Money
from tests.ledger.stories import NOW

slugs = count(1)


@dataclass
class ModelLot:
    id: UUID
    source: str
    order: tuple[int, int]
    unspent: int
    held: int = 0
    spent: int = 0
    withdrawn: int = 0


@dataclass
class ModelHold:
    credits: int
    pins: list[tuple[ModelLot, int]]
    state: str = "held"


@dataclass
class Model:
    """One organisation, as policies.md describes it."""

    lots: list[ModelLot] = field(default_factory=list)
    holds: dict[UUID, ModelHold] = field(default_factory=dict)

    def total(self, name: str) -> int:
        return sum(getattr(lot, name) for lot in self.lots)

    def draw(self, credits: int) -> list[tuple[ModelLot, int]]:
        pins = []
        for lot in sorted(self.lots, key=lambda lot: lot.order):
            take = min(lot.unspent, credits)
            if take:
                lot.unspent -= take
                lot.held += take
                credits -= take
                pins.append((lot, take))
        assert credits == 0
        return pins

    def move(self, hold: ModelHold, *, source: str, target: str, state: str) -> None:
        for lot, credits in hold.pins:
            setattr(lot, source, getattr(lot, source) - credits)
            setattr(lot, target, getattr(lot, target) + credits)
        hold.state = state


amounts = st.integers(1, 40)
picks = st.integers(0, 10**6)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.now = NOW
        self.numbers = count(1)
        self.made: list[tuple[Callable[..., Any], dict[str, Any], Any]] = []

    @initialize()
    def sign_up(self) -> None:
        slug = f"acme-{next(slugs)}"
        self.acme = create_organisation(slug=slug, name="Acme", time_zone="UTC", now=self.now).id

    def ask(self, operation: Callable[..., Any], **request: Any) -> Any:
        """Asks with a new key; keeps what was answered for a later retry."""
        self.now += timedelta(seconds=1)
        request |= {"organisation": self.acme, "key": f"key-{next(self.numbers)}"}
        answer = operation(**request, **self.clock(operation))
        self.made.append((operation, request, answer))
        return answer

    def clock(self, operation: Callable[..., Any]) -> dict[str, datetime]:
        deadline = {"deadline_at": self.now + timedelta(hours=1)} if operation is ledger.place_hold else {}
        return {"now": self.now, **deadline}

    @rule(credits=amounts, source=st.sampled_from(LotSource))
    def grant(self, credits: int, source: LotSource) -> None:
        price = Money(credits * 997) if source == LotSource.PURCHASE else None
        made = self.ask(ledger.grant, credits=credits, source=source, reference="", reason="", price=price)
        self.model.lots.append(ModelLot(made.lot, source.value, (SPENDING_RANK[source], len(self.model.lots)), credits))

    @rule(credits=amounts)
    def place_hold(self, credits: int) -> None:
        available = self.model.total("unspent")
        if credits <= available:
            placed = self.ask(ledger.place_hold, credits=credits, reference="run", reason="")
            self.model.holds[placed.hold] = ModelHold(credits, self.model.draw(credits))
            assert placed.available_after == available - credits
        else:
            with pytest.raises(ledger.InsufficientCredits) as refused:
                self.ask(ledger.place_hold, credits=credits, reference="run", reason="")
            assert refused.value.details["missing"] == credits - available

    @rule(several=st.lists(amounts, min_size=1, max_size=5))
    def place_holds(self, several: list[int]) -> None:
        deadline = self.now + timedelta(hours=1)
        requests = [ledger.HoldRequest(each, f"key-{next(self.numbers)}", "run", "", deadline) for each in several]
        answers = ledger.place_holds(organisation=self.acme, requests=requests, now=self.now)
        for credits, answer in zip(several, answers, strict=True):
            if credits <= self.model.total("unspent"):
                assert isinstance(answer, ledger.HoldPlaced)
                self.model.holds[answer.hold] = ModelHold(credits, self.model.draw(credits))
            else:
                assert isinstance(answer, ledger.InsufficientCredits)

    @precondition(lambda self: self.model.holds)
    @rule(pick=picks, operation=st.sampled_from([ledger.capture, ledger.release, ledger.credit_refund]))
    def resolve(self, pick: int, operation: Callable[..., Any]) -> None:
        id = list(self.model.holds)[pick % len(self.model.holds)]
        hold = self.model.holds[id]
        refund = operation is ledger.credit_refund
        if hold.state == ("captured" if refund else "held"):
            self.ask(operation, hold=id, reason="")
            source, target, state = {
                ledger.capture: ("held", "spent", "captured"),
                ledger.release: ("held", "unspent", "released"),
                ledger.credit_refund: ("spent", "unspent", "refunded"),
            }[operation]
            self.model.move(hold, source=source, target=target, state=state)
        else:
            refusals = {(True, "refunded"): ledger.AlreadyRefunded, (False, hold.state): ledger.HoldAlreadyResolved}
            with pytest.raises(refusals.get((refund, hold.state), ledger.HoldNotCaptured)):
                self.ask(operation, hold=id, reason="")

    @precondition(lambda self: self.model.holds)
    @rule(chosen=st.lists(picks, min_size=1, max_size=4))
    def captures(self, chosen: list[int]) -> None:
        ids = [list(self.model.holds)[pick % len(self.model.holds)] for pick in chosen]
        requests = [ledger.CaptureRequest(id, f"key-{next(self.numbers)}", "") for id in ids]
        answers = ledger.captures(organisation=self.acme, requests=requests, now=self.now)
        for id, answer in zip(ids, answers, strict=True):
            if self.model.holds[id].state == "held":
                assert isinstance(answer, ledger.HoldResolved)
                self.model.move(self.model.holds[id], source="held", target="spent", state="captured")
            else:
                assert isinstance(answer, ledger.HoldAlreadyResolved)

    @precondition(lambda self: self.model.lots)
    @rule(pick=picks, credits=amounts)
    def withdraw(self, pick: int, credits: int) -> None:
        lot = self.model.lots[pick % len(self.model.lots)]
        if credits <= lot.unspent:
            self.ask(ledger.withdraw, lot=lot.id, credits=credits, reference="", reason="")
            lot.unspent -= credits
            lot.withdrawn += credits
        else:
            with pytest.raises(ledger.InsufficientCredits):
                self.ask(ledger.withdraw, lot=lot.id, credits=credits, reference="", reason="")

    @precondition(lambda self: self.made)
    @rule(pick=picks)
    def retry(self, pick: int) -> None:
        """Everything comes twice; the second time changes nothing."""
        operation, request, answer = self.made[pick % len(self.made)]
        before = Transfer.objects.filter(organisation=self.acme).count()
        again = operation(**request, **self.clock(operation))
        assert again.replayed
        assert all(getattr(again, name) == getattr(answer, name) for name in answer.__slots__ if name != "replayed")
        assert Transfer.objects.filter(organisation=self.acme).count() == before

    @precondition(lambda self: self.made)
    @rule(pick=picks)
    def reuse_a_key(self, pick: int) -> None:
        operation, request, _ = self.made[pick % len(self.made)]
        other = {"credits": request["credits"] + 1} if "credits" in request else {"reason": "another"}
        with pytest.raises(ledger.KeyReused):
            operation(**request | other, **self.clock(operation))

    @rule(operation=st.sampled_from([ledger.capture, ledger.release, ledger.credit_refund]))
    def resolve_nothing(self, operation: Callable[..., Any]) -> None:
        with pytest.raises(OtaiError):
            self.ask(operation, hold=uuid4(), reason="")

    @invariant()
    def balances_are_the_models(self) -> None:
        if hasattr(self, "acme"):
            found = queries.balance(self.acme)
            assert found == queries.Balance(
                self.model.total("unspent"), self.model.total("held"), self.model.total("spent")
            )

    def teardown(self) -> None:
        found = [
            (lot.id, lot.source, lot.unspent, lot.held, lot.spent, lot.withdrawn) for lot in queries.lots(self.acme)
        ]
        assert found == [
            (lot.id, lot.source, lot.unspent, lot.held, lot.spent, lot.withdrawn)
            for lot in sorted(self.model.lots, key=lambda lot: lot.order)
        ]
        states = dict(Hold.objects.filter(organisation=self.acme).values_list("id", "state"))
        assert states == {id: hold.state for id, hold in self.model.holds.items()}
        report = audit(self.acme)
        assert report.clean, report.problems


def run(*, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.django_db
def test_the_ledger_does_what_the_model_does() -> None:
    run(examples=25, steps=30)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.django_db
def test_the_ledger_does_what_the_model_does_for_long() -> None:
    run(examples=1500, steps=60)
