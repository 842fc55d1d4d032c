"""What columns are called in the exports of helpdesks, in English and German: the first clue to what a column is for.

Names are compared folded: lower case, umlauts written out, everything but letters and digits dropped ("Erstellt am" -> "erstelltam").
"""

from __future__ import annotations

import re

SUBJECT = ("subject", "betreff", "title", "titel", "summary", "zusammenfassung", "shortdescription", "kurzbeschreibung", "headline",
           "ticketsubject", "tickettitle", "emailsubject", "mailsubject", "thema", "ueberschrift")  # fmt: skip
BODY = ("body", "text", "description", "beschreibung", "message", "nachricht", "content", "inhalt", "ticketbody", "ticketdescription",
        "emailbody", "mailbody", "mailtext", "tickettext", "messagebody", "question", "frage", "utterance", "anfrage", "anfragetext",
        "anliegen", "details", "detail", "longdescription", "langbeschreibung", "comment", "kommentar", "request", "query", "sentence",
        "document", "complaint", "beschwerde", "issue", "problembeschreibung", "fehlerbeschreibung", "consumercomplaintnarrative",
        "customermessage", "ticketmessage", "kundennachricht", "firstmessage", "narrative", "email", "mail")  # fmt: skip
SURE_TEXTS = frozenset({"subject", "betreff", "ticketsubject", "emailsubject", "mailsubject", "body", "text", "description", "beschreibung",
                        "message", "nachricht", "ticketbody", "tickettext", "ticketdescription", "emailbody", "mailtext"})  # fmt: skip
"""These are texts whatever stands in them, even where senders choose among a few standard subjects."""
LANGUAGE = ("language", "lang", "sprache", "locale", "languagecode", "sprachcode", "ticketlanguage")
CREATED = ("created", "createdat", "createdon", "createdtime", "createdate", "creationdate", "creationtime", "createtime", "dateopened",
           "opened", "openedat", "openedon", "opendate", "opentime", "submitted", "submittedat", "submitdate", "received", "receivedat",
           "date", "datum", "timestamp", "zeitstempel", "erstellt", "erstelltam", "erstellungsdatum", "angelegt", "angelegtam",
           "eingang", "eingangsdatum", "eroeffnet", "eroeffnetam", "gemeldetam", "meldedatum", "zeit", "time", "datetime", "reportedat",
           "ticketcreated", "ticketcreatedat", "dateofcreation", "syscreatedon")  # fmt: skip
TICKET = ("id", "ticket", "ticketid", "ticketnumber", "ticketno", "ticketnr", "ticketnummer", "number", "nummer", "nr", "key", "issuekey",
          "caseid", "casenumber", "case", "incident", "incidentid", "incidentnumber", "requestid", "vorgang", "vorgangsnummer",
          "fallnummer", "uuid", "guid", "externalid", "tn", "callid", "messageid", "index", "rowid", "zeile", "unnamed0")  # fmt: skip
SPLIT = ("split", "set", "partition", "subset", "fold", "datasplit", "aufteilung")

AFTERWARDS = ("resolution", "resolutionnotes", "solution", "loesung", "loesungstext", "answer", "antwort", "reply", "response",
              "closenotes", "closingnotes", "worknotes", "notes", "notizen", "bemerkung", "bemerkungen", "comments", "kommentare", "internalnotes",
              "firstresponse", "agentreply", "abschlusskommentar")  # fmt: skip
"""Text that is written after the ticket came in: a model that reads it knows more than it will know of new tickets."""
STATUS = (
    "status",
    "state",
    "ticketstatus",
    "ticketstate",
    "bearbeitungsstand",
    "statuscategory",
    "currentstatus",
    "resolved",
    "closed",
)
"""Changes while a ticket is worked on, so its last value is no decision about a new one."""
PERSON = ("name", "firstname", "lastname", "fullname", "vorname", "nachname", "customer", "customername", "customeremail", "kunde", "kundenname",
          "requester", "requestername", "requesteremail", "reporter", "caller", "melder", "absender", "sender", "from", "von", "to", "an",
          "emailaddress", "phone", "telefon", "user", "username", "benutzer", "contact", "kontakt", "submitter", "opener")  # fmt: skip
"""Who sent the ticket: about people, and known already."""

ORDERED = ("priority", "prioritaet", "prio", "urgency", "dringlichkeit", "impact", "auswirkung", "severity", "schweregrad", "ticketpriority",
           "sla", "slalevel", "risk", "risiko", "escalationlevel")  # fmt: skip
MULTI = ("tags", "tag", "labels", "label", "keywords", "keyword", "schlagworte", "schlagwort", "schlagwoerter", "stichworte", "stichwort",
         "topics", "topic", "themen", "etiketten", "components", "component", "komponenten", "categories", "kategorien", "products",
         "produkte", "skills", "intents", "issues", "areas")  # fmt: skip
ATTRIBUTE = (
    "queue", "warteschlange", "category", "kategorie", "subcategory", "unterkategorie", "type", "typ", "tickettype", "ticketart", "art",
    "group", "gruppe", "assignmentgroup", "bearbeitergruppe", "team", "department", "abteilung", "assignee", "assignedto", "bearbeiter",
    "zustaendig", "agent", "owner", "product", "produkt", "service", "businessservice", "dienst", "intent", "class", "klasse", "label",
    "queuename", "businessunit", "bereich", "location", "standort", "channel", "kanal", "source", "quelle", "country", "land", "region",
    *ORDERED,
)  # fmt: skip

