"""How the months of a paid tier are paid."""

from __future__ import annotations

from datetime import datetime

from otai.billing.gateways import gateway_named
from otai.billing.models import Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import record
from otai.db import one_transaction
from otai.orgs.models import Organisation


@one_transaction
def set_renewal_payment(
    *, organisation: Organisation, gateway: str, payment_method: str, who: str, now: datetime, why: str = ""
) -> Subscription:
    """How the months of a paid tier are paid from now on: "" for invoice and bank transfer, else a saved payment
    method.

    `payment_method` is what `save_payment_method` returned. Raises GatewayUnknown.
    """
    if gateway:
        gateway_named(gateway)
    subscription = Subscription.objects.select_for_update(no_key=True).get(organisation=organisation)
    subscription.renewal_gateway, subscription.renewal_payment_method = gateway, payment_method if gateway else ""
    subscription.save(update_fields=["renewal_gateway", "renewal_payment_method"])
    record(
        organisation=organisation,
        subject="subscription",
        subject_id=subscription.id,
        move=BillingOccurrence.RENEWAL_PAYMENT_SET,
        who=who,
        why=why,
        now=now,
        gateway=gateway,
        became={"renewal_gateway": gateway, "renewal_payment_method": subscription.renewal_payment_method},
    )
    return subscription
