"""What jobs do for models and for changes of tickets, in their own process: no tables, no settings. See
`otai.jobs.work.JobKind`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from otai.jobs.work import Tell
from otai.learning.data.cuts.cutting import as_learnt
from otai.learning.data.language import load_models
from otai.learning.data.normalisation import same_text_key
from otai.serving.looking import Facts, look
from otai.tickets.changing import (
    BaseVersion,
    Statement,
    Wanted,
    change,
    cut,
    leaks_of,
    lines_given_away,
    rules_of,
    text_keys_of,
    uncut,
)
from otai.tickets.ticket_index.building import INDEXED, build

STAGED = "tickets.parquet"
MOST_CHANGES_KEPT = 10_000
SAID, ASKED = "said", "asked"


def get_ready() -> None:
    """Called once in the server that forks jobs; starts no thread."""
    import otai.learning.linear.cross_fitting  # noqa: F401  else each job that measures would load it anew

    load_models()


def lines_of(path: Path) -> Iterator[Any]:
    """The values of a file with one JSON document a line, one after the other."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def next_version(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """The next version of the data set at `spec["base"]`, staged in the folder; its profile, how many labels changed
    and the first of them.

    `source` holds statements of feedback, one a line, in the order in which they were made.
    """
    base = BaseVersion.from_dict(spec["base"])
    total = base.path.stat().st_size

    def progress(share: float, tickets: int) -> None:
        tell(rows=tickets, bytes_read=int(share * total), bytes_total=total)

    statements = [
        Statement(id, ticket, text, language, attribute, tuple(labels))
        for id, ticket, text, language, attribute, labels in (lines_of(Path(spec["source"])) if spec["source"] else ())
    ]
    wanted = Wanted(
        by_ticket={(ticket, attribute): tuple(labels) for ticket, attribute, labels in spec["labels"]},
        mapping=spec["mapping"],
        statements=statements,
    )
    changed = change(base, wanted=wanted, into=folder / STAGED, progress=progress)
    build(folder / STAGED, folder / INDEXED)
    return {
        "profile": changed.profile.as_dict(),
        "changes": [dataclasses.asdict(one) for one in changed.changes[:MOST_CHANGES_KEPT]],
        "changed": len(changed.changes),
        "added": changed.added,
    }


def cut_version(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """The next version without the lines and phrases that give labels away, staged in the folder: `spec["given"]`, or
    what its tickets tell; `spec["uncut"]`: with the texts as they came instead. Raises ChangeInvalid where there is
    nothing to cut or to undo."""
    base, given = BaseVersion.from_dict(spec["base"]), spec["given"]
    if spec["uncut"]:
        profile = uncut(base, into=folder / STAGED)
        build(folder / STAGED, folder / INDEXED)
        return {"profile": profile.as_dict(), "changes": [], "changed": 0, "added": 0}
    if given is None:
        lines, phrases = lines_given_away(leaks_of(base))
    else:
        lines, phrases = set(given["lines"]), set(given["phrases"])
    profile = cut(base, lines=lines, phrases=phrases, into=folder / STAGED)
    build(folder / STAGED, folder / INDEXED)
    return {"profile": profile.as_dict(), "changes": [], "changed": 0, "added": 0}


def look_at_model(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """`looking.LookResult` of the version whose file is `spec["bundle"]`."""
    from threadpoolctl import threadpool_limits

    from otai.learning.model.bundle import Bundle

    with threadpool_limits(limits=1):
        found = look(Facts(**spec["facts"]), Bundle.load(Path(spec["bundle"])), lines_of(Path(spec["source"])))
    return dataclasses.asdict(found)


def compare_versions(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """`Comparison.as_dict` of the two versions whose files are `spec["older"]` and `spec["newer"]`."""
    from threadpoolctl import threadpool_limits

    from otai.learning.evidence.comparison import compare
    from otai.learning.model.bundle import Bundle

    with threadpool_limits(limits=1):
        return compare(Bundle.load(Path(spec["older"])), Bundle.load(Path(spec["newer"]))).as_dict()


def same_texts(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """Which of the rows in `source` have the text of a ticket that goes."""
    paths = [Path(path) for path in (*spec["going"], *spec["others"])]
    sizes = [path.stat().st_size for path in paths]

    def progress(at: int, tickets: int) -> None:
        tell(rows=tickets, bytes_read=sum(sizes[:at]), bytes_total=sum(sizes))

    said, asked = matching(spec["going"], spec["others"], lines_of(Path(spec["source"])), progress=progress)
    return {SAID: said, ASKED: asked}


def matching(
    going: Sequence[str | Path],
    others: Sequence[str | Path],
    rows: Iterable[Sequence[str]],
    *,
    progress: Any = lambda at, tickets: None,
) -> tuple[list[str], list[str]]:
    """The ids of `rows` ([SAID or ASKED, id, text]) whose text one of the tickets in `going` has, and none in
    `others`."""
    goes: set[bytes] = set()
    tickets = 0
    for at, path in enumerate(going):
        progress(at, tickets)
        for key in text_keys_of(Path(path)):
            goes.add(key)
            tickets += 1
            if tickets % 10_000 == 0:
                progress(at, tickets)
    for at, path in enumerate(others, start=len(going)):
        progress(at, tickets)
        for key in text_keys_of(Path(path)):
            goes.discard(key)
    # As texts came, and as the import stored them: markup read, without signatures, masked.
    rules = {rules_of(Path(path)) for path in going}
    ids: dict[str, list[str]] = {SAID: [], ASKED: []}
    for kind, id, text in rows:
        if same_text_key(text) in goes or any(same_text_key(as_learnt([text], one)[0]) in goes for one in rules):
            ids[kind].append(id)
    return ids[SAID], ids[ASKED]
