"""Do the guarantee's credits and the runs' holds have their cause? Given to billing's audit, which cannot know of them.
Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, Q

from otai.billing.asked_above import Unexplained
from otai.ledger.models import Hold, Lot, LotSource
from otai.ledger.references import ReferredTo, reference_to
from otai.orgs.models import TeamEvent
from otai.orgs.operations.organisations import IMPORTED
from otai.runs.models import Guarantee, Run


def unexplained() -> Iterator[Unexplained]:
    """Each lot of the guarantee that no guarantee explains, each fee that is not in the ledger, and each run whose
    hold is gone."""
    yield from _lots()
    yield from _fees()
    yield from _holds()


def _lots() -> Iterator[Unexplained]:
    """A lot of the guarantee funds a run that it includes, at the run's price, or is the fee that it credited."""
    for lot in Lot.objects.filter(source=LotSource.GUARANTEE).order_by("id").iterator(chunk_size=500):
        found = Guarantee.objects.filter(organisation=lot.organisation_id)
        owner = {reference_to(ReferredTo.GUARANTEE, guarantee.id): guarantee for guarantee in found}.get(lot.reference)
        if owner is None:
            yield Unexplained("credits of a guarantee are of one of its organisation", str(lot.id), lot.reference)
            continue
        is_fee = owner.fee_lot == lot.id and owner.fee_credits == lot.credits
        funds = Run.objects.filter(organisation=lot.organisation_id, funding_lot=lot.id, credits=lot.credits)
        if not is_fee and not funds.exists():
            yield Unexplained(
                "credits of a guarantee are its fee, or fund a run", str(lot.id), f"{lot.credits} credits"
            )


def _fees() -> Iterator[Unexplained]:
    for guarantee in Guarantee.objects.filter(fee_lot__isnull=False).order_by("id").iterator(chunk_size=500):
        assert guarantee.fee_lot is not None
        lot = Lot.objects.filter(id=guarantee.fee_lot, organisation=guarantee.organisation_id).first()
        if lot is None or lot.credits != guarantee.fee_credits:
            yield Unexplained("a fee that a guarantee credited is in the ledger", str(guarantee.id))


def _holds() -> Iterator[Unexplained]:
    # What an import brought was ordered and paid where the organisation was before.
    imported = TeamEvent.objects.filter(what=IMPORTED).values("organisation")
    elsewhere = Q(organisation__in=imported, ordered_at__lt=F("organisation__created_at"))
    found = Run.objects.filter(hold__isnull=False).exclude(elsewhere).order_by("id")
    holds = found.values_list("id", "organisation", "hold", "credits")
    for run, organisation, hold, credits in holds.iterator(chunk_size=500):
        if not Hold.objects.filter(id=hold, organisation=organisation, credits=credits).exists():
            yield Unexplained("a run's hold is in the ledger, over its price", str(run), str(hold))
