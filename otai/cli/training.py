"""`otai quote` and `otai train`: what a training costs, and ordering one."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from otai.billing import queries as billing
from otai.cli.actor import actor
from otai.cli.output import JsonOption, OrgOption, console, organisation_named, print_json, print_table, say
from otai.cli.report_card import report_card_summary
from otai.cli.runs import run_as_dict
from otai.cli.setup import require_installation
from otai.db import utc_now
from otai.errors import Invalid
from otai.learning.progress import Stage
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs import expectations, operations, queries
from otai.runs.executors import Watch
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Quote, Reason, Run
from otai.runs.status import Status
from otai.runs.worker import Worker
from otai.serving.operations import register_completed_runs
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet

ModeOption = Annotated[Mode, typer.Option(help="Quality of the model.")]
DeliveryOption = Annotated[Delivery, typer.Option(help="How soon.")]


class WhatToPrice(Invalid):
    code = "nothing_to_price"


def quote(
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    attributes: Annotated[int | None, typer.Option(help="Number of attributes to predict.")] = None,
    data_set: Annotated[
        str | None, typer.Option("--data-set", help="Count the usable attributes of these tickets.")
    ] = None,
    tier: Annotated[Tier | None, typer.Option(help="Price for this tier instead of the organisation's.")] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """What a training costs, line by line, when it would be ready, and what would be cheaper. Orders nothing."""
    if (attributes is None) == (data_set is None):
        raise WhatToPrice("Say what to price: --attributes 7, or --data-set NAME to count those of your tickets.")
    organisation = None
    if data_set is not None:
        organisation = organisation_named(org)
        attributes = len(usable_attributes(tickets.data_set(organisation, data_set)))
    elif org is not None:
        organisation = organisation_named(org)
    assert attributes is not None
    book = billing.price_book()
    if tier is None and organisation is not None:
        tier = billing.tier_of(organisation)
    price = pricing.price(book, mode=mode, delivery=delivery, attributes=attributes)
    zone = organisation.zone if organisation else pricing.ZoneInfo("UTC")
    offers = pricing.matrix(book, tier=tier or Tier.ENTERPRISE, attributes=attributes, ordered_at=utc_now(), zone=zone)
    chosen = next(o for o in offers if o.price.mode is mode and o.price.delivery is delivery)
    savings = pricing.cheaper(book, price, tier=tier or Tier.ENTERPRISE)
    available = ledger.balance(organisation.id).available if organisation else None
    if json:
        print_json(
            {
                "mode": mode,
                "delivery": delivery,
                "attributes": attributes,
                "credits": price.credits,
                "exact": price.exact,
                "lines": price.lines,
                "price_book": price.price_book,
                "promise": chosen.promise,
                "due_at": chosen.due_at,
                "tier": tier,
                "available_in_tier": chosen.available if tier else None,
                "needs_tier": chosen.needs_tier or pricing.cheapest_tier_with(book, mode),
                "cheaper": savings,
                "balance": available,
            }
        )
        return
    say(f"{mode.title}, {delivery.title}, {_count(attributes, 'attribute')}: {_count(price.credits, 'credit')}")
    say(f"  {price.in_words}")
    say(f"  ready {chosen.promise}: by {chosen.due_at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key}) if ordered now")
    if not chosen.available and chosen.needs_tier:
        say(f"  {mode.title} needs {chosen.needs_tier.title}; this is the price for {(tier or Tier.ENTERPRISE).title}.")
    for saving in savings:
        say(f"  cheaper: {saving.what}: {_count(saving.credits, 'credit')}, saves {saving.saves}")
    if available is not None:
        say(f"  {available} credits available")
    print_table(
        ["", *(m.title for m in Mode)],
        [
            [
                delivery_row.title,
                *(
                    _cell(next(o for o in offers if o.price.mode is m and o.price.delivery is delivery_row))
                    for m in Mode
                ),
            ]
            for delivery_row in Delivery
        ],
        right=[m.title for m in Mode],
    )


def _cell(offer: pricing.Offer) -> str:
    if not offer.available and offer.needs_tier:
        return f"{offer.credits} ({offer.needs_tier.title} only)"
    return f"{offer.credits} ({offer.promise})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class NothingToTrain(Invalid):
    code = "label_too_rare"


def usable_attributes(data_set: DataSet) -> list[str]:
    """The attributes that are proposed and can be learned; raises NothingToTrain when there is none."""
    names = tickets.proposed_attributes(data_set)
    if not names:
        raise NothingToTrain(
            f"{data_set} has no attribute with at least two labels of 5 tickets each. See: otai tickets profile {data_set.name}"
        )
    return names


def train(
    data_set: Annotated[str, typer.Argument(help="Name of the imported tickets.")],
    attribute: Annotated[
        list[str] | None,
        typer.Option(
            "--attribute", "-a", help="Predict this attribute; repeat. Those proposed at the import if left out."
        ),
    ] = None,
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    model: Annotated[str | None, typer.Option(help="Name of the model; the data set's if left out.")] = None,
    reason: Annotated[Reason, typer.Option(help="Why you train.")] = Reason.NEW_MODEL,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Order without asking.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Order only; a worker trains it (otai worker).")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Quote, order and train: shows the price, asks, holds the credits, trains, and settles."""
    require_installation()
    organisation = organisation_named(org)
    chosen = tickets.data_set(organisation, data_set)
    offered = operations.make_quote(
        organisation=organisation,
        data_set=chosen,
        attributes=attribute or usable_attributes(chosen),
        mode=mode,
        delivery=delivery,
        model_name=model or chosen.name,
        reason=reason,
        now=utc_now(),
    )
    available = ledger.balance(organisation.id).available
    if not json:
        show_quote(offered, organisation, available)
    if not yes:
        if json or not sys.stdin.isatty():
            raise Invalid("Nobody is there to ask: pass --yes to order.", code="confirmation_missing")
        typer.confirm(f"Train for {_count(offered.credits, 'credit')}?", abort=True)
    run = operations.order_run(organisation=organisation, quote=offered.id, who=actor(), now=utc_now())
    if not json:
        say(f"Run {run.number} is ordered: {_count(run.credits, 'credit')} held, {available - run.credits} left.")
    if not detach:
        train_here(run, quiet=json)
        register_completed_runs(now=utc_now(), organisation=organisation)
    run = queries.run(organisation, run.number)
    show_end(run, detach=detach, json=json)


