"""Which passwords are refused, and that nothing else is asked of them."""

from __future__ import annotations

import pytest

from otai.orgs.passwords import Weakness, weakness

pytestmark = pytest.mark.pure

ALICE = ["Alice Müller", "alice.mueller@acme-support.example", "Acme Support GmbH"]


@pytest.mark.parametrize(
    ("password", "found"),
    [
        ("Kx7!qv#9Zrw", Weakness.TOO_SHORT),
        ("password1234", Weakness.COMMON),
        ("PASSWORD1234", Weakness.COMMON),
        ("Password2026!", Weakness.COMMON),
        ("2026-Basketball", Weakness.COMMON),
        ("iloveyouiloveyou", Weakness.COMMON),
        ("qwertyqwerty99", Weakness.COMMON),
        ("aaaaaaaaaaaaaa", Weakness.COMMON),
        ("123456789012", Weakness.COMMON),
        ("alice.mueller", Weakness.OWN_DATA),
        ("AcmeSupport2026", Weakness.OWN_DATA),
        ("Müller-acme-7!", Weakness.OWN_DATA),
        ("acme.alice.acme", Weakness.OWN_DATA),
        ("correct horse battery staple", None),
        ("alice thinks of rhubarb", None),
        ("kx7qvz9rw2tb", None),
        ("839201938475", None),
        ("fünf warme Semmeln", None),
    ],
)
def test_a_password_is_weak_by_its_length_the_list_or_the_persons_own_data_alone(
    password: str, found: Weakness | None
) -> None:
    assert weakness(password, ALICE) == found


def test_what_is_known_of_one_person_says_nothing_of_another() -> None:
    assert weakness("AcmeSupport2026", ["Bob Brown", "bob@globex.example", "Globex"]) is None
    assert weakness("AcmeSupport2026") is None


def test_short_words_of_a_name_are_no_reason() -> None:
    assert weakness("bob eats plums", ["Bob Li"]) is None
