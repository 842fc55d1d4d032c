"""`otai billing`: tiers, packages, purchases, payments, invoices and the month's close, from the command line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from otai.billing import operations as billing
from otai.billing import packages as packages_of
from otai.billing import queries
from otai.billing.audit import audit as billing_audit
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import CreditWatch, Purchase
from otai.billing.operations import topups
from otai.billing.operations.sweep import sweep as run_sweep
from otai.billing.revenue import Movement, month_close
from otai.billing.seller import seller
from otai.cli.actor import actor
from otai.cli.output import JsonOption, OrgOption, jsonable, organisation_named, print_json, print_table, say
from otai.db import new_id, utc_now
from otai.errors import Invalid
from otai.pricing.price_book import Tier
from otai.units import Money

billing_app = typer.Typer(help="Tiers, packages, purchases, payments, invoices.", no_args_is_help=True)
tier_app = typer.Typer(help="The tier: show, change, cancel.", no_args_is_help=True)
details_app = typer.Typer(help="Who the invoices are made out to.", no_args_is_help=True)
invoices_app = typer.Typer(help="Invoices and credit notes: list, export.", no_args_is_help=True)
topup_app = typer.Typer(help="Automatic top-up and low-balance notice.", no_args_is_help=True)
billing_app.add_typer(tier_app, name="tier")
billing_app.add_typer(details_app, name="details")
billing_app.add_typer(invoices_app, name="invoices")
billing_app.add_typer(topup_app, name="topup")

Why = Annotated[str, typer.Option("--why", help="The reason; kept with your name.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Your own name for this request: the same one again changes nothing."),
]


def money_from(text: str, *, currency: str = "EUR") -> Money:
    """`450`, `450.5` or `450.50` as cents. Raises Invalid."""
    units, _, rest = text.strip().partition(".")
    if (
        not units.isascii()
        or not units.isdigit()
        or not (rest == "" or (rest.isascii() and rest.isdigit()))
        or len(rest) > 2
    ):
        raise Invalid(f"{text!r} is no amount of money. Write it like 450 or 450.50.", code="invalid_amount")
    return Money(int(units) * 100 + int(rest.ljust(2, "0") or 0), currency)


def _at(at: datetime | None, organisation: Any) -> str:
    return f"{at.astimezone(organisation.zone):%Y-%m-%d %H:%M}" if at else ""


def _purchase(purchase: Purchase) -> dict[str, Any]:
    return {
        "reference": purchase.reference,
        "what": purchase.title,
        "credits": purchase.credits,
        "status": purchase.status,
        "net_cents": purchase.net_cents,
        "vat_cents": purchase.vat_cents,
        "gross_cents": purchase.gross_cents,
        "paid_cents": purchase.paid_cents,
        "currency": purchase.currency,
        "gateway": purchase.gateway,
        "ordered_at": purchase.ordered_at,
        "ordered_by": purchase.ordered_by,
        "expires_at": purchase.expires_at,
        "paid_at": purchase.paid_at,
    }


# --- tier


def _tier(organisation: Any) -> dict[str, Any]:
    found = queries.subscription_of(organisation)
    terms = queries.price_book().tiers[Tier(found.tier)]
    return {
        "organisation": organisation.slug,
        "tier": found.tier,
        "status": found.status,
        "monthly_price_cents": terms.monthly_price.cents,
        "monthly_credits": terms.monthly_credits,
        "next_grant_at": found.next_grant_at,
        "paid_until_at": found.paid_until_at,
        "grace_until_at": found.grace_until_at,
        "next_tier": found.next_tier,
    }


@tier_app.command("show")
def tier_show(org: OrgOption = None, json: JsonOption = False) -> None:
    """The tier in force, what it costs and brings, and what comes next."""
    organisation = organisation_named(org)
    found = _tier(organisation)
    if json:
        print_json(found)
        return
    price = (
        f"{Money(found['monthly_price_cents'])} a month, net" if found["monthly_price_cents"] else "no monthly price"
    )
    say(f"{organisation.name}: {Tier(found['tier']).title} ({found['status']}), {price}")
    say(f"  {found['monthly_credits']} credits a month, the next on {_at(found['next_grant_at'], organisation)}")
    if found["paid_until_at"]:
        say(f"  paid until {_at(found['paid_until_at'], organisation)}")
    if found["grace_until_at"]:
        say(f"  not paid: falls back to Community on {_at(found['grace_until_at'], organisation)}")
    if found["next_tier"]:
        say(f"  {Tier(found['next_tier']).title} after that")


@tier_app.command("change")
def tier_change(
    tier: Annotated[Tier, typer.Argument(help="The tier to change to.")],
    gateway: Annotated[str, typer.Option(help="How to pay; the default one if left out.")] = "",
    payment_method: Annotated[str, typer.Option(help="The provider's name for a payment method.")] = "",
    why: Why = "",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """A higher tier begins when its first month is paid, a lower one when the paid month ends."""
    organisation = organisation_named(org)
    answer = billing.change_tier(
        organisation=organisation,
        tier=tier,
        who=actor(),
        why=why,
        now=utc_now(),
        gateway=gateway,
        payment_method=payment_method,
    )
    _show_tier_answer(answer, organisation, tier, json=json)


@tier_app.command("cancel")
def tier_cancel(why: Why = "cancelled", org: OrgOption = None, json: JsonOption = False) -> None:
    """Back to Community when the paid month ends. Credits stay."""
    organisation = organisation_named(org)
    answer = billing.cancel_tier(organisation=organisation, who=actor(), why=why, now=utc_now())
    _show_tier_answer(answer, organisation, Tier.COMMUNITY, json=json)


def _show_tier_answer(answer: Any, organisation: Any, tier: Tier, *, json: bool) -> None:
    purchase = _purchase(answer.purchase) if answer.purchase else None
    if json:
        print_json(
            {**_tier(organisation), "in_force": answer.in_force, "from_at": answer.from_at, "purchase": purchase}
        )
    elif answer.in_force:
        say(f"{organisation.name} is in {tier.title} now.")
    elif answer.purchase:
        say(f"{tier.title} begins when its first month is paid.")
        _say_how_to_pay(answer.purchase)
    else:
        say(f"{tier.title} begins on {_at(answer.from_at, organisation)}.")


# --- billing details


@details_app.command("set")
def details_set(
    name: Annotated[str, typer.Option(help="Legal name.")],
    street: Annotated[str, typer.Option()],
    city: Annotated[str, typer.Option()],
    country: Annotated[str, typer.Option(help="Two-letter ISO code, for example DE.")],
    email: Annotated[str, typer.Option(help="Where invoices and notices go.")],
    postcode: Annotated[str, typer.Option()] = "",
    vat_id: Annotated[str, typer.Option(help="VAT id, for buyers in the European Union.")] = "",
    language: Annotated[str, typer.Option(help="Language of invoices and mails: en or de.")] = "en",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Who the invoices from now on are made out to; VAT follows country and VAT id."""
    found = billing.set_billing_details(
        organisation=organisation_named(org),
        name=name,
        street=street,
        postcode=postcode,
        city=city,
        country=country,
        email=email,
        vat_id=vat_id,
        language=language,
        who=actor(),
        now=utc_now(),
    )
    vat = queries.vat_of(found)
    if json:
        print_json({**queries.details_as_dict(found), "vat": {"treatment": vat.treatment, "permille": vat.permille}})
    else:
        say(f"Invoices are made out to {found.name}, {found.city}, {found.country}: {vat.in_words}.")


