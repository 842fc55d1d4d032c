"""Order a training at the Studio elsewhere, and watch it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer

from otai.cli.output import JsonOption
from otai.cli.presenters import prices, runs
from otai.cli.presenters.words import count
from otai.cli.remote.prices import quote_shown
from otai.cli.remote.runs import ended, shown, watched
from otai.cli.remote.signing_in import studio
from otai.cli.tickets import AttributeOption
from otai.cli.training import AcceptNoGain, DeliveryOption, ModeOption, OrderAgain
from otai.errors import Invalid, OtaiError
from otai.pricing.price_book import Delivery, Mode
from otai.runs.status import RunStatus


def train(
    data_set: Annotated[str, typer.Argument(help="Name of the imported tickets.")],
    attribute: AttributeOption = None,
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    model: Annotated[str | None, typer.Option(help="Name of the model; the data set's if left out.")] = None,
    reason: Annotated[
        str, typer.Option(help="Why you train: new_model, labels_changed, drift, new_language.")
    ] = "new_model",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Order without asking.")] = False,
    accept_no_gain: AcceptNoGain = False,
    again: OrderAgain = False,
    detach: Annotated[bool, typer.Option("--detach", help="Order only, and do not wait.")] = False,
    json: JsonOption = False,
) -> None:
    """Quote, order and watch: shows the price, asks, and follows the training to its end."""
    with studio() as there:
        chosen = there.data_set(data_set).id
        # A trial takes seconds, of Maximum minutes: for who is about to be asked, or orders Maximum.
        is_maximum = mode is Mode.MAXIMUM and not accept_no_gain
        if is_maximum or (not yes and not json and sys.stdin.isatty()):
            # Where a trial comes to nothing, nobody knows: that keeps nobody from training.
            with suppress(OtaiError):
                there.expected_quality(chosen, maximum=is_maximum)
        offered = there.quote(
            chosen,
            attributes=attribute,
            mode=mode.value,
            delivery=delivery.value,
            model=model,
            reason=reason,
        )
        if not json:
            prices.show_quote(quote_shown(offered), zone=None)
        if not yes:
            if json or not sys.stdin.isatty():
                raise Invalid("order", code="confirmation_missing")
            # The quote has shown what is expected: whoever says yes to it knows.
            accept_no_gain = typer.confirm(f"Train for {count(offered.credits, 'credit')}?", abort=True)
        run = there.order(offered.id, accept_no_gain=accept_no_gain, again=again)
        if not json:
            runs.show_ordered(shown(run), left=offered.balance_after)
        waits = run.status == RunStatus.AWAITING_APPROVAL
        if waits and not json:
            runs.show_waits(shown(run))
        if not detach and not waits:
            run = watched(there, run, quiet=json)
        ended(there, run, json=json, detached=detach or waits)
