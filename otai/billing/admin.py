"""The operator's desk: who the customers are, what they bought and paid, and what an operator may do about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from otai.billing import (
    balance_desk,  # noqa: F401 -- registers its tables
    books_admin,  # noqa: F401 -- registers its own tables
    making_desk,  # noqa: F401 -- registers its tables
    misuse_desk,  # noqa: F401 -- registers its table
    notices_desk,  # noqa: F401 -- registers its tables
    organisations_desk,  # noqa: F401 -- registers its tables
    requests_desk,  # noqa: F401 -- registers its tables
)
from otai.billing import operations as billing
from otai.billing.accountant.closing import currencies
from otai.billing.desk import (
    WAITS_FOR_A_SECOND,
    Desk,
    DeskAction,
    SaidValues,
    asking,
    cents_shown,
    euros,
    money_of,
    word,
)
from otai.billing.document_lists import signed
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import (
    CustomPackage,
    Event,
    Invoice,
    OperatorRequest,
    Payment,
    PaymentRefund,
    Purchase,
    Reversal,
    Subscription,
)
from otai.billing.operations import second_operator
from otai.billing.operations.events import bought as what_was_bought
from otai.billing.package_months import package_months
from otai.billing.revenue import month_close
from otai.billing.seller import seller
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus
from otai.db import utc_now
from otai.ledger.models import Hold
from otai.orgs.typed_numbers import PlainIntegerField
from otai.pricing.price_book import Term, Tier
from otai.words import mails
from otai.words.catalogue import ENGLISH
from otai.words.sentences import Fact


def _head() -> str:
    desk, times = gettext("Operator's desk"), gettext("times of %(zone)s") % {"zone": seller().time_zone}
    return f"{settings.OTAI_NAME}: {desk} ({times})"


admin.site.site_header = lazy(_head, str)()
admin.site.index_template = "billing/desk/index.html"
admin.site.site_title = _("Operator's desk")
admin.site.index_title = _("Customers, money and credits")


# --- what the actions do


def _confirm_payment(
    row: Purchase, *, who: str, now: datetime, why: str, amount: Any, bank_reference: str, currency: str
) -> str:
    booked = second_operator.payment(
        reference=row.reference,
        received=money_of(amount, currency),
        bank_reference=bank_reference,
        who=who,
        why=why,
        now=now,
    )
    if isinstance(booked, OperatorRequest):
        return str(WAITS_FOR_A_SECOND)
    if booked.replayed:
        return gettext("This entry was recorded before; nothing changed.")
    if booked.delivered and not booked.surplus.cents:
        return gettext("%(reference)s is paid.") % {"reference": row.reference}
    if booked.surplus.cents:
        return gettext("Recorded. Surplus, which waits to be returned: %(amount)s.") % {"amount": booked.surplus}
    return gettext("Recorded. Still missing: %(amount)s.") % {"amount": booked.missing}


def _cancel_order(row: Purchase, *, who: str, now: datetime, why: str) -> str:
    billing.cancel(organisation=row.organisation, reference=row.reference, who=who, why=why, now=now)
    return gettext("%(reference)s is cancelled.") % {"reference": row.reference}


def _refund_payment(row: Purchase, *, who: str, now: datetime, why: str, credits: int | None) -> str:
    refunds = billing.refund_payment(reference=row.reference, who=who, why=why, now=now, credits=credits)
    return " ".join(_refunded_credits(refund) for refund in refunds)


def _refunded_credits(refund: PaymentRefund) -> str:
    said = ngettext(
        "%(amount)s for %(credits)s unused credit: %(state)s.",
        "%(amount)s for %(credits)s unused credits: %(state)s.",
        refund.credits,
    )
    amount = cents_shown(refund.gross_cents, refund.currency)
    return said % {"amount": amount, "credits": refund.credits, "state": refund.get_state_display()}


def _return_surplus(row: Payment, *, who: str, now: datetime, why: str) -> str:
    refund = billing.return_surplus(payment=row.id, who=who, why=why, now=now)
    return f"{cents_shown(refund.gross_cents, refund.currency)}: {refund.get_state_display()}."


def _confirm_refund(row: PaymentRefund, *, who: str, now: datetime, why: str) -> str:
    billing.confirm_refund(refund=row.id, who=who, why=why, now=now)
    return gettext("Confirmed.")


def _send_refund(row: PaymentRefund, *, who: str, now: datetime, why: str) -> str:
    sent = billing.send(row.id, now=now, who=who, why=why)
    return gettext("The state of the payment refund is now: %(state)s.") % {"state": sent.get_state_display()}


def _settle_owed(row: Reversal, *, who: str, now: datetime, why: str) -> str:
    billing.settle_owed(reversal=row.id, who=who, why=why, now=now)
    return gettext("Settled.")


def _write_off(row: Reversal, *, who: str, now: datetime, why: str) -> str:
    lost = billing.write_off_owed(reversal=row.id, who=who, why=why, now=now)
    return gettext("Written off: %(amount)s, of it VAT: %(vat)s.") % {
        "amount": cents_shown(lost.gross_cents, lost.currency),
        "vat": cents_shown(lost.vat_cents, lost.currency),
    }


def _withdraw_package(row: CustomPackage, *, who: str, now: datetime, why: str) -> str:
    billing.withdraw_package(organisation=row.organisation, code=row.code, who=who, why=why, now=now)
    return gettext("Withdrawn.")


def _renew_by_invoice(row: Subscription, *, who: str, now: datetime, why: str) -> str:
    billing.pay_renewals_with(organisation=row.organisation, method=None, who=who, why=why, now=now)
    return gettext("The months of this tier are paid by invoice from now on.")


def _change_tier(row: Subscription, *, who: str, now: datetime, why: str, tier: str, term: str, at_once: bool) -> str:
    answer = billing.change_tier(
        organisation=row.organisation,
        tier=Tier(tier),
        term=Term(term) if term else None,
        at_once=at_once,
        who=who,
        why=why,
        now=now,
    )
    if answer.in_force:
        in_force = {"customer": row.organisation.slug, "tier": Tier(answer.subscription.tier).title}
        return gettext("%(customer)s is in %(tier)s now.") % in_force
    if answer.purchase:
        return gettext("Takes effect when %(reference)s is paid.") % {"reference": answer.purchase.reference}
    assert answer.from_at is not None
    return gettext("Takes effect on %(day)s.") % {"day": formats.date_format(answer.from_at)}


def _refund_credits(row: Hold, *, who: str, now: datetime, why: str) -> str:
    billing.refund_credits(organisation=row.organisation, hold=row.id, who=who, why=why, now=now)
    back = ngettext(
        "%(credits)s credit of %(reference)s was given back.",
        "%(credits)s credits of %(reference)s were given back.",
        row.credits,
    )
    return back % {"credits": row.credits, "reference": row.reference}


# --- the tables


@admin.register(Subscription)
class SubscriptionDesk(Desk):
    list_display = (
        "organisation",
        "tier",
        "status",
        "next_tier",
        "paid_until_at",
        "grace_until_at",
        "next_grant_at",
        "renewal_term",
        "renewal_gateway",
    )
    list_filter = ("tier", "status", "renewal_term")
    search_fields = ("organisation__slug", "organisation__name")
    list_select_related = ("organisation",)
    event_subject = "subscription"
    desk_actions = (
        DeskAction(
            "change-tier",
            _("Change the tier"),
            _change_tier,
            asking(
                tier=forms.ChoiceField(label=_("Tier"), choices=[(tier.value, tier.title) for tier in Tier]),
                term=forms.ChoiceField(
                    label=_("Paid by"),
                    choices=[
                        ("", _("as it is now")),
                        (Term.MONTH.value, _("the month")),
                        (Term.YEAR.value, _("the year")),
                    ],
                    required=False,
                ),
                at_once=forms.BooleanField(label=_("A year in the place of the paid month, at once"), required=False),
            ),
            explanation=_("A higher tier begins when it is paid, a lower one when what is paid ends."),
        ),
        DeskAction(
            "renew-by-invoice",
            _("Renew by invoice"),
            _renew_by_invoice,
            applies=lambda row: bool(row.renewal_payment_method),
            explanation=_("The saved payment method is charged no more for the tier; its months are paid by transfer."),
        ),
    )


@admin.register(Purchase)
class PurchaseDesk(Desk):
    list_display = ("reference", "organisation", "bought", "gross", "status", "gateway", "ordered_at", "paid_at")
    list_filter = ("status", "kind", "gateway")
    search_fields = ("reference", "organisation__slug", "organisation__name", "gateway_reference")
    list_select_related = ("organisation",)
    date_hierarchy = "ordered_at"
    ordering = ("-ordered_at",)
    event_subject = "purchase"
    desk_actions = (
        DeskAction(
            "confirm-payment",
            _("Confirm a bank transfer"),
            _confirm_payment,
            asking(
                amount=euros(label=_("Amount")),
                currency=forms.CharField(label=_("Currency"), initial="EUR", min_length=3, max_length=3),
                bank_reference=forms.CharField(
                    label=_("Bank reference"),
                    max_length=180,
                    help_text=_("The bank's id of the entry: it counts once."),
                ),
            ),
            applies=lambda row: row.status in {*AWAITING_PAYMENT, PurchaseStatus.CANCELLED},
            explanation=_(
                "What the bank statement shows, whatever was asked for: less waits for the rest, more is kept as "
                "surplus."
            ),
        ),
        DeskAction(
            "cancel",
            _("Cancel the order"),
            _cancel_order,
            applies=lambda row: row.status in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID),
        ),
        DeskAction(
            "refund-payment",
            _("Pay unused credits back"),
            _refund_payment,
            asking(
                credits=PlainIntegerField(
                    label=_("Credits"), min_value=1, required=False, help_text=_("Empty: all that are unused.")
                )
            ),
            applies=lambda row: row.status == PurchaseStatus.PAID and row.kind == "package",
            explanation=_(
                "Withdraws the credits, issues the credit note and sends the money back the way it came. Once."
            ),
        ),
    )

    @admin.display(description=word("title"), ordering="title")
    def bought(self, row: Purchase) -> str:
        """What was bought, in the operator's language."""
        return mails.bought(what_was_bought(row), language=get_language() or ENGLISH)

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        return ["bought" if name == "title" else name for name in super().get_fields(request, obj)]


