"""Carol's number, card, address and name stand in acme's tickets; none of them may leave with a model or a report card,
or stay in what is kept."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from pathlib import Path

import pytest

from otai.learning.evidence.card_page import card_html
from otai.learning.evidence.report_card import ReportCard
from otai.orgs.models import Organisation
from otai.runs.models import Run
from otai.serving import deletion, feedback, versions
from otai.serving.feedback import Correction
from otai.serving.models import Feedback, ModelVersion, ObservedTicket
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from otai.tickets.options import ImportOptions
from tests import stories
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
