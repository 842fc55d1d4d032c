"""Maximum beside Business, Basic and every baseline: quality, what fine-tuning took, and whether the report card is
honest where it gained nothing.

Needs ../shared beside the repository (public data, not part of the product). Each set is measured in a process of its
own with one thread. `--sets banking77,grp_it` measures some; what was measured before is kept in
`.bench/learning_maximum.json` and stands in the page too. Networks are kept in `.bench/checkpoints`, so a benchmark
that was cut off goes on, and one with another way of making Business's models does not learn them anew; its seconds are
those of the attempt that learnt them. `--seeds 3` trains Maximum so many times (the sets come with their split, so a
seed changes only the fine-tuning).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.learning_business import FRAGMENT as BUSINESS_FRAGMENT
from benchmarks.learning_business import (
    ONE_THREAD,
    ROOT,
    SETS,
    SHARED,
    baselines,
    encoding,
    measured,
    rows_of,
    tickets_of,
)
from benchmarks.machine import measured_on

FRAGMENT = BUSINESS_FRAGMENT.with_name("learning_maximum.md")
FOUND = BUSINESS_FRAGMENT.with_name("learning_maximum.json")
CHECKPOINTS = FOUND.with_name("checkpoints")
ALL = ("hint3_curekart", "xsid", "banking77", "grp_it", "endava_5k", "support_en_de")
GAINED_ON = ("banking77", "hint3_curekart", "grp_it", "endava_5k", "support_en_de")
"""What expected quality is foretold from: xsid is no helpdesk's."""
FINDINGS = ("business_is_enough", "fine_tuning_gained", "hierarchy", "way_of_learning")


def probe(name: str, seed: int) -> dict[str, Any]:
    """One set, one seed: all three modes, processor seconds (of all threads) and wall seconds."""
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train
    from otai.words.findings import message

    if name == "xsid":
        rows = [row for row in rows_of(name) if row["lang"] == "en" and row["split"] in ("valid", "test")]
        tickets, specs = tickets_of(rows, ("intent",), train="valid")
    else:
        tickets, specs = tickets_of(rows_of(name), SETS[name])
    found: dict[str, Any] = {}
    checkpoints = CHECKPOINTS / f"{name}-{seed}"
    for mode in ("basic", "business", "maximum") if seed == 0 else ("maximum",):
        processor, wall = time.process_time(), time.time()
        is_maximum = mode == "maximum"
        trained = train(
            tickets, specs, recipe_for(mode), _tell, seed, encoding(), checkpoints=checkpoints if is_maximum else None
        )
        spent = {"processor": time.process_time() - processor, "wall": time.time() - wall}
        if is_maximum:
            spent = _with_earlier(spent, checkpoints / "spent.json")
        found[mode] = {
            "attributes": measured(trained),
            **spent,
            "stages": trained.seconds,
            "megabytes": len(trained.bundle.to_bytes()) / 1e6,
        }
        print(mode, found[mode], file=sys.stderr, flush=True)
    found["findings"] = [message(one, of_card=True) for one in trained.report_card.findings if one.code in FINDINGS]
    return found


def _with_earlier(spent: dict[str, float], kept: Path) -> dict[str, float]:
    """The longest attempt is the one that learnt the networks; later ones found them and took a tenth of that."""
    earlier = json.loads(kept.read_text()) if kept.exists() else {}
    longest = {what: max(seconds, earlier.get(what, 0.0)) for what, seconds in spent.items()}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(longest))
    return longest


def _tell(progress: Any) -> None:
    if progress.note:
        print(progress.note, file=sys.stderr, flush=True)


