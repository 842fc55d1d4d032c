"""`otai billing tier`: show, change, cancel."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.previews import preview_tier
from otai.cli.actor import actor
from otai.cli.billing.arguments import CouponOption, PreviewOption, Why, at_in_words
from otai.cli.billing.purchases import purchase_row, say_how_to_pay, show_preview
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, say
from otai.db import utc_now
from otai.pricing.price_book import Term, Tier
from otai.units import Money

app = typer.Typer(help="The tier: show, change, cancel.", no_args_is_help=True)


def _tier(organisation: Any) -> dict[str, Any]:
    found = queries.subscription_of(organisation)
    terms = queries.price_book().tiers[Tier(found.tier)]
    return {
        "organisation": organisation.slug,
        "tier": found.tier,
        "status": found.status,
        "monthly_price_cents": terms.monthly_price.cents,
        "currency": terms.monthly_price.currency,
        "annual_price_cents": terms.annual_price.cents if terms.annual_price else None,
        "monthly_credits": terms.monthly_credits,
        "next_grant_at": found.next_grant_at,
        "paid_until_at": found.paid_until_at,
        "grace_until_at": found.grace_until_at,
        "next_tier": found.next_tier,
        "renewal_term": found.renewal_term,
    }


@app.command("show")
def tier_show(org: OrgOption = None, json: JsonOption = False) -> None:
    """The tier in force, what it costs and brings, and what comes next."""
    organisation = organisation_named(org)
    shown = _tier(organisation)
    if json:
        print_json(shown)
        return
    price = (
        f"{Money(shown['monthly_price_cents'], shown['currency'])} a month, net"
        if shown["monthly_price_cents"]
        else "no monthly price"
    )
    say(f"{organisation.name}: {Tier(shown['tier']).title} ({shown['status']}), {price}")
    say(
        f"  {shown['monthly_credits']} credits a month, the next on {at_in_words(shown['next_grant_at'], organisation)}"
    )
    if shown["annual_price_cents"]:
        say(f"  {Money(shown['annual_price_cents'], shown['currency'])} a year, net, where it is paid by the year")
    if shown["paid_until_at"]:
        say(f"  paid until {at_in_words(shown['paid_until_at'], organisation)}, renewed by the {shown['renewal_term']}")
    if shown["grace_until_at"]:
        say(f"  not paid: falls back to Community on {at_in_words(shown['grace_until_at'], organisation)}")
    if shown["next_tier"]:
        say(f"  {Tier(shown['next_tier']).title} after that")


@app.command("change")
def tier_change(
    tier: Annotated[Tier, typer.Argument(help="The tier to change to.")],
    term: Annotated[Term | None, typer.Option(help="Paid by the month or the year; as it is now if left out.")] = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="A year of the tier in force begins now, not when the month ends.")
    ] = False,
    gateway: Annotated[str, typer.Option(help="How to pay; the default one if left out.")] = "",
    payment_method: Annotated[str, typer.Option(help="The provider's name for a payment method.")] = "",
    coupon: CouponOption = "",
    preview: PreviewOption = False,
    why: Why = "",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """A higher tier begins when its first month or year is paid, a lower one when the paid period ends."""
    organisation = organisation_named(org)
    if preview:
        show_preview(preview_tier(organisation, tier, term=term or Term.MONTH, coupon=coupon, now=utc_now()), json=json)
        return
    answer = billing.change_tier(
        organisation=organisation,
        tier=tier,
        term=term,
        at_once=at_once,
        who=actor(),
        why=why,
        now=utc_now(),
        gateway=gateway,
        payment_method=payment_method,
        coupon=coupon,
    )
    _show_tier_answer(answer, organisation, tier, json=json)


@app.command("cancel")
def tier_cancel(why: Why = "", org: OrgOption = None, json: JsonOption = False) -> None:
    """Back to Community when the paid period ends. Credits stay."""
    organisation = organisation_named(org)
    answer = billing.cancel_tier(organisation=organisation, who=actor(), why=why, now=utc_now())
    _show_tier_answer(answer, organisation, Tier.COMMUNITY, json=json)


def _show_tier_answer(answer: Any, organisation: Any, tier: Tier, *, json: bool) -> None:
    purchase = purchase_row(answer.purchase) if answer.purchase else None
    if json:
        print_json(
            {
                **_tier(organisation),
                "term": answer.term,
                "in_force": answer.in_force,
                "from_at": answer.from_at,
                "purchase": purchase,
            }
        )
    elif answer.in_force:
        say(f"{organisation.name} is in {tier.title} now.")
    elif answer.purchase:
        say(f"{tier.title}, one {answer.term}, begins when it is paid.")
        say_how_to_pay(answer.purchase)
    else:
        paid = "" if answer.subscription.next_tier == Tier.COMMUNITY else f", paid by the {answer.term},"
        say(f"{tier.title}{paid} begins on {at_in_words(answer.from_at, organisation)}.")
