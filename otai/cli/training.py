"""`otai quote` and `otai train`: what a training costs, and ordering one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from otai.billing import queries as billing
from otai.cli.actor import actor
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, say
from otai.cli.presenters import prices
from otai.cli.presenters import runs as presented
from otai.cli.presenters.data_sets import said_of_finding
from otai.cli.presenters.words import count
from otai.cli.runs import run_as_dict, shown
from otai.cli.setup import require_installation
from otai.db import utc_now
from otai.errors import Invalid
from otai.learning.progress import Stage
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs import expectations, operations, queries, readiness
from otai.runs.executors import Watch
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Quote, Reason, Run
from otai.runs.status import RunStatus
from otai.runs.worker import Worker
from otai.serving.operations import register_completed_runs
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.words.catalogue import say_fact
from otai.words.prices import price_lines

ModeOption = Annotated[Mode, typer.Option(help="Quality of the model.")]
DeliveryOption = Annotated[Delivery, typer.Option(help="How soon.")]


AcceptNoGain = Annotated[
    bool, typer.Option("--accept-no-gain", help="Order Maximum also where a trial lets expect no gain over Business.")
]

OrderAgain = Annotated[bool, typer.Option("--again", help="Order although just this was ordered within a day.")]


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
        raise WhatToPrice("what")
    organisation, warnings = None, list[str]()
    if data_set is not None:
        organisation = organisation_named(org)
        chosen_tickets = tickets.data_set(organisation, data_set)
        names = usable_attributes(chosen_tickets)
        attributes = len(names)
        warnings = _known_to_a_reader(chosen_tickets, names, mode=mode, json=json)
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
                "lines": price_lines(list(map(pricing.PriceLine.as_dict, price.lines))),
                "price_book": price.price_book,
                "promise": say_fact(chosen.promise),
                "due_at": chosen.due_at,
                "tier": tier,
                "available_in_tier": chosen.available if tier else None,
                "installed": readiness.is_installed(mode),
                "needs_tier": chosen.needs_tier or pricing.cheapest_tier_with(book, mode),
                "cheaper": list(map(pricing.Saving.as_dict, savings)),
                "balance": available,
                "warnings": warnings,
            }
        )
        return
    prices.show_price(
        {(offer.price.mode, offer.price.delivery): _shown(offer) for offer in offers},
        mode=mode,
        delivery=delivery,
        attributes=attributes,
        in_words=price.in_words,
        tier=tier or Tier.ENTERPRISE,
        cheaper=savings,
        balance=available,
        zone=zone,
    )
    for warning in warnings:
        say(f"! {warning}")


def _known_to_a_reader(data_set: DataSet, names: Sequence[str], *, mode: Mode, json: bool) -> list[str]:
    if is_asked(yes=False, json=json):
        try_quality(data_set)
    return known_before(data_set, names, mode=mode)


def _shown(offer: pricing.Offer) -> prices.Offer:
    needs = None if offer.available else offer.needs_tier
    is_installed = readiness.is_installed(offer.price.mode)
    return prices.Offer(
        offer.credits, say_fact(offer.promise), offer.due_at, needs_tier=needs, is_installed=is_installed
    )


class NothingToTrain(Invalid):
    code = "label_too_rare"


def usable_attributes(data_set: DataSet) -> list[str]:
    """The attributes that are proposed and can be learned; raises NothingToTrain when there is none."""
    names = tickets.proposed_attributes(data_set)
    if not names:
        raise NothingToTrain("nothing_to_train", data_set=data_set, name=data_set.name)
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
    accept_no_gain: AcceptNoGain = False,
    again: OrderAgain = False,
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
    # After the quote: what cannot be ordered at all is refused before time is spent on it.
    if mode is Mode.MAXIMUM and not accept_no_gain:
        try_maximum(chosen, quiet=json)
    elif is_asked(yes=yes, json=json):
        try_quality(chosen)
    available = ledger.balance(organisation.id).available
    if not json:
        show_quote(offered, organisation, available)
    if not yes:
        if not is_asked(yes=yes, json=json):
            raise Invalid("order", code="confirmation_missing")
        # The quote has shown what is expected: whoever says yes to it knows.
        accept_no_gain = typer.confirm(f"Train for {count(offered.credits, 'credit')}?", abort=True)
    run = operations.order_run(
        organisation=organisation,
        quote=offered.id,
        who=actor(),
        now=utc_now(),
        knows_no_gain=accept_no_gain,
        refuses_equal=not again,
    )
    if not json:
        presented.show_ordered(shown(run), left=available - run.credits)
    waits = run.status == RunStatus.AWAITING_APPROVAL
    if waits and not json:
        presented.show_waits(shown(run))
    if not detach and not waits:
        train_here(run, quiet=json)
        register_completed_runs(now=utc_now(), organisation=organisation)
    run = queries.run(organisation, run.number)
    show_end(run, detach=detach or waits, json=json)


def try_maximum(data_set: DataSet, *, quiet: bool) -> None:
    """Tries on some of the tickets what Maximum gains over Business, if nobody has. Where it comes to nothing, nobody
    knows: that keeps nobody from training."""
    from otai.jobs import operations as jobs
    from otai.tickets import expected_quality
    from otai.tickets import jobs as tickets_jobs

    if expected_quality.stored(data_set) is None:
        jobs.wait(tickets_jobs.ask_for_expected_quality(data_set=data_set, who=actor(), now=utc_now()), seconds=None)
    if (trial := tickets_jobs.ask_for_maximum_trial(data_set=data_set, who=actor(), now=utc_now())) is not None:
        if not quiet:
            say("Trying on some of these tickets what Maximum gains: a minute or two ...")
        jobs.wait(trial, seconds=None)


def is_asked(*, yes: bool, json: bool) -> bool:
    """Whether somebody at a terminal is about to be asked: seconds are spent on what they should know."""
    return not yes and not json and sys.stdin.isatty()


def try_quality(data_set: DataSet) -> None:
    """Tries on some of the tickets what to expect, if nobody has: a few seconds, once for each version. Where it comes
    to nothing, nobody knows: that keeps nobody from training."""
    from otai.jobs import operations as jobs
    from otai.tickets import expected_quality
    from otai.tickets import jobs as tickets_jobs

    if expected_quality.stored(data_set) is None:
        say("Trying on some of these tickets what to expect: a few seconds ...")
        jobs.wait(tickets_jobs.ask_for_expected_quality(data_set=data_set, who=actor(), now=utc_now()), seconds=None)


def known_before(data_set: DataSet, names: Sequence[str], *, mode: Mode) -> list[str]:
    """What is to be known before a training of these attributes is ordered, in sentences."""
    from otai.tickets import expected_quality

    found = (
        *tickets.leaks(data_set, names),
        *tickets.personal_labels(data_set, names),
        *expected_quality.warnings(data_set, names, mode=mode),
    )
    return [said_of_finding(one) for one in found]


def show_quote(offered: Quote, organisation: Organisation, available: int) -> None:
    """Prints a quote with what the queue lets expect and the credits that are left."""
    expected = expectations.for_quote(offered, now=utc_now())
    names = [attribute["name"] for attribute in offered.attributes]
    prices.show_quote(
        prices.Quote(
            model=offered.model_name,
            attributes=names,
            credits=offered.credits,
            lines=price_lines(offered.price_lines),
            price_book=offered.price_book,
            due_at=offered.due_at,
            expires_at=offered.expires_at,
            begins_at=expected.starts_at if expected else None,
            ready_at=expected.finishes_at if expected else None,
            balance=available,
            warnings=known_before(offered.data_set, names, mode=Mode(offered.mode)),
        ),
        zone=organisation.zone,
    )


def train_here(run: Run, *, quiet: bool) -> None:
    """This process works on the run until it has ended, unless another worker has it: then it watches."""
    with presented.training_bar(quiet=quiet) as progress:
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
        if run.status == RunStatus.COMPLETED:
            progress.update(bar, description="done", completed=run.steps_total or 1, total=run.steps_total or 1)


def show_end(run: Run, *, detach: bool, json: bool) -> None:
    """Prints how a run ended, for people or as JSON, and sets the exit code."""
    result: dict[str, Any] = run_as_dict(run)
    if run.status == RunStatus.COMPLETED:
        version = run.version
        result |= {"version": version.number, "report_card": run.report_card}
        if not json:
            presented.show_completed(shown(run), run.report_card or {}, version=str(version))
    elif not json:
        presented.show_not_completed(shown(run), watch="show" if detach else "")
    if json:
        print_json(result)
    presented.exit_unless_completed(shown(run))
