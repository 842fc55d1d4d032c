"""What a look at a model's newest tickets reads and works out: which labels changed, and whether the tickets drifted.
No tables, no settings.

It reads two data sets and asks the model about thousands of tickets, so that for the web it is a job
(`otai.serving.jobs`). `otai.serving.advice.looks` gathers the facts from the rows before and writes down what was found
after.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from otai.learning.data.label_changes import LabelChanges, label_changes
from otai.tickets.changing import text_key

if TYPE_CHECKING:
    from otai.learning.evidence.drift import DescribedTickets, JudgedTickets
    from otai.learning.model.bundle import Bundle

MOST_TICKETS = 2_000
"""The newest of a window: more would show differences that are too small to matter."""
MOST_FRESH = 100_000
"""Of tickets that a newer data set brought: the newest, so that a million new ones fit into a job."""
LATELY, EARLIER = "lately", "earlier"


@dataclass(frozen=True)
class NewTickets:
    """Tickets that came after a training: texts, languages, and what people say their labels are where it is known (by
    attribute)."""

    texts: list[str] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)
    labels: list[dict[str, list[str]]] = field(default_factory=list)
    is_complete: list[bool] = field(default_factory=list)
    """People spoke of this ticket whether the model was right or not; else they may speak only where it was wrong."""

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Facts:
    """What the rows say of a version and its newest data set. Values that JSON can hold.

    `newest` is the file of a newer data set than the one trained on, `learnt` the file of that one unless its tickets
    are gone, since when only tickets after `learnt_at` count as new. `learnt_labels` and `newest_labels` count tickets
    by attribute and label; `learnable` are the labels of the newest that a training would learn and that one on the
    older tickets had too few of, None where a release before asked; `single` are the attributes that both have with one
    label a ticket. `renamed` are names that people gave labels since. `measured` holds accuracy and tickets of the
    report card by attribute. Without `tests_drift` this week's tests were made before.
    """

    attributes: list[str]
    newest: str | None
    learnt: str | None
    learnt_at: str
    learnt_labels: dict[str, dict[str, int]]
    newest_labels: dict[str, dict[str, int]]
    single: list[str]
    renamed: dict[str, dict[str, str]]
    measured: dict[str, tuple[float, int]]
    seed: int
    tests_drift: bool
    learnable: dict[str, list[str]] | None = None


@dataclass(frozen=True)
class LookResult:
    """`labels` is what changed, as advice (`evidence`, `mapping`, `points`, `only_renamed`); `signals` are this week's
    tests of drift on so many `tickets`, None where there were too few of them, or no need."""

    labels: dict[str, Any] | None
    signals: list[dict[str, Any]] | None
    tickets: int


def look(facts: Facts, bundle: Bundle, seen: Iterable[Sequence[Any]]) -> LookResult:
    """`seen` are the tickets that the model was asked about and those that people spoke of, oldest first
    (`advice.new_tickets.seen_rows`)."""
    fresh = fresh_tickets(facts)
    labels = of_labels(facts, bundle, fresh) if facts.newest is not None else None
    if not facts.tests_drift or bundle.reference is None:
        return LookResult(labels, None, 0)
    lately, earlier = _by_window(seen)
    latest = joined(with_known_labels(bundle, fresh), lately)
    signals = drift_signals(facts, bundle, latest, earlier if latest is lately else NewTickets())
    return LookResult(labels, signals, len(latest))


def fresh_tickets(facts: Facts) -> NewTickets:
    """Tickets of the newest data set that the one trained on did not have, the newest last.

    Where those trained on were deleted, tickets that came in after their import count as new; of tickets without a time
    nobody can say.
    """
    if facts.newest is None:
        return NewTickets()
    known = set() if facts.learnt is None else {key for key, _ in _rows(facts.learnt, [])}
    learnt_at = datetime.fromisoformat(facts.learnt_at)

    def is_new(key: bytes, row: Mapping[str, Any]) -> bool:
        if facts.learnt is None:
            return row.get("created_at") is not None and row["created_at"] > learnt_at
        return key not in known

    rows = _newest_rows(
        row
        for key, row in _rows(facts.newest, facts.attributes)
        if (row["subject"] or row["body"]) and is_new(key, row)
    )
    fresh = NewTickets()
    for row in rows:
        labels: dict[str, list[str]] = {}
        for name in facts.attributes:
            value = row.get(f"attribute:{name}")
            if value is not None:
                labels[name] = list(value) if isinstance(value, list) else [value]
        subject, body = row["subject"], row["body"]
        fresh.texts.append(f"{subject or ''}\n{body}" if body is not None else subject)
        fresh.languages.append(row.get("language"))
        fresh.labels.append(labels)
        fresh.is_complete.append(True)
    return fresh


def _newest_rows(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest MOST_FRESH, oldest first: by time where it is known of all; else the source's order is all there
    is."""
    last: deque[dict[str, Any]] = deque(maxlen=MOST_FRESH)
    by_time: list[tuple[datetime, int, dict[str, Any]]] = []
    have_times = True
    for number, row in enumerate(rows):
        last.append(row)
        if have_times := have_times and row.get("created_at") is not None:
            put = heapq.heappush if len(by_time) < MOST_FRESH else heapq.heappushpop
            put(by_time, (row["created_at"], number, row))
    return [row for _, _, row in sorted(by_time)] if have_times else list(last)


