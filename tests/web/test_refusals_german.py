"""What the rooms refuse, and what a look at new tickets found, in German: every code that can reach a page has its sentence."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

import otai
from otai.errors import Invalid, OtaiError
from otai.orgs.permissions import Role
from otai.outbound.operations import create_endpoint
from otai.pricing.settlement import Ending
from otai.runs.models import Run
from otai.runs.operations import QuoteExpired, order_run
from otai.serving import advice, feedback
from otai.web.accounts.refusals import SENTENCES
from otai.web.accounts.refusals import in_words as of_people
from otai.web.refusals import FACT, REFUSALS, WORD_FOR_WORD, in_words, why_failed
from tests import stories
from tests.serving.training_here import trained
from tests.web.visitors import member_of, of

ROOT = Path(otai.__file__).parent

ELSEWHERE = {
    "said by the API and its client alone": """
        answer_deleted api_key_ended api_key_unknown csrf_failed file_missing idempotency_key_missing invalid_cursor invalid_idempotency_key invalid_period
        invalid_webhook malformed_request media_type_unsupported not_acceptable not_signed_in organisation_not_named request_in_progress
        too_many_requests""",
    "said on the command line alone": """
        attribute_not_found export_differs file_exists invalid_checkpoint invalid_pool invalid_setting no_such_folder not_a_demo not_initialised nothing_to_export
        nothing_to_price onnx_not_installed pool_is_full precision_unknown simulation_not_installed""",
    "said by `otai serve`": "body_too_large key_missing method_not_allowed request_invalid",
    "said to operators, whose desk speaks English": """
        already_refunded already_settled fee_not_credited fee_was_spent forged_webhook invalid_payment nothing_to_refund package_exists
        payment_not_confirmed purchase_not_delivered reason_missing refund_not_sent run_not_charged who_and_why_missing""",
    "said to workers": "cluster_unavailable ray_not_installed",
    "a mistake of ours, never a person's": "error hold_not_captured invalid_deadline price_missing",
    "said by the page itself, in the reader's language": "length_required too_large",
}
"""Codes that need no German, and why. A new code belongs into `REFUSALS`, or here."""


def kinds(of_: type[OtaiError] = OtaiError) -> Iterator[type[OtaiError]]:
    for kind in of_.__subclasses__():
        if kind.__module__.startswith("otai."):
            yield kind
            yield from kinds(kind)


def all_codes() -> set[str]:
    for module in pkgutil.walk_packages(otai.__path__, "otai."):
        if ".migrations" not in module.name and not module.name.endswith(("__main__", ".cli.main")):
            importlib.import_module(module.name)
    codes = {kind.code for kind in kinds()}
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).parts[0] in ("api", "cli", "client"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                given = [word.value for word in node.exc.keywords if word.arg == "code"]
                codes |= {code.value for code in given if isinstance(code, ast.Constant)}
    return codes


@pytest.mark.pure
def test_every_code_has_its_german_or_a_reason_to_need_none() -> None:
    spoken = {key.partition(".")[0] for key in REFUSALS} | set(SENTENCES)
    elsewhere = {code for codes in ELSEWHERE.values() for code in codes.split()}
    assert not spoken & elsewhere
    codes = all_codes()
    assert codes - spoken - elsewhere == set(), "otai/web/refusals.py: a sentence for the code"
    assert (spoken | elsewhere) - codes == set(), "codes that nobody raises"


@pytest.mark.pure
def test_whatever_facts_a_refusal_carries_german_has_a_sentence_for_it() -> None:
    with translation.override("de"):
        for key, sentences in REFUSALS.items():
            code, _, field = key.partition(".")
            bare = OtaiError("The room's own sentence.", code=code, **({"field": field} if field else {}))
            said = in_words(bare)
            assert said != bare.message and not FACT.search(said), key
            if "%(said)s" in str(sentences[-1]):
                assert said.endswith("Auf Englisch: The room's own sentence."), key
        for written in WORD_FOR_WORD:
            assert in_words(Invalid(written, code="dataset_invalid")) != written
        assert in_words(OtaiError("Never heard of.", code="weather")) == "Never heard of."
    with translation.override("en"):
        assert in_words(Invalid("The room's own sentence.", code="quote_expired")) == "The room's own sentence."


@pytest.mark.pure
def test_sentences_that_are_translated_word_for_word_are_still_said() -> None:
    """A room that rewords one would turn it English again without anybody noticing."""
    sources = "\n".join(path.read_text() for path in ROOT.rglob("*.py") if "web" not in path.relative_to(ROOT).parts)
    assert [sentence for sentence in WORD_FOR_WORD if f'"{sentence}"' not in sources] == []


@pytest.mark.django_db
def test_refusals_carry_their_facts_into_german(now: datetime, tmp_path: Path) -> None:
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    quote = stories.quote_for(acme, data_set, now)
    later = now.replace(year=now.year + 1)
    with translation.override("de"):
        with pytest.raises(QuoteExpired) as late:
            order_run(organisation=acme, quote=quote.id, who="alice", now=later)
        assert in_words(late.value) == "Das Angebot ist abgelaufen. Fordern Sie ein neues an."
        with pytest.raises(OtaiError) as private:
            create_endpoint(organisation=acme, url="http://127.0.0.1/", who="alice", now=now)
        assert of_people(private.value).startswith("Diese Adresse lässt sich nicht verwenden")
        with pytest.raises(OtaiError) as absent:
            stories.quote_for(acme, data_set, now, attributes=["queue", "colour"])
        assert in_words(absent.value) == ("Diese Tickets haben kein Merkmal „colour“. Sie haben: queue, priority.")


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
    assert "Diese USt-IdNr. passt nicht zur Anschrift in DE oder ist vertippt." in wrong.text
    broken = SimpleUploadedFile("tickets.csv", b"\n \n")
    # The file waits: it may only have been read wrongly, and the page says how to read it differently.
    refused = alice.post("/acme/tickets/upload", {"file": broken}, follow=True)
    assert refused.status_code == 200 and "Die erste Zeile sollte die Spalten benennen" in refused.text
    assert "Wählen Sie" in alice.post("/acme/tickets/upload", {}).text


@pytest.mark.pure
def test_a_failed_training_says_in_german_whose_fault_it_was() -> None:
    run = Run(ending=Ending.FAILED_INPUT, failure_code="label_too_rare", failure_message="queue has one label.")
    with translation.override("en"):
        assert why_failed(run) == "queue has one label."
    with translation.override("de"):
        assert why_failed(run) == "Aus diesen Tickets lässt sich so nichts lernen. Auf Englisch: queue has one label."
        run.ending = Ending.FAILED_SYSTEM
        assert why_failed(run).startswith("Auf unserer Seite ist etwas ausgefallen.")
        assert why_failed(Run()) == ""


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
