"""The operator's desk: what an operator makes there, with a form of its own: keys of the vendor's systems, coupons."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.desk import Desk, DeskAction, WhyForm, asking, euros, money_of, told, word
from otai.billing.models import Coupon, CouponFor, OperatorRequest, VendorKey
from otai.billing.operations import second_operator
from otai.billing.operations.coupons import CouponTerms, uses
from otai.billing.seller import seller
from otai.billing.vendor_scopes import VendorScope
from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs.actors import at_the_desk
from otai.orgs.typed_numbers import PlainIntegerField


class MakingDesk(Desk):
    """A table with a page beside it that makes a row."""

    making: str | Promise = ""
    making_form: type[WhyForm]
    change_list_template = "billing/desk/making_list.html"

    def make(self, *, who: str, now: datetime, why: str, **answers: Any) -> tuple[str, str]:
        """Makes the row; returns what to say, and a secret that is shown this once, or "". Raises OtaiError."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.making_view)
        return [path("make/", view, name=self._making_name), *super().get_urls()]

    @property
    def _making_name(self) -> str:
        return f"billing_{self.model._meta.model_name}_make"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        there = {"making": self.making, "making_page": reverse(f"admin:{self._making_name}")}
        return super().changelist_view(request, {**(extra_context or {}), **there})

    def making_view(self, request: HttpRequest) -> HttpResponse:
        """The form; an answer with a secret shows it, and nothing keeps it."""
        if not self.may_act(request):
            raise PermissionDenied
        form = self.making_form(request.POST or None)
        secret = ""
        if request.method == "POST" and form.is_valid():
            who = at_the_desk(request.user.get_username())
            try:
                said, secret = self.make(who=who, now=utc_now(), **form.cleaned_data)
            except OtaiError as refused:
                form.add_error(None, told(refused))
            else:
                messages.success(request, said)
                if not secret:
                    return HttpResponseRedirect(reverse(f"admin:billing_{self.model._meta.model_name}_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": self.making,
            "opts": self.model._meta,
            "form": form,
            "secret": secret,
        }
        return TemplateResponse(request, "billing/desk/making.html", context)


def _revoke(row: VendorKey, *, who: str, now: datetime, why: str) -> str:
    billing.revoke_vendor_key(key=row.id, who=who, why=why, now=now)
    return gettext("The key %(key)s is revoked.") % {"key": row}


VendorKeyForm = asking(
    name=forms.CharField(label=_("Name"), max_length=100, help_text=_("Which system it is for.")),
    scopes=forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope.value, scope.value) for scope in VendorScope],
        widget=forms.CheckboxSelectMultiple,
    ),
    days=PlainIntegerField(
        label=_("Days"),
        min_value=1,
        required=False,
        help_text=_("Days that it is good for; empty: until it is revoked."),
    ),
)


@admin.register(VendorKey)
class VendorKeyDesk(MakingDesk):
    """Keys of the vendor's own systems."""

    making = _("Make a key for one of the vendor's systems")
    making_form = VendorKeyForm
    list_display = ("name", "prefix", "scopes", "created_by", "created_at", "last_used_at", "expires_at", "revoked_at")
    exclude = ("secret_sha256",)
    search_fields = ("name", "prefix", "created_by")
    ordering = ("-created_at",)
    event_subject = "vendor key"
    desk_actions = (DeskAction("revoke", _("Revoke this key"), _revoke, applies=lambda row: row.revoked_at is None),)

    def make(self, *, who: str, now: datetime, why: str, **answers: Any) -> tuple[str, str]:
        days = answers["days"]
        made = billing.create_vendor_key(
            name=answers["name"],
            scopes=answers["scopes"],
            who=who,
            why=why,
            now=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
        return gettext("The key %(key)s is made.") % {"key": made.key}, made.secret


def _withdraw(row: Coupon, *, who: str, now: datetime, why: str) -> str:
    billing.withdraw_coupon(code=row.code, who=who, why=why, now=now)
    return gettext("%(code)s is withdrawn.") % {"code": row.code}


CouponForm = asking(
    code=forms.CharField(label=_("Code"), max_length=40, help_text=_("4 to 40 letters, digits and hyphens.")),
    what=forms.ChoiceField(label=_("For"), choices=[(kind.value, word(kind.label)) for kind in CouponFor]),
    percent=PlainIntegerField(
        label=_("Per cent"), min_value=1, max_value=99, required=False, help_text=_("What it takes off.")
    ),
    amount=euros(label=_("Amount"), required=False, help_text=_("Or an amount, net, in the price book's currency.")),
    begins=forms.DateField(
        label=_("First day"), required=False, help_text=_("Good from this day on; empty: from now on.")
    ),
    last_day=forms.DateField(
        label=_("Last day"), required=False, help_text=_("Good until this day's end; empty: until it is withdrawn.")
    ),
    most_uses=PlainIntegerField(
        label=_("Most uses"), min_value=1, required=False, help_text=_("Of all customers; empty: any number.")
    ),
    once_each=forms.BooleanField(label=_("Each customer uses it once"), initial=True, required=False),
    first_purchase_only=forms.BooleanField(label=_("For those who have bought nothing yet"), required=False),
)


@admin.register(Coupon)
class CouponDesk(MakingDesk):
    """Coupons: their terms never change, they are withdrawn."""

    making = _("Make a coupon")
    making_form = CouponForm
    list_display = ("code", "what", "percent", "amount_cents", "used", "most_uses", "valid_until_at", "withdrawn_at")
    search_fields = ("code", "reason", "made_by")
    ordering = ("-made_at",)
    event_subject = "coupon"
    desk_actions = (DeskAction("withdraw", _("Withdraw"), _withdraw, applies=lambda row: row.withdrawn_at is None),)

    def make(self, *, who: str, now: datetime, why: str, **answers: Any) -> tuple[str, str]:
        amount, begins, last_day = answers["amount"], answers["begins"], answers["last_day"]
        zone = seller().zone
        terms = CouponTerms(
            what=CouponFor(answers["what"]),
            percent=answers["percent"],
            amount=money_of(amount, queries.currency()) if amount is not None else None,
            valid_from_at=datetime.combine(begins, time.min, zone) if begins else now,
            valid_until_at=datetime.combine(last_day + timedelta(days=1), time.min, zone) if last_day else None,
            most_uses=answers["most_uses"],
            once_each=answers["once_each"],
            first_purchase_only=answers["first_purchase_only"],
        )
        made = second_operator.coupon(code=answers["code"], terms=terms, who=who, why=why, now=now)
        if isinstance(made, OperatorRequest):
            return gettext("The coupon waits for a second operator, who approves it among the operator requests."), ""
        return gettext("%(code)s is made.") % {"code": made}, ""

    @admin.display(description=_("used"))
    def used(self, row: Coupon) -> int:
        """How many orders that are not cancelled have it."""
        return uses(row).count()
