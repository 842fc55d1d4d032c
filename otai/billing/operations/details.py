"""Who the invoices are made out to."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from stdnum.de import leitweg
from stdnum.exceptions import ValidationError as NotValid

from otai.billing.letters import letters_missing
from otai.billing.models import BillingDetails
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import as_told, record
from otai.billing.operations.vat_ids import want_check
from otai.billing.seller import seller
from otai.errors import Invalid
from otai.orgs.languages import languages, listed
from otai.orgs.models import Organisation
from otai.pricing.vat import CountryUnknown, checked_vat_id
from otai.words.countries import COUNTRIES

LONGEST = {
    "name": 200,
    "street": 200,
    "address_line_2": 200,
    "postcode": 20,
    "city": 100,
    "buyer_reference": 100,
    "purchase_order": 100,
}
NEEDED = ("name", "street", "city")


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
    address_line_2: str = "",
    buyer_reference: str = "",
    purchase_order: str = "",
    leitweg_id: str = "",
    who: str,
    now: datetime,
) -> BillingDetails:
    """Who the invoices from now on are made out to; those issued stay as they are.

    `country` is of ISO 3166. `language` is one of the installation's, or empty for its first. VAT id and Leitweg-ID are
    checked by form and check digit. What is printed on documents is in letters that their fonts have (Latin, Greek,
    Cyrillic: decision 0434). Raises InvalidBillingDetails, InvalidVatId and CountryUnknown.
    """
    country = country.strip().upper()
    if country not in COUNTRIES:
        raise CountryUnknown("code", country=country, field="country")
    texts = {
        "name": name,
        "street": street,
        "address_line_2": address_line_2,
        "postcode": postcode,
        "city": city,
        "buyer_reference": buyer_reference,
        "purchase_order": purchase_order,
    }
    texts = {field: _checked_text(field, text) for field, text in texts.items()}
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidBillingDetails("email", email=email, field="email") from None
    language = language or languages()[0]
    if language not in languages():
        raise InvalidBillingDetails("language", known=listed(), language=language, field="language")
    checked = checked_vat_id(vat_id, country=country)
    routed = _checked_leitweg_id(leitweg_id, postcode=texts["postcode"])
    with transaction.atomic():
        details, _ = BillingDetails.objects.update_or_create(
            organisation=organisation,
            defaults={
                **texts,
                "country": country,
                "vat_id": checked,
                "leitweg_id": routed,
                "email": email,
                "language": language,
                "updated_at": now,
            },
        )
        record(
            organisation=organisation,
            subject="billing details",
            subject_id=organisation.id,
            move=BillingOccurrence.DETAILS_SET,
            who=who,
            now=now,
            country=country,
            vat_id=checked,
            **as_told(details),
        )
        want_check(details, now=now)
    return details


def _checked_text(field: str, text: str) -> str:
    """In one line, composed: a letter and its accent are one sign where there is one, and fonts have that. Raises
    InvalidBillingDetails."""
    text, most = unicodedata.normalize("NFC", " ".join(text.split())), LONGEST[field]
    is_readable = len(text) <= most and text.isprintable()
    if field in NEEDED and not (text and is_readable):
        raise InvalidBillingDetails("length", most=most, field=field)
    if not is_readable:
        raise InvalidBillingDetails("at_most", most=most, field=field)
    if missing := letters_missing(text):
        raise InvalidBillingDetails("letters", letters=missing[:10], field=field)
    return text


def _checked_leitweg_id(value: str, *, postcode: str) -> str:
    """In its written form, `991-01234-44`; "" for none. Raises InvalidBillingDetails, also where the XRechnung that it
    asks for would not be valid: it has postcodes of both (BR-DE-4, 9) and the seller's telephone (BR-DE-6)."""
    if not value.strip():
        return ""
    try:
        routed = str(leitweg.validate(value))
    except NotValid:
        raise InvalidBillingDetails("leitweg_id", leitweg_id=value.strip()[:60], field="leitweg_id") from None
    if not postcode:
        raise InvalidBillingDetails("postcode_of_leitweg_id", field="postcode")
    if not (seller().phone and seller().postcode):
        raise InvalidBillingDetails("leitweg_id_of_seller", field="leitweg_id")
    return routed
