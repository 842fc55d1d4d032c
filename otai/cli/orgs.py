"""`otai org`, `otai balance` and `otai statement`: who the customers are, and what became of their credits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from otai.billing import operations as billing_operations
from otai.billing import queries as billing
from otai.cli.actor import actor
from otai.cli.billing.arguments import Why
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.presenters import credits
from otai.cli.typed import TYPED
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.proof import statement_proof
from otai.orgs import queries as orgs
from otai.orgs import quotas
from otai.pricing.price_book import Tier

app = typer.Typer(help="Organisations: create, list, show.", no_args_is_help=True)


@app.command("create")
def create(
    slug: Annotated[str, typer.Argument(help="Short name, for example: acme")],
    name: Annotated[str | None, typer.Option(help="Full name; the short name if left out.")] = None,
    tier: Annotated[Tier, typer.Option(help="Tier to sign up in.")] = Tier.COMMUNITY,
    time_zone: Annotated[str, typer.Option(help="IANA name; due times and monthly grants follow it.")] = "UTC",
    json: JsonOption = False,
) -> None:
    """Sign up an organisation; the tier's initial credits are granted at once."""
    organisation = billing_operations.sign_up(
        slug=slug, name=name or slug, time_zone=time_zone, tier=tier, now=utc_now()
    )
    balance = ledger.balance(organisation.id)
    if json:
        print_json({"organisation": organisation.slug, "tier": tier, "available": balance.available})
    else:
        say(f"{organisation.name} is signed up in {tier.title}: {balance.available} credits available.")


@app.command("list")
def list_organisations(json: JsonOption = False) -> None:
    """All organisations of this installation with their tier and credits."""
    rows = [
        {
            "organisation": organisation.slug,
            "name": organisation.name,
            "tier": billing.tier_of(organisation),
            "time_zone": organisation.time_zone,
            **_balance(organisation.id),
        }
        for organisation in orgs.organisations()
    ]
    if json:
        print_json(rows)
    else:
        columns = ["organisation", "name", "tier", "time_zone", "available", "held", "spent"]
        print_table(columns, [[row[c] for c in columns] for row in rows], right=["available", "held", "spent"])


@app.command("show")
def show(org: OrgOption = None, json: JsonOption = False) -> None:
    """One organisation: tier, time zone, credits, and what it owes for payments that were taken back."""
    organisation = organisation_named(org)
    tier = billing.tier_of(organisation)
    balance = _balance(organisation.id)
    owed = billing.owed(organisation)
    if json:
        gone = {
            "owed": [{"cents": amount.cents, "currency": amount.currency} for amount in owed.owed],
            "owed_credits": owed.credits,
            "frozen_credits": owed.frozen_credits,
        }
        print_json({"organisation": organisation.slug, "name": organisation.name, "tier": tier, **balance, **gone})
    else:
        say(f"{organisation.name} ({organisation.slug}), {tier.title}, {organisation.time_zone}")
        say(f"{balance['available']} credits available | {balance['held']} held | {balance['spent']} spent")
        if organisation.suspended_at:
            say(f"SUSPENDED since {organisation.suspended_at:%Y-%m-%d}: {organisation.suspended_why}")
        if owed.owed or owed.credits:
            amounts = ", ".join(str(amount) for amount in owed.owed) or "no money"
            say(f"OWED for payments that were taken back: {amounts}, {owed.credits} credits.")
        if owed.frozen_credits:
            say(f"Frozen while a payment is disputed: {owed.frozen_credits} credits.")


@app.command("suspend")
def suspend(why: Why, org: OrgOption = None) -> None:
    """For operators: nothing is ordered until the organisation is resumed. It signs in, reads and predicts."""
    found = billing_operations.suspend(organisation=organisation_named(org), who=actor(), why=why, now=utc_now())
    say(f"{found.slug} is suspended.")


@app.command("resume")
def resume(why: Why, org: OrgOption = None) -> None:
    """For operators: a suspended organisation can order again."""
    found = billing_operations.resume(organisation=organisation_named(org), who=actor(), why=why, now=utc_now())
    say(f"{found.slug} can order again.")


@app.command("quotas")
def show_quotas(org: OrgOption = None, json: JsonOption = False) -> None:
    """How much the organisation may have at once, by its tier or as an operator set it, and how much there is."""
    organisation = organisation_named(org)
    found = [
        (quota, quotas.used(organisation.id, quota), bound) for quota, bound in quotas.bounds(organisation.id).items()
    ]
    if json:
        print_json(
            [
                {"quota": quota, "used": used, "most": bound.most, "is_lifted": bound.is_lifted}
                for quota, used, bound in found
            ]
        )
        return
    print_table(
        ["quota", "used", "most", ""],
        [[quota.value, used, _bound(bound.most), "its own" if bound.is_lifted else ""] for quota, used, bound in found],
        right=["used", "most"],
    )


@app.command("set-quota")
def set_quota(
    quota: Annotated[quotas.Quota, typer.Argument(help="Which: otai org quotas lists them.")],
    why: Why,
    most: Annotated[int | None, typer.Argument(**TYPED, help="The bound; no bound if left out.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Back to what the tier has.")] = False,
    org: OrgOption = None,
) -> None:
    """For operators: a bound of its own for one organisation."""
    organisation = organisation_named(org)
    quotas.lift(organisation=organisation, quota=quota, most=most, who=actor(), why=why, now=utc_now(), reset=reset)
    bound = quotas.bounds(organisation.id)[quota]
    say(f"{organisation.slug}: {quota.value}: {_bound(bound.most)} now.")


def _bound(most: int | None) -> str:
    return "no bound" if most is None else str(most)


def _balance(organisation: UUID) -> dict[str, int]:
    found = ledger.balance(organisation)
    return {"available": found.available, "held": found.held, "spent": found.spent}


def balance(org: OrgOption = None, json: JsonOption = False) -> None:
    """Credits: available, held, spent; and what an organisation should know of its account."""
    organisation = organisation_named(org)
    tier, found, warnings = billing.tier_of(organisation), _balance(organisation.id), billing.warnings(organisation)
    if json:
        told = [{"code": warning.code, "message": warning.message} for warning in warnings]
        print_json({"organisation": organisation.slug, "tier": tier, **found, "warnings": told})
        return
    said = [warning.message for warning in warnings]
    credits.show_balance(organisation.name, tier, ledger.balance(organisation.id), warnings=said)


def statement(
    org: OrgOption = None,
    csv: Annotated[Path | None, typer.Option(help="Write the statement to this CSV file instead.")] = None,
    proof: Annotated[
        Path | None, typer.Option(help="Write the statement to this file, as `otai ledger verify` checks it.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Every movement of credits with the balance after it: what came in, what is held, what was spent."""
    organisation = organisation_named(org)
    if proof is not None:
        proof.write_text(statement_proof(organisation.id, now=utc_now()), encoding="utf-8")
        say(f"Written to {proof}: keep it, and check it at any time with `otai ledger verify {proof}`.")
        return
    lines = list(ledger.statement(organisation.id))
    balance = ledger.balance(organisation.id)
    if csv is not None:
        csv.write_text("".join(ledger.statement_csv(organisation.id)), encoding="utf-8")
        say(f"{len(lines)} lines written to {csv}")
    elif json:
        print_json({"organisation": organisation.slug, "lines": lines, "balance": balance})
    else:
        credits.show_statement(lines, of=organisation.name, balance=balance, zone=organisation.zone)
