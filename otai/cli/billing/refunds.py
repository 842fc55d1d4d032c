"""Payment refunds and goodwill: what operators give back, and give."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from otai.billing import operations as billing
from otai.billing.models import OperatorRequest
from otai.billing.operations import second_operator
from otai.cli.actor import actor
from otai.cli.billing.arguments import KeyOption, Why
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, say
from otai.cli.typed import TYPED
from otai.db import new_id, utc_now
from otai.units import Money
from otai.words.catalogue import say_actor_to_programs


def refund_payment(
    reference: Annotated[str, typer.Argument(help="The purchase whose unused credits are paid back.")],
    why: Why,
    credits: Annotated[int | None, typer.Option(**TYPED, help="How many; all that are unused if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """For operators: pay unused credits back, pro rata at the price paid, once, with a credit note."""
    refunds = billing.refund_payment(reference=reference, who=actor(), why=why, now=utc_now(), credits=credits)
    if json:
        # The first payment's, and beside it those of all payments that the money goes back over.
        print_json({**_as_json(refunds[0]), "refunds": [_as_json(refund) for refund in refunds]})
        return
    for refund in refunds:
        _show_refund(refund, json=False)


def return_surplus(payment: Annotated[UUID, typer.Argument()], why: Why, json: JsonOption = False) -> None:
    """For operators: send back what came beyond what was asked for."""
    _show_refund(billing.return_surplus(payment=payment, who=actor(), why=why, now=utc_now()), json=json)


def write_off(reversal: Annotated[UUID, typer.Argument()], why: Why, json: JsonOption = False) -> None:
    """For operators: what a reversal leaves owed will not be paid; its VAT is corrected this month."""
    lost = billing.write_off_owed(reversal=reversal, who=actor(), why=why, now=utc_now())
    if json:
        names = ("net_cents", "vat_cents", "gross_cents", "currency")
        print_json({name: getattr(lost, name) for name in names})
    else:
        amount, vat = Money(lost.gross_cents, lost.currency), Money(lost.vat_cents, lost.currency)
        say(f"{amount} are written off, {vat} of it VAT.")


def confirm_refund(refund: Annotated[UUID, typer.Argument()], why: Why, json: JsonOption = False) -> None:
    """For operators: the bank transfer of a payment refund was made."""
    _show_refund(billing.confirm_refund(refund=refund, who=actor(), why=why, now=utc_now()), json=json)


def _show_refund(refund: Any, *, json: bool) -> None:
    if json:
        print_json(_as_json(refund))
        return
    what = "surplus" if refund.kind == "surplus" else f"{refund.credits} unused credits"
    say(f"{Money(refund.gross_cents, refund.currency)} for {what}: {refund.state} ({refund.gateway})")
    if refund.state == "sent" and refund.gateway == "bank_transfer":
        say(f"  Make the transfer, then: otai billing confirm-refund {refund.id} --why ...")


def _as_json(refund: Any) -> dict[str, Any]:
    return {
        "refund": refund.id,
        "kind": refund.kind,
        "state": refund.state,
        "credits": refund.credits,
        "net_cents": refund.net_cents,
        "vat_cents": refund.vat_cents,
        "gross_cents": refund.gross_cents,
        "currency": refund.currency,
    }


def say_it_waits(request: OperatorRequest, *, json: bool) -> None:
    """What one operator may not do alone waits for another."""
    if json:
        print_json({"request": request.id, "state": request.state})
    else:
        say(f"It waits for a second operator: otai billing approve {request.id} --why ...")


def approve(
    request: Annotated[UUID, typer.Argument(help="What waits, as the command that asked for it said.")],
    why: Why,
    decline: Annotated[bool, typer.Option("--decline", help="Do not do it.")] = False,
    json: JsonOption = False,
) -> None:
    """For operators: do what another one asked for and may not do alone, or decline it."""
    decide = second_operator.decline if decline else second_operator.approve
    found = decide(request=request, who=actor(), why=why, now=utc_now())
    if json:
        print_json({"request": found.id, "state": found.state})
    else:
        asked_by = say_actor_to_programs(found.asked_by)
        say(f"{found.get_state_display()}: {found.get_kind_display()}, asked for by {asked_by}.")


def goodwill(
    credits: Annotated[int, typer.Argument(**TYPED, help="How many credits.")],
    why: Why,
    key: KeyOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: give credits, with a reason the customer reads in the statement."""
    organisation = organisation_named(org)
    made = second_operator.goodwill(
        organisation=organisation, credits=credits, who=actor(), why=why, key=key or str(new_id()), now=utc_now()
    )
    if isinstance(made, OperatorRequest):
        say_it_waits(made, json=json)
        return
    if json:
        print_json({"credits": made.credits, "available": made.available_after, "replayed": made.replayed})
    else:
        say(f"{made.credits} credits given to {organisation.name}; {made.available_after} are available.")
