"""`otai billing`: tiers, packages, purchases, payments, invoices and the month's close, from the command line."""

import typer

from otai.cli.billing import (
    accountant,
    books,
    coupons,
    details,
    invoices,
    methods,
    packages,
    purchases,
    refunds,
    tier,
    top_up,
)
from otai.cli.billing.arguments import money_from

__all__ = ["billing_app", "money_from"]

billing_app = typer.Typer(help="Tiers, packages, purchases, payments, invoices.", no_args_is_help=True)
billing_app.add_typer(tier.app, name="tier")
billing_app.add_typer(details.app, name="details")
billing_app.add_typer(invoices.app, name="invoices")
billing_app.add_typer(top_up.app, name="topup")
billing_app.add_typer(methods.app, name="methods")
billing_app.add_typer(accountant.app, name="accountant")
billing_app.add_typer(coupons.app, name="coupons")
billing_app.command("packages")(packages.list_packages)
billing_app.command("offer-package")(packages.offer_package)
billing_app.command("buy")(purchases.buy)
billing_app.command("pay")(methods.pay)
billing_app.command("purchases")(purchases.list_purchases)
billing_app.command("confirmation")(purchases.export_confirmation)
billing_app.command("cancel-purchase")(purchases.cancel_purchase)
billing_app.command("confirm-payment")(purchases.confirm_payment)
billing_app.command("import-statement")(purchases.import_statement)
billing_app.command("refund-payment")(refunds.refund_payment)
billing_app.command("return-surplus")(refunds.return_surplus)
billing_app.command("confirm-refund")(refunds.confirm_refund)
billing_app.command("write-off")(refunds.write_off)
billing_app.command("approve")(refunds.approve)
billing_app.command("goodwill")(refunds.goodwill)
billing_app.command("sweep")(books.sweep)
billing_app.command("price-book")(books.price_book)
billing_app.command("schedule-price-book")(books.schedule_price_book)
billing_app.command("audit")(books.audit)
billing_app.command("month-close")(books.month_close_command)
