"""Columns of helpdesks in eight languages, and what is known only afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from otai.tickets import column_names as names
from otai.tickets import known_afterwards
from otai.tickets.column_names import name_of
from otai.tickets.column_stats import ColumnStats
from otai.tickets.columns import ColumnRoles
from otai.tickets.guessing import guess_roles, look_at
from otai.tickets.sources.opening import open_source
from otai.tickets.text_roles import lost_subject

pytestmark = pytest.mark.pure

MATTERS = (
    "printer on floor {} jams",
    "VPN of laptop {} drops",
    "invoice {} is wrong",
    "access to folder {} is missing",
)


def guessed(
    tmp_path: Path, columns: dict[str, object], *, rows: int = 120, overrides: ColumnRoles | None = None
) -> ColumnRoles:
    """`columns` maps a header to a function of the row's number, or to a value."""
    path = tmp_path / "t.tsv"
    cells = [[str(make(n) if callable(make) else make) for make in columns.values()] for n in range(rows)]
    path.write_text("\n".join("\t".join(row) for row in [list(columns), *cells]) + "\n")
    return guess_roles(look_at(open_source(path)), overrides)


def number(n: int) -> str:
    return f"{10_000 + n}"


def day(n: int, *, later: int = 0) -> str:
    return f"2026-03-{n % 20 + 1 + later:02d} 08:{n % 60:02d}"


def subject(n: int) -> str:
    return MATTERS[n % 4].format(n)


def body(n: int) -> str:
    return (
        f"Good morning, the {MATTERS[n % 4].format(n)} since yesterday and nobody on the floor knows why. Please help, "
        f"case {n}."
    )


def queue(n: int) -> str:
    return ("IT", "Net", "Billing", "Access")[n % 4]


def priority(n: int) -> str:
    return ("low", "medium", "high")[n % 3]


def agent(n: int) -> str:
    return ("Mia Frost", "Jo Lake", "Kim Reed", "Al Stone", "Bo West")[n % 5]


