"""What columns are called in the exports of helpdesks, in eight languages: the first clue to what a column is for.

Words are compared folded: lower case, umlauts written out, everything but letters and digits dropped ("Erstellt am" ->
"erstelltam"). A vocabulary holds whole names and parts of names; `ColumnName` says how well a column's name fits one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from otai.learning.data.language_names import folded, language_code
from otai.tickets.afterwards_words import AFTERWARDS, AFTERWARDS_PAIRS

__all__ = ["AFTERWARDS", "AFTERWARDS_PAIRS", "ColumnName", "folded", "is_bare_number", "language_code", "name_of"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SUBJECT = _words(
    "subject betreff betreffzeile onderwerp asunto objet oggetto temat assunto sujet shortdescription kurzbeschreibung "
    "summary zusammenfassung korteomschrijving samenvatting resumen resume breveddescrizione descrizionebreve "
    "descripcioncorta descricaobreve krotkiopis resumo ticketsubject emailsubject mailsubject thema ueberschrift "
    "headline title titel titre titulo titolo tytul intestazione kurztext stichwort betrefftext onderwerpregel"
)
"""From the surest to the weakest: a title may also be a person's."""
BODY = _words(
    "description descriptiontext beschreibung body text "
    "message nachricht omschrijving beschrijving descripcion descrizione descricao "
    "opis tresc wiadomosc content inhalt inhoud contenido contenu contenuto conteudo mensaje messaggio mensagem "
    "bericht texte texto testo tekst cuerpo corpo corps ticketbody ticketdescription emailbody mailbody mailtext "
    "mailinhalt tickettext messagebody plaintext bodytext fulltext question frage pregunta domanda vraag pergunta "
    "pytanie utterance anfrage anfragetext anliegen details detail detalle dettagli longdescription langbeschreibung "
    "problem problema probleme probleem problembeschreibung fehlerbeschreibung stoerungsbeschreibung complaint "
    "beschwerde klacht reclamation reclamo consumercomplaintnarrative customermessage kundennachricht firstmessage "
    "narrative sentence document query request issue email mail problemtext articletree articles desc transcript "
    "chattranscript chatverlauf gespraechsverlauf transcription transcripcion trascrizione transkrypt preview "
    "firstusermessage "
    "kundentext meldetext freitext langtext tekstzgloszenia tresczgloszenia conteudodamensagem vraagstelling "
    "verbatim customercomment customercomments kundenkommentar commentaireclient commentaireduclient "
    "comentariocliente comentariodelcliente commentocliente commentodelcliente klantopmerking komentarzklienta "
    "comentariodocliente"
)
"""From the surest to the weakest."""
COMMENT = _words("comment kommentar comentario commentaire commento opmerking komentarz")
"""A text where nothing else is one; beside another it is a later answer."""
COMMENTS = frozenset(
    _words(
        "comments kommentare commentaires comentarios commenti opmerkingen komentarze reply replies answer answers "
        "response responses antwort antworten reponse reponses respuesta respuestas risposta risposte antwoord "
        "antwoorden odpowiedz odpowiedzi resposta respostas note notes notiz notizen posts entry entries beitrag"
    )
)
"""Texts where each row is one of them."""
NOTES = frozenset(
    _words(
        "notes note detailedescription notiz notizen bemerkung bemerkungen notas note opmerkingen remarques remarks "
        "annotazioni uwagi observacoes observaciones"
    )
)
"""What the customer wrote, or what was written later: their words decide."""
SURE_TEXTS = frozenset(
    _words(
        "subject betreff onderwerp asunto objet oggetto temat assunto ticketsubject emailsubject mailsubject "
        "shortdescription body text description beschreibung message nachricht omschrijving descripcion descrizione "
        "descricao opis ticketbody tickettext ticketdescription emailbody mailtext"
    )
)
"""These are texts whatever stands in them, even where senders choose among a few standard subjects."""
LANGUAGE = _words(
    "language lang sprache locale languagecode sprachcode ticketlanguage langue idioma lingua taal jezyk kundensprache"
)
CREATED = _words(
    "issuedate dateissued "
    "created createdat createdon createdtime createdate createddate datecreated creationdate creationtime createtime "
    "dateopened opened openedat openedon opendate openingdate opentime datetimeopened submitted submittedat submitdate "
    "received receivedat receiveddate reported reportedat reportdate loggedat loggedon logdate registered "
    "registeredat registeredon entered enteredat raised raisedat "
    "meldezeitpunkt gemeldet meldungsdatum erfasst erfasstam erfassungsdatum aufgenommen fechaalta fechadealta "
    "registrado "
    "registrada registradoem registrato registratoil geregistreerd geregistreerdop datumaanmelding aangemeldop "
    "zarejestrowano datarejestracji enregistrele dateenregistrement erstellt erstelltam erstellungsdatum erstelldatum "
    "erstellungszeit angelegt angelegtam anlagedatum eingang eingangsdatum eingegangen eingegangenam eroeffnet "
    "eroeffnetam eroeffnungsdatum gemeldetam meldedatum aangemaakt aangemaaktop aanmaakdatum gemeld gemeldop ontvangen "
    "ontvangenop geopend geopendop creado creadoel fechacreacion fechadecreacion fechaapertura fechadeapertura abierto "
    "recibido cree creele datecreation datedecreation dateouverture ouvertle recule creato creatoil datacreazione "
    "datadicreazione datadiapertura dataapertura aperto ricevuto criado criadoem datacriacao datadecriacao "
    "dataabertura datadeabertura aberto recebido utworzono datautworzenia dataotwarcia otrzymano zgloszono "
    "datazgloszenia dataprzyjecia ticketcreated ticketcreatedat dateofcreation syscreatedon startdate timestamp "
    "zeitstempel czasutworzenia utworzenia horadecreacion horacreacion heuredecreation heurecreation oradicreazione "
    "aanmaaktijd horacriacao czaszgloszenia utworzone utworzony utworzona "
    "zgloszone dodano datadodania datawplywu aangemeld datumaangemaakt "
    "invoerdatum registratiedatum ontvangstdatum datereception datedereception dateenvoi datedenvoi "
    "dateetheuredecreation "
    "fecharegistro fechaderegistro fechahoraregistro fecharecepcion fechaderecepcion fechaingreso fechadeingreso "
    "datainserimento datadiinserimento datasegnalazione datadellasegnalazione dataricezione dataregistro "
    "dataderegistro "
    "dataderegisto dataentrada datadeentrada meldezeit eingangszeit posteingang ticketdatum sentat senton sent "
    "loggeddate datelogged creationlog "
    "gesendet gesendetam envoyele enviadoel inviatoil verzondenop wyslano enviadoem started startedat begonnen "
    "date datum fecha data datetime time zeit"
)
_TICKET_THINGS = _words(
    "ticket case incident request issue call vorgang fall stoerung anfrage meldung melding verzoek zaak aanvraag "
    "incidente caso chamado solicitacao ocorrencia pedido zgloszenie zgloszenia sprawy sprawa demande richiesta "
    "segnalazione solicitud incidencia incidencias dossier intervention conversation"
)
_NUMBERS = _words(
    "number nummer key schluessel kennung nr no n num numero numer cle clave chiave sleutel klucz chave reference "
    "referenz referencia riferimento referentie ref code codice codigo kod "
    "identyfikator identificador identifiant identificativo identificatie #"
)


