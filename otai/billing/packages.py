"""Packages of credits that an organisation can buy: those of the price book, and what an operator offers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from django.db.models import Q

from otai.billing import queries
from otai.billing.models import CustomPackage
from otai.errors import NotFound
from otai.orgs.models import Organisation
from otai.units import Money


class PackageUnknown(NotFound):
    """No such package, or it is offered to another organisation."""


@dataclass(frozen=True, slots=True)
class PackageOffer:
    """Credits at a net price. `custom` is the id of an operator's offer; None for a package of the price book."""

    code: str
    title: str
    credits: int
    price: Money
    custom: UUID | None

    @property
    def cents_per_credit(self) -> Fraction:
        """The net price of one credit, exact."""
        return Fraction(self.price.cents, self.credits)

    @property
    def effective_price(self) -> str:
        """`EUR 9 / credit`; rounded down to the cent where it does not come out even."""
        return f"{Money(self.price.cents // self.credits, self.price.currency)} / credit"


def packages_for(organisation: Organisation, *, now: datetime) -> list[PackageOffer]:
    """The price book's packages, smallest first, then the organisation's own that still stand."""
    book = [
        PackageOffer(str(package.credits), package.title, package.credits, package.price, None)
        for package in queries.price_book().packages
    ]
    offered = CustomPackage.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=now), organisation=organisation
    ).order_by("credits", "code")
    own = [
        PackageOffer(
            found.code,
            f"{found.credits}-credit package ({found.code})",
            found.credits,
            Money(found.price_cents, found.currency),
            found.id,
        )
        for found in offered
    ]
    return book + own


def gift_of(credits: int, price: Money) -> int:
    """Credits that a package gives away: those beyond what its price buys where a credit is cheapest in the price book
    in force; all of them where the book sells nothing in that currency."""
    listed = [
        package.cents_per_credit
        for package in queries.price_book().packages
        if package.price.currency == price.currency
    ]
    bought = int(price.cents / min(listed)) if listed else 0
    return max(0, credits - bought)


def package(organisation: Organisation, code: str, *, now: datetime) -> PackageOffer:
    """Raises PackageUnknown, which names the codes there are."""
    offers = packages_for(organisation, now=now)
    for offer in offers:
        if offer.code == code:
            return offer
    raise PackageUnknown("package", known=[offer.code for offer in offers], package=code)
