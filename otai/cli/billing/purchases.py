"""Purchases: order, list, cancel, and book the money that came."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.documents import order_confirmation_pdf
from otai.billing.models import OperatorRequest, Purchase
from otai.billing.operations import second_operator
from otai.billing.previews import OrderPreview, preview_package
from otai.billing.seller import seller
from otai.cli.actor import actor
from otai.cli.billing.arguments import CouponOption, KeyOption, PreviewOption, Why, at_in_words, money_from
from otai.cli.billing.refunds import say_it_waits
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.db import new_id, utc_now
from otai.units import Money
from otai.words.catalogue import say_actor_to_programs


def buy(
    package: Annotated[str, typer.Argument(help="A package of `otai billing packages`, for example 50.")],
    gateway: Annotated[str, typer.Option(help="How to pay: bank_transfer, stripe.")] = "",
    payment_method: Annotated[str, typer.Option(help="The provider's name for a payment method.")] = "",
    coupon: CouponOption = "",
    key: KeyOption = None,
    again: Annotated[bool, typer.Option("--again", help="Order although an order of the same waits.")] = False,
    preview: PreviewOption = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Order a package. The credits come when the payment is confirmed."""
    organisation = organisation_named(org)
    if preview:
        show_preview(preview_package(organisation, package, coupon=coupon, now=utc_now()), json=json)
        return
    bought = billing.buy(
        organisation=organisation,
        package=package,
        key=key or str(new_id()),
        who=actor(),
        now=utc_now(),
        gateway=gateway,
        payment_method=payment_method,
        coupon=coupon,
        refuses_equal=not again and not key,
    )
    if json:
        print_json({**purchase_row(bought.purchase), "payment": bought.payment.state, "replayed": bought.replayed})
    else:
        say_how_to_pay(bought.purchase)


def list_purchases(org: OrgOption = None, json: JsonOption = False) -> None:
    """All orders of an organisation, newest first."""
    organisation = organisation_named(org)
    rows = [purchase_row(purchase) for purchase in queries.purchases(organisation)]
    if json:
        print_json(rows)
        return
    print_table(
        ["ordered", "reference", "what", "gross", "status", "paid by", "paid"],
        [
            [
                at_in_words(row["ordered_at"], organisation),
                row["reference"],
                row["what"],
                Money(row["gross_cents"], row["currency"]),
                row["status"],
                row["gateway"],
                at_in_words(row["paid_at"], organisation),
            ]
            for row in rows
        ],
        right=["gross"],
    )