def _numbered(things: Iterable[str], numbers: Iterable[str]) -> tuple[str, ...]:
    """What a number of such a thing is called, in either order and with what languages put between (Vorgangsschluessel,
    numero de caso)."""
    return tuple(
        name
        for number in numbers
        for thing in things
        for name in (
            *(thing + between + number for between in ("", "s")),
            *(number + between + thing for between in ("", "de", "du", "del", "di", "do", "da", "der")),
        )
    )


TICKET = _numbered(_TICKET_THINGS, _NUMBERS) + _words(
    "idreadable "
    "ticketnumber ticketno ticketnr ticketnummer issuekey caseno casenumber incidentnumber incidentno requestnumber "
    "vorgangsnummer fallnummer meldingsnummer meldingnummer zaaknummer numerozgloszenia nrzgloszenia numeroticket "
    "numerodeticket numerodecaso numerochamado protocolo displayid ticketid caseid incidentid requestid issueid "
    "conversationid ref reference referenz referentie referencia riferimento key number numero nummer numer no nr num "
    "ticket case incident vorgang fall vorgangsid zaak melding chamado zgloszenie id uuid guid externalid tn callid "
    "issue messageid chatid code codice codigo index rowid zeile n slug permalink srnumber sr servicerequestnumber "
    "workordernumber workorder wonumber auftragsnummer auftragsnr aktenzeichen kennung laufnummer lfdnr belegnummer "
    "bearbeitungsnummer beschwerdenummer identifiant numerodappel folio expediente idincidencia idcaso radicado "
    "npratica numeropratica protocollo volgnummer kenmerk idzgloszenia identyfikator sygnatura lp numerticketu "
    "numerodoprocesso numeroprocesso unnamed0"
)
"""From the one that people know a ticket by to the one that only machines do."""
REPEATED_TICKET = (
    frozenset(_numbered(_TICKET_THINGS, ("id",)))
    | frozenset(TICKET[: TICKET.index("no") + 3])
    | frozenset(("ticket", "case", "incident", "tn", "vorgang", "id", "issue"))
)
OTHER_THINGS = frozenset(
    _words(
        "article comment message requester customer contact organization organisation company account user author "
        "agent assignee owner group team artikel kommentar nachricht kunde kontakt firma benutzer gruppe mailbox brand "
        "form parent state status priority category external sys entry cliente usuario utilisateur client utente klant "
        "gebruiker klient uzytkownik article_id creator submitter"
    )
)
"""An id with such a word is not the ticket's."""
THREAD = _words(
    "threadid thread conversationid conversation mailthread threadindex conversationindex threadkey gmthrid "
    "discussionid "
    "unterhaltungsid unterhaltung conversacion conversazione conversatie gespreksid konwersacja watek conversa chatid"
)
"""What messages of one conversation share."""
BARE_NUMBERS = frozenset(
    _words(
        "id number nummer nr no num key index seq sequence sequenz position pos order rank step turn numero numer "
        "volgnummer reihenfolge lfdnr laufnummer lp kolejnosc orden ordre ordem ordine volgorde rowid uid line zeile"
    )
)
"""A number, and not of what."""
SPLIT = _words("split set partition subset fold datasplit aufteilung")

