"""`otai org members`, `invite`, `role`, `remove` and `keys`: people and programs of an organisation, from the command
line."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer
from django.urls import reverse

from otai.billing.months import Month
from otai.cli.actor import actor
from otai.cli.arguments import EmailArgument
from otai.cli.orgs import app
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.presenters import access as presented
from otai.cli.presenters import keys
from otai.cli.presenters.words import count
from otai.cli.typed import TYPED
from otai.db import utc_now
from otai.errors import NotFound
from otai.links import absolute
from otai.orgs import operations, queries
from otai.orgs.models import Member, Organisation
from otai.orgs.permissions import Role, Scope
from otai.runs import approval, spending
from otai.words.catalogue import say_actor_to_programs

keys_app = typer.Typer(help="API keys of an organisation: list, create, revoke.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")


@app.command("members")
def members(org: OrgOption = None, json: JsonOption = False) -> None:
    """Who is in an organisation, and who is invited."""
    organisation = organisation_named(org)
    now = utc_now()
    rows: list[dict[str, Any]] = [
        {"email": member.user.email, "role": member.role, "since": member.joined_at, "state": "member"}
        for member in queries.members(organisation)
    ]
    rows += [
        {"email": invitation.email, "role": invitation.role, "since": invitation.invited_at, "state": "invited"}
        for invitation in queries.open_invitations(organisation, now=now)
    ]
    if json:
        print_json(rows)
    else:
        print_table(
            ["email", "role", "state", "since"],
            [
                [row["email"], row["role"], row["state"], f"{row['since'].astimezone(organisation.zone):%Y-%m-%d}"]
                for row in rows
            ],
        )


@app.command("access")
def access(
    lines: Annotated[bool, typer.Option("--lines", help="All that is kept, as JSON lines.")] = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Who signed in, from where, and what was refused: the newest 200."""
    organisation = organisation_named(org)
    presented.show(organisation, lines=lines, json=json)


@app.command("second-factor")
def second_factor(
    asked: Annotated[bool, typer.Argument(help="yes or no.")],
    org: OrgOption = None,
) -> None:
    """Whether everybody in an organisation needs a second factor for its pages."""
    organisation = organisation_named(org)
    operations.ask_second_factor(organisation=organisation, asked=asked, who=actor(), now=utc_now())
    people = [member.user for member in queries.members(organisation)]
    protected = len(queries.with_second_factor(people))
    say(
        f"{organisation.slug} asks {'everybody' if asked else 'nobody'} for a second factor; "
        f"{protected} of {count(len(people), 'member')} have one."
    )


