from __future__ import annotations

from typing import Annotated, Any

from ninja import Schema
from pydantic import Field

from otai.api.access import Caller, CallerRequest, require_recent
from otai.api.endpoints import Noun
from otai.api.v1.shapes import Name, Text
from otai.billing import operations, queries
from otai.db import utc_now
from otai.errors import NotFound
from otai.orgs.languages import languages
from otai.orgs.permissions import Action

noun = Noun()


class BillingDetailsOut(Schema):
    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str
    email: str
    language: str
    address_line_2: str
    buyer_reference: str
    purchase_order: str
    leitweg_id: str


class BillingDetailsIn(Schema):
    name: Name
    street: Name
    postcode: Annotated[Text, Field(max_length=20)] = ""
    city: Name
    country: Annotated[Text, Field(min_length=2, max_length=2, description="ISO 3166, for example DE.")]
    vat_id: Annotated[Text, Field(max_length=20)] = ""
    email: Annotated[Text, Field(max_length=254)]
    language: Annotated[Text, Field(max_length=10, json_schema_extra={"enum": list(languages())})] = languages()[0]
    address_line_2: Annotated[Text, Field(max_length=200)] = ""
    buyer_reference: Annotated[Text, Field(max_length=100, description="Named on invoices (BT-10).")] = ""
    purchase_order: Annotated[Text, Field(max_length=100, description="Named on invoices (BT-13).")] = ""
    leitweg_id: Annotated[
        Text, Field(max_length=46, description="Of a German public buyer: the XML of invoices is an XRechnung then.")
    ] = ""


DETAILS = {
    "name": "Acme Ltd",
    "street": "Lindenstrasse 7",
    "postcode": "50674",
    "city": "Köln",
    "country": "DE",
    "vat_id": "",
    "email": "billing@acme.example",
    "language": "de",
    "address_line_2": "3. OG",
    "buyer_reference": "",
    "purchase_order": "4500012345",
    "leitweg_id": "",
}


@noun.get("/billing-details", Action.BUY, BillingDetailsOut, example=DETAILS, errors=[404])
def get_billing_details(request: CallerRequest) -> Any:
    """Whom invoices are made out to"""
    return queries.details_as_dict(queries.billing_details_of(request.auth.organisation))


@noun.put("/billing-details", Action.BUY, BillingDetailsOut, example=DETAILS, body_example=DETAILS)
def set_billing_details(request: CallerRequest, asked: BillingDetailsIn) -> Any:
    """Set whom invoices are made out to

    From now on; those issued stay as they are. VAT follows country and VAT id.
    """
    if _sends_elsewhere(request.auth, asked.email):
        require_recent(request, request.auth)
    found = operations.set_billing_details(
        organisation=request.auth.organisation, who=request.auth.who, now=utc_now(), **asked.dict()
    )
    return queries.details_as_dict(found)


def _sends_elsewhere(caller: Caller, email: str) -> bool:
    """Whether invoices and notices would go to another address than so far."""
    try:
        so_far = queries.billing_details_of(caller.organisation).email
    except NotFound:
        so_far = caller.who
    return email.strip().casefold() != so_far.casefold()
