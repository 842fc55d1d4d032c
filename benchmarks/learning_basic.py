"""Basic mode beside what an engineer would put together in an afternoon: quality, calibration, speed, memory, latency.

Needs ../shared/data beside the repository (public data, not part of the product) and says so if it is not there. Each
measurement runs in a process of its own with a fixed number of threads, so that neither caches nor other measurements
colour it.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import measured_on

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
FRAGMENT = ROOT / ".bench" / "learning_basic.md"
SETS = ("endava_5k", "grp_it", "support_en_de", "banking77", "hint3_curekart", "hwu64", "hint3_powerplay11")
NOT_ATTRIBUTES = {"text", "lang", "split"}
ORDERED, MULTI = {"urgency", "impact"}, {"tags"}
TIMED_RUNS = 3


def tickets_of(name: str) -> tuple[Any, list[Any]]:
    """A public set as labelled tickets with its own split, and the specs of its attributes."""
    from otai.learning.data.attributes import AttributeKind, AttributeSpec
    from otai.learning.data.tickets import LabelledTickets

    with (SHARED / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [column for column in rows[0] if column not in NOT_ATTRIBUTES]

    def value(row: Mapping[str, str], name: str) -> Any:
        return tuple(filter(None, row[name].split("|"))) if name in MULTI else row[name] or None

    def kind(name: str) -> AttributeKind:
        if name in MULTI:
            return AttributeKind.MULTI
        return AttributeKind.ORDERED if name in ORDERED else AttributeKind.SINGLE

    tickets = LabelledTickets(
        ids=[str(number) for number in range(len(rows))],
        texts=[row["text"] for row in rows],
        languages=[row.get("lang") for row in rows],
        attributes={name: [value(row, name) for row in rows] for name in names},
        splits=[row["split"] for row in rows],
    )
    return tickets, [AttributeSpec(name, kind(name)) for name in names]


@contextmanager
def timed(into: dict[str, Any], name: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    into[f"{name}_wall"], into[f"{name}_cpu"] = time.perf_counter() - wall, time.process_time() - cpu


# The parts, each run in a process of its own.


def quality(name: str) -> dict[str, Any]:
    """Accuracy, macro F1 over all labels that were learnt (data/README.md), calibration error and coverage on the test
    rows."""
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train

    tickets, specs = tickets_of(name)
    figures: dict[str, Any] = {}
    with timed(figures, "train"):
        trained = train(tickets, specs, recipe_for("basic"))
    figures["attributes"] = {}
    for report in trained.report_card.attributes:
        over_all_labels = sum(label.f1 or 0.0 for label in report.per_label) / len(report.labels)
        at_95 = next(one for one in report.coverage if one.target_precision == 0.95)
        figures["attributes"][report.name] = {
            "kind": report.kind,
            "accuracy": report.accuracy.value,
            "macro_f1": over_all_labels,
            "majority_macro_f1": report.majority.macro_f1,
            "calibration_error": report.calibration_error,
            "coverage_at_95": at_95.coverage,
            "precision_at_95": at_95.precision,
            "threshold_at_95": at_95.threshold,
        }
    return figures


def ours_timed() -> dict[str, Any]:
    """One Basic training on endava_5k, as a user's run does it: reading Parquet, report card, bundle on disk."""
    from otai.learning.process import ProcessSpec, _completed

    tickets, specs = tickets_of("endava_5k")
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        tickets.write_parquet(Path(folder) / "tickets.parquet")
        attributes = tuple({"name": spec.name, "kind": spec.kind.value} for spec in specs)
        spec = ProcessSpec(Path(folder) / "tickets.parquet", attributes, "basic", 0, Path(folder), _threads())
        # The progress lines are not what is measured here.
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere), timed(figures, "ours"):
            result = _completed(spec)
        assert result["outcome"] == "completed"
    return figures