@app.command("spending")
def show_spending(
    month: Annotated[str | None, typer.Option(help="For example 2026-11; this month if left out.")] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Who ordered trainings for how many credits in a month, and what each may."""
    organisation = organisation_named(org)
    asked = Month.parse(month) if month else Month.at(utc_now(), organisation.zone)
    found = spending.ordered(organisation, month=asked)
    if json:
        print_json(found)
    else:
        rows = [
            [say_actor_to_programs(one.who), one.runs, one.credits, "" if one.limit is None else one.limit]
            for one in found
        ]
        print_table(["who", "trainings", "credits", "limit"], rows, right=["trainings", "credits", "limit"])


@app.command("limit")
def limit(
    credits: Annotated[int, typer.Argument(**TYPED, help="Credits that may be ordered for in a month.")],
    member: Annotated[str, typer.Option(help="Mail address of a member; everybody if left out.")] = "",
    none: Annotated[bool, typer.Option("--none", help="No limit any more; the number is not looked at.")] = False,
    org: OrgOption = None,
) -> None:
    """How many credits a member, or everybody, may order trainings for in a month."""
    spending.set_limit(
        organisation=organisation_named(org),
        member=member,
        monthly_credits=None if none else credits,
        who=actor(),
        now=utc_now(),
    )
    say(f"{member or 'Everybody'}: {'no limit' if none else f'{credits} credits a month'}.")


@app.command("approval")
def approval_rule(
    above: Annotated[int | None, typer.Option(**TYPED, help="Orders of more credits wait for approval.")] = None,
    none: Annotated[bool, typer.Option("--none", help="No order waits any more.")] = False,
    days: Annotated[int, typer.Option(**TYPED, help="For how many days an order may wait.")] = approval.usual_days,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """From how many credits on an order waits for an owner or a member for billing; shows it, or sets it."""
    organisation = organisation_named(org)
    if above is not None or none:
        approval.set_rule(
            organisation=organisation, above_credits=None if none else above, days=days, who=actor(), now=utc_now()
        )
    found = approval.rule(organisation)
    if json:
        print_json({"above_credits": found.above_credits, "days": found.days} if found else None)
    elif found is None:
        say("No order waits for approval.")
    else:
        say(f"Orders above {count(found.above_credits, 'credit')} wait for approval, at most {found.days} days.")


@app.command("invite")
def invite(
    email: EmailArgument,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.TRAINER,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Invite somebody: prints the link that lets them in, once, within a week. No mail is sent from here.

    For the first owner of an organisation that was made on the command line: --role owner.
    """
    organisation = organisation_named(org)
    made = operations.invite(organisation=organisation, email=email, role=role, who=actor(), now=utc_now())
    link = absolute(reverse("web:join", args=[made.token]))
    if json:
        print_json({"email": made.invitation.email, "role": role, "link": link, "until": made.invitation.expires_at})
    else:
        say(
            f"{made.invitation.email} may join {organisation.name} as {role} until "
            f"{made.invitation.expires_at:%Y-%m-%d}:"
        )
        say(link)


@app.command("role")
def change_role(
    email: EmailArgument, role: Annotated[Role, typer.Argument(help="The new role.")], org: OrgOption = None
) -> None:
    """Give a member another role. The last owner stays one."""
    organisation = organisation_named(org)
    member = _member(organisation, email)
    operations.change_role(organisation=organisation, member=member.id, role=role, who=actor(), now=utc_now())
    say(f"{member.user.email} is now: {role}.")


@app.command("remove")
def remove(email: EmailArgument, org: OrgOption = None) -> None:
    """Take somebody out of an organisation. What they ordered, and keys that they made, stay."""
    organisation = organisation_named(org)
    member = _member(organisation, email)
    keys = operations.remove_member(organisation=organisation, member=member.id, who=actor(), now=utc_now())
    say(f"{member.user.email} is not in {organisation.name} any more.")
    if keys:
        say(f"Keys that they made go on working, and they may know them: {', '.join(keys)}.")


@keys_app.command("list")
def list_keys(org: OrgOption = None, json: JsonOption = False) -> None:
    """API keys, revoked and expired ones too."""
    organisation = organisation_named(org)
    now = utc_now()
    rows = [
        {
            "prefix": key.prefix,
            "name": key.name,
            "scopes": key.scopes,
            "created_at": key.created_at,
            "last_used_at": key.last_used_at,
            "state": "usable" if key.is_usable(now) else "revoked" if key.revoked_at else "expired",
        }
        for key in queries.api_keys(organisation)
    ]
    if json:
        print_json(rows)
    else:
        print_table(
            ["prefix", "name", "scopes", "state", "last used"],
            [
                [
                    row["prefix"],
                    row["name"],
                    " ".join(row["scopes"]),
                    row["state"],
                    f"{row['last_used_at'].astimezone(organisation.zone):%Y-%m-%d %H:%M}"
                    if row["last_used_at"]
                    else "never",
                ]
                for row in rows
            ],
        )


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be given several times.")],
    days: Annotated[
        int | None, typer.Option(min=1, help="Days that it is good for; without, until it is revoked.")
    ] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Make an API key. It is shown only now."""
    organisation = organisation_named(org)
    now = utc_now()
    made = operations.create_api_key(
        organisation=organisation,
        name=name,
        scopes=scope,
        who=actor(),
        now=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    keys.show_made(prefix=made.key.prefix, name=made.key.name, scopes=made.key.scopes, secret=made.secret, json=json)


@keys_app.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="Its prefix, as `otai org keys list` shows it.")], org: OrgOption = None
) -> None:
    """A key opens nothing any more, from now on."""
    organisation = organisation_named(org)
    key = queries.api_keys(organisation).filter(prefix=prefix).first()
    if key is None:
        raise NotFound("no_key", organisation=organisation.name, prefix=prefix)
    operations.revoke_api_key(organisation=organisation, key=key.id, who=actor(), now=utc_now())
    say(f"The key {key.name!r} ({key.prefix}) is revoked.")


def _member(organisation: Organisation, email: str) -> Member:
    found = queries.members(organisation).filter(user__email__iexact=email).first()
    if found is None:
        raise NotFound("not_in_team", email=email, organisation=organisation.name)
    return found
