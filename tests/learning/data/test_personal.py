"""Personal data is found by form and checksum, shown masked, and replaced by its kind."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from stdnum import luhn, verhoeff
from stdnum.co import nit

from otai.learning.data.privacy import personal
from otai.learning.data.privacy.personal import MARKS, PersonalCount, mask, masked_example, personal_data

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


WRITTEN_OTHERWISE = {
    "iban": [
        "DE89-3704-0044-0532-0130-00", "de89 3704 0044 0532 0130 00", "DE89\xa03704\xa00044\xa00532\xa00130\xa000",
        "AT61 1904 3002 3457 3201", "NL91ABNA0417164300", "FR14 2004 1010 0505 0001 3M02 606",
    ],
    "card": ["3782 822463 10005", "5105.1051.0510.5100", "2223003122003222", "4111\xa01111\xa01111\xa01111"],
    "phone": ["415-555-2671", "06.12.34.56.78", "030/1234567", "+33 1 42 68 53 00"],
    "national_id": ["12.345.678-Z", "rssmra85t10a562s", "burgerservicenummer 111222333"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, told in WRITTEN_OTHERWISE.items() for value in told]
)
def test_numbers_are_found_however_they_are_written(kind: str, value: str) -> None:
    # Words behind a number look like more of its signs.
    for text in (f"my number {value} paid today", f"my number: {value}."):
        assert [(which, text[start:end]) for which, start, end in personal_data(text)] == [(kind, value)]
        assert pc.match_substring_regex(pa.array([text]), MARKS).to_pylist() == [True]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("tel. 912 345 678", "phone", "912 345 678"), ("móvil 612345678", "phone", "612345678"),
        ("kom. 601 234 567", "phone", "601 234 567"), ("phone: 555-0100", "phone", "555-0100"),
        ("Handynummer: 1712345678", "phone", "1712345678"), ("Kundentelefon 030 1234567", "phone", "030 1234567"),
        ("pw: abc123", "password", "abc123"), ("la password è Pippo123", "password", "Pippo123"),
        ("Mein Passwort war Sommer26", "password", "Sommer26"), ("Un saludo\nJuan Pérez", "name", "Juan Pérez"),
        ("Bien cordialement\nJean Dupont", "name", "Jean Dupont"), ("MfG\nM. Müller", "name", "M. Müller"),
        ("Beste Grüße, Max", "name", "Max"), ("Grazie\nMario Rossi", "name", "Mario Rossi"),
        ("Thanks,\nKind regards\nBob Miller", "name", "Bob Miller"), ("Obrigado,\nJoão", "name", "João"),
    ],
)  # fmt: skip
def test_words_before_it_tell_what_it_is(text: str, kind: str, found: str) -> None:
    assert [(which, text[start:end]) for which, start, end in personal_data(text)] == [(kind, found)]
    assert pc.match_substring_regex(pa.array([text]), MARKS).to_pylist() == [True]


@pytest.mark.parametrize(
    "text",
    [
        "Bestellnummer 0045123987", "order number 0123456789", "Rechnung Nr. 0171234567", "SAP-Beleg 0001234567",
        "part 02-4567-8901", "S/N: 0612345678", "Kundennummer 0123456", "Artikel-Nr. 0815-4711-01",
        "IMEI 356938035643809", "from 00-14-22-01-23-45", "postcodes 01067-01069", "chassis 03 04 05 06 07 08",
        "host 010.020.030.040",
        "from 01.02.2026 - 03.04.2026", "mobile 2026-01-05 08:43", "pass: all of them", "Thanks\nIT Support Team",
        "Regards\nBest", "Thanks\nPlease call back",
    ],
)  # fmt: skip
def test_numbers_of_things_are_no_persons(text: str) -> None:
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
    ("", "65 170839 J 003"), ("", "15070649C103"), ("", "Rentenversicherungsnummer: 65 170839 J 003"),
    ("", "KVNR A123456780"), ("", "Krankenversichertennummer: A000500015"), ("", "Personalausweis-Nr. T220001293"),
    ("", "dowód osobisty ABA300000"), ("", "NIP 856-734-62-15"), ("", "PPSN 6433435F"), ("", "CPF 39053344705"),
    ("", "390.533.447-05"), ("", "12.531.909-2"), ("", "RUT 12531909-2"), ("", "20-05536168-2"), ("", "UTR 1955839661"),
    ("", "numéro fiscal 3023217600053"), ("", "NUSS 28/12345678/40"), ("", "social insurance number 123 456 782"),
    ("", "BOXW310820HNERXN09"), ("", "GODE561231GR8"), ("", "00000000 0 ZZ4"), ("", "NISS 11234567892"),
    ("", "SVNR: 1237 010180"), ("", "SV-Nr. 1237 010180"), ("", "Sozialversicherungsnummer 1237 010180"),
]  # fmt: skip


def _of_luxembourg() -> str:
    """Thirteen digits: day of birth and serial, then their check by Luhn, then by Verhoeff."""
    born = "19850730123"
    return f"{born}{luhn.calc_check_digit(born)}{verhoeff.calc_check_digit(born)}"


CHECKED_BY_STDNUM = [
    ("", f"matricule {_of_luxembourg()}"), ("", f"NIT 213.123.432-{nit.calc_check_digit('213123432')}"),
    ("", f"224-0002211-{luhn.calc_check_digit('2240002211')}"),
    ("", f"cédula de identidad 2240002211{luhn.calc_check_digit('2240002211')}"), ("", "cédula: 1714307103"),
]  # fmt: skip


def _one_digit_wrong(number: str) -> str:
    """The last digit but one, which every checksum weighs, one further."""
    at = [place for place, sign in enumerate(number) if sign.isdigit()][-2]
    return f"{number[:at]}{(int(number[at]) + 1) % 10}{number[at + 1 :]}"


@pytest.mark.parametrize(("before", "number"), [*NATIONAL_IDS, *CHECKED_BY_STDNUM])
def test_national_ids_are_found_by_their_checksums(before: str, number: str) -> None:
    text = f"My number is {before}{number}, thanks"
    found = [text[start:end] for kind, start, end in personal_data(text) if kind == "national_id"]
    assert len(found) == 1 and number.endswith(found[0])
    assert "national_id" in mask(text) and number not in mask(text)
    wrong = text.replace(number, _one_digit_wrong(number))
    assert [kind for kind, _, _ in personal_data(wrong) if kind == "national_id"] == []


def test_a_number_under_another_countrys_word_is_checked_as_that_country_does() -> None:
    for text in (
        "PESEL 111222333",
        "BSN 44051401359",
        "Ausweis für den Eingang B12",
        "versichertennummer unbekannt 12",
    ):
        assert list(personal_data(text)) == [], text


def test_words_behind_a_number_with_letters_are_none_of_it() -> None:
    assert mask("RVNR 65 170839 J 003 bitte ändern") == "[national_id] bitte ändern"
    assert mask("KVNR A123456780 danke sehr") == "[national_id] danke sehr"


def test_what_is_looked_for_first_is_among_the_marks() -> None:
    """A text without a mark holds nothing, at each door: the quick look must not find more than the column's."""
    for mark in personal._LITERAL_MARKS:
        assert personal._MARKS.fullmatch(mark) or personal._MARKS.search(f" {mark} "), mark
