"""Packages of credits for one organisation alone, offered and withdrawn by an operator."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError, transaction

from otai.billing.models import CustomPackage
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.details import InvalidBillingDetails
from otai.billing.operations.events import as_told, checked_why, record
from otai.db import new_id, one_transaction
from otai.errors import NotFound, Refused
from otai.orgs.models import Organisation
from otai.units import Money, whole_credits


class PackageExists(Refused):
    code = "package_exists"


def offer_package(
    *,
    organisation: Organisation,
    code: str,
    credits: int,
    price: Money,
    who: str,
    why: str,
    now: datetime,
    ends_at: datetime | None = None,
) -> CustomPackage:
    """A package for one organisation, by an operator; doors go by `second_operator.package`. Raises PackageExists,
    WhoAndWhyMissing, and as `check_offer` does."""
    why = checked_why(why)
    check_offer(organisation, code, credits, price)
    package = CustomPackage(
        id=new_id(),
        organisation=organisation,
        code=code,
        credits=credits,
        price_cents=price.cents,
        currency=price.currency,
        offered_at=now,
        offered_by=who,
        reason=why,
        ends_at=ends_at,
    )
    try:
        with transaction.atomic():
            package.save(force_insert=True)
            record(
                organisation=organisation,
                subject="package",
                subject_id=package.id,
                move=BillingOccurrence.OFFERED,
                who=who,
                why=why,
                now=now,
                code=code,
                credits=credits,
                price_cents=price.cents,
                **as_told(package),
            )
    except IntegrityError:
        raise PackageExists("package", organisation=organisation.slug, package=code) from None
    return package


def check_offer(organisation: Organisation, code: str, credits: int, price: Money) -> None:
    """Whether it could be offered. Raises InvalidAmount, InvalidBillingDetails, PackageExists."""
    whole_credits(credits)
    if price.cents < 1:
        raise InvalidBillingDetails("price", field="price")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,39}", code) or code.isdigit():
        raise InvalidBillingDetails("code", field="code")
    if CustomPackage.objects.filter(organisation=organisation, code=code).exists():
        raise PackageExists("package", organisation=organisation.slug, package=code)


@one_transaction
def withdraw_package(*, organisation: Organisation, code: str, who: str, why: str, now: datetime) -> CustomPackage:
    """An own package can be bought no more; orders that were made stand. Raises NotFound, WhoAndWhyMissing."""
    why = checked_why(why)
    found = CustomPackage.objects.select_for_update(no_key=True).filter(organisation=organisation, code=code).first()
    if found is None:
        raise NotFound("no_own_package", organisation=organisation.slug, package=code)
    found.ends_at = now
    found.save(update_fields=["ends_at"])
    record(
        organisation=organisation,
        subject="package",
        subject_id=found.id,
        move=BillingOccurrence.WITHDRAWN,
        who=who,
        why=why,
        now=now,
        code=code,
        **as_told(found),
    )
    return found