@details_app.command("show")
def details_show(org: OrgOption = None, json: JsonOption = False) -> None:
    """The billing details, and the VAT that follows from them."""
    found = queries.billing_details_of(organisation_named(org))
    vat = queries.vat_of(found)
    if json:
        print_json({**queries.details_as_dict(found), "vat": {"treatment": vat.treatment, "permille": vat.permille}})
    else:
        say("\n".join(str(value) for value in queries.details_as_dict(found).values() if value))
        say(vat.in_words)


# --- packages and purchases


@billing_app.command("packages")
def list_packages(org: OrgOption = None, json: JsonOption = False) -> None:
    """What can be bought: credits, net price, price of one credit."""
    organisation = organisation_named(org)
    offers = packages_of.packages_for(organisation, now=utc_now())
    if json:
        print_json(
            [
                {
                    "package": offer.code,
                    "credits": offer.credits,
                    "net_cents": offer.price.cents,
                    "currency": offer.price.currency,
                    "cents_per_credit": offer.cents_per_credit,
                    "own": offer.custom is not None,
                }
                for offer in offers
            ]
        )
        return
    print_table(
        ["package", "credits", "net price", "effective price"],
        [[offer.code, offer.credits, offer.price, offer.effective_price] for offer in offers],
        right=["credits", "net price", "effective price"],
    )


