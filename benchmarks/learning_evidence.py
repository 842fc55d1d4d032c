"""How honest the evidence is: planted label errors among the suspects, forecasts beside what came, expectations beside
what was reached, and what evidence costs.

Needs ../shared beside the repository (public data, not part of the product). Basic mode, one thread;
`docs/report-card.md` says what the figures mean.
"""

from __future__ import annotations

import dataclasses
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

from benchmarks.machine import measured_on

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np

from benchmarks.learning_business import FRAGMENT as BUSINESS_FRAGMENT
from benchmarks.learning_business import SETS, rows_of, tickets_of
from otai.learning import training
from otai.learning.evidence.expected_quality import expected
from otai.learning.evidence.label_issues import label_issues_of
from otai.learning.linear.subset_models import SubsetModels, SubsetSample
from otai.learning.recipes import recipe_for
from otai.learning.training import train

FRAGMENT = BUSINESS_FRAGMENT.with_name("learning_evidence.md")
BASIC = recipe_for("basic")
PLANTED_SHARE, FIRST = 0.05, (20, 50, 100, 200)
SUBSETS, SEEDS = (8, 4), (0, 1)
CORRECTION_SEEDS = (0, 1, 2)
CORRECTED_SETS = ("banking77", "grp_it", "support_en_de", "hint3_curekart")


def planted(name: str) -> str:
    """A row of the table: of the likeliest suspects in the training part, the share whose label had really been
    replaced."""
    tickets, specs = tickets_of(rows_of(name), SETS[name])
    column, chance = list(tickets.attributes[specs[0].name]), random.Random(1)
    rows = [row for row, split in enumerate(tickets.splits) if split == "train"]
    wrong = set(with_wrong_labels(column, rows, chance))
    data = dataclasses.replace(tickets, attributes={specs[0].name: column})
    defaults = label_issues_of.__kwdefaults__
    assert defaults is not None
    # A card lists some hundred; here all of them are looked at.
    with mock.patch.dict(defaults, most=len(tickets)):
        [report] = train(data, specs[:1], BASIC).report_card.attributes
    assert report.wrong_labels is not None
    in_training = {str(row) for row in rows}
    listed = [int(one.ticket_id) for one in report.wrong_labels.suspects if one.ticket_id in in_training]
    hits = np.array([row in wrong for row in listed])
    shares = " | ".join(f"{hits[:first].mean():.0%}" for first in FIRST)
    return f"| {name} | {len(wrong)} of {len(rows):,} | {shares} | {len(listed):,} |"


def with_wrong_labels(column: list[Any], rows: Sequence[int], chance: random.Random) -> list[int]:
    """Replaces the label of some of the rows by another one, drawn as often as it occurs; returns which rows."""
    labels = [column[row] for row in rows]
    wrong = sorted(chance.sample(list(rows), int(PLANTED_SHARE * len(rows))))
    for row in wrong:
        column[row] = next(label for label in iter(lambda: chance.choice(labels), None) if label != column[row])
    return wrong


