"""Why credits moved is kept as a code with values in the column that the chain covers; own words stay as they are."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from otai.ledger import queries
from otai.ledger.audit import audit
from otai.ledger.models import Lot, Transfer
from otai.ledger.operations import KeyReused
from otai.ledger.operations.requests import InvalidRequest
from otai.ledger.proof import statement_proof, verify_statement
from otai.ledger.reasons import read_reason, stored_reason
from otai.words.sentences import Fact
from tests.ledger.stories import NOW, capture, grant, hold
from tests.ledger.test_chain_and_audit import behind_the_ledgers_back

PAID_BACK = Fact("moved_why.paid_back", {"why": 'Zoë said: "thanks"\n\\o/'})
SPENT = Fact("moved_why.run_completed", {"run": 4, "credits": 3})


@pytest.mark.pure
@pytest.mark.parametrize("why", [PAID_BACK, SPENT, Fact("moved_why.unsettled"), "For the trouble", "", "{ } [1]"])
def test_what_is_kept_is_read_again(why: str | Fact) -> None:
    assert read_reason(stored_reason(why)) == why


@pytest.mark.pure
def test_nobodys_own_words_are_read_as_a_fact() -> None:
    typed = stored_reason(SPENT)
    assert read_reason(stored_reason(typed)) == f" {typed}"
    for damaged in ('{"code": ', '{"code": 1}x', '{"code": "moved_why.bought", "values": 7}'):
        assert read_reason(damaged) == damaged


@pytest.mark.django_db(transaction=True)
def test_a_fact_is_in_the_chain_of_transfer_and_lot(acme: UUID) -> None:
    grant(acme, 6, reason=PAID_BACK)
    capture(acme, hold(acme, 3).hold, reason=SPENT)
    assert audit().clean
    proof = statement_proof(acme, now=NOW)
    assert verify_statement(proof).clean
    assert [row["reason"] for row in json.loads(proof)["transfers"]][::2] == [
        stored_reason(PAID_BACK),
        stored_reason(SPENT),
    ]
    assert [lot.fact for lot in queries.lots(acme)] == [PAID_BACK.as_dict()]
    for rows in (Transfer.objects.filter(seq=3), Lot.objects.all()):
        with behind_the_ledgers_back():
            before = rows.get().reason
            rows.update(reason=before.replace("moved_why", "moved"))
        assert not audit().clean
        with behind_the_ledgers_back():
            rows.update(reason=before)
    assert audit().clean


@pytest.mark.django_db
def test_the_same_request_again_is_the_same_fact(acme: UUID) -> None:
    first = grant(acme, 6, key="once", reason=PAID_BACK)
    assert grant(acme, 6, key="once", reason=PAID_BACK).transfer == first.transfer
    with pytest.raises(KeyReused):
        grant(acme, 6, key="once", reason=SPENT)


@pytest.mark.django_db
def test_an_operators_longest_reason_fits_beside_its_code(acme: UUID) -> None:
    grant(acme, 6, reason=Fact("moved_why.paid_back", {"why": '"' * 500}))
    with pytest.raises(InvalidRequest):
        grant(acme, 6, reason="x" * 501)
    with pytest.raises(InvalidRequest):
        grant(acme, 6, reason=Fact("moved_why.paid_back", {"why": "x" * 4000}))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("paid back", "en", [1]),
        ("zurückgezahlt", "de", [1]),
        ("paid back", "de", []),
        ("Zoë said", "de", [1]),
        ("verbraucht", "de", [3]),
        ("trouble", "fr", [2]),
        ("values", "en", []),
        ("credits spent", "en", [3]),
    ],
)
def test_a_reader_finds_lines_by_the_words_of_their_language(
    acme: UUID, text: str, language: str, found: list[int]
) -> None:
    grant(acme, 6, reason=PAID_BACK)
    grant(acme, 6, reason="For the trouble")
    grant(acme, 6, reason=SPENT)
    assert [line.seq for line in queries.statement(acme, text=queries.TextSearch(text, language))] == found
