"""What customers say of themselves, and what operators give them: billing details, own packages, goodwill, credit refunds."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from otai.billing.gateways import gateway_named
from otai.billing.models import BillingDetails, CustomPackage, Subscription
from otai.billing.operations.events import checked_why, record
from otai.db import new_id, one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.models import Source
from otai.ledger.operations import GrantMade, HoldResolved
from otai.orgs.models import Organisation
from otai.pricing.vat import CountryUnknown, checked_vat_id
from otai.units import Money, whole_credits


class InvalidBillingDetails(Invalid):
    code = "invalid_billing_details"


class PackageExists(Refused):
    code = "package_exists"


def set_billing_details(
    *,
    organisation: Organisation,
    name: str,
    street: str,
    postcode: str,
    city: str,
    country: str,
    email: str,
    vat_id: str = "",
    language: str = "en",
    who: str,
    now: datetime,
) -> BillingDetails:
    """Who the invoices from now on are made out to; those issued stay as they are.

    The VAT id is checked by form and check digit. Raises InvalidBillingDetails, InvalidVatId and CountryUnknown.
    """
    country = country.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise CountryUnknown(f"A country is a two-letter ISO code such as DE; {country!r} is not.", country=country)
    texts = {"name": name, "street": street, "postcode": postcode, "city": city}
    limits = {"name": 200, "street": 200, "postcode": 20, "city": 100}
    for field, text in texts.items():
        texts[field] = text = " ".join(text.split())
        if (not text and field != "postcode") or len(text) > limits[field] or not text.isprintable():
            raise InvalidBillingDetails(f"The {field} must be 1 to {limits[field]} printable characters.", field=field)
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidBillingDetails(f"{email!r} is no e-mail address.", field="email") from None
    if language not in ("en", "de"):
        raise InvalidBillingDetails(f"Invoices are written in en or de, not in {language!r}.", field="language")
    checked = checked_vat_id(vat_id, country=country)
    with transaction.atomic():
        details, _ = BillingDetails.objects.update_or_create(
            organisation=organisation,
            defaults={
                **texts,
                "country": country,
                "vat_id": checked,
                "email": email,
                "language": language,
                "updated_at": now,
            },
        )
        record(
            organisation=organisation,
            subject="billing details",
            subject_id=organisation.id,
            move="set",
            who=who,
            now=now,
            country=country,
            vat_id=checked,
        )
    return details


@one_transaction
def set_renewal_payment(
    *, organisation: Organisation, gateway: str, payment_method: str, who: str, now: datetime
) -> Subscription:
    """How the months of a paid tier are paid from now on: "" for invoice and bank transfer, else a saved payment method.

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
        move="renewal payment set",
        who=who,
        now=now,
        gateway=gateway,
    )
    return subscription


def offer_package(
    *,
    organisation: Organisation,
    code: str,
    credits: int,
    price: Money,
    who: str,
    why: str,
    now: datetime,
    ends_at: datetime | None = None,
) -> CustomPackage:
    """A package for one organisation, by an operator. Raises InvalidAmount, InvalidBillingDetails, PackageExists, WhoAndWhyMissing."""
    why = checked_why(why)
    whole_credits(credits)
    if price.cents < 1:
        raise InvalidBillingDetails("A package has a price; free credits are goodwill.", field="price")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,39}", code) or code.isdigit():
        raise InvalidBillingDetails(
            "The code of an own package is 2 to 40 lower-case letters, digits and hyphens, and not only digits.",
            field="code",
        )
    package = CustomPackage(
        id=new_id(),
        organisation=organisation,
        code=code,
        credits=credits,
        price_cents=price.cents,
        currency=price.currency,
        offered_at=now,
        offered_by=who,
        reason=why,
        ends_at=ends_at,
    )
    try:
        with transaction.atomic():
            package.save(force_insert=True)
            record(
                organisation=organisation,
                subject="package",
                subject_id=package.id,
                move="offered",
                who=who,
                why=why,
                now=now,
                code=code,
                credits=credits,
                price_cents=price.cents,
            )
    except IntegrityError:
        raise PackageExists(f"{organisation.slug} has a package {code!r} already.", code=code) from None
    return package


@one_transaction
def withdraw_package(*, organisation: Organisation, code: str, who: str, why: str, now: datetime) -> CustomPackage:
    """An own package can be bought no more; orders that were made stand. Raises NotFound, WhoAndWhyMissing."""
    why = checked_why(why)
    found = CustomPackage.objects.select_for_update(no_key=True).filter(organisation=organisation, code=code).first()
    if found is None:
        raise NotFound(f"{organisation.slug} has no package {code!r} of its own.", code=code)
    found.ends_at = now
    found.save(update_fields=["ends_at"])
    record(
        organisation=organisation,
        subject="package",
        subject_id=found.id,
        move="withdrawn",
        who=who,
        why=why,
        now=now,
        code=code,
    )
    return found


@one_transaction
def give_goodwill(
    *, organisation: Organisation, credits: int, who: str, why: str, key: str, now: datetime
) -> GrantMade:
    """Credits from an operator, with a reason the customer can read. Raises InvalidAmount, KeyReused, WhoAndWhyMissing."""
    why = checked_why(why)
    made = ledger.grant(
        organisation=organisation.id,
        credits=credits,
        source=Source.GOODWILL,
        key=f"goodwill:{key}",
        reference="goodwill",
        reason=why,
        now=now,
    )
    if not made.replayed:
        record(
            organisation=organisation,
            subject="goodwill",
            subject_id=made.lot,
            move="credits given",
            who=who,
            why=why,
            now=now,
            credits=credits,
        )
    return made


@one_transaction
def refund_credits(*, organisation: Organisation, hold: UUID, who: str, why: str, now: datetime) -> HoldResolved:
    """Gives the captured credits of a run back to the lots they came from, once (a credit refund).

    Raises HoldNotFound, HoldNotCaptured, AlreadyRefunded, WhoAndWhyMissing.
    """
    why = checked_why(why)
    resolved = ledger.credit_refund(
        organisation=organisation.id, hold=hold, key=f"credit-refund:{hold}", reason=why, now=now
    )
    record(
        organisation=organisation,
        subject="hold",
        subject_id=hold,
        move="credits refunded",
        who=who,
        why=why,
        now=now,
    )
    return resolved
