"""A folder that starts Open Ticket AI 2 with a model of any mode: the model, what it may decide alone, settings for
both programs, and a README that says what to do.

`packages/otai-open-ticket-ai` is the other half: it asks `otai serve` for decisions and writes them to the helpdesk.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from otai.errors import Refused
from otai.learning.exporting import NoSuchAttribute
from otai.learning.model.bundle import AttributeModel, Bundle
from otai.learning.model.deciding import Thresholds

MODEL, THRESHOLDS, HELPDESK, STUDIO, README = "model.otai", "thresholds.json", ".env", "studio.env", "README.md"
PORT = 8090
"""Of `otai serve`, as the folder's settings have it."""

MEANINGS = {
    "queue": ("queue", "group", "team", "warteschlange", "gruppe", "file", "groupe"),
    "priority": ("priority", "prio", "priorität", "prioritaet", "priorité"),
}
"""Attributes' names, in small letters, that the field of a ticket is taken for."""


class NotOneLabel(Refused):
    """A field of a ticket holds one label, and the attribute has several."""

    code = "not_one_label"


@dataclass(frozen=True)
class ExportedModel:
    """What was written. `queue` and `priority` name the attributes that a ticket's fields are set from, None for a
    field that stays as it is; `alone` the attributes that have a threshold at the precision."""

    folder: Path
    files: list[str]
    queue: str | None
    priority: str | None
    precision: float
    alone: list[str]


def write_folder(
    bundle: Bundle,
    folder: Path,
    *,
    name: str,
    precision: float = 0.95,
    queue: str | None = None,
    priority: str | None = None,
    save: Callable[[Path], object] | None = None,
) -> ExportedModel:
    """Writes the folder whole or not at all; `folder` must not exist or be empty. Attributes for queue and priority
    that are not named are found by their names. `save` writes the model where its stored file is to be taken as it is.

    Raises NoSuchAttribute, NotOneLabel and PrecisionUnknown.
    """
    fields: Mapping[str, str | None] = {
        "queue": _attribute(bundle, "queue", queue),
        "priority": _attribute(bundle, "priority", priority),
    }
    thresholds = Thresholds.at(bundle, precision).by_attribute
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as unfinished:
        written = Path(unfinished) / "model"
        written.mkdir()
        (save or bundle.save)(written / MODEL)
        (written / THRESHOLDS).write_text(json.dumps(_thresholds(bundle), indent=1, ensure_ascii=False), "utf-8")
        secret = written / HELPDESK
        secret.touch(mode=0o600)
        secret.write_text(_helpdesk(bundle, fields["queue"]), encoding="utf-8")
        (written / STUDIO).write_text(_studio(name, fields, precision), encoding="utf-8")
        (written / README).write_text(_readme(bundle, name, fields, precision, thresholds), encoding="utf-8")
        if folder.exists():
            # Only an empty one: the caller has asked before.
            folder.rmdir()
        shutil.move(written, folder)
    alone = [name for name, threshold in thresholds.items() if threshold is not None]
    return ExportedModel(
        folder, sorted(one.name for one in folder.iterdir()), fields["queue"], fields["priority"], precision, alone
    )


def _attribute(bundle: Bundle, field: str, wanted: str | None) -> str | None:
    """The attribute that the field is set from: the one that was named, else the only one whose name says so."""
    if wanted is None:
        named = [one.spec.name for one in bundle.attributes if _is_called(one, MEANINGS[field])]
        return named[0] if len(named) == 1 else None
    found = next((one for one in bundle.attributes if one.spec.name == wanted), None)
    if found is None:
        raise NoSuchAttribute("attribute", attribute=wanted, attributes=[one.spec.name for one in bundle.attributes])
    if found.spec.is_multi:
        raise NotOneLabel("several_labels", attribute=wanted, field=field)
    return wanted


def _is_called(attribute: AttributeModel, names: Iterable[str]) -> bool:
    return not attribute.spec.is_multi and attribute.spec.name.strip().casefold() in names


def _thresholds(bundle: Bundle) -> dict[str, object]:
    return {
        one.spec.name: {"kind": one.spec.kind.value, "labels": list(one.labels), "thresholds": dict(one.thresholds)}
        for one in bundle.attributes
    }


