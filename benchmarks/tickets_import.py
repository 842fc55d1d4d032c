"""How fast a large export comes in, and how much memory that takes, whatever its size.

Writes a CSV of synthetic tickets (1 GB, or `--quick` 50 MB), imports it in a process of its own into an installation of
its own (SQLite, local files), and reports megabytes and tickets a second, what each stage takes of the processors, and
the most memory that all its processes held together (proportional: a page that several share counts once).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import measured_on
from otai.tickets.sample import COLUMNS, synthetic_tickets

FRAGMENTS = Path(__file__).resolve().parents[1] / ".bench"
DISTINCT = 20_000
"""Tickets made afresh; the file repeats them with another id and a number in the text, so that none is a duplicate."""
WRITTEN = [column for column in COLUMNS if column != "language"]
"""Nothing says the language, so that it is found."""


def write_large_csv(path: Path, megabytes: int) -> None:
    tickets = [[getattr(ticket, column) for column in WRITTEN] for ticket in synthetic_tickets(DISTINCT, seed=11)]
    ticket_at, body_at = WRITTEN.index("ticket"), WRITTEN.index("body")
    number = 0
    with path.open("w", newline="", encoding="utf-8", buffering=1 << 20) as handle:
        writer = csv.writer(handle)
        writer.writerow(WRITTEN)
        while handle.tell() < megabytes * 1_000_000:
            for ticket in tickets:
                number += 1
                row = list(ticket)
                row[ticket_at] = f"SYN-{number:09d}"
                row[body_at] = f"{row[body_at]}\nReference {number}"
                writer.writerow(row)


def peak_memory_mb() -> float:
    """The most memory this process ever had resident. (getrusage would count its parent's from before the start.)"""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


class Stages:
    """Processor seconds of each stage, by wrapping the functions that are one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def wrap(self, owner: Any, name: str, stage: str) -> None:
        function = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return function(*args, **options)
            finally:
                self.seconds[stage] += time.process_time() - began

        setattr(owner, name, timed)

    def wrap_steps(self, owner: Any, name: str, stage: str) -> None:
        function: Callable[..., Iterator[Any]] = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Iterator[Any]:
            steps = iter(function(*args, **options))
            while True:
                began = time.process_time()
                step = next(steps, None)
                self.seconds[stage] += time.process_time() - began
                if step is None:
                    return
                yield step

        setattr(owner, name, timed)

    def watch(self, folder: Path) -> None:
        """Of this process, and of those that it forks to read texts, which write what they took into `folder`."""
        from otai.learning.data.language import LanguageMixture
        from otai.learning.data.profiling import ProfileBuilder
        from otai.learning.data.texts.text_reader import TextReader
        from otai.tickets import reading, text_preparation, text_stage
        from otai.tickets.cells import TicketMaker
        from otai.tickets.sources.delimited import DelimitedSource
        from otai.tickets.text_preparation import TextPreparation

        self.wrap(reading, "look_at", "first look, guess and what recurs")
        self.wrap(reading, "guess_roles", "first look, guess and what recurs")
        self.wrap(reading._Reading, "_learn", "first look, guess and what recurs")
        self.wrap_steps(DelimitedSource, "batches", "rows from the file")
        self.wrap(TicketMaker, "tickets", "cells, times and labels")
        self.wrap(ProfileBuilder, "add", "profile")
        self.wrap(ProfileBuilder, "finish", "profile")
        self.wrap(reading.TicketsWriter, "write", "Parquet")
        self.wrap(reading._Reading, "_given_away", "what gives labels away")
        self.wrap(LanguageMixture, "detect", "languages")
        self.wrap(TextReader, "texts_of", "texts: letters, markup, threads *")
        self.wrap(TextPreparation, "_look_for_personal_data", "texts: personal data *")
        self.wrap(text_preparation, "cut_texts", "texts: cutting of mails *")
        self.wrap(text_stage, "text_hashes", "texts: which are the same *")
        for passing in ("_read", "_write"):
            self.wrap(text_stage, passing, "batches between processes *")
        work = text_stage._work

        def told(*args: Any) -> None:
            self.seconds.clear()
            work(*args)
            (folder / f"stages-{os.getpid()}.json").write_text(json.dumps(self.seconds))

        text_stage._work = told  # type: ignore[assignment]

    def shares(self, folder: Path, *, own: float, beside: float) -> dict[str, float]:
        """Of all processor seconds, from most to least."""
        named: Counter[str] = Counter()
        named.update(self.seconds)
        for told in folder.glob("stages-*.json"):
            named.update(json.loads(told.read_text()))
        shares = {stage: float(seconds) for stage, seconds in named.items()}
        shares["the rest"] = own + beside - sum(shares.values())
        return dict(sorted(shares.items(), key=lambda one: -one[1]))


def import_in_this_process(path: Path) -> None:
    """The child: imports and prints what it took, as JSON."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from otai.db import utc_now
    from otai.orgs.operations import create_organisation
    from otai.tickets.operations import import_tickets

    acme = create_organisation(slug="acme", name="Acme Ltd", time_zone="UTC", now=utc_now())
    before = peak_memory_mb()
    stages = Stages()
    folder = path.parent
    stages.watch(folder)
    started, cpu = time.perf_counter(), time.process_time()
    data_set = import_tickets(organisation=acme, name="large", source=path, now=utc_now())
    seconds, own = time.perf_counter() - started, time.process_time() - cpu
    beside = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": own,
                "cpu_seconds_beside": beside.ru_utime + beside.ru_stime,
                "stages": stages.shares(folder, own=own, beside=beside.ru_utime + beside.ru_stime),
                "tickets": data_set.tickets,
                "parquet_bytes": data_set.bytes,
                "rss_before_mb": before,
                "rss_peak_mb": peak_memory_mb(),
                "attributes": data_set.attributes.count(),
            }
        )
    )


