"""Payment methods that a provider keeps for an organisation: kept, shown, used, replaced, removed.

Card numbers and mandates never come here: they are entered on the provider's own pages (pages.py).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from otai.billing.gateways import hosted
from otai.billing.models import Event, GatewayCustomer, PaymentMethod, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import as_told, record
from otai.billing.operations.orders import billing_details
from otai.billing.operations.renewal_payment import set_renewal_payment
from otai.billing.operations.replaced_methods import is_gone, take_the_place_of_the_same
from otai.db import new_id, one_transaction
from otai.errors import NotFound
from otai.orgs.models import Organisation


def customer_of(organisation: Organisation, gateway: str, *, now: datetime) -> str:
    """The provider's name for the organisation, made at the first need and once. Called outside a transaction.

    Raises BillingDetailsMissing, GatewayUnknown and GatewayUnavailable.
    """
    way = hosted(gateway)
    known = GatewayCustomer.objects.filter(organisation=organisation, gateway=way.name).first()
    if known is not None:
        return known.reference
    details = billing_details(organisation)
    made = Event.objects.filter(
        subject="gateway_customer", subject_id=str(organisation.id), move__in=BillingOccurrence.FORGOTTEN.stored_as
    ).count()
    key = f"customer:{organisation.id}" + (f":{made}" if made else "")
    reference = way.make_customer(name=details.name, email=details.email, key=key)
    try:
        with transaction.atomic():
            GatewayCustomer.objects.create(
                id=new_id(), organisation=organisation, gateway=way.name, reference=reference, made_at=now
            )
    except IntegrityError:
        # Another process was faster; the key made one customer for both.
        known = GatewayCustomer.objects.get(organisation=organisation, gateway=way.name)
        return known.reference
    return reference


@one_transaction
def forget_customer(organisation: Organisation, gateway: str, reference: str, *, now: datetime) -> None:
    """The provider knows the customer no more: the next need makes another one."""
    if GatewayCustomer.objects.filter(organisation=organisation, gateway=gateway, reference=reference).delete()[0]:
        record(
            organisation=organisation,
            subject="gateway_customer",
            subject_id=organisation.id,
            move=BillingOccurrence.FORGOTTEN,
            who=gateway,
            now=now,
            reference=reference,
        )


def keep(organisation: Organisation, gateway: str, reference: str, *, who: str, now: datetime) -> PaymentMethod | None:
    """Writes down a method that the provider keeps, once; None if the provider keeps it no more. It takes the place of
    the same card or account that was added before. Called outside a transaction. Raises GatewayUnavailable."""
    way = hosted(gateway)
    seen = way.method(reference)
    if seen is None:
        return None
    with transaction.atomic():
        method, is_new = PaymentMethod.objects.get_or_create(
            gateway=way.name,
            reference=reference,
            defaults={
                "id": new_id(),
                "organisation": organisation,
                "external_id": reference.rpartition(":")[2],
                "kind": seen.kind,
                "brand": seen.brand[:40],
                "last_four": seen.last_four[-4:],
                "expires_year": seen.expires_year,
                "expires_month": seen.expires_month,
                "saved_at": now,
                "saved_by": who,
            },
        )
        if is_new:
            record(
                organisation=organisation,
                subject="payment_method",
                subject_id=method.id,
                move=BillingOccurrence.KEPT,
                who=who,
                now=now,
                gateway=way.name,
                kind=method.kind,
                last_four=method.last_four,
                **as_told(method),
            )
    if is_new:
        take_the_place_of_the_same(method, seen, way, who=who, now=now)
    return method


def own_method(organisation: Organisation, gateway: str, said: str) -> str:
    """The provider's name for a method that somebody named: the id of a kept one, a name of the organisation's own, or
    one that was just entered. Raises NotFound for another organisation's."""
    if not said:
        return ""
    try:
        return payment_method(organisation, UUID(said)).reference
    except ValueError:
        pass
    customer = said.rpartition(":")[0]
    if (
        customer
        and not GatewayCustomer.objects.filter(organisation=organisation, gateway=gateway, reference=customer).exists()
    ):
        raise NotFound("payment_method", id=said[:60])
    return said


def payment_methods(organisation: Organisation) -> list[PaymentMethod]:
    """Those that are kept now, the newest first."""
    mine = PaymentMethod.objects.filter(organisation=organisation, removed_at__isnull=True)
    return list(mine.order_by("-saved_at", "-id"))


def payment_method(organisation: Organisation, id: UUID) -> PaymentMethod:
    """One that is kept now. Raises NotFound, for another organisation's as well."""
    found = PaymentMethod.objects.filter(organisation=organisation, id=id, removed_at__isnull=True).first()
    if found is None:
        raise NotFound("payment_method", id=str(id))
    return found


def pay_renewals_with(
    *, organisation: Organisation, method: UUID | None, who: str, now: datetime, why: str = ""
) -> Subscription:
    """The months of a paid tier are charged to this kept method from now on; None: paid by invoice and bank transfer.

    What waits for its payment is charged with the next sweep, at once. Raises NotFound.
    """
    if method is None:
        return set_renewal_payment(organisation=organisation, gateway="", payment_method="", who=who, now=now, why=why)
    found = payment_method(organisation, method)
    return set_renewal_payment(
        organisation=organisation, gateway=found.gateway, payment_method=found.reference, who=who, now=now, why=why
    )


def remove_method(*, organisation: Organisation, method: UUID, who: str, now: datetime) -> PaymentMethod:
    """Has the provider keep it no more. What it paid for is paid by invoice then, and an automatic top-up stops.

    Called outside a transaction. Raises NotFound and GatewayUnavailable.
    """
    found = payment_method(organisation, method)
    hosted(found.gateway).forget_method(found.reference)
    is_gone(found, who=who, now=now)
    return found


def look_again(gateway: str, external_id: str, *, now: datetime) -> int:
    """The provider has news of a method: its new expiry is written down, or that it is gone (removed in the customer's
    portal). Returns how many of ours it was about. Called outside a transaction."""
    way = hosted(gateway)
    mine = list(
        PaymentMethod.objects.filter(gateway=way.name, external_id=external_id, removed_at__isnull=True).select_related(
            "organisation"
        )
    )
    for method in mine:
        seen = way.method(method.reference)
        if seen is None:
            is_gone(method, who=way.name, now=now)
            continue
        PaymentMethod.objects.filter(id=method.id).update(
            brand=seen.brand[:40],
            last_four=seen.last_four[-4:],
            expires_year=seen.expires_year,
            expires_month=seen.expires_month,
        )
    return len(mine)
