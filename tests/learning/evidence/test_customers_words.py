"""What customers write about is no leak, however much it tells: things with capitals in their sentences, error codes
that they report. Names where names of people stand are cut, and nothing else of a sentence."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from otai.learning.data.cuts.boilerplate import tails_of
from otai.learning.data.cuts.cutting import TextRules
from otai.learning.data.cuts.phrases import phrases_of
from otai.learning.evidence.leaks import LABEL_GIVEN_AWAY, find_leaks
from otai.tickets.reading import read_tickets

pytestmark = pytest.mark.pure

QUEUES = ("net", "print", "bill")
THINGS = {
    "en": ("The VPN", "My Printer", "The Invoice"),
    "de": ("Das WLAN", "Der Drucker", "Die Rechnung"),
    "fr": ("Le VPN", "Mon Imprimante", "La Facture"),
    "es": ("El Correo", "Mi Impresora", "La Factura"),
    "it": ("Il Server", "La Stampante", "La Fattura"),
    "nl": ("De VPN", "Mijn Printer", "De Factuur"),
    "pl": ("Nasz Serwer", "Moja Drukarka", "Ta Faktura"),
    "pt": ("O Servidor", "Minha Impressora", "A Fatura"),
    "products": ("Cisco Webex", "Brother Lasers", "Adobe Reader"),
}
FILLERS = (
    *("since", "monday", "again", "slow", "broken", "office", "floor"),
    *("desk", "morning", "cannot", "works", "never", "always", "urgent"),
)


def some(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(FILLERS, k=words))


Say = Callable[[random.Random, int], str]


def found_at_import(tmp_path: Path, say: Say, tickets: int = 300) -> list[str]:
    chance = random.Random(5)
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("subject", "body", "queue"))
        for _ in range(tickets):
            queue = chance.randrange(3)
            writer.writerow((some(chance, 3), say(chance, queue), QUEUES[queue]))
    profile = read_tickets(tmp_path / "t.csv", into=tmp_path / "out.parquet").profile
    return [found.code for found in profile.findings]


@pytest.mark.parametrize("language", THINGS)
def test_a_thing_that_customers_write_about_is_no_name(tmp_path: Path, language: str) -> None:
    def say(chance: random.Random, queue: int) -> str:
        return f"{some(chance, 4)}. {THINGS[language][queue]} {some(chance, 4)}. {some(chance, 5)}."

    assert LABEL_GIVEN_AWAY not in found_at_import(tmp_path, say)


REPORTS: dict[str, tuple[Say, Say, Say]] = {
    "codes": (
        lambda chance, _: f"Error 0x{chance.randrange(16**8):08X} on host {chance.randrange(99)}",
        lambda chance, _: f"Fehlermeldung {chance.randrange(999)} am Drucker {chance.randrange(99)}",
        lambda chance, _: f"Erreur {chance.randrange(999)} dans la facture {chance.randrange(9999)}",
    ),
    "always the same code": (
        lambda *_: "Error 0x80070005", lambda *_: "java.lang.NullPointerException", lambda *_: "Błąd 1045",
    ),
    "numbers alone": (
        lambda chance, _: f"Host 10.0.{chance.randrange(99)}.{chance.randrange(99)} answers nothing since this morning",
        lambda chance, _: f"Paper jam in tray {chance.randrange(9)} of the printer in room {chance.randrange(999)}",
        lambda chance, _: f"Invoice {chance.randrange(99999)} of March lists {chance.randrange(99)} items twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REPORTS)
def test_what_a_customer_reports_is_no_leak_and_no_boilerplate(tmp_path: Path, kind: str) -> None:
    def say(chance: random.Random, queue: int) -> str:
        return f"{some(chance, 5)}.\n{REPORTS[kind][queue](chance, queue)}"

    found = found_at_import(tmp_path, say)
    assert LABEL_GIVEN_AWAY not in found and "text_was_cut" not in found


def test_a_report_of_any_label_below_many_texts_stays() -> None:
    chance = random.Random(1)
    line = "The application stopped with error {:x} while it wrote to the file on host {}, see above."
    texts = [f"{some(chance, 6)}\n{line.format(chance.randrange(1 << 32), n % 40)}" for n in range(200)]
    assert tails_of(texts) == frozenset()
    footer = "ACME Ltd, Main Street 12, 10115 Berlin, the friendly printers of the town"
    assert tails_of([f"{some(chance, 6)}\n{footer}" for _ in range(200)])


def test_a_note_of_the_router_with_other_numbers_in_each_ticket_is_a_leak() -> None:
    chance = random.Random(2)
    rules = ("by the northern rule", "by the southern rule", "by the eastern rule")
    queues = [chance.randrange(3) for _ in range(400)]
    texts = [
        f"{some(chance, 2)}\n{some(chance, 8)}\nTicket {chance.randrange(99999)} was routed {rules[queue]}"
        for queue in queues
    ]
    (leak,) = find_leaks(texts, {"queue": [QUEUES[queue] for queue in queues]}).measured
    cut = TextRules(kinds=(), lines=frozenset(leak.lines), phrases=frozenset(leak.phrases)).applied(texts)
    assert not any("rule" in text for text in cut)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hello\n\nKind regards\nDana Okafor\nService Desk", {"Dana Okafor"}),
        ("Hallo\n\nMit freundlichen Grüßen\n\nJürgen Müller-Lüdenscheid\nTel. 12", {"Jürgen Müller-Lüdenscheid"}),
        ("Bonjour. Cordialement, Jean Moreau", {"Jean Moreau"}),
        ("Hola. Saludos, María José Ruiz", {"María José", "María José Ruiz"}),
        ("Buongiorno.\nCordiali saluti\nAnna Rossi", {"Anna Rossi"}),
        ("Hallo. Met vriendelijke groet\nPiet Jansen", {"Piet Jansen"}),
        ("Dzień dobry\nZ poważaniem\nŁukasz Żak", {"Łukasz Żak"}),
        ("Bom dia\nAtenciosamente\nInês Costa", {"Inês Costa"}),
        ("It was passed to Dana Okafor yesterday", {"Dana Okafor"}),
        ("Weitergeleitet an Eva Sommer, danke", {"Eva Sommer"}),
        ("Herr Peter Maier hat angerufen", {"Peter Maier"}),
        ("Bearbeiter: Eva Sommer", {"Eva Sommer"}),
        ("przekazano do Anna Nowak", {"Anna Nowak"}),
        ("Thanks\nMicrosoft Teams is broken", set()),
        ("Danke\nDas WLAN geht wieder", set()),
        ("Thanks Outlook works now", set()),
        ("Thanks for the VPN", set()),
        ("Merci\nLe VPN", set()),
        ("Upgrade to Windows Server please", set()),
        ("Der Kollege sagt, Das WLAN ist weg", set()),
    ],
)
def test_a_name_is_one_where_names_of_people_stand(text: str, names: set[str]) -> None:
    found = {said for said in phrases_of(f"Subject\n{text}").values() if said[:1].isupper() and len(said.split()) > 1}
    assert {said for said in found if not said.startswith(("Saludos", "Cordialement"))} == names


def test_a_cut_takes_the_name_and_leaves_the_sentence() -> None:
    chance = random.Random(3)
    agents = (("Dana Okafor", "Omar Brandt"), ("Ines Meier", "Piet Ruiz"), ("Lena Rossi", "Tom Klein"))
    queues = [chance.randrange(3) for _ in range(400)]
    before = [
        f"{some(chance, 2)}\n{chance.choice(THINGS['de'])} {some(chance, 5)}. Day{chance.randrange(400)}"
        for _ in queues
    ]
    after = [f", day{chance.randrange(400)}." for _ in queues]
    named = [chance.choice(agents[queue]) for queue in queues]
    texts = [f"{one} was passed to {name}{other}" for one, name, other in zip(before, named, after, strict=True)]
    (leak,) = find_leaks(texts, {"queue": [QUEUES[queue] for queue in queues]}).measured
    rules = TextRules(kinds=(), lines=frozenset(leak.lines), phrases=frozenset(leak.phrases))
    for one, name, cut in zip(before, named, rules.applied(texts), strict=True):
        assert name not in cut and cut.startswith(one), cut
