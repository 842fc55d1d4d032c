"""For operators: the sweep by the clock, the audit, the month's close."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otai.billing import price_books
from otai.billing.accountant.closing import currencies
from otai.billing.audit import audit as billing_audit
from otai.billing.models import OperatorRequest
from otai.billing.months import Month
from otai.billing.operations import second_operator
from otai.billing.operations.sweep import sweep as run_sweep
from otai.billing.package_months import Movement, package_months
from otai.billing.revenue import MonthClose, month_close
from otai.billing.seller import seller
from otai.cli.actor import actor
from otai.cli.billing.arguments import Why
from otai.cli.billing.refunds import say_it_waits
from otai.cli.output import JsonOption, jsonable, print_json, print_table, say
from otai.db import utc_now
from otai.errors import Invalid
from otai.pricing.published import as_published
from otai.units import Money


def sweep(json: JsonOption = False) -> None:
    """All that is due by the clock: grants, renewals, lapsed orders, lost webhooks, top-ups, mails. Run it every few
    minutes."""
    report = run_sweep(now=utc_now())
    if json:
        print_json(report)
    else:
        for name, result in report.items():
            say(f"{name}: {_in_words(result)}")
    if None in report.values():
        raise typer.Exit(1)


def _in_words(result: Any) -> str:
    if result is None:
        return "failed, see the log"
    counts = jsonable(result)
    return ", ".join(f"{count} {name}" for name, count in counts.items()) if isinstance(counts, dict) else str(counts)


def _price(written: dict[str, Any] | None) -> str:
    return str(Money(**written)) if written else "-"


def price_book(
    version: Annotated[str, typer.Argument(help="As quotes and purchases name it, for example 2026-11.")] = "",
    json: JsonOption = False,
) -> None:
    """The price book in force, or the one that an old quote was priced by: every number with its reason."""
    in_force = price_books.price_book()
    book = as_published(price_books.book_named(version or in_force.version))
    if json:
        print_json(book)
        return
    say(f"Price book {book['version']}, in force from {book['effective_on']} on")
    for later in price_books.to_come(utc_now()):
        say(f"To come: {later.version}, from {later.effective_on} on")
    print_table(
        ["mode and delivery", "credits", "why"],
        [[name, of["credits"], of["reason"]] for name, of in book["base_prices"].items()],
        right=["credits"],
    )
    print_table(
        ["attributes", "times", "why"],
        [[f"{band['first']}-{band['last']}", band["multiplier"], band["reason"]] for band in book["bands"]],
        right=["times"],
    )
    print_table(
        ["tier", "initial", "monthly", "modes", "why"],
        [
            [name, of["initial_credits"], of["monthly_credits"], ", ".join(of["modes"]), of["reason"]]
            for name, of in book["tiers"].items()
        ],
        right=["initial", "monthly"],
    )
    print_table(
        ["tier", "a month, net", "why", "a year, net", "why a year"],
        [
            [name, _price(of["monthly_price"]), of["price_reason"], _price(annual), of.get("annual_price_reason", "")]
            for name, of in book["tiers"].items()
            for annual in [of.get("annual_price")]
        ],
        right=["a month, net", "a year, net"],
    )


def schedule_price_book(
    file: Annotated[
        Path, typer.Argument(help="JSON as `otai billing price-book --json` writes it, with a new version.")
    ],
    why: Why = "new prices",
    json: JsonOption = False,
) -> None:
    """For operators: keep a price book that comes into force at its `effective_on`, without a deployment."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("file", file=file, error=error, code="file_unreadable") from None
    book = second_operator.price_book(text=text, who=actor(), why=why, now=utc_now())
    if isinstance(book, OperatorRequest):
        say_it_waits(book, json=json)
    elif json:
        print_json({"version": book.version, "effective_on": book.effective_on})
    else:
        say(f"Price book {book.version} comes into force on {book.effective_on}.")


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


def month_close_command(
    month: Annotated[str, typer.Argument(help="For example 2026-11.")], json: JsonOption = False
) -> None:
    """For operators: revenue recognised and deferred, received and refunded, invoices and VAT of a month, in each
    currency. With --json the other currencies stand in `others`."""
    asked = Month.parse(month)
    zone = seller().zone
    of_packages = package_months(zone)
    ours = price_books.price_book().packages[0].price.currency
    first, *others = (
        month_close(asked.year, asked.number, zone=zone, currency=currency, of_packages=of_packages)
        for currency in [ours, *(one for one in currencies() if one != ours)]
    )
    if json:
        print_json({**_close_as_json(first), "others": [_close_as_json(other) for other in others]})
        return
    for close in (first, *others):
        _print_close(close, f"Month close {month}" + (f", {close.total.received.currency}" if others else ""))


def _close_as_json(close: MonthClose) -> dict[str, Any]:
    movements = {
        name: {**jsonable(movement), "difference": movement.difference} for name, movement in _movements(close)
    }
    return {**jsonable(close), **movements}


def _movements(close: MonthClose) -> list[tuple[str, Movement]]:
    return [("packages", close.packages), ("tiers", close.tiers), ("total", close.total)]


def _print_close(close: MonthClose, title: str) -> None:
    print_table(
        ["net", "deferred before", "received", "refunded", "recognised", "deferred after", "difference"],
        [
            [n, m.deferred_before, m.received, m.refunded, m.recognised, m.deferred_after, m.difference]
            for n, m in _movements(close)
        ],
        right=["deferred before", "received", "refunded", "recognised", "deferred after", "difference"],
        title=title,
    )
    say(f"Cash received {close.cash_received} (surplus {close.cash_surplus}), paid back {close.cash_paid_back}")
    say(
        f"Invoiced {close.invoiced}, credited {close.credited}, written off {close.written_off}, VAT {close.vat}; "
        f"owed by customers {close.owed_by_customers}"
    )
