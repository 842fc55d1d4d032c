"""What a spreadsheet would work out gets an apostrophe; everything else stays as it is."""

from __future__ import annotations

import csv
import io

import pytest

from otai.spreadsheets import harmless

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1+1", "\u00a0=1+1", "\ufeff=1", "\u200b@x",
        "\uff1d1+1", "\uff0b1+1", "\uff0d1+1", "\uff20SUM(A1)", "-", "+49 30 1234", "-1e5", "=HYPERLINK(\"https://evil.example\")"],
)  # fmt: skip
def test_what_begins_a_formula_is_a_text(cell: str) -> None:
    assert harmless(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "IT", "a=b", "a-b", "-1", "+2.5", "-0,5", "1e5", "'=1", 7, -7])
def test_what_begins_none_is_left_alone(cell: str | int) -> None:
    assert harmless(cell) == cell


def test_a_file_of_predictions_works_nothing_out() -> None:
    from types import SimpleNamespace as Made
    from typing import Any

    from otai.serving.batches import BatchRow, CsvWriter

    name = "=1+1"
    bundle: Any = Made(attributes=[Made(spec=Made(name=name), thresholds={})])
    runners_up = [Made(label='@SUM(1)"x')]
    prediction: Any = {name: Made(labels=["=cmd|' /c calc'!A1"], confidence=0.5, runners_up=runners_up)}
    out = io.StringIO()
    CsvWriter(out, bundle).write(
        [BatchRow(1, "=HYPERLINK(1)", prediction), BatchRow(2, "-1", None, wrong="+no ticket")]
    )
    for cell in [cell for row in csv.reader(io.StringIO(out.getvalue())) for cell in row]:
        assert cell == "-1" or not cell.startswith(("=", "+", "-", "@")), cell
