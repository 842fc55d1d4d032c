"""The operator's desk: customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.desk import WAITS_FOR_A_SECOND, Desk, DeskAction, asking, euros, money_of, word
from otai.billing.models import OperatorRequest, Subscription
from otai.billing.operations import second_operator
from otai.db import new_id
from otai.ledger import queries as ledger
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.orgs.typed_numbers import PlainIntegerField
from otai.pricing.price_book import Tier


def _goodwill(row: Organisation, *, who: str, now: datetime, why: str, credits: int, key: str) -> str:
    made = second_operator.goodwill(organisation=row, credits=credits, who=who, why=why, key=key, now=now)
    if isinstance(made, OperatorRequest):
        return str(WAITS_FOR_A_SECOND)
    given = ngettext(
        "%(credits)s credit given; available now: %(available)s.",
        "%(credits)s credits given; available now: %(available)s.",
        made.credits,
    )
    return given % {"credits": made.credits, "available": made.available_after}


def _offer_package(row: Organisation, *, who: str, now: datetime, why: str, code: str, credits: int, price: Any) -> str:
    made = second_operator.package(
        organisation=row,
        code=code,
        credits=credits,
        price=money_of(price, queries.currency()),
        who=who,
        why=why,
        now=now,
    )
    if isinstance(made, OperatorRequest):
        return str(WAITS_FOR_A_SECOND)
    return gettext("%(customer)s can buy %(code)s now.") % {"customer": row.slug, "code": code}


def _suspend(row: Organisation, *, who: str, now: datetime, why: str) -> str:
    billing.suspend(organisation=row, who=who, why=why, now=now)
    return gettext("%(customer)s is suspended: nothing is ordered until it is resumed.") % {"customer": row.slug}


def _resume(row: Organisation, *, who: str, now: datetime, why: str) -> str:
    billing.resume(organisation=row, who=who, why=why, now=now)
    return gettext("%(customer)s can order again.") % {"customer": row.slug}


def _set_quota(
    row: Organisation, *, who: str, now: datetime, why: str, quota: str, most: int | None, reset: bool
) -> str:
    which = Quota(quota)
    quotas.lift(organisation=row, quota=which, most=most, who=who, why=why, now=now, reset=reset)
    said = {"customer": row.slug, "quota": quota, "bound": _bound(quotas.bounds(row.id)[which])}
    return gettext("%(customer)s: %(quota)s: %(bound)s now.") % said


def _bound(bound: quotas.QuotaBound) -> str:
    return gettext("no bound") if bound.most is None else str(bound.most)


@admin.register(Organisation)
class OrganisationDesk(Desk):
    list_display = ("slug", "name", "tier", "credits", "time_zone", "created_at")
    search_fields = ("slug", "name", "billing_details__name", "billing_details__email")
    fields = ("slug", "name", "time_zone", "created_at", "tier", "credits", "invoiced_to", "suspended_at", "quotas")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter),)
    readonly_fields = ("tier", "credits", "invoiced_to", "quotas")
    event_subject = "organisation"
    desk_actions = (
        DeskAction(
            "goodwill",
            _("Give goodwill credits"),
            _goodwill,
            asking(
                credits=PlainIntegerField(label=_("Credits"), min_value=1, max_value=100_000),
                key=forms.CharField(initial=lambda: str(new_id()), widget=forms.HiddenInput),
            ),
            explanation=_("The customer reads the reason in their statement."),
        ),
        DeskAction(
            "offer-package",
            _("Offer an own package"),
            _offer_package,
            asking(
                code=forms.CharField(
                    label=_("Code"),
                    max_length=40,
                    help_text=_("Lower-case letters, digits and hyphens, for example big-2027."),
                ),
                credits=PlainIntegerField(label=_("Credits"), min_value=1),
                price=euros(label=_("Price (net, in the price book's currency)")),
            ),
        ),
        DeskAction(
            "set-quota",
            _("Set a quota"),
            _set_quota,
            asking(
                quota=forms.ChoiceField(label=_("Quota"), choices=[(quota.value, quota.value) for quota in Quota]),
                most=PlainIntegerField(label=_("Most"), min_value=0, required=False, help_text=_("Empty: no bound.")),
                reset=forms.BooleanField(required=False, label=_("Back to what the tier has")),
            ),
            explanation=_("For this organisation alone, in the place of what its tier has."),
        ),
        DeskAction(
            "suspend",
            _("Suspend"),
            _suspend,
            applies=lambda row: row.suspended_at is None,
            explanation=_(
                "Its people sign in and read, its models predict, nothing is ordered. They are told by mail."
            ),
        ),
        DeskAction("resume", _("Resume"), _resume, applies=lambda row: row.suspended_at is not None),
    )

    def also_offered(self, request: HttpRequest, row: models.Model | None) -> list[dict[str, Any]]:
        if row is None or not self.may_act(request):
            return []
        return [{"label": _("Look as a member"), "url": reverse("impersonate", args=[row.pk])}]

    @admin.display(description=_("tier"))
    def tier(self, row: Organisation) -> str:
        """The tier in force with its status; empty without a subscription."""
        found = Subscription.objects.filter(organisation=row).first()
        return f"{Tier(found.tier).title} ({word(found.status)})" if found else ""

    @admin.display(description=_("credits"))
    def credits(self, row: Organisation) -> str:
        """The balance as of now."""
        found = ledger.balance(row.id)
        return gettext("%(available)s available, %(held)s held, %(spent)s spent") % {
            "available": found.available,
            "held": found.held,
            "spent": found.spent,
        }

    @admin.display(description=_("quotas"))
    def quotas(self, row: Organisation) -> SafeString:
        """What there is of each, and how much there may be."""
        lines = [
            (
                quota,
                gettext("%(used)s of %(bound)s") % {"used": quotas.used(row.id, quota), "bound": _bound(bound)},
                gettext("(its own)") if bound.is_lifted else "",
            )
            for quota, bound in quotas.bounds(row.id).items()
        ]
        return format_html_join("", "{}: {} {}<br>", lines)

    @admin.display(description=_("invoiced to"))
    def invoiced_to(self, row: Organisation) -> str:
        """The billing details in a line."""
        found = getattr(row, "billing_details", None)
        if found is None:
            return gettext("no billing details yet")
        return (
            f"{found.name}, {found.street}, {found.postcode} {found.city}, {found.country} {found.vat_id} "
            f"<{found.email}>"
        )
