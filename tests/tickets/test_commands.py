"""`otai tickets`, as a helpdesk lead types it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from otai.cli.output import errors_as_one_line
from otai.errors import Invalid, NotFound
from otai.tickets.problems import DatasetInvalid
from otai.tickets.sample import write_csv

if TYPE_CHECKING:
    from otai.orgs.models import Organisation
    from otai.tickets.files import FileStore

cli = CliRunner()


def otai_tickets(*words: str) -> str:
    from otai.cli.tickets import app

    result = cli.invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_alice_makes_a_sample_looks_at_it_imports_it_and_deletes_it(
    acme: Organisation, store: FileStore, tmp_path: Path
) -> None:
    file = str(tmp_path / "synthetic.csv")
    assert "synthetic tickets" in otai_tickets("sample", file, "--tickets", "300")
    columns = json.loads(otai_tickets("columns", file, "--json"))
    assert columns["single"]["body"] == "body"
    imported = json.loads(otai_tickets("import", file, "--name", "support", "--ignore", "product", "--json"))
    assert (imported["tickets"], imported["version"]) == (300, 1)
    assert "product" in imported["roles"]["ignored"]
    assert "support v1: 300 tickets" in otai_tickets("profile", "support")
    assert json.loads(otai_tickets("profile", "support", "--json"))["profile"]["tickets"] == 300
    expected = json.loads(otai_tickets("expect", "support", "--json"))
    # Of 300 tickets little can be expected; whichever mode is known says with which interval.
    assert expected and all(set(one["modes"]) == {"basic", "business", "maximum"} for one in expected.values())
    known = [mode for one in expected.values() for mode in one["modes"].values() if mode is not None]
    assert all(mode["accuracy"]["low"] <= mode["accuracy"]["value"] <= mode["accuracy"]["high"] for mode in known)
    assert "guessing" in otai_tickets("expect", "support")
    assert [one["name"] for one in json.loads(otai_tickets("list", "--json"))] == ["support"]
    assert "deleted" in otai_tickets("delete", "support", "--version", "1", "--yes")
    assert json.loads(otai_tickets("list", "--json")) == []
    assert "no tickets yet" in otai_tickets("list")


def test_a_pipe_is_read_and_what_is_no_file_is_called_what_it_is(
    acme: Organisation, store: FileStore, tmp_path: Path
) -> None:
    pipe, export = tmp_path / "export.csv", write_csv(tmp_path / "s.csv", tickets=100)
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(export.read_bytes()), daemon=True)
    writer.start()
    imported = json.loads(otai_tickets("import", str(pipe), "--json"))
    writer.join()
    assert (imported["name"], imported["tickets"], imported["source_filename"]) == ("export", 100, "export.csv")
    for given, said in (
        (str(tmp_path), "is a folder. Name the files in it"),
        ("/dev/null", "is a device or a socket"),
        (str(tmp_path / "none.csv"), "There is no file"),
        (str(export / "none.csv"), "There is no file"),
    ):
        for command in ("import", "columns"):
            with pytest.raises(DatasetInvalid, match=said):
                otai_tickets(command, given)


def test_carol_of_globex_finds_nothing_of_acme(
    acme: Organisation, globex: Organisation, store: FileStore, tmp_path: Path
) -> None:
    file = str(tmp_path / "synthetic.csv")
    otai_tickets("sample", file, "--tickets", "100")
    otai_tickets("import", file, "--org", "acme")
    assert json.loads(otai_tickets("list", "--org", "globex", "--json")) == []
    with pytest.raises(NotFound):
        otai_tickets("profile", "synthetic", "--org", "globex")
    with pytest.raises(NotFound):
        otai_tickets("expect", "synthetic", "--org", "globex")
    with pytest.raises(NotFound):
        otai_tickets("delete", "synthetic", "--version", "1", "--yes", "--org", "globex")
    assert len(json.loads(otai_tickets("list", "--org", "acme", "--json"))) == 1


def test_nobody_is_asked_where_nobody_is_there(acme: Organisation, store: FileStore, tmp_path: Path) -> None:
    file = str(tmp_path / "synthetic.csv")
    otai_tickets("sample", file, "--tickets", "100")
    otai_tickets("import", file)
    with pytest.raises(Invalid, match="--yes"):
        otai_tickets("delete", "synthetic", "--version", "1")


def test_labels_that_look_like_markup_are_printed_as_they_are(
    acme: Organisation, store: FileStore, tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    file.write_text("text,queue\n" + "".join(f"Some text number {n},[bold]{'ab'[n % 2]}[/bold]\n" for n in range(20)))
    assert "[bold]a[/bold] (10)" in otai_tickets("import", str(file)).replace("\n", " ").replace("  ", " ")


@pytest.mark.pure
def test_a_sample_of_no_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        otai_tickets("sample", str(tmp_path / "x.csv"), "--tickets", "0")


@pytest.mark.pure
def test_the_same_seed_gives_the_same_synthetic_tickets(tmp_path: Path) -> None:
    from otai.tickets.sample import write_csv

    one, two, other = (write_csv(tmp_path / f"{name}.csv", 200, seed) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_how_a_file_is_read_can_be_said(acme: Organisation, store: FileStore, tmp_path: Path) -> None:
    rows = "\n".join(f"The printer in room {n} is on fire,{'it' if n % 2 else 'office'},03/04/2026" for n in range(40))
    file = tmp_path / "t.csv"
    file.write_text(f"a,b,c\ntext,queue,opened\n{rows}\n")
    for words, day in ((["--dates", "day-first"], "2026-04-03"), (["--dates", "month-first"], "2026-03-04")):
        imported = json.loads(otai_tickets("import", str(file), "--header", "2", "--json", *words))
        assert imported["tickets"] == 40 and imported["roles"]["single"]["created"] == "opened"
        assert "dates_read" not in json.dumps(imported["profile"])
        from otai.tickets import queries
        from otai.tickets.models import DataSet

        newest = DataSet.objects.get(version=imported["version"])
        assert {f"{ticket['created_at']:%Y-%m-%d}" for ticket in queries.tickets(newest, offset=0, limit=40)} == {day}
    columns = json.loads(otai_tickets("columns", str(file), "--header", "0", "--json"))
    assert set(columns["why"]) == {"column 1", "column 2", "column 3"}


def test_the_json_of_an_import_says_its_findings_as_the_api_does(
    acme: Organisation, store: FileStore, tmp_path: Path
) -> None:
    file = tmp_path / "one.csv"
    file.write_text("text,label\n" + "\n".join(f"The printer in room {n} is broken,Hardware" for n in range(40)))
    for words in (("import", str(file), "--name", "one", "--json"), ("profile", "one", "--json")):
        (found,) = json.loads(otai_tickets(*words))["profile"]["findings"]
        assert found["code"] == "no_attributes" and "nothing to learn" in found["message"] and found["advice"]


def test_labels_are_changed_after_a_look_and_lines_are_cut(
    acme: Organisation, store: FileStore, tmp_path: Path
) -> None:
    from tests.stories_of_leaks import write_signed

    file = str(write_signed(tmp_path / "support.csv"))
    assert "of 100 would be right" in otai_tickets("import", file, "--mask", "--keep-quotes")
    changes = ("labels", "support", "-a", "queue", "--rename", "accounts=network", "--leave-out", "billing")
    shown = otai_tickets(*changes, "--dry-run")
    assert "(left out)" in shown and "3 now, 1 then" in shown
    assert len(json.loads(otai_tickets("list", "--json"))) == 1
    with pytest.raises(Invalid, match="--yes"):
        otai_tickets(*changes)
    with pytest.raises(Invalid, match="OLD=NEW"):
        otai_tickets("labels", "support", "-a", "queue", "--rename", "accounts")
    with pytest.raises(Invalid, match=r"no label .fax"):
        otai_tickets("labels", "support", "-a", "queue", "--leave-out", "fax", "--yes")
    made = json.loads(otai_tickets(*changes, "--yes", "--json"))
    assert made["version"] == 2 and made["changed"] > 100
    assert "labels that went since version 1: “accounts”, “billing”" in otai_tickets("profile", "support")
    cut = json.loads(otai_tickets("cut", "support", "--version", "1", "--json"))
    assert cut["version"] == 3
    added = otai_tickets("import", file, "--name", "support", "--add")
    assert added.count("that went: 0") == 1 and "tickets, with those of" in added


def test_cuts_are_undone_by_a_command(acme: Organisation, store: FileStore, tmp_path: Path) -> None:
    quote = "\n\nOn Mon, 5 Jan 2026 at 08:12, Dana wrote:\n> The earlier words"
    rows = "".join(f'T{n},"The printer number {n} fails{quote}",{"ab"[n % 2]}\n' for n in range(60))
    (tmp_path / "mails.csv").write_text(f"ticket id,text,queue\n{rows}")
    otai_tickets("import", str(tmp_path / "mails.csv"), "--name", "mails")
    assert "as they came" in otai_tickets("uncut", "mails")
    with pytest.raises(Invalid, match="cut nothing"):
        otai_tickets("uncut", "mails")


@pytest.mark.pure
def test_columns_say_which_dates_nothing_settles(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    rows = [f"The printer in room {n} is on fire,q{n % 3},03/04/2026" for n in range(40)]
    file.write_text("\n".join(["text,queue,opened", *rows]))
    said = otai_tickets("columns", str(file))
    assert "dates such as 03/04/2026 in “opened”" in said.replace("\n", " ") and "month-first" in said
    asked = json.loads(otai_tickets("columns", str(file), "--json"))["unsettled_dates"]
    assert asked == {"column": "opened", "example": "03/04/2026", "read_as": "month-first"}
    assert "Nothing settles" not in otai_tickets("columns", str(file), "--dates", "day-first")


def test_each_bad_row_is_named_with_what_is_wrong(
    acme: Organisation, store: FileStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "stray.csv"
    rows = "".join(f'Broken {n},"it ""really"" stopped",IT\n' for n in range(20))
    path.write_text(f'subject,text,queue\n{rows}x,"he said "no" twice",IT\n{rows}y,"she "left"",IT\n{rows}')
    with pytest.raises(SystemExit), errors_as_one_line(debug=False):
        otai_tickets("import", str(path))
    first, second = capsys.readouterr().err.strip().split("\n")
    assert "row 22, column “text”" in first and "--skip-bad-rows" in first
    assert second == "  row 43, column “text”: a quote inside a quoted field is not doubled"
