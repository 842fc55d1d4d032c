"""Buying credits: a package, the order, its payment, and the invoices. Two clicks: choose, order."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from stdnum import iban as iban_numbers

from otai.billing import operations as billing
from otai.billing import packages as packages_of
from otai.billing import previews, queries
from otai.billing.documents import invoice_pdf, invoice_xml, order_confirmation_pdf
from otai.billing.gateways import gateway_named, hosted_gateways
from otai.billing.models import Purchase
from otai.billing.operations import coupons
from otai.billing.operations.orders import EqualOrder
from otai.billing.operations.vat_ids import check_of
from otai.billing.packages import PackageOffer
from otai.billing.seller import seller
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus
from otai.db import new_id, utc_now
from otai.errors import NotFound, OtaiError
from otai.ledger import queries as ledger
from otai.orgs.permissions import Action
from otai.pricing.vat import Vat, VatTreatment
from otai.units import Money
from otai.web import demo, words
from otai.web.access import MemberRequest, local_path, page
from otai.web.forms import BillingDetailsForm, add_refusal
from otai.web.refusals import in_words
from otai.web.views import equal_orders, paying


def back_to(request: HttpRequest) -> str:
    """Where the buyer came from, a training that lacked credits: an address of ours, or nothing."""
    return local_path(request, request.POST.get("back") or request.GET.get("back", ""))


@require_http_methods(["GET", "POST"])
@page(Action.BUY)
def package(request: MemberRequest, code: str) -> HttpResponse:
    """The order before it is made: price, VAT, way to pay. The button orders; a second click of it changes nothing."""
    organisation, now = request.organisation, utc_now()
    offer = packages_of.package(organisation, code, now=now)
    back = back_to(request)
    try:
        details = queries.billing_details_of(organisation)
    except NotFound:
        here = reverse("web:package", args=[organisation.slug, code]) + (
            f"?{urlencode({'back': back})}" if back else ""
        )
        messages.info(request, _("An invoice needs a name and an address first. You only enter them once."))
        return redirect(reverse("web:billing_details", args=[organisation.slug]) + "?" + urlencode({"next": here}))
    # Copied codes come with blanks; what is longer is no code.
    coupon = (request.POST.get("coupon") or request.GET.get("coupon", "")).strip()[:60]
    problem, status = "", 200
    try:
        is_order = request.method == "POST" and "look" not in request.POST
        if is_order and not paying.is_price_seen(request, "price", offer.price):
            is_order, status = False, 409
        if is_order:
            return _order(request, offer, coupon=coupon, back=back)
        preview = previews.preview_package(organisation, code, coupon=coupon, now=now)
    except EqualOrder as refused:
        return equal_orders.asked(request, refused)
    except (coupons.CouponUnknown, coupons.CouponNotValid) as refused:
        problem = in_words(refused)
        preview = previews.preview_package(organisation, code, now=now)
    context = {
        "offer": offer,
        "title": words.package_title(offer),
        "details": details,
        "id": "order",
        "takes_coupons": True,
        "coupon": coupon,
        "coupon_problem": problem,
        "preview": preview,
        "ways": paying.ways_to_pay(organisation),
        "way_chosen": request.POST.get("gateway", ""),
        "key": request.POST.get("key") or str(new_id()),
        "back": back,
        "after": ledger.balance(organisation.id).available + offer.credits,
    }
    return render(request, "web/credits/package.html", context, status=422 if problem else status)


def _order(request: MemberRequest, offer: PackageOffer, *, coupon: str, back: str) -> HttpResponse:
    """Orders, and leads on to the payment."""
    organisation = request.organisation
    gateway, method = paying.chosen_way(organisation, request.POST.get("gateway", ""))
    asked: dict[str, Any] = {
        "organisation": organisation,
        "package": offer.code,
        "key": f"web:{request.POST.get('key', '')[:100]}",
        "who": request.user.email,
        "now": utc_now(),
        "gateway": gateway,
        "coupon": coupon,
        "refuses_equal": not equal_orders.is_meant(request),
    }
    if method or billing.is_hosted(gateway):
        ordered, _before = billing.order_package(**asked)
        return paying.lead_to_payment(
            request, ordered, method=method, keeps=request.POST.get("keep") == "on", back=back
        )
    bought = billing.buy(**asked)
    address = reverse("web:purchase", args=[organisation.slug, bought.purchase.reference])
    return redirect(address + (f"?{urlencode({'back': back})}" if back else ""))


@require_safe
@page(Action.VIEW)
def purchase(request: MemberRequest, reference: str) -> HttpResponse:
    """One order: what it costs, how it is paid, and what became of it."""
    bought = queries.purchase(request.organisation, reference)
    way = gateway_named(bought.gateway)
    documents = [
        (words.INVOICES.get(invoice.kind, invoice.kind), invoice)
        for invoice in queries.invoices(request.organisation, purchase=bought.reference)
    ]
    missing = Money(bought.gross_cents - bought.paid_cents, bought.currency)
    context = {
        "purchase": bought,
        "title": words.purchase_title(bought),
        "price": Money(bought.net_cents + bought.discount_cents, bought.currency),
        "discount": Money(-bought.discount_cents, bought.currency) if bought.coupon else None,
        "vat": Money(bought.vat_cents, bought.currency),
        "gross": Money(bought.gross_cents, bought.currency),
        "missing": missing,
        "taken_back": queries.taken_back(bought),
        "vat_words": _vat_of(bought),
        "way": words.GATEWAYS.get(way.name, way.title),
        "by_transfer": way.pays_by_invoice,
        "is_open": bought.status in AWAITING_PAYMENT,
        "payable_here": bought.status in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID)
        and (billing.is_hosted(bought.gateway) or (bought.status == PurchaseStatus.OPEN and bool(hosted_gateways()))),
        "by_page": billing.is_hosted(bought.gateway),
        "has_left": request.GET.get("left") == "1" and bought.status == PurchaseStatus.OPEN,
        "can_cancel": bought.status in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID),
        "seller": seller(),
        "iban": iban_numbers.format(seller().iban),
        "invoices": documents,
        "back": back_to(request),
        "may_buy": request.member.may(Action.BUY),
        "is_demo": demo.is_on(),
    }
    return render(request, "web/credits/purchase.html", context)


def _vat_of(found: Purchase) -> str:
    return words.vat_words(Vat(VatTreatment(found.vat_treatment), found.vat_country, found.vat_permille))


@require_POST
@page(Action.BUY)
def cancel(request: MemberRequest, reference: str) -> HttpResponse:
    """Cancels a purchase that is not paid."""
    billing.cancel(
        organisation=request.organisation,
        reference=queries.purchase(request.organisation, reference).reference,
        who=request.user.email,
        now=utc_now(),
    )
    messages.success(request, _("The order is cancelled. Nothing is to be paid."))
    return redirect("web:purchase", slug=request.organisation.slug, reference=reference)


@require_GET
@page(Action.VIEW, downloads=True)
def order_confirmation(request: MemberRequest, reference: str) -> HttpResponse:
    """What confirms the order, for whoever makes the transfer, as PDF."""
    found = queries.order_to_confirm(request.organisation, reference)
    return _file(order_confirmation_pdf(found), f"{found.reference}.pdf", "application/pdf")


def _sends_elsewhere(request: MemberRequest) -> bool:
    """Whether invoices and notices would go to another address than so far."""
    try:
        so_far = queries.billing_details_of(request.organisation).email
    except NotFound:
        so_far = request.user.email
    return request.POST.get("email", "").strip().casefold() != so_far.casefold()


@require_http_methods(["GET", "POST"])
@page(Action.BUY, asks_again=_sends_elsewhere)
def details(request: MemberRequest) -> HttpResponse:
    """Who invoices are made out to. `next` leads back to what asked for it."""
    organisation = request.organisation
    then = local_path(request, request.POST.get("next") or request.GET.get("next", ""))
    try:
        known: dict[str, Any] = queries.details_as_dict(queries.billing_details_of(organisation))
    except NotFound:
        known = {"name": organisation.name, "email": request.user.email, "language": request.LANGUAGE_CODE}
    form = BillingDetailsForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            billing.set_billing_details(
                organisation=organisation, **form.cleaned_data, who=request.user.email, now=utc_now()
            )
        except OtaiError as refused:
            add_refusal(form, refused)
        else:
            messages.success(request, _("Saved. Invoices from now on are made out so; those issued stay as they are."))
            return redirect(then or reverse("web:credits", args=[organisation.slug]))
    status = 422 if form.errors else 200
    context = {"form": form, "next": then, "check": check_of(organisation, known.get("vat_id", ""))}
    return render(request, "web/credits/details.html", context, status=status)


@require_GET
@page(Action.VIEW, downloads=True)
def invoice_file(request: MemberRequest, number: str, form: str) -> HttpResponse:
    """The invoice as PDF (with the electronic invoice inside) or as XML alone."""
    found = queries.invoice(request.organisation, number)
    body, kind = (invoice_pdf(found), "application/pdf") if form == "pdf" else (invoice_xml(found), "application/xml")
    return _file(body, f"{found.number}.{form}", kind)


def _file(body: bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