STATUS = frozenset(
    _words(
        "stand "
        "status state ticketstatus ticketstate bearbeitungsstand statuscategory currentstatus estado statut etat stato "
        "stan zustand situacao resolved closed pendingreason holdreason folderid idlist"
    )
)
"""Changes while a ticket is worked on, so its last value is no decision about a new one. Help Scout's folders are
"mine", "assigned" and "closed", Trello's lists the columns of a board."""
PERSON = frozenset(
    _words(
        "name firstname lastname fullname vorname nachname surname givenname customer customers customername "
        "customeremail kunde kunden kundenname requester requesters requestor requestors requestername requesteremail "
        "reporter caller melder anmelder anrufer absender sender from von to an cc bcc emailaddress phone phones "
        "mobile telefon "
        "telephone handy fax user username userid benutzer benutzername contact contacts kontakt ansprechpartner "
        "submitter submittedby opener openedby creator createdby author autor autore auteur ersteller solicitante "
        "remitente contacto usuario cliente demandeur expediteur utilisateur client appelant richiedente mittente "
        "utente contatto aanvrager aanmelder afzender gebruiker klant melderid zglaszajacy nadawca uzytkownik klient "
        "kontakt remetente usuario contato login email emails mail iban address adresse anrede salutation anfragender "
        "anfragenden anfragende antragsteller antragstellers anforderer auftraggeber requerant requerante demandante "
        "wnioskodawca requisitante birthday geburtsdatum collaborators followers watchers watcher beobachter "
        "observateurs observateur abonnes observadores osservatori volgers obserwatorzy seguidores rapporteur createur "
        "creadopor creadapor criadopor criadapor creepar creatoda aangemaaktdoor utworzoneprzez utworzonyprzez "
        "erstelltvon angelegtvon gemeldetvon reportadopor signalepar segnalatoda gemelddoor zgloszoneprzez openedby "
        "reportedby raisedby submittedby abiertopor abertopor ouvertpar apertoda "
        "informador informante relator segnalatore rapporteerder creador criador creatore "
        "participants recipient recipients empfaenger toaddress visitor visitors besucher visiteur visitante "
        "visitatore "
        "bezoeker correo correoelectronico telefono telefoon telefone telefonu telemovel mobiltelefon "
        "mobilnummer handynummer cellulare mobielnummer fromname fromaddress sendername senderaddress absendername"
    )
)
"""Who sent the ticket: about people, and known already."""
SURE_PERSON = PERSON - frozenset(_words("name from von to an cc email emails mail address adresse user"))
NAME_PARTS = frozenset(
    _words(
        "firstname lastname surname vorname nachname givenname prenom nom nombre apellido apellidos cognome voornaam "
        "achternaam imie nazwisko sobrenome fullname nomcomplet nombrecompleto nomecompleto volledigenaam"
    )
)

