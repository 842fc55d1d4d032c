"""Who wrote a message, the customer or the desk, as columns and keys of helpdesks say it."""

from __future__ import annotations

from otai.learning.data.language_names import folded


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WRITERS = {
    **dict.fromkeys(
        _words(
            "customer client user enduser requester requestor contact visitor lead kunde kundin cliente usuario "
            "utilisateur utente klant klient solicitante customerreply incoming inbound externalcustomer caller "
            "reporter"
        ),
        "customer",
    ),
    **dict.fromkeys(
        _words(
            "agent admin staff operator support team system bot note internal technician employee mitarbeiter "
            "bearbeiter agente operatore behandelaar medewerker message reply outgoing outbound private lineitem "
            "automation helpdesk servicedesk desk "
            # types of articles in an OTRS before version 6
            "noteinternal noteexternal notereport emailinternal emailnotificationext emailnotificationint"
        ),
        "desk",
    ),
}
"""What a column says about who wrote a message."""
INCOMING = frozenset(
    _words(
        "incoming inbound isinbound isincoming fromcustomer bycustomer iscustomer eingehend entrant entrante inkomend"
    )
)
OUTGOING = frozenset(
    _words(
        "outgoing outbound isoutbound isoutgoing fromagent byagent isagent isstaff fromstaff private isprivate "
        "internal isinternal ausgehend intern sortant saliente uitgaand"
    )
)
"""Columns that say yes or no to who wrote a message."""
_DIRECTIONS = frozenset(
    _words("direction richtung sens direccion direzione richting kierunek direcao messagedirection")
)
_IN_AND_OUT = {
    **dict.fromkeys(_words("in i received eingang inbound incoming entrada entrant ingresso"), "customer"),
    **dict.fromkeys(_words("out o sent ausgang outbound outgoing salida sortant uscita saida"), "desk"),
}
_YES, _NO = (
    frozenset(_words("true yes 1 y t ja oui si sim tak wahr vrai")),
    frozenset(_words("false no 0 n f nein non nie nao nee falsch faux")),
)


def writer_of(column: str, value: str) -> str | None:
    """Who wrote the message of a row ("customer" or "desk"), by the value of a column that says so; None where it does
    not."""
    said, name = folded(value), folded(column)
    if name in _DIRECTIONS and said in _IN_AND_OUT:
        return _IN_AND_OUT[said]
    if name in INCOMING and (said in _YES or said in _NO):
        return "customer" if said in _YES else "desk"
    if name in OUTGOING and (said in _YES or said in _NO):
        return "desk" if said in _YES else "customer"
    return WRITERS.get(said)
