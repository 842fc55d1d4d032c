"""What is known only once somebody has worked on a ticket, in eight languages: each concept by its names, and
what sorts tickets in the same languages beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tickets.test_other_helpdesks import body, guessed, subject, written

pytestmark = pytest.mark.pure

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")

AFTERWARDS: dict[str, tuple[str, ...]] = {
    "resolution": (
        "Resolution | Resolution summary",
        "Lösung | Lösungsbeschreibung",
        "Résolution | Description de la résolution",
        "Resolución | Descripción de la resolución",
        "Risoluzione | Descrizione risoluzione",
        "Oplossing | Oplossingsomschrijving",
        "Rozwiązanie | Opis rozwiązania",
        "Resolução | Descrição da resolução",
    ),
    "solution": (
        "Solution | Solution text",
        "Lösungstext | Lösungsweg",
        "Solution | Texte de la solution",
        "Solución | Texto de la solución",
        "Soluzione | Testo della soluzione",
        "Oplossing | Oplossingstekst",
        "Sposób rozwiązania | Treść rozwiązania",
        "Solução | Texto da solução",
    ),
    "closing code": (
        "Close code | Closure code | Resolution code",
        "Abschlusscode | Lösungscode | Schließcode",
        "Code de clôture | Code de fermeture | Code de résolution",
        "Código de cierre | Código de resolución",
        "Codice di chiusura | Codice chiusura | Codice risoluzione",
        "Afsluitcode | Sluitcode | Afmeldcode | Oplossingscode",
        "Kod zamknięcia | Kod rozwiązania",
        "Código de encerramento | Código de fechamento | Código de resolução",
    ),
    "closing time": (
        "Closed at | Close time | Resolved on | Completed time",
        "Geschlossen am | Abschlusszeit | Gelöst am | Erledigt am",
        "Fermé le | Date de clôture | Résolu le | Date de fermeture",
        "Cerrado el | Fecha de cierre | Resuelto el",
        "Chiuso il | Data di chiusura | Risolto il",
        "Gesloten op | Datum gesloten | Opgelost op | Afgemeld op",
        "Zamknięto | Data zamknięcia | Rozwiązano",
        "Fechado em | Data de encerramento | Resolvido em",
    ),
    "closed by": (
        "Closed by | Resolved by",
        "Geschlossen von | Gelöst von | Erledigt durch",
        "Fermé par | Clôturé par | Résolu par",
        "Cerrado por | Resuelto por",
        "Chiuso da | Risolto da",
        "Gesloten door | Opgelost door | Afgehandeld door",
        "Zamknięte przez | Zamknął | Rozwiązane przez",
        "Fechado por | Encerrado por | Resolvido por",
    ),
    "satisfaction": (
        "Satisfaction | CSAT | Satisfaction rating",
        "Zufriedenheit | Kundenzufriedenheit | Bewertung",
        "Satisfaction | Satisfaction client | Note de satisfaction",
        "Satisfacción | Valoración | Calificación",
        "Soddisfazione | Valutazione | Gradimento",
        "Tevredenheid | Klanttevredenheid | Beoordeling",
        "Satysfakcja | Zadowolenie klienta | Ocena",
        "Satisfação | Avaliação | Nota de satisfação",
    ),
    "survey": (
        "Survey | Survey result",
        "Umfrage | Umfrageergebnis | Befragung",
        "Enquête | Résultat de l'enquête | Sondage",
        "Encuesta | Resultado de la encuesta",
        "Sondaggio | Questionario | Indagine",
        "Enquête | Enquêteresultaat",
        "Ankieta | Wynik ankiety",
        "Pesquisa | Resultado da pesquisa | Inquérito",
    ),
    "breach": (
        "SLA breached | Breach | SLA missed | SLA violated",
        "SLA verletzt | SLA-Verletzung | SLA überschritten | SLA gerissen",
        "SLA dépassé | SLA non respecté | Violation du SLA | Dépassement SLA",
        "SLA incumplido | Incumplimiento de SLA | SLA vencido",
        "SLA violato | Violazione SLA | SLA superato | SLA non rispettato",
        "SLA overschreden | SLA geschonden | Overschrijding SLA | SLA niet gehaald",
        "SLA przekroczone | Przekroczenie SLA | Naruszenie SLA | SLA naruszone",
        "SLA violado | Prazo estourado | SLA estourado | Violação de SLA | SLA descumprido",
    ),
    "overdue": (
        "Overdue | Is overdue | Late | Past due",
        "Überfällig | Verspätet | Verzug | Zu spät",
        "En retard | Retard | Échu",
        "Atrasado | Vencido | Con retraso | Retraso",
        "In ritardo | Scaduto | Ritardo",
        "Te laat | Achterstallig | Over tijd | Verlopen",
        "Po terminie | Przeterminowane | Opóźnione | Spóźnione | Opóźnienie",
        "Atrasado | Em atraso | Vencido | Atraso",
    ),
    "replies": (
        "Reply count | Number of replies | Agent replies | Customer interactions",
        "Anzahl Antworten | Antworten | Anzahl der Antworten",
        "Nombre de réponses | Réponses",
        "Número de respuestas | Respuestas",
        "Numero di risposte | Risposte",
        "Aantal antwoorden | Reacties | Aantal reacties",
        "Liczba odpowiedzi | Odpowiedzi",
        "Número de respostas | Respostas",
    ),
    "reopenings": (
        "Reopens | Reopen count | Reopened",
        "Wiedereröffnungen | Wiedereröffnet | Anzahl Wiedereröffnungen | Neu geöffnet",
        "Réouvertures | Rouvert | Nombre de réouvertures",
        "Reaperturas | Reabierto | Número de reaperturas",
        "Riaperture | Riaperto | Numero di riaperture",
        "Heropeningen | Heropend | Aantal heropeningen",
        "Ponowne otwarcia | Ponownie otwarte | Liczba ponownych otwarć",
        "Reaberturas | Reaberto | Reabertura",
    ),
    "reassignments": (
        "Reassignment count | Reassignments | Transfers",
        "Neuzuweisungen | Anzahl Neuzuweisungen | Weiterleitungen | Umverteilungen",
        "Réaffectations | Nombre de réaffectations | Transferts | Réattributions",
        "Reasignaciones | Número de reasignaciones | Transferencias",
        "Riassegnazioni | Numero di riassegnazioni | Trasferimenti",
        "Hertoewijzingen | Aantal hertoewijzingen | Doorsturingen | Overdrachten",
        "Ponowne przypisania | Liczba ponownych przypisań | Przekazania | Liczba przekazań",
        "Reatribuições | Número de reatribuições | Transferências | Reencaminhamentos",
    ),
    "durations": (
        "Resolution time | Business duration | Handling time | Turnaround time | Lead time",
        "Bearbeitungszeit | Lösungszeit | Dauer | Durchlaufzeit | Bearbeitungsdauer",
        "Durée | Temps de résolution | Délai de résolution | Temps de traitement | Durée de traitement",
        "Duración | Tiempo de resolución | Tiempo de tratamiento | Tiempo de gestión",
        "Durata | Tempo di risoluzione | Tempo di lavorazione | Tempo di gestione | Tempi di lavorazione",
        "Duur | Doorlooptijd | Oplostijd | Behandeltijd | Afhandeltijd",
        "Czas rozwiązania | Czas trwania | Czas realizacji | Czas obsługi",
        "Duração | Tempo de resolução | Tempo de atendimento | Tempo de tratamento",
    ),
    "time spent": (
        "Time spent | Time worked | Hours logged | aggregatetimespent | Σ Time Spent",
        "Aufgewendete Zeit | Zeitaufwand | Gebuchte Zeit | Arbeitszeit | Erfasste Zeit",
        "Temps passé | Temps consacré | Heures passées | Temps de travail",
        "Tiempo dedicado | Tiempo invertido | Tiempo trabajado | Horas trabajadas",
        "Tempo impiegato | Tempo speso | Ore lavorate | Tempo dedicato",
        "Bestede tijd | Gewerkte uren | Tijdsbesteding | Gewerkte tijd",
        "Czas pracy | Poświęcony czas | Przepracowany czas | Czas poświęcony",
        "Tempo gasto | Tempo trabalhado | Horas trabalhadas | Tempo despendido",
    ),
    "updated by": (
        "Updated by | Modified by | Changed by | Last modified by",
        "Geändert von | Aktualisiert von | Bearbeitet von | Zuletzt geändert von | Geändert durch",
        "Modifié par | Mis à jour par | Dernière modification par",
        "Modificado por | Actualizado por | Última modificación por",
        "Modificato da | Aggiornato da | Ultima modifica di",
        "Gewijzigd door | Bijgewerkt door | Laatst gewijzigd door | Aangepast door",
        "Zmodyfikowane przez | Zaktualizowane przez | Zmienione przez | Ostatnio zmienił",
        "Modificado por | Atualizado por | Alterado por | Última modificação por",
    ),
    "last agent": (
        "Last agent | Last replier | Latest responder | Last assignee",
        "Letzter Agent | Letzter Bearbeiter | Zuletzt bearbeitet von | Letzter Bearbeitender",
        "Dernier agent | Dernier intervenant | Dernier répondant",
        "Último agente | Último responsable",
        "Ultimo agente | Ultimo operatore",
        "Laatste agent | Laatste behandelaar",
        "Ostatni agent | Ostatni operator",
        "Último agente | Último atendente | Último responsável",
    ),
    "first response": (
        "First response | First response time | First reply time | First responded at",
        "Erste Antwort | Erstreaktion | Erste Reaktion | Erstantwortzeit | Reaktionszeit",
        "Première réponse | Délai de première réponse | Temps de première réponse",
        "Primera respuesta | Tiempo de primera respuesta",
        "Prima risposta | Tempo di prima risposta",
        "Eerste reactie | Eerste antwoord | Reactietijd | Eerste reactietijd",
        "Pierwsza odpowiedź | Czas pierwszej odpowiedzi | Czas reakcji",
        "Primeira resposta | Tempo da primeira resposta | Tempo de resposta",
    ),
    "work phone": (
        "Work phone | Office phone | Business phone",
        "Telefon geschäftlich | Diensttelefon | Telefon (dienstlich)",
        "Téléphone professionnel | Téléphone bureau | Tél. professionnel",
        "Teléfono del trabajo | Teléfono laboral | Teléfono de trabajo",
        "Telefono ufficio | Telefono di lavoro | Telefono aziendale",
        "Telefoon werk | Werktelefoon | Zakelijk telefoonnummer",
        "Telefon służbowy | Telefon do pracy | Telefon w pracy",
        "Telefone comercial | Telefone do trabalho | Telefone de trabalho",
    ),
}
"""Each concept's names, language by language in the order of LANGUAGES."""
SORTING: dict[str, tuple[str, ...]] = {
    "queue": ("Queue", "Warteschlange", "File d'attente", "Cola", "Coda", "Wachtrij", "Kolejka", "Fila"),
    "category": ("Category", "Kategorie", "Catégorie", "Categoría", "Categoria", "Categorie", "Kategoria", "Categoria"),
    "subcategory": (
        "Subcategory",
        "Unterkategorie",
        "Sous-catégorie",
        "Subcategoría",
        "Sottocategoria",
        "Subcategorie",
        "Podkategoria",
        "Subcategoria",
    ),
    "type": (
        "Ticket type",
        "Tickettyp",
        "Type de ticket",
        "Tipo de ticket",
        "Tipo di ticket",
        "Soort melding",
        "Typ zgłoszenia",
        "Tipo de chamado",
    ),
    "priority": ("Priority", "Priorität", "Priorité", "Prioridad", "Priorità", "Prioriteit", "Priorytet", "Prioridade"),
    "urgency": ("Urgency", "Dringlichkeit", "Urgence", "Urgencia", "Urgenza", "Urgentie", "Pilność", "Urgência"),
    "severity": ("Severity", "Schweregrad", "Gravité", "Gravedad", "Gravità", "Ernst", "Istotność", "Gravidade"),
    "impact": ("Impact", "Auswirkung", "Impact", "Impacto", "Impatto", "Impact", "Wpływ", "Impacto"),
    "group": (
        "Assignment group",
        "Bearbeitergruppe",
        "Groupe d'affectation",
        "Grupo de asignación",
        "Gruppo di assegnazione",
        "Behandelaarsgroep",
        "Grupa przypisania",
        "Grupo de atribuição",
    ),
    "team": ("Team", "Team", "Équipe", "Equipo", "Squadra", "Team", "Zespół", "Equipe"),
    "agent": (
        "Assigned to",
        "Zugewiesen an",
        "Assigné à",
        "Asignado a",
        "Assegnato a",
        "Toegewezen aan",
        "Przypisane do",
        "Atribuído a",
    ),
    "responsible": (
        "Responsible",
        "Verantwortlicher",
        "Responsable",
        "Responsable",
        "Responsabile",
        "Verantwoordelijke",
        "Osoba odpowiedzialna",
        "Responsável",
    ),
    "department": (
        "Department",
        "Abteilung",
        "Département",
        "Departamento",
        "Reparto",
        "Afdeling",
        "Dział",
        "Departamento",
    ),
    "product": ("Product", "Produkt", "Produit", "Producto", "Prodotto", "Product", "Produkt", "Produto"),
    "service": ("Service", "Dienst", "Service", "Servicio", "Servizio", "Dienst", "Usługa", "Serviço"),
    "tags": ("Tags", "Schlagworte", "Étiquettes", "Etiquetas", "Etichette", "Labels", "Etykiety", "Etiquetas"),
    "reason": (
        "Contact reason",
        "Kontaktgrund",
        "Motif de contact",
        "Motivo de contacto",
        "Motivo del contatto",
        "Reden van contact",
        "Powód kontaktu",
        "Motivo do contato",
    ),
    "area": ("Area", "Bereich", "Domaine", "Área", "Area", "Gebied", "Obszar", "Área"),
    "component": (
        "Component",
        "Komponente",
        "Composant",
        "Componente",
        "Componente",
        "Component",
        "Komponent",
        "Componente",
    ),
    "module": ("Module", "Modul", "Module", "Módulo", "Modulo", "Module", "Moduł", "Módulo"),
    "resolver": (
        "Resolver group",
        "Lösungsgruppe",
        "Groupe de résolution",
        "Grupo resolutor",
        "Gruppo risolutore",
        "Oplosgroep",
        "Grupa rozwiązująca",
        "Grupo solucionador",
    ),
    "channel": ("Channel", "Kanal", "Canal", "Canal", "Canale", "Kanaal", "Kanał", "Canal"),
    "topic": ("Topic", "Thema", "Motif", "Tema", "Argomento", "Rubriek", "Rodzaj", "Tópico"),
    "site": ("Location", "Standort", "Lieu", "Ubicación", "Sede", "Locatie", "Lokalizacja", "Localização"),
}


