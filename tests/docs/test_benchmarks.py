"""The benchmarks go with the product: what they import is there."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from unittest import mock

import pytest

import benchmarks


@pytest.mark.pure
def test_every_benchmark_is_there_to_run() -> None:
    for file in Path(benchmarks.__file__).parent.glob("[a-z]*.py"):
        # What one sets for its own process is not for others.
        with mock.patch.dict(os.environ):
            importlib.import_module(f"benchmarks.{file.stem}")
