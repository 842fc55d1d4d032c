"""`otai encoders` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from otai.learning.encoders import EncoderStore

pytestmark = pytest.mark.pure


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OTAI_ENCODERS", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object):  # type: ignore[no-untyped-def]
        from otai.cli.encoders import app

        return CliRunner().invoke(app, [str(word) for word in words])

    return run


def test_list_tells_what_is_known_and_what_is_here(encoders) -> None:  # type: ignore[no-untyped-def]
    found = json.loads(encoders("list", "--json").stdout)
    assert [(row["name"], row["present"]) for row in found["encoders"]] == [
        ("use-multilingual", False),
        ("minilm-en", False),
        ("multilingual-e5-small", False),
        ("multilingual-e5-base", False),
        ("multilingual-e5-large", False),
    ]
    assert found["encoders"][0]["licence"] == "Apache-2.0"
    text = encoders("list").stdout
    assert "use-multilingual" in text
    assert "82 MB" in text


def test_import_list_verify_and_a_damaged_file(encoders, tiny_folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert "verified" in encoders("import", tiny_folder, "--name", "acme-tickets").stdout
    row = json.loads(encoders("list", "--json").stdout)["encoders"][-1]
    assert (row["name"], row["present"], row["dimension"]) == ("acme-tickets", True, 32)
    assert encoders("verify").exit_code == 0
    path = EncoderStore(tmp_path / "store").find("acme-tickets").folder / "tokenizer.json"
    path.write_bytes(path.read_bytes().replace(b"vpn", b"vpm"))
    damaged = encoders("verify")
    assert damaged.exit_code == 1
    assert "tokenizer.json has the checksum" in damaged.stdout
    assert json.loads(encoders("verify", "--json").stdout)[0]["problem"]


def test_pull_takes_the_installed_package(encoders, store: EncoderStore) -> None:  # type: ignore[no-untyped-def]
    done = encoders("pull", "minilm-en", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["present"] is True
    assert encoders("verify").exit_code == 0


def test_a_wrong_name_is_refused_with_the_right_ones(encoders) -> None:  # type: ignore[no-untyped-def]
    refused = encoders("pull", "gpt")
    assert "use-multilingual" in str(refused.exception)