def export_confirmation(
    reference: Annotated[str, typer.Argument(help="OT-XXXXX-XXXXX")],
    folder: Annotated[Path, typer.Option(help="Where the file goes.")] = Path(),
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Write the confirmation of an order by bank transfer to a PDF. The invoice comes with the payment."""
    found = queries.order_to_confirm(organisation_named(org), reference)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{found.reference}.pdf"
    target.write_bytes(order_confirmation_pdf(found))
    if json:
        print_json({"files": [target]})
    else:
        say(str(target))


def cancel_purchase(
    reference: Annotated[str, typer.Argument(help="OT-XXXXX-XXXXX")],
    why: Why = "",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Cancel an order that is not paid."""
    found = billing.cancel(
        organisation=organisation_named(org), reference=reference, who=actor(), why=why, now=utc_now()
    )
    if json:
        print_json(purchase_row(found))
    else:
        say(f"{found.reference} is {found.status}.")


def confirm_payment(
    reference: Annotated[str, typer.Argument(help="The order's reference, as on the bank statement.")],
    amount: Annotated[str, typer.Argument(help="What came: 535.50")],
    bank_reference: Annotated[
        str, typer.Option("--bank-reference", help="The bank's id of the entry: it counts once.")
    ],
    currency: Annotated[str, typer.Option()] = "EUR",
    why: Why = "bank statement",
    json: JsonOption = False,
) -> None:
    """For operators: money came by bank transfer. In full, it brings the credits."""
    booked = second_operator.payment(
        reference=reference,
        received=money_from(amount, currency=currency.upper()),
        bank_reference=bank_reference,
        who=actor(),
        why=why,
        now=utc_now(),
    )
    if isinstance(booked, OperatorRequest):
        say_it_waits(booked, json=json)
        return
    if json:
        print_json(
            {
                **purchase_row(booked.purchase),
                "payment": booked.payment.id,
                "missing_cents": booked.missing.cents,
                "surplus_cents": booked.surplus.cents,
                "delivered": booked.delivered,
                "replayed": booked.replayed,
            }
        )
        return
    if booked.replayed:
        say("This entry was recorded before; nothing changed.")
    say(f"{booked.purchase.reference} is {booked.purchase.status}.")
    if booked.missing.cents and not booked.delivered:
        say(f"  {booked.missing} are missing.")
    if booked.surplus.cents:
        say(f"  {booked.surplus} are surplus: otai billing return-surplus {booked.payment.id} --why ...")


def import_statement(
    file: Annotated[Path, typer.Argument(help="A bank statement in CAMT.053, as XML.", exists=True, dir_okay=False)],
    json: JsonOption = False,
) -> None:
    """For operators: book the transfers of a bank statement; what does not fit an order waits at the desk."""
    done = billing.import_statement(file.read_bytes(), who=actor(), now=utc_now())
    if json:
        print_json({"matched": done.matched, "waiting": done.waiting, "known": done.known})
    else:
        say(f"{done.matched} booked, {done.waiting} wait for a person at the desk, {done.known} were known.")


def purchase_row(purchase: Purchase) -> dict[str, Any]:
    """A purchase as JSON; amounts in cents."""
    return {
        "reference": purchase.reference,
        "what": purchase.title,
        "credits": purchase.credits,
        "term": purchase.term,
        "status": purchase.status,
        "coupon": purchase.coupon.code if purchase.coupon else None,
        "discount_cents": purchase.discount_cents,
        "net_cents": purchase.net_cents,
        "vat_cents": purchase.vat_cents,
        "gross_cents": purchase.gross_cents,
        "paid_cents": purchase.paid_cents,
        "currency": purchase.currency,
        "gateway": purchase.gateway,
        "ordered_at": purchase.ordered_at,
        "ordered_by": say_actor_to_programs(purchase.ordered_by),
        "expires_at": purchase.expires_at,
        "paid_at": purchase.paid_at,
    }


def say_how_to_pay(purchase: Purchase) -> None:
    """Prints what a purchase costs, and what the buyer does next."""
    gross = Money(purchase.gross_cents, purchase.currency)
    net, vat = Money(purchase.net_cents, purchase.currency), Money(purchase.vat_cents, purchase.currency)
    if purchase.coupon is not None:
        say(f"{Money(purchase.discount_cents, purchase.currency)} less with the coupon {purchase.coupon.code}.")
    say(f"{purchase.reference}: {purchase.title}, {net} + {vat} VAT = {gross}: {purchase.status}")
    if purchase.paid_at is not None:
        say("  paid; the credits are in the account." if purchase.credits else "  paid.")
    elif purchase.gateway == "bank_transfer":
        say(f"  Please transfer {gross} to IBAN {seller().iban}, naming {purchase.reference}.")
        say(f"  The order confirmation: otai billing confirmation {purchase.reference}")


def show_preview(preview: OrderPreview, *, json: bool) -> None:
    """Prints what an order would cost."""
    if json:
        print_json(
            {
                "price_cents": preview.price.cents,
                "deducted_cents": preview.deducted.cents,
                "coupon": preview.coupon or None,
                "discount_cents": preview.discount.cents,
                "net_cents": preview.net.cents,
                "vat_cents": preview.tax.cents if preview.tax else None,
                "gross_cents": preview.gross.cents if preview.gross else None,
                "currency": preview.net.currency,
            }
        )
        return
    if preview.deducted.cents:
        say(f"{preview.deducted} less, left of what is paid.")
    if preview.coupon:
        say(f"{preview.discount} less with the coupon {preview.coupon}.")
    if preview.gross:
        say(f"{preview.net} + {preview.tax} VAT = {preview.gross}. Nothing was ordered.")
    else:
        say(f"{preview.net}, and VAT by the billing details. Nothing was ordered.")
