"""What the rooms refuse, and what a look at new tickets found, on German pages. tests/words has every sentence."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from otai.errors import OtaiError
from otai.learning.errors import InputFailure
from otai.orgs.permissions import Role
from otai.outbound.operations import create_endpoint
from otai.pricing.settlement import Ending
from otai.runs.models import Run
from otai.runs.operations import QuoteExpired, order_run
from otai.serving import advice, feedback
from otai.web.refusals import in_words, what_the_machine_said, why_failed
from tests import stories
from tests.serving.training_here import trained
from tests.web.visitors import member_of, of


@pytest.mark.django_db
def test_refusals_carry_their_facts_into_german(now: datetime, tmp_path: Path) -> None:
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    quote = stories.quote_for(acme, data_set, now)
    later = now.replace(year=now.year + 1)
    with translation.override("de"):
        with pytest.raises(QuoteExpired) as late:
            order_run(organisation=acme, quote=quote.id, who="alice", now=later)
        assert (
            in_words(late.value) == f"Das Angebot über 1 Credit galt bis {quote.expires_at:%H:%M} UTC. "
            "Fordern Sie ein neues an."
        )
        with pytest.raises(OtaiError) as private:
            create_endpoint(organisation=acme, url="http://127.0.0.1/", who="alice", now=now)
        assert in_words(private.value) == "Die Adresse eines Webhooks beginnt mit https:// und nennt einen Rechner."
        with pytest.raises(OtaiError) as absent:
            stories.quote_for(acme, data_set, now, attributes=["queue", "colour"])
        assert in_words(absent.value) == "support hat kein Attribut „colour“. Es hat: queue, priority."


@pytest.mark.django_db
def test_pages_refuse_in_german(now: datetime) -> None:
    acme = stories.acme(now)
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    alice.cookies["otai_language"] = "de"
    missing = alice.get("/acme/runs/77/")
    assert missing.status_code == 404
    assert "gehört nicht zu Ihrer Organisation" in missing.text and "There is no run" not in missing.text
    details = {
        "name": "Acme GmbH",
        "street": "Lindenstraße 7",
        "postcode": "50674",
        "city": "Köln",
        "country": "DE",
        "vat_id": "DE123",
        "email": "billing@acme.example",
        "language": "de",
    }
    wrong = alice.post("/acme/credits/details/", details)
    assert wrong.status_code == 422
    assert "„DE123“ ist keine gültige USt-IdNr.: Form oder Prüfziffer stimmt nicht." in wrong.text
    broken = SimpleUploadedFile("tickets.csv", b"\n \n")
    # The file waits: it may only have been read wrongly, and the page says how to read it differently.
    refused = alice.post("/acme/tickets/upload", {"file": broken}, follow=True)
    assert refused.status_code == 200 and "Die erste Zeile sollte die Spalten benennen" in refused.text
    assert "Wählen Sie" in alice.post("/acme/tickets/upload", {}).text


@pytest.mark.pure
def test_a_failed_training_says_in_german_whose_fault_it_was() -> None:
    run = Run(ending=Ending.FAILED_INPUT, failure_code="label_too_rare", failure_message="queue has one label.")
    with translation.override("en"):
        assert why_failed(run) == "Nothing can be learnt from these tickets as they are."
    assert what_the_machine_said(run) == "queue has one label."
    with translation.override("de"):
        assert why_failed(run) == "Aus diesen Tickets lässt sich so nichts lernen."
        run.ending, run.failure_code = Ending.FAILED_SYSTEM, "out_of_memory"
        assert why_failed(run) == "Das Training brauchte mehr Speicher, als die Maschine hat."
        run.failure_code = "never_heard_of"
        assert why_failed(run) == "Auf unserer Seite ist etwas ausgefallen."
        assert why_failed(Run()) == ""
        why = InputFailure("all_empty", tickets=1234).as_fact()
        run = Run(ending=Ending.FAILED_INPUT, failure_message="In English.", failure=why)
        assert why_failed(run) == "Alle 1.234 Tickets sind leer: Es gibt keinen Text zum Lernen."


@pytest.mark.django_db(transaction=True)
def test_a_look_at_new_labels_is_told_in_german(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    support = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    version = trained(acme, support, now)
    feedback.map_labels(data_set=support, mapping={"queue": {"network": "infrastructure"}}, by="alice", now=now)
    assert advice.check(organisation=acme, name="support", now=now)
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    address = f"/acme/models/{version.model_id}/"
    assert "is called “infrastructure” now" in alice.get(address).text
    alice.cookies["otai_language"] = "de"
    assert "queue: „network“ heißt jetzt „infrastructure“." in alice.get(address).text
    assert "heißt jetzt" in alice.get("/acme/").text
