"""The contract that every executor keeps: success, failures as values, cancel, progress, log."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from otai import key_files
from otai.jobs.confining import confining, secret_files
from otai.runs.executors import Executor, Failed, Stopped, TrainedFiles, TrainingSpec, Watch
from otai.runs.executors.local import LocalExecutor, this_machine
from otai.runs.testing import FakeExecutor
from tests.gpus import FakeDriver

pytestmark = pytest.mark.pure

SUCCESS = """
import hashlib, json, pathlib, sys
spec = json.load(open(sys.argv[-1]))
out = pathlib.Path(spec["output_dir"])
for done, stage in enumerate(["features", "training", "evaluating", "writing"]):
    print(json.dumps({"type": "progress", "stage": stage, "done": done, "total": 4}), flush=True)
print(json.dumps({"type": "log", "text": "nearly done"}), flush=True)
print("a line that is not JSON", flush=True)
(out / "bundle.otai").write_bytes(b"model")
(out / "report_card.json").write_text(json.dumps({"attributes": []}))
(out / "result.json").write_text(json.dumps({"outcome": "completed", "bundle": "bundle.otai",
    "bundle_sha256": hashlib.sha256(b"model").hexdigest(), "report_card": "report_card.json"}))
"""
INPUT_FAILURE = """
import json, pathlib, sys
spec = json.load(open(sys.argv[-1]))
(pathlib.Path(spec["output_dir"]) / "result.json").write_text(json.dumps(
    {"outcome": "failed", "failure": "input", "code": "label_too_rare", "message": "Only one label."}))
"""
CRASH = "import sys; print('it began', flush=True); sys.exit('boom')"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
HANGS = """
import json, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(json.dumps({"type": "log", "text": f"child {child.pid}"}), flush=True)
print(json.dumps({"type": "progress", "stage": "training", "done": 1, "total": 9}), flush=True)
time.sleep(600)
"""
NONSENSE = """
import json, pathlib, sys
spec = json.load(open(sys.argv[-1]))
(pathlib.Path(spec["output_dir"]) / "result.json").write_text("{")
"""
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
SHOWS_ENVIRONMENT = "import os; print(sorted(os.environ), os.environ.get('OMP_NUM_THREADS'), flush=True)"
LOOKS_AROUND = """
import os, pathlib, socket
def tried(what):
    try:
        return what()
    except OSError as error:
        return type(error).__name__
