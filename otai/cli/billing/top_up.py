"""`otai billing topup`: what happens when credits run low."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otai.billing import queries
from otai.billing.models import CreditWatch
from otai.billing.operations import topups
from otai.cli.actor import actor
from otai.cli.billing.arguments import money_from
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, say
from otai.cli.typed import TYPED
from otai.db import utc_now
from otai.units import Money

app = typer.Typer(help="Automatic top-up and low-balance notice.", no_args_is_help=True)


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
        "stopped_why": found.why_stopped or None,
    }


@app.command("show")
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
    limit = Money(found["monthly_limit_cents"], queries.currency())
    say(
        f"Below {found['top_up_below']} credits: package {found['package']} by {found['gateway']}, at most {limit} net "
        "a month."
    )
    if found["stopped_at"]:
        say(f"STOPPED: {found['stopped_why']}")


@app.command("set")
def topup_set(
    below: Annotated[int, typer.Option(**TYPED, help="Buy when fewer credits are available.")],
    package: Annotated[str, typer.Option(help="What to buy.")],
    limit: Annotated[str, typer.Option(help="At most so much, net, in a calendar month: 300 or 300.00.")],
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
        monthly_limit=money_from(limit, currency=queries.currency()),
        gateway=gateway,
        payment_method=payment_method,
        who=actor(),
        now=utc_now(),
    )
    topup_show(organisation.slug, json)


@app.command("off")
def topup_off(org: OrgOption = None, json: JsonOption = False) -> None:
    """No automatic top-up any more."""
    organisation = organisation_named(org)
    topups.turn_off_top_up(organisation=organisation, who=actor(), now=utc_now())
    topup_show(organisation.slug, json)


@app.command("notice")
def topup_notice(
    below: Annotated[int, typer.Argument(**TYPED, help="Mail me below so many credits; 0: never.")],
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """The low-balance notice."""
    organisation = organisation_named(org)
    topups.set_low_balance_notice(organisation=organisation, below=below, who=actor(), now=utc_now())
    topup_show(organisation.slug, json)
