"""What of a mail is the ticket, in the forms that mail programs write in eight languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from otai.learning.data.cuts.boilerplate import tails_of
from otai.learning.data.cuts.cut_columns import CutCount, cut_texts
from otai.learning.data.cuts.cutting import (
    DISCLAIMER,
    FOOTER,
    QUOTED,
    RECURRING,
    SIGNATURE,
    TextRules,
    cut,
    desk_of,
    name_key,
)
from otai.learning.data.tickets import LabelledTickets

pytestmark = pytest.mark.pure

REQUEST = "Hello,\n\nthe printer on floor 4 is jammed again and nobody can print.\n\nKind regards\nAlice Ash"
ANSWER = "Hi Alice,\n\nyour request is now with the hardware team.\n\nBest\nHelpdesk"
RULES = TextRules()


@pytest.mark.parametrize(
    "intro",
    [
        "On Mon, 5 Jan 2026 at 08:43, Helpdesk <help@example.com> wrote:", "Am 05.01.2026 08:43 schrieb "
        "Helpdesk:", "Le "
        "5 janv. 2026 à 08:43, Support a écrit :",
        "El lun, 5 ene 2026 a las 8:43, Soporte escribió:", "Il giorno lun 5 gen 2026 alle ore 08:43 Assistenza ha "
        "scritto:", "Op "
        "ma 5 jan 2026 om 08:43 schreef Helpdesk:",
        "W dniu 5.01.2026 o 08:43, Helpdesk napisał(a):", "Em seg., 5 de jan. de 2026 às 08:43, Suporte escreveu:",
        "-----Original Message-----\nFrom: Helpdesk [mailto:help@example.com]\nSent: Monday, January 5, 2026 10:00 "
        "AM\nTo: Alice Ash\nSubject: RE: printer",
        "-----Ursprüngliche Nachricht-----\nVon: Helpdesk\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Alice "
        "Ash\nBetreff: AW: Drucker",
        "Von: Helpdesk\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Alice Ash\nBetreff: AW: Drucker", "De : "
        "Support\nEnvoyé : lundi 5 janvier 2026\nÀ : Alice Ash\nObjet : imprimante",
        "De: Soporte\nEnviado: lunes, 5 de enero de 2026\nPara: Alice Ash\nAsunto: impresora", "Da: "
        "Assistenza\nInviato: lunedì 5 gennaio 2026\nA: Alice Ash\nOggetto: stampante",
        "Van: Helpdesk\nVerzonden: maandag 5 januari 2026\nAan: Alice Ash\nOnderwerp: printer", "Od: "
        "Helpdesk\nWysłano: 5 stycznia 2026\nDo: Alice Ash\nTemat: drukarka",
        "________________________________\nFrom: Helpdesk\nSent: Monday, January 5, 2026\nTo: Alice Ash\nSubject: "
        "printer",
    ],
)  # fmt: skip
@pytest.mark.parametrize("mark", ["", "> "])
def test_the_desks_earlier_mail_is_cut(intro: str, mark: str) -> None:
    quoted = "\n".join(mark + line for line in ANSWER.split("\n"))
    text = f"{REQUEST}\n\n{intro}\n\n{quoted}"
    done = cut(text, RULES)
    assert done.text == REQUEST
    assert {kind for kind, _ in done.removed} == {QUOTED}
    # A whole column is asked first which of its texts may hold it.
    assert cut_texts(pa.array([text]), RULES, CutCount()).to_pylist() == [REQUEST]


def test_of_a_chain_the_first_mail_of_the_customer_is_the_ticket() -> None:
    chain = (
        f"Thanks, it works again.\n\nOn 5 Jan 2026 10:00, Helpdesk wrote:\n{ANSWER}\n\n"
        f"________________________________\nFrom: Alice Ash\nSent: Monday\nTo: Helpdesk\nSubject: printer\n\n{REQUEST}"
    )
    assert cut(chain, RULES).text == REQUEST


def test_people_at_the_desk_are_known_by_hashes() -> None:
    chain = (
        f"Thanks.\n\nOn 5 Jan 2026 10:00, Nils Kabel wrote:\n{ANSWER}\n\nOn 5 Jan 2026 09:00, Alice Ash "
        f"wrote:\n\n{REQUEST}"
    )
    assert cut(chain, TextRules(desk=frozenset({name_key("Nils Kabel")}))).text == REQUEST


def test_what_a_customer_forwards_without_a_word_of_their_own_stays() -> None:
    forwarded = f"See below.\n\n-----Forwarded message-----\nFrom: Carol\nTo: Alice\nSubject: printer\n\n{REQUEST}"
    assert cut(forwarded, RULES).text == REQUEST


SIGNATURES = (
    "\n\nCordialement\nAlice Ash\nExemple SARL\nTél. +33 1 55 50 01 77",
    "\n\nBien cordialement,\nAlice Ash\nService des ventes\n01 55 50 01 77",
    "\n\nMeilleures salutations\nAlice Ash\nTél. 01 55 50 01 77",
    "\n\nSaludos cordiales,\nAlice Ash\nEjemplo S.L.\nTeléfono: 910 555 017",
    "\n\nUn cordial saludo\nAlice Ash\nTel. +34 910 555 017",
    "\n\nReciba un cordial saludo,\nAlice Ash\nMóvil 610 555 017",
    "\n\nCordiali saluti\nAlice Ash\nEsempio S.r.l.\nTel. +39 06 5550 177",
    "\n\nDistinti saluti,\nAlice Ash\nUfficio vendite\nCell. 320 555 0177",
    "\n\nMet vriendelijke groet,\nAlice Ash\nVoorbeeld B.V.\nTel. +31 20 555 0177",
    "\n\nHartelijke groeten\nAlice Ash\nTelefoon 020 555 0177",
    "\n\nZ poważaniem\nAlice Ash\nPrzykład Sp. z o.o.\nTel. +48 22 555 01 77",
    "\n\nPozdrawiam serdecznie,\nAlice Ash\nkom. 600 555 017",
    "\n\nAtenciosamente,\nAlice Ash\nExemplo Lda.\nTelefone: +351 21 555 0177",
    "\n\nCom os melhores cumprimentos\nAlice Ash\nTelemóvel 910 555 017",
    "\n\nMelhores cumprimentos,\nAlice Ash\nTel. 21 555 0177",
)
NOTICES = (
    "Ce message et ses pièces jointes sont confidentiels. Si vous n'êtes pas le destinataire, merci de le détruire.",
    "Ce courriel est exclusivement destiné à la personne concernée. Merci d'avertir l'expéditeur en cas d'erreur.",
    "Este mensaje es confidencial. Si usted no es el destinatario, le rogamos que lo elimine y avise al remitente.",
    "Este correo contiene información privilegiada. Antes de imprimir este mensaje, piense en el medio ambiente.",
    "Questo messaggio contiene informazioni riservate. Se non siete il destinatario, vi preghiamo di cancellarlo.",
    "Le informazioni contenute in questa e-mail sono strettamente riservate ed è vietata la diffusione a terzi.",
    "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Verwijder het anders.",
    "Ta wiadomość jest poufna. Jeśli nie są Państwo jej adresatem, prosimy o jej usunięcie.",
    "Wiadomość zawiera informacje poufne przeznaczone wyłącznie dla adresata. Prosimy powiadomić nadawcę.",
    "Esta mensagem é confidencial. Se não for o destinatário, por favor elimine-a e avise o remetente.",
    "Esta mensagem contém informação confidencial. Antes de imprimir, pense no ambiente.",
)  # fmt: skip
FOOTERS = (
    "Envoyé depuis mon mobile", "Envoyé à partir de mon Samsung Galaxy", "Envoyé depuis Outlook pour iOS",
    "Enviado desde mi Samsung", "Enviado desde Outlook para Android", "Obtener Outlook para iOS",
    "Inviato dal mio Samsung Galaxy", "Inviato da Outlook per iOS", "Scarica Outlook per Android",
    "Verzonden vanaf mijn Samsung", "Verstuurd met Outlook voor iOS", "Verzonden via mijn telefoon",
    "Wysłane z mojego telefonu", "Wysłano z programu Outlook dla systemu iOS", "Pobierz aplikację Outlook dla iOS",
    "Enviado do meu telemóvel", "Enviado a partir do meu Samsung", "Enviado pelo Outlook para iOS",
    "Télécharger Outlook pour iOS", "Outlook voor iOS downloaden", "Obter o Outlook para Android",
)  # fmt: skip


@pytest.mark.parametrize(
    ("below", "kind"),
    [
        ("\n\n-- \nAlice Ash\nSales, Example Ltd\nTel. +49 30 555 01", SIGNATURE), (
            "\nSales\nExample Ltd\nTel. +49 30 555 01", SIGNATURE),
        ("\n\nSent from my iPhone", FOOTER), ("\n\nVon meinem iPhone gesendet", FOOTER), (
            "\n\nEnvoyé de mon iPhone", FOOTER), (
            "\n\nEnviado desde mi iPhone", FOOTER),
        ("\n\nInviato da iPhone", FOOTER), ("\n\nVerstuurd vanaf mijn iPhone", FOOTER), (
            "\n\nWysłane z iPhone", FOOTER), (
            "\n\nEnviado do meu iPhone", FOOTER),
        (
            "\n\nThis e-mail and any attachments are confidential. If you are not the intended recipient, please "
            "notify the sender.", DISCLAIMER),
        (
            "\n\nDiese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, "
            "vernichten Sie diese Mail.", DISCLAIMER),
        *((below, SIGNATURE) for below in SIGNATURES), *((f"\n\n{notice}", DISCLAIMER) for notice in NOTICES),
        *((f"\n\n{footer}", FOOTER) for footer in FOOTERS),
    ],
)  # fmt: skip
def test_signatures_footers_and_notices_are_cut(below: str, kind: str) -> None:
    # A signature that signs off itself stands below a request without one.
    request = REQUEST.partition("\n\nKind")[0] if below in SIGNATURES else REQUEST
    done = cut(request + below, RULES)
    assert {found for found, _ in done.removed} == {kind}
    kept = done.text.removesuffix(below.split("\n")[2]).rstrip() if below in SIGNATURES else done.text
    assert kept in (request, request.removesuffix("\nAlice Ash"))


@pytest.mark.parametrize(
    "text",
    [
        REQUEST, "From: the menu choose Print.\nThen nothing happens.", "Our confidential folder is gone, please "
        "restore it", "> "
        "is not a valid sign in my formula",
        "The error says --\nand then stops", "On Monday the printer wrote: nothing", "Sent from my desk to yours, the "
        "printer is still broken and I would like to know why it is so",
        "a --- b", "", "Thanks", "____", "Best\n",
    ],
)  # fmt: skip
def test_what_is_the_customers_own_stays(text: str) -> None:
    assert cut(text, RULES).text == text


def test_a_text_of_which_nothing_would_be_left_stays_whole() -> None:
    text = "Sent from my iPhone"
    assert cut(text, RULES).text == text


def test_cutting_twice_changes_nothing_more() -> None:
    chain = f"{REQUEST}\n\nOn 5 Jan 2026 10:00, Helpdesk wrote:\n> {ANSWER}"
    once = cut(chain, RULES).text
    assert cut(once, RULES).text == once


def test_rules_travel_with_the_tickets(tmp_path: Path) -> None:
    rules = TextRules(
        desk=frozenset({name_key("Nils Kabel")}), lines=frozenset({name_key("[Network]")}), masked=("email",)
    )
    tickets = LabelledTickets(["1"], ["a\nb"], ["en"], {"queue": ["x"]}, text_rules=rules)
    tickets.write_parquet(tmp_path / "t.parquet")
    assert LabelledTickets.read_parquet(tmp_path / "t.parquet").text_rules == rules


def test_new_tickets_are_read_as_training_read_them() -> None:
    rules = TextRules(lines=frozenset({name_key("Routed to: Network 17")}), masked=("email",))
    text = (
        f"Printer\nWrite to alice@example.com\n{REQUEST}\nRouted to: Network 4\n\nOn 5 Jan 2026, Helpdesk wrote:\n> "
        f"{ANSWER}"
    )
    assert rules.applied([text]) == [f"Printer\nWrite to [email]\n{REQUEST}"]


def test_a_mail_quoted_twice_is_read_as_one_quoted_once() -> None:
    inner = "\n".join(f">> {line}" for line in REQUEST.split("\n"))
    chain = (
        f"Merci !\n\nLe 5 janv. 2026, Support a écrit :\n> {ANSWER}\n>\n>> Le 4 janv. 2026, Alice Ash a écrit "
        f":\n{inner}"
    )
    assert cut(chain.replace("\nyour", "\n> your").replace("\nBest", "\n> Best"), RULES).text == REQUEST


def test_who_answers_in_many_chains_is_the_desk() -> None:
    def chain(n: int, middle: str) -> str:
        return (
            f"Yes, that is so, it works for me again now.\n\nOn Mon, Jan {n}, 2026 at 9:10 AM, Nils Kabel "
            f"<nk@corp.example> wrote:\n> {middle}\n>\n>> Am 0{n}.01.2026 um 08:00 schrieb Ada Row{n} "
            f"<ada{n}@example.com>:\n>> the printer of floor {n} prints nothing at all"
        )

    found = desk_of([chain(n, "please restart it once") for n in range(1, 6)])
    assert {name_key("nk@corp.example"), name_key("Nils Kabel")} <= found
    assert not found & {name_key("Ada Row1"), name_key("Mon"), name_key("On Mon")}
    assert (
        cut(chain(7, "please restart it"), TextRules(desk=found)).text == "the printer of floor 7 prints nothing at all"
    )


TAIL = "Example Works · Ring Street 12 · Cologne\nVisit us at the fair, hall 7!"


def _with_tail(n: int) -> str:
    return (
        f"Hello,\nthe {('printer', 'router', 'screen', 'phone')[n % 4]} {n} is broken since day {n % 9}.\nPlease "
        f"help.\n\nKind regards\nAda {('Ash', 'Birch', 'Oak', 'Elm', 'Yew')[n % 5]}\n\n{TAIL}"
    )


def test_what_ends_many_texts_is_learnt_and_cut() -> None:
    texts = [_with_tail(n) for n in range(60)]
    rules = TextRules(tails=tails_of(texts))
    done = cut(_with_tail(99), rules)
    assert done.removed == ((RECURRING, TAIL),)
    assert done.text == _with_tail(99).removesuffix(TAIL).strip()
    assert TextRules.from_dict(rules.as_dict()) == rules
    # A column's texts are asked at once, and cut alike.
    count = CutCount()
    column = cut_texts(pa.array([*texts, None, "short"]), rules, count)
    assert column.to_pylist() == [cut(text, rules).text for text in texts] + [None, "short"]
    assert count.texts[RECURRING] == 60


@pytest.mark.parametrize(
    "text",
    [
        # Sentences that people write in any order.
        lambda n: (
            f"Case {n}: nothing "
            f"works.\n{('Please help.', 'It is urgent.', 'Many are affected.')[n % 3]}\n{('It began today.', 'Call me.', 'I restarted.', 'Thanks.')[n % 4]}"  # noqa: E501
        ),
        # An alarm that comes again and again is the message.
        lambda n: "Disk full\nCheck the log on the server\nSent by the monitor of the data centre",
        # A name below a greeting is the writer's.
        lambda n: f"Case {n} is open.\n\nKind regards\nAda Row",
    ],
)  # fmt: skip
def test_what_people_write_is_no_recurring_end(text: Callable[[int], str]) -> None:
    assert tails_of([text(n) for n in range(80)]) == frozenset()


def test_an_end_that_decides_a_label_is_left_to_the_customer() -> None:
    texts = [
        f"Case {n} is open since {n % 7} days.\n\nSent by desk {'AB'[n % 2]}\nOffice {'AB'[n % 2]} of Example Works"
        for n in range(80)
    ]
    assert tails_of(texts)
    assert tails_of(texts, {"queue": ["AB"[n % 2] for n in range(80)]}) == frozenset()
