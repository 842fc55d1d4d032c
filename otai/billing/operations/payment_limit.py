"""How many payments an organisation may begin within a day: a stranger cannot have thousands of orders, pages and
charges made at the provider by ordering and cancelling in turn, nor try stolen cards one after the other."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from otai.billing.models import Event
from otai.billing.occurrences import BillingOccurrence
from otai.errors import Refused
from otai.orgs.models import Organisation

within = timedelta(days=1)
BEGINS = (BillingOccurrence.ORDERED, BillingOccurrence.PAGE_OPENED, BillingOccurrence.ATTEMPT_FAILED)


class TooManyPayments(Refused):
    """So many were begun within a day that this is no customer's need."""

    code = "too_many_payments"


def refuse_more_payments(organisation: Organisation, *, now: datetime) -> None:
    """Raises TooManyPayments where orders, pages at the provider and refused charges of the last day together are
    `OTAI_PAYMENTS_PER_DAY`; an order that is paid on a page is two."""
    stored = [code for begun in BEGINS for code in begun.stored_as]
    lately = Event.objects.filter(organisation=organisation.id, move__in=stored, at__gt=now - within)
    most = settings.OTAI_PAYMENTS_PER_DAY
    if lately.count() >= most:
        raise TooManyPayments("day", most=most)
