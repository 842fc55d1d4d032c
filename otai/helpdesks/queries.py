from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from otai.errors import NotFound
from otai.helpdesks.models import HelpdeskConnection
from otai.orgs.models import Organisation


def connections(organisation: Organisation) -> QuerySet[HelpdeskConnection]:
    """By name."""
    return HelpdeskConnection.objects.filter(organisation=organisation).order_by("name")


def connection(organisation: Organisation, id: UUID) -> HelpdeskConnection:
    """Raises NotFound, also for another organisation's."""
    found = connections(organisation).filter(id=id).first()
    if found is None:
        raise NotFound("helpdesk")
    return found


def connection_named(organisation: Organisation, name: str) -> HelpdeskConnection:
    """Raises NotFound."""
    found = connections(organisation).filter(name=name).first()
    if found is None:
        raise NotFound("helpdesk")
    return found
