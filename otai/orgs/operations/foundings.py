"""Who signed an organisation up: written down, bounded, and confirmed later where the mail address was not known yet.

What is given once for each person and company is billing's and the guarantee's to give; this says to whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from otai.errors import Refused
from otai.orgs.founders import Person
from otai.orgs.models import Founder, Founding, Organisation
from otai.pricing.price_book import FoundingTerms

DAY = timedelta(days=1)


class TooManyOrganisations(Refused):
    code = "too_many_organisations"


def founded_by(organisation: Organisation, person: Person, terms: FoundingTerms, *, now: datetime) -> Founding:
    """Within the transaction that makes the organisation. Raises TooManyOrganisations; the transaction must end
    then."""
    _lock(person.keys)
    before = Founding.objects.filter(founders__in=person.own_keys).distinct()
    if before.count() >= terms.most_organisations:
        raise TooManyOrganisations("all", most=terms.most_organisations)
    if before.filter(founded_at__gt=now - DAY).count() >= terms.most_a_day:
        raise TooManyOrganisations("day", most=terms.most_a_day)
    founding = Founding.objects.create(
        organisation=organisation,
        founded_at=now,
        confirmed_at=now if person.is_confirmed else None,
    )
    founding.founders.set(Founder.objects.filter(key__in=person.keys))
    return founding


def confirm(founding: UUID, *, now: datetime) -> bool:
    """The founder's mail address is confirmed; False where it was before. Within a transaction: gifts follow in it."""
    return bool(Founding.objects.filter(organisation=founding, confirmed_at__isnull=True).update(confirmed_at=now))


def lock_founders(organisation: UUID) -> None:
    """Within a transaction, before anything is given once: two organisations of one founder take turns."""
    _lock(Founding.founders.through.objects.filter(founding=organisation).values_list("founder", flat=True))


def _lock(keys: Iterable[str]) -> None:
    keys = sorted(keys)
    Founder.objects.bulk_create([Founder(key=key) for key in keys], ignore_conflicts=True)
    list(Founder.objects.select_for_update(no_key=True).filter(key__in=keys).order_by("key"))
