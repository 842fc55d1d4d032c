"""The runs that a guarantee includes are ordered: their price is granted, and they are measured on the tickets fixed
before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from otai.billing.operations import collect_before_spending
from otai.errors import NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource
from otai.ledger.references import ReferredTo, reference_to
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.runs.guarantee import files, holdout, queries
from otai.runs.guarantee.moves import move
from otai.runs.guarantee.operations import NotAgreed
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee, Quote, Run
from otai.runs.operations.orders import Inclusion, order_run, require_open
from otai.tickets.erasing import let_go
from otai.tickets.files import StoredFile
from otai.words.sentences import Fact


class NothingMissed(Refused):
    code = "nothing_missed"


class QuoteDoesNotFit(Refused):
    code = "quote_does_not_fit"


@dataclass(frozen=True, slots=True)
class WantedRun:
    """An order that fits: the quote, and from where to where its guarantee moves by it."""

    guarantee: Guarantee
    quote: Quote
    to: GuaranteeStatus
    measured_on: str
    """SHA-256 of the tickets to measure on when the order was given, from which those to learn are told apart."""

    @property
    def at(self) -> GuaranteeStatus:
        """Where the guarantee must be."""
        return GuaranteeStatus.AGREED if self.to is GuaranteeStatus.TRAINING else GuaranteeStatus.MISSED


def order_included_run(
    *, organisation: Organisation, quote: UUID, who: str, now: datetime, tier: Tier | None = None
) -> Run:
    """The included run: paid by a grant of its price, measured on the tickets fixed before. The criteria are frozen
    from now on.

    Ordering the same quote again returns the same run. Raises NotAgreed, QuoteDoesNotFit, HoldoutImpossible and what
    `order_run` raises.

    It reads all tickets, here and now; `otai.runs.jobs.ask_to_order` leaves that to a job.
    """
    return _order(organisation, quote, to=GuaranteeStatus.TRAINING, who=who, now=now, tier=tier)


def order_improvement_run(
    *, organisation: Organisation, quote: UUID, who: str, now: datetime, tier: Tier | None = None
) -> Run:
    """The included improvement run, once the criteria were missed: any data set of the same name, any mode of the tier,
    measured on the same tickets. Raises NothingMissed, QuoteDoesNotFit, HoldoutImpossible and what `order_run`
    raises."""
    return _order(organisation, quote, to=GuaranteeStatus.IMPROVING, who=who, now=now, tier=tier)


def checked_order(
    *, organisation: Organisation, quote: UUID, to: GuaranteeStatus, now: datetime, tier: Tier | None = None
) -> WantedRun | Run:
    """What can be known without reading a ticket: the order, or the run where it was ordered already. Raises NotFound,
    NotAgreed, NothingMissed, QuoteDoesNotFit and QuoteExpired."""
    guarantee = queries.guarantee(organisation, tier)
    offered = Quote.objects.select_related("data_set").filter(id=quote, organisation=organisation).first()
    if offered is None:
        raise NotFound("quote")
    if ordered := Run.objects.filter(quote=offered, guarantee=guarantee).first():
        return ordered
    wanted = WantedRun(guarantee, offered, to, guarantee.holdout_sha256)
    _require_at(guarantee, wanted.at)
    _require_fit(guarantee, offered)
    require_open(offered, now=now)
    return wanted


def _order(
    organisation: Organisation, quote: UUID, *, to: GuaranteeStatus, who: str, now: datetime, tier: Tier | None
) -> Run:
    wanted = checked_order(organisation=organisation, quote=quote, to=to, now=now, tier=tier)
    if isinstance(wanted, Run):
        return wanted
    guarantee, offered = wanted.guarantee, wanted.quote
    # Reading and storing tickets happens before the transaction, never inside one.
    with files.scratch() as path:
        with files.tickets_while_there(offered.data_set):
            made = holdout.write_training_file(**parting(guarantee, offered), into=path)
        with files.kept(path, organisation=organisation.id, guarantee=guarantee.id) as stored, transaction.atomic():
            return record_order(wanted, made, stored, who=who, now=now)


def parting(guarantee: Guarantee, offered: Quote) -> dict[str, Any]:
    """What `holdout.write_training_file` is told. Raises TicketsDeleted."""
    return {
        "source": files.tickets_of(offered.data_set),
        "held": files.path_of(guarantee.holdout_file),
        "names": [attribute["name"] for attribute in offered.attributes],
        "own_ids": files.has_own_ids(offered.data_set),
        "called": str(offered.data_set),
    }


def record_order(
    wanted: WantedRun,
    made: holdout.TrainingFile,
    stored: StoredFile,
    *,
    who: str,
    now: datetime,
    asked_at: datetime | None = None,
) -> Run:
    """Within a transaction: the run that trains on the stored file, its funding, and the guarantee's move. The quote
    must have been good when the order was given (`asked_at`; now, if left out). Raises NotAgreed and QuoteDoesNotFit as
    `order_included_run` does."""
    offered, guarantee, to = wanted.quote, wanted.guarantee, wanted.to
    # The order in which a paid run locks (docs/ledger.md): organisation, guarantee, account.
    organisation = Organisation.objects.select_for_update(no_key=True).get(id=offered.organisation_id)
    guarantee = Guarantee.objects.select_for_update(no_key=True).get(id=guarantee.id)
    if ordered := Run.objects.filter(quote=offered, guarantee=guarantee).first():
        let_go([stored.path], now=now)
        return ordered
    _require_at(guarantee, wanted.at)
    # Somebody may have agreed on other criteria while the tickets were told apart: the run would learn from tickets
    # that it is measured on now.
    if guarantee.holdout_sha256 != wanted.measured_on:
        raise NotAgreed("others_meanwhile")
    _require_fit(guarantee, offered)
    if Run.objects.filter(quote=offered).exists():
        raise QuoteDoesNotFit("paid")
    collect_before_spending(organisation, now=now)
    what = "included" if to is GuaranteeStatus.TRAINING else "improvement"
    funded = ledger.grant(
        organisation=organisation.id,
        credits=offered.credits,
        source=LotSource.GUARANTEE,
        key=f"guarantee-run:{offered.id}",
        reference=reference_to(ReferredTo.GUARANTEE, guarantee.id),
        reason=Fact(f"moved_why.{what}", {"tier": guarantee.tier}),
        now=now,
        price_book=offered.price_book,
    )
    inclusion = Inclusion(guarantee.id, funded.lot, stored.path)
    run = order_run(
        organisation=organisation, quote=offered.id, who=who, now=now, asked_at=asked_at, inclusion=inclusion
    )
    details = {
        "run": run.number,
        "credits": run.credits,
        "corrected_labels": made.corrected,
        "left_out_same_text": made.left_out,
    }
    why = Fact("guarantee.ordered", {"run": run.number, "credits": run.credits})
    changes = {"run": run} if to is GuaranteeStatus.TRAINING else {"improvement_run": run}
    move(guarantee, to, who=who, why=why, now=now, details=details, **changes)
    return run


def _require_at(guarantee: Guarantee, at: GuaranteeStatus) -> None:
    if guarantee.status == at:
        return
    if at is GuaranteeStatus.MISSED:
        raise NothingMissed("nothing_missed", status=guarantee.status)
    if guarantee.waits_for_operator:
        raise NotAgreed("waits")
    if guarantee.status == GuaranteeStatus.OPEN:
        raise NotAgreed("first_agree", status=guarantee.status)
    raise NotAgreed("ordered", status=guarantee.status)


def _require_fit(guarantee: Guarantee, offered: Quote) -> None:
    trained = {attribute["name"] for attribute in offered.attributes}
    if missing := [c.attribute for c in queries.criteria(guarantee) if c.attribute not in trained]:
        raise QuoteDoesNotFit("attributes", missing=sorted(set(missing)))
    assert guarantee.data_set is not None
    if offered.data_set.name != guarantee.data_set.name:
        raise QuoteDoesNotFit("data_set", chosen=offered.data_set.name, data_set=guarantee.data_set.name)
