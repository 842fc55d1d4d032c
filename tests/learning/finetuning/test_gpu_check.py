"""`make gpu-check` on a machine without a GPU: it says so; the program itself runs to its end with tiny networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gpu_check import __main__ as gpu_check
from benchmarks.gpu_check.measuring import Agreement, Pace
from otai.learning.encoders.encoder import bounded_threads
from otai.learning.finetuning.hardware import Gpu
from otai.learning.recipes import RECIPES
from tests.learning.encoders.conftest import skip_unless_libraries

pytestmark = pytest.mark.pure

H100, L4 = Gpu("NVIDIA H100 80GB HBM3", 85 * 10**9), Gpu("NVIDIA L4", 24 * 10**9)
PACE = Pace(
    read_a_second=1_000.0,
    learnt_a_second=100.0,
    tokens_a_ticket=120.0,
    peak_memory_bytes=8 * 10**9,
    watt_hours_a_thousand=0.5,
    energy_method="Measured.",
)


def test_without_a_gpu_it_says_so_with_a_code_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_check, "this_gpu", lambda: None)
    assert gpu_check.main([]) == gpu_check.NO_GPU == 3
    said = capsys.readouterr()
    assert "no GPU on this machine" in said.err and "nothing was measured" in said.err and said.out == ""


def test_it_runs_to_its_end_on_a_processor_with_tiny_networks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_unless_libraries()
    page = gpu_check.PAGE.read_text()
    with bounded_threads(1):
        code = gpu_check.main(["--device", "cpu", "--tiny", "--out", str(tmp_path / "section.md")])
    section = (tmp_path / "section.md").read_text()
    assert code == 0 and capsys.readouterr().out.strip() == section.strip()
    assert "no GPU was measured" in section and "Within rounding." in section
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| multilingual-e5-")]
    assert [row[0].strip("| ") for row in rows] == 2 * ["multilingual-e5-base", "multilingual-e5-large"]
    assert all(float(figure.replace(",", "")) > 0 for row in rows[:2] for figure in row[1:3])
    assert all("not told: no GPU was measured" in row[2] for row in rows[2:]), "a processor says nothing of an H100"
    assert gpu_check.PAGE.read_text() == page, "the page of benchmarks is for GPUs"


@pytest.mark.parametrize(
    ("in_full", "brain_floats", "processors", "is_within"),
    [(0.0, 0.001, 0.001, True), (1e-4, 0.0025, 0.001, True), (1e-2, 0.001, 0.001, False), (1e-4, 0.01, 0.001, False)],
)
def test_scores_agree_when_no_more_than_rounding_is_between_them(
    in_full: float, brain_floats: float, processors: float, is_within: bool
) -> None:
    assert Agreement(in_full, brain_floats, processors, same_label=1.0).is_within_rounding is is_within


@pytest.mark.parametrize(
    ("tickets", "hours"),
    [
        # A fold of a fifth is kept back: 1.8 networks, three epochs of 100 a second, and 2.8 readings of 1 000 a
        # second; two configurations are tried on 1 000 tickets, twice each.
        (100_000, (100_000 * 1.8 * 3 + 4_000) / 100 / 3_600 + 100_000 * 2.8 / 1_000 / 3_600),
        # Five folds: each ticket is kept back once.
        (1_000, (1_000 * 5 * 3 + 4_000) / 100 / 3_600 + 1_000 * 6 / 1_000 / 3_600),
    ],
)
def test_the_hours_of_a_training_follow_from_the_pace(tickets: int, hours: float) -> None:
    tuning = RECIPES["maximum"].tunings_for("multilingual-e5-large")[0]
    found = gpu_check.hours_for(PACE, tuning, tickets=tickets, tickets_to_calibrate=1_000, configurations=2)
    assert found == pytest.approx(hours)


def test_the_other_gpu_is_taken_for_no_faster_than_both_its_figures_say() -> None:
    # An L4 has an eighth of an H100's operations and an eleventh of its memory's speed: it counts as eleven times as
    # slow.
    assert gpu_check.times_as_long(H100, "L4") == pytest.approx(3.35 / 0.3)
    assert gpu_check.times_as_long(L4, "H100") == pytest.approx(121 / 989), "and an H100 as eight times faster alone"
    assert gpu_check.times_as_long(L4, "L4") == 1


def test_a_report_from_a_gpu_answers_whether_the_promise_is_kept() -> None:
    skip_unless_libraries()
    agreed = Agreement(0.0, 0.001, 0.001, 0.999)
    report = gpu_check.written(agreed, {"multilingual-e5-large": PACE}, H100, seconds=400.0)
    [answer] = [line for line in report.splitlines() if line.startswith("| multilingual-e5-large") and "fit" in line]
    assert answer == (
        "| multilingual-e5-large | 1.6 h | 1.6 h, measured: fits | 18 h, worked out from data sheets: fits |"
    )
    slow = gpu_check.written(agreed, {"multilingual-e5-large": PACE}, L4, seconds=400.0)
    assert "0.19 h, worked out from data sheets: fits | 1.6 h, measured: fits" in slow
    none = gpu_check.written(agreed, {"multilingual-e5-large": "no room: it wants 12 GB"}, L4, seconds=9.0)
    assert "no room: it wants 12 GB" in none
