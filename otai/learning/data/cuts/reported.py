"""Lines in which a customer reports what a machine said: error codes, exceptions, addresses in memory. They are the
customer's words, however often they recur, and mostly what tells a ticket's label."""

from __future__ import annotations

import re

_ERRORS = (
    r"errors?|errno|fehler(?:code|meldung|nummer)?|erreurs?|errore|errori|fout(?:code|melding)?|b[łl][ąe]du?|erros?|"
    r"exceptions?|ausnahme|traceback|exit code|stop code|return code|status code|fatal|segfault|kernel panic|bluescreen"
)
_REPORTED = re.compile(
    rf"\b(?:{_ERRORS})\b|\b0x[0-9a-f]{{2,}}|\b\w{{2,60}}(?:Exception|Error)\b|"
    r"\b(?:HTTP|SMTP|ORA|SQLSTATE|WSAE|EVENT ID)[-_ :/]?\d|"
    r"\b[A-Z]{1,6}_[A-Z0-9_]{3,}\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b",
    re.IGNORECASE,
)
_OF_THE_DESK = re.compile(
    r"\b(?:tickets?|case|vorgang\w*|incident|request|queue|warteschlange|routed|routing|assigned|dossier|demande|caso|"
    r"solicitud|pratica|richiesta|segnalazione|melding|aanvraag|zg[łl]oszeni\w+|chamado|protocolo|ref|"
    r"referen[cz]\w*|our sign|unser zeichen|bereich|fachbereich|abteilung|sachgebiet|zuständig\w*|bearbeiter\w*|team|"
    r"gruppe|group|department|desk|categor(?:y|ie|ia)|kategori[ea]|département|departamento|reparto|afdeling|dzia[łl]|grup[ao]|groupe|"
    r"gruppo|groep|equip[eo]|fila|coda|cola|wachtrij|kolejk\w+|formular|form|formulaire|formulario|modulo|formulier)\b|#\d",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d")


def reports(line: str) -> bool:
    """Whether the line says what a machine said."""
    return _REPORTED.search(line) is not None


def is_of_the_desk(line: str) -> bool:
    """Whether the line speaks of tickets and queues, as notes of a desk or its router do, with other numbers in each
    ticket."""
    return _OF_THE_DESK.search(line) is not None


def has_digits(line: str) -> bool:
    """Whether any digit stands in it."""
    return _DIGITS.search(line) is not None