def _helpdesk(bundle: Bundle, queue: str | None) -> str:
    known = next((one.labels for one in bundle.attributes if one.spec.name == queue), ())
    labels = "".join(f"#   {json.dumps(label, ensure_ascii=False)}\n" for label in known[:20])
    queues = f"# Queues that the model knows, by their names in the helpdesk:\n{labels}" if known else ""
    return f"""\
# Settings of Open Ticket AI, which accepts no other names here. Fill in the helpdesk: Zammad ...
OTAI_TICKET_SYSTEM_TYPE=zammad
OTAI_ZAMMAD_BASE_URL=https://helpdesk.example.com
OTAI_ZAMMAD_ACCESS_TOKEN=

# ... or OTOBO and Znuny (then OTAI_TICKET_SYSTEM_TYPE=otobo).
#OTAI_OTOBO_BASE_URL=https://helpdesk.example.com/otobo/nph-genericinterface.pl
#OTAI_OTOBO_USERNAME=open_ticket_ai
#OTAI_OTOBO_PASSWORD=
#OTAI_OTOBO_WEBSERVICE_NAME=OpenTicketAI

# Tickets are read from the first queue. Those whose queue the model may not set alone go to the second.
OTAI_INCOMING_QUEUE=Incoming
OTAI_FALLBACK_QUEUE=To be sorted
{queues}
# Its own pages and API ask nobody for a password: keep them on this machine.
OTAI_API_HOST=127.0.0.1
OTAI_API_PORT=8080
"""


def _studio(name: str, fields: Mapping[str, str | None], precision: float) -> str:
    return f"""\
# Where the model answers (`otai serve`), and its key where it has one.
STUDIO_MODEL=http://127.0.0.1:{PORT}
STUDIO_KEY=

# What notes on tickets call the model.
STUDIO_NAME={_quoted(name)}

# A label is set alone where it was right so often when the model was measured (see {THRESHOLDS}).
STUDIO_PRECISION={precision:g}

# The attributes that a ticket's queue and priority are set from; empty: it stays as it is.
STUDIO_QUEUE={_quoted(fields["queue"])}
STUDIO_PRIORITY={_quoted(fields["priority"])}

# 1: nothing is written; the log says what would be done. Take it away when that is right.
STUDIO_DRY_RUN=1

# Of the notes on tickets: en, de or fr.
STUDIO_LANGUAGE=en
"""


def _quoted(name: str | None) -> str:
    return "" if name is None else json.dumps(name, ensure_ascii=False)


def _readme(
    bundle: Bundle,
    name: str,
    fields: Mapping[str, str | None],
    precision: float,
    thresholds: Mapping[str, float | None],
) -> str:
    rows = "\n".join(
        f"| {one.spec.name} | {len(one.labels)} | {_from(thresholds[one.spec.name])} | {_becomes(one, fields)} |"
        for one in bundle.attributes
    )
    without = [name for name, threshold in thresholds.items() if threshold is None]
    nothing = (
        f"\nAt {precision:.0%} nothing is promised for {', '.join(without)}: it is never set alone, only noted.\n"
        if without
        else ""
    )
    encoders = (
        "\nThis model also reads with an encoder: `otai encoders import` brings it to the machine of `otai serve`.\n"
        if bundle.recipe.get("mode") != "basic"
        else ""
    )
    return f"""# {name} in Open Ticket AI

The model, and settings that start Open Ticket AI 2 with it. It decides all attributes of a ticket at once; each is set
alone only where its confidence reaches the threshold that was guaranteed when the model was measured, and a note on the
ticket says all it said.

1. Where Python 3.11 or newer is (any machine): `pip install otai`, then

       otai serve {MODEL} --port {PORT}

2. Where Python 3.14 is: `pip install otai-open-ticket-ai`, fill in `{HELPDESK}`, look at `{STUDIO}`, then here

       otai-open-ticket-ai

   It reads the incoming queue and, as delivered, writes nothing (`STUDIO_DRY_RUN=1`): its log says what it would do.
   When that is right, take the line out and start it again.
{encoders}
| attribute | labels | set alone from a confidence of | becomes |
|---|---|---|---|
{rows}
{nothing}
Labels have to be called as the queues and priorities of the helpdesk are. A value that it refuses sends the ticket to
the fallback queue, with the reason in the note.

The token (Zammad: `ticket.agent`; OTOBO and Znuny: a web service with TicketSearch, TicketGet and TicketUpdate, and an
agent with rights to read, move, change priority and note in both queues and all targets) reads tickets of the incoming
queue and writes queue, priority and notes.
"""


def _from(threshold: float | None) -> str:
    # Rounded up: a confidence that reads as reached is reached.
    return "never" if threshold is None else f"{-(-threshold * 1000 // 1) / 1000:.3f}"


def _becomes(attribute: AttributeModel, fields: Mapping[str, str | None]) -> str:
    found = [field for field, name in fields.items() if name == attribute.spec.name]
    return f"the ticket's {found[0]}" if found else "a line of the note"
