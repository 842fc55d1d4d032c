"""The pages' addresses. First steps that are not an organisation's are reserved words
(orgs.operations.RESERVED_SLUGS)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from otai.web import training_urls
from otai.web.views import (
    buying,
    credits,
    demo,
    documents,
    front,
    help,
    home,
    impersonating,
    paying,
    plans,
    spending,
    webhooks,
)

app_name = "web"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front.front_door, name="front_door"),
    path("studio/theme", front.theme, name="theme"),
    path("studio/demo/<str:token>", demo.sign_in, name="demo_sign_in"),
    path("studio/look-as/end", impersonating.end, name="end_impersonation"),
    path("", include("otai.web.accounts.urls")),
    path("<slug:slug>/", home.home, name="home"),
    path("<slug:slug>/now", home.happening_now, name="home_now"),
    *training_urls.urlpatterns,
    path("<slug:slug>/credits/", credits.credits, name="credits"),
    path("<slug:slug>/credits/ledger/", credits.movements, name="ledger"),
    path("<slug:slug>/credits/ledger.csv", credits.movements_csv, name="ledger_csv"),
    path("<slug:slug>/credits/statement.json", credits.statement_to_check, name="ledger_proof"),
    path("<slug:slug>/credits/packages/<slug:code>/", buying.package, name="package"),
    path("<slug:slug>/credits/purchases/<slug:reference>/", buying.purchase, name="purchase"),
    path("<slug:slug>/credits/purchases/<slug:reference>.pdf", buying.order_confirmation, name="order_confirmation"),
    path("<slug:slug>/credits/purchases/<slug:reference>/cancel", buying.cancel, name="purchase_cancel"),
    path("<slug:slug>/credits/purchases/<slug:reference>/pay", paying.pay, name="pay"),
    path("<slug:slug>/credits/purchases/<slug:reference>/returned", paying.returned, name="payment_returned"),
    path("<slug:slug>/credits/purchases/<slug:reference>/now", paying.purchase_now, name="purchase_now"),
    path("<slug:slug>/credits/pay/<uuid:checkout>/", paying.to_payment, name="to_payment"),
    path("<slug:slug>/credits/methods/", paying.methods, name="payment_methods"),
    path("<slug:slug>/credits/methods/add", paying.add_method, name="add_method"),
    path("<slug:slug>/credits/methods/returned", paying.method_returned, name="method_returned"),
    path("<slug:slug>/credits/methods/renewals", paying.renewals, name="renewals"),
    path("<slug:slug>/credits/methods/portal", paying.portal, name="payment_portal"),
    path("<slug:slug>/credits/methods/<uuid:method>/remove", paying.remove_method, name="remove_method"),
    path("<slug:slug>/credits/purchases/<slug:reference>/demo", demo.transfer_arrives, name="demo_transfer"),
    path("<slug:slug>/credits/invoices/", documents.invoices, name="invoices"),
    path("<slug:slug>/credits/invoices/check/", documents.check, name="check_document"),
    path("<slug:slug>/credits/invoices/<slug:month>.zip", documents.invoices_of_month, name="invoices_of_month"),
    path("<slug:slug>/credits/invoices/<slug:number>.pdf", buying.invoice_file, {"form": "pdf"}, name="invoice_pdf"),
    path("<slug:slug>/credits/invoices/<slug:number>.xml", buying.invoice_file, {"form": "xml"}, name="invoice_xml"),
    path("<slug:slug>/credits/details/", buying.details, name="billing_details"),
    path("<slug:slug>/credits/tier/", plans.tier, name="tier"),
    path("<slug:slug>/credits/tier/change", plans.change_tier, name="change_tier"),
    path("<slug:slug>/credits/spending/", spending.page_of_month, name="spending"),
    path("<slug:slug>/credits/spending.csv", spending.as_csv, name="spending_csv"),
    path("<slug:slug>/credits/spending/limits", spending.set_limit, name="set_spend_limit"),
    path("<slug:slug>/credits/spending/approval", spending.set_approval, name="set_approval"),
    path("<slug:slug>/credits/low/", plans.low_credits, name="low_credits"),
    path("<slug:slug>/team/webhooks/", webhooks.webhooks, name="webhooks"),
    path("<slug:slug>/team/webhooks/<uuid:endpoint>/", webhooks.webhook, name="webhook"),
    path("<slug:slug>/team/webhooks/<uuid:endpoint>/test", webhooks.test_webhook, name="test_webhook"),
    path("<slug:slug>/team/webhooks/<uuid:endpoint>/switch", webhooks.switch_webhook, name="switch_webhook"),
    path("<slug:slug>/team/webhooks/<uuid:endpoint>/secret", webhooks.rotate_webhook, name="rotate_webhook"),
    path("<slug:slug>/team/webhooks/<uuid:endpoint>/delete", webhooks.delete_webhook, name="delete_webhook"),
    path("<slug:slug>/team/webhooks/deliveries/<uuid:delivery>/again", webhooks.send_again, name="send_again"),
    path("<slug:slug>/help/", help.help_page, name="help"),
]
