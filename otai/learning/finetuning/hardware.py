"""What the GPU of this machine can do, as far as a training must know it beforehand. Imports torch only when asked."""

from __future__ import annotations

from dataclasses import dataclass

SPEEDS = (
    ("H200", 989e12, 4.8e12),
    ("H100 PCIe", 756e12, 2.0e12),
    ("H100", 989e12, 3.35e12),
    ("A100", 312e12, 1.56e12),
    ("L40S", 362e12, 0.86e12),
    ("A10", 125e12, 0.6e12),
    ("L4", 121e12, 0.3e12),
)
"""Part of a GPU's name; its operations a second in brain floats (dense, without sparsity) and the bytes a second of its
memory, by NVIDIA's data sheets. The first whose name fits counts."""

SLOWEST = SPEEDS[-1]
"""What an unknown GPU is taken for, and a part of a GPU (MIG), whose share of the speed its name does not tell."""

UTILISATION = 0.2
"""The share of those operations that a training of an encoder is believed to reach. Not measured here: `make gpu-check`
tells a machine's own (docs/encoders.md)."""

FIRST_WITH_BRAIN_FLOATS = (8, 0)
"""NVIDIA's compute capability from which brain floats are arithmetic of the hardware: Ampere, 2020."""


@dataclass(frozen=True)
class Gpu:
    """One GPU: `memory_bytes` is all of its memory, whoever uses it."""

    name: str
    memory_bytes: int
    has_brain_floats: bool = True

    @property
    def work_a_second(self) -> float:
        """Multiplications of parameters that it is believed to do in a second while learning: two operations each."""
        return UTILISATION * self.speed[1] / 2

    @property
    def speed(self) -> tuple[str, float, float]:
        """Its row of SPEEDS."""
        if "MIG" in self.name:
            return SLOWEST
        return next((row for row in SPEEDS if row[0] in self.name), SLOWEST)


def this_gpu() -> Gpu | None:
    """The GPU that a training on this machine would use: the first that CUDA_VISIBLE_DEVICES leaves to it. None without
    one."""
    import torch

    if not torch.cuda.is_available():
        return None
    found = torch.cuda.get_device_properties(0)
    return Gpu(found.name, found.total_memory, (found.major, found.minor) >= FIRST_WITH_BRAIN_FLOATS)
