"""The package's npz of the Universal Sentence Encoder, rewritten once as safetensors under the names of our module.
Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

WEIGHTS = "universal.safetensors"
PIECE_DIMENSION = 512
BRANCHES = ((2, 0), (3, 1), (5, 2))
"""Width in pieces, and how many of them stand to the left of the piece itself."""
CHUNKS = 17
"""The table of pieces was quantised in 17 parts, each with a scale and an offset of its own; piece i is in part i %
17."""
_PACKED_PARTS = [f"q{part}" for part in range(1, CHUNKS + 1)]


def convert(packed: Path, target: Path) -> None:
    """The package's npz as safetensors. Reads arrays only (no pickle) and writes the same bytes every time."""
    with np.load(packed, allow_pickle=False) as archive:
        parts = [archive[name] for name in _PACKED_PARTS]
        table = np.empty((CHUNKS * len(parts[0]), PIECE_DIMENSION), dtype=np.uint8)
        for part, rows in enumerate(parts):
            table[part::CHUNKS] = rows
        tensors: dict[str, NDArray[Any]] = {"pieces.table": table}
        for name in ("scale", "lo"):
            tensors[f"pieces.{name}"] = archive[name].astype(np.float32)
        widths = [width for width, _ in BRANCHES]
        # The package normalises the three projections together, as one row of 768.
        tensors["project.weight"] = np.concatenate([archive[f"proj{width}"] for width in widths], axis=1).T
        tensors["project.bias"] = np.concatenate([archive[f"proj_b{width}"] for width in widths])
        tensors["project_norm.weight"] = np.concatenate([archive[f"ln_g{width}"] for width in widths])
        tensors["project_norm.bias"] = np.concatenate([archive[f"ln_b{width}"] for width in widths])
        for index, width in enumerate(widths):
            for layer, (weight, bias) in {"first": ("w1", "b1"), "second": ("w2", "b2")}.items():
                tensors[f"branches.{index}.{layer}.weight"] = archive[f"{weight}_{width}"].T
                tensors[f"branches.{index}.{layer}.bias"] = archive[f"{bias}_{width}"]
        tensors["found_norm.weight"], tensors["found_norm.bias"] = archive["ln_g"], archive["ln_b"]
        tensors["gather.weight"], tensors["gather.bias"] = archive["cnn_W"].T, archive["cnn_b"]
        for name in ("d0", "d1", "d2", "d3", "p1", "p3"):
            tensors[f"dense.{name}.weight"] = archive[name].T
    target.write_bytes(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))
