"""Sign-ins, refusals and misuse of keys, of an organisation or of the vendor's keys."""

from __future__ import annotations

from otai.cli.output import print_json, print_table, say
from otai.orgs import access_events
from otai.orgs.models import Organisation


def show(organisation: Organisation | None, *, lines: bool, json: bool) -> None:
    """The newest 200 as a table or JSON; with `lines` all that is kept, one JSON object a line."""
    events = access_events.access_events(organisation)
    if lines:
        for line in access_events.json_lines(events.iterator()):
            say(line.rstrip())
        return
    rows = [access_events.as_facts(event) for event in events[:200]]
    if json:
        print_json(rows)
        return
    print_table(
        ["at (UTC)", "what", "who", "address", "browser", "about", "times"],
        [
            [
                f"{row['at']:%Y-%m-%d %H:%M}",
                *(row[name] for name in ("what", "who", "address", "browser", "about")),
                row["times"],
            ]
            for row in rows
        ],
        right=["times"],
    )
