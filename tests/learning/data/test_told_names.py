"""What tells in the middle of a text that a name, an account or a telephone number follows, in the languages of eight
countries."""

from __future__ import annotations

import pytest

from otai.learning.data.privacy.personal import mask

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my name is Nora Blake and I need it", "my name is [name] and I need it"),
        ("mein Name ist Jörg Möller und ich", "mein Name ist [name] und ich"),
        ("je m'appelle Aline Petit, du service", "je m'appelle [name], du service"),
        ("me llamo Inés Prado y no puedo", "me llamo [name] y no puedo"),
        ("mi chiamo Carla Fonti e non", "mi chiamo [name] e non"),
        ("mijn naam is Femke van der Laan", "mijn naam is [name]"),
        ("nazywam się Ewa Lis i proszę", "nazywam się [name] i proszę"),
        ("o meu nome é Rita Prata", "o meu nome é [name]"),
        ("Frau Dr. Möller Das geht nicht", "Frau Dr. [name] Das geht nicht"),
        ("Mr. Blake called", "Mr. [name] called"), ("Mme Petit a appelé", "Mme [name] a appelé"),
        ("la Sra. Prado llamó", "la Sra. [name] llamó"), ("la signora Fonti chiama", "la signora [name] chiama"),
        ("mevrouw Laan belde", "mevrouw [name] belde"), ("Pani Lis dzwoniła", "Pani [name] dzwoniła"),
        ("o Sr. Prata ligou", "o Sr. [name] ligou"), ("der Laptop von Herrn Möller", "der Laptop von Herrn [name]"),
        ("Ansprechpartner: Max Muster\nRaum 4", "Ansprechpartner: [name]\nRaum 4"),
        ("Imię i nazwisko: Ewa Lis", "Imię i nazwisko: [name]"), ("Name: Nora Blake", "Name: [name]"),
    ],
)  # fmt: skip
def test_a_word_tells_that_a_name_follows(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Sehr geehrte Herren", "Sr. Manager approval is missing", "the Ms Teams app", "Name: Drucker",
        "my name is not shown", "Mein Name ist falsch geschrieben", "Frau Das", "Contact name: Printer Support",
        "Monsieur le Directeur", "Pan American flight", "der Server heißt Alpha Zentrum",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "company",
    [
        "Muster GmbH", "Muster Bau AG", "Muster GmbH & Co. KG", "Muster UG", "Example Ltd", "Example Holdings Ltd.",
        "Example Inc.", "Example LLC", "Exemple SARL", "Exemple S.A.", "Exemple SAS", "Ejemplo S.L.", "Voorbeeld B.V.",
        "Voorbeeld NV", "Przykład sp. z o.o.", "Esempio S.r.l.", "Esempio SRL", "Esempio S.p.A.", "Exemplo Lda",
        "Exempel AB", "Priklad s.r.o.", "Nordsee Handel SE",
    ],
)  # fmt: skip
def test_a_company_is_no_person_and_hides_none(company: str) -> None:
    for text in (
        f"Kind regards\n{company}", f"mfg {company}", f"Name: {company}", f"Kundenname: {company}\nRaum 4",
    ):  # fmt: skip
        assert mask(text) == text
    assert mask(f"Kind regards\n{company}\nNora Blake") == f"Kind regards\n{company}\n[name]"
    assert mask(f"Kind regards\nNora Blake\n{company}") == f"Kind regards\n[name]\n{company}"
    assert mask(f"Kind regards\nNora Blake, {company}") == f"Kind regards\n[name], {company}"


@pytest.mark.parametrize(
    "name", ["Jan de Vries", "Anna von der Aue", "Maria da Silva", "Luis de la Rosa", "Ana Prado y Gil"]
)
def test_small_words_inside_a_name_do_not_hide_it(name: str) -> None:
    assert mask(f"Kind regards\n{name}") == "Kind regards\n[name]"
    assert mask(f"mfg {name}, Muster GmbH\nRaum 4") == "mfg [name], Muster GmbH\nRaum 4"


@pytest.mark.parametrize("name", ["Jo Incze", "Sara Coe", "Ag Nowak", "Asa Berg", "Li Co"])
def test_names_that_only_begin_like_a_legal_form_are_names(name: str) -> None:
    assert mask(f"Kind regards\n{name}") == "Kind regards\n[name]"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Numer konta: 61 1090 1014 0000 0712 1981 2874", "iban", "1090"),
        ("cuenta 2100-0418-45-0200051332", "iban", "0418"),
        ("mijn BSN is 111222333", "national_id", "111222333"), ("o meu NIF é 123456789", "national_id", "123456789"),
        ("NHS number 943 476 5919", "national_id", "476"), ("NI number AB123456C", "national_id", "AB123456C"),
        ("SSN 536-90-4399", "national_id", "4399"), ("AHV 756.9217.0769.85", "national_id", "9217"),
        ("personnummer 811228-9874", "national_id", "9874"), ("131052-308T", "national_id", "308T"),
        ("llámeme al 612 345 678", "phone", "612 345 678"), ("proszę dzwonić 601 234 567", "phone", "601 234 567"),
        ("ligue para 912 345 678", "phone", "912 345 678"), ("you reach me under 171 2345678", "phone", "2345678"),
        ("mail me at nora [at] example.org", "email", "nora"),
    ],
)  # fmt: skip
def test_numbers_and_addresses_as_each_country_writes_them(text: str, kind: str, value: str) -> None:
    assert f"[{kind}]" in mask(text) and value not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "Numer konta: 62 1090 1014 0000 0712 1981 2874", "NHS number 943 476 5918", "SSN 666-90-439",
        "NI number AB12345",
        "AHV 756.9217.0769.86", "call about order 123 456 789", "contact about invoice 123456789",
        "61 1111 1111 1111 1111 1111 1111",
    ],
)  # fmt: skip
def test_what_does_not_check_is_a_number_like_any_other(text: str) -> None:
    assert mask(text) == text
