"""Paying on the provider's own page, and the payment methods that the provider keeps.

The way there leads over a page of ours with a link that goes on by itself: the policy lets no form of ours lead to
another host. Nothing of a card is ever entered here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.gateway import PaymentDeclined, PaymentState
from otai.billing.gateways import gateways, hosted_gateways
from otai.billing.models import CheckoutPage, CheckoutStateOf, PaymentMethod, Purchase, PurchaseKind
from otai.billing.status import PurchaseStatus, SubscriptionStatus
from otai.db import utc_now
from otai.errors import NotFound, OtaiError, Unavailable
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.units import Money
from otai.web import words
from otai.web.access import MemberRequest, local_path, page
from otai.web.formats import money
from otai.web.refusals import in_words

KEPT = "kept:"
"""Before a kept method's id, where a form offers it beside the ways to pay."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay as a choice of a form: `value` is a gateway's name, or a kept method's with `KEPT` before it."""

    value: str
    word: Any
    is_hosted: bool


def ways_to_pay(organisation: Organisation) -> list[Way]:
    """Kept methods first, then the installation's ways in the order of its setting."""
    kept = [
        Way(f"{KEPT}{method.id}", words.method_title(method), False) for method in billing.payment_methods(organisation)
    ]
    return kept + [
        Way(way.name, words.GATEWAYS.get(way.name, way.title), billing.is_hosted(way.name))
        for way in gateways().values()
    ]


def is_price_seen(request: HttpRequest, field: str, price: Money) -> bool:
    """Whether the form's page showed this price; a form that does not say is taken to. Else it is told: a page that was
    open over midnight may show the price book of the day before."""
    if request.POST.get(field, str(price.cents)) == str(price.cents):
        return True
    said = _("The price has changed since this page was opened: it is %(price)s now, net. Nothing was ordered.")
    messages.warning(request, said % {"price": money(price)})
    return False


def chosen_way(organisation: Organisation, value: str) -> tuple[str, str]:
    """The gateway and the kept method of a choice, "" where none was made. Raises NotFound."""
    if not value.startswith(KEPT):
        return value, ""
    try:
        method = billing.payment_method(organisation, UUID(value.removeprefix(KEPT)))
    except ValueError:
        raise NotFound("payment_method", id=value[:60]) from None
    return method.gateway, method.reference


def lead_to_payment(
    request: MemberRequest, purchase: Purchase, *, method: str = "", keeps: bool = True, back: str = ""
) -> HttpResponseRedirect:
    """Onwards from an order: a kept method is charged, else the provider's page is opened; where that is not possible
    now the order's own page says so, and offers it again."""
    there = _order_page(purchase, back)
    now = utc_now()
    try:
        if method:
            seen = billing.pay(purchase, now=now, payment_method=method)
            if seen.state in (PaymentState.SUCCEEDED, PaymentState.PROCESSING):
                _pays_the_months_that_follow(request, purchase, method)
                return redirect(there)
        opened = billing.open_payment_page(
            organisation=request.organisation,
            reference=purchase.reference,
            who=request.user.email,
            now=now,
            keeps_method=keeps,
            back=back,
        )
    except PaymentDeclined as declined:
        messages.error(request, in_words(declined))
        return redirect(there)
    except Unavailable:
        messages.error(
            request, _("The payment provider does not answer just now. Your order is kept: pay it here in a while.")
        )
        return redirect(there)
    if opened.page is None:
        return redirect(there)
    return redirect("web:to_payment", slug=request.organisation.slug, checkout=opened.page.id)


def _pays_the_months_that_follow(request: MemberRequest, purchase: Purchase, reference: str) -> None:
    """What paid a month of a tier pays the next ones, as a page that keeps a method does."""
    if purchase.kind != PurchaseKind.SUBSCRIPTION:
        return
    kept = [each for each in billing.payment_methods(request.organisation) if each.reference == reference]
    for method in kept:
        billing.pay_renewals_with(
            organisation=request.organisation, method=method.id, who=request.user.email, now=utc_now()
        )


def _order_page(purchase: Purchase, back: str = "") -> str:
    address = reverse("web:purchase", args=[purchase.organisation.slug, purchase.reference])
    return address + (f"?{urlencode({'back': back})}" if back else "")


@require_POST
@page(Action.BUY)
def pay(request: MemberRequest, reference: str) -> HttpResponse:
    """Opens the provider's page for an order that waits for its payment."""
    purchase = queries.purchase(request.organisation, reference)
    return lead_to_payment(
        request,
        purchase,
        keeps=request.POST.get("keep") == "on",
        back=local_path(request, request.POST.get("back", "")),
    )


@require_safe
@page(Action.BUY)
def to_payment(request: MemberRequest, checkout: UUID) -> HttpResponse:
    """Leads on to the provider's page, by itself and by a link."""
    found = get_object_or_404(CheckoutPage, organisation=request.organisation, id=checkout)
    if found.state != CheckoutStateOf.OPEN or not found.url:
        return redirect(_order_page(found.purchase) if found.purchase else _methods_page(request))
    context = {
        "checkout": found,
        "way": _provider(found.gateway),
        "cancel": _order_page(found.purchase) if found.purchase else _methods_page(request),
    }
    return render(request, "web/credits/to_payment.html", context)