def pipelines_timed() -> dict[str, Any]:
    """One scikit-learn pipeline for each attribute of endava_5k: fitted on the train rows, predicting the test rows."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    tickets, specs = tickets_of("endava_5k")
    texts, splits = np.array(tickets.texts, object), np.array(tickets.splits)
    figures: dict[str, Any] = {}
    scores = []
    with timed(figures, "pipelines"):
        for spec in specs:
            labels = np.array([value or "" for value in tickets.attributes[spec.name]])
            names, counts = np.unique(labels[(splits == "train") & (labels != "")], return_counts=True)
            kept = names[counts >= 5]
            train, test = (np.isin(labels, kept) & (splits == part) for part in ("train", "test"))
            pipeline = make_pipeline(
                make_union(
                    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
                ),
                LinearSVC(),
            )
            pipeline.fit(texts[train], labels[train])
            predicted = pipeline.predict(texts[test])
            scores.append(f1_score(labels[test], predicted, labels=kept, average="macro", zero_division=0))
    figures["macro_f1"] = statistics.fmean(scores)
    return figures


def attributes_timed() -> dict[str, Any]:
    """endava_5k with each attribute alone, and with 20 attributes: the seven, again and again under other names."""
    from otai.learning.data.attributes import AttributeSpec
    from otai.learning.data.tickets import LabelledTickets
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train

    tickets, specs = tickets_of("endava_5k")
    many = [AttributeSpec(f"{specs[number % 7].name} {number}", specs[number % 7].kind) for number in range(20)]
    columns = {one.name: tickets.attributes[specs[number % 7].name] for number, one in enumerate(many)}
    repeated = LabelledTickets(tickets.ids, tickets.texts, tickets.languages, columns, tickets.splits)
    figures: dict[str, Any] = {}
    for spec in specs:
        with timed(figures, spec.name):
            train(tickets, [spec], recipe_for("basic"))
    figures["one_cpu"] = statistics.fmean(figures[f"{spec.name}_cpu"] for spec in specs)
    with timed(figures, "twenty"):
        train(repeated, many, recipe_for("basic"))
    return figures


def memory() -> dict[str, Any]:
    """Peak memory of a training on 50 000 made-up tickets of 60 words with 7 attributes, the interpreter included."""
    import numpy as np

    from otai.learning.data.attributes import AttributeSpec
    from otai.learning.data.tickets import LabelledTickets
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train

    chance = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(letters[chance.integers(0, 26, chance.integers(3, 11))]) for _ in range(60_000)]
    frequency = 1 / np.arange(1, len(words) + 1)
    numbers = chance.choice(len(words), size=(50_000, 60), p=frequency / frequency.sum())
    columns: dict[str, list[str]] = {}
    for number, labels in enumerate((2, 7, 17, 25, 50, 4, 4)):
        codes = np.minimum(chance.geometric(2.5 / labels if labels > 4 else 0.6, 50_000) - 1, labels - 1)
        numbers[:, number] = 5_000 + 200 * number + codes
        columns[f"attribute {number}"] = [f"label {code}" for code in codes]
    texts = [" ".join(words[word] for word in row) for row in numbers]
    tickets = LabelledTickets([str(row) for row in range(50_000)], texts, [None] * 50_000, columns)
    del numbers, words
    figures: dict[str, Any] = {}
    with timed(figures, "train"):
        trained = train(tickets, [AttributeSpec(name) for name in columns], recipe_for("basic"))
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    figures["features"] = trained.bundle.features.width
    return figures


def latency() -> dict[str, Any]:
    """Prediction through a reloaded bundle with the 7 attributes of endava_5k; every test ticket alone, then all at
    once."""
    from otai.learning.model.bundle import Bundle
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train

    tickets, specs = tickets_of("endava_5k")
    trained = train(tickets, specs, recipe_for("basic"))
    texts = [text for text, split in zip(tickets.texts, tickets.splits, strict=True) if split == "test"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.otai"
        trained.bundle.save(path)
        began = time.perf_counter()
        bundle = Bundle.load(path)
        loading = time.perf_counter() - began
        size = path.stat().st_size
    milliseconds = []
    for text in texts:
        began = time.perf_counter()
        bundle.predict([text])
        milliseconds.append(1_000 * (time.perf_counter() - began))
    began = time.perf_counter()
    bundle.predict(texts)
    return {
        "load_seconds": loading,
        "megabytes": size / 1e6,
        "p50_ms": statistics.median(milliseconds),
        "p95_ms": statistics.quantiles(milliseconds, n=20)[18],
        "per_second": len(texts) / (time.perf_counter() - began),
    }


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "ours_timed": ours_timed,
    "pipelines_timed": pipelines_timed,
    "attributes_timed": attributes_timed,
    "memory": memory,
    "latency": latency,
    **{f"quality:{name}": (lambda name=name: quality(name)) for name in SETS},  # type: ignore[misc]
}


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def measure(part: str, *, threads: int = 1) -> dict[str, Any]:
    """Runs a part in a fresh process with so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.learning_basic", part],
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(names, str(threads)), "OMP_WAIT_POLICY": "PASSIVE"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def median_of(parts: Sequence[dict[str, Any]], name: str) -> float:
    return statistics.median(part[name] for part in parts)


def main() -> None:
    if not (SHARED / "data").exists():
        print("skipped: ../shared/data is not here")
        return
    # Ours and theirs in turn, so that whatever else the machine does meets both.
    ours, theirs = [], []
    for _ in range(TIMED_RUNS):
        ours.append(measure("ours_timed"))
        theirs.append(measure("pipelines_timed"))
        print(
            f"ours {ours[-1]['ours_cpu']:.1f} s, pipelines {theirs[-1]['pipelines_cpu']:.1f} s (processor time)",
            flush=True,
        )
    figures: dict[str, Any] = {
        "machine": measured_on(),
        "ours_cpu": median_of(ours, "ours_cpu"),
        "ours_wall": median_of(ours, "ours_wall"),
        "pipelines_cpu": median_of(theirs, "pipelines_cpu"),
        "pipelines_wall": median_of(theirs, "pipelines_wall"),
        "pipelines_macro_f1": theirs[0]["macro_f1"],
        "attributes": measure("attributes_timed"),
        "memory": measure("memory", threads=2),
        "latency": measure("latency"),
        "quality": {name: measure(f"quality:{name}") for name in SETS},
    }
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.with_suffix(".json").write_text(json.dumps(figures, indent=1))
    FRAGMENT.write_text("\n".join(page_of(figures)) + "\n")
    print("\n".join(page_of(figures)))


