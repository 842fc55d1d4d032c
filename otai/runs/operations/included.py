"""The runs that a guarantee includes are ordered: their price is granted, and they are measured on the tickets fixed
before."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from otai.billing.operations import collect_before_spending
from otai.errors import NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.runs.guarantee import holdout, queries
from otai.runs.guarantee.moves import move
from otai.runs.guarantee.operations import NotAgreed
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee, Quote, Run
from otai.runs.operations.orders import Inclusion, order_run
from otai.tickets.erasing import let_go


class NothingMissed(Refused):
    code = "nothing_missed"


class QuoteDoesNotFit(Refused):
    code = "quote_does_not_fit"


def order_included_run(
    *, organisation: Organisation, quote: UUID, who: str, now: datetime, tier: Tier | None = None
) -> Run:
    """The included run: paid by a grant of its price, measured on the tickets fixed before. The criteria are frozen
    from now on.

    Ordering the same quote again returns the same run. Raises NotAgreed, QuoteDoesNotFit, HoldoutImpossible and what
    `order_run` raises.
    """
    found = queries.guarantee(organisation, tier)
    return _order(found, organisation, quote, at=GuaranteeStatus.AGREED, to=GuaranteeStatus.TRAINING, who=who, now=now)


def order_improvement_run(
    *, organisation: Organisation, quote: UUID, who: str, now: datetime, tier: Tier | None = None
) -> Run:
    """The included improvement run, once the criteria were missed: any data set of the same name, any mode of the
    tier, measured on the same tickets. Raises NothingMissed, QuoteDoesNotFit, HoldoutImpossible and what `order_run`
    raises."""
    found = queries.guarantee(organisation, tier)
    return _order(found, organisation, quote, at=GuaranteeStatus.MISSED, to=GuaranteeStatus.IMPROVING, who=who, now=now)


def _order(
    guarantee: Guarantee,
    organisation: Organisation,
    quote: UUID,
    *,
    at: GuaranteeStatus,
    to: GuaranteeStatus,
    who: str,
    now: datetime,
) -> Run:
    offered = Quote.objects.select_related("data_set").filter(id=quote, organisation=organisation).first()
    if offered is None:
        raise NotFound("quote")
    if ordered := Run.objects.filter(quote=offered, guarantee=guarantee).first():
        return ordered
    _require_at(guarantee, at)
    _require_fit(guarantee, offered)
    # Reading and storing tickets happens before the transaction, never inside one.
    names = [attribute["name"] for attribute in offered.attributes]
    made = holdout.training_file(offered.data_set, holdout.table_at(guarantee.holdout_file), names=names)
    with holdout.stored(made.table, folder=holdout.new_folder(guarantee)) as stored, transaction.atomic():
        # The order in which a paid run locks (docs/ledger.md): organisation, guarantee, account.
        Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
        guarantee = Guarantee.objects.select_for_update(no_key=True).get(id=guarantee.id)
        if ordered := Run.objects.filter(quote=offered, guarantee=guarantee).first():
            let_go([stored.path], now=now)
            return ordered
        _require_at(guarantee, at)
        if Run.objects.filter(quote=offered).exists():
            raise QuoteDoesNotFit("paid")
        collect_before_spending(organisation, now=now)
        funded = ledger.grant(
            organisation=organisation.id,
            credits=offered.credits,
            source=LotSource.GUARANTEE,
            key=f"guarantee-run:{offered.id}",
            reference=f"guarantee:{guarantee.id}",
            reason=f"Included in {Tier(guarantee.tier).title}: "
            f"{'training' if to is GuaranteeStatus.TRAINING else 'improvement'} "
            f"of {offered.model_name}",
            now=now,
            price_book=offered.price_book,
        )
        inclusion = Inclusion(guarantee.id, funded.lot, stored.path)
        run = order_run(organisation=organisation, quote=offered.id, who=who, now=now, inclusion=inclusion)
        details = {
            "run": run.number,
            "credits": run.credits,
            "corrected_labels": len(made.corrections),
            "left_out_same_text": made.left_out,
        }
        why = f"run {run.number} is ordered: {run.credits} credits, included"
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