def in_a_process(name: str, seed: int) -> Any:
    command = [sys.executable, "-m", "benchmarks.learning_maximum", "--probe", name, str(seed)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{name}, seed {seed}: exit code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    words = sys.argv[1:]
    if words[:1] == ["--probe"]:
        print(json.dumps(probe(words[1], int(words[2]))))
        return
    if not SHARED.exists():
        raise SystemExit(f"The public data sets are not there: {SHARED}")
    sets = words[words.index("--sets") + 1].split(",") if "--sets" in words else ALL
    seeds = int(words[words.index("--seeds") + 1]) if "--seeds" in words else 1
    FRAGMENT.parent.mkdir(exist_ok=True)
    for name in sets:
        for seed in range(seeds):
            found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
            found.setdefault(name, {})[str(seed)] = in_a_process(name, seed)
            FOUND.write_text(json.dumps(found, indent=1))
            FRAGMENT.write_text("\n".join(page(found)) + "\n")
            if set(GAINED_ON) <= found.keys():
                write_gains(found)
    print(FRAGMENT.read_text())


def gains_over_basic(found: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    """By how much Business and Maximum were better than Basic, for each attribute (accuracy, macro F1): the mean over
    seeds."""
    gains: dict[str, dict[str, list[float]]] = {"business": {}, "maximum": {}}
    for name in [one for one in GAINED_ON if one in found]:
        runs = found[name].values()
        for attribute, basic in found[name]["0"]["basic"]["attributes"].items():
            for mode, of_mode in gains.items():
                ours = [run[mode]["attributes"][attribute] for run in runs if mode in run]
                of_mode[f"{name}, {attribute}"] = [
                    round(statistics.fmean(one[what] for one in ours) - basic[what], 3)
                    for what in ("accuracy", "macro_f1")
                ]
    return gains


def write_gains(found: dict[str, Any]) -> None:
    """What the product foretells from: a file of the package (`evidence/expected_quality.py`)."""
    from otai.learning.evidence.expected_quality import GAINS_FILE

    content = {
        "measured_by": "make bench BENCH=learning_maximum; docs/benchmarks.md, Maximum",
        "gains": gains_over_basic(found),
    }
    GAINS_FILE.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def page(found: dict[str, Any]) -> list[str]:
    others = baselines()
    lines = [
        "## Maximum",
        "",
        f"`make bench BENCH=learning_maximum`; {measured_on()}; one thread, no GPU. Accuracy / macro F1 in points on "
        "the given test rows; **bold** where Maximum is better than every baseline. Macro F1 is over all labels "
        "learnt; one without test rows counts 0. xsid: trained on the 300 English `valid` rows, measured on the "
        "English `test` rows.",
        "",
        "| set, attribute | best baseline of either | Basic | Business | Maximum | seeds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    mean: dict[str, list[float]] = {"basic": [], "business": [], "maximum": []}
    for name in [one for one in ALL if one in found]:
        runs = found[name]
        for attribute in runs["0"]["maximum"]["attributes"]:
            theirs = others.get((name, attribute), {})
            best = [max((pair[at] for pair in theirs.values()), default=float("nan")) for at in (0, 1)]
            cells = []
            for mode in mean:
                ours = [one[mode]["attributes"][attribute] for one in runs.values() if mode in one]
                pair = [statistics.fmean(one[what] for one in ours) for what in ("accuracy", "macro_f1")]
                mean[mode].append(pair[1])
                beaten = [mode == "maximum" and value > other for value, other in zip(pair, best, strict=True)]
                cells.append(
                    " / ".join(
                        f"**{100 * v:.1f}**" if b else f"{100 * v:.1f}" for v, b in zip(pair, beaten, strict=True)
                    )
                )
            baseline = " / ".join(f"{100 * one:.1f}" if theirs else "-" for one in best)
            lines.append(f"| {name}, {attribute} | {baseline} | {' | '.join(cells)} | {len(runs)} |")
    means = " | ".join(f"{100 * statistics.fmean(values):.1f}" for values in mean.values())
    lines += [
        f"| mean macro F1 of these | | {means} | |",
        "",
        "| set, attribute | calibration error, Business | Maximum | coverage at 95 % precision, Business | Maximum | "
        "its precision |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in [one for one in ALL if one in found]:
        first = found[name]["0"]
        for attribute, ours in first["maximum"]["attributes"].items():
            before = first["business"]["attributes"][attribute]
            lines.append(
                f"| {name}, {attribute} | {before['ece']:.3f} | {ours['ece']:.3f} | {before['coverage']:.1%} | "
                f"{ours['coverage']:.1%} | {ours['precision']:.1%} |"
            )
    lines += [
        "",
        "Training (seed 0), seconds of the run that trained the networks (later runs found them in "
        "`.bench/checkpoints`); wall times are those of a machine shared with other work, so the processor's count. "
        "Frozen vectors came from the cache.",
        "",
        "| set | processor, Business | Maximum | wall, Maximum | bundle, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in [one for one in ALL if one in found]:
        first = found[name]["0"]
        one = first["maximum"]
        wall = f"{one['wall']:.0f}" if one["wall"] else "not whole"
        lines.append(
            f"| {name} | {first['business']['processor']:.0f} | {one['processor']:.0f} | {wall} | "
            f"{one['megabytes']:.0f} |"
        )
    lines += ["", "What the report cards say (seed 0):", ""]
    lines += [f"- {name}: {message}" for name in ALL if name in found for message in found[name]["0"]["findings"]]
    return lines


if __name__ == "__main__":
    main()
