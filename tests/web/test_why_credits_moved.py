"""Why credits moved: the books' own reasons in the reader's language, what a person wrote as it is. Rows that keep an
English sentence are told as well."""

from __future__ import annotations

import pytest
from django.utils import translation

from otai.ledger import queries
from otai.orgs.models import Organisation
from otai.serving.models import Move
from otai.web.words import SAID_BY_ITS_NAME, why_moved
from otai.words.sentences import Fact
from otai.words.tables.movements import MOVED_WHY
from tests.ledger import stories


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "reason", "said"),
    [
        ("guarantee-run:1", "Included in Pro: training", "Ein Training, das zur Garantie gehört"),
        (
            "guarantee-fee:1",
            "Training fee of run 3: the agreed criteria were missed twice",
            "Die vereinbarten Kriterien wurden zweimal verfehlt: Die Trainingsgebühr wird gutgeschrieben",
        ),
        (
            "guarantee-back:1:2",
            "Run 3 was failed: its funding by the guarantee goes back",
            "Das enthaltene Training brachte kein Modell: Was dafür bereitgestellt war, geht zurück",
        ),
        ("reversal:1", "The payment was taken back: fraudulent", "Die Zahlung wurde von der Bank zurückgeholt"),
        ("reversal:2", "The payment was paid back: requested_by_customer", "Die Zahlung wurde zurückgezahlt"),
        ("reversal:3", "10-credit package: given back, since the payment stays", ""),
        ("payment-refund:1:1", "Paid back: Alice: sorry", "Zurückgezahlt: Alice: sorry"),
        ("guarantee-refund:1", "Paid back as money: as agreed", "Als Geld zurückgezahlt: as agreed"),
        ("refund:1", "Run 3: a label was lost", "a label was lost"),
        ("goodwill:reversal:1", "For the trouble: sorry", "For the trouble: sorry"),
        ("credit-refund:1", "For the trouble: sorry", "For the trouble: sorry"),
        ("monthly:1", "Monthly credits of the Pro tier for 2026-12-02", ""),
        ("settle:1", "Run 3: 3 credits spent", ""),
    ],
)
def test_rows_of_before_are_told_in_german_by_their_keys(acme: Organisation, key: str, reason: str, said: str) -> None:
    stories.grant(acme.id, 3, key=key, reason=reason)
    line = queries.statement(acme.id)[-1]
    assert line.reason == reason, "programs read what the row says"
    with translation.override("de"):
        assert why_moved(line) == said


@pytest.mark.django_db
def test_a_row_of_now_is_told_by_its_code(acme: Organisation) -> None:
    why = Fact("moved_why.paid_back", {"why": 'Alice: "sorry"'})
    stories.grant(acme.id, 3, reason=why)
    line = queries.statement(acme.id)[-1]
    assert (line.reason, line.fact) == ('Paid back: Alice: "sorry"', why.as_dict())
    with translation.override("de"):
        assert why_moved(line) == 'Zurückgezahlt: Alice: "sorry"'


@pytest.mark.pure
def test_what_a_movements_name_says_is_a_code_that_there_is() -> None:
    assert set(MOVED_WHY) >= SAID_BY_ITS_NAME


@pytest.mark.pure
def test_what_happened_to_a_model_is_a_code_and_what_was_stored_before_is_read() -> None:
    before = {"-> live": "live", "rolled back": "back", "waits for a decision": "waits"}
    assert {old: Move.of(old).value for old in before} == before
    assert Move.of("keeps tickets for 30 days") is Move.KEEPS_TICKETS
    assert [Move.of(one.value) for one in Move] == list(Move)
    with pytest.raises(ValueError, match="gone"):
        Move.of("gone")
