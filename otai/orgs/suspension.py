"""Whether an organisation is suspended: its people sign in and read, what they have trained goes on, and nothing is
ordered. Billing suspends and resumes (`otai.billing.operations.suspensions`); every order asks here."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from otai.errors import Refused
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action


class OrganisationSuspended(Refused):
    """Nothing is ordered until the vendor resumes it."""

    code = "organisation_suspended"


class OrganisationClosing(Refused):
    """Its owners asked to delete it: until then it only reads, and an owner can take it back."""

    code = "organisation_closing"


READING = frozenset(
    {
        *(Action.VIEW, Action.READ_TICKETS, Action.READ_MEMBERS, Action.DOWNLOAD_MODELS, Action.PREDICT),
        *(Action.MANAGE_ORGANISATION, Action.EXPORT_DATA, Action.ERASE_DATA, Action.OWN_ACCOUNT),
    }
)
"""What goes on while an organisation is closing: the last four take data out, and the deletion back."""


def refuse_closing(organisation: Organisation, action: Action, *, reads: bool) -> None:
    """For the doors: whether the action may be done while the organisation is closing; `reads`: the request changes
    nothing. Raises OrganisationClosing."""
    if organisation.closing_at is not None and not reads and action not in READING:
        raise OrganisationClosing("closing", until=organisation.closing_at)


def is_suspended(organisation: UUID) -> bool:
    """As the table says now, whatever a row in memory remembers. One that is closing is sold nothing either."""
    found = Organisation.objects.filter(id=organisation)
    return found.filter(Q(suspended_at__isnull=False) | Q(closing_at__isnull=False)).exists()


def refuse_suspended(organisation: Organisation) -> None:
    """For whoever orders something. Raises OrganisationSuspended and OrganisationClosing."""
    row = Organisation.objects.values("suspended_at", "suspended_why", "closing_at").get(id=organisation.id)
    if row["closing_at"] is not None:
        raise OrganisationClosing("closing", until=row["closing_at"])
    if row["suspended_at"] is not None:
        raise OrganisationSuspended("order", since=row["suspended_at"], why=row["suspended_why"])