LANGUAGES = {
    "en": ("Case Number", "Opened at", "Short description", "Description", "Queue", "Priority", "Assigned "
    "to", "Resolution "
    "notes", "Reopen "
    "count", "Satisfaction "
    "score"),
    "de": ("Vorgangsnummer", "Eröffnet "
    "am", "Betreff", "Problembeschreibung", "Warteschlange", "Priorität", "Bearbeiter", "Lösungstext", "Anzahl "
    "Rückfragen", "Zufriedenheit"),
    "fr": ("Numéro", "Date de création", "Objet", "Description", "Catégorie", "Priorité", "Assigné à", "Commentaires "
    "de clôture", "Nombre "
    "de réponses", "Enquête"),
    "es": ("Número de caso", "Fecha de creación", "Asunto", "Descripción", "Grupo", "Prioridad", "Asignado a", "Notas "
    "de cierre", "Cantidad "
    "de respuestas", "Satisfacción"),
    "it": ("Numero", "Data di apertura", "Oggetto", "Descrizione", "Reparto", "Priorità", "Assegnato "
    "a", "Soluzione", "Conteggio "
    "risposte", "Valutazione"),
    "nl": ("Meldingsnummer", "Aangemaakt "
    "op", "Onderwerp", "Omschrijving", "Wachtrij", "Prioriteit", "Behandelaar", "Oplossing", "Aantal "
    "reacties", "Tevredenheid"),
    "pl": ("Nr zgłoszenia", "Data utworzenia", "Temat", "Opis", "Kolejka", "Priorytet", "Przypisany "
    "do", "Rozwiązanie", "Liczba "
    "odpowiedzi", "Ocena"),
    "pt": ("Número chamado", "Data de "
    "abertura", "Assunto", "Descrição", "Fila", "Prioridade", "Responsável", "Solução", "Quantidade "
    "de respostas", "Avaliação"),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_exports_in_eight_languages_are_understood(tmp_path: Path, language: str) -> None:
    ticket, created, short, text, sort, urgency, who, ending, count, liked = LANGUAGES[language]
    roles = guessed(
        tmp_path,
        {
            ticket: number, created: day, short: subject, text: body, sort: queue, urgency: priority, who: agent,
            ending: lambda n: (
                f"We have replaced part {n} and asked whether all is well now"
            ), count: lambda n: n % 4, liked: lambda n: (
                "good", "bad")[n % 2],
        },
    )  # fmt: skip
    assert dict(roles.single) == {"ticket": ticket, "created": created, "subject": short, "body": text}
    assert [found.name for found in roles.attributes if found.proposed] == [sort, urgency, who]
    for column in (ending, count, liked):
        assert column in roles.ignored and "after the ticket came in" in roles.why[column], (column, roles.why[column])


@pytest.mark.parametrize(
    ("header", "core"),
    [
        ("fields.summary", "summary"), ("short_description.display_value", "shortdescription"), (
            "helpdesk_ticket.subject", "subject"),
        ("source.subject", "subject"), ("Team->Name", "team"), ("group.name", "group"), (
            "Custom field (Request Type)", "requesttype"),
        ("Assigned to - Technician group", "techniciangroup"), ("UserFirstname", "userfirstname"), (
            "Labels (2)", "labels"), (
            "closedAt", "closedat"),
    ],
)  # fmt: skip
def test_the_last_telling_part_of_a_name_counts(header: str, core: str) -> None:
    assert "".join(name_of(header).core) == core


def test_what_helpdesks_call_a_field_is_no_word_of_a_ticket() -> None:
    fields = ("queue", "Priority", "Category Tier 2", "Assignment group", "issue_type", "Zuständig", "Equipe")
    assert all(names.is_name_of_a_field(name) for name in fields)
    words = ("Erika Mustermann", "Team Mustermann", "Printer 7", "42", "!", "")
    assert not any(names.is_name_of_a_field(name) for name in words)


def test_nested_names_are_understood(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        {
            "number.display_value": number, "number.value": number, "short_description.display_value": subject,
            "description.value": body,
            "assignment_group.display_value": queue, "assignment_group.value": lambda n: (
                f"{n % 4:032x}"
            ), "group_id": lambda n: n % 4, "group": queue,
            "requester.name": lambda n: ("Ada", "Ben")[n % 2], "via.source.from.name": lambda n: (
                "Ada", "Ben")[n % 2], "metric_set.reopens": lambda n: n % 3,
            "updated_by": agent, "created_by": agent,
        },
    )  # fmt: skip
    assert dict(roles.single) == {
        "ticket": "number.display_value",
        "subject": "short_description.display_value",
        "body": "description.value",
    }
    assert [found.name for found in roles.attributes] == ["assignment_group.display_value", "group"]
    assert "says the same as “group”" in roles.why["group_id"]
    assert "says the same as “assignment_group.display_value”" in roles.why["assignment_group.value"]


WORK_PHONES = (
    "Business phone", "Office Phone", "Telefon dienstlich", "Diensttelefon", "Dienstliche Telefonnummer",
    "Telefon geschäftlich", "Téléphone professionnel", "Tél. professionnel", "Téléphone du bureau",
    "Telefono ufficio", "Telefono di lavoro", "Telefono aziendale", "Teléfono del trabajo", "Teléfono de oficina",
    "Teléfono laboral", "Telefoon werk", "Werktelefoon", "Zakelijk telefoonnummer", "Telefon służbowy",
    "Telefon do pracy", "Telefone comercial", "Telefone do trabalho", "Telefone profissional",
)  # fmt: skip


@pytest.mark.parametrize(
    "header",
    [
        "Resolution code", "close_notes", "Closed by", "SLA breached", "Overdue", "Thread Count", "First response time "
        "(in hrs)", "Time "
        "tracked", "TimeWorked",
        "LastUpdatedBy", "Last agent", "Survey results", "Escalated to", "Work phone", "Lösungszeit", "% "
        "erledigt", "Aufgewendete "
        "Zeit", "Geschätzter "
        "Aufwand",
        "Letzte Kommentare", "interne_notitie", "Date de clôture", "Tiempo de resolución", "Tempo di "
        "chiusura", "Doorlooptijd", "Czas "
        "trwania", "Tempo "
        "gasto",
        "Custom field (Satisfaction "
        "rating)", "conversation_parts.total_count", "FirstResponseInMin", "comments_and_work_notes",
        "Bearbeitungszeit", *WORK_PHONES,
    ],
)  # fmt: skip
def test_what_is_known_only_afterwards_is_known_by_name(header: str) -> None:
    assert known_afterwards.by_name(ColumnStats(header))


@pytest.mark.parametrize(
    "header",
    [
        "Opened at",
        "Discount",
        "Country",
        "Account Name",
        "Category",
        "Kategorie",
        "Request Type",
        "Agent",
        "Dienst",
        "Ubicación",
        "Bereich",
    ],
)
def test_what_is_known_before_is_not_taken_for_it(header: str) -> None:
    assert not known_afterwards.by_name(ColumnStats(header))


def test_a_column_filled_only_where_the_ticket_is_through_is_no_attribute(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        {
            "subject": subject, "text": body, "queue": queue, "status": lambda n: ("open", "geschlossen")[n % 2],
            "finding": lambda n: ("defect", "user error")[n // 2 % 2] if n % 2 else "", "site": lambda n: (
                "Gent", "Essen")[n % 2],
        },
    )  # fmt: skip
    assert [found.name for found in roles.attributes if found.proposed] == ["queue"]
    assert "only where “status”" in roles.why["finding"]


def test_telephones_are_no_attributes_in_any_language(tmp_path: Path) -> None:
    """Three departments share three numbers, so that their values alone would look like labels."""
    headers = [*WORK_PHONES, "Mobiltelefon", "Handynummer", "Cellulare", "Telefone celular", "Numer telefonu"]
    columns = {header: lambda n: f"{n % 3}55 0101" for header in headers}
    roles = guessed(tmp_path, {"subject": subject, "text": body, "queue": queue, **columns})
    assert [found.name for found in roles.attributes] == ["queue"]


def test_durations_are_no_attribute_whatever_they_are_called(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        {
            "text": body,
            "queue": queue,
            "x": lambda n: ("0:05:00", "1:10:00", "0:15:00")[n % 3],
            "y": lambda n: ("3 d 4 h", "2 h")[n % 2],
        },
    )
    assert [found.name for found in roles.attributes] == ["queue"]
    assert "durations" in roles.why["x"] and "durations" in roles.why["y"]


def test_what_sorts_tickets_is_proposed_and_the_rest_is_kept(tmp_path: Path) -> None:
    columns = {
        "text": body,
        "queue": queue,
        "channel": lambda n: ("mail", "phone")[n % 2],
        "colour": lambda n: ("red", "blue")[n % 2],
    }
    roles = guessed(tmp_path, columns)
    assert {found.name: found.proposed for found in roles.attributes} == {
        "queue": True,
        "channel": False,
        "colour": False,
    }
    assert "not proposed" in roles.why["channel"]
    named = guessed(tmp_path, columns, overrides=ColumnRoles.parse(attributes=["colour"]))
    assert {found.name: found.proposed for found in named.attributes} == {
        "queue": True,
        "channel": False,
        "colour": True,
    }


@pytest.mark.parametrize(
    ("name", "vocabulary"),
    [
        ("departmentname", names.SORTING), ("prioritytitle", names.ORDERED), ("Mesa de ayuda", names.SORTING),
        ("Sev", names.ORDERED), ("Tech", names.AGENT), ("IssueDate", frozenset(names.CREATED)),
        ("categoriecode", names.SORTING), ("Prioritätscode", names.ORDERED),
    ],
)  # fmt: skip
def test_names_of_further_helpdesks_say_what_they_hold(name: str, vocabulary: frozenset[str]) -> None:
    assert name_of(name).fits(vocabulary)


@pytest.mark.parametrize(
    ("going", "is_proposed"),
    [("In progress", False), ("Open", False), ("New", True)],
)
def test_what_is_filled_only_where_work_has_ended_is_not_proposed_whatever_its_name(
    tmp_path: Path, going: str, is_proposed: bool
) -> None:
    """A queue that open tickets never have says what was done; a ticket that nobody has looked at has none yet."""
    lines = ["Subject,Description,Status,Queue,Department"]
    for n in range(120):
        state = "Closed" if n % 3 else going
        queue = ("Net", "Billing", "People")[n % 7 % 3] if state == "Closed" else ""
        text = f"the router {n} restarts and the invoice {n * 7} is wrong since {n % 20} days"
        lines.append(f'router {n} restarts,"{text}",{state},{queue},{("East", "West")[n % 2]}')
    (tmp_path / "t.csv").write_text("\n".join(lines))
    roles = guess_roles(look_at(open_source(tmp_path / "t.csv")))
    proposed = {found.name: found.proposed for found in roles.attributes}
    assert proposed == {"Queue": is_proposed, "Department": True}
    why = roles.why["Queue"]
    assert ("filled only where “Status” says that the ticket is through" in why) is not is_proposed


def test_where_no_name_says_what_sorts_tickets_every_attribute_is_proposed(tmp_path: Path) -> None:
    roles = guessed(tmp_path, {"text": body, "a1": queue, "b2": lambda n: ("red", "blue")[n % 2]})
    assert {found.name: found.proposed for found in roles.attributes} == {"a1": True, "b2": True}


def test_where_names_say_nothing_values_do(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        {
            "c1": lambda n: f"INC-{n:05d}",
            "c2": day,
            "c3": subject,
            "c4": body,
            "c5": lambda n: day(n, later=3),
            "c6": queue,
        },
    )
    assert dict(roles.single) == {"ticket": "c1", "created": "c2", "subject": "c3", "body": "c4"}
    assert [found.name for found in roles.attributes] == ["c6"]


def test_a_language_column_that_the_texts_contradict_is_a_persons_setting(tmp_path: Path) -> None:
    german = "Guten Tag, der Drucker im dritten Stock druckt seit gestern nicht mehr, bitte helfen Sie uns, Nummer {}"
    roles = guessed(
        tmp_path, {"text": lambda n: body(n) if n % 2 else german.format(n), "Language": "English", "queue": queue}
    )
    assert "language" not in roles.single
    assert "another one" in roles.why["Language"]


def test_a_title_beside_a_subject_is_a_persons(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path, {"Subject": subject, "Title": lambda n: ("Head of Sales", "Clerk")[n % 2], "Group": queue}
    )
    assert dict(roles.single) == {"subject": "Subject"}
    assert [found.name for found in roles.attributes] == ["Group"]


def test_tags_parted_by_blanks_are_several(tmp_path: Path) -> None:
    roles = guessed(
        tmp_path,
        {
            "Subject": subject,
            "Tags": lambda n: " ".join(
                sorted(
                    {("vip", "de", "repeat", "onsite", "network")[(n * step) % 5] for step in (1, 2, 3)} | {f"t{n % 7}"}
                )
            ),
        },
    )
    (tags,) = roles.attributes
    assert (tags.name, tags.separator) == ("Tags", " ")


def test_vocabularies_do_not_contradict_each_other() -> None:
    assert not names.AFTERWARDS & names.SORTING
    assert not names.AFTERWARDS & set(names.SUBJECT) and not names.AFTERWARDS & frozenset(names.CREATED)


def test_c_and_c_plus_plus_do_not_look_alike() -> None:
    from otai.learning.data.profile import AttributeProfile, LabelCount
    from otai.learning.data.profile_findings import of_attribute

    labels = tuple(LabelCount(name, 20, 20) for name in ("C", "C++", "C#", "R&D", "R & D"))
    known = AttributeProfile.of_labels("label", kind="single", order=(), labelled=100, missing=0, labels=labels)
    found = of_attribute(known, tickets=100)
    (alike,) = [finding for finding in found if finding.code == "labels_look_alike"]
    assert alike.values["groups"] == [{"R&D": 20, "R & D": 20}]


def lost(tmp_path: Path, columns: dict[str, object]) -> str | None:
    roles = guessed(tmp_path, columns)
    assert roles.single.get("body") == "text"
    return lost_subject(look_at(open_source(tmp_path / "t.tsv")), roles)


def test_a_short_text_that_nothing_uses_is_a_lost_subject(tmp_path: Path) -> None:
    """It takes up no word of the body and is called nothing that we know."""
    short = {"zeile eins": lambda n: f"Gerät {n} kaputt hier"}
    assert lost(tmp_path, {"text": body, "queue": queue, **short}) == "zeile eins"
    assert lost(tmp_path, {"text": body, "queue": queue, "subject": subject, **short}) is None
    assert lost(tmp_path, {"text": body, "queue": queue}) is None
    for afterwards in ("internal note", "closed by", "comment", "work phone", "requester name"):
        assert lost(tmp_path, {"text": body, "queue": queue, afterwards: short["zeile eins"]}) is None