@admin.register(Payment)
class PaymentDesk(Desk):
    list_display = (
        "external_id",
        "organisation",
        "purchase",
        "amount",
        "surplus",
        "gateway",
        "received_at",
        "recorded_by",
    )
    list_filter = ("gateway",)
    search_fields = ("external_id", "purchase__reference", "organisation__slug")
    list_select_related = ("organisation", "purchase")
    ordering = ("-received_at",)
    said_columns = ("note",)
    event_subject = "payment"
    desk_actions = (
        DeskAction(
            "return-surplus",
            _("Return the surplus"),
            _return_surplus,
            applies=lambda row: row.surplus_cents > row.returned_cents,
        ),
    )

    @admin.display(description=_("surplus to return"))
    def surplus(self, row: Payment) -> str:
        """What waits to be returned, empty where nothing does."""
        left = row.surplus_cents - row.returned_cents
        return cents_shown(left, row.currency) if left else ""


@admin.register(PaymentRefund)
class PaymentRefundDesk(Desk):
    list_display = (
        "purchase",
        "organisation",
        "kind",
        "credits",
        "gross",
        "state",
        "gateway",
        "requested_at",
        "requested_by",
    )
    list_filter = ("state", "kind", "gateway")
    search_fields = ("purchase__reference", "organisation__slug")
    list_select_related = ("organisation", "purchase")
    ordering = ("-requested_at",)
    said_columns = ("problem",)
    event_subject = "payment refund"
    desk_actions = (
        DeskAction(
            "confirm", _("Confirm that the transfer was made"), _confirm_refund, applies=lambda row: row.state == "sent"
        ),
        DeskAction("send", _("Send again"), _send_refund, applies=lambda row: row.state in ("requested", "failed")),
    )


