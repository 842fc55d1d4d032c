"""What a training took, and how the energy was come by."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from otai.learning.evidence import energy
from otai.learning.evidence.energy import WATTS_PER_CORE, CostMeter

pytestmark = pytest.mark.pure


def work(seconds: float) -> None:
    ends = time.process_time() + seconds
    while time.process_time() < ends:
        pass


def rapl(folder: Path, microjoules: int) -> None:
    zone = folder / "intel-rapl:0"
    zone.mkdir(exist_ok=True)
    (zone / "energy_uj").write_text(f"{microjoules}\n")


def test_an_estimate_follows_processor_time_and_says_that_it_is_one(tmp_path: Path) -> None:
    meter = CostMeter(rapl_folder=tmp_path)
    work(0.2)
    cost = meter.cost()
    assert 0.2 <= cost.processor_seconds < 5
    assert cost.energy_watt_hours == pytest.approx(cost.processor_seconds * WATTS_PER_CORE / 3_600, rel=0.02)
    assert not cost.energy_is_measured and cost.energy_method.startswith("Estimate: ")


def test_a_sleeping_process_takes_time_and_hardly_energy(tmp_path: Path) -> None:
    meter = CostMeter(rapl_folder=tmp_path)
    time.sleep(0.2)
    cost = meter.cost()
    assert cost.wall_seconds >= 0.2 and cost.processor_seconds < 0.1


def test_the_processors_counter_is_believed_where_the_machine_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(energy, "SHARE_TO_TRUST_RAPL", 0.01)
    rapl(tmp_path, 1_000_000)
    meter = CostMeter(rapl_folder=tmp_path)
    work(0.05)
    rapl(tmp_path, 37_000_000)
    cost = meter.cost()
    assert cost.energy_is_measured and cost.energy_watt_hours == pytest.approx(0.01)


def test_a_counter_that_ran_over_or_counts_others_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rapl(tmp_path, 37_000_000)
    monkeypatch.setattr(energy, "SHARE_TO_TRUST_RAPL", 0.0)
    over = CostMeter(rapl_folder=tmp_path)
    rapl(tmp_path, 5)
    assert not over.cost().energy_is_measured
    monkeypatch.setattr(energy, "SHARE_TO_TRUST_RAPL", 0.9)
    shared = CostMeter(rapl_folder=tmp_path)
    time.sleep(0.1)
    rapl(tmp_path, 50_000_000)
    assert not shared.cost().energy_is_measured


def test_peak_memory_is_that_of_this_process() -> None:
    held = np.ones(8_000_000)
    assert energy.peak_memory_bytes() > held.nbytes
