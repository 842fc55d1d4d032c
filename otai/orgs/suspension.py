"""Whether an organisation is suspended: its people sign in and read, what they have trained goes on, and nothing is
ordered. Billing suspends and resumes (`otai.billing.operations.suspensions`); every order asks here."""

from __future__ import annotations

from uuid import UUID

from otai.errors import Refused
from otai.orgs.models import Organisation


class OrganisationSuspended(Refused):
    """Nothing is ordered until the vendor resumes it."""

    code = "organisation_suspended"


def is_suspended(organisation: UUID) -> bool:
    """As the table says now, whatever a row in memory remembers."""
    return Organisation.objects.filter(id=organisation, suspended_at__isnull=False).exists()


def refuse_suspended(organisation: Organisation) -> None:
    """For whoever orders something. Raises OrganisationSuspended."""
    row = Organisation.objects.values("suspended_at", "suspended_why").get(id=organisation.id)
    if row["suspended_at"] is not None:
        raise OrganisationSuspended("order", since=row["suspended_at"], why=row["suspended_why"])