FOLDER = "folder"
"""The column made of the folders that mails lie in."""
SHEET = "Sheet"
"""The column made of the names of a workbook's sheets."""
GROUP = "Group"
"""The column made of the names that stand above groups of rows."""
ORDERED = frozenset(
    _words(
        "priority prioritaet prio priorite prioridad priorita prioriteit priorytet prioridade urgency dringlichkeit "
        "urgence urgencia urgenza urgentie pilnosc impact auswirkung impacto impatto wplyw severity schweregrad "
        "gravite severidad gravedad gravita ernst waga severidade ticketpriority sla slalevel risk risiko "
        "escalationlevel sev"
    )
)
MULTI = frozenset(
    _words(
        "tags tag labels label keywords keyword schlagworte schlagwort schlagwoerter stichworte stichwort topics topic "
        "themen etiketten components component komponenten categories kategorien products produkte skills intents "
        "issues areas etiquetas etiqueta etiquettes etiquette etichette etichetta stichwoerter schlagwoerter "
        "schlagworte marcadores marcador palavraschave palabrasclave parolechiave slowakluczowe trefwoorden tagi "
        "etykiety etykieta motscles categorias categorie kategorie marqueurs marqueur balises znaczniki "
        "componenti componentes composants onderdelen komponenty"
    )
)
BLANK_SEPARATED = frozenset(
    _words(
        "tags tag keywords keyword schlagworte schlagwoerter stichworte etiquetas etiquettes etichette trefwoorden "
        "tagi etykiety marcadores motscles stichwoerter palavraschave palabrasclave parolechiave marqueurs balises "
        "znaczniki"
    )
)
AGENT = frozenset(
    _words(
        "operator tech "
        "assignee assignees assignedto assigned agent owner bearbeiter zustaendig zustaendiger zugewiesen zugewiesenan "
        "sachbearbeiter agentassigned adminassignee technician techniker asignado asignadoa responsable agente "
        "propietario assigne assignea technicien assegnato assegnatoa responsabile operatore behandelaar toegewezenaan "
        "eigenaar przypisany przypisanydo wlasciciel atribuido atribuidoa responsavel proprietario caseowner "
        "verantwortlich verantwortlicher affecte affectea affecteea attribue attribuea traitepar gestionnaire "
        "intervenant assignadoa encargado tecnico atendente operador przypisane zugewiesener beheerder solver "
        "adminassignee responder besitzer inhaber betreuer zugewiesene zugewieseneperson odpowiedzialna odpowiedzialny "
        "osobaodpowiedzialna opiekun realizator wykonawca teammate teammateassigned encargadode responsabel designado "
        "agentedesignado encharge assegnatario assegnata incaricato toegewezen "
        "toegewezenpersoon asignada personaasignada assignee personneassignee atribuida pessoaatribuida przypisana "
        "osobaprzypisana "
        "ownedby handler casehandler representative supportrep specialist analyst engineer staff responsible "
        "responsibleperson personresponsible incharge coordinator advisor adviser supporter primaryresource clerk "
        "zugeordnet zugeordnetan zugeteilt zugeteiltan berater kundenberater verantwortung verantwortliche "
        "verantwortlicheperson zustaendigeperson bearbeitendeperson bearbeitungdurch sachbearbeitung agentin "
        "zuweisung uebernommenvon zustaendigkeit ausfuehrender koordinator fachkraft "
        "chargedeclientele referent prisenchargepar conseiller operateur proprietaire traitant "
        "gestor analista asesor atendidopor especialista ejecutivo "
        "addetto referente incaricoa presoincaricoda consulente gestore "
        "verantwoordelijke uitvoerder monteur inbehandelingbij "
        "serwisant konsultant osobaprowadzaca technik przydzielonodo obslugujacy executor ownerstaff ownerstaffname"
    )
)
SORTING = (
    frozenset(
        _words(
            "mesadeayuda mesadeservicio mesadeservicios "
            "folder ordner queue warteschlange wachtrij cola coda kolejka fila filedattente category kategorie "
            "subcategory subsystem item level "
            "unterkategorie categorie categoria kategoria sottocategoria sousclasse subcategoria subcategorie rubriek "
            "type typ tipo soort rodzaj tickettype ticketart art issuetype requesttype tracker group gruppe groupe "
            "grupo gruppo groep grupa assignmentgroup bearbeitergruppe supportgroup supportgruppe team teams equipe "
            "equipo squadra zespol teamassigned teamassignee assignedgroup assignedteam department abteilung "
            "departement departamento reparto dipartimento afdeling dzial setor area bereich product produkt produit "
            "producto prodotto produto service dienst servicio servizio servico usluga businessservice module modul "
            "modulo pipeline categorization categorisation kategorisierung categorizacion categorizacao "
            "categorizzazione classification klassifizierung classificatie areapath arearoute sheet intent class "
            "klasse classe clase label topic helptopic topico tema nature natureza natura naturaleza tipologia "
            "tipologie "
            "classifications typologie squad desk helpdesk thema reason casereason grund motif motivo reden powod "
            "skill "
            "specialty queuename subject_area component komponente businessunit topicname concern fachbereich "
            "issue subissue subjectmatter sachgebiet fachgebiet themengebiet gebiet gewerk sparte anlass driver "
            "routing routedto dispatchedto composant composants componente componentes componenti komponent gravidade "
            "istotnosc argomento obszar gebied domaine"
        )
    )
    | ORDERED
    | MULTI
    | AGENT
) - frozenset(("sla", "slalevel"))
"""What sorts tickets, and is therefore worth predicting."""
REASONS = frozenset(_words("reason reasons grund anlass motif motivo motivos reden powod driver"))
"""Why somebody got in touch sorts tickets, though the name may speak of a person (contact reason)."""
KNOWN_BEFORE = frozenset(
    _words(
        "channel kanal canal canale kanaal source quelle origin ursprung herkunft fonte origine origen via contacttype "
        "create_article_type country land region location standort site ort locatie lokalizacja ubicacion localisation "
        "posizione localizacao company firma organization organisation organizacion societe azienda bedrijf account "
        "accountname mandant client brand marke language project projekt projet proyecto progetto projeto environment "
        "umgebung version timezone entity entidad domain sla slalevel contract vertrag contrat contrato contratto "
        "private privat recipient form sensitivity vertraulichkeit associationtype kontakttyp kontaktart kontaktweg "
        "configurationitem cmdbci ci konfigurationselement elementdeconfiguration elementodeconfiguracion "
        "elementodiconfigurazione configuratieitem elementkonfiguracji itemdeconfiguracao "
        "lieu sede eingangskanal medium inbox mailbox portal vip site binnenkomst"
    )
)
"""Known of a ticket when it comes in, so there is no need to predict it."""
ATTRIBUTE = SORTING | KNOWN_BEFORE
CHANNELS = frozenset(
    _words(
        "email mail emails phone call telephone telefon telefonisch telephonisch telefono telefone telefoon "
        "telefonicznie "
        "anruf chat livechat livechatwidget web webform webformular formular form formulario formulaire formulier "
        "portal "
        "portail portale kundenportal selfservice selfserviceportal api sms whatsapp facebook twitter instagram "
        "messenger walkin inperson persoenlich vorort fax brief post letter correo correoelectronico courriel posta "
        "postaelettronica widget feedbackwidget forum social socialmedia monitoring event website sitio sitoweb intake "
        "appel chiamata llamada ligacao telefonata balie loket manual manuell"
    )
)
"""How a ticket came in, as values of a column that is called a type."""

