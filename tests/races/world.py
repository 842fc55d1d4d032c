"""The organisation in which operations are raced, and what its members and operators do before the race."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from otai.billing import operations as billing
from otai.billing.models import Purchase, PurchaseKind
from otai.orgs.models import Organisation
from otai.pricing.price_book import PRICE_BOOK, Tier
from otai.pricing.settlement import Ending
from otai.runs import operations as runs
from otai.runs.models import Run
from otai.runs.operations.attempts import begin_attempt
from otai.tickets.models import DataSet
from otai.units import Money
from tests import stories
from tests.billing import people
from tests.runs.guarantees import report_card

EACH = 3
"""So many calls of one operation meet as many of another."""
MANY_ORDERS = replace(PRICE_BOOK, most_unpaid_orders=1000)

Calls = list[Callable[[], object]]


@dataclass
class World:
    """Acme in a paid Pro month, with credits, tickets and billing details."""

    acme: Organisation
    support: DataSet
    folder: Path
    now: datetime
    number: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def begun(cls, folder: Path, now: datetime) -> World:
        acme = people.acme_signs_up(now)
        source = stories.write_tickets(folder / "support.csv", tickets=300)
        support = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
        world = cls(acme, support, folder, now)
        world.gifts(200)
        billing.change_tier(organisation=acme, tier=Tier.PRO, who="alice", now=now)
        world.pays(Purchase.objects.get(kind=PurchaseKind.SUBSCRIPTION))
        return world

    def key(self) -> str:
        return f"n{next(self.number)}"

    def gifts(self, credits: int) -> None:
        billing.give_goodwill(
            organisation=self.acme, credits=credits, who="olga", why="for the race", key=self.key(), now=self.now
        )

    def pays(self, purchase: Purchase, entry: str = "") -> None:
        billing.confirm_payment(
            reference=purchase.reference,
            received=Money(purchase.gross_cents, purchase.currency),
            bank_reference=entry or self.key(),
            who="olga",
            why="on the statement",
            now=self.now,
        )

    def bought(self, package: str = "10") -> Purchase:
        return billing.buy(organisation=self.acme, package=package, key=self.key(), who="alice", now=self.now).purchase

    def ordered(self) -> Run:
        return stories.ordered(self.acme, self.support, self.now)

    def at_work(self, run: Run) -> Run:
        begun = begin_attempt(run, worker="w", pool="local", hardware="none", now=self.now)
        assert begun is not None
        return begun.run

    def ends(self, run: Run, **accuracies: float) -> None:
        """Completed with a model that reached these accuracies."""
        runs.end_run(
            run=run.id,
            attempt=run.attempt,
            outcome=runs.AttemptOutcome(
                Ending.COMPLETED,
                bundle_file=f"models/{run.id}.otai",
                bundle_sha256="0" * 64,
                bundle_bytes=1,
                report_card=report_card(**(accuracies or {"queue": 0.9, "priority": 0.9})),
            ),
            who="w",
            log=None,
            now=self.now,
        )

    def later(self, days: int) -> datetime:
        return self.now + timedelta(days=days)
