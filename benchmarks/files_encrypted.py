"""What encryption of files costs: the processor time of an import and of a training, and of opening the file, with
`OTAI_ENCRYPT_FILES` on and off, by turns, each in processes of their own."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import measured_on

FRAGMENT = Path(__file__).resolve().parents[1] / ".bench" / "files_encrypted.md"
tickets = 10_000
rounds = 3


def _processor_seconds(*words: str, home: Path, encrypts: bool) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTAI_")}
    environment |= {"OTAI_HOME": str(home), "OTAI_ENCRYPT_FILES": "1" if encrypts else "0"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "otai.cli.main", *words], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _round(folder: Path, *, encrypts: bool) -> tuple[float, float]:
    home = Path(tempfile.mkdtemp(dir=folder))

    def otai(*words: str) -> float:
        return _processor_seconds(*words, home=home, encrypts=encrypts)

    otai("init")
    otai("org", "create", "acme", "--name", "Acme", "--tier", "community")
    otai("tickets", "sample", str(home / "tickets.csv"), "--tickets", str(tickets))
    return otai("tickets", "import", str(home / "tickets.csv"), "--name", "support"), otai("train", "support", "--yes")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="otai-bench-") as folder:
        plain: list[tuple[float, float]] = []
        sealed: list[tuple[float, float]] = []
        for number in range(rounds):
            # Each goes first as often as it can.
            for encrypts in (False, True) if number % 2 == 0 else (True, False):
                (sealed if encrypts else plain).append(_round(Path(folder), encrypts=encrypts))
    lines = []
    for at, what in enumerate(("import", "Basic training")):
        ratios = sorted(one[at] / other[at] for one, other in zip(sealed, plain, strict=True))
        seconds = [statistics.median(found[at] for found in found_in) for found_in in (plain, sealed)]
        lines.append(
            f"| {what} | {seconds[0]:.2f} | {seconds[1]:.2f} | {statistics.median(ratios):.3f} "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f}) |"
        )
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text(
        "\n".join(
            [
                "## Encrypted files",
                "",
                f"`make bench BENCH=files_encrypted`; {measured_on()}; {tickets:,} synthetic tickets, {rounds} pairs "
                "by turns.",
                "",
                "| processor time, s | plain | encrypted | ratio of a pair: median (range) |",
                "|---|---:|---:|---:|",
                *lines,
                "",
            ]
        )
    )


if __name__ == "__main__":
    main()
