"""How many initial credits a tier still brings: given once for each person and company, whatever they found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Q, Sum

from otai.billing.models import BroughtLot, Taking
from otai.billing.status import PurchaseStatus
from otai.ledger.models import Lot, LotSource
from otai.orgs import queries as orgs
from otai.pricing.price_book import TierTerms


def initial_credits_due(organisation: UUID, terms: TierTerms) -> int:
    """What the tier of `terms` would bring now: less what the organisation had so far and kept, and less what whoever
    founded it had through their other organisations. 0 while their mail address is not confirmed."""
    return initial_credits_by_tier(organisation, [terms])[0]


def initial_credits_by_tier(organisation: UUID, tiers: Iterable[TierTerms]) -> list[int]:
    """`initial_credits_due` for each of `tiers`, in their order, with the organisation looked up once."""
    if orgs.waits_for_confirmation(organisation):
        return [0 for _ in tiers]
    had = kept([organisation]) + had_elsewhere(organisation)
    return [max(0, terms.initial_credits - had) for terms in tiers]


def had_elsewhere(organisation: UUID) -> int:
    """The initial credits that the other organisations of its founders had and kept: of each founder all, and of the
    founders the one who had most."""
    return max((kept(others) for others in orgs.others_by_founder(organisation).values()), default=0)


def kept(organisations: Collection[UUID]) -> int:
    """The initial credits that these were given, less what was taken back."""
    given_back = BroughtLot.objects.filter(organisation__in=organisations, gives_back=True)
    lots = Lot.objects.filter(organisation__in=organisations, source=LotSource.INITIAL)
    granted = lots.exclude(id__in=list(given_back.values_list("lot", flat=True))).aggregate(credits=Sum("credits"))
    return (granted["credits"] or 0) - taken_back(organisations)


def taken_back(organisations: Collection[UUID]) -> int:
    """Initial credits that went back with the money of the month they had come with: whoever pays again has them
    again."""
    takings = Taking.objects.filter(
        organisation__in=organisations, source=LotSource.INITIAL, purchase__status=PurchaseStatus.REVERSED
    )
    sums = takings.aggregate(
        took=Sum("credits", filter=Q(gives_back=False)), gave=Sum("credits", filter=Q(gives_back=True))
    )
    return (sums["took"] or 0) - (sums["gave"] or 0)
