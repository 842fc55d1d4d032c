from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from otai.errors import NotFound
from otai.orgs.models import Member, Organisation
from otai.outbound.models import DeliveryAttempt, Endpoint, Notification, WebhookDelivery


def endpoints(organisation: Organisation) -> QuerySet[Endpoint]:
    """The oldest first."""
    return Endpoint.objects.filter(organisation=organisation).order_by("id")


def endpoint(organisation: Organisation, id: UUID) -> Endpoint:
    """Raises NotFound, also for another organisation's."""
    found = endpoints(organisation).filter(id=id).first()
    if found is None:
        raise NotFound("webhook")
    return found


def deliveries(
    organisation: Organisation, *, endpoint: UUID | None = None, state: str = ""
) -> QuerySet[WebhookDelivery]:
    """The delivery log, the newest first."""
    found = WebhookDelivery.objects.filter(endpoint__organisation=organisation).select_related("message", "endpoint")
    if endpoint is not None:
        found = found.filter(endpoint=endpoint)
    if state:
        found = found.filter(state=state)
    return found.order_by("-id")


def delivery(organisation: Organisation, id: UUID) -> WebhookDelivery:
    """Raises NotFound, also for another organisation's."""
    found = deliveries(organisation).filter(id=id).first()
    if found is None:
        raise NotFound("delivery")
    return found


def attempts(delivery: WebhookDelivery) -> QuerySet[DeliveryAttempt]:
    """What became of each try, the first one first."""
    return DeliveryAttempt.objects.filter(delivery=delivery).order_by("number")


def notifications(member: Member) -> QuerySet[Notification]:
    """What the member was told, the newest first, with its messages; as long as messages are kept (30 days)."""
    return Notification.objects.filter(member=member).select_related("message").order_by("-id")