def baselines() -> dict[tuple[str, str], dict[str, float]]:
    """What `tfidf + LinearSVC` reaches on the same splits, from ../shared/baselines.csv."""
    with (SHARED / "baselines.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["data"], row["attribute"]): {"accuracy": float(row["accuracy"]), "macro_f1": float(row["macro_f1"])}
            for row in csv.DictReader(file)
            if row["model"] == "tfidf + LinearSVC"
        }


def page_of(figures: dict[str, Any]) -> list[str]:
    base = baselines()
    rows, ours_f1, base_f1 = [], [], []
    for name, one in figures["quality"].items():
        for attribute, values in one["attributes"].items():
            theirs = base.get((name, attribute))
            if theirs:
                ours_f1.append(values["macro_f1"])
                base_f1.append(theirs["macro_f1"])
            rows.append(
                f"| {name} | {attribute} | {values['accuracy']:.3f} | "
                f"{theirs['accuracy'] if theirs else float('nan'):.3f} | {values['macro_f1']:.3f} | "
                f"{theirs['macro_f1'] if theirs else float('nan'):.3f} | {values['calibration_error']:.3f} | "
                f"{values['coverage_at_95']:.1%} | "
                f"{'-' if values['precision_at_95'] is None else format(values['precision_at_95'], '.1%')} |"
            )
    endava = statistics.fmean(one["macro_f1"] for one in figures["quality"]["endava_5k"]["attributes"].values())
    attributes, memory_, latency_ = figures["attributes"], figures["memory"], figures["latency"]
    errors = {
        name: max(one["calibration_error"] for one in part["attributes"].values() if one["kind"] != "multi")
        for name, part in figures["quality"].items()
    }
    marks = [
        (
            "endava_5k, 7 attributes: pipelines / Basic, processor time",
            figures["pipelines_cpu"] / figures["ours_cpu"],
            "4, aim 6",
        ),
        ("the same, wall time", figures["pipelines_wall"] / figures["ours_wall"], "4, aim 6"),
        ("endava_5k: mean macro F1, Basic less pipelines", endava - figures["pipelines_macro_f1"], "0"),
        (
            "mean macro F1 over 13 attributes, Basic less LinearSVC",
            statistics.fmean(ours_f1) - statistics.fmean(base_f1),
            "0.010",
        ),
        ("calibration error, banking77", errors["banking77"], "at most 0.03"),
        (
            "calibration error, worst attribute of the other sets",
            max(errors[n] for n in SETS if n != "banking77"),
            "at most 0.06",
        ),
        (
            "20 attributes / one (mean of 7), processor time",
            attributes["twenty_cpu"] / attributes["one_cpu"],
            "at most 3",
        ),
        ("50 k tickets of 60 words: peak memory, MB", memory_["peak_mb"], "at most 1 500"),
        ("prediction of one ticket, 7 attributes: p50, ms", latency_["p50_ms"], "at most 5"),
        ("loading the bundle, s", latency_["load_seconds"], "at most 1"),
    ]
    return [
        "## Basic mode",
        "",
        f"`make bench BENCH=learning_basic`; {figures['machine']}; one thread, except memory (two). Trained and "
        "measured on each file's own split; macro F1 over all labels learnt (data/README.md).",
        "",
        "| what | measured | mark |",
        "|---|---:|---:|",
        *(f"| {what} | {value:,.3f} | {mark} |" for what, value, mark in marks),
        "",
        f"Seconds on endava_5k (reading to report card and bundle on disk, median of {TIMED_RUNS}): Basic "
        f"{figures['ours_cpu']:.1f} processor, {figures['ours_wall']:.1f} wall; one pipeline for each attribute, "
        f"uncalibrated, {figures['pipelines_cpu']:.1f} and {figures['pipelines_wall']:.1f}. One attribute "
        f"{attributes['one_cpu']:.1f}, 20 attributes {attributes['twenty_cpu']:.1f} (processor). 50 k tickets: "
        f"{memory_['train_cpu']:.0f} processor, {memory_['train_wall']:.0f} wall. Bundle: {latency_['megabytes']:.1f} "
        f"MB. Prediction: p95 {latency_['p95_ms']:.1f} ms, {latency_['per_second']:,.0f} tickets a second in one call.",
        "",
        "| data | attribute | accuracy | LinearSVC | macro F1 | LinearSVC | calibration error | coverage at 95 % | "
        "precision there |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *(row.replace("nan", "-") for row in rows),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in PARTS:
        print(json.dumps(PARTS[sys.argv[1]]()))
    else:
        main()
