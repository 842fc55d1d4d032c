from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from otai.learning.evidence.report_card import ReportCard
from otai.learning.model.bundle import Bundle
from otai.learning.process import processor_name
from otai.learning.progress import Stage
from tests.learning.made_up import made_up_tickets, tickets_of

pytestmark = pytest.mark.pure

ROOT = Path(__file__).resolve().parents[2]


def spec_of(folder: Path, **changed: Any) -> Path:
    made_up_tickets(150).write_parquet(folder / "tickets.parquet")
    spec = {
        "tickets": str(folder / "tickets.parquet"),
        "attributes": [
            {"name": "queue", "kind": "single", "order": []},
            {"name": "tags", "kind": "multi", "order": []},
        ],
        "mode": "basic",
        "seed": 0,
        "output_dir": str(folder),
        "threads": 1,
    }
    (folder / "spec.json").write_text(json.dumps(spec | changed))
    return folder / "spec.json"


def start(spec: Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "otai.learning.process", str(spec)],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def finish(process: subprocess.Popen[str]) -> None:
    """Reads to the end with the input left open: closing it would end the training."""
    assert process.stdout is not None
    process.stdout.read()
    process.wait(timeout=60)


def test_a_training_leaves_bundle_report_card_and_result(tmp_path: Path) -> None:
    process = start(spec_of(tmp_path))
    lines = [json.loads(line) for line in process.stdout or ()]
    assert process.wait() == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["outcome"] == "completed"
    assert set(result["seconds"]) == {stage.value for stage in Stage}
    card = ReportCard.from_json((tmp_path / result["report_card"]).read_text())
    assert [one.name for one in card.attributes] == ["queue", "tags"]
    assert card.cost is not None and card.cost.peak_memory_bytes > 50_000_000
    assert card.cost.processor_seconds > 0 and 0 < (card.cost.energy_watt_hours or 0) < 1
    assert Bundle.load(tmp_path / result["bundle"]).predict(["vpn is down"])[0]["queue"].label

    told = [line for line in lines if line["type"] == "progress"]
    assert list(dict.fromkeys(line["stage"] for line in told)) == [stage.value for stage in Stage]
    assert told[0]["done"] == 0 and told[-1]["done"] == told[-1]["total"]
    assert {line["type"] for line in lines} == {"progress", "log", "devices"}
    [ran_on] = [line["devices"] for line in lines if line["type"] == "devices"]
    assert [(one["kind"], one["name"], one["count"]) for one in ran_on] == [("cpu", processor_name(), 1)]


def test_data_that_cannot_be_trained_on_end_as_an_input_failure(tmp_path: Path) -> None:
    tickets_of([f"text {n}" for n in range(30)], ["only"] * 30).write_parquet(tmp_path / "same.parquet")
    queue = [{"name": "queue", "kind": "single", "order": []}]
    process = start(spec_of(tmp_path, tickets=str(tmp_path / "same.parquet"), attributes=queue))
    finish(process)
    result = json.loads((tmp_path / "result.json").read_text())
    assert process.returncode == 0
    assert (result["outcome"], result["failure"], result["code"]) == ("failed", "input", "label_too_rare")
    assert not (tmp_path / "bundle.otai").exists()


def test_a_file_that_is_missing_is_an_input_failure(tmp_path: Path) -> None:
    process = start(spec_of(tmp_path, tickets=str(tmp_path / "nowhere.parquet")))
    finish(process)
    assert json.loads((tmp_path / "result.json").read_text())["code"] == "dataset_invalid"


def test_a_fault_of_ours_is_a_system_failure(tmp_path: Path) -> None:
    process = start(spec_of(tmp_path, attributes=[{"kind": "single"}]))
    finish(process)
    result = json.loads((tmp_path / "result.json").read_text())
    assert process.returncode == 1
    assert (result["failure"], result["code"]) == ("system", "crash")


def test_a_training_that_is_asked_to_stop_writes_nothing(tmp_path: Path) -> None:
    process = start(spec_of(tmp_path))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert not (tmp_path / "result.json").exists()


def test_a_training_ends_when_its_input_is_closed(tmp_path: Path) -> None:
    process = start(spec_of(tmp_path))
    assert process.stdin is not None and process.stdout is not None
    process.stdout.readline()
    process.stdin.close()
    process.stdin = None
    assert process.wait(timeout=20) != 0
    assert not (tmp_path / "result.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel to end it with its parent")
def test_a_training_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time

child = subprocess.Popen(
    [sys.executable, "-m", "otai.learning.process", sys.argv[1]], stdin=sys.stdin, stdout=subprocess.PIPE
)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
    read_end, write_end = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(spec_of(tmp_path))],
        cwd=ROOT,
        stdin=read_end,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _is_alive(child):
        time.sleep(0.05)
    assert not _is_alive(child)
    os.close(read_end)
    os.close(write_end)
    assert not (tmp_path / "result.json").exists()


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
