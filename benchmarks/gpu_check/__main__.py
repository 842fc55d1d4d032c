"""`make gpu-check`: what the GPU of this machine does with the larger encoders, in at most eight minutes and without a
network.

It asks three things. Does it say what the processor says, within rounding? How fast does it learn, with how much
memory and energy, in networks of the real sizes whose weights are random? And so: is a Maximum training of 100 000
tickets done within 4 hours on an H100, and within 24 hours on an L4? Measured on one kind of GPU, the other's time is
worked out from the data sheets of both, and marked as such.

Exit code 0: all of it was measured, and the scores agree. 1: they do not, or the time did not suffice. 3: there is no
GPU here, and nothing was measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.__main__ import PAGE, put_into_page
from benchmarks.gpu_check.measuring import Agreement, Pace, agreement, pace
from benchmarks.gpu_check.networks import ARCHITECTURES, Architecture
from otai.learning.finetuning.hardware import SPEEDS, Gpu, this_gpu
from otai.learning.finetuning.larger import LARGER
from otai.learning.finetuning.successive_halving import rounds
from otai.learning.finetuning.trainer import SEARCH_EPOCHS
from otai.learning.linear.heads import FOLDS
from otai.learning.recipes import RECIPES, Tuning

NO_GPU = 3
MOST_SECONDS = 480.0
TICKETS = 100_000
PROMISED = {"H100": 4.0, "L4": 24.0}

MODEST = Architecture(width=256, layers=4, heads=4)
TINY = Architecture(width=32, layers=2, heads=2, pieces=120)


def main(arguments: list[str]) -> int:
    """Returns the exit code above."""
    asked = _options(arguments)
    gpu = this_gpu() if asked.device != "cpu" else None
    if gpu is None and asked.device != "cpu":
        print(
            "There is no GPU on this machine that torch can use (CUDA): nothing was measured. The program itself is "
            "tried with: python -m benchmarks.gpu_check --device cpu --tiny",
            file=sys.stderr,
        )
        return NO_GPU
    began = time.monotonic()
    architectures = dict.fromkeys(LARGER, TINY) if asked.tiny else ARCHITECTURES
    with tempfile.TemporaryDirectory(prefix="otai-gpu-check-") as folder:
        agreed = agreement(
            Path(folder), TINY if asked.tiny else MODEST, device=asked.device, tickets=40 if asked.tiny else 1_000
        )
        paces: dict[str, Pace | str] = {}
        all_in_time = True
        # The smaller one first: where the time does not suffice for both, it is known at least.
        for number, name in enumerate(reversed(list(LARGER))):
            left = asked.seconds - (time.monotonic() - began)
            if gpu is not None and LARGER[name].memory_bytes > gpu.memory_bytes:
                paces[name] = f"no room: it wants {LARGER[name].memory_bytes / 1e9:.0f} GB"
                continue
            try:
                paces[name] = pace(
                    Path(folder) / name,
                    architectures[name],
                    dataclasses.replace(_tuning(name), most_tokens=32) if asked.tiny else _tuning(name),
                    device=asked.device,
                    tickets=16 if asked.tiny else 4_000,
                    # Half of what is left is for making the network, storing it and reading the tickets once.
                    seconds=0.5 if asked.tiny else max(left, 0.0) / (len(LARGER) - number) / 2,
                    # Whether the program runs is no matter of how busy the machine is.
                    clock=time.process_time if asked.tiny else time.perf_counter,
                )
            except ValueError as error:
                paces[name], all_in_time = str(error), False
    report = written(agreed, paces, gpu, seconds=time.monotonic() - began)
    print(report)
    if asked.out:
        asked.out.write_text(report)
    elif gpu is not None and not asked.tiny:
        PAGE.write_text(put_into_page(PAGE.read_text(), "gpu_check", report))
    return 0 if agreed.is_within_rounding and all_in_time else 1


def hours_for(pace: Pace, tuning: Tuning, *, tickets: int, tickets_to_calibrate: int, configurations: int) -> float:
    """How long a Maximum training of so many tickets would learn, at a pace that was measured: the search for a
    configuration, a network for each fold that is kept back, and the one that is delivered; each ticket read once more
    by each of them."""
    folds = min(max(-(-tickets_to_calibrate * FOLDS // tickets), 1), FOLDS)
    networks = 1 + folds * (1 - 1 / FOLDS)
    searched = sum(one.configurations * one.tickets * SEARCH_EPOCHS for one in rounds(configurations, tickets))
    learnt = tickets * networks * tuning.epochs + searched
    read = tickets * (networks + 1)
    return (learnt / pace.learnt_a_second + read / pace.read_a_second) / 3_600


def times_as_long(on: Gpu, other: str) -> float:
    """How much longer the other kind of GPU takes, by the worse of the two ratios of their data sheets: operations, and
    bytes of memory, a second."""
    _, operations, bytes_ = on.speed
    _, other_operations, other_bytes = next(row for row in SPEEDS if row[0] == other)
    return max(operations / other_operations, bytes_ / other_bytes)


def written(agreed: Agreement, paces: dict[str, Pace | str], gpu: Gpu | None, *, seconds: float) -> str:
    """The section of docs/benchmarks.md."""
    import torch

    where = f"{gpu.name}, {gpu.memory_bytes / 1e9:.0f} GB" if gpu else "the processor: no GPU was measured"
    lines = [
        "## Larger encoders on a GPU",
        "",
        f"`make gpu-check`; {datetime.now(tz=UTC):%Y-%m-%d}, {where}; torch {torch.__version__}, Python "
        f"{platform.python_version()}; {seconds:.0f} s. Networks of random weights: their size is the real one.",
        "",
        f"Scores: in full precision at most {agreed.in_full:.1e} of their spread from the processor's; with brain "
        f"floats {agreed.in_brain_floats:.1e} on average (the processor's own brain floats: "
        f"{agreed.processors_in_brain_floats:.1e}), the same label for {agreed.same_label:.1%} of the tickets. "
        + ("Within rounding." if agreed.is_within_rounding else "**Not within rounding.**"),
        "",
        "| encoder | tickets read a second | learnt from a second | pieces a ticket | peak memory, GB | Wh for 1 000 |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, found in paces.items():
        if isinstance(found, str):
            lines.append(f"| {name} | {found} | | | | |")
            continue
        memory = f"{found.peak_memory_bytes / 1e9:.1f}" if found.peak_memory_bytes else "not told"
        lines.append(
            f"| {name} | {found.read_a_second:,.0f} | {found.learnt_a_second:,.0f} | {found.tokens_a_ticket:.0f} | "
            f"{memory} | {found.watt_hours_a_thousand:.3g} |"
        )
    measured = {name: found for name, found in paces.items() if isinstance(found, Pace)}
    lines += ["", *(f"Energy of {name}: {found.energy_method}" for name, found in measured.items())]
    return "\n".join([*lines, "", *_answers(measured, gpu), ""])


def _answers(measured: dict[str, Pace], gpu: Gpu | None) -> list[str]:
    recipe = RECIPES["maximum"]
    lines = [
        f"A training of {TICKETS:,} tickets, hours of learning (the linear models beside it not counted):",
        "",
        _row("encoder", "on this machine", *(f"{kind}, promised {_hours(most)}" for kind, most in PROMISED.items())),
        "|---|--:|" + "--:|" * len(PROMISED),
    ]
    for name, found in measured.items():
        hours = hours_for(
            found,
            _tuning(name),
            tickets=TICKETS,
            tickets_to_calibrate=recipe.tickets_to_calibrate,
            configurations=len(recipe.tunings_for(name)),
        )
        lines.append(_row(name, _hours(hours), *(_answer(hours, gpu, kind) for kind in PROMISED)))
    return lines


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _answer(hours: float, gpu: Gpu | None, other: str) -> str:
    if gpu is None:
        return "not told: no GPU was measured"
    is_it = gpu.speed[0] == other
    there = hours if is_it else hours * times_as_long(gpu, other)
    how = "measured" if is_it else "worked out from data sheets"
    return f"{_hours(there)}, {how}: " + ("fits" if there <= PROMISED[other] else "**does not fit**")


def _hours(hours: float) -> str:
    return f"{hours:.2g} h"


def _tuning(name: str) -> Tuning:
    return RECIPES["maximum"].tunings_for(name)[0]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gpu-check", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="networks of tiny sizes: whether the program runs")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help="how long it may take")
    parser.add_argument("--out", type=Path, help="write the section here instead of into docs/benchmarks.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