ORDERS: tuple[tuple[str, ...], ...] = (
    ("lowest", "very low", "low", "minor", "normal", "medium", "moderate", "major", "high", "very high", "urgent", "critical", "highest", "blocker", "emergency"),
    ("sehr niedrig", "niedrig", "gering", "normal", "mittel", "hoch", "sehr hoch", "dringend", "kritisch", "notfall"),
    ("trivial", "minor", "normal", "major", "critical", "blocker"),
    ("none", "low", "medium", "high", "critical"),
    ("planning", "low", "moderate", "high", "critical"),
    ("p5", "p4", "p3", "p2", "p1", "p0"),
    ("s5", "s4", "s3", "s2", "s1", "s0"),
    ("sev5", "sev4", "sev3", "sev2", "sev1", "sev0"),
)  # fmt: skip
"""Scales from low to high. A column whose labels all stand on one of them is ordered so."""

LANGUAGE_CODES = frozenset(
    [
        "aa",
        "ab",
        "af",
        "am",
        "ar",
        "as",
        "az",
        "be",
        "bg",
        "bn",
        "bo",
        "br",
        "bs",
        "ca",
        "co",
        "cs",
        "cy",
        "da",
        "de",
        "dz",
        "el",
        "en",
        "eo",
        "es",
        "et",
        "eu",
        "fa",
        "fi",
        "fj",
        "fo",
        "fr",
        "fy",
        "ga",
        "gd",
        "gl",
        "gn",
        "gu",
        "ha",
        "he",
        "hi",
        "hr",
        "hu",
        "hy",
        "id",
        "is",
        "it",
        "ja",
        "ka",
        "kk",
        "km",
        "kn",
        "ko",
        "ku",
        "ky",
        "la",
        "lb",
        "lo",
        "lt",
        "lv",
        "mg",
        "mi",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "mt",
        "my",
        "nb",
        "ne",
        "nl",
        "nn",
        "no",
        "oc",
        "pa",
        "pl",
        "ps",
        "pt",
        "ro",
        "ru",
        "rw",
        "sa",
        "sd",
        "si",
        "sk",
        "sl",
        "sm",
        "sn",
        "so",
        "sq",
        "sr",
        "st",
        "su",
        "sv",
        "sw",
        "ta",
        "te",
        "tg",
        "th",
        "tk",
        "tl",
        "tn",
        "tr",
        "tt",
        "ug",
        "uk",
        "ur",
        "uz",
        "vi",
        "xh",
        "yi",
        "yo",
        "zh",
        "zu",
    ]
)
LANGUAGE_NAMES = {
    "english": "en", "englisch": "en", "german": "de", "deutsch": "de", "french": "fr", "franzoesisch": "fr", "francais": "fr", "spanish": "es",
    "spanisch": "es", "espanol": "es", "italian": "it", "italienisch": "it", "italiano": "it", "dutch": "nl", "niederlaendisch": "nl",
    "nederlands": "nl", "portuguese": "pt", "portugiesisch": "pt", "portugues": "pt", "polish": "pl", "polnisch": "pl", "polski": "pl",
    "czech": "cs", "tschechisch": "cs", "turkish": "tr", "tuerkisch": "tr", "russian": "ru", "russisch": "ru", "swedish": "sv",
    "schwedisch": "sv", "danish": "da", "daenisch": "da", "finnish": "fi", "finnisch": "fi", "norwegian": "no", "norwegisch": "no",
    "hungarian": "hu", "ungarisch": "hu", "romanian": "ro", "rumaenisch": "ro", "greek": "el", "griechisch": "el", "arabic": "ar",
    "arabisch": "ar", "chinese": "zh", "chinesisch": "zh", "japanese": "ja", "japanisch": "ja", "korean": "ko", "ukrainian": "uk",
    "ukrainisch": "uk", "swissgerman": "gsw", "schweizerdeutsch": "gsw",
}  # fmt: skip

SPLIT_VALUES = {
    "train": "train", "training": "train", "trn": "train", "valid": "train", "validation": "train", "val": "train", "dev": "train",
    "development": "train", "test": "test", "testing": "test", "tst": "test", "eval": "test", "evaluation": "test", "holdout": "test",
}  # fmt: skip
"""What a split column says, and what we make of it. Validation rows teach too: we choose our own inside the training part."""

_FOLDS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "ç": "c", "ñ": "n", "ã": "a", "ê": "e"}
)


def folded(name: str) -> str:
    return re.sub(r"[^0-9a-z]", "", name.casefold().translate(_FOLDS))


def language_code(value: str) -> str | None:
    """The ISO 639-1 code (639-2 where there is none, as for gsw) that a cell means: "de", "DE-at", "German", "Deutsch"; else None."""
    name = folded(value)
    if name in LANGUAGE_NAMES:
        return LANGUAGE_NAMES[name]
    primary = re.split(r"[-_ ]", value.strip().casefold(), maxsplit=1)[0]
    if primary in LANGUAGE_CODES:
        return primary
    return primary if re.fullmatch(r"[a-z]{3}", primary) and primary == value.strip().casefold() else None
