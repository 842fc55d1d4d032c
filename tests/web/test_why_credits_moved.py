"""Why credits moved: the books' own reasons in the reader's language, what a person wrote as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation

from otai.serving.models import Move
from otai.web.words import why_moved

pytestmark = pytest.mark.pure


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
        ("payment-refund:1:1", "Paid back: Alice: sorry", "Zurückgezahlt: Alice: sorry"),
        ("guarantee-refund:1", "Paid back as money: as agreed", "Als Geld zurückgezahlt: as agreed"),
        ("refund:1", "Run 3: a label was lost", "a label was lost"),
        ("goodwill:reversal:1", "For the trouble: sorry", "For the trouble: sorry"),
        ("credit-refund:1", "For the trouble: sorry", "For the trouble: sorry"),
    ],
)
def test_why_credits_moved_is_said_in_german(key: str, reason: str, said: str) -> None:
    line: Any = SimpleNamespace(key=key, reason=reason)
    with translation.override("de"):
        assert why_moved(line) == said


def test_what_happened_to_a_model_is_a_code_and_what_was_stored_before_is_read() -> None:
    before = {"-> live": "live", "rolled back": "back", "waits for a decision": "waits"}
    assert {old: Move.of(old).value for old in before} == before
    assert Move.of("keeps tickets for 30 days") is Move.KEEPS_TICKETS
    assert [Move.of(one.value) for one in Move] == list(Move)
    with pytest.raises(ValueError, match="gone"):
        Move.of("gone")
