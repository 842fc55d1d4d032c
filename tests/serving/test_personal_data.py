"""Carol's number, card, address and name stand in acme's tickets; none of them may leave with a model or a report card,
or stay in what is kept."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.cli.main import app
from otai.learning.data.tickets import LabelledTickets
from otai.learning.evidence.card_page import card_html
from otai.learning.evidence.report_card import ReportCard
from otai.learning.model.bundle import Bundle
from otai.orgs.models import Organisation
from otai.runs.models import Run
from otai.serving import deletion, feedback, queries, versions
from otai.serving.feedback import Correction
from otai.serving.http import ModelServer, as_json
from otai.serving.models import Feedback, ModelVersion, ObservedTicket
from otai.tickets import queries as tickets
from otai.tickets.files import file_store
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from otai.tickets.options import ImportOptions
from tests import stories
from tests.api.callers import Program
from tests.serving.test_http import ask
from tests.serving.training_here import trained

pytestmark = pytest.mark.django_db(transaction=True)

PLANTED = {
    "iban": "DE89 3704 0044 0532 0130 00",
    "card": "4111 1111 1111 1111",
    "phone": "+49 30 5550 1234",
    "email": "carol.king@globex.example",
    "name": "Carol King",
    "password": "Sommer2026!",
}
TRACES = ("3704", "0532", "4111", "5550", "carol", "king@", "globex", "sommer2026")
BODY = "my IBAN is {iban}, card {card}, password: {password}\nCall {phone} or write to {email}\n\nKind regards\n{name}"


def write(path: Path, *, tickets: int = 150) -> Path:
    """Every ticket holds all of it, and one in ten the wrong label, so that cards have excerpts to quote."""
    stories.write_tickets(path, tickets=tickets)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for number, row in enumerate(rows):
            subject = f"{PLANTED['email']} {row['subject']}" if number % 2 else f"{row['subject']} {PLANTED['phone']}"
            queue = row["queue"] if number % 10 else "accounts"
            writer.writerow(
                {**row, "subject": subject, "queue": queue, "body": f"{row['body']}\n{BODY.format(**PLANTED)}"}
            )
    return path


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


def imported(acme: Organisation, folder: Path, now: datetime, *, mask: bool) -> DataSet:
    return import_tickets(
        organisation=acme,
        name="support",
        source=write(folder / "support.csv"),
        now=now,
        options=ImportOptions(mask=mask, keep_quotes=True),
    )


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    return imported(acme, tmp_path, now, mask=False)


def traces_in(content: bytes | str) -> list[str]:
    text = content.decode("latin-1") if isinstance(content, bytes) else content
    # Four digits stand in figures and times by chance as well: a group counts between other signs, or with its number.
    alone = re.compile("|".join(rf"(?<![\d.]){trace}(?!\d)" if trace.isdigit() else trace for trace in TRACES))
    whole = [value.replace(" ", "") for value in PLANTED.values() if value.replace(" ", "") in text]
    return alone.findall(text.casefold()) + whole


def test_the_report_card_quotes_masked_texts_only(version: ModelVersion) -> None:
    run = Run.objects.get(id=version.run_id)
    card = ReportCard.from_values(run.report_card)
    quoted = [
        suspect.excerpt for report in card.attributes if report.wrong_labels for suspect in report.wrong_labels.suspects
    ]
    quoted += [excerpt for report in card.attributes for pair in report.confused_pairs for excerpt in pair.excerpts]
    assert quoted, "the card has something to quote"
    assert traces_in(card.to_json()) == []
    assert any("[email]" in excerpt or "[phone]" in excerpt for excerpt in quoted)
    assert traces_in(card_html(card, title="support")) == []


def test_the_findings_of_the_import_show_masked_examples_only(support: DataSet) -> None:
    assert "personal_data" in {one.code for one in tickets.profile(support).findings}
    assert traces_in(tickets.profile(support).findings.__repr__()) == []


def as_sent(number: int) -> str:
    return f"vpn drops {number}\n{BODY.format(**PLANTED)}"


@pytest.fixture
def masked(acme: Organisation, tmp_path: Path, now: datetime) -> ModelVersion:
    return trained(acme, imported(acme, tmp_path, now, mask=True), now)


def test_what_a_masked_model_is_asked_about_is_kept_masked(
    acme: Organisation, masked: ModelVersion, now: datetime
) -> None:
    versions.keep_tickets(organisation=acme, name=masked.model.name, days=30, who="alice", now=now)
    masked.model.refresh_from_db()
    assert feedback.keep(masked, [as_sent(1)], now=now) == 1
    assert traces_in(ObservedTicket.objects.get().text) == []


def test_feedback_on_a_masked_model_is_kept_and_merged_masked(
    acme: Organisation, masked: ModelVersion, now: datetime
) -> None:
    feedback.give(
        version=masked,
        corrections=[Correction(as_sent(1), {"queue": ("network",)}, ticket="N1")],
        by="bob",
        key="monday",
        now=now,
    )
    assert traces_in(Feedback.objects.get().text) == []
    made = feedback.merge(organisation=acme, name=masked.model.name, by="bob", now=now)
    assert made.added == 1
    (row,) = [row for row in tickets.tickets(made.data_set) if row["ticket"] == "N1"]
    assert traces_in(f"{row['subject']} {row['body']}") == []


def test_feedback_finds_its_ticket_although_the_import_cut_and_masked_it(
    acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    """The helpdesk sends the mail as it came; the data set holds it without its signature, and masked."""
    signature = "\n\n-- \nCarol King, Globex\nTel. +49 30 5550 1234"
    source = tmp_path / "support.csv"
    with stories.write_tickets(source).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "body": row["body"] + f" Write to {PLANTED['email']}" + signature} for row in rows)
    data_set = import_tickets(
        organisation=acme, name="support", source=source, now=now, options=ImportOptions(mask=True)
    )
    version = trained(acme, data_set, now)
    sent = f"{rows[0]['subject']}\n{rows[0]['body']} Write to {PLANTED['email']}{signature}"
    feedback.give(version=version, corrections=[Correction(sent, {"queue": ("archive",)})], by="bob", key="k", now=now)
    assert deletion.what_goes_with_tickets(organisation=acme, data_sets=[data_set]).said_about_them == 1
    made = feedback.merge(organisation=acme, name=version.model.name, by="bob", now=now)
    assert (made.added, len(made.changes)) == (0, 1)


SENT = {
    "vpn drops, password:": "Sommer2026! and it drops again",
    "invoice for DE89 3704 0044 0532 0130 00": "card 4111-1111-1111-1111 was charged twice",
    "carol.king@globex.example cannot log in": "Call +49 30 5550 1234\n\nKind regards\nCarol King",
    "wifi slow": "my IBAN: de89370400440532013000, write to king@globex.example\n\n-- \nCarol King",
    "printer jam": "the password is Sommer2026!\n\nOn 5 Jan 2026 10:00, Helpdesk wrote:\n> call +49 30 5550 1234",
    "": "password:\nSommer2026!\nplease reset it",
}
"""Personal data as it comes: over the line between subject and body, in earlier mails and signatures, and without a
subject."""
KINDS = ("[iban]", "[card]", "[phone]", "[email]", "[name]", "[password]")


def test_what_an_import_masks_is_masked_in_a_new_ticket_text_for_text(
    acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    rows = [
        (subject, f"{body} {n}" if "\n" not in body else f"case {n} {body}")
        for n in range(30)
        for subject, body in SENT.items()
    ]
    with (tmp_path / "support.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "subject", "body", "queue"])
        writer.writerows([n, *row, "ab"[n % 2]] for n, row in enumerate(rows))
    for quotes in (True, False):
        imported = import_tickets(
            organisation=acme, name="support", source=tmp_path / "support.csv", now=now,
            options=ImportOptions(mask=True, keep_quotes=quotes),
        )  # fmt: skip
        stored = {row["ticket"]: f"{row['subject'] or ''}\n{row['body'] or ''}" for row in tickets.tickets(imported)}
        assert len(stored) == len(rows) and traces_in("".join(stored.values())) == []
        assert all(kind in "".join(stored.values()) for kind in KINDS)
        rules = LabelledTickets.read_parquet(file_store().local_path(imported.file)).text_rules
        assert rules is not None
        for number, (subject, body) in enumerate(rows):
            assert rules.applied([f"{subject}\n{body}"]) == [stored[str(number)]]
            # What is kept of a new ticket has nothing cut and everything masked, in whatever field it came.
            for sent in (f"{subject}\n{body}", f"{subject} {body}".strip()):
                assert traces_in(rules.as_stored(sent)) == [], sent


def test_a_masked_text_is_predicted_alike_at_every_door(
    acme: Organisation, masked: ModelVersion, tmp_path: Path
) -> None:
    """The command line, a file, the exported package with and without a database, HTTP, the API: one text, one answer,
    that of the text as it was masked."""
    sent = [as_sent(1), *(f"{subject}\n{body}" for subject, body in SENT.items())]
    package = queries.export(masked, tmp_path / "support.otai")
    bundle = Bundle.load(package)
    expected = [as_json(one)["attributes"] for one in bundle.predict(bundle.as_learnt(sent))]
    raw = dataclasses.replace(bundle, text_rules=None)
    assert [as_json(one)["attributes"] for one in raw.predict(sent)] != expected, "masking matters to these texts"

    doors: dict[str, list[Any]] = {}
    for name in (masked.model.name, str(package)):
        told = CliRunner().invoke(app, ["predict", name, "--json", *sent])
        assert told.exit_code == 0, told.output
        lines = [json.loads(line) for line in told.stdout.splitlines()]
        doors[f"words to {name}"] = [one["attributes"] for one in lines]
        source, target = tmp_path / "new.jsonl", tmp_path / "said.jsonl"
        parts = [dict(zip(("subject", "body"), text.split("\n", 1), strict=True)) for text in sent]
        source.write_text("".join(json.dumps(part) + "\n" for part in parts))
        told = CliRunner().invoke(app, ["predict", name, "--in", str(source), "--out", str(target), "--overwrite"])
        assert told.exit_code == 0, told.output
        doors[f"a file to {name}"] = [json.loads(line)["attributes"] for line in target.read_text().splitlines()]
    server = ModelServer(bundle, "support")
    for form in ([{"text": text} for text in sent], parts):
        status, answer = ask(server, "POST", "/predict", {"tickets": form})
        assert status == 200
        doors[f"HTTP {list(form[0])}"] = [one["attributes"] for one in answer["tickets"]]
    status, answer = Program(acme).post(f"/models/{masked.model.name}/predict", {"texts": sent})
    assert status == 200, answer
    doors["API"] = [one["attributes"] for one in answer["items"]]
    for door, found in doors.items():
        assert [said(one) for one in found] == [said(one) for one in expected], door


def said(attributes: Any) -> dict[str, Any]:
    """Labels and confidence, as every door shows them."""
    of_each = attributes if isinstance(attributes, list) else [{"name": n, **one} for n, one in attributes.items()]
    return {one["name"]: (one["labels"], round(one["confidence"], 4)) for one in of_each}
