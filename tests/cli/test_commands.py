"""The command line as a user types it, each command in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otai.cli import main
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)
Otai = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def otai(database_url: str, tmp_path: Path) -> Otai:
    def run(*words: object, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "otai.cli.main", *map(str, words)],
            env={**os.environ, "OTAI_DATABASE_URL": database_url, "COLUMNS": "200", "OTAI_ACTOR": "alice"},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def otai_here(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Otai]:
    """The same command by the same entry point, in this process: for what a new one would only make slower."""
    from otai.cli.main import run as entry_point

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTAI_ACTOR", "alice")
    mask = os.umask(0o077)

    def run(*words: object, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["otai", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            entry_point()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, f"exit {ended.value.code}\n{said.out}\n{said.err}"
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    yield run
    # The command sets it for its whole process.
    os.umask(mask)


def as_json(done: subprocess.CompletedProcess[str]) -> object:
    return json.loads(done.stdout)


def without_django(model: Path, text: str) -> Any:
    """What a model that was taken along says of a queue, on a machine with neither Django nor a database."""
    script = (
        "import json, sys\n"
        "from otai.learning.model.bundle import Bundle\n"
        "[found] = Bundle.load(sys.argv[1]).predict([sys.argv[2]])\n"
        "assert 'django' not in sys.modules\n"
        "print(json.dumps([list(found.attributes['queue'].labels), found.attributes['queue'].confidence]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(model), text],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


# On PostgreSQL the order that is trained later and the client's program walk the same way.
@pytest.mark.pure
def test_the_whole_walk_by_commands_alone(otai: Otai, tmp_path: Path) -> None:
    source = stories.write_tickets(tmp_path / "support.csv")
    otai("init")
    otai("org", "create", "acme", "--name", "Acme Ltd", "--time-zone", "Europe/Berlin")
    otai("tickets", "import", source, "--name", "support")
    assert "150" in otai("tickets", "profile", "support").stdout
    offered = as_json(otai("quote", "--data-set", "support", "--json"))
    assert (offered["credits"], offered["attributes"], offered["balance"]) == (1, 2, 6)
    trained = as_json(otai("train", "support", "--yes", "--json"))
    assert (trained["status"], trained["charged"], trained["version"]) == ("completed", 1, 1)
    assert {attribute["name"] for attribute in trained["report_card"]["attributes"]} == {"queue", "priority"}
    predicted = otai("predict", "support", "my vpn drops every minute", "--json")
    assert json.loads(predicted.stdout)["attributes"]["queue"]["labels"] == ["network"]
    piped = otai("predict", "support", "--json", stdin="password reset please\n\ninvoice wrong amount\n")
    assert [json.loads(line)["attributes"]["queue"]["labels"] for line in piped.stdout.splitlines()] == [
        ["accounts"],
        ["billing"],
    ]
    statement = as_json(otai("statement", "--json"))
    assert statement["balance"] == {"available": 5, "held": 0, "spent": 1}
    assert "5 available | 0 held | 1 spent" in otai("statement").stdout
    otai("statement", "--csv", tmp_path / "statement.csv")
    assert "Initial credits" in (tmp_path / "statement.csv").read_text()
    shown = as_json(otai("runs", "show", 1, "--json"))
    assert [event["move"] for event in shown["events"]][-1] == "evaluating -> completed"
    assert shown["events"][0]["who"] == "alice"
    assert [device["kind"] for device in shown["attempts"][0]["devices"]] == ["cpu"]
    told = otai("runs", "show", 1, "--log").stdout
    assert "completed" in told and "no GPU used" in told
    assert [row["run"] for row in as_json(otai("runs", "list", "--json"))] == [1]
    exported = as_json(otai("model", "export", "support", ".", "--json"))
    assert (tmp_path / exported["file"]).stat().st_size == exported["bytes"]
    otai("model", "export", "support", ".", code=3)
    otai("model", "export", "support", tmp_path / "model.otai", "--card")
    elsewhere = as_json(otai("model", "export", "support", "elsewhere", "--format", "open-ticket-ai", "--json"))
    assert (elsewhere["queue"], elsewhere["priority"]) == ("queue", "priority")
    assert (tmp_path / "elsewhere/model.otai").read_bytes() == (tmp_path / "model.otai").read_bytes()
    assert "file_exists" in otai("model", "export", "support", "elsewhere", "--format", "open-ticket-ai", code=3).stderr
    assert "It began on day" not in (tmp_path / "model.html").read_text(encoding="utf-8")
    inside = json.loads(predicted.stdout)["attributes"]["queue"]
    assert without_django(tmp_path / "model.otai", "my vpn drops every minute") == [
        inside["labels"],
        inside["confidence"],
    ]
    assert as_json(otai("model", "list", "--json"))[0]["model"] == "support"
    assert as_json(otai("ledger", "audit", "--json"))["clean"] is True


@pytest.mark.pure
def test_a_report_card_is_one_page_and_whole_files_are_predicted(otai_here: Otai, tmp_path: Path) -> None:
    source = stories.write_tickets(tmp_path / "support.csv")
    otai_here("org", "create", "acme")
    otai_here("tickets", "import", source, "--name", "support")
    otai_here("train", "support", "--yes", "--json")
    shown = otai_here("model", "card", "support", "--html", "card.html").stdout
    assert "Report card: trained on" in shown and "The whole report card is in card.html" in shown
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "support v1" in page and "<script" not in page
    assert "file_exists" in otai_here("model", "card", "support", "--html", "card.html", code=3).stderr

    said = otai_here("predict", "support", "--in", "support.csv", "--out", "out.csv", "--precision", "0.95").stdout
    assert "150 tickets predicted, in out.csv" in said
    rows = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 151 and rows[0].startswith("row,ticket,queue,queue confidence,queue second,queue decide alone,")
    piped = otai_here("predict", "support", "--in", "-", stdin='{"id": 9, "text": "wifi is slow"}\nnonsense\n', code=4)
    assert [json.loads(line).get("ticket") for line in piped.stdout.splitlines()] == ["9", "row 2"]
    assert "rows_unreadable: 1 rows cannot be read and have no prediction: row 2: no JSON" in piped.stderr
    assert not (tmp_path / "out.csv.part").exists()


@pytest.mark.pure
def test_a_price_is_told_without_an_organisation_or_a_database(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "otai.cli.main",
            "quote",
            "--mode",
            "business",
            "--delivery",
            "fast",
            "--attributes",
            "21",
            "--json",
        ],
        env={"PATH": os.environ["PATH"], "OTAI_HOME": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["credits"] == 10


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["quote", "--attributes", "201"], 4, "attribute_count_out_of_range"),
        (["quote"], 4, "nothing_to_price"),
        (["runs", "show", "7", "--org", "acme"], 5, "not_found"),
        (["predict", "support", "hello", "--org", "acme"], 5, "not_found"),
        (["train", "support", "--yes", "--org", "acme"], 5, "not_found"),
        (["org", "show", "--org", "globex"], 5, "not_found"),
        (["org", "create", "acme"], 3, "organisation_exists"),
        (["org", "create", "Ac me"], 4, "invalid_organisation"),
        (["org", "create", "new", "--time-zone", "Mars"], 4, "invalid_organisation"),
        (["runs", "cancel", "1", "--org", "acme"], 5, "not_found"),
    ],
)
def test_an_error_is_one_line_with_a_code_and_an_exit_code(
    otai_here: Otai, words: list[str], code: int, error: str
) -> None:
    otai_here("org", "create", "acme")
    failed = otai_here(*words, code=code)
    assert failed.stderr.startswith(f"otai: {error}: ")
    assert len(failed.stderr.strip().splitlines()) == 1
    assert failed.stdout == ""
    if words[0] != "org":
        assert json.loads(otai_here(*words, "--json", code=code).stderr)["error"]["code"] == error


def test_training_what_cannot_be_trained_costs_nothing(otai_here: Otai, tmp_path: Path) -> None:
    source = stories.write_tickets(tmp_path / "support.csv")
    otai_here("org", "create", "acme")
    otai_here("tickets", "import", source, "--name", "support")
    assert "attribute" in otai_here("train", "support", "-a", "colour", "--yes", code=4).stderr
    assert "confirmation_missing" in otai_here("train", "support", code=4).stderr
    # No encoder is here: it is not sold, whatever the tier includes.
    refused = otai_here("train", "support", "--mode", "maximum", "--yes", code=7).stderr
    assert "mode_not_installed" in refused and "otai encoders pull use-multilingual" in refused
    assert as_json(otai_here("org", "show", "--json"))["available"] == 6


@pytest.mark.postgres
def test_a_run_is_ordered_now_trained_later_and_cancelled_in_between(otai: Otai, tmp_path: Path) -> None:
    source = stories.write_tickets(tmp_path / "support.csv")
    otai("org", "create", "acme")
    otai("tickets", "import", source, "--name", "support")
    otai("train", "support", "--yes", "--detach")
    assert "equal_order" in otai("train", "support", "--yes", "--detach", code=3).stderr
    otai("train", "support", "--yes", "--detach", "--again")
    otai("runs", "cancel", 1)
    otai("worker", "--once")
    states = {row["run"]: (row["status"], row["charged"]) for row in as_json(otai("runs", "list", "--json"))}
    assert states == {1: ("cancelled", 0), 2: ("completed", 1)}
    otai("runs", "refund", 2, "--why", "labels were swapped")
    assert as_json(otai("org", "show", "--json"))["available"] == 6
    otai("ledger", "audit")


def test_a_command_loads_what_it_needs_and_no_more() -> None:
    script = (
        "import sys\n"
        "from otai.cli.main import app\n"
        "app(['org', '--help'], standalone_mode=False)\n"
        "print(sorted({'numpy', 'pyarrow', 'scipy', 'otai.cli.tickets', 'otai.billing.admin'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=180)
    assert "create" in done.stdout and done.stdout.splitlines()[-1] == "[]", done.stderr


def test_every_first_word_is_a_command(otai_here: Otai) -> None:
    shown = otai_here("--help").stdout
    for word in main._COMMANDS:
        assert f" {word} " in shown
        assert "Usage:" in otai_here(word, "--help").stdout
    otai_here("orgs", code=2)