@billing_app.command("offer-package")
def offer_package(
    code: Annotated[str, typer.Argument(help="For example big-2027.")],
    credits: Annotated[int, typer.Argument()],
    price: Annotated[str, typer.Argument(help="Net, in EUR: 3500 or 3500.00.")],
    why: Why,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: a package for one organisation."""
    organisation = organisation_named(org)
    made = billing.offer_package(
        organisation=organisation,
        code=code,
        credits=credits,
        price=money_from(price),
        who=actor(),
        why=why,
        now=utc_now(),
    )
    if json:
        print_json({"package": made.code, "credits": made.credits, "net_cents": made.price_cents})
    else:
        say(f"{organisation.name} can buy {made.code} now: {made.credits} credits for {money_from(price)} net.")


@billing_app.command("buy")
def buy(
    package: Annotated[str, typer.Argument(help="A package of `otai billing packages`, for example 50.")],
    gateway: Annotated[str, typer.Option(help="How to pay: bank_transfer, stripe.")] = "",
    payment_method: Annotated[str, typer.Option(help="The provider's name for a payment method.")] = "",
    key: Key = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Order a package. The credits come when the payment is confirmed."""
    organisation = organisation_named(org)
    bought = billing.buy(
        organisation=organisation,
        package=package,
        key=key or str(new_id()),
        who=actor(),
        now=utc_now(),
        gateway=gateway,
        payment_method=payment_method,
    )
    if json:
        print_json({**_purchase(bought.purchase), "payment": bought.payment.state, "replayed": bought.replayed})
    else:
        _say_how_to_pay(bought.purchase)


def _say_how_to_pay(purchase: Purchase) -> None:
    gross = Money(purchase.gross_cents, purchase.currency)
    net, vat = Money(purchase.net_cents, purchase.currency), Money(purchase.vat_cents, purchase.currency)
    say(f"{purchase.reference}: {purchase.title}, {net} + {vat} VAT = {gross}: {purchase.status}")
    if purchase.paid_at is not None:
        say("  paid; the credits are in the account." if purchase.credits else "  paid.")
    elif purchase.gateway == "bank_transfer":
        say(f"  Please transfer {gross} to IBAN {seller().iban}, naming {purchase.reference}.")
        say(f"  The invoice: otai billing invoices export --purchase {purchase.reference}")


@billing_app.command("purchases")
def list_purchases(org: OrgOption = None, json: JsonOption = False) -> None:
    """All orders of an organisation, newest first."""
    organisation = organisation_named(org)
    rows = [_purchase(purchase) for purchase in queries.purchases(organisation)]
    if json:
        print_json(rows)
        return
    print_table(
        ["ordered", "reference", "what", "gross", "status", "paid by", "paid"],
        [
            [
                _at(row["ordered_at"], organisation),
                row["reference"],
                row["what"],
                Money(row["gross_cents"], row["currency"]),
                row["status"],
                row["gateway"],
                _at(row["paid_at"], organisation),
            ]
            for row in rows
        ],
        right=["gross"],
    )


@billing_app.command("cancel-purchase")
def cancel_purchase(
    reference: Annotated[str, typer.Argument(help="OT-XXXXX-XXXXX")],
    why: Why = "cancelled",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Cancel an order that is not paid; a credit note closes its invoice."""
    found = billing.cancel(
        organisation=organisation_named(org), reference=reference, who=actor(), why=why, now=utc_now()
    )
    if json:
        print_json(_purchase(found))
    else:
        say(f"{found.reference} is {found.status}.")


@billing_app.command("confirm-payment")
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
    booked = billing.confirm_payment(
        reference=reference,
        received=money_from(amount, currency=currency.upper()),
        bank_reference=bank_reference,
        who=actor(),
        why=why,
        now=utc_now(),
    )
    if json:
        print_json(
            {
                **_purchase(booked.purchase),
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


@billing_app.command("refund-payment")
def refund_payment(
    reference: Annotated[str, typer.Argument(help="The purchase whose unused credits are paid back.")],
    why: Why,
    credits: Annotated[int | None, typer.Option(help="How many; all that are unused if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """For operators: pay unused credits back, pro rata at the price paid, once, with a credit note."""
    refund = billing.refund_payment(reference=reference, who=actor(), why=why, now=utc_now(), credits=credits)
    _show_refund(refund, json=json)


@billing_app.command("return-surplus")
def return_surplus(payment: Annotated[UUID, typer.Argument()], why: Why, json: JsonOption = False) -> None:
    """For operators: send back what came beyond what was asked for."""
    _show_refund(billing.return_surplus(payment=payment, who=actor(), why=why, now=utc_now()), json=json)


@billing_app.command("confirm-refund")
def confirm_refund(refund: Annotated[UUID, typer.Argument()], why: Why, json: JsonOption = False) -> None:
    """For operators: the bank transfer of a payment refund was made."""
    _show_refund(billing.confirm_refund(refund=refund, who=actor(), why=why, now=utc_now()), json=json)


def _show_refund(refund: Any, *, json: bool) -> None:
    if json:
        print_json(
            {
                "refund": refund.id,
                "kind": refund.kind,
                "state": refund.state,
                "credits": refund.credits,
                "net_cents": refund.net_cents,
                "vat_cents": refund.vat_cents,
                "gross_cents": refund.gross_cents,
                "currency": refund.currency,
            }
        )
        return
    what = f"{refund.credits} unused credits" if refund.credits else "surplus"
    say(f"{Money(refund.gross_cents, refund.currency)} for {what}: {refund.state} ({refund.gateway})")
    if refund.state == "sent" and refund.gateway == "bank_transfer":
        say(f"  Make the transfer, then: otai billing confirm-refund {refund.id} --why ...")


@billing_app.command("goodwill")
def goodwill(
    credits: Annotated[int, typer.Argument(help="How many credits.")],
    why: Why,
    key: Key = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: give credits, with a reason the customer reads in the statement."""
    organisation = organisation_named(org)
    made = billing.give_goodwill(
        organisation=organisation, credits=credits, who=actor(), why=why, key=key or str(new_id()), now=utc_now()
    )
    if json:
        print_json({"credits": made.credits, "available": made.available_after, "replayed": made.replayed})
    else:
        say(f"{made.credits} credits given to {organisation.name}; {made.available_after} are available.")


# --- invoices


@invoices_app.command("list")
def invoices_list(org: OrgOption = None, json: JsonOption = False) -> None:
    """All invoices and credit notes of an organisation, newest first."""
    rows: list[dict[str, Any]] = [
        {
            "number": invoice.number,
            "kind": invoice.kind,
            "issued_on": invoice.issued_on,
            "purchase": invoice.purchase.reference,
            "corrects": invoice.corrects.number if invoice.corrects else None,
            "net_cents": invoice.net_cents,
            "vat_cents": invoice.vat_cents,
            "gross_cents": invoice.gross_cents,
            "currency": invoice.currency,
        }
        for invoice in queries.invoices(organisation_named(org))
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ["number", "date", "purchase", "net", "VAT", "gross", "corrects"],
        [
            [
                row["number"],
                row["issued_on"],
                row["purchase"],
                *(Money(row[f"{name}_cents"], row["currency"]) for name in ("net", "vat", "gross")),
                row["corrects"],
            ]
            for row in rows
        ],
        right=["net", "VAT", "gross"],
    )


@invoices_app.command("export")
def invoices_export(
    number: Annotated[str | None, typer.Argument(help="INV-2026-000001; all of them if left out.")] = None,
    purchase: Annotated[str | None, typer.Option(help="Only those of this purchase.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = Path(),
    xml: Annotated[bool, typer.Option("--xml", help="EN 16931 XML (CII) instead of PDF.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Write invoices to files: PDF with the XML inside (Factur-X, ZUGFeRD), or the XML alone."""
    organisation = organisation_named(org)
    found = (
        [queries.invoice(organisation, number)] if number else list(queries.invoices(organisation, purchase=purchase))
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for invoice in found:
        target = folder / f"{invoice.number}.{'xml' if xml else 'pdf'}"
        target.write_bytes(invoice_xml(invoice) if xml else invoice_pdf(invoice))
        written.append(target)
    if json:
        print_json({"files": written})
    else:
        say("\n".join(str(target) for target in written) or "There are no invoices yet.")


# --- top-up


def _watch(organisation: Any) -> dict[str, Any]:
    found = CreditWatch.objects.filter(organisation=organisation).first() or CreditWatch(organisation=organisation)
    return {
        "notice_below": found.notice_below,
        "top_up_below": found.top_up_below,
        "package": found.top_up_package if found.top_up_below else None,
        "monthly_limit_cents": found.monthly_limit_cents if found.top_up_below else None,
        "gateway": found.gateway if found.top_up_below else None,
        "failures": found.failures,
        "stopped_at": found.stopped_at,
        "stopped_why": found.stopped_why or None,
    }


@topup_app.command("show")
def topup_show(org: OrgOption = None, json: JsonOption = False) -> None:
    """What happens when credits run low."""
    found = _watch(organisation_named(org))
    if json:
        print_json(found)
        return
    say(f"Notice below {found['notice_below']} credits." if found["notice_below"] else "No low-balance notice.")
    if not found["top_up_below"]:
        say("No automatic top-up.")
        return
    limit = Money(found["monthly_limit_cents"])
    say(
        f"Below {found['top_up_below']} credits: package {found['package']} by {found['gateway']}, at most {limit} net a month."
    )
    if found["stopped_at"]:
        say(f"STOPPED: {found['stopped_why']}")


@topup_app.command("set")
def topup_set(
    below: Annotated[int, typer.Option(help="Buy when fewer credits are available.")],
    package: Annotated[str, typer.Option(help="What to buy.")],
    limit: Annotated[str, typer.Option(help="At most so many EUR (net) in a calendar month.")],
    payment_method: Annotated[str, typer.Option(help="The provider's name for a payment method; it is kept there.")],
    gateway: Annotated[str, typer.Option()] = "stripe",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Opt in to the automatic top-up: announced by mail, one at a time, stopped after failures."""
    organisation = organisation_named(org)
    topups.set_top_up(
        organisation=organisation,
        below=below,
        package=package,
        monthly_limit=money_from(limit),
        gateway=gateway,
        payment_method=payment_method,
        who=actor(),
        now=utc_now(),
    )
    topup_show(organisation.slug, json)


@topup_app.command("off")
def topup_off(org: OrgOption = None, json: JsonOption = False) -> None:
    """No automatic top-up any more."""
    organisation = organisation_named(org)
    topups.turn_off_top_up(organisation=organisation, who=actor(), now=utc_now())
    topup_show(organisation.slug, json)


@topup_app.command("notice")
def topup_notice(
    below: Annotated[int, typer.Argument(help="Mail me below so many credits; 0: never.")],
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """The low-balance notice."""
    organisation = organisation_named(org)
    topups.set_low_balance_notice(organisation=organisation, below=below, who=actor(), now=utc_now())
    topup_show(organisation.slug, json)


# --- for operators


@billing_app.command("sweep")
def sweep(json: JsonOption = False) -> None:
    """All that is due by the clock: grants, renewals, lapsed orders, lost webhooks, top-ups, mails. Run it every few minutes."""
    report = run_sweep(now=utc_now())
    if json:
        print_json(report)
    else:
        for name, result in report.items():
            say(f"{name.replace('_', ' ')}: {_in_words(result)}")
    if None in report.values():
        raise typer.Exit(1)


def _in_words(result: Any) -> str:
    if result is None:
        return "failed, see the log"
    counts = jsonable(result)
    return ", ".join(f"{count} {name}" for name, count in counts.items()) if isinstance(counts, dict) else str(counts)


@billing_app.command("audit")
def audit(json: JsonOption = False) -> None:
    """For operators: do purchases, payments, invoices and the ledger's lots fit together? Exits with 1 if not."""
    report = billing_audit()
    if json:
        print_json({**jsonable(report), "clean": report.clean})
    else:
        for finding in report.findings:
            say(f"BROKEN: {finding.what}: {finding.where} {finding.details}")
        say(f"{'Clean' if report.clean else 'NOT clean'}: {report.purchases} purchases, {report.invoices} invoices.")
    if not report.clean:
        raise typer.Exit(1)


@billing_app.command("month-close")
def month_close_command(
    month: Annotated[str, typer.Argument(help="For example 2026-11.")], json: JsonOption = False
) -> None:
    """For operators: revenue recognised and deferred, received and refunded, invoices and VAT of a month."""
    year, _, number = month.partition("-")
    if not (year.isdigit() and number.isdigit() and 2000 <= int(year) <= 2200 and 1 <= int(number) <= 12):
        raise Invalid(f"{month!r} is no month. Write it like 2026-11.", code="invalid_month")
    close = month_close(int(year), int(number), zone=seller().zone)
    if json:
        movements = {
            name: {**jsonable(movement), "difference": movement.difference}
            for name, movement in (("packages", close.packages), ("tiers", close.tiers), ("total", close.total))
        }
        print_json({**jsonable(close), **movements})
        return
    rows: list[tuple[str, Movement]] = [("packages", close.packages), ("tiers", close.tiers), ("total", close.total)]
    print_table(
        ["net", "deferred before", "received", "refunded", "recognised", "deferred after", "difference"],
        [[n, m.deferred_before, m.received, m.refunded, m.recognised, m.deferred_after, m.difference] for n, m in rows],
        right=["deferred before", "received", "refunded", "recognised", "deferred after", "difference"],
        title=f"Month close {month}",
    )
    say(f"Cash received {close.cash_received} (surplus {close.cash_surplus}), paid back {close.cash_paid_back}")
    say(
        f"Invoiced {close.invoiced}, credited {close.credited}, VAT {close.vat}; owed by customers {close.owed_by_customers}"
    )
