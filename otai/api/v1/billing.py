from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import Caller, CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.v1.shapes import MoneyOut, Name, Text, money
from otai.billing import operations, packages, queries
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.gateway import PaymentSeen
from otai.billing.gateways import gateways
from otai.billing.models import CreditWatch, Invoice, Purchase
from otai.billing.operations import topups
from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.pricing.price_book import Mode, Tier
from otai.units import MAX_CREDITS, Money

noun = Noun("Buying")


class PackageOut(Schema):
    """Credits at one net price. `code` is what a purchase names."""

    code: str
    title: str
    credits: int
    price: MoneyOut
    price_per_credit: str


class PackagesOut(Schema):
    items: list[PackageOut]


class GatewayOut(Schema):
    name: str
    title: str
    charges_saved_methods: bool
    pays_by_invoice: bool


class GatewaysOut(Schema):
    items: list[GatewayOut]


class BillingDetailsOut(Schema):
    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str
    email: str
    language: str


class BillingDetailsIn(Schema):
    name: Name
    street: Name
    postcode: Annotated[Text, Field(max_length=20)] = ""
    city: Name
    country: Annotated[Text, Field(min_length=2, max_length=2, description="ISO 3166, for example DE.")]
    vat_id: Annotated[Text, Field(max_length=20)] = ""
    email: Annotated[Text, Field(max_length=254)]
    language: Literal["en", "de"] = "en"


class PurchaseIn(Schema):
    package: Name = Field(description="A code of GET /packages.")
    gateway: Annotated[Text, Field(max_length=40)] = Field("", description="How it is paid; the first one if left out.")
    payment_method: Annotated[Text, Field(max_length=200)] = Field(
        "", description="The provider's name for a payment method that is charged at once."
    )


class PurchaseOut(Schema):
    """Something bought once: a package of credits, or a month of a tier. Credits come when `status` is paid."""

    reference: str
    kind: str
    title: str
    credits: int
    tier: str
    status: str
    net: MoneyOut
    vat: MoneyOut
    gross: MoneyOut
    paid: MoneyOut
    vat_treatment: str
    gateway: str
    ordered_at: datetime
    ordered_by: str
    expires_at: datetime
    paid_at: datetime | None


class PaymentOut(Schema):
    """Where the payment stands. A browser finishes one that waits with the provider's script and `client_secret`."""

    state: str
    problem: str
    client_secret: str


class BoughtOut(PurchaseOut):
    payment: PaymentOut


class PurchasesOut(Schema):
    items: list[PurchaseOut]
    next: str | None


class WhyIn(Schema):
    why: Annotated[Text, Field(max_length=500)] = "Cancelled by the customer."


class InvoiceOut(Schema):
    """An invoice or a credit note. `corrects` is the invoice that a credit note takes back."""

    number: str
    kind: str
    purchase: str
    issued_at: datetime
    net: MoneyOut
    vat: MoneyOut
    gross: MoneyOut
    corrects: str | None


class InvoicesOut(Schema):
    items: list[InvoiceOut]
    next: str | None


class TopUpOut(Schema):
    """What happens when credits run low. `below` 0 means that nothing is bought, `notice_below` 0 that nobody is told."""

    notice_below: int
    below: int
    package: str
    monthly_limit: MoneyOut | None
    gateway: str
    stopped_at: datetime | None
    stopped_why: str


class TopUpIn(Schema):
    below: int = Field(ge=1, le=MAX_CREDITS, description="Below so many available credits the package is bought.")
    package: Name
    monthly_limit_cents: int = Field(ge=1, le=10**12, description="Net, in a calendar month.")
    gateway: Name
    payment_method: Name = Field(description="The provider's name for the method; it is kept there, not here.")


class NoticeIn(Schema):
    below: int = Field(ge=0, le=MAX_CREDITS, description="0 turns it off.")


