"""How often an unchanged helpdesk is advised to train again, and how soon a shift of 10 points of accuracy is found.
Real tickets, simulated weeks.

A model is trained in Basic on a part of a public set; the other tickets arrive in weeks of 200, and each week the last
two weeks are checked, as the product does. `--models N` and `--checks N` make it longer or shorter.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.machine import measured_on
from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.normalisation import same_text_key
from otai.learning.data.tickets import LabelledTickets
from otai.learning.evidence import drift
from otai.learning.evidence.drift import DescribedTickets, JudgedTickets
from otai.learning.model.bundle import Bundle
from otai.learning.recipes import RECIPES
from otai.learning.training import train

ROOT = Path(__file__).resolve().parents[1]
FRAGMENT = ROOT / ".bench" / "advice.md"
DATA = ROOT.parent / "shared" / "data"
SETS = {"banking77": "intent", "endava_5k": "category", "grp_it": "group"}
TRAINED, WEEK, WEEKS_BEFORE = 2_500, 200, 6
LOST = 0.10


@dataclass
class Pool:
    """Tickets as a model sees them, with whether it is right about each."""

    seen: DescribedTickets
    right: np.ndarray

    def take(self, rows: np.ndarray) -> tuple[DescribedTickets, np.ndarray]:
        part = DescribedTickets(
            self.seen.known_words[rows],
            self.seen.sketches[rows],
            self.seen.confidence[rows],
            tuple(self.seen.language[row] for row in rows),
        )
        return part, self.right[rows]


@dataclass
class Desk:
    name: str
    bundle: Bundle
    accuracy: float
    measured: int
    usual: Pool
    """tickets like those trained on"""
    new_label: Pool
    """tickets of labels that the training did not have: always wrong"""
    of_another_desk: Pool
    """tickets of another desk: always wrong"""
    cut: Pool
    """the usual tickets, each with most of its words lost on the way"""


def read(name: str, attribute: str) -> list[tuple[str, str]]:
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["text"], row[attribute]) for row in csv.DictReader(file) if row["text"].strip() and row[attribute]]
    once = {same_text_key(text): (text, label) for text, label in rows}
    return list(once.values())


def pool(bundle: Bundle, tickets: list[tuple[str, str]]) -> Pool:
    texts = [text for text, _ in tickets]
    # Languages cost time and are measured elsewhere: here they are all the same.
    seen = drift.look(bundle, texts, ["en"] * len(texts))
    [model] = bundle.attributes
    said = bundle.probabilities(texts)[model.spec.name].argmax(axis=1)
    right = np.asarray([model.labels[at] == label for at, (_, label) in zip(said, tickets, strict=True)], np.float64)
    return Pool(seen, right)


def desk(name: str, seed: int) -> Desk:
    chance = random.Random(f"{name} {seed}")
    tickets = read(name, SETS[name])
    chance.shuffle(tickets)
    labels = sorted({label for _, label in tickets})
    # About one label in eight is kept for later: the queues that do not exist yet.
    later = set(chance.sample(labels, max(1, len(labels) // 8)))
    known = [one for one in tickets if one[1] not in later]
    learnt, usual = known[:TRAINED], known[TRAINED:]
    specs = [AttributeSpec(SETS[name])]
    columns = LabelledTickets(
        ids=[str(at) for at in range(len(learnt))],
        texts=[text for text, _ in learnt],
        languages=["en"] * len(learnt),
        attributes={SETS[name]: [label for _, label in learnt]},
    )
    trained = train(columns, specs, RECIPES["basic"], seed=seed)
    report = trained.report_card.attributes[0]
    # What the model cannot say is no ticket of an unchanged desk.
    named = set(trained.bundle.attributes[0].labels)
    usual = [one for one in usual if one[1] in named][:3_000]
    other = next(other for other in SETS if other != name)
    others = [(text, "of another desk") for text, _ in read(other, SETS[other])[:1_000]]

    def shortened(text: str) -> str:
        words = text.split()
        return " ".join(word for word in words if chance.random() < 0.15) or words[0]

    return Desk(
        name,
        trained.bundle,
        report.accuracy.value,
        report.holdout_tickets,
        pool(trained.bundle, usual),
        pool(trained.bundle, [one for one in tickets if one[1] in later][:1_500]),
        pool(trained.bundle, others),
        pool(trained.bundle, [(shortened(text), label) for text, label in usual[:1_500]]),
    )


def joined(parts: list[tuple[DescribedTickets, np.ndarray]]) -> tuple[DescribedTickets, np.ndarray]:
    seen = DescribedTickets(
        np.concatenate([one.known_words for one, _ in parts]),
        np.concatenate([one.sketches for one, _ in parts]),
        np.concatenate([one.confidence for one, _ in parts]),
        tuple(code for one, _ in parts for code in one.language),
    )
    return seen, np.concatenate([right for _, right in parts])


def advised(
    found: Desk, week: tuple[DescribedTickets, np.ndarray], history: tuple[DescribedTickets, np.ndarray], *, seed: int
) -> dict[bool, bool]:
    """What the product decides on two weeks of tickets, knowing those before: without feedback (False), and with it
    (True)."""
    seen, right = week
    name = found.bundle.attributes[0].spec.name
    assert found.bundle.reference is not None
    decided = {}
    for feedback in (False, True):
        signals = drift.check(
            found.bundle.reference,
            seen,
            [name],
            accuracy={name: (found.accuracy, found.measured)},
            judged={name: JudgedTickets(right, seen.confidence[:, 0])} if feedback else None,
            history=history[0],
            judged_before={name: JudgedTickets(history[1], history[0].confidence[:, 0])} if feedback else None,
            seed=seed,
        )
        decided[feedback] = any(signal.is_drift for signal in signals)
    return decided


Week = Callable[[np.random.Generator], tuple[DescribedTickets, np.ndarray]]


def usual_week(found: Desk) -> Week:
    def week(chance: np.random.Generator) -> tuple[DescribedTickets, np.ndarray]:
        return found.usual.take(chance.choice(len(found.usual.right), WEEK, replace=False))

    return week


def shifted_week(found: Desk, kind: str) -> Week:
    """A week in which the expected accuracy is 10 points lower than usual."""
    usual = float(found.usual.right.mean())

    def week(chance: np.random.Generator) -> tuple[DescribedTickets, np.ndarray]:
        if kind == "labels mean something else":
            seen, right = usual_week(found)(chance)
            # People now call right what they called otherwise: of the right ones as many turn wrong as make 10 points.
            turned = chance.random(WEEK) < LOST / usual
            return seen, np.where(turned, 0.0, right)
        other = {
            "new queues": found.new_label,
            "another desk's tickets": found.of_another_desk,
            "most words lost": found.cut,
        }[kind]
        share = min(1.0, LOST / max(usual - float(other.right.mean()), LOST))
        many = chance.binomial(WEEK, share)
        return joined(
            [
                found.usual.take(chance.choice(len(found.usual.right), WEEK - many, replace=False)),
                other.take(chance.choice(len(other.right), many, replace=True)),
            ]
        )

    return week


KINDS = ("new queues", "another desk's tickets", "most words lost", "labels mean something else")


@dataclass
class Counted:
    """What one model's weeks brought: false advice without feedback and with it, and the week in which each shift was
    found (0: neither)."""

    name: str
    accuracy: float
    false: dict[bool, int]
    found: dict[tuple[str, bool], list[int]]


def simulated(name: str, number: int, checks: int, shifts: int) -> Counted:
    chance = np.random.default_rng([8, number, sorted(SETS).index(name)])
    one = desk(name, number)
    week = usual_week(one)
    counted = Counted(
        name,
        float(one.usual.right.mean()),
        {False: 0, True: 0},
        {(kind, feedback): [] for kind in KINDS for feedback in (False, True)},
    )
    for at in range(checks):
        history = joined([week(chance) for _ in range(WEEKS_BEFORE)])
        for feedback, is_advised in advised(one, joined([week(chance), week(chance)]), history, seed=at).items():
            counted.false[feedback] += is_advised
    for kind in KINDS:
        shifted = shifted_week(one, kind)
        for at in range(shifts):
            history = joined([week(chance) for _ in range(WEEKS_BEFORE)])
            before, first, second = week(chance), shifted(chance), shifted(chance)
            soon = advised(one, joined([before, first]), history, seed=at)
            late = advised(one, joined([first, second]), history, seed=at)
            for feedback in (False, True):
                counted.found[kind, feedback].append(1 if soon[feedback] else 2 if late[feedback] else 0)
    print(name, number, f"accuracy {counted.accuracy:.3f}, false {counted.false}", flush=True)
    return counted


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--models", type=int, default=3, help="trained of each set, on other tickets each")
    asked.add_argument("--checks", type=int, default=100, help="weekly checks of each model")
    asked.add_argument("--shifts", type=int, default=20, help="planted shifts of each kind and model")
    asked.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    options = asked.parse_args()
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as processes:
        waiting = [
            processes.submit(simulated, name, number, options.checks, options.shifts)
            for number in range(options.models)
            for name in SETS
        ]
        all_counted = [one.result() for one in waiting]
    checks = len(all_counted) * options.checks
    false = {feedback: sum(one.false[feedback] for one in all_counted) for feedback in (False, True)}
    found_in = {
        (kind, feedback): [week for one in all_counted for week in one.found[kind, feedback]]
        for kind in KINDS
        for feedback in (False, True)
    }
    by_set = {}
    for name in SETS:
        own = [one for one in all_counted if one.name == name]
        by_set[name] = [
            f"{np.mean([one.accuracy for one in own]):.1%}",
            *(
                f"{sum(one.false[feedback] for one in own)} of {len(own) * options.checks}"
                for feedback in (False, True)
            ),
        ]

    def share(kind: str, feedback: bool, within: int) -> str:
        found = found_in[kind, feedback]
        return f"{np.mean([0 < one <= within for one in found]):.0%}"

    lines = [
        "## When to train again",
        "",
        f"`make bench BENCH=advice`; {measured_on()}. {options.models} Basic models of each of three sets, each "
        f"trained on {TRAINED:,} real tickets; tickets that it never saw arrive in weeks of {WEEK}; each check looks "
        f'at two weeks, after {WEEKS_BEFORE} weeks in use. "With feedback": people said of every ticket whether the '
        "model was right.",
        "",
        f"**False advice on unchanged tickets** (at most 1 in 100 checks is promised): {false[False]} of {checks} "
        f"checks without feedback, {false[True]} of {checks} with it.",
        "",
        "| set | accuracy | false, without feedback | with feedback |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in by_set.items()),
        "",
        f"**A planted shift of 10 points of accuracy**, {options.shifts * options.models * len(SETS)} of each kind, "
        "found within one and within two weeks:",
        "",
        "| what changes | one week | two weeks | one week, with feedback | two weeks, with feedback |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {kind} | {share(kind, False, 1)} | {share(kind, False, 2)} | {share(kind, True, 1)} | "
            f"{share(kind, True, 2)} |"
            for kind in KINDS
        ),
        "",
        "Where labels change their meaning the tickets themselves do not change: nothing but feedback can tell.",
    ]
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()
