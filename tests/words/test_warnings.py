"""What an organisation is told of its account: codes with values in the room, sentences at the door."""

from __future__ import annotations

import pytest

from otai.billing.queries import AccountWarning
from otai.words.catalogue import say_fact
from otai.words.tables.warnings import WARNINGS

pytestmark = pytest.mark.pure

TOLD = [
    AccountWarning("closing", {"until": "2026-12-28T21:25:00+01:00"}),
    AccountWarning("suspended", {"since": "2026-11-02T10:00:00+01:00", "why": "unpaid since May"}),
    AccountWarning("payment_owed", {"amount": {"cents": 1050, "currency": "EUR"}}),
    AccountWarning("credits_frozen", {"credits": 1}),
    AccountWarning("tier_unpaid", {"tier": "pro", "until": "2026-12-02T00:00:00+01:00"}),
    AccountWarning("top_up_stopped", {"said": "the card was declined"}),
    AccountWarning("low_balance", {"available": 1234, "below": 5000}),
]

SAID = {
    "en": (
        "This organisation is deleted on 28 Dec 2026. Until then it only reads, and any owner can keep it.",
        "This organisation has been suspended since 2 Nov 2026, and nothing can be ordered: unpaid since May",
        "Payments were taken back; EUR 10.50 are owed. Until that is settled, nothing can be bought by card.",
        "A payment is disputed: 1 credit is frozen until the bank has decided.",
        "Pro is not paid yet: without a payment it falls back to Community on 2 Dec 2026.",
        "The automatic top-up is stopped: the card was declined",
        "1,234 credits left, fewer than the 5,000 you set.",
    ),
    "de": (
        "Diese Organisation wird am 28.12.2026 gelöscht. "
        "Bis dahin kann sie nur gelesen werden, und jeder Eigentümer kann sie behalten.",
        "Diese Organisation ist seit dem 02.11.2026 gesperrt, und nichts kann bestellt werden: unpaid since May",
        "Zahlungen wurden zurückgeholt; 10,50 EUR sind offen. "
        "Bis das beglichen ist, kann nichts mit Karte gekauft werden.",
        "Eine Zahlung ist strittig: 1 Credit ist gesperrt, bis die Bank entschieden hat.",
        "Pro ist noch nicht bezahlt: Ohne Zahlung gilt ab 02.12.2026 wieder Community.",
        "Das automatische Aufladen ist angehalten: the card was declined",
        "Noch 1.234 Credits, weniger als die 5.000, die Sie festgelegt haben.",
    ),
}


def test_every_warning_is_among_them() -> None:
    assert {warning.fact.code for warning in TOLD} == set(WARNINGS)


@pytest.mark.parametrize("language", SAID)
def test_a_warning_is_said_with_its_values(language: str) -> None:
    said = tuple(say_fact(warning.fact, language=language).replace("\N{NO-BREAK SPACE}", " ") for warning in TOLD)
    assert said == SAID[language]


def test_programs_are_told_in_english() -> None:
    assert [warning.message for warning in TOLD] == [say_fact(warning.fact) for warning in TOLD]
