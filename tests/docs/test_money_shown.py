"""The page that says which test shows which promise about money names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`((?:\w+/)+\w+\.py)?(?:::(test_\w+))?`")


def test_each_test_that_is_named_is_there() -> None:
    named, missing = 0, []
    page = (ROOT / "docs" / "money-shown.md").read_text(encoding="utf-8")
    for row in page.splitlines():
        file = ""
        for path, function in NAMED.findall(row) if row.startswith("|") else ():
            file = path or file
            named += 1
            text = (ROOT / "tests" / file).read_text(encoding="utf-8") if (ROOT / "tests" / file).is_file() else ""
            if not text or (function and f"def {function}(" not in text):
                missing.append(f"{file}::{function}")
    assert missing == []
    assert named > 80