class TierOut(Schema):
    """The tier in force. `next_tier` begins when the paid month ends; null: nothing changes."""

    tier: str
    status: str
    modes: list[str]
    monthly_credits: int
    monthly_price: MoneyOut
    next_grant_at: datetime
    paid_until_at: datetime | None
    grace_until_at: datetime | None
    next_tier: str | None


class TierTermsOut(Schema):
    tier: str
    initial_credits: int
    monthly_credits: int
    modes: list[str]
    monthly_price: MoneyOut
    in_force: bool


class TiersOut(Schema):
    items: list[TierTermsOut]


class TierIn(Schema):
    tier: Tier
    gateway: Annotated[Text, Field(max_length=40)] = ""
    payment_method: Annotated[Text, Field(max_length=200)] = ""


class TierChangedOut(Schema):
    """In force at once, from `from_at` on, or when `purchase` is paid."""

    tier: str
    in_force: bool
    from_at: datetime | None
    purchase: BoughtOut | None


PURCHASE = {
    "reference": "K7RM2QXA",
    "kind": "package",
    "title": "50-credit package",
    "credits": 50,
    "tier": "",
    "status": "open",
    "net": {"cents": 45000, "currency": "EUR"},
    "vat": {"cents": 8550, "currency": "EUR"},
    "gross": {"cents": 53550, "currency": "EUR"},
    "paid": {"cents": 0, "currency": "EUR"},
    "vat_treatment": "domestic",
    "gateway": "bank_transfer",
    "ordered_at": "2026-11-02T09:30:00Z",
    "ordered_by": "controlling (API key k3m9pq2x)",
    "expires_at": "2026-12-02T09:30:00Z",
    "paid_at": None,
}
BOUGHT = {**PURCHASE, "payment": {"state": "waiting", "problem": "", "client_secret": ""}}
INVOICE = {
    "number": "2026-0007",
    "kind": "invoice",
    "purchase": "K7RM2QXA",
    "issued_at": "2026-11-02T09:30:00Z",
    "net": {"cents": 45000, "currency": "EUR"},
    "vat": {"cents": 8550, "currency": "EUR"},
    "gross": {"cents": 53550, "currency": "EUR"},
    "corrects": None,
}
DETAILS = {
    "name": "Acme Ltd",
    "street": "Lindenstrasse 7",
    "postcode": "50674",
    "city": "Köln",
    "country": "DE",
    "vat_id": "",
    "email": "billing@acme.example",
    "language": "de",
}
TOP_UP = {
    "notice_below": 10,
    "below": 20,
    "package": "50",
    "monthly_limit": {"cents": 90000, "currency": "EUR"},
    "gateway": "stripe",
    "stopped_at": None,
    "stopped_why": "",
}
TIER = {
    "tier": "pro",
    "status": "paid",
    "modes": ["basic", "business"],
    "monthly_credits": 50,
    "monthly_price": {"cents": 9900, "currency": "EUR"},
    "next_grant_at": "2026-12-02T09:30:00Z",
    "paid_until_at": "2026-12-02T09:30:00Z",
    "grace_until_at": None,
    "next_tier": None,
}


@noun.get(
    "/packages",
    Action.VIEW,
    PackagesOut,
    example={
        "items": [
            {
                "code": "50",
                "title": "50-credit package",
                "credits": 50,
                "price": {"cents": 45000, "currency": "EUR"},
                "price_per_credit": "EUR 9 / credit",
            }
        ]
    },
)
def list_packages(request: CallerRequest) -> Any:
    """Packages of credits

    Those of the price list, then what is offered to you alone. Prices are net.
    """
    found = packages.packages_for(request.auth.organisation, now=utc_now())
    return {
        "items": [
            {
                "code": offer.code,
                "title": offer.title,
                "credits": offer.credits,
                "price": money(offer.price),
                "price_per_credit": offer.effective_price,
            }
            for offer in found
        ]
    }


