"""What a customer is told by mail of a guarantee: who proposed, if they are still a member, and the owners."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from otai.billing.operations.events import notify_people
from otai.orgs.models import Member
from otai.orgs.permissions import Role
from otai.runs.models import Guarantee


def tell(guarantee: Guarantee, template: str, *, now: datetime, **context: Any) -> None:
    """Writes the mail, in the transaction that gives cause for it; a second time within one proposal changes
    nothing."""
    concerned = Q(role=Role.OWNER) | Q(user__email__iexact=guarantee.proposed_by)
    members = Member.objects.select_related("user").filter(concerned, organisation=guarantee.organisation_id)
    proposed = guarantee.proposed_at.isoformat() if guarantee.proposed_at else ""
    notify_people(
        organisation=guarantee.organisation,
        people=[member.user for member in members.order_by("joined_at", "id")],
        template=template,
        key=f"{template}:{guarantee.id}:{proposed}",
        context=context,
        now=now,
    )
