"""A folder that starts Open Ticket AI with a model: what it holds, and what it does not set by itself. Whether Open
Ticket AI starts with it: `tests/open_ticket_ai`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from otai.learning.exporting import NoSuchAttribute
from otai.learning.exporting.open_ticket_ai import NotOneLabel, write_folder
from otai.learning.model.bundle import Bundle

pytestmark = pytest.mark.pure


def settings_in(file: Path) -> dict[str, str]:
    """Names and values, comments left out."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)  # type: ignore[misc]


def test_the_folder_has_the_model_its_thresholds_and_settings_for_both_programs(bundle: Bundle, tmp_path: Path) -> None:
    written = write_folder(bundle, tmp_path / "support", name="support v3")
    assert written.files == [".env", "README.md", "model.otai", "studio.env", "thresholds.json"]
    folder = written.folder
    texts = ["vpn router down", "invoice refund"]
    assert Bundle.load(folder / "model.otai").predict(texts) == bundle.predict(texts)
    told = json.loads((folder / "thresholds.json").read_text())
    assert told["queue"]["thresholds"] == dict(bundle.attributes[0].thresholds)
    assert (written.queue, written.priority) == ("queue", "priority")
    ours = settings_in(folder / "studio.env")
    assert (ours["STUDIO_QUEUE"], ours["STUDIO_PRIORITY"], ours["STUDIO_PRECISION"]) == (
        '"queue"',
        '"priority"',
        "0.95",
    )
    assert (ours["STUDIO_NAME"], ours["STUDIO_DRY_RUN"]) == ('"support v3"', "1")
    theirs = settings_in(folder / ".env")
    assert all(name.startswith("OTAI_") for name in theirs), "Open Ticket AI refuses names that it does not know"
    assert theirs["OTAI_API_HOST"] == "127.0.0.1"
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600, "a token will stand in it"


def test_the_readme_says_what_may_be_set_alone_and_what_becomes_of_it(bundle: Bundle, tmp_path: Path) -> None:
    readme = (write_folder(bundle, tmp_path / "support", name="support v3").folder / "README.md").read_text()
    rows = [line for line in readme.splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == ["queue", "priority", "tags"]
    assert rows[0].endswith("| the ticket's queue |") and rows[2].endswith("| a line of the note |")
    for row, one in zip(rows, bundle.attributes, strict=True):
        threshold = one.thresholds.get("0.95")
        shown = row.split(" | ")[2]
        assert shown == "never" if threshold is None else threshold <= float(shown) < threshold + 0.001
    silent = [one.spec.name for one in bundle.attributes if "0.95" not in one.thresholds]
    assert (f"nothing is promised for {', '.join(silent)}" in readme) is bool(silent)


def test_attributes_are_named_or_found_by_their_names(bundle: Bundle, tmp_path: Path) -> None:
    named = write_folder(bundle, tmp_path / "one", name="support", queue="priority")
    assert (named.queue, named.priority) == ("priority", "priority")
    with pytest.raises(NoSuchAttribute) as unknown:
        write_folder(bundle, tmp_path / "two", name="support", queue="team")
    assert "queue, priority and tags" in str(unknown.value) or "queue, priority, tags" in str(unknown.value)
    with pytest.raises(NotOneLabel, match="several labels"):
        write_folder(bundle, tmp_path / "two", name="support", priority="tags")
    assert not (tmp_path / "two").exists(), "nothing is half-written"
    assert [one.name for one in tmp_path.iterdir()] == ["one"]