@noun.get(
    "/gateways",
    Action.VIEW,
    GatewaysOut,
    example={
        "items": [
            {
                "name": "bank_transfer",
                "title": "Invoice and bank transfer",
                "charges_saved_methods": False,
                "pays_by_invoice": True,
            }
        ]
    },
)
def list_gateways(request: CallerRequest) -> Any:
    """Ways to pay"""
    return {"items": list(gateways().values())}


@noun.get("/billing-details", Action.BUY, BillingDetailsOut, example=DETAILS, errors=[404])
def get_billing_details(request: CallerRequest) -> Any:
    """Whom invoices are made out to"""
    return queries.details_as_dict(queries.billing_details_of(request.auth.organisation))


@noun.put("/billing-details", Action.BUY, BillingDetailsOut, example=DETAILS, body_example=DETAILS)
def set_billing_details(request: CallerRequest, asked: BillingDetailsIn) -> Any:
    """Set whom invoices are made out to

    From now on; those issued stay as they are. VAT follows country and VAT id.
    """
    found = operations.set_billing_details(
        organisation=request.auth.organisation, who=request.auth.who, now=utc_now(), **asked.dict()
    )
    return queries.details_as_dict(found)


@noun.post(
    "/purchases",
    Action.BUY,
    BoughtOut,
    status=201,
    example=BOUGHT,
    body_example={"package": "50", "gateway": "bank_transfer"},
    repeatable="required",
    errors=[404, 503],
)
def buy_package(request: CallerRequest, asked: PurchaseIn) -> HttpResponse:
    """Buy a package

    Orders it and opens its payment; credits come when the payment is confirmed. With a payment method that the gateway can charge,
    it is charged at once.
    """
    caller = request.auth

    def work() -> Any:
        bought = operations.buy(
            organisation=caller.organisation,
            package=asked.package,
            key=keys.key_of(request, required=True),
            gateway=asked.gateway,
            payment_method=asked.payment_method,
            who=caller.who,
            now=utc_now(),
        )
        return BoughtOut.model_validate(_bought(bought.purchase, bought.payment))

    return keys.once(request, work, required=True)


@noun.get("/purchases", Action.BUY, PurchasesOut, example={"items": [PURCHASE], "next": None})
def list_purchases(request: CallerRequest, page: PageQuery) -> Any:
    """Your purchases, the newest first"""
    found = queries.purchases(request.auth.organisation)
    return page_of(found, request.auth, page, of="purchases", by=["-ordered_at", "-id"], shown=_purchase)


@noun.get("/purchases/{reference}", Action.BUY, PurchaseOut, example=PURCHASE)
def get_purchase(request: CallerRequest, reference: Name) -> Any:
    """One purchase"""
    return _purchase(queries.purchase(request.auth.organisation, reference))


@noun.post(
    "/purchases/{reference}/cancel",
    Action.BUY,
    PurchaseOut,
    example={**PURCHASE, "status": "cancelled"},
    body_example={"why": "Ordered twice."},
    errors=[409, 503],
)
def cancel_purchase(request: CallerRequest, reference: Name, asked: WhyIn) -> Any:
    """Cancel a purchase that is not paid"""
    caller = request.auth
    found = queries.purchase(caller.organisation, reference)
    why = asked.why.strip() or "Cancelled by the customer."
    return _purchase(
        operations.cancel(
            organisation=caller.organisation, reference=found.reference, who=caller.who, why=why, now=utc_now()
        )
    )


def _bought(purchase: Purchase, payment: PaymentSeen) -> dict[str, Any]:
    return {
        **_purchase(purchase),
        "payment": {
            "state": payment.state.value,
            "problem": payment.problem,
            "client_secret": payment.client_secret,
        },
    }