@admin.register(Reversal)
class ReversalDesk(Desk):
    list_display = (
        "purchase",
        "organisation",
        "kind",
        "state",
        "provider_state",
        "taken",
        "withdrawn_credits",
        "owed_credits",
        "owed",
        "opened_at",
        "settled_at",
    )
    list_filter = ("needs_a_person", "state", "kind")
    search_fields = ("purchase__reference", "organisation__slug", "external_id")
    list_select_related = ("organisation", "purchase")
    said_columns = ("settled_why",)
    event_subject = "reversal"
    desk_actions = (
        DeskAction(
            "settle",
            _("Settle what is owed"),
            _settle_owed,
            applies=lambda row: row.settled_at is None and row.owed_gross_cents > 0,
            explanation=_("Paid another way, or waived: say which."),
        ),
        DeskAction(
            "write-off",
            _("Write off what is owed"),
            _write_off,
            applies=lambda row: row.settled_at is None and row.owed_gross_cents > 0 and row.state == "lost",
            explanation=_("Nobody will pay it: its VAT is corrected this month (section 17 UStG). The invoice stands."),
        ),
    )

    @admin.display(description=_("amount"), ordering="cents")
    def taken(self, row: Reversal) -> str:
        """What goes back or is asked for, gross."""
        return cents_shown(row.cents, row.currency)

    @admin.display(description=_("owed"))
    def owed(self, row: Reversal) -> str:
        """What the customer still owes of it, empty where nothing is owed."""
        return cents_shown(row.owed_gross_cents, row.currency) if row.owed_gross_cents else ""