here = pathlib.Path(__file__).parent
hidden, port = here / "home" / "secret-key", int((here / "port").read_text())
print("key:", tried(hidden.read_text), flush=True)
print("network:", tried(lambda: socket.create_connection(("127.0.0.1", port), 2)), flush=True)
print("who began it:", tried(pathlib.Path(f"/proc/{os.getppid()}/environ").read_bytes), flush=True)
print("rights:", [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")], flush=True)
"""
FLOODS = "print('x' * 1_000_000); print('y' * 1_000_000, flush=True)"


@pytest.fixture
def spec(tmp_path: Path) -> TrainingSpec:
    return TrainingSpec(
        tickets=tmp_path / "tickets.parquet",
        attributes=[{"name": "queue", "kind": "single", "order": []}],
        mode="basic",
        seed=0,
        output_dir=tmp_path / "out",
        threads=1,
        time_limit_seconds=60,
        seconds=7_200.0,
    )


@pytest.fixture
def local(tmp_path: Path) -> Callable[[str], LocalExecutor]:
    def playing(script: str) -> LocalExecutor:
        path = tmp_path / "training.py"
        path.write_text(script)
        return LocalExecutor(command=(sys.executable, str(path)))

    return playing


class Watcher:
    def __init__(self, *, stop_at: str | None = None) -> None:
        self.seen: list[Watch] = []
        self.stop_at = stop_at

    def __call__(self, watch: Watch) -> bool:
        self.seen.append(watch)
        return watch.stage != self.stop_at


def executors(local: Callable[[str], LocalExecutor], script: str, fake: FakeExecutor) -> list[Executor]:
    return [local(script), fake]


def test_a_training_that_succeeds_returns_its_model_and_every_stage(spec: TrainingSpec, local) -> None:
    for executor in executors(local, SUCCESS, FakeExecutor(model=b"model")):
        watcher = Watcher()
        result = executor.execute(spec, watch=watcher, watch_every_seconds=0.2)
        assert isinstance(result, TrainedFiles)
        assert result.bundle.read_bytes() == b"model"
        assert result.report_card == {"attributes": []}
        stages = list(dict.fromkeys(watch.stage for watch in watcher.seen))
        assert [s for s in stages if s != "starting"] == ["features", "training", "evaluating", "writing"]
        assert watcher.seen[-1].steps_total == 4
        assert "features" in result.log
        assert executor.hardware


def test_data_that_cannot_be_trained_on_is_an_input_failure(spec: TrainingSpec, local) -> None:
    failure = Failed(True, "label_too_rare", "Only one label.", "")
    for executor in executors(local, INPUT_FAILURE, FakeExecutor(failure=failure)):
        result = executor.execute(spec, watch=Watcher(), watch_every_seconds=0.2)
        assert isinstance(result, Failed)
        assert (result.is_input, result.code, result.message) == (True, "label_too_rare", "Only one label.")


def test_a_training_stops_as_soon_as_nobody_wants_it(spec: TrainingSpec, local) -> None:
    for executor in executors(local, HANGS, FakeExecutor()):
        watcher = Watcher(stop_at="training")
        assert isinstance(executor.execute(spec, watch=watcher, watch_every_seconds=0.2), Stopped)


def test_a_stopped_training_leaves_no_process_behind(spec: TrainingSpec, local) -> None:
    result = local(HANGS).execute(spec, watch=Watcher(stop_at="training"), watch_every_seconds=0.2)
    child = int(result.log.split("child ")[1].split()[0])
    for _ in range(50):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the training's own child process is still running")


def test_a_training_that_does_not_listen_is_stopped_all_the_same(spec: TrainingSpec, local, monkeypatch) -> None:
    monkeypatch.setattr("otai.runs.executors.local.seconds_to_stop_kindly", 0.3)
    watched = Watcher()
    result = local(IGNORES_SIGTERM).execute(
        spec, watch=lambda watch: watched(watch) and "deaf" not in watch.log, watch_every_seconds=0.1
    )
    assert isinstance(result, Stopped)


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [(CRASH, "crash", "code 1"), (KILLED, "process_died", "SIGKILL"), (NONSENSE, "crash", "cannot be read")],
)
def test_a_fault_of_ours_is_a_system_failure(spec: TrainingSpec, local, script: str, code: str, said: str) -> None:
    result = local(script).execute(spec, watch=Watcher(), watch_every_seconds=0.2)
    assert isinstance(result, Failed)
    assert (result.is_input, result.code) == (False, code)
    assert said in result.message


def test_what_a_crashed_training_said_is_kept(spec: TrainingSpec, local) -> None:
    log = local(CRASH).execute(spec, watch=Watcher(), watch_every_seconds=0.2).log
    assert "it began" in log
    assert "boom" in log


def test_a_training_past_its_time_limit_is_a_system_failure(spec: TrainingSpec, local) -> None:
    from dataclasses import replace

    result = local(HANGS).execute(replace(spec, time_limit_seconds=0.5), watch=Watcher(), watch_every_seconds=0.1)
    assert isinstance(result, Failed)
    assert (result.is_input, result.code) == (False, "time_limit")


def test_a_training_sees_no_setting_and_no_secret(spec: TrainingSpec, local, monkeypatch) -> None:
    secrets = (
        "OTAI_SECRET_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "HF_TOKEN",
        "HTTPS_PROXY",
        "A_SECRET_OF_TOMORROW",
    )
    for name in secrets:
        monkeypatch.setenv(name, "hush")
    log = local(SHOWS_ENVIRONMENT).execute(spec, watch=Watcher(), watch_every_seconds=0.2).log
    assert not [name for name in (*secrets, "OTAI_", "DJANGO_", "AWS_") if name in log]
    assert "'PATH'" in log
    assert log.splitlines()[0].endswith(" 1")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_a_training_has_no_network_and_does_not_see_the_secret_key(spec: TrainingSpec, local, tmp_path: Path) -> None:
    key = tmp_path / "home" / "secret-key"
    key.parent.mkdir()
    key.write_text("very secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "port").write_text(str(server.getsockname()[1]))
        executor = dataclasses.replace(local(LOOKS_AROUND), hidden=(key, tmp_path / "is-not-there"))
        result = executor.execute(spec, watch=Watcher(), watch_every_seconds=0.2)
    assert key.read_text() == "very secret", "it is hidden from the training alone"
    if "Not confined" in result.log:
        assert subprocess.run(["unshare", "--user", "--net", "--mount", "true"], check=False).returncode != 0
        pytest.skip("this system lets no user make namespaces")
    said = dict(line.partition(": ")[::2] for line in result.log.splitlines() if ": " in line)
    assert said["key"] == "FileNotFoundError" and said["who began it"] == "PermissionError"
    assert said["network"] == "ConnectionRefusedError"
    assert said["rights"] == "['0000000000000000']"


READS_TWICE = """
import pathlib, sys
for _ in sys.stdin:
    folder, outside = map(pathlib.Path, sys.argv[1:])
    (folder / "files" / "mine").write_text("kept")
    print(sorted(path.name for path in folder.iterdir()), (folder / "note").read_text(), outside.exists(), flush=True)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_a_key_that_is_changed_and_a_database_that_is_opened_meanwhile_stay_hidden(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "files").mkdir(parents=True)
    (home / "secret-key").write_text("very secret")
    (home / "note").write_text("no secret")
    database = tmp_path / "elsewhere" / "otai.sqlite3"
    database.parent.mkdir()
    database.write_text("rows")
    hidden = [home / name for name in ("secret-key", "former-secret-keys")] + [database]
    begun = confining(hidden, unless="OTAI_CONFINE_TRAININGS")
    command = [*begun, sys.executable, "-c", READS_TWICE, str(home), str(database)]
    with subprocess.Popen(command, cwd=home, stdin=-1, stdout=-1, stderr=-1, text=True) as trained:
        assert trained.stdin is not None and trained.stdout is not None and trained.stderr is not None
        trained.stdin.write("\n")
        trained.stdin.flush()
        first = trained.stdout.readline()
        key_files.replace_key(home)
        database.with_name("otai.sqlite3-wal").write_text("newer rows")
        second, said = trained.communicate("\n")
    if said.startswith("Not confined"):
        pytest.skip("this system lets no user make namespaces")
    assert first == second == "['files', 'note'] no secret False\n"
    assert (home / "files" / "mine").read_text() == "kept", "what is no secret is where it was"
    assert (home / "secret-key").read_text() != (home / "former-secret-keys").read_text().strip() == "very secret"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_where_the_system_does_not_allow_it_the_training_runs_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "files alone are hidden"
    folder.mkdir()
    command = [*confining([folder], unless="OTAI_CONFINE_TRAININGS"), sys.executable, "-c", "print('trained')"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "trained\n" and ran.stderr.startswith("Not confined")


def test_an_operator_can_leave_trainings_unconfined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTAI_CONFINE_TRAININGS", "0")
    assert confining([Path("secret-key")], unless="OTAI_CONFINE_TRAININGS") == []


def test_the_secrets_of_an_installation_are_its_key_and_its_database() -> None:
    names = [path.name for path in secret_files()]
    assert names[:2] == ["secret-key", "former-secret-keys"]
    assert len(names) == 2 or names[3:] == [f"{names[2]}-wal", f"{names[2]}-shm"]


def test_a_log_is_bounded(spec: TrainingSpec, local) -> None:
    log = local(FLOODS).execute(spec, watch=Watcher(), watch_every_seconds=0.2).log
    assert len(log) <= 64_000
    assert log.rstrip().endswith("y")


def test_the_spec_reaches_the_training_as_it_is(spec: TrainingSpec, local) -> None:
    local(SUCCESS).execute(spec, watch=Watcher(), watch_every_seconds=0.2)
    written = json.loads((spec.output_dir / "spec.json").read_text())
    assert written["attributes"] == [{"name": "queue", "kind": "single", "order": []}]
    assert (written["mode"], written["threads"], written["seconds"]) == ("basic", 1, 7_200.0)


def test_the_hardware_is_the_one_at_hand() -> None:
    assert f"{len(os.sched_getaffinity(0))} CPU" in this_machine()


@pytest.mark.parametrize(("visible", "named"), [(None, "NVIDIA L4"), ("1", "NVIDIA H100"), ("", "")])
def test_the_hardware_names_the_gpu_that_a_worker_was_given(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, named: str
) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: FakeDriver())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert this_machine().partition(" GiB")[2] == (f", {named}" if named else "")
