"""Business beside Basic and every baseline, on every public set: quality, calibration, coverage, training time, other
languages, and strangers.

Needs ../shared beside the repository (public data, not part of the product). Each set is measured in a process of its
own with one thread. The sets come with their split, so a seed changes nothing in the model: one training is the mean of
any number of seeds.
"""

from __future__ import annotations

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import measured_on

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
FRAGMENT = ROOT / ".bench" / "learning_business.md"
FOUND = FRAGMENT.with_name("learning_business.json")
SETS = {
    "endava_5k": ("ticket_type", "category", "sub_category1", "sub_category2", "business_service", "urgency", "impact"),
    "grp_it": ("group",),
    "support_en_de": ("type", "queue", "priority"),
    "banking77": ("intent",),
    "hint3_curekart": ("intent",),
    "hwu64": ("intent",),
    "hint3_powerplay11": ("intent",),
}
STRANGERS = {"hint3_curekart": 0.86, "hint3_powerplay11": 0.85}
"""Sets with rows of no label, and the mark for telling them from test rows."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
CORRECTED_LABELS = 50
SPEED_SETS = ("banking77", "grp_it")


def rows_of(name: str) -> list[dict[str, str]]:
    with (SHARED / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tickets_of(
    rows: Sequence[dict[str, str]], attributes: Sequence[str], *, train: str = "train"
) -> tuple[Any, list[Any]]:
    from otai.learning.data.attributes import AttributeSpec
    from otai.learning.data.tickets import LabelledTickets

    splits = {train: "train", "test": "test"}
    tickets = LabelledTickets(
        ids=[str(number) for number in range(len(rows))],
        texts=[row["text"] for row in rows],
        languages=[row.get("lang") or None for row in rows],
        attributes={name: [row[name] or None for row in rows] for name in attributes},
        splits=[splits.get(row["split"]) for row in rows],
    )
    return tickets, [AttributeSpec(name) for name in attributes]


def encoding(cached: bool = True) -> Any:
    from otai.learning.encoders import EncoderStore, VectorCache, pull
    from otai.learning.features.encoding import Encoding

    store = EncoderStore(ROOT / ".bench" / "encoders")
    for name in ("use-multilingual", "minilm-en"):
        if name not in store.available():
            pull(name, store)
    return Encoding(store, VectorCache(ROOT / ".bench" / "vectors") if cached else None, threads=1)


def measured(trained: Any) -> dict[str, dict[str, float]]:
    """Macro F1 is over all labels learnt, as in baselines.csv; one without test rows counts 0."""
    return {
        report.name: {
            "accuracy": report.accuracy.value,
            "low": report.accuracy.low,
            "f1_low": report.macro_f1.low,
            "high": report.accuracy.high,
            "f1_high": report.macro_f1.high,
            "macro_f1": sum(label.f1 or 0.0 for label in report.per_label) / len(report.labels),
            "ece": report.calibration_error,
            "coverage": next(one.coverage for one in report.coverage if one.target_precision == 0.95),
            "precision": next(one.precision or 0.0 for one in report.coverage if one.target_precision == 0.95),
        }
        for report in trained.report_card.attributes
    }


def probe(name: str) -> dict[str, Any]:
    """One set: Basic, Business with vectors cached, and what this set alone is asked for."""
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train

    rows = rows_of(name)
    tickets, specs = tickets_of(rows, SETS[name])
    found: dict[str, Any] = {}
    reads = encoding()
    # Vectors first, so that their time is known alone and the trainings are compared like with like.
    began = time.process_time()
    reader, found["encoders"] = reads.for_tickets(tickets.texts, tickets.languages)
    reader.vectors([row["text"] for row in rows if row["split"] in ("train", "test", "test_oos")])
    found["encoding"] = time.process_time() - began
    for mode in ("basic", "business"):
        began = time.process_time()
        trained = train(tickets, specs, recipe_for(mode), encoding=reads)
        found[f"{mode}_seconds"] = time.process_time() - began
        found[mode] = measured(trained)
    if name in STRANGERS:
        found["auroc"] = strangers(trained, rows)
    if name == "hint3_curekart":
        found["retrained"] = retrained(tickets, specs)
    if name in SPEED_SETS:
        trained.bundle.save(FRAGMENT.with_name(f"business-{name}.otai"))
    return found


def strangers(trained: Any, rows: Sequence[dict[str, str]]) -> float:
    """How well confidence tells test rows from rows of no label: the area under the curve."""
    from scipy.stats import rankdata

    texts = {split: [row["text"] for row in rows if row["split"] == split] for split in ("test", "test_oos")}
    sure, unsure = ([one["intent"].confidence for one in trained.bundle.predict(texts[split])] for split in texts)
    ranks = rankdata(sure + unsure)
    return float((ranks[: len(sure)].sum() - len(sure) * (len(sure) + 1) / 2) / (len(sure) * len(unsure)))


def retrained(tickets: Any, specs: Sequence[Any]) -> list[float]:
    """Processor seconds of a first training, nothing cached, and of one after some labels were corrected."""
    import dataclasses

    from otai.learning.encoders import VectorCache
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train

    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        reads = dataclasses.replace(encoding(), cache=VectorCache(Path(folder)))
        for corrected in (0, CORRECTED_LABELS):
            column = list(tickets.attributes[specs[0].name])
            chance = random.Random(0)
            for row in chance.sample([at for at, split in enumerate(tickets.splits) if split == "train"], corrected):
                column[row] = chance.choice(column)
            changed = dataclasses.replace(tickets, attributes={specs[0].name: column})
            began = time.process_time()
            train(changed, specs, recipe_for("business"), encoding=reads)
            seconds.append(time.process_time() - began)
    return seconds


def speed(name: str) -> dict[str, float]:
    """The model as it comes from its file, with as many threads as the machine has cores, nothing cached: milliseconds
    for a ticket alone (median) and tickets a second in a batch."""
    from otai.learning.model.bundle import Bundle

    os.environ["OTAI_ENCODERS"] = str(ROOT / ".bench" / "encoders")
    bundle = Bundle.load(FRAGMENT.with_name(f"business-{name}.otai"))
    texts = [row["text"] for row in rows_of(name) if row["split"] == "test"]
    bundle.predict(texts[:5])
    alone = []
    for text in texts[5:105]:
        began = time.perf_counter()
        bundle.predict([text])
        alone.append(1000 * (time.perf_counter() - began))
    batches = []
    for start in (100, 500, 900):
        began = time.perf_counter()
        bundle.predict(texts[start : start + 400])
        batches.append(400 / (time.perf_counter() - began))
    return {"alone_ms": statistics.median(alone), "a_second": statistics.median(batches)}


def out_of_language() -> dict[str, float]:
    """xsid: trained on the English `valid` rows alone; accuracy on all 500 test rows of each language, labels too rare
    to be learnt included."""
    import dataclasses

    from otai.learning.recipes import recipe_for
    from otai.learning.training import train

    rows = rows_of("xsid")
    tickets, specs = tickets_of([row for row in rows if row["lang"] == "en" and row["split"] == "valid"], ("intent",))
    bundle = train(dataclasses.replace(tickets, splits=None), specs, recipe_for("business"), encoding=encoding()).bundle
    found = {}
    for language in ("en", "de", "it", "nl", "gsw"):
        asked = [row for row in rows if row["split"] == "test" and row["lang"] == language]
        predicted = bundle.predict([row["text"] for row in asked])
        right = sum(one["intent"].label == row["intent"] for one, row in zip(predicted, asked, strict=True))
        found[language] = right / len(asked)
    return found


def in_a_process(what: str, how: str = "--probe") -> Any:
    command = [sys.executable, "-m", "benchmarks.learning_business", how, what]
    environment = {**os.environ, **(ONE_THREAD if how == "--probe" else {})}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def baselines() -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    found: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    with (SHARED / "baselines.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            figures = float(row["accuracy"]), float(row["macro_f1"])
            found.setdefault((row["data"], row["attribute"]), {})[row["model"].split(" (")[0]] = figures
    return found


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--speed":
        print(json.dumps(speed(sys.argv[2])))
        return
    if len(sys.argv) == 3 and sys.argv[1] == "--probe":
        print(json.dumps(out_of_language() if sys.argv[2] == "xsid" else probe(sys.argv[2])))
        return
    if not SHARED.exists():
        raise SystemExit(f"The public data sets are not there: {SHARED}")
    FRAGMENT.parent.mkdir(exist_ok=True)
    found = {name: in_a_process(name) for name in SETS}
    languages = in_a_process("xsid")
    for name in SPEED_SETS:
        found[name]["speed"] = in_a_process(name, "--speed")
    FOUND.write_text(json.dumps({"sets": found, "languages": languages}, indent=1))
    FRAGMENT.write_text("\n".join(page(found, languages)) + "\n")
    print(FRAGMENT.read_text())


def usable_cores() -> int:
    return len(os.sched_getaffinity(0))


def page(found: dict[str, Any], languages: dict[str, float]) -> list[str]:
    others = baselines()
    models = list(next(iter(others.values())))
    lines = [
        "## Business",
        "",
        f"`make bench BENCH=learning_business`; {measured_on()}; one thread. Accuracy / macro F1 in points on the "
        "given test rows; **bold** where Business is better than every baseline. Baselines from "
        "`shared/baselines.csv`, their encoding not counted.",
        "",
        f"| set, attribute | {' | '.join(models)} | Basic | Business |",
        "|---|" + "---:|" * (len(models) + 2),
    ]
    mean: dict[str, list[float]] = {name: [] for name in [*models, "basic", "business"]}
    for name, one in found.items():
        for attribute, ours in one["business"].items():
            theirs = others[name, attribute]
            for model, pair in theirs.items():
                mean[model].append(pair[1])
            for mode in ("basic", "business"):
                mean[mode].append(one[mode][attribute]["macro_f1"])
            accuracy, macro_f1 = (
                f"**{100 * ours[what]:.1f}**"
                if ours[what] > max(pair[at] for pair in theirs.values())
                else f"{100 * ours[what]:.1f}"
                for at, what in enumerate(("accuracy", "macro_f1"))
            )
            cells = [f"{100 * theirs[model][0]:.1f} / {100 * theirs[model][1]:.1f}" for model in models]
            basic = one["basic"][attribute]
            lines.append(
                f"| {name}, {attribute} | {' | '.join(cells)} | {100 * basic['accuracy']:.1f} / "
                f"{100 * basic['macro_f1']:.1f} | {accuracy} / {macro_f1} |"
            )
    means = [f"{100 * statistics.fmean(mean[name]):.1f}" for name in [*models, "basic", "business"]]
    lines += [
        f"| mean macro F1 | {' | '.join(means)} |",
        "",
        "| set, attribute | calibration error, Basic | Business | coverage at 95 % precision, Basic | Business | its "
        "precision |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in found.items():
        for attribute, ours in one["business"].items():
            measured_basic = one["basic"][attribute]
            lines.append(
                f"| {name}, {attribute} | {measured_basic['ece']:.3f} | {ours['ece']:.3f} | "
                f"{measured_basic['coverage']:.1%} | {ours['coverage']:.1%} | {ours['precision']:.1%} |"
            )
    lines += [
        "",
        "Training, processor seconds; vectors come from the cache, as the baselines' do, and what encoding took stands "
        "beside it (0: it was cached by an earlier run).",
        "",
        "| set | Basic | Business | ratio | encoding |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one in found.items():
        ratio = one["business_seconds"] / one["basic_seconds"]
        lines.append(
            f"| {name} | {one['basic_seconds']:.1f} | {one['business_seconds']:.1f} | {ratio:.1f} | "
            f"{one['encoding']:.1f} |"
        )
    shown = ", ".join(f"{language} {share:.3f}" for language, share in languages.items())
    told = "; ".join(f"{name} {found[name]['auroc']:.3f} (mark: {mark})" for name, mark in STRANGERS.items())
    first, again = found["hint3_curekart"]["retrained"]
    lines += [
        "",
        f"Across languages: xsid, trained on the 300 English `valid` rows, accuracy on the test rows: {shown} (mark: "
        "de 0.89).",
        "",
        f"Strangers, rows of no label told from test rows by confidence, AUROC: {told}.",
        "",
        f"Retraining after {CORRECTED_LABELS} corrected labels (hint3_curekart): {again:.1f} s of processor time, the "
        f"first training {first:.1f} s (mark: a fifth).",
        "",
    ]
    for name in SPEED_SETS:
        fast = found[name]["speed"]
        lines.append(
            f"Prediction ({name}; wall time on all {usable_cores()} cores, nothing cached): {fast['alone_ms']:.1f} ms "
            f"a ticket alone (mark: 20), {fast['a_second']:.0f} a second in a batch (mark: 300)."
        )
    return lines


if __name__ == "__main__":
    main()
