"""A part of the development environment that is missing is passed over on a desk, and never by CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import parts

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(("ci", "end"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_a_missing_module_is_skipped_on_a_desk_and_fails_under_ci(
    ci: str, end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    assert parts.module("json").loads("[1]") == [1]
    with pytest.raises(end, match="needs otai_has_no_such_module: pip install 'otai\\[ray\\]'"):
        parts.module("otai_has_no_such_module", extra="ray")


def test_no_test_passes_over_a_part_by_itself() -> None:
    """Who asks for a module or a program asks tests/parts.py, which fails where CI has none."""
    ours = Path(__file__)
    asks = "importor" + "skip"
    found = [str(file) for file in ours.parent.rglob("*.py") if asks in file.read_text() and file.name != "parts.py"]
    assert found == []