def _purchase(purchase: Purchase) -> dict[str, Any]:
    currency = purchase.currency
    names = ("reference", "kind", "title", "credits", "tier", "status", "vat_treatment", "gateway", "ordered_at")
    return {
        **{name: getattr(purchase, name) for name in (*names, "ordered_by", "expires_at", "paid_at")},
        "net": {"cents": purchase.net_cents, "currency": currency},
        "vat": {"cents": purchase.vat_cents, "currency": currency},
        "gross": {"cents": purchase.gross_cents, "currency": currency},
        "paid": {"cents": purchase.paid_cents, "currency": currency},
    }


@noun.get("/invoices", Action.BUY, InvoicesOut, example={"items": [INVOICE], "next": None})
def list_invoices(
    request: CallerRequest,
    page: PageQuery,
    purchase: Annotated[Name | None, Query(description="Only those of this purchase, by its reference.")] = None,
) -> Any:
    """Invoices and credit notes, the newest first"""
    found = queries.invoices(request.auth.organisation, purchase=purchase)
    return page_of(found, request.auth, page, of="invoices", by=["-issued_at", "-number"], shown=_invoice)


@noun.get("/invoices/{number}", Action.BUY, InvoiceOut, example=INVOICE)
def get_invoice(request: CallerRequest, number: Name) -> Any:
    """One invoice or credit note"""
    return _invoice(queries.invoice(request.auth.organisation, number))


@noun.get("/invoices/{number}/pdf", Action.BUY, produces=["application/pdf"])
def download_invoice_pdf(request: CallerRequest, number: Name) -> HttpResponse:
    """The invoice as PDF

    PDF/A-3 with its XML inside (Factur-X, ZUGFeRD); the same bytes whenever it is asked for.
    """
    found = queries.invoice(request.auth.organisation, number)
    return _file(invoice_pdf(found), f"{found.number}.pdf", "application/pdf")


@noun.get("/invoices/{number}/xml", Action.BUY, produces=["application/xml"])
def download_invoice_xml(request: CallerRequest, number: Name) -> HttpResponse:
    """The invoice as EN 16931 XML"""
    found = queries.invoice(request.auth.organisation, number)
    return _file(invoice_xml(found), f"{found.number}.xml", "application/xml")


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _invoice(invoice: Invoice) -> dict[str, Any]:
    currency = invoice.currency
    return {
        "number": invoice.number,
        "kind": invoice.kind,
        "purchase": invoice.purchase.reference,
        "issued_at": invoice.issued_at,
        "net": {"cents": invoice.net_cents, "currency": currency},
        "vat": {"cents": invoice.vat_cents, "currency": currency},
        "gross": {"cents": invoice.gross_cents, "currency": currency},
        "corrects": invoice.corrects.number if invoice.corrects else None,
    }


@noun.get("/top-up", Action.BUY, TopUpOut, example=TOP_UP)
def get_top_up(request: CallerRequest) -> Any:
    """What happens when credits run low"""
    return _top_up(request.auth)


@noun.put(
    "/top-up",
    Action.BUY,
    TopUpOut,
    example=TOP_UP,
    body_example={
        "below": 20,
        "package": "50",
        "monthly_limit_cents": 90000,
        "gateway": "stripe",
        "payment_method": "pm_card_visa",
    },
    errors=[404, 409, 503],
)
def set_top_up(request: CallerRequest, asked: TopUpIn) -> Any:
    """Buy automatically when credits run low

    Each purchase is announced by mail before it is charged, one at a time, within the monthly limit.
    """
    caller = request.auth
    topups.set_top_up(
        organisation=caller.organisation,
        below=asked.below,
        package=asked.package,
        monthly_limit=Money(asked.monthly_limit_cents),
        gateway=asked.gateway,
        payment_method=asked.payment_method,
        who=caller.who,
        now=utc_now(),
    )
    return _top_up(caller)


@noun.delete("/top-up", Action.BUY)
def turn_off_top_up(request: CallerRequest) -> HttpResponse:
    """Buy nothing automatically any more

    One that was announced and not charged yet is dropped.
    """
    topups.turn_off_top_up(organisation=request.auth.organisation, who=request.auth.who, now=utc_now())
    return HttpResponse(status=204)


