"""What the driver of a GPU tells, played by a driver of two GPUs."""

from __future__ import annotations

import pytest

from otai.learning.evidence.energy import CostMeter
from otai.learning.evidence.nvml import first_visible, gpu_millijoules, gpu_name
from tests.gpus import FakeDriver

pytestmark = pytest.mark.pure

IDS = ("GPU-4e2a", "GPU-77b1")


@pytest.mark.parametrize(
    ("ids", "visible", "first"),
    [
        (IDS, None, 0),
        (IDS, "1", 1),
        (IDS, "1,0", 1),
        (IDS, "GPU-77", 1),
        (IDS, "", None),
        (IDS, "-1", None),
        (IDS, "2", None),
        (IDS, "GPU-99", None),
        ((), None, None),
    ],
)
def test_a_process_uses_the_first_gpu_that_it_may_see(
    ids: tuple[str, ...], visible: str | None, first: int | None
) -> None:
    assert first_visible(ids, visible) == first


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", none)
    assert (gpu_name(), gpu_millijoules()) == (None, None)
    assert "NVML" not in CostMeter().cost().energy_method


def test_the_energy_of_a_training_is_that_of_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver()
    monkeypatch.setattr("ctypes.CDLL", lambda name: driver)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpu_name() == "NVIDIA H100"
    meter = CostMeter()
    driver.millijoules = [10**9, 2_000 + 3_600_000]
    cost = meter.cost()
    assert "1 Wh, was measured by its own counter (NVML)" in cost.energy_method, "the other GPU's are not ours"
    assert driver.begun == driver.ended > 0, "each look lets go of the driver"