def _rows(path: str, attributes: Sequence[str]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Each ticket with the key of its text, and only those columns that a look needs."""
    with pq.ParquetFile(Path(path)) as source:
        wanted = ["subject", "body", "language", "created_at", *(f"attribute:{name}" for name in attributes)]
        columns = [name for name in wanted if name in source.schema_arrow.names]
        for batch in source.iter_batches(batch_size=1024, columns=columns):
            for row in batch.to_pylist():
                yield text_key(row["subject"], row["body"]), row


def of_labels(facts: Facts, bundle: Bundle, fresh: NewTickets) -> dict[str, Any] | None:
    """Which labels of which attributes were added, removed, renamed, split or joined since the training."""
    evidence, mapping, only_names, points = [], {}, True, []
    moved = _moved(facts)
    for model in bundle.attributes:
        name = model.spec.name
        changes = _changes_of(facts, bundle, name, fresh, moved.get(name, {}))
        # Whoever uses the new name already gets it.
        renamed = facts.renamed.get(name, {})
        open_names = {old: new for old, new in changes.renamed.items() if renamed.get(old) != new}
        if not changes or (changes.only_renamed and not open_names):
            continue
        only_names = only_names and changes.only_renamed
        if changes.renamed:
            mapping[name] = dict(changes.renamed)
        evidence.append(
            {
                "kind": "labels",
                "attribute": name,
                "added": list(changes.added),
                "removed": list(changes.removed),
                "renamed": dict(changes.renamed),
                "split": {old: list(parts) for old, parts in changes.split.items()},
                "joined": {new: list(parts) for new, parts in changes.joined.items()},
                "tickets": dict(changes.tickets),
                # Of how many newer tickets, and how many of those learnt had a label that is gone.
                "of": sum(changes.counted.values()),
                "learnt": sum(facts.learnt_labels.get(name, {}).values()),
                "learnt_gone": sum(facts.learnt_labels[name].get(label, 0) for label in changes.removed),
                "came_from": {new: dict(shares) for new, shares in changes.evidence.items()},
            }
        )
        learnt, newest = facts.learnt_labels.get(name, {}), facts.newest_labels.get(name, {})
        points += [
            # Like with like: in all tickets of the one and of the other.
            {"attribute": name, "label": label, "before": learnt.get(label, 0), "now": newest.get(label, count)}
            for label, count in changes.tickets.items()
        ]
    if not evidence:
        return None
    return {"evidence": evidence, "mapping": mapping, "points": points, "only_renamed": only_names}


def _changes_of(
    facts: Facts, bundle: Bundle, name: str, fresh: NewTickets, moved: Mapping[str, Counter[str]]
) -> LabelChanges:
    model = next(one for one in bundle.attributes if one.spec.name == name)
    learnt = {label: count for label, count in facts.learnt_labels.get(name, {}).items() if label in model.labels}
    if not learnt or name not in facts.newest_labels:
        return LabelChanges()
    # What came since the training shows sooner what changed than all tickets taken together do.
    came: Counter[str] = Counter()
    for labels in fresh.labels:
        came.update(labels.get(name, []))
    everything = facts.newest_labels[name]
    now = dict(came) if sum(came.values()) >= 100 and not moved else everything
    unknown = {label for label in {*now, *everything} if label not in learnt}
    predicted: dict[str, Counter[str]] = {}
    texts = [
        (text, label)
        for text, labels in zip(fresh.texts, fresh.labels, strict=True)
        for label in labels.get(name, [])
        if label in unknown
    ][:MOST_TICKETS]
    if texts:
        for (_, label), said in zip(texts, bundle.predict([text for text, _ in texts]), strict=True):
            predicted.setdefault(label, Counter()).update(said[name].labels[:1])
    known = None if facts.learnable is None else set(facts.learnable.get(name, []))
    return label_changes(learnt=learnt, now=now, moved=moved, predicted=predicted, learnable=known)


def _moved(facts: Facts) -> dict[str, dict[str, Counter[str]]]:
    """For each attribute and label of today: what tickets with the same text were labelled before, where that was
    another label."""
    if facts.learnt is None or facts.newest is None or not facts.single:
        return {}
    columns = [f"attribute:{name}" for name in facts.single]
    # Labels are few and repeat: a number for each row of them, however many tickets there are.
    numbers: dict[tuple[Any, ...], int] = {}
    was: dict[bytes, int] = {}
    for key, row in _rows(facts.learnt, facts.single):
        labels = tuple(row.get(column) for column in columns)
        was[key] = numbers.setdefault(labels, len(numbers))
    rows_of_labels = list(numbers)
    moved: dict[str, dict[str, Counter[str]]] = {}
    for key, row in _rows(facts.newest, facts.single):
        if (number := was.get(key)) is None:
            continue
        for name, column, former in zip(facts.single, columns, rows_of_labels[number], strict=True):
            label = row.get(column)
            if label and former and label != former:
                moved.setdefault(name, {}).setdefault(label, Counter())[former] += 1
    return moved


def _by_window(seen: Iterable[Sequence[Any]]) -> tuple[NewTickets, NewTickets]:
    windows: dict[str, dict[str, tuple[str | None, dict[str, list[str]], bool]]] = {LATELY: {}, EARLIER: {}}
    for window, text, language, attribute, corrected, complete in seen:
        found = windows[window]
        if attribute is None:
            found[text] = (language or None, {}, False)
            continue
        _, labels, was_complete = found.get(text, (None, {}, False))
        # Only corrections, and nobody kept what was asked: the wrong ones alone would say nothing about all.
        if not complete and text not in found:
            continue
        found[text] = (language or None, {**labels, attribute: list(corrected)}, was_complete or complete)
    return _newest_of(windows[LATELY]), _newest_of(windows[EARLIER])


def _newest_of(found: Mapping[str, tuple[str | None, dict[str, list[str]], bool]]) -> NewTickets:
    texts = list(found)[-MOST_TICKETS:]
    return NewTickets(
        texts,
        [found[text][0] for text in texts],
        [found[text][1] for text in texts],
        [found[text][2] for text in texts],
    )


def with_known_labels(bundle: Bundle, fresh: NewTickets) -> NewTickets:
    """Tickets of labels that the model does not have are another finding: labels changed. They would look like drift as
    well."""
    known = {one.spec.name: {label.casefold() for label in one.labels} for one in bundle.attributes}
    rows = [
        row
        for row, labels in enumerate(fresh.labels)
        if all({label.casefold() for label in found} <= known[name] for name, found in labels.items())
    ]
    return NewTickets(
        [fresh.texts[row] for row in rows],
        [fresh.languages[row] for row in rows],
        [fresh.labels[row] for row in rows],
        [fresh.is_complete[row] for row in rows],
    )


def joined(fresh: NewTickets, lately: NewTickets) -> NewTickets:
    """Those of the last two weeks; of a newer data set, whose tickets may be older, only as far as they are needed to
    say anything."""
    if len(lately) >= len(fresh):
        return lately
    part = slice(-MOST_TICKETS, None)
    return NewTickets(fresh.texts[part], fresh.languages[part], fresh.labels[part], fresh.is_complete[part])


def drift_signals(facts: Facts, bundle: Bundle, latest: NewTickets, earlier: NewTickets) -> list[dict[str, Any]] | None:
    """The tests of the newest tickets beside the training; None where there are too few of them to say anything."""
    from otai.learning.evidence import drift

    if len(latest) < drift.FEWEST_TICKETS:
        return None
    assert bundle.reference is not None
    names = [model.spec.name for model in bundle.attributes]
    seen, judged = _looked_at(bundle, latest)
    before, judged_before = _looked_at(bundle, earlier) if len(earlier) >= drift.FEWEST_OF_HISTORY else (None, {})
    signals = drift.check(
        bundle.reference,
        seen,
        names,
        accuracy={name: facts.measured[name] for name in names if name in facts.measured},
        judged=judged,
        history=before,
        judged_before=judged_before,
        seed=facts.seed,
    )
    return [signal.as_dict() for signal in signals]


def _looked_at(bundle: Bundle, found: NewTickets) -> tuple[DescribedTickets, dict[str, JudgedTickets]]:
    from otai.learning.data.language import detect_languages
    from otai.learning.evidence import drift

    # One detector for all: what a data set says of its languages is not what the reference was measured with.
    languages = [
        detected or given for detected, given in zip(detect_languages(found.texts), found.languages, strict=True)
    ]
    seen = drift.look(bundle, found.texts, languages)
    said = bundle.predict(found.texts)
    judged = {}
    for at, model in enumerate(bundle.attributes):
        name = model.spec.name
        one = _judged(bundle, at, name, found, [each[name].labels for each in said], seen.confidence[:, at])
        if one is not None:
            judged[name] = one
    return seen, judged


def _judged(
    bundle: Bundle,
    at: int,
    name: str,
    latest: NewTickets,
    said: Sequence[tuple[str, ...]],
    confidence: Any,
) -> JudgedTickets | None:
    import numpy as np

    from otai.learning.evidence.drift import FEWEST_TICKETS, JudgedTickets

    known = {label.casefold() for label in bundle.attributes[at].labels}
    spoken_of = [
        row
        for row in range(len(latest))
        if latest.is_complete[row]
        and name in latest.labels[row]
        # A label that the model does not have is another matter: labels changed.
        and {label.casefold() for label in latest.labels[row][name]} <= known
    ]
    if len(spoken_of) >= FEWEST_TICKETS:
        rows = spoken_of
    elif any(name in labels for labels in latest.labels) and not any(latest.is_complete):
        # People correct what is wrong and pass over the rest: counting those as right, accuracy is overestimated, never
        # underestimated.
        rows = list(range(len(latest)))
    else:
        return None
    right = [
        float(
            name not in latest.labels[row]
            or {label.casefold() for label in latest.labels[row][name]} == {label.casefold() for label in said[row]}
        )
        for row in rows
    ]
    return JudgedTickets(np.asarray(right), np.asarray(confidence, np.float64)[rows])