def show_quote(offered: Quote, organisation: Organisation, available: int) -> None:
    names = ", ".join(attribute["name"] for attribute in offered.attributes)
    say(f"Quote for {offered.model_name}: {_count(offered.credits, 'credit')}")
    say(f"  predicts {_count(len(offered.attributes), 'attribute')}: {names}")
    for line in offered.price_lines:
        say(f"  {line['what']}")
    due = offered.due_at.astimezone(organisation.zone)
    expires = offered.expires_at.astimezone(organisation.zone)
    say(f"  ready by {due:%Y-%m-%d %H:%M}; the quote stands until {expires:%H:%M} (price book {offered.price_book})")
    expected = expectations.for_quote(offered, now=utc_now())
    if expected is not None:
        begins = expected.starts_at.astimezone(organisation.zone)
        ready = expected.finishes_at.astimezone(organisation.zone)
        say(f"  expected to begin {begins:%Y-%m-%d %H:%M} and to be ready {ready:%Y-%m-%d %H:%M}")
    say(f"  after this: {available - offered.credits} of {available} credits")


def train_here(run: Run, *, quiet: bool) -> None:
    """This process works on the run until it has ended, unless another worker has it: then it watches."""
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=console, disable=quiet) as progress:
        bar = progress.add_task("waiting", total=None)

        def show(_run: Run, seen: Watch) -> None:
            # Fine-tuning takes minutes to hours and says how many are left.
            said = seen.log.rstrip().rpartition("\n")[2] if seen.stage == Stage.TUNING else ""
            progress.update(
                bar, description=said or seen.stage, completed=seen.steps_done, total=seen.steps_total or None
            )

        def has_ended() -> bool:
            run.refresh_from_db()
            if not run.has_ended:
                progress.update(
                    bar, description=run.stage or run.status, completed=run.steps_done, total=run.steps_total or None
                )
            return run.has_ended

        Worker(executor=LocalExecutor(), on_progress=show).work(until=has_ended, run=run.id)
        if run.status == Status.COMPLETED:
            progress.update(bar, description="done", completed=run.steps_total or 1, total=run.steps_total or 1)


def show_end(run: Run, *, detach: bool, json: bool) -> None:
    result: dict[str, Any] = run_as_dict(run)
    if run.status == Status.COMPLETED:
        version = run.version
        result |= {"version": version.number, "report_card": run.report_card}
        if not json:
            report_card_summary(run.report_card or {})
            say(f"Model {version} is ready: {_count(run.credits, 'credit')} spent.")
            say(f"  try it:    otai predict {version.model.name} 'My printer is on fire'")
            say(f"  take away: otai model export {version.model.name} .")
    elif not json:
        if run.has_ended:
            say(f"Run {run.number} {run.status}: {run.failure_message or 'cancelled'}")
            say(f"  {_count(run.credits, 'credit')} given back, nothing charged.")
        elif detach:
            say(f"  watch it: otai runs show {run.number}")
    if json:
        print_json(result)
    if run.has_ended and run.status != Status.COMPLETED:
        raise typer.Exit(8)
