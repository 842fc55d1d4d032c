"""What the list of sign-ins and refusals says beside each: how somebody came in, what was refused, what was read."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Sentence

ACCESS: Mapping[str, tuple[Sentence, ...]] = {
    "access.by_password": ("by password",),
    "access.by_password_and_second_factor": ("by password and second factor",),
    "access.by_passkey": ("by passkey",),
    "access.by": ("by {ways:words}",),
    "access.refused": ("{action:action}",),
    "access.scope_refused": ("needs the scope {scope}",),
    "access.at_vendor_api": ("sent to the vendor's API",),
    "access.at_customers_api": ("sent to the customers' API",),
    "access.list_read": ("{table:table}, a list",),
    "access.row_read": ("{table:table}: {row}",),
    "access.invoice_read": ("Invoice {number} as {kind}",),
    "access.books_read": ("A file for the accountant: {books:books}, {period}",),
    "access.vendor_api": ("by the vendor's API",),
    "access.looks_as": ("as {member}: {why}",),
}

ACTIONS: Mapping[str, str] = {
    "view": "look at trainings, models and credits",
    "read_tickets": "read tickets",
    "read_members": "read mail addresses of members",
    "download_models": "download files of models",
    "predict": "predict labels of tickets",
    "give_feedback": "report which labels were right",
    "upload_tickets": "upload tickets",
    "train": "order trainings",
    "approve": "approve trainings",
    "manage_models": "manage models",
    "buy": "buy credits",
    "manage_webhooks": "manage webhooks",
    "read_access": "read who signed in",
    "manage_keys": "manage API keys",
    "manage_team": "manage the team",
    "manage_organisation": "change the organisation",
    "export_data": "take all data along",
    "erase_data": "delete data for good",
    "own_account": "manage the own account",
}
"""What somebody wanted to do, by the codes of `orgs.permissions.Action`."""

TABLES: Mapping[str, str] = {
    "accessevent": "Misuse of the vendor's keys",
    "balancedifference": "Differences of the provider's balance",
    "balancemove": "Movements of the provider's balance",
    "bankentry": "Bank entries",
    "chargeattempt": "Charges",
    "closedmonth": "Closed months",
    "coupon": "Coupons",
    "creditwatch": "Low credits and top-up",
    "custompackage": "Own packages",
    "event": "Events",
    "guarantee": "Guarantees",
    "hold": "Held credits",
    "invoice": "Invoices",
    "notice": "Mails",
    "operatorrequest": "What waits for a second operator",
    "organisation": "Organisations",
    "payment": "Payments",
    "paymentmethod": "Payment methods",
    "paymentrefund": "Refunds",
    "purchase": "Orders",
    "reversal": "Payments taken back",
    "subscription": "Tiers",
    "vatidcheck": "Checks of VAT ids",
    "vendorkey": "Vendor keys",
    "webhookevent": "News of the provider",
    "writeoff": "Write-offs",
}
"""The desk's tables, by the names of their models."""

BOOKS: Mapping[str, str] = {
    "vat": "VAT by treatment, country and rate",
    "oss": "One Stop Shop (quarter)",
    "zm": "Recapitulative statement (Zusammenfassende Meldung)",
    "datev": "Bookings for DATEV (EXTF)",
}
"""The accountant's files."""