SPLIT_VALUES = {
    "train": "train", "training": "train", "trn": "train", "valid": "train", "validation": "train", "val": (
        "train"
    ), "dev": (
        "train"
    ),
    "development": "train", "test": "test", "testing": "test", "tst": "test", "eval": "test", "evaluation": (
        "test"
    ), "holdout": (
        "test"
    ),
}  # fmt: skip
"""What a split column says, and what we make of it. Validation rows teach too: we choose our own inside the training
part."""

_WRAPPERS = frozenset(
    (
        "nodes",
        "edges",
        "items",
        "nom",
        "nomcomplet",
        "nome",
        "nomecompleto",
        "nombre",
        "nombrecompleto",
        "naam",
        "volledigenaam",
        "nazwa",
        "vollstaendigername",
        "dynamicname",
        "displayvalue",
        "formatted",
        "value",
        "name",
        "displayname",
        "label",
        "fullname",
        "title",
        "text",
        "key",
        "id",
        "email",
        "login",
        "username",
        "handle",
    )
)
"""Last parts of a path that say nothing by themselves: group.name is the group."""
CONTAINERS = frozenset(
    (
        "fields",
        "source",
        "ticket",
        "helpdeskticket",
        "issue",
        "conversation",
        "embedded",
        "customfields",
        "customfield",
        "cf",
        "data",
        "attributes",
        "record",
        "item",
    )
)
_PATH = re.compile(r"(?<!\s)\s++->\s*+|->\s*+|\.(?=\S)|(?<!\s)\s++-\s++|:\s*+\(|/(?=.{4})|::")
_CUSTOM_FIELD = re.compile(
    r"^(?:custom[ _]?field|benutzerdefiniertes feld|champ personnalisé|champs personnalisés|campo personalizado|"
    r"campo personalizzato|aangepast veld|pole niestandardowe)[ _]*\((.*)\)$",
    re.IGNORECASE,
)
_SHOWN_BESIDE = re.compile(r"@OData\.Community\.Display\.V1\.FormattedValue$")
"""Dynamics writes what people read of a code beside it."""
_CASE_OF_A_CUSTOMER = re.compile(r"\bkundenvorgangs?+(?=[ \w])", re.IGNORECASE)
"""What Salesforce calls a case in German: a word for tickets, not for who sent them."""
_SALESFORCE = re.compile(r"__(?:pc|c|r)$", re.IGNORECASE)
"""What Salesforce puts behind fields that a customer made."""
_RUN_TOGETHER = re.compile(
    r"(is)?(last)?(modified|created|updated|closed|owner|contact|account|assigned|resolved|supplied|escalated)"
    r"(by|to)?(id|name|date|email)?",
    re.IGNORECASE,
)
_NAME_BEHIND = re.compile(r"(?!issue|item|area)([^\W\d_]{4,20}?)s?(name|title|id|naam|code|bezeichnung)", re.IGNORECASE)
"""departmentname, prioritytitle, departmentid, Prioritätscode: of what sorts tickets its name, number or code."""
_LINKED = re.compile(r"^_(\w+?)(?:id)?_value(?=$|\.)")
_CODED = re.compile(r"\b(case(?=type|origin))?(type|origin|priority|state|status|severity|impact|urgency)code\b")
_WORD = re.compile(r"[^\W\d_]+|\d+|[#%№]")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

