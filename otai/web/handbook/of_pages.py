"""Which page of the help explains which page of the Studio: the name of an address, and a page of the help with the
anchor of a heading, `labels#labels-that-look-wrong`."""

from __future__ import annotations

HELP_OF: dict[str, str] = {
    "web:home": "finding",
    "web:tickets": "importing",
    "web:upload_tickets": "importing#which-files",
    "web:upload": "importing#what-columns-are-taken-for",
    "web:read_upload": "importing#which-files",
    "web:data_set": "importing#what-the-findings-mean",
    "web:data_set_sample": "importing#a-ticket-is-its-first-customer-message",
    "web:browse": "labels#find-tickets",
    "web:ticket": "labels#find-tickets",
    "web:review": "labels#labels-that-look-wrong",
    "web:review_item": "labels#labels-that-look-wrong",
    "web:labels": "importing#labels-in-place",
    "web:delete_data_set": "deleting",
    "web:job": "importing#what-an-import-may-take",
    "web:train": "policies#price-of-a-training-run",
    "web:order": "policies#charging-a-run",
    "web:runs": "policies#charging-a-run",
    "web:run": "policies#charging-a-run",
    "web:report_card_html": "report-card",
    "web:run_attribute": "report-card",
    "web:guarantee": "guarantee",
    "web:models": "use-elsewhere",
    "web:model": "when-to-train-again",
    "web:compare_versions": "report-card#since-the-version-before",
    "web:model_feedback": "labels#feedback",
    "web:try_version": "labels#feedback",
    "web:credits": "policies#credits",
    "web:ledger": "policies#credits",
    "web:package": "paying#buying",
    "web:purchase": "paying#buying",
    "web:to_payment": "paying#buying",
    "web:payment_methods": "paying#payment-methods",
    "web:billing_details": "paying#invoices",
    "web:invoices": "paying#invoices",
    "web:check_document": "paying#checking-a-document",
    "web:tier": "paying#tiers",
    "web:spending": "paying#who-may-spend-how-much",
    "web:low_credits": "paying#when-credits-run-low",
    "web:team": "accounts",
    "web:keys": "api#who-calls",
    "web:organisation": "accounts",
    "web:access": "accounts#sign-ins-and-refusals",
    "web:organisation_data": "privacy",
    "web:webhooks": "webhooks",
    "web:webhook": "webhooks",
    "web:notifications": "notifications",
    "web:profile": "accounts",
    "web:organisations": "accounts",
    "web:sessions": "accounts#sessions",
    "web:erase_account": "privacy#people",
    "web:help": "finding#help",
    "web:help_page": "finding#help",
    "web:find": "finding#find",
    "web:shortcuts": "finding#keys",
    "web:help_prices": "policies#price-of-a-training-run",
}


def help_of(view_name: str) -> tuple[str, str]:
    """The help's page and anchor for a page of the Studio; two empty strings where it has none."""
    page, _, anchor = HELP_OF.get(view_name, "").partition("#")
    return page, anchor
