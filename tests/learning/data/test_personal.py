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


@pytest.mark.parametrize("value", ["a", "abc", "Jan", "4711", "Eve N"])
def test_of_a_short_value_an_example_shows_nothing(value: str) -> None:
    assert set(masked_example(value)) == {"*"}


def test_no_value_stands_whole_in_what_is_kept() -> None:
    count = PersonalCount()
    for text in ["password: abc thanks", "Kind regards\nJan", "my PIN is 4711"]:
        count.look_at(text)
    shown = [example for examples in count.examples.values() for example in examples]
    assert set(count.examples) == {"password", "name"}
    assert all(set(example) == {"*"} for example in shown)


NATIONAL_IDS = [
    ("DNI ", "12345678Z"), ("NIE ", "X1234567L"), ("CF ", "RSSMRA85T10A562S"), ("", "2 95 10 99 126 111 93"),
    ("", "295109912611193"), ("", "85.07.30-033.28"), ("NIR ", "2 95 10 99 126 111 93"), ("", "NISS 85073003328"),
    ("", "INSZ: 85073003328"), ("", "PESEL 44051401359"), ("", "NIF 501964843"), ("", "NIF: 501 964 843"),
    ("", "BSN 111222333"), ("", "Steuer-ID 36574261809"), ("", "Steuer-ID: 36 574 261 809"),
    ("", "IdNr. 36574261809"), ("", "Steueridentifikationsnummer: 36574261809"), ("", "SVNR 1237010180"),
    ("", "SVNR: 1237 010180"), ("", "SV-Nr. 1237 010180"), ("", "Sozialversicherungsnummer 1237 010180"),
]  # fmt: skip


def _one_digit_wrong(number: str) -> str:
    """The last digit but one, which every checksum weighs, one further."""
    at = [place for place, sign in enumerate(number) if sign.isdigit()][-2]
    return f"{number[:at]}{(int(number[at]) + 1) % 10}{number[at + 1 :]}"


@pytest.mark.parametrize(("before", "number"), NATIONAL_IDS)
def test_national_ids_are_found_by_their_checksums(before: str, number: str) -> None:
    text = f"My number is {before}{number}, thanks"
    found = [text[start:end] for kind, start, end in personal_data(text) if kind == "national_id"]
    assert len(found) == 1 and number.endswith(found[0])
    assert "national_id" in mask(text) and number not in mask(text)
    wrong = text.replace(number, _one_digit_wrong(number))
    assert [kind for kind, _, _ in personal_data(wrong) if kind == "national_id"] == []