@require_safe
@page(Action.BUY)
def returned(request: MemberRequest, reference: str) -> HttpResponse:
    """Back from the provider's page: what became of it is asked, booked and said. The browser's word is never taken."""
    purchase = queries.purchase(request.organisation, reference)
    back = local_path(request, request.GET.get("back", ""))
    found = billing.page_named(request.organisation, request.GET.get("page", ""))
    if found.purchase_id != purchase.id:
        raise NotFound("checkout_page", reference=found.reference)
    _settle(request, found)
    purchase.refresh_from_db()
    if purchase.status == PurchaseStatus.OPEN:
        messages.info(request, _("We have not heard of the payment yet. This page shows it as soon as we do."))
    return redirect(_order_page(purchase, back))


def _settle(request: HttpRequest, found: CheckoutPage) -> None:
    try:
        billing.settle_page(found, now=utc_now())
    except OtaiError:
        messages.info(request, _("The payment provider does not answer just now. What you did there is not lost."))


@require_safe
@page(Action.VIEW)
def purchase_now(request: MemberRequest, reference: str) -> HttpResponse:
    """Asked by the page of an order that waits: has it the page loaded anew once its state is another one."""
    found = queries.purchase(request.organisation, reference)
    response = HttpResponse(status=204)
    if found.status != request.GET.get("status"):
        response.headers["HX-Refresh"] = "true"
    return response


@dataclass(frozen=True, slots=True)
class MethodShown:
    """A kept method as a row: its name, and what it pays for by itself."""

    method: PaymentMethod
    title: Any
    for_renewals: bool
    for_top_ups: bool
    is_expired: bool


@require_safe
@page(Action.BUY)
def methods(request: MemberRequest) -> HttpResponse:
    """The kept payment methods, what each pays for, and how the months of the tier are paid."""
    organisation, now = request.organisation, utc_now()
    subscription = queries.subscription_of(organisation)
    watch = queries.credit_watch_of(organisation)
    shown = [
        MethodShown(
            method,
            words.method_title(method),
            for_renewals=subscription.renewal_payment_method == method.reference,
            for_top_ups=bool(watch.top_up_below) and watch.payment_method == method.reference,
            is_expired=bool(method.expires_year)
            and (method.expires_year or 0, method.expires_month or 12) < (now.year, now.month),
        )
        for method in billing.payment_methods(organisation)
    ]
    context = {
        "methods": shown,
        "by_invoice": not subscription.renewal_payment_method,
        "is_free": subscription.status == SubscriptionStatus.FREE,
        "ways": [(way.name, _provider(way.name)) for way in hosted_gateways()],
    }
    return render(request, "web/credits/methods.html", context)


@require_POST
@page(Action.BUY)
def add_method(request: MemberRequest) -> HttpResponse:
    """Opens the provider's page on which a method is entered and kept."""
    organisation = request.organisation
    try:
        queries.billing_details_of(organisation)
    except NotFound:
        messages.info(request, _("An invoice needs a name and an address first. You only enter them once."))
        details = reverse("web:billing_details", args=[organisation.slug])
        return redirect(f"{details}?{urlencode({'next': _methods_page(request)})}")
    opened = billing.open_method_page(
        organisation=organisation, gateway=request.POST.get("gateway", ""), who=request.user.email, now=utc_now()
    )
    return redirect("web:to_payment", slug=organisation.slug, checkout=opened.id)


@require_safe
@page(Action.BUY)
def method_returned(request: MemberRequest) -> HttpResponse:
    """Back from the provider's page on which a method was entered."""
    found = billing.page_named(request.organisation, request.GET.get("page", ""))
    _settle(request, found)
    found.refresh_from_db()
    if found.state == CheckoutStateOf.COMPLETE:
        messages.success(request, _("The payment method is saved."))
    return redirect(_methods_page(request))


@require_POST
@page(Action.BUY)
def renewals(request: MemberRequest) -> HttpResponse:
    """How the months of the tier are paid: by a kept method, or by invoice (no method named)."""
    value = request.POST.get("method", "")
    method = _uuid(value) if value else None
    billing.pay_renewals_with(organisation=request.organisation, method=method, who=request.user.email, now=utc_now())
    if method is None:
        messages.success(request, _("Your tier is paid by invoice and bank transfer from now on."))
    else:
        messages.success(request, _("Your tier is charged to this method from now on."))
    return redirect(_methods_page(request))


@require_POST
@page(Action.BUY)
def remove_method(request: MemberRequest, method: UUID) -> HttpResponse:
    """Has the provider keep a method no more."""
    billing.remove_method(organisation=request.organisation, method=method, who=request.user.email, now=utc_now())
    messages.success(request, _("The payment method is removed. What it paid for is paid by invoice from now on."))
    return redirect(_methods_page(request))


@require_POST
@page(Action.BUY)
def portal(request: MemberRequest) -> HttpResponse:
    """To the provider's own page about payments and methods."""
    name = request.POST.get("gateway", "")
    url = billing.portal(organisation=request.organisation, gateway=name, now=utc_now())
    context = {
        "url": url,
        "way": _provider(name),
        "cancel": _methods_page(request),
    }
    return render(request, "web/credits/to_payment.html", context)


def _provider(gateway: str) -> Any:
    """Whose page it is, by name; also of a provider that the installation offers no longer."""
    way = gateways().get(gateway)
    return words.PROVIDERS.get(gateway, way.title if way else gateway)


def _methods_page(request: MemberRequest) -> str:
    return reverse("web:payment_methods", args=[request.organisation.slug])


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise NotFound("payment_method", id=value[:60]) from None
