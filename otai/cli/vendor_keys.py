"""`otai vendor-keys`: for operators, the keys of the vendor's own systems."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from otai.billing import operations as billing
from otai.billing.operations.vendor_keys import vendor_keys
from otai.billing.vendor_scopes import VendorScope
from otai.cli.actor import actor
from otai.cli.billing.arguments import Why
from otai.cli.output import JsonOption, print_json, print_table, say
from otai.cli.presenters import access, keys
from otai.db import utc_now
from otai.errors import NotFound
from otai.words.catalogue import say_actor_to_programs

app = typer.Typer(help="Keys of the vendor's own systems: list, create, revoke.", no_args_is_help=True)


@app.command("list")
def list_keys(json: JsonOption = False) -> None:
    """Vendor keys, revoked and expired ones too."""
    now = utc_now()
    rows = [
        {
            "prefix": key.prefix,
            "name": key.name,
            "scopes": key.scopes,
            "created_by": say_actor_to_programs(key.created_by),
            "created_at": key.created_at,
            "last_used_at": key.last_used_at,
            "state": "usable" if key.is_usable(now) else "revoked" if key.revoked_at else "expired",
        }
        for key in vendor_keys()
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ["prefix", "name", "scopes", "made by", "state", "last used (UTC)"],
        [
            [
                row["prefix"],
                row["name"],
                " ".join(row["scopes"]),
                row["created_by"],
                row["state"],
                f"{row['last_used_at']:%Y-%m-%d %H:%M}" if row["last_used_at"] else "never",
            ]
            for row in rows
        ],
    )


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Which system it is for.")],
    scope: Annotated[list[VendorScope], typer.Option(help="What it may do; may be given several times.")],
    why: Why,
    days: Annotated[
        int | None, typer.Option(min=1, help="Days that it is good for; without, until it is revoked.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a vendor key. It is shown only now."""
    now = utc_now()
    made = billing.create_vendor_key(
        name=name,
        scopes=scope,
        who=actor(),
        why=why,
        now=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    keys.show_made(prefix=made.key.prefix, name=made.key.name, scopes=made.key.scopes, secret=made.secret, json=json)


@app.command("misuse")
def misuse(
    lines: Annotated[bool, typer.Option("--lines", help="All that is kept, as JSON lines.")] = False,
    json: JsonOption = False,
) -> None:
    """Wrong, revoked and expired vendor keys, and what their scopes refused: the newest 200."""
    access.show(None, lines=lines, json=json)


@app.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="Its prefix, as `otai vendor-keys list` shows it.")], why: Why
) -> None:
    """A vendor key opens nothing any more, from now on."""
    key = vendor_keys().filter(prefix=prefix).first()
    if key is None:
        raise NotFound("no_vendor_key", prefix=prefix)
    billing.revoke_vendor_key(key=key.id, who=actor(), why=why, now=utc_now())
    say(f"The key {key.name!r} ({key.prefix}) is revoked.")
