"""The tier, and what happens when credits run low: notice and automatic top-up."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otai.billing import operations as billing
from otai.billing import packages as packages_of
from otai.billing import queries
from otai.billing.gateways import hosted_gateways
from otai.billing.initial_credits import had_elsewhere, initial_credits_by_tier
from otai.billing.models import PurchaseKind, Subscription
from otai.billing.operations import coupons, topups
from otai.billing.operations.subscriptions import rank
from otai.billing.previews import OrderPreview, begins_when_paid, preview_tier
from otai.db import utc_now
from otai.errors import NotFound, OtaiError
from otai.orgs.permissions import Action
from otai.pricing.price_book import Term, Tier, TierTerms
from otai.units import Money
from otai.web import words
from otai.web.access import MemberRequest, page
from otai.web.formats import money
from otai.web.forms import NoticeForm, TopUpForm, add_refusal
from otai.web.refusals import in_words
from otai.web.views import paying


@dataclass(frozen=True, slots=True)
class TierShown:
    """A tier as a card: what it brings, and whether it is above or below the one in force. `preview`: what the first
    month or year (`term`) of a higher one would cost, with the coupon that was entered for it, or why that takes
    nothing off. Of the one in force, `other_term` is how it could be paid as well, and `year_now` what a year would
    cost that begins at once."""

    tier: Tier
    terms: TierTerms
    modes: str
    is_here: bool
    is_higher: bool
    is_next: bool
    initial_due: int
    term: Term
    title: str
    preview: OrderPreview | None = None
    other_term: str = ""
    year_now: OrderPreview | None = None
    coupon: str = ""
    coupon_problem: str = ""


@require_safe
@page(Action.VIEW)
def tier(request: MemberRequest) -> HttpResponse:
    """What each tier brings and costs; changing it is one click and a yes."""
    return _tiers(request)


def _tiers(request: MemberRequest, *, asked: Tier | None = None, status: int = 200) -> HttpResponse:
    """The page of tiers; that of `asked` with its dialog open, and with what was entered there."""
    organisation = request.organisation
    subscription = queries.subscription_of(organisation)
    coupon, term = _coupon_of(request), _term_of(request) or Term.MONTH
    entered = {each: (coupon, term) if each is asked else ("", Term(subscription.renewal_term)) for each in Tier}
    book = queries.price_book()
    brings = initial_credits_by_tier(organisation.id, [book.tiers[each] for each in Tier])
    context = {
        "tiers": [
            _shown(each, subscription, coupon=entered[each][0], term=entered[each][1], initial_due=due)
            for each, due in zip(Tier, brings, strict=True)
        ],
        "ordered": [
            (words.purchase_title(order), order)
            for order in queries.purchases_to_pay(organisation)
            if order.kind == PurchaseKind.SUBSCRIPTION
        ],
        "notice_days": book.annual_notice.days,
        "subscription": subscription,
        "here": Tier(subscription.tier).title,
        "year_title": words.period_title(Tier(subscription.tier), Term.YEAR),
        "next": Tier(subscription.next_tier).title if subscription.next_tier else "",
        "had_elsewhere": had_elsewhere(organisation.id),
        "may_buy": request.member.may(Action.BUY),
        "ways": paying.ways_to_pay(organisation),
        "way_chosen": request.POST.get("gateway", ""),
        "takes_coupons": coupons.may_be_first_month(organisation),
        "asked": f"to-{asked.value}" if asked else "",
    }
    return render(request, "web/credits/tier.html", context, status=status)


def _shown(each: Tier, subscription: Subscription, *, coupon: str, term: Term, initial_due: int) -> TierShown:
    organisation, book, now = subscription.organisation, queries.price_book(), utc_now()
    is_higher = rank(each) > rank(subscription.tier)
    term = term if book.tiers[each].price_for(term) is not None else Term.MONTH
    preview, problem = None, ""
    if is_higher and not book.tiers[each].is_free:
        try:
            preview = preview_tier(organisation, each, term=term, coupon=coupon, now=now)
        except (coupons.CouponUnknown, coupons.CouponNotValid) as refused:
            preview, problem = preview_tier(organisation, each, term=term, now=now), in_words(refused)
    is_here = each.value == subscription.tier
    begins_now = is_here and book.tiers[each].annual_price and begins_when_paid(subscription, each, Term.YEAR)
    return TierShown(
        tier=each,
        terms=book.tiers[each],
        modes=words.tier_modes(book, each),
        is_here=is_here,
        is_higher=is_higher,
        is_next=each.value == subscription.next_tier,
        initial_due=initial_due,
        term=term,
        title=words.period_title(each, term),
        preview=preview,
        other_term=_other_term(book.tiers[each], subscription) if is_here else "",
        year_now=preview_tier(organisation, each, term=Term.YEAR, now=now) if begins_now else None,
        coupon=coupon,
        coupon_problem=problem,
    )


def _other_term(terms: TierTerms, subscription: Subscription) -> str:
    """How the tier in force could be paid as well; "" where it cannot, or is free."""
    other = Term.YEAR if subscription.renewal_term == Term.MONTH else Term.MONTH
    return "" if terms.is_free or terms.price_for(other) is None else other.value


def _term_of(request: MemberRequest) -> Term | None:
    """The term that was chosen; None: as it is paid for now."""
    chosen = request.POST.get("term", "")
    try:
        return Term(chosen) if chosen else None
    except ValueError:
        raise NotFound("tier") from None


def _coupon_of(request: MemberRequest) -> str:
    # Copied codes come with blanks; what is longer is no code.
    return request.POST.get("coupon", "").strip()[:60]


@require_POST
@page(Action.BUY)
def change_tier(request: MemberRequest) -> HttpResponse:
    """Changes the tier; a paid one needs billing details first. `look` shows the price with a coupon alone."""
    try:
        wanted = Tier(request.POST.get("tier", ""))
    except ValueError:
        raise NotFound("tier") from None
    if "look" in request.POST:
        return _tiers(request, asked=wanted)
    term, terms = _term_of(request) or Term.MONTH, queries.price_book().tiers[wanted]
    price = None if terms.is_free else terms.price_for(term)
    if price is not None and not paying.is_price_seen(request, f"price-{term}", price):
        return _tiers(request, asked=wanted, status=409)
    try:
        return _change(request, wanted)
    except (coupons.CouponUnknown, coupons.CouponNotValid):
        return _tiers(request, asked=wanted, status=422)


def _change(request: MemberRequest, wanted: Tier) -> HttpResponse:
    organisation = request.organisation
    if not queries.price_book().tiers[wanted].is_free:
        try:
            queries.billing_details_of(organisation)
        except NotFound:
            messages.info(request, _("An invoice needs a name and an address first. You only enter them once."))
            here = reverse("web:tier", args=[organisation.slug])
            return redirect(reverse("web:billing_details", args=[organisation.slug]) + f"?next={here}")
    gateway, method = paying.chosen_way(organisation, request.POST.get("gateway", ""))
    answer = billing.change_tier(
        organisation=organisation,
        tier=wanted,
        term=_term_of(request),
        at_once="at_once" in request.POST,
        who=request.user.email,
        now=utc_now(),
        gateway=gateway,
        opens_payment=not (method or billing.is_hosted(gateway)),
        coupon=_coupon_of(request),
    )
    if answer.purchase is not None:
        if method or billing.is_hosted(answer.purchase.gateway):
            return paying.lead_to_payment(
                request, answer.purchase, method=method, keeps=request.POST.get("keep") == "on"
            )
        ordered = words.purchase_title(answer.purchase)
        messages.info(request, _("%(ordered)s: it begins when it is paid.") % {"ordered": ordered})
        return redirect("web:purchase", slug=organisation.slug, reference=answer.purchase.reference)
    is_free = queries.price_book().tiers[wanted].is_free
    title = wanted.title if is_free else words.period_title(wanted, answer.term)
    if answer.in_force:
        messages.success(request, _("%(tier)s is in force. Your credits stay.") % {"tier": wanted.title})
    else:
        messages.success(
            request, _("%(tier)s: it begins when the paid period ends. Your credits stay.") % {"tier": title}
        )
    return redirect("web:tier", slug=organisation.slug)


@require_http_methods(["GET", "POST"])
@page(Action.BUY)
def low_credits(request: MemberRequest) -> HttpResponse:
    """A mail when credits run low; an automatic top-up where a payment method is saved that can be charged."""
    organisation, now = request.organisation, utc_now()
    watch = queries.credit_watch_of(organisation)
    saved = billing.payment_methods(organisation)
    choices = [
        (offer.code, f"{words.package_title(offer)} ({money(offer.price)})")
        for offer in packages_of.packages_for(organisation, now=now)
    ]
    which = request.POST.get("form", "")
    notice = NoticeForm(
        request.POST if which == "notice" else None, initial={"below": watch.notice_below}, prefix="notice"
    )
    top_up = TopUpForm(
        request.POST if which == "top_up" else None,
        packages=choices,
        currency=queries.currency(),
        methods=[(str(method.id), words.method_title(method)) for method in saved],
        prefix="top_up",
        initial={
            "below": watch.top_up_below or None,
            "package": watch.top_up_package,
            "monthly_limit": watch.monthly_limit_cents // 100 or None,
            "method": next((str(each.id) for each in saved if each.reference == watch.payment_method), None),
        },
    )
    form = {"notice": notice, "top_up": top_up}.get(which)
    try:
        if which == "off":
            topups.turn_off_top_up(organisation=organisation, who=request.user.email, now=now)
            messages.success(request, _("No automatic top-up any more."))
            return redirect("web:low_credits", slug=organisation.slug)
        if which == "notice" and notice.is_valid():
            topups.set_low_balance_notice(
                organisation=organisation, below=notice.cleaned_data["below"], who=request.user.email, now=now
            )
            messages.success(request, _("Saved."))
            return redirect("web:low_credits", slug=organisation.slug)
        if which == "top_up" and saved and top_up.is_valid():
            method = billing.payment_method(organisation, UUID(top_up.cleaned_data["method"]))
            topups.set_top_up(
                organisation=organisation,
                below=top_up.cleaned_data["below"],
                package=top_up.cleaned_data["package"],
                monthly_limit=Money(top_up.cleaned_data["monthly_limit"] * 100, queries.currency()),
                gateway=method.gateway,
                payment_method=method.reference,
                who=request.user.email,
                now=now,
            )
            messages.success(request, _("Saved. Each top-up is announced by mail before it is charged."))
            return redirect("web:low_credits", slug=organisation.slug)
    except OtaiError as refused:
        if form is None:
            raise
        add_refusal(form, refused)
    context = {
        "watch": watch,
        "notice": notice,
        "top_up": top_up,
        "can_charge": bool(saved),
        "takes_cards": bool(hosted_gateways()),
        "minutes": topups.notice_minutes,
        "limit": Money(watch.monthly_limit_cents, queries.currency()),
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "web/credits/low.html", context, status=status)
