"""The operator's desk for the accountant: exports of a month, and months that were closed."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from otai.billing import operations as billing
from otai.billing.accountant.closing import close_month, closed_month
from otai.billing.accountant.files import DATEV, KINDS, export
from otai.billing.desk import Desk, DeskAction, asking, cents_shown, told
from otai.billing.models import BankEntry, BankEntryState, ClosedMonth, VatIdCheck, WriteOff
from otai.billing.months import Month, Period
from otai.billing.seller import seller
from otai.db import utc_now
from otai.errors import OtaiError
from otai.words.sentences import Fact

TITLES = {
    "vat": _("VAT by treatment, country and rate"),
    "oss": _("One Stop Shop (quarter)"),
    "zm": _("Recapitulative statement (Zusammenfassende Meldung)"),
    DATEV: _("Bookings for DATEV (EXTF)"),
}


@admin.register(ClosedMonth)
class ClosedMonthDesk(Desk):
    """Months that were handed over to the accountant; the page beside the list has the exports and closes one."""

    list_display = ("__str__", "closed_at", "closed_by", "sha256", "file")
    exclude = ("content",)
    ordering = ("-year", "-month")
    event_subject = "closed month"
    change_list_template = "billing/desk/closed_months.html"

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=name)

        return [
            named("accountant/", self.accountant, "billing_accountant"),
            named("accountant/<slug:kind>/<slug:period>/", self.download, "billing_accountant_file"),
            *super().get_urls(),
        ]

    @admin.display(description=_("file"))
    def file(self, row: ClosedMonth) -> SafeString:
        """A link to the file that was handed over."""
        address = reverse("admin:billing_accountant_file", args=["closed", str(row)])
        return format_html('<a href="{}">CSV</a>', address)

    def accountant(self, request: HttpRequest) -> HttpResponse:
        """What can be exported of a month and its quarter; a POST closes the month."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        last = Month.at(utc_now(), seller().zone).plus(-1)
        try:
            month = Month.parse(request.POST.get("month") or request.GET.get("month") or str(last))
            if request.method == "POST":
                return self._close(request, month)
        except OtaiError as refused:
            messages.error(request, told(refused))
            month = last
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("For the accountant: %(month)s") % {"month": month},
            "month": month,
            "before": month.plus(-1),
            "after": month.next,
            "quarter": Period.quarter(month),
            "kinds": [(kind, TITLES[kind]) for kind in (*KINDS, DATEV)],
            "closed": ClosedMonth.objects.filter(year=month.year, month=month.number).first(),
            "may_close": self.may_act(request),
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "billing/desk/accountant.html", context)

    def _close(self, request: HttpRequest, month: Month) -> HttpResponse:
        if not self.may_act(request):
            raise PermissionDenied
        closed = close_month(month, who=str(request.user), now=utc_now())
        messages.success(request, gettext("%(month)s is closed: %(hash)s") % {"month": closed, "hash": closed.sha256})
        return HttpResponseRedirect(f"{reverse('admin:billing_accountant')}?month={month}")

    def download(self, request: HttpRequest, kind: str, period: str) -> HttpResponse:
        """One file, or several as a zip."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            if kind == "closed":
                closed = closed_month(Month.parse(period))
                files = {f"month-{closed}.csv": closed.content.encode()}
            else:
                exported = export(kind, Period.parse(period), now=utc_now())
                files, about = exported.files, Fact("access.books_read", {"books": kind, "period": period})
                self.note_read_of(request, exported.named, about=about)
        except OtaiError as refused:
            return HttpResponse(told(refused), status=422, content_type="text/plain; charset=utf-8")
        if len(files) == 1:
            [(name, content)] = files.items()
        else:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as pack:
                for inside, written in files.items():
                    pack.writestr(inside, written)
            name, content = f"{kind}-{period}.zip", packed.getvalue()
        answer = HttpResponse(content, content_type="text/csv" if len(files) == 1 else "application/zip")
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


def _assign(row: BankEntry, *, who: str, now: datetime, why: str, reference: str) -> str:
    billing.assign_entry(entry=row.id, reference=reference, who=who, why=why, now=now)
    return gettext("Booked for %(reference)s.") % {"reference": reference.strip().upper()}


def _dismiss(row: BankEntry, *, who: str, now: datetime, why: str) -> str:
    billing.dismiss_entry(entry=row.id, who=who, why=why, now=now)
    return gettext("Dismissed.")


def _is_waiting(row: BankEntry) -> bool:
    return row.state == BankEntryState.WAITING


@admin.register(BankEntry)
class BankEntryDesk(Desk):
    """Money on the bank statement: what fits an order was booked, the rest waits for a person."""

    list_display = ("booked_on", "amount", "payer", "text", "state", "purchase", "decided_by")
    list_filter = ("state",)
    search_fields = ("payer", "text", "reference", "purchase__reference")
    list_select_related = ("purchase",)
    ordering = ("-booked_on", "-id")
    said_columns = ("reason",)
    event_subject = "bank entry"
    change_list_template = "billing/desk/bank_entries.html"
    desk_actions = (
        DeskAction(
            "assign",
            _("Book it for an order"),
            _assign,
            asking(reference=forms.CharField(label=_("Reference"), max_length=20, help_text="OT-XXXXX-XXXXX")),
            applies=_is_waiting,
            explanation=_("Less than the order asks for waits for the rest, more is kept as surplus."),
        ),
        DeskAction("dismiss", _("No customer's payment"), _dismiss, applies=_is_waiting),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.upload)
        return [path("import/", view, name="billing_import_statement"), *super().get_urls()]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Imports the statement that is sent, and says what came of it."""
        if request.method != "POST" or not self.may_act(request):
            raise PermissionDenied
        sent = request.FILES.get("statement")
        try:
            done = billing.import_statement(sent.read() if sent else b"", who=str(request.user), now=utc_now())
        except OtaiError as refused:
            messages.error(request, told(refused))
        else:
            said = gettext("Booked: %(matched)s. Waiting for a person: %(waiting)s. Known before: %(known)s.")
            counts = {"matched": done.matched, "waiting": done.waiting, "known": done.known}
            messages.success(request, said % counts)
        return HttpResponseRedirect(reverse("admin:billing_bankentry_changelist"))


@admin.register(VatIdCheck)
class VatIdCheckDesk(Desk):
    """What VIES said of buyers' VAT ids: the proof that a sale without VAT needs."""

    list_display = ("vat_id", "organisation", "state", "answered_at", "consultation_number", "attempts", "problem")
    list_filter = ("state",)
    search_fields = ("vat_id", "organisation__slug", "consultation_number")
    list_select_related = ("organisation",)
    ordering = ("-wanted_at",)
    said_columns = ("problem",)
    event_subject = "VAT id"


@admin.register(WriteOff)
class WriteOffDesk(Desk):
    """Debts that nobody will pay, and the VAT that was corrected for them."""

    list_display = ("purchase", "organisation", "gross", "vat", "written_off_at", "written_off_by", "reason")
    search_fields = ("purchase__reference", "organisation__slug")
    list_select_related = ("organisation", "purchase")
    ordering = ("-written_off_at",)

    @admin.display(description=_("VAT"), ordering="vat_cents")
    def vat(self, row: WriteOff) -> str:
        """What of it is VAT that is corrected."""
        return cents_shown(row.vat_cents, row.currency)
