"""Names of stretches of time: what a sheet or a file is called that holds a month, a quarter, or simply the next
part."""

from __future__ import annotations

import functools
import re

from otai.tickets.column_names import folded

_LOCALES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")
_NEUTRAL = frozenset(
    [
        "q",
        "quarter",
        "quartal",
        "trimestre",
        "trimester",
        "kwartaal",
        "kwartal",
        "h",
        "halbjahr",
        "kw",
        "week",
        "woche",
        "semaine",
        "semana",
        "settimana",
        "weeknummer",
        "tydzien",
        *("this", "next", "last", "diese", "dieser", "naechste", "naechster", "letzte", "letzter", "cette", "ce"),
        *("prochain", "prochaine", "dernier", "derniere", "esta", "este", "proxima", "proximo", "questa", "questo"),
        *("prossima", "prossimo", "deze", "volgende", "ten", "nastepny", "proximo", "month", "monat", "mois", "mes"),
        *("mese", "maand", "miesiac", "year", "jahr", "annee", "ano", "anno", "jaar", "rok", "today", "heute"),
        "sheet",
        "tabelle",
        "blatt",
        "feuille",
        "hoja",
        "foglio",
        "blad",
        "arkusz",
        "planilha",
        "folha",
        "part",
        "teil",
        "partie",
        "parte",
        "deel",
        "czesc",
        "export",
        "data",
        "daten",
        "donnees",
        "datos",
        "dati",
        "gegevens",
        "dane",
        "dados",
        "tickets",
    ]
)


def is_period(value: str) -> bool:
    """Whether the name says no more than when, or which part: "March 2026", "2026-01", "Q1", "Sheet2", "Tickets 3"."""
    words = [folded(word) for word in re.findall(r"[^\W\d_]+|\d+", value)]
    return bool(words) and all(word.isdigit() or word in _NEUTRAL or word in _months() for word in words)


@functools.cache
def _months() -> frozenset[str]:
    from babel.dates import get_month_names

    names = {
        name
        for locale in _LOCALES
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for name in get_month_names(width, context, locale).values()
    }
    return frozenset({folded(name) for name in names} | {folded(name)[:3] for name in names})
