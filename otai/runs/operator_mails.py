"""Operators are written to when something waits for their look: criteria, a fee, what one of them may not do alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from otai.billing.models import OperatorRequest, OperatorRequestState
from otai.billing.operations.events import notify_people
from otai.orgs.actors import is_same_person
from otai.orgs.models import User
from otai.runs.guarantee.queries import waiting

TEMPLATE = "operator_look"


def tell_operators(*, now: datetime) -> None:
    """A mail to each operator about each thing that waits, once; whoever asked for it is not written to. For
    housekeeping."""
    operators = User.objects.filter(is_staff=True, is_active=True).exclude(email="").order_by("pk")
    for guarantee in waiting():
        since = guarantee.proposed_at.isoformat() if guarantee.proposed_at else ""
        key = f"look:guarantee:{guarantee.id}:{guarantee.status}:{since}"
        context = {"guarantee": 1, "request": 0}
        notify_people(
            organisation=guarantee.organisation, people=operators, template=TEMPLATE, key=key, context=context, now=now
        )
    requests = OperatorRequest.objects.filter(state=OperatorRequestState.WAITING).select_related("organisation")
    for request in requests.order_by("asked_at", "id"):
        notify_people(
            organisation=request.organisation,
            people=_but(operators, request.asked_by),
            template=TEMPLATE,
            key=f"look:request:{request.id}",
            context={"guarantee": 0, "request": 1, **_asked(request)},
            now=now,
        )


TOLD = ("credits", "cents", "currency", "reference", "code", "version")
"""Of a request's facts; a bank's words for a payment stay at the desk."""


def _asked(request: OperatorRequest) -> dict[str, object]:
    facts = {("amount_cents" if name == "cents" else name): request.facts.get(name) for name in TOLD}
    asked = {name: value for name, value in facts.items() if value is not None}
    return {**asked, "kind": request.kind, "id": str(request.id), "asked_by": request.asked_by, "why": request.why}


def _but(operators: Iterable[User], who: str) -> list[User]:
    return [one for one in operators if not any(is_same_person(who, name) for name in (one.get_username(), one.email))]
