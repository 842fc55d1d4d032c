"""What jobs do for tickets, in their own process: no tables, no settings; a spec in, values and files out. See
`otai.jobs.work.JobKind`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otai.jobs.work import Tell
from otai.learning.data.language import load_models
from otai.tickets.comparing import Before
from otai.tickets.options import ImportOptions, ReadOptions
from otai.tickets.reading import preview_columns, read_tickets
from otai.tickets.ticket_index.building import INDEXED, build

STAGED = "tickets.parquet"


def get_ready() -> None:
    """Called once in the server that forks jobs; starts no thread."""
    import otai.learning.linear.cross_fitting  # noqa: F401  else each job that measures would load it anew

    load_models()


def preview(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """`Preview.as_dict` of the file at `spec["source"]`."""
    found = preview_columns(
        Path(spec["source"]),
        filename=spec["filename"],
        options=ReadOptions.from_dict(spec),
        must_have_text=spec["must_have_text"],
    )
    return found.as_dict()


def read(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """`ReadTickets.as_dict`; the tickets lie in the folder as STAGED."""
    source = Path(spec["source"])
    total = source.stat().st_size

    def progress(share: float, tickets: int) -> None:
        tell(rows=tickets, bytes_read=int(share * total), bytes_total=total)

    found = read_tickets(
        source,
        into=folder / STAGED,
        filename=spec["filename"],
        options=ImportOptions.from_dict(spec),
        further=[Path(path) for path in spec.get("further", ())],
        before=Before.from_dict(spec.get("before")),
        progress=progress,
    )
    build(folder / STAGED, folder / INDEXED)
    return found.as_dict()


def index(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """The index of the Parquet file `spec["tickets"]`, staged in the folder; how many tickets are in it."""
    return {"indexed": build(Path(spec["tickets"]), folder / INDEXED)}


def try_out(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """What quality to expect, by attribute, of the tickets in the Parquet file `spec["tickets"]`."""
    from threadpoolctl import threadpool_limits

    from otai.learning.data.attributes import AttributeKind, AttributeSpec
    from otai.learning.data.tickets import LabelledTickets
    from otai.learning.evidence.expected_quality import expected

    specs = [AttributeSpec(one["name"], AttributeKind(one["kind"]), tuple(one["order"])) for one in spec["attributes"]]
    tickets = LabelledTickets.read_parquet(Path(spec["tickets"]))
    with threadpool_limits(limits=1):
        found = expected(tickets, specs)
    return {name: dataclasses.asdict(one) for name, one in found.items()}


def try_maximum(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """What fine-tuning gains, by attribute, on some of the tickets in the Parquet file `spec["tickets"]`; nothing of
    attributes where nobody can say."""
    from threadpoolctl import threadpool_limits

    from otai.learning.data.attributes import AttributeKind, AttributeSpec
    from otai.learning.data.tickets import LabelledTickets
    from otai.learning.encoders import EncoderStore
    from otai.learning.features.encoding import Encoding
    from otai.learning.maximum_trial import tried_gains

    specs = [AttributeSpec(one["name"], AttributeKind(one["kind"]), tuple(one["order"])) for one in spec["attributes"]]
    tickets = LabelledTickets.read_parquet(Path(spec["tickets"]))
    encoding = Encoding(EncoderStore(Path(spec["encoders"])), None, threads=1)
    with threadpool_limits(limits=1):
        found = tried_gains(tickets, specs, encoding)
    return {name: dataclasses.asdict(one) for name, one in found.items()}
