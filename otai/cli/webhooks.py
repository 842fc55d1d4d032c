"""`otai webhooks`: who hears what happens here, and what became of each message."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from otai.cli.actor import actor
from otai.cli.housekeeping import tell
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.db import utc_now
from otai.errors import Invalid
from otai.outbound import operations, queries
from otai.outbound.events import EVENTS
from otai.outbound.models import Endpoint

app = typer.Typer(help="Webhooks: endpoints, their delivery log, tests.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(help="The endpoint's id, as `otai webhooks list` shows it.")]


def _id(text: str, *, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("webhook_id", text=text, what=what, field=what, code="invalid_request") from None


def _as_dict(endpoint: Endpoint) -> dict[str, Any]:
    names = ("id", "url", "description", "events", "created_at", "failing_since_at", "disabled_at")
    return {**{name: getattr(endpoint, name) for name in names}, "disabled_why": endpoint.why_disabled}


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where messages go, https://...")],
    event: Annotated[list[str] | None, typer.Option("--event", help="Only these; repeat. All if left out.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Add an endpoint. Its secret is shown now and never again."""
    made = operations.create_endpoint(
        organisation=organisation_named(org),
        url=url,
        events=event or (),
        description=description,
        who=actor(),
        now=utc_now(),
    )
    if json:
        print_json({**_as_dict(made.endpoint), "secret": made.secret})
    else:
        say(f"Endpoint {made.endpoint.id} hears what happens from now on.")
        say(f"Its secret, shown this once: {made.secret}")


@app.command("list")
def list_endpoints(org: OrgOption = None, json: JsonOption = False) -> None:
    """All endpoints."""
    found = list(queries.endpoints(organisation_named(org)))
    if json:
        print_json([_as_dict(endpoint) for endpoint in found])
        return
    print_table(
        ["id", "url", "events", "state"],
        [[e.id, e.url, ", ".join(e.events) or "all", _state(e)] for e in found],
    )


def _state(endpoint: Endpoint) -> str:
    if endpoint.disabled_at is not None:
        return f"off: {endpoint.why_disabled}"
    if endpoint.failing_since_at is not None:
        return f"failing since {endpoint.failing_since_at:%Y-%m-%d %H:%M} UTC"
    return "on"


@app.command("events")
def list_events(json: JsonOption = False) -> None:
    """Which events there are."""
    if json:
        print_json(EVENTS)
    else:
        print_table(["event", "meaning"], list(EVENTS.items()))


@app.command("log")
def log(
    endpoint: Annotated[str | None, typer.Option(help="Only those to this endpoint.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """What was sent, and what became of it."""
    id_ = _id(endpoint, what="endpoint") if endpoint else None
    deliveries = queries.deliveries(organisation_named(org), endpoint=id_)[:limit]
    rows: list[dict[str, Any]] = [
        {
            "id": delivery.id,
            "event": delivery.message.event,
            "url": delivery.endpoint.url,
            "state": delivery.state,
            "attempts": delivery.attempts,
            "made_at": delivery.made_at,
            "next_at": delivery.next_at,
        }
        for delivery in deliveries
    ]
    if json:
        print_json(rows)
    else:
        columns = ["id", "event", "state", "attempts", "made_at", "url"]
        print_table(columns, [[row[column] for column in columns] for row in rows], right=["attempts"])


@app.command("test")
def test(endpoint: Which, org: OrgOption = None) -> None:
    """Send a test message to an endpoint, and everything else that is due, now."""
    organisation = organisation_named(org)
    made = operations.send_test(
        organisation=organisation, endpoint=_id(endpoint, what="endpoint"), who=actor(), now=utc_now()
    )
    tell(now=utc_now())
    last = queries.attempts(made).last()
    if last is None:
        say("The message is on its way.")
    else:
        say(last.what_failed or f"It arrived: {last.status} after {last.milliseconds} ms.")


@app.command("rotate")
def rotate(endpoint: Which, org: OrgOption = None, json: JsonOption = False) -> None:
    """A new secret; for 24 hours messages are signed with both."""
    made = operations.rotate_secret(
        organisation=organisation_named(org), endpoint=_id(endpoint, what="endpoint"), who=actor(), now=utc_now()
    )
    if json:
        print_json({**_as_dict(made.endpoint), "secret": made.secret})
    else:
        say(f"The new secret, shown this once: {made.secret}")


@app.command("replay")
def replay(
    delivery: Annotated[str, typer.Argument(help="The delivery's id, as `otai webhooks log` shows it.")],
    org: OrgOption = None,
) -> None:
    """Send a message again, with the same id."""
    operations.replay(organisation=organisation_named(org), delivery=_id(delivery, what="delivery"), now=utc_now())
    say("It is on its way again.")


@app.command("remove")
def remove(endpoint: Which, org: OrgOption = None) -> None:
    """Delete an endpoint with its log."""
    operations.delete_endpoint(
        organisation=organisation_named(org), endpoint=_id(endpoint, what="endpoint"), who=actor(), now=utc_now()
    )
    say("The endpoint is gone.")