def corrections(name: str) -> str:
    """A row of the table: by how much accuracy and macro F1 on the test rows rise when the suspects that a card lists
    are looked at and put right, and when as many new tickets are labelled instead; means over seeds."""
    tickets, [spec, *_] = tickets_of(rows_of(name), SETS[name])

    def reached(column: list[Any], aside: set[int]) -> Any:
        splits = [None if row in aside else split for row, split in enumerate(tickets.splits)]
        data = dataclasses.replace(tickets, attributes={spec.name: column}, splits=splits)
        return train(data, [spec], BASIC).report_card.attributes[0]

    gains: dict[str, list[tuple[float, float]]] = {"corrected": [], "new": []}
    looked_at, put_right = [], []
    for seed in CORRECTION_SEEDS:
        chance = random.Random(seed)
        truth = list(tickets.attributes[spec.name])
        train_rows = [row for row, split in enumerate(tickets.splits) if split == "train"]
        kept_aside = set(chance.sample(train_rows, min(500, len(train_rows) // 5)))
        learnt = [row for row in train_rows if row not in kept_aside]
        noisy = list(truth)
        with_wrong_labels(noisy, train_rows, chance)

        before = reached(noisy, kept_aside)
        assert before.wrong_labels is not None
        there = {str(row) for row in learnt}
        suspects = [int(one.ticket_id) for one in before.wrong_labels.suspects if one.ticket_id in there]
        suspects = suspects[: len(kept_aside)]
        corrected = [truth[row] if row in set(suspects) else label for row, label in enumerate(noisy)]
        # New tickets are labelled as carelessly as those that are there.
        new = chance.sample(sorted(kept_aside), len(suspects))
        looked_at.append(len(suspects))
        put_right.append(sum(noisy[row] != truth[row] for row in suspects))
        for what, after in (
            ("corrected", reached(corrected, kept_aside)),
            ("new", reached(noisy, kept_aside - set(new))),
        ):
            gains[what].append(
                (after.accuracy.value - before.accuracy.value, after.macro_f1.value - before.macro_f1.value)
            )
    cells = [
        " / ".join(f"{100 * np.mean([one[at] for one in found]):+.2f}" for at in (0, 1)) for found in gains.values()
    ]
    return f"| {name}, {spec.name} | {np.mean(looked_at):.0f} | {np.mean(put_right):.0f} | {' | '.join(cells)} |"


def forecasts(name: str) -> Iterator[tuple[Any, ...]]:
    """(metric, what the forecast for twice the tickets said, what came), one for each attribute, part and seed; None
    where no forecast was made."""
    tickets, specs = tickets_of(rows_of(name), SETS[name])
    rows = [row for row, split in enumerate(tickets.splits) if split == "train"]
    for seed in SEEDS:
        order = rows[:]
        random.Random(seed).shuffle(order)
        for part in SUBSETS:
            few = len(order) // part
            # The same labels for both, or more of them would be measured with more tickets.
            learnable = {
                spec.name: {
                    label
                    for label, count in Counter(tickets.attributes[spec.name][row] for row in order[:few]).items()
                    if label and count >= BASIC.fewest_tickets
                }
                for spec in specs
            }
            columns = {
                name: [label if label in learnable[name] else None for label in column]
                for name, column in tickets.attributes.items()
            }
            cards = []
            for count in (few, 2 * few):
                kept = set(order[:count])
                splits = [
                    split if split != "train" or row in kept else None for row, split in enumerate(tickets.splits)
                ]
                cards.append(train(dataclasses.replace(tickets, attributes=columns, splits=splits), specs, BASIC))
            for before, after in zip(*(one.report_card.attributes for one in cards), strict=True):
                made = before.learning_curve.forecasts if before.learning_curve else []
                doubled = next((one for one in made if one.more_tickets > 0.9 * before.train_tickets), None)
                for metric in ("accuracy", "macro_f1"):
                    said = getattr(doubled, metric) if doubled else None
                    yield metric, said, getattr(after, metric).value - getattr(before, metric).value


def expectations(name: str) -> list[str]:
    """Rows of the table: what was expected of Basic before, and what it reached."""
    tickets, specs = tickets_of(rows_of(name), SETS[name])
    began = time.process_time()
    before = expected(tickets, specs)
    seconds = time.process_time() - began
    lines = []
    for report in train(tickets, specs, BASIC).report_card.attributes:
        basic = before[report.name].modes["basic"]
        said = (
            "unknown"
            if basic is None
            else f"{basic.accuracy.value:.3f} ({basic.accuracy.low:.3f} to {basic.accuracy.high:.3f})"
        )
        f1 = basic.macro_f1 if basic else None
        said_f1 = "unknown" if f1 is None else f"{f1.value:.3f} ({f1.low:.3f} to {f1.high:.3f})"
        lines.append(
            f"| {name} | {report.name} | {said} | {report.accuracy.value:.3f} | {said_f1} | "
            f"{report.macro_f1.value:.3f} | {seconds:.1f} |"
        )
    return lines


def cost(name: str) -> str:
    """A row of the table: processor seconds of a training without and with evidence."""
    tickets, specs = tickets_of(rows_of(name), SETS[name])
    spent = 0.0

    def timed(function: Any) -> Any:
        def measured(*arguments: Any, **named: Any) -> Any:
            nonlocal spent
            began = time.process_time()
            found = function(*arguments, **named)
            spent += time.process_time() - began
            return found

        return measured

    names = {(SubsetModels, "fit"), (SubsetSample, "of"), (training, "learning_curve"), (training, "label_issues_of")}
    kept = {one: getattr(*one) for one in names}
    for (owner, attribute), function in kept.items():
        setattr(owner, attribute, timed(function))
    try:
        began = time.process_time()
        train(tickets, specs, BASIC)
        whole = time.process_time() - began
    finally:
        for (owner, attribute), function in kept.items():
            setattr(owner, attribute, function)
    return f"| {name} | {whole - spent:.1f} | {whole:.1f} | {spent / (whole - spent):.0%} |"


def main() -> None:
    lines = [
        "## Evidence",
        "",
        f"`make bench BENCH=learning_evidence`; {measured_on()}; Basic, one thread. What the figures mean: [the report "
        "card](report-card.md).",
        "",
        "Suspected labels: 5 % of the training labels replaced; the share of the likeliest suspects that had really "
        "been replaced.",
        "",
        f"| data | planted | {' | '.join(f'first {first}' for first in FIRST)} | suspected |",
        f"|---|---|{'---:|' * len(FIRST)}---:|",
        *(planted(name) for name in ("banking77", "grp_it")),
        "",
    ]
    held: dict[str, list[bool]] = {"accuracy": [], "macro_f1": []}
    unknown = Counter[str]()
    for name in SETS:
        for metric, said, came in forecasts(name):
            if said is None:
                unknown[metric] += 1
            else:
                held[metric].append(said.low <= came <= said.high)
    lines += [
        "Correcting or labelling anew: 5 % of the labels replaced; the suspects that a card lists looked at and put "
        "right, or as many new tickets labelled (5 % of those wrong too). Accuracy / macro F1 on the test rows, "
        f"points, mean of {len(CORRECTION_SEEDS)} seeds.",
        "",
        "| data | tickets looked at | wrong among them | put right | new tickets instead |",
        "|---|---:|---:|---:|---:|",
        *(corrections(name) for name in CORRECTED_SETS),
        "",
        "Forecasts for twice the tickets, from an eighth and a quarter of the training tickets, two seeds, all sets: "
        "the interval held what came in "
        + ", ".join(f"{sum(one)} of {len(one)} ({metric}; unknown: {unknown[metric]})" for metric, one in held.items())
        + ".",
        "",
        "Expected of Basic before ordering, and reached:",
        "",
        "| data | attribute | expected accuracy | reached | expected macro F1 | reached | processor s of the set |",
        "|---|---|---|---:|---|---:|---:|",
        *(line for name in SETS for line in expectations(name)),
        "",
        "What evidence costs, processor seconds of a training:",
        "",
        "| data | without | with | more |",
        "|---|---:|---:|---:|",
        *(cost(name) for name in ("banking77", "grp_it", "endava_5k")),
    ]
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
