"""Prose lines of the pages end at 120 characters, so that a change of a sentence is a change of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import put_into_page
from tests.docs.prose import ROOT, WIDTH, long_lines, pages, wrapped

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_lines_end_at_120(page: Path) -> None:
    assert long_lines(page.read_text(encoding="utf-8")) == [], "make format mends it"


def test_wrapping_keeps_words_items_tables_and_code() -> None:
    sentence = " ".join(["word"] * 40)
    table, code = f"| {sentence} |", f"    {sentence}"
    text = "\n".join(["# Title", "", f"- {sentence}", "- short", "", sentence, table, code, "```", sentence, "```", ""])
    made = wrapped(text)
    assert made.split() == text.split()
    assert [line for line in made.splitlines() if len(line) > WIDTH] == [table, code, sentence]
    assert "- short" in made.splitlines() and "\n  word" in made
    assert long_lines(text) == [f"- {sentence}", sentence] and long_lines(made) == []


def test_a_dash_does_not_become_an_item() -> None:
    text = " ".join(["word"] * 23) + " and - - then " + " ".join(["word"] * 23)
    assert not [line for line in wrapped(text).splitlines() if line.startswith("-")]


def test_what_a_benchmark_writes_ends_where_the_pages_lines_end() -> None:
    sentence = " ".join(["2026-11-28; 2 cores,"] * 10)
    page = put_into_page("# Benchmarks\n", "speed", f"## Speed\n\n{sentence}\n\n| {sentence} |\n")
    assert long_lines(page) == [] and f"| {sentence} |" in page.splitlines()
    assert put_into_page(page, "speed", f"## Speed\n\n{sentence}\n\n| {sentence} |\n") == page
