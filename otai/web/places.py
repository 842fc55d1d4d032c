"""The pages of an organisation that one goes to by name or by keys: `g` and a letter."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """`key` is the letter after `g`; empty where there is none."""

    word: str | Promise
    page: str
    icon: str
    key: str = ""


PLACES = (
    NamedPlace(_("Home"), "web:home", "home", "h"),
    NamedPlace(_("Tickets"), "web:tickets", "tickets", "d"),
    NamedPlace(_("Train"), "web:train", "train", "t"),
    NamedPlace(_("Trainings"), "web:runs", "list", "r"),
    NamedPlace(_("Models"), "web:models", "models", "m"),
    NamedPlace(_("Credits"), "web:credits", "credits", "c"),
    NamedPlace(_("Invoices"), "web:invoices", "file", "i"),
    NamedPlace(_("Team"), "web:team", "team", "p"),
    NamedPlace(_("Notifications"), "web:notifications", "bell", "n"),
    NamedPlace(_("Help"), "web:help", "help", "e"),
    NamedPlace(_("Guarantee"), "web:guarantee", "shield"),
    NamedPlace(_("Ledger"), "web:ledger", "list"),
    NamedPlace(_("Spending"), "web:spending", "chart"),
    NamedPlace(_("Tier"), "web:tier", "layers"),
    NamedPlace(_("Payment methods"), "web:payment_methods", "card"),
    NamedPlace(_("Billing details"), "web:billing_details", "file"),
    NamedPlace(_("Low credits"), "web:low_credits", "bell"),
    NamedPlace(_("Check a document"), "web:check_document", "check"),
    NamedPlace(_("API keys"), "web:keys", "key"),
    NamedPlace(_("Helpdesks"), "web:helpdesks", "link"),
    NamedPlace(_("Webhooks"), "web:webhooks", "webhook"),
    NamedPlace(_("Organisation"), "web:organisation", "organisation"),
    NamedPlace(_("Data"), "web:organisation_data", "archive"),
    NamedPlace(_("Your account"), "web:profile", "user"),
    NamedPlace(_("Keyboard shortcuts"), "web:shortcuts", "keyboard"),
)
