"""Names in the middle of a text where a word tells that a person follows: a title ("Frau Meier"), an introduction ("my
name is Anna Nowak"), the field of a form ("Ansprechpartner: Max Muster"), in eight languages.

Each takes time in proportion to the text: every repetition has a bound.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LETTERS = r"A-ZÀ-ÖØ-ÞĄĆĘŁŃŚŹŻČŠŽĐĞİŐŰŘŤĽ"
_PART = rf"[{_LETTERS}](?:[^\W\d_]{{1,24}}(?:['\u2019-][^\W\d_]{{1,24}}){{0,2}}|\.)"
_OF = r"(?:von|van|de|der|den|del|della|di|da|dos|du|zu|ter|ten)"
_CALLED = rf"(?:{_OF}[ ]){{0,2}}{_PART}(?:[ ](?:{_OF}[ ]){{0,2}}{_PART}){{0,2}}"
_TITLES = (
    r"(?:(?:Mrs?|Ms|Mme|Mlle|Sra?|Sig(?:\.ra)?|Dhr|Mevr|Dra?|Prof|[Dd]ott(?:\.ssa)?)\b\.?|M\.|"
    r"(?:[Hh]errn?|[Ff]rau|[Mm]onsieur|[Mm]adame|[Mm]ademoiselle|[Ss]eñor(?:a|ita)?|[Ss]ignora?|[Mm]eneer|"
    r"[Mm]evrouw|[Dd]e heer|[Pp]ani|[Pp]anią|[Pp]anem|Pan|[Pp]ana|[Pp]anu|[Ss]enhora?|"
    r"[Dd]oña|[Dd]on|[Dd]ona|[Dd]oktor)\b)"
)
_INTRODUCED = (
    r"(?:my name is|my name's|mein name ist|ich hei(?:ß|ss)e|je m['\u2019]appelle|mon nom est|me llamo|mi nombre es|"
    r"mi chiamo|il mio nome è|mijn naam is|ik heet|nazywam się|mam na imię|meu nome é|chamo-me|me chamo)"
)
_FIELDS = (
    r"(?:(?:full|first|last|family|given|contact|customer|user|employee)[ -]?name|surname|contact person|caller|"
    r"vorname|nachname|vor- und nachname|ansprechpartner(?:in)?|kontaktperson|anrufer(?:in)?|kundenname|"
    r"prénom|nom(?: de famille| complet| et prénom)?|interlocuteur|apellidos?|nombre(?: completo| y apellidos)?|"
    r"persona de contacto|"
    r"cognome|nome(?: e cognome| completo)?|referente|voornaam|achternaam|volledige naam|contactpersoon|"
    r"imię(?: i nazwisko)?|nazwisko|osoba kontaktowa|sobrenome|apelido|pessoa de contacto?)"
)
TOLD_NAME = re.compile(
    rf"(?:(?<![\w@.]){_TITLES}[ ]{{1,2}}(?:{_TITLES}[ ]{{1,2}})?|(?i:\b{_INTRODUCED})[ ]|"
    rf"(?i:^[^\w\n]{{0,4}}{_FIELDS})[ ]{{0,2}}:[ \t]{{0,4}}(?={_CALLED}[^\S\n]*$)|"
    rf"(?i:^[^\w\n]{{0,4}}(?:name|naam))[ ]{{0,2}}:[ \t]{{0,4}}(?={_PART}[ ]{_CALLED}[^\S\n]*$))"
    rf"(?!{_TITLES})(?P<value>{_CALLED})",
    re.MULTILINE,
)
"""`value` is the name, without what tells it."""
NO_PERSONS = _words(
    # What stands behind "Sr.", "Ms" and "Pan" and is no name: posts, programs, parts of the world.
    "manager director engineer developer analyst consultant architect administrator admin support specialist "
    "technician officer associate executive designer scientist editor partner vice "
    "teams word excel office outlook project access visio windows sql "
    "european american african pacific "
    "direktor direktorin doktor professor ingenieur minister präsident präsidentin kollege kollegin "
    "directeur directrice président présidente director directora dyrektor dyrektorze prezes kierownik "
    "diretor diretora direttore direttrice dottore dottoressa"
)
HINTS_OF_NAMES = (
    "mr", "mrs", "ms", "mme", "mlle", "m.", "sr", "sig", "dhr", "mev", "dr", "prof", "dott", "herr", "frau", "monsieur",
    "mad", "señor", "meneer", "de heer", "pan", "senhor", "doña", "don", "doktor", "name", "naam", "nazw", "nazyw",
    "imię", "nom", "prénom", "heiße", "heisse", "appelle", "llamo", "chiamo", "heet", "chamo", "contact", "kontakt",
    "caller", "ansprech", "anrufer", "interlocuteur", "apell", "cognome", "referente", "apelido",
)  # fmt: skip
"""A text without any of these (in lower case) has no such name."""
