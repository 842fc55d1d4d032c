"""A commit's subject says which room changes, and for whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.subjects import main, problem

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    "subject",
    [
        "billing: nobody pays twice between a page and a second click",
        "runs, billing: a race ends as it should",
        "docs: promises measured anew",
        'Revert "web: a page"',
    ],
)
def test_a_subject_of_the_form_is_taken(subject: str) -> None:
    assert problem(subject) is None


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("Fix a bug", "does not say"),
        ("web:", "does not say"),
        ("stuff: pages are quicker", "names no room: stuff"),
        ("web, stuff: pages are quicker", "names no room: stuff"),
        ("web: pages are quicker.", "full stop"),
        ("web: " + "x" * 68, "has 73 characters"),
    ],
)
def test_any_other_subject_is_refused_with_its_reason(subject: str, why: str) -> None:
    assert why in (problem(subject) or "")


def test_the_hook_reads_the_first_line_of_the_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = tmp_path / "COMMIT_EDITMSG"
    message.write_text("web: pages are quicker\n\nThe why, at any length.\n")
    assert main([str(message)]) == 0
    message.write_text("Pages are quicker\n")
    assert main([str(message)]) == 1
    assert "Pages are quicker" in capsys.readouterr().err
