"""What NVIDIA's driver tells of the GPU that a training here uses, asked without torch: its name, and what energy it
has taken.

A process uses one GPU, the first that CUDA_VISIBLE_DEVICES leaves to it (docs/encoders.md), so others' are not told.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator, Sequence
from typing import Any

_SUCCESS = 0
_MOST_CHARACTERS = 96


def gpu_name() -> str | None:
    """Its name, as "NVIDIA L4". None without an NVIDIA driver, and where no GPU is left to this process."""
    with _driver() as driver:
        if driver is None or (device := _device(driver)) is None:
            return None
        return _text(driver.nvmlDeviceGetName, device)


def gpu_millijoules() -> int | None:
    """What it has taken since its driver was loaded, others' work included. None as above, and for GPUs older than
    Volta, which do not count."""
    with _driver() as driver:
        if driver is None or (device := _device(driver)) is None:
            return None
        energy = ctypes.c_ulonglong()
        told = driver.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(energy)) == _SUCCESS
        return energy.value if told else None


def usable_gpus() -> list[str]:
    """What each GPU is called that this process may use, as CUDA_VISIBLE_DEVICES takes it: those that it names already,
    or else all of the machine by their ids."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [one.strip() for one in named.split(",") if one.strip()]
    return gpu_ids()


def gpu_ids() -> list[str]:
    """NVIDIA's id of each GPU of the machine; empty without its driver."""
    with _driver() as driver:
        return [_text(driver.nvmlDeviceGetUUID, device) or "" for device in _devices(driver)] if driver else []


def first_visible(ids: Sequence[str], visible: str | None) -> int | None:
    """The number of the GPU among `ids` (NVIDIA's, as "GPU-4e2a...") that `visible`, the value of CUDA_VISIBLE_DEVICES,
    names first: by its number or by how its id begins. All are visible where nothing is said."""
    if visible is None:
        return 0 if ids else None
    first = visible.split(",")[0].strip()
    if first.isdecimal():
        return int(first) if int(first) < len(ids) else None
    return next((number for number, one in enumerate(ids) if first and one.startswith(first)), None)


@contextlib.contextmanager
def _driver() -> Iterator[Any]:
    try:
        driver = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        yield None
        return
    if driver.nvmlInit_v2() != _SUCCESS:
        yield None
        return
    try:
        yield driver
    finally:
        driver.nvmlShutdown()


def _devices(driver: Any) -> list[ctypes.c_void_p]:
    count = ctypes.c_uint()
    if driver.nvmlDeviceGetCount_v2(ctypes.byref(count)) != _SUCCESS:
        return []
    devices = [ctypes.c_void_p() for _ in range(count.value)]
    for number, device in enumerate(devices):
        if driver.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(device)) != _SUCCESS:
            return []
    return devices


def _device(driver: Any) -> ctypes.c_void_p | None:
    devices = _devices(driver)
    ids = [_text(driver.nvmlDeviceGetUUID, device) or "" for device in devices]
    number_of_ours = first_visible(ids, os.environ.get("CUDA_VISIBLE_DEVICES"))
    return None if number_of_ours is None else devices[number_of_ours]


def _text(ask: Any, device: ctypes.c_void_p) -> str | None:
    text = ctypes.create_string_buffer(_MOST_CHARACTERS)
    return text.value.decode() if ask(device, text, _MOST_CHARACTERS) == _SUCCESS else None
