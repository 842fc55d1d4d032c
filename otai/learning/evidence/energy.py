"""What a training took of the machine: time, processor time, memory, and energy.

Energy is measured where the machine tells it: a GPU through NVML (its own counter since it was started), a processor
through RAPL, where the kernel lets us read it. RAPL counts the whole socket, others' work included, so it is only used
where this process had most of the machine. Everywhere else it is estimated: processor time, times what one core of a
server takes under load. That is marked as an estimate, with the method in words.

    meter = CostMeter()
    ...                     # the training, in this process
    cost = meter.cost()     # report_card.Cost
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from otai.learning.evidence.nvml import gpu_millijoules
from otai.learning.evidence.report_card import Cost

WATTS_PER_CORE = 10.0
"""Thermal design power by core of common servers: 8.4 W (Xeon Gold 6348, 235 W, 28 cores), 7.0 W (EPYC 7543, 225 W, 32
cores); the rest is memory and power supply."""

SHARE_TO_TRUST_RAPL = 0.5
"""With less than this share of all cores in use by us, the socket's counter says more about others."""

RAPL = Path("/sys/class/powercap")


@dataclass
class CostMeter:
    """Begins to measure when it is made. All of this process and its ended children count."""

    rapl_folder: Path = RAPL
    _wall: float = field(default_factory=time.perf_counter, init=False)
    _processor: float = field(default_factory=lambda: _processor_seconds(), init=False)
    _rapl: dict[str, int] = field(default_factory=dict, init=False)
    _gpu: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._rapl = _rapl_microjoules(self.rapl_folder)
        self._gpu = gpu_millijoules()

    def cost(self) -> Cost:
        """What was taken from the meter's making until now: seconds, and energy in watt-hours with how it was measured
        or estimated."""
        wall, processor = time.perf_counter() - self._wall, _processor_seconds() - self._processor
        joules, measured, method = self._processor_energy(wall, processor)
        after = gpu_millijoules()
        if self._gpu is not None and after is not None:
            of_gpu = max(after - self._gpu, 0) / 1_000
            joules += of_gpu
            method += (
                f" The GPU's part, {of_gpu / 3_600:.3g} Wh, was measured by its own counter (NVML), others' work on "
                "it included."
            )
        return Cost(
            wall_seconds=round(wall, 3),
            processor_seconds=round(processor, 3),
            peak_memory_bytes=peak_memory_bytes(),
            energy_watt_hours=joules / 3_600,
            energy_is_measured=measured,
            energy_method=method,
        )

    def _processor_energy(self, wall: float, processor: float) -> tuple[float, bool, str]:
        """Joules, whether they were measured, and how they were come by."""
        now = _rapl_microjoules(self.rapl_folder)
        spent = [now[zone] - before for zone, before in self._rapl.items() if zone in now]
        share = processor / max(wall * (os.cpu_count() or 1), 1e-9)
        # A counter that has run over is smaller than before.
        if spent and min(spent) > 0 and share >= SHARE_TO_TRUST_RAPL:
            return (
                sum(spent) / 1e6,
                True,
                "Measured by the processor's own counter (RAPL), everything else on the machine included.",
            )
        return (
            processor * WATTS_PER_CORE,
            False,
            f"Estimate: {processor:.0f} s of processor time at {WATTS_PER_CORE:g} W a core, what a server's processor "
            "and memory take under load.",
        )


def peak_memory_bytes() -> int:
    """The most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024


def _processor_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _rapl_microjoules(folder: Path) -> dict[str, int]:
    """By socket; empty where there are no counters or they are not for us (mostly only root may read them)."""
    found = {}
    for zone in sorted(folder.glob("intel-rapl:[0-9]")):
        try:
            found[zone.name] = int((zone / "energy_uj").read_text())
        except (OSError, ValueError):
            return {}
    return found
