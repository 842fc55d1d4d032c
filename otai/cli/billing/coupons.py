"""`otai billing coupons`: for operators."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.models import CouponFor, OperatorRequest
from otai.billing.operations import second_operator
from otai.billing.operations.coupons import CouponTerms, uses
from otai.billing.operations.coupons import coupons as all_coupons
from otai.billing.seller import seller
from otai.cli.actor import actor
from otai.cli.billing.arguments import Why, money_from
from otai.cli.billing.refunds import say_it_waits
from otai.cli.output import JsonOption, print_json, print_table, say
from otai.cli.typed import TYPED
from otai.db import utc_now
from otai.units import Money

app = typer.Typer(help="Coupons: list, make, withdraw.", no_args_is_help=True)
CodeArgument = Annotated[str, typer.Argument(help="For example WELCOME-2027.")]


@app.command("list")
def list_coupons(json: JsonOption = False) -> None:
    """All coupons, with how often each was used."""
    rows: list[dict[str, Any]] = [
        {
            "code": coupon.code,
            "for": coupon.what,
            "percent": coupon.percent,
            "amount_cents": coupon.amount_cents,
            "currency": coupon.currency,
            "valid_from_at": coupon.valid_from_at,
            "valid_until_at": coupon.valid_until_at,
            "used": uses(coupon).count(),
            "most_uses": coupon.most_uses,
            "once_each": coupon.once_each,
            "first_purchase_only": coupon.first_purchase_only,
            "withdrawn_at": coupon.withdrawn_at,
        }
        for coupon in all_coupons()
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ["code", "for", "takes off", "used", "until", "state"],
        [
            [
                row["code"],
                row["for"],
                f"{row['percent']} %" if row["percent"] else Money(row["amount_cents"], row["currency"]),
                row["used"] if row["most_uses"] is None else f"{row['used']} of {row['most_uses']}",
                f"{row['valid_until_at'].astimezone(seller().zone):%Y-%m-%d}" if row["valid_until_at"] else "",
                "withdrawn" if row["withdrawn_at"] else "",
            ]
            for row in rows
        ],
        right=["used"],
    )


@app.command("make")
def make(
    code: CodeArgument,
    why: Why,
    percent: Annotated[int | None, typer.Option(**TYPED, help="What it takes off: 1 to 99.")] = None,
    amount: Annotated[str, typer.Option(help="Or an amount, net, in the price book's currency: 50 or 50.00.")] = "",
    what: Annotated[CouponFor, typer.Option("--for", help="What it is for.")] = CouponFor.PACKAGE,
    begins: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Good from this day on.")] = None,
    last_day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Good until this day's end.")] = None,
    most_uses: Annotated[int | None, typer.Option(**TYPED, help="Of all organisations together.")] = None,
    many_each: Annotated[bool, typer.Option("--many-each", help="Each organisation may use it again.")] = False,
    first_purchase: Annotated[bool, typer.Option("--first-purchase", help="For who has bought nothing yet.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a coupon. Its terms never change: withdraw it, and make another."""
    now = utc_now()
    terms = CouponTerms(
        what=what,
        percent=percent,
        amount=money_from(amount, currency=queries.currency()) if amount else None,
        valid_from_at=begins.replace(tzinfo=seller().zone) if begins else now,
        valid_until_at=(last_day + timedelta(days=1)).replace(tzinfo=seller().zone) if last_day else None,
        most_uses=most_uses,
        once_each=not many_each,
        first_purchase_only=first_purchase,
    )
    coupon = second_operator.coupon(code=code, terms=terms, who=actor(), why=why, now=now)
    if isinstance(coupon, OperatorRequest):
        say_it_waits(coupon, json=json)
        return
    if json:
        print_json(
            {"code": coupon.code, "valid_from_at": coupon.valid_from_at, "valid_until_at": coupon.valid_until_at}
        )
    else:
        say(f"The coupon {coupon.code} can be used now.")


@app.command("withdraw")
def withdraw(code: CodeArgument, why: Why) -> None:
    """Nothing is ordered with a coupon any more; what was ordered stays."""
    coupon = billing.withdraw_coupon(code=code, who=actor(), why=why, now=utc_now())
    say(f"The coupon {coupon.code} is withdrawn.")
