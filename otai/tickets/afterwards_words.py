"""Words in the names of columns that say what is known only once someone has worked on a ticket, in eight languages."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


AFTERWARDS = frozenset(
    _words(
        # English: resolving and closing
        "resolution resolutions resolved resolver solution solutions solved solving close closed closing closer "
        "closure completed completion finished outcome rootcause workaround fixversion "
        # answers and notes
        "answer answered answers reply replies replied response responses responded worknotes worknote worklog notes "
        "note internal followup followups log publiclog privatelog journal journals history comments interactions "
        "interaction stations "
        # judged later
        "satisfaction survey surveys csat nps ces rating ratings score feedback evaluation breach breached breaches "
        "violated violation overdue escalated escalation escalations reopen reopens reopened reopenings missed "
        # counted and measured
        "count counts counter counted minutes hours hrs inmin inminutes inhours duration durations elapsed spent "
        "worked tracked logged accounted effort metric metrics statistics stats statistic backlog age aging "
        # touched later
        "updated updatedby updatedon updatedat modified modifiedby modifiedon changed changedby lastupdated "
        "lastmodified last latest viewed merged linked lock firstlock unlock due duedate deadline template macro "
        "tto ttr mttr frt fcr aht happiness elapsed sla_status compliance noncompliant transfers transferred "
        "reassigned reassignment reassignments reassign handled sentiment touches hops "
        "interaktionen interacciones interacoes interazioni interacties interakcje "
        # German
        "loesung loesungen loesungstext geloest erledigt erledigung abschluss abgeschlossen geschlossen schliessung "
        "beendet antwort antworten beantwortet rueckmeldung notiz notizen bemerkung bemerkungen kommentare verlauf "
        "historie protokoll nachverfolgung zufriedenheit bewertung umfrage verletzt ueberfaellig ueberschritten "
        "eskaliert eskalation wiedereroeffnet anzahl dauer aufwand minuten stunden bearbeitungszeit loesungszeit "
        "reaktionszeit zeiteinheit zeiteinheiten abgerechnet abgerechnete sperre alter "
        "aufgewendete aufgewendet gebucht aktualisiert aktualisierung geaendert aenderung letzte letzter "
        "letztes zuletzt faellig faelligkeit abgabedatum vorlage ergebnis massnahme massnahmen neuzuweisungen "
        "weiterleitungen bearbeitet "
        # French
        "resolu resolue reponse reponses cloture cloturee ferme fermee fermeture termine terminee suivi suivis "
        "commentaires satisfactionclient enquete evaluationclient depasse depassee retard escalade rouvert reouverture "
        "reouvertures nombre duree tempspasse modifie modifiee misajour miseajour derniere dernier echeance "
        # Spanish
        "resolucion resuelto resuelta solucion solucionado respuesta respuestas cerrado cerrada cierre terminado "
        "seguimiento notas comentarios satisfaccion encuesta valoracion calificacion incumplido incumplimiento vencido "
        "vencida escalado escalada reabierto cantidad duracion reapertura reaperturas tiempoinvertido tiempodedicado "
        "minutos horas modificado actualizado actualizacion ultimo ultima vencimiento coste reasignaciones "
        # Italian
        "risoluzione risolto risolta soluzione risposta risposte chiuso chiusa chiusura completato completata note "
        "seguito commenti soddisfazione sondaggio valutazione violato violata scaduto scaduta scadenza riaperto "
        "numerodi conteggio durata tempoimpiegato ore minuti modificato aggiornato aggiornamento ultimo ultima esito "
        "costo "
        # Dutch
        "afsluiting afmelding afgemeld oplossing opgelost oplosser antwoord antwoorden reactie reacties gesloten "
        "sluiting afgesloten afgerond "
        "afgehandeld gereed notitie notities opmerkingen logboek geschiedenis tevredenheid enquete beoordeling "
        "overschreden verlopen geescaleerd heropend aantal duur bestede doorlooptijd minuten uren gewijzigd bijgewerkt "
        "laatste vervaldatum streefdatum "
        # Polish
        "rozwiazanie rozwiazano rozwiazany rozwiazal odpowiedz odpowiedzi zamkniecie zamknieto zamkniety zamkniete "
        "zakonczono zakonczenie notatka notatki komentarze historia satysfakcja ankieta ocena przekroczono "
        "przekroczony przeterminowane eskalacja eskalowano ponownieotwarte liczba ilosc czas trwania minuty godziny "
        "zmodyfikowano zaktualizowano aktualizacja ostatni ostatnia ostatnio aktualizacji modyfikacji zamkniecia "
        "rozwiazania zakonczenia zmiany eskalacji oceny ankiety realizacji rozwiazane zakonczone koszt wykonania "
        # Portuguese
        "resolucao resolvido resolvida solucao solucionado resposta respostas fechado fechada fechamento encerrado "
        "encerrada encerramento concluido concluida conclusao notas acompanhamento satisfacao pesquisa avaliacao "
        "violado violada atrasado vencido reaberto quantidade duracao tempogasto modificado atualizado atualizacao "
        # Said in more ways, language by language.
        "loesungscode loesungsweg schliesscode befragung gerissen verspaetet verspaetung wiedereroeffnung "
        "wiedereroeffnungen umverteilungen durchlaufzeit bearbeitungsdauer zeitaufwand erstreaktion erstantwort "
        "erstantwortzeit sondage reaffectation reaffectations reattribution reattributions transferts gradimento "
        "riapertura riaperture riassegnazione riassegnazioni trasferimenti afsluitcode sluitcode afmeldcode sluitreden "
        "geschonden achterstallig heropening heropeningen hertoewijzing hertoewijzingen doorsturingen overdrachten "
        "oplostijd behandeltijd afhandeltijd reactietijd responstijd tijdsbesteding zamknal zadowolenie przekroczone "
        "przekroczona zmodyfikowane zmodyfikowal zaktualizowane zaktualizowal zmienione zmienil przekazania estourado "
        "estourada descumprido descumprida reatribuicao reatribuicoes reencaminhamentos "
        "ultima reabertura reaberturas custo encerramentos transferencias done votes revision revisions fixversions "
        "satisfied zufrieden satisfait satisfecho soddisfatto tevreden zadowolony satisfeito "
        "numberof madesla slamet metsla withinsla insla slaerfuellt slaeingehalten"
    )
)
"""Known only once someone has worked on a ticket: how it ended, how long it took, how it was liked, who touched it
last."""
AFTERWARDS_PAIRS = frozenset(
    _words(
        "conversationparts tempogasto workphone closenotes closecode closingnotes internalnotes internalnote "
        "agentreply firstresponse timespent timetracked timeworked timeleft timeunit timeunits workratio "
        "timeestimated timeto dauerin "
        "spenttime estimatedtime timeestimate remainingwork estimatedeffort geschaetzteraufwand internenotitie "
        "internenotiz tempspasse "
        "holdreason pendingreason wartegrund loesungsart "
        "percentdone doneratio waitingsince updatedby changedby gesamtzeit waittime replytime handletime firstreply "
        "tiempode tempode remainingestimate originalestimate abschlusskommentar resolveby respondby misajour slastatus "
        "datumgereed miseajour afgehandelddoor datetraitement "
        "handlingtime turnaroundtime leadtime cycletime aggregatetimespent aggregatetimeestimate aggregateprogress "
        "aggregatetimeoriginalestimate slaverletzung slagerissen zuspaet neugeoeffnet gebuchtezeit erfasstezeit "
        "erstereaktion slanonrespecte depassementsla depassementdusla tempsdetraitement tempsconsacre heurespassees "
        "tempsdetravail conretraso tiempotrabajado violazionesla slasuperato slanonrispettato inritardo tempodi "
        "tempidi tempospeso tempodedicato tempolavorato slanietgehaald slaoverschrijding overschrijdingsla telaat "
        "overtijd gewerktetijd aangepastdoor przekroczeniesla naruszeniesla slanaruszone poterminie ponowneotwarcie "
        "ponowneotwarcia ponownychotwarc ponowneprzypisania ponownychprzypisan violacaosla violacaodesla ematraso "
        "tempotrabalhado tempodespendido alteradopor"
    )
) | frozenset(
    # Where somebody is reached at work, which the desk looks up.
    _words(
        "worktelephone officephone officetelephone businessphone businesstelephone telefondienstlich diensttelefon "
        "dienstlichetelefonnummer telefongeschaeftlich geschaeftstelefon telefonbuero buerotelefon telefonarbeit "
        "telephoneprofessionnel telprofessionnel telephonebureau telephonedubureau telephonetravail telephoneautravail "
        "telefonoufficio telefonodiufficio telefonodellufficio telefonolavoro telefonodilavoro telefonoaziendale "
        "telefonotrabajo telefonodetrabajo telefonodeltrabajo telefonooficina telefonodeoficina telefonolaboral "
        "telefoonwerk werktelefoon telefoonzakelijk zakelijketelefoon zakelijktelefoonnummer telefonsluzbowy "
        "sluzbowytelefon telefondopracy telefonpraca telefonwpracy telefonecomercial telefonetrabalho "
        "telefonedotrabalho telefonedetrabalho telefoneprofissional telefonedoescritorio"
    )
)
AFTERWARDS_NAMES = frozenset(
    _words(
        "late verzug arbeitszeit echu echue retard retraso retrasado ritardo questionario indagine overschrijding "
        "opoznione opoznienie spoznione spoznienie atraso inquerito"
    )
)
"""The same as the whole name of a column; within a longer one they say what a ticket is about (reason for being
late)."""
LATER_OBJECTS = frozenset(
    _words("reactions votes watches progress aggregateprogress worklog timetracking statistics metrics slametrics")
)
"""Objects of a JSON document of which every field came later: `reactions.+1` of GitHub."""
NAME_THINGS_TOO = frozenset(
    _words(
        "answer answers reply response responses follow followup internal note notes log history feedback template "
        "macro linked compliance interaction interactions comments cost "
        "antwort antworten rueckmeldung notiz bemerkung verlauf historie protokoll nachverfolgung vorlage "
        "reponse reponses suivi suivis commentaires respuesta respuestas seguimiento comentarios coste "
        "risposta risposte seguito commenti costo antwoord reactie reacties notitie logboek geschiedenis "
        "odpowiedz notatka historia koszt resposta respostas acompanhamento custo"
    )
)
"""Of these words those that as often name what a desk is asked about or who answers it: a response team, a type of
feedback, a request's template. Such a name alone tells nothing where open tickets have the same values."""
RESOLVING = frozenset(
    _words(
        "resolver resolution resolutions solver solution solutions response loesung oplosser oplossing resolucion "
        "solucion risoluzione soluzione rozwiazania rozwiazanie resolucao solucao"
    )
)
UNITS = frozenset(
    _words(
        "group team queue desk squad gruppe groupe grupo gruppo groep grupa equipe equipo squadra zespol "
        "warteschlange wachtrij cola coda fila kolejka"
    )
)
"""The group that is to resolve a ticket (resolver group, equipe de resolution) is chosen when it comes in."""