SHORTEST_COMPOUND = 6
"""German and Dutch write compounds as one word: a vocabulary word this long counts at either end of it."""
SHORT_ENDS = frozenset(_words("groep team typ type soort thema queue klasse art grund"))
"""Shorter words that many compounds end in (Vorgangstyp, Hilfethema, Behandelaarsgroep)."""
_RANKS = frozenset(_words("tier level ebene stufe niveau livello nivel poziom"))
"""With a number behind a name they say which of several it is: Category Tier 2."""


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column's name, taken apart. `parts` are the words of each part of its path ("fields.summary" has two); `core`
    the words of the part that says what it holds (group of group.name)."""

    raw: str
    parts: tuple[tuple[str, ...], ...]
    core: tuple[str, ...]

    @property
    def folded(self) -> str:
        """The name without case, accents and separators."""
        return folded(self.raw)

    @property
    def words(self) -> tuple[str, ...]:
        """All its words, in their order."""
        return tuple(word for part in self.parts for word in part)

    @property
    def last(self) -> str:
        """Its last part written together; "" for a name without words."""
        return "".join(self.parts[-1]) if self.parts else ""

    def rank(self, vocabulary: Iterable[str]) -> tuple[int, int] | None:
        """How well the name fits, the smaller the better: (how, place in the vocabulary). How: 0 the whole name, 1 its
        end, 2 an end of a compound, 3 its beginning. None: not at all."""
        places = _places(vocabulary if isinstance(vocabulary, frozenset) else tuple(vocabulary))
        best: tuple[int, int] | None = None
        for how, candidate in self._candidates():
            place = places.get(candidate)
            if place is not None and (best is None or (how, place) < best):
                best = (how, place)
        if best is None and self.core:
            word = self.core[-1]
            for end in (word[at:] for at in range(3, len(word))):
                is_long = len(end) >= SHORTEST_COMPOUND or end in SHORT_ENDS
                if is_long and (place := places.get(end)) is not None:
                    best = min(best or (9, 0), (2, place))
        return best

    def fits(self, vocabulary: frozenset[str]) -> bool:
        """Whether the name says one of these words."""
        return self.rank(vocabulary) is not None

    def is_one_of(self, vocabulary: Iterable[str]) -> bool:
        """The whole name, or the part that says what it holds."""
        return self.folded in vocabulary or "".join(self.core) in vocabulary

    def mentions(self, words: frozenset[str], pairs: frozenset[str] = frozenset()) -> str | None:
        """The first of the words that stands anywhere in the name, alone, as two words in a row, or at either end of a
        compound."""
        for part in self.parts:
            for at, word in enumerate(part):
                if word in words:
                    return word
                for size in (2, 3):
                    if at + size <= len(part) and "".join(part[at : at + size]) in pairs:
                        return " ".join(part[at : at + size])
                if word in pairs:
                    return word
                if found := entry_of(word, words):
                    return found
        return None

    def _candidates(self) -> Iterable[tuple[int, str]]:
        yield 0, self.folded
        for words in dict.fromkeys((_unranked(self.core), self.core, self.parts[-1] if self.parts else ())):
            yield 0, "".join(words)
            for at in range(1, len(words)):
                yield 1, "".join(words[at:])
            for at in range(1, len(words)):
                yield 3, "".join(words[:at])


def _unranked(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without "tier 2", "level 1" or a number at the end."""
    kept = list(words)
    while len(kept) > 1 and (kept[-1].isdigit() or kept[-1] in _RANKS):
        kept.pop()
    return tuple(kept)


