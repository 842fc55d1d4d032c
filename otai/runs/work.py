"""What jobs do for guarantees, in their own process: no tables, no settings; a spec in, values and a file out. See
`otai.jobs.work.JobKind`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otai.errors import Refused
from otai.jobs.work import Tell
from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.runs.guarantee import holdout
from otai.tickets.work import try_out

STAGED = "tickets.parquet"


def choose_holdout(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """`chosen` is `holdout.Chosen` of the tickets at `spec["tickets"]`; those to measure on lie in the folder as
    STAGED. `expected` is what quality to expect of the attributes in `spec["try_out"]`, where nobody has tried yet."""
    specs = [AttributeSpec(name, AttributeKind(kind), tuple(order)) for name, kind, order in spec["attributes"]]
    source = Path(spec["tickets"])
    found = holdout.choose(source, specs, share=spec["share"], into=folder / STAGED, progress=_progress(source, tell))
    expected = (
        try_out({"tickets": spec["tickets"], "attributes": asked}, folder, tell)
        if (asked := spec.get("try_out"))
        else {}
    )
    return {"chosen": dataclasses.asdict(found), "expected": expected}


def training_file(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """`holdout.TrainingFile` of an included run; what it trains on lies in the folder as STAGED.

    Raises Refused where the tickets to measure on are gone: whoever agrees on other criteria lets go of them.
    """
    source, held = Path(spec["tickets"]), Path(spec["held"])
    if not held.is_file():
        raise Refused("others_meanwhile", code="criteria_not_agreed")
    made = holdout.write_training_file(
        source,
        held,
        names=spec["names"],
        own_ids=spec["own_ids"],
        called=spec["called"],
        into=folder / STAGED,
        progress=_progress(source, tell),
    )
    return dataclasses.asdict(made)


def _progress(source: Path, tell: Tell) -> holdout.ReadingProgress:
    total = source.stat().st_size

    def progress(share: float, tickets: int) -> None:
        tell(rows=tickets, bytes_read=int(share * total), bytes_total=total)

    return progress
