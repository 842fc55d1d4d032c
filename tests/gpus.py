"""A machine with two GPUs, as NVIDIA's driver library would tell of them."""

from __future__ import annotations

from typing import Any


class FakeDriver:
    """The calls that the product makes; each returns 0, success."""

    def __init__(self) -> None:
        self.names = [b"NVIDIA L4", b"NVIDIA H100"]
        self.ids = [b"GPU-4e2a", b"GPU-77b1"]
        self.millijoules = [1_000, 2_000]
        self.begun = self.ended = 0

    def nvmlInit_v2(self) -> int:
        self.begun += 1
        return 0

    def nvmlShutdown(self) -> int:
        self.ended += 1
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = len(self.names)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, number: int, device: Any) -> int:
        device._obj.value = number + 1
        return 0

    def nvmlDeviceGetUUID(self, device: Any, text: Any, length: int) -> int:
        text.value = self.ids[device.value - 1]
        return 0

    def nvmlDeviceGetName(self, device: Any, text: Any, length: int) -> int:
        text.value = self.names[device.value - 1]
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, device: Any, energy: Any) -> int:
        energy._obj.value = self.millijoules[device.value - 1]
        return 0
