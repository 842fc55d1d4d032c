"""Personal data is found by form and checksum, shown masked, and replaced by its kind."""

from __future__ import annotations

import pytest

from otai.learning.data.personal import PersonalCount, mask, masked_example, personal_data

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("My IBAN is DE89 3704 0044 0532 0130 00, thanks", "iban", "DE89 3704 0044 0532 0130 00"), (
            "pay to GB82WEST12345698765432 now", "iban", "GB82WEST12345698765432"),
        ("card 4111 1111 1111 1111 please", "card", "4111 1111 1111 1111"), (
            "card 5500-0000-0000-0004.", "card", "5500-0000-0000-0004"),
        ("write to zoe.fjord@example.net today", "email", "zoe.fjord@example.net"), (
            "call +49 30 5550 1234 today", "phone", "+49 "
        "30 5550 1234"),
        ("call (555) 010-7788 today", "phone", "(555) 010-7788"), ("Tel. 030 5550 778", "phone", "030 5550 778"), (
            "Password: Sommer0! thanks", "password", "Sommer0!"),
        ("mein Passwort ist Sommer2026, bitte", "password", "Sommer2026"), (
            "contraseña: secreto1", "password", "secreto1"), (
            "hasło: tajne123", "password", "tajne123"),
        ("my PIN is 4711", "password", "4711"), ("DNI 12345678Z", "national_id", "12345678Z"), (
            "CF RSSMRA85T10A562S", "national_id", "RSSMRA85T10A562S"),
        ("BSN 111222333 graag", "national_id", "BSN 111222333"), ("Kind regards\nZoë Fjord", "name", "Zoë Fjord"), (
            "Mit freundlichen Grüßen\n\nJürgen Öde\nVertrieb", "name", "Jürgen "
        "Öde"),
    ],
)  # fmt: skip
def test_what_has_a_form_is_found(text: str, kind: str, found: str) -> None:
    assert [(which, text[start:end]) for which, start, end in personal_data(text)] == [(kind, found)]
    assert mask(text) == text.replace(found, f"[{kind}]")
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4111 1111 1111 1112 is late", "IBAN DE89 3704 0044 0532 0130 01 is wrong", "ticket INC0010001 of "
        "2026-01-05 08:43", "on "
        "05.01.2026 at 09:30", "my "
        "password is expired",
        "error 0x80070005 in line 1234", "version 10.0.19045.3803", "room 0815", "DNI 12345678A", "the "
        "best\nprinter", "PIN "
        "is wrong", "", "1234567890 "
        "pieces",
    ],
)  # fmt: skip
def test_what_has_no_valid_form_is_not(text: str) -> None:
    assert list(personal_data(text)) == []


def test_examples_are_masked_and_counted_by_ticket() -> None:
    count = PersonalCount()
    for text in ["a@example.com and b@example.com", "nothing", "call +49 30 5550 1234"]:
        count.look_at(text)
    assert (count.texts, count.holding, dict(count.by_kind)) == (3, 2, {"email": 1, "phone": 1})
    assert all("*" in example for examples in count.examples.values() for example in examples)
    assert masked_example("4111 1111 1111 1111") == "41************1"
