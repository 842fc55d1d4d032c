"""Before an order: is an attribute that no text tells found, and is one that a training learns never called so?

Needs ../shared beside the repository (public data, not part of the product). One thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.machine import measured_on

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np

from benchmarks.learning_business import FRAGMENT as BUSINESS_FRAGMENT
from benchmarks.learning_business import SETS, rows_of, tickets_of
from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.tickets import LabelledTickets, Value
from otai.learning.evidence.expected_quality import expected
from otai.learning.evidence.training_findings import LIKELY_CHANCE
from otai.learning.recipes import recipe_for
from otai.learning.training import train

FRAGMENT = BUSINESS_FRAGMENT.with_name("learning_signal.md")
SIZES, SEEDS = (300, 1_000, 3_000), (0, 1, 2)
ALL_SETS: dict[str, tuple[str, ...]] = SETS | {"support_en_de": (*SETS["support_en_de"], "tags"), "xsid": ("intent",)}
FEWEST_OTHERS, MOST_OTHERS = 300, 3_000
"""Tickets beside a sample, on which a training on the sample shows what it learnt."""
SINGLE, MULTI = AttributeKind.SINGLE, AttributeKind.MULTI
DRAWN: dict[str, tuple[AttributeKind, Sequence[float]]] = {
    "two even": (SINGLE, (0.5, 0.5)),
    "two, 9 to 1": (SINGLE, (0.9, 0.1)),
    "five even": (SINGLE, (0.2,) * 5),
    "eight, long tail": (SINGLE, (0.6, 0.2, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01)),
    "twenty, as 1/rank": (SINGLE, tuple(1 / rank for rank in range(1, 21))),
    "five tags": (MULTI, (0.5, 0.3, 0.2, 0.1, 0.05)),
}


@dataclass
class Tally:
    """Of one size: attributes tried, which were called without signal, and of drawn labels how many by distribution."""

    tried: int = 0
    called: list[str] = field(default_factory=list)
    wrongly: list[str] = field(default_factory=list)
    drawn: dict[str, list[bool]] = field(default_factory=lambda: {name: [] for name in DRAWN})
    seconds: list[float] = field(default_factory=list)


def part_of(tickets: LabelledTickets, rows: Sequence[int], splits: Sequence[str] | None = None) -> LabelledTickets:
    """These rows of the tickets, split as given."""
    return LabelledTickets(
        ids=[tickets.ids[row] for row in rows],
        texts=[tickets.texts[row] for row in rows],
        languages=[tickets.languages[row] for row in rows],
        attributes={name: [column[row] for row in rows] for name, column in tickets.attributes.items()},
        splits=list(splits) if splits else None,
    )


def whole(name: str) -> tuple[LabelledTickets, list[AttributeSpec]]:
    """All rows of a set that have labels, its tags as several labels."""
    rows = [row for row in rows_of(name) if row["split"] != "test_oos"]
    tickets, specs = tickets_of(rows, ALL_SETS[name])
    if "tags" in ALL_SETS[name]:
        tags: list[Value] = [tuple(tag for tag in row["tags"].split("|") if tag) for row in rows]
        tickets = replace(tickets, attributes={**tickets.attributes, "tags": tags})
        specs = [replace(spec, kind=MULTI) if spec.name == "tags" else spec for spec in specs]
    return tickets, specs


def drawn_labels(chance: np.random.Generator, tickets: int) -> tuple[dict[str, list[Value]], list[AttributeSpec]]:
    """For each distribution an attribute that no text tells."""
    columns: dict[str, list[Value]] = {}
    for name, (kind, weights) in DRAWN.items():
        if kind is MULTI:
            given = chance.random((tickets, len(weights))) < np.array(weights)
            columns[name] = [tuple(f"tag {tag}" for tag in np.flatnonzero(row)) for row in given]
        else:
            shares = np.array(weights) / np.sum(weights)
            columns[name] = [f"label {label}" for label in chance.choice(len(weights), tickets, p=shares)]
    return columns, [AttributeSpec(name, kind) for name, (kind, _weights) in DRAWN.items()]


def is_learnt(tickets: LabelledTickets, spec: AttributeSpec, sample: Sequence[int], others: Sequence[int]) -> bool:
    """Whether a training on the whole sample is better than guessing on tickets beside it."""
    splits = ["train"] * len(sample) + ["test"] * len(others)
    part = part_of(tickets, [*sample, *others], splits)
    one = replace(part, attributes={spec.name: part.attributes[spec.name]})
    [report] = train(one, [spec], recipe_for("basic")).report_card.attributes
    return report.chance_of_no_signal is not None and report.chance_of_no_signal <= LIKELY_CHANCE


def tried(tally: Tally, tickets: LabelledTickets, specs: list[AttributeSpec]) -> Iterator[AttributeSpec]:
    """The attributes of a trial that are called without signal; its processor time goes into the tally."""
    began = time.process_time()
    found = expected(tickets, specs)
    tally.seconds.append(time.process_time() - began)
    yield from (spec for spec in specs if found[spec.name].no_signal)


def measured(name: str, size: int, seed: int, tally: Tally) -> None:
    """Tries a sample of a set with its own labels and with drawn ones; nothing where the set is too small."""
    tickets, specs = whole(name)
    if len(tickets) < size + FEWEST_OTHERS:
        return
    chance = np.random.default_rng(100 + seed)
    order = chance.permutation(len(tickets)).tolist()
    sample, others = order[:size], order[size : size + MOST_OTHERS]
    tally.tried += len(specs)
    for spec in tried(tally, part_of(tickets, sample), specs):
        tally.called.append(f"{name}, {spec.name}")
        if is_learnt(tickets, spec, sample, others):
            tally.wrongly.append(f"{name}, {spec.name}")
    columns, drawn_specs = drawn_labels(chance, size)
    drawn = replace(part_of(tickets, sample), attributes=columns)
    called = {spec.name for spec in tried(tally, drawn, drawn_specs)}
    for spec in drawn_specs:
        tally.drawn[spec.name].append(spec.name in called)


def table(tallies: dict[int, Tally]) -> list[str]:
    """A column for each size."""

    def row(head: str, cells: Iterator[Any]) -> str:
        return f"| {head} | {' | '.join(map(str, cells))} |"

    every = tallies.values()
    return [
        row("tickets of the sample", (f"{size:,}" for size in tallies)),
        "|---|" + "---:|" * len(tallies),
        row("public attributes, samples of three seeds", (one.tried for one in every)),
        row("of these said to be told by nothing", (len(one.called) for one in every)),
        row("and learnt by a training all the same", (len(one.wrongly) for one in every)),
        *(
            row(f"drawn labels found: {name}", (f"{sum(one.drawn[name])} of {len(one.drawn[name])}" for one in every))
            for name in DRAWN
        ),
        row("processor s of a trial, median", (f"{np.median(one.seconds):.1f}" for one in every)),
        row("processor s of a trial, most", (f"{max(one.seconds):.1f}" for one in every)),
    ]


def main() -> None:
    tallies = {size: Tally() for size in SIZES}
    for size, tally in tallies.items():
        for name in ALL_SETS:
            for seed in SEEDS:
                measured(name, size, seed, tally)
                print(size, name, seed, tally.called, tally.wrongly, flush=True)
    wrongly = sorted({one for tally in tallies.values() for one in tally.wrongly})
    lines = [
        "## What nothing tells, before the order",
        "",
        "The trial of Basic behind the expected quality, on samples of every public set (test and training rows "
        "drawn together, all attributes, tags by label), and on the same texts with labels drawn at random. A training "
        "on the whole sample is tried on up to 3,000 tickets beside it where the trial calls an attribute told by "
        f"nothing. {measured_on()}",
        "",
        *table(tallies),
        "",
        "Called so and learnt: " + (", ".join(wrongly) or "none") + ".",
    ]
    FRAGMENT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