def measured(megabytes: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="otai-bench-") as folder:
        path = Path(folder) / "synthetic.csv"
        write_large_csv(path, megabytes)
        home = Path(folder) / "home"
        home.mkdir()
        environment = os.environ | {"OTAI_HOME": str(home), "DJANGO_SETTINGS_MODULE": "otai.config.settings"}
        for name in ("OTAI_DATABASE_URL", "OTAI_FILES"):
            environment.pop(name, None)
        command = [sys.executable, "-m", "benchmarks.tickets_import", "--import", str(path)]
        answer = Path(folder) / "answer"
        with answer.open("w") as out, subprocess.Popen(command, env=environment, stdout=out) as process:
            most = _most_memory_mb(process)
        if process.returncode != 0:
            raise SystemExit(f"the import ended with {process.returncode}")
        found: dict[str, object] = json.loads(answer.read_text().splitlines()[-1])
        found["source_mb"], found["memory_mb"] = path.stat().st_size / 1e6, most
        return found


def _most_memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Looked at four times a second, of the process and all that it starts."""
    most = 0.0
    while process.poll() is None:
        try:
            own = psutil.Process(process.pid)
            most = max(most, sum(each.memory_full_info().pss for each in (own, *own.children(recursive=True))) / 1e6)
        except (psutil.Error, OSError, AttributeError):
            pass
        time.sleep(0.25)
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="50 MB instead")
    parser.add_argument("--import", dest="path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.path:
        import_in_this_process(options.path)
        return
    megabytes = 50 if options.quick else options.megabytes
    small = measured(max(megabytes // 20, 5))
    large = measured(megabytes)
    report(small, large, megabytes)


def report(small: dict[str, object], large: dict[str, object], megabytes: int) -> None:
    def line(found: dict[str, object]) -> str:
        size, seconds, tickets = (
            float(str(found["source_mb"])),
            float(str(found["seconds"])),
            int(str(found["tickets"])),
        )
        return (
            f"| {size:,.0f} MB | {tickets:,} | {seconds:,.1f} s | {size / seconds:,.1f} | {tickets / seconds:,.0f} | "
            f"{float(str(found['memory_mb'])):,.0f} MB | {int(str(found['parquet_bytes'])) / 1e6:,.0f} MB |"
        )

    stages = large["stages"]
    assert isinstance(stages, dict)
    all_seconds = sum(stages.values())
    shares = [f"| {stage} | {seconds:,.1f} s | {seconds / all_seconds:.0%} |" for stage, seconds in stages.items()]
    command = f"python -m benchmarks.tickets_import --megabytes {megabytes}"
    today = datetime.now(tz=UTC)
    text = "\n".join(
        [
            "## Importing tickets",
            "",
            "A CSV of synthetic tickets (7 attributes, German and English), imported in a process of its own: reading, "
            "HTML to text, threads, cutting of mails, personal data, languages (no column says them), lines that give "
            "labels away, attributes, profile, Parquet, database. Peak memory is that of all its processes together, "
            f"Django included ({float(str(large['rss_before_mb'])):,.0f} MB before the import).",
            "",
            "| source | tickets | time | MB/s | tickets/s | peak memory | stored |",
            "|---:|---:|---:|---:|---:|---:|---:|",
            line(small),
            line(large),
            "",
            f"What {all_seconds:,.0f} seconds of the processors went into, for the larger one:",
            "",
            "| stage | processor time | share |",
            "|---|---:|---:|",
            *shares,
            "",
            "\\* in processes beside the one that reads, wholly or in part.",
            "",
            f"`{command}`; {measured_on()}",
            "",
        ]
    )
    FRAGMENTS.mkdir(exist_ok=True)
    (FRAGMENTS / "tickets.md").write_text(text)
    facts = {"command": command, "date": today.isoformat(), "machine": measured_on(), "small": small, "large": large}
    (FRAGMENTS / "tickets.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(text)


if __name__ == "__main__":
    main()