@noun.put("/low-balance-notice", Action.BUY, TopUpOut, example=TOP_UP, body_example={"below": 10})
def set_low_balance_notice(request: CallerRequest, asked: NoticeIn) -> Any:
    """Be told when credits run low

    A mail to the billing address, and a webhook `credits.low`, once for each time that they fall below.
    """
    caller = request.auth
    topups.set_low_balance_notice(organisation=caller.organisation, below=asked.below, who=caller.who, now=utc_now())
    return _top_up(caller)


def _top_up(caller: Caller) -> dict[str, Any]:
    watch = CreditWatch.objects.filter(organisation=caller.organisation).first() or CreditWatch()
    limit = {"cents": watch.monthly_limit_cents, "currency": "EUR"}
    return {
        "notice_below": watch.notice_below,
        "below": watch.top_up_below,
        "package": watch.top_up_package,
        "monthly_limit": limit if watch.top_up_below else None,
        "gateway": watch.gateway,
        "stopped_at": watch.stopped_at,
        "stopped_why": watch.stopped_why,
    }


@noun.get("/tier", Action.VIEW, TierOut, example=TIER)
def get_tier(request: CallerRequest) -> Any:
    """The tier in force"""
    return _tier(request.auth)


@noun.get(
    "/tiers",
    Action.VIEW,
    TiersOut,
    example={
        "items": [
            {
                "tier": "pro",
                "initial_credits": 100,
                "monthly_credits": 50,
                "modes": ["basic", "business"],
                "monthly_price": {"cents": 9900, "currency": "EUR"},
                "in_force": True,
            }
        ]
    },
)
def list_tiers(request: CallerRequest) -> Any:
    """All tiers and what they bring"""
    mine = queries.tier_of(request.auth.organisation)
    return {
        "items": [
            {
                "tier": tier.value,
                "initial_credits": terms.initial_credits,
                "monthly_credits": terms.monthly_credits,
                "modes": [mode.value for mode in Mode if mode in terms.modes],
                "monthly_price": money(terms.monthly_price),
                "in_force": tier is mine,
            }
            for tier, terms in queries.price_book().tiers.items()
        ]
    }


@noun.post(
    "/tier",
    Action.BUY,
    TierChangedOut,
    example={"tier": "pro", "in_force": False, "from_at": None, "purchase": {**BOUGHT, "kind": "subscription"}},
    body_example={"tier": "pro", "gateway": "bank_transfer"},
    repeatable=True,
    errors=[404, 409, 503],
)
def change_tier(request: CallerRequest, asked: TierIn) -> HttpResponse:
    """Change the tier

    A higher tier begins when its first month is paid, a lower one when the paid month ends. Asking for the tier in force takes a
    cancellation back. Credits stay.
    """
    caller = request.auth

    def work() -> Any:
        found = operations.change_tier(
            organisation=caller.organisation,
            tier=asked.tier,
            gateway=asked.gateway,
            payment_method=asked.payment_method,
            who=caller.who,
            now=utc_now(),
        )
        bought = _bought(found.purchase, found.payment) if found.purchase and found.payment else None
        return TierChangedOut.model_validate(
            {"tier": asked.tier.value, "in_force": found.in_force, "from_at": found.from_at, "purchase": bought}
        )

    return keys.once(request, work, status=200)


def _tier(caller: Caller) -> dict[str, Any]:
    subscription = queries.subscription_of(caller.organisation)
    terms = queries.price_book().tiers[Tier(subscription.tier)]
    names = ("tier", "status", "next_grant_at", "paid_until_at", "grace_until_at", "next_tier")
    return {
        **{name: getattr(subscription, name) for name in names},
        "modes": [mode.value for mode in Mode if mode in terms.modes],
        "monthly_credits": terms.monthly_credits,
        "monthly_price": money(terms.monthly_price),
    }