def names(table: dict[str, tuple[str, ...]], language: str) -> list[str]:
    at = LANGUAGES.index(language)
    return [name for told in table.values() for name in told[at].split(" | ")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_known_only_afterwards_is_known_by_its_names(tmp_path: Path, language: str) -> None:
    columns = {"Subject": subject, "Body": body}
    columns |= dict.fromkeys(names(AFTERWARDS, language), lambda n: ("one thing", "another", "a third")[n * n % 3])
    roles = guessed(written(tmp_path, columns, delimiter=";"))
    assert (roles.single["subject"], roles.single["body"]) == ("Subject", "Body")
    assert [found.name for found in roles.attributes] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_sorts_tickets_is_taken_for_nothing_that_came_later(tmp_path: Path, language: str) -> None:
    labels = names(SORTING, language)
    columns = {"Subject": subject, "Body": body}
    columns |= {name: lambda n, at=at: f"{at} {(n * n + n // (at + 2)) % 4}" for at, name in enumerate(labels)}
    roles = guessed(written(tmp_path, columns, delimiter=";"))
    assert [found.name for found in roles.attributes] == labels


@pytest.mark.parametrize("table", [AFTERWARDS, SORTING])
def test_every_concept_has_a_name_in_every_language(table: dict[str, tuple[str, ...]]) -> None:
    assert {concept for concept, told in table.items() if len(told) != len(LANGUAGES) or not all(told)} == set()


def test_objects_of_what_came_later_hold_nothing_to_predict(tmp_path: Path) -> None:
    columns = {"title": subject, "body": body, "labels": lambda n: ("bug", "docs", "idea")[n * n % 3]}
    later = ("reactions.+1", "reactions.heart", "aggregatetimespent", "fields.progress.percent", "votes.votes")
    columns |= dict.fromkeys(later, lambda n: n * n % 3)
    assert [found.name for found in guessed(written(tmp_path, columns)).attributes] == ["labels"]