def name_of(raw: str) -> ColumnName:
    """The name taken apart; worked out once for each."""
    return _name_of(raw)


def is_bare_number(name: ColumnName) -> bool:
    """Whether the name says a number, and not of what."""
    return name.folded in BARE_NUMBERS or name.raw.strip() in ("#", "№")


def is_name_of_a_field(raw: str) -> bool:
    """Whether every word of it is one that helpdesks call an attribute by. So it is nothing that somebody wrote into a
    ticket, as any other name may be where a file's first ticket was taken for its header."""
    name = name_of(raw)
    words = [word for word in name.words if not word.isdigit() and word not in _RANKS]
    return name.folded in ATTRIBUTE or (bool(words) and all(word in ATTRIBUTE for word in words))


@functools.lru_cache(maxsize=10_000)
def _name_of(raw: str) -> ColumnName:
    text = _SALESFORCE.sub("", raw.strip())
    if (together := _RUN_TOGETHER.fullmatch(text)) is not None:
        text = " ".join(word for word in together.groups() if word)
    if (named := _NAME_BEHIND.fullmatch(text)) is not None and folded(named[1]) in ATTRIBUTE:
        text = f"{named[1]} {named[2]}"
    text = _CUSTOM_FIELD.sub(r"\1", _LINKED.sub(r"\1", _SHOWN_BESIDE.sub(".formatted", text)))
    text = _CASE_OF_A_CUSTOMER.sub("vorgang ", text)
    text = _CODED.sub(lambda found: f"{found[1] or ''} {found[2]}".strip(), text)
    text = re.sub(r" \(\d+\)'*$", "", text)
    parts = []
    for piece in _PATH.split(text):
        words = tuple(word for found in _WORD.findall(_CAMEL.sub(" ", piece)) if (word := folded(found) or found))
        if words:
            parts.append(words)
    if not parts:
        return ColumnName(raw, (), ())
    core = parts[-1]
    if len(parts) > 1 and "".join(core) in _WRAPPERS and "".join(parts[-2]) not in CONTAINERS:
        core = parts[-2]
    return ColumnName(raw, tuple(parts), core)


@functools.lru_cache(maxsize=64)
def _places(vocabulary: tuple[str, ...] | frozenset[str]) -> dict[str, int]:
    """Where each word stands; all in the first place where they have no order."""
    if isinstance(vocabulary, frozenset):
        return dict.fromkeys(vocabulary, 0)
    places: dict[str, int] = {}
    for place, word in enumerate(vocabulary):
        places.setdefault(word, place)
    return places


@functools.lru_cache(maxsize=10_000)
def entry_of(word: str, words: frozenset[str]) -> str | None:
    """The one of the words that a word of a name is, or that a compound has at either end."""
    if word in words or len(word) <= 2 * SHORTEST_COMPOUND:
        return word if word in words else None
    return next(
        (
            entry
            for entry in words
            if len(entry) >= SHORTEST_COMPOUND and (word.startswith(entry) or word.endswith(entry))
        ),
        None,
    )
