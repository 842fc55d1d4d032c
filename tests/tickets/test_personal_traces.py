"""Of Carol's numbers, addresses and passwords nothing is left where acme's files are looked at, refused, imported with
masks, and told about."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otai.errors import Invalid
from otai.tickets.columns import ColumnRoles
from otai.tickets.files import file_store
from otai.tickets.models import DataSet
from otai.tickets.options import ImportOptions
from otai.tickets.reading import preview_columns, read_tickets

PLANTED = (
    "card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, call +49 30 5550 1234, write "
    "carol.king@globex.example, password: Sommer2026! SVNR 1237 010180"
)
TRACES = ("3704", "4111 1111", "5550", "carol.king", "Sommer2026", "010180")


def traces_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


def written(path: Path, *, rows: int = 60) -> Path:
    """Everything planted in subject and body, and in columns that nobody takes for a text."""
    lines = ["key,subject,body,queue,contact,note,when"]
    for n in range(rows):
        said = f"carol.king@globex.example asks {n},The router {n} fails. {PLANTED.replace(',', ';')} {n}"
        lines.append(f"K{n},{said},{('net', 'desk')[n % 2]},carol.king@globex.example,{PLANTED.replace(',', ';')},soon")
    path.write_text("\n".join(lines))
    return path


@pytest.mark.pure
def test_a_preview_shows_kinds_instead(tmp_path: Path) -> None:
    shown = json.dumps(preview_columns(written(tmp_path / "t.csv")).as_dict(), ensure_ascii=False)
    assert traces_in(shown) == [] and "[email]" in shown


@pytest.mark.pure
@pytest.mark.parametrize("said", ["contact=created", "note=created"])
def test_a_refusal_quotes_none_of_it(tmp_path: Path, said: str) -> None:
    options = ImportOptions(roles=ColumnRoles.parse(columns=[said]))
    with pytest.raises(Invalid) as refused:
        read_tickets(written(tmp_path / "t.csv"), into=tmp_path / "out.parquet", options=options)
    assert traces_in(f"{refused.value} {refused.value.details}") == []


@pytest.mark.django_db
def test_an_import_with_masks_leaves_none_of_it(
    bring: Callable[..., DataSet], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[float, int]] = []
    with caplog.at_level(logging.DEBUG):
        made = bring(written(tmp_path / "t.csv"), mask=True, progress=lambda *step: told.append(step))
    assert traces_in(caplog.text) == []
    assert told and all(isinstance(value, int | float) for step in told for value in step)
    assert traces_in(json.dumps([made.profile, made.roles], ensure_ascii=False)) == []
    stored = str(pq.read_table(file_store().local_path(made.file)).to_pylist())
    assert traces_in(stored) == [] and "[iban]" in stored
