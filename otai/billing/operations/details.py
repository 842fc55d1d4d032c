"""Who the invoices are made out to."""

from __future__ import annotations

import re
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from otai.billing.models import BillingDetails
from otai.billing.operations.events import record
from otai.errors import Invalid
from otai.orgs.languages import languages, listed
from otai.orgs.models import Organisation
from otai.pricing.vat import CountryUnknown, checked_vat_id


class InvalidBillingDetails(Invalid):
    code = "invalid_billing_details"


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
    language: str = "",
    who: str,
    now: datetime,
) -> BillingDetails:
    """Who the invoices from now on are made out to; those issued stay as they are.

    `language` is one of the installation's, or empty for its first. The VAT id is checked by form and check digit.
    Raises InvalidBillingDetails, InvalidVatId and CountryUnknown.
    """
    country = country.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise CountryUnknown("code", country=country)
    texts = {"name": name, "street": street, "postcode": postcode, "city": city}
    limits = {"name": 200, "street": 200, "postcode": 20, "city": 100}
    for field, text in texts.items():
        texts[field] = text = " ".join(text.split())
        if (not text and field != "postcode") or len(text) > limits[field] or not text.isprintable():
            raise InvalidBillingDetails("length", most=limits[field], field=field)
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidBillingDetails("email", email=email, field="email") from None
    language = language or languages()[0]
    if language not in languages():
        raise InvalidBillingDetails("language", known=listed(), language=language, field="language")
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