@admin.register(Invoice)
class InvoiceDesk(Desk):
    list_display = ("number", "kind", "organisation", "gross", "issued_on", "files")
    list_filter = ("kind", "year")
    search_fields = ("number", "organisation__slug", "purchase__reference")
    list_select_related = ("organisation",)
    ordering = ("-issued_at", "-sequence")
    event_subject = "invoice"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download)
        return [path("<uuid:id>/download/<slug:kind>/", view, name="billing_invoice_download"), *super().get_urls()]

    def download(self, request: HttpRequest, id: UUID, kind: str) -> HttpResponse:
        """The invoice as PDF or XML; 404 for whoever may not see it."""
        invoice = self.get_object(request, str(id))
        if invoice is None or not self.has_view_permission(request) or kind not in ("pdf", "xml"):
            return HttpResponse(status=404)
        about = Fact("access.invoice_read", {"number": invoice.number, "kind": kind.upper()})
        self.note_read(request, invoice, about=about)
        body = invoice_pdf(invoice) if kind == "pdf" else invoice_xml(invoice)
        answer = HttpResponse(body, content_type="application/pdf" if kind == "pdf" else "application/xml")
        answer["Content-Disposition"] = f'attachment; filename="{invoice.number}.{kind}"'
        return answer

    @admin.display(description=_("gross"), ordering="gross_cents")
    def gross(self, row: Invoice) -> str:
        """With its currency; negative for a credit note."""
        return str(signed(row, row.gross_cents))

    @admin.display(description=_("files"))
    def files(self, row: Invoice) -> SafeString:
        """Links to its PDF and XML."""
        return format_html(
            '<a href="{}">PDF</a> <a href="{}">XML</a>',
            *(reverse("admin:billing_invoice_download", args=[row.id, kind]) for kind in ("pdf", "xml")),
        )


@admin.register(CustomPackage)
class CustomPackageDesk(Desk):
    list_display = ("code", "organisation", "credits", "price", "offered_by", "offered_at", "ends_at")
    search_fields = ("code", "organisation__slug")
    list_select_related = ("organisation",)
    event_subject = "package"
    desk_actions = (DeskAction("withdraw", _("Withdraw"), _withdraw_package, applies=lambda row: row.ends_at is None),)

    @admin.display(description=_("net price"), ordering="price_cents")
    def price(self, row: CustomPackage) -> str:
        """Net, with its currency."""
        return cents_shown(row.price_cents, row.currency)


@admin.register(Hold)
class HoldDesk(Desk):
    """Credits that runs hold or have spent; a credit refund starts here, from the run's reference."""

    list_display = ("reference", "organisation", "credits", "state", "placed_at", "resolved_at")
    list_filter = ("state",)
    search_fields = ("reference", "organisation__slug")
    list_select_related = ("organisation",)
    ordering = ("-placed_at",)
    event_subject = "hold"
    desk_actions = (
        DeskAction(
            "refund-credits",
            _("Give the credits back"),
            _refund_credits,
            applies=lambda row: row.state == "captured",
            explanation=_("A completed run was found faulty: its credits go back to the lots they came from, once."),
        ),
    )


@admin.register(Event)
class EventDesk(Desk):
    """The record: who did what, when and why. The month's figures are one click away."""

    list_display = ("at", "organisation", "about", "happened", "who", "said")
    list_filter = (("subject", SaidValues),)
    search_fields = ("organisation__slug", "who", "why", "move", "subject_id")
    list_select_related = ("organisation",)
    ordering = ("-id",)
    change_list_template = "billing/desk/events.html"

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        return ["about" if name == "subject" else name for name in super().get_fields(request, obj)]

    @admin.display(description=_("about"), ordering="subject")
    def about(self, row: Event) -> str:
        """What kind of thing it happened to, in the operator's language."""
        return str(word(row.subject))

    @admin.display(description=_("what happened"), ordering="move")
    def happened(self, row: Event) -> str:
        """In the operator's language."""
        return row.happened(language=get_language() or ENGLISH)

    @admin.display(description=_("why"))
    def said(self, row: Event) -> str:
        """In the operator's language; a person's own words as they are."""
        return row.said(language=get_language() or ENGLISH)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.month_close)
        return [path("month-close/", view, name="billing_month_close"), *super().get_urls()]

    def month_close(self, request: HttpRequest) -> HttpResponse:
        """Revenue and deferred revenue of each currency, this month or `?month=2026-11`; 422 for what is no month."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        zone = seller().zone
        asked = request.GET.get("month", "")
        try:
            year, month = (
                (int(part) for part in asked.split("-")) if asked else utc_now().astimezone(zone).timetuple()[:2]
            )
            first = datetime(year, month, 1, tzinfo=zone)
            if not 2000 <= year <= 2200:
                raise ValueError(asked)
        except ValueError:
            return HttpResponse(gettext("A month is written 2026-11."), status=422, content_type="text/plain")
        of_packages = package_months(zone)
        before = f"{year - (month == 1)}-{(month - 2) % 12 + 1:02d}"
        after = f"{year + (month == 12)}-{month % 12 + 1:02d}"
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Month close %(month)s") % {"month": f"{first:%Y-%m}"},
            "closes": [
                month_close(year, month, zone=zone, currency=currency, of_packages=of_packages)
                for currency in currencies()
            ],
            "before": before,
            "after": after,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "billing/desk/month_close.html", context)
