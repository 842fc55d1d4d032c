"""What mail programs write around a message, in eight languages: the expressions that cutting looks for.

Each kind has two forms: an expression of Python's for single lines and texts, and one that runs over whole columns (RE2
reads a gigabyte in two or three seconds; text by text Python's own are a hundred times slower). A text that a column's
expression does not hold has nothing of its kind.

Python's own must take time in proportion to the text: a repetition gives nothing back (`*+`) or has a bound, and no two
that may read the same signs follow each other. A customer's text runs through them in the process that answers, which
answers nobody meanwhile.
"""

from __future__ import annotations

import re

FROM = r"(?:From|Von|De|Da|Van|Od|Expéditeur|Remitente|Mittente|Afzender|Nadawca)"
FIELD = (
    r"(?:Sent|Date|To|Cc|Subject|Gesendet|Datum|An|Kopie|Betreff|Envoyé|À|Objet|Enviado|Fecha|Para|Asunto|Inviato|Data|A|Oggetto|Verzonden|Aan|"
    r"Onderwerp|Wysłano|Do|DW|Temat|Enviada|Assunto|Reply-To)"
)
WROTE = r"(?:wrote|writes|schrieb|geschrieben|a écrit|escribió|ha scritto|schreef|napisał(?:\(a\)|a)?|pisze|escreveu)"
HEADER = re.compile(rf"^[>\s*]*{FROM}\s*:", re.IGNORECASE)
NEXT_FIELD = re.compile(rf"^[>\s*]*{FIELD}\s*:", re.IGNORECASE)
ORIGINAL = re.compile(
    r"^[>\s]*[-_]{2,}\s*(?:Original Message|Original-Nachricht|Ursprüngliche Nachricht|Originalnachricht|Forwarded message|Weitergeleitete Nachricht|"
    r"Message d'origine|Message transféré|Mensaje original|Mensaje reenviado|Messaggio originale|Messaggio inoltrato|Oorspronkelijk bericht|"
    r"Doorgestuurd bericht|Wiadomość oryginalna|Oryginalna wiadomość|Mensagem original|Mensagem encaminhada)\s*+[-_]*+\s*+$",
    re.IGNORECASE,
)
RULE = re.compile(r"^\s*+_{10,}+\s*+$")
INTRO = re.compile(
    rf"^[>\s]*(?:On|Am|Le|El|Il|Op|W dniu|Dnia|Em|Den)\b.{{3,200}}\b{WROTE}\b.{{0,120}}:\s*+$", re.IGNORECASE
)
INTRO_BEGINS = re.compile(r"^[>\s]*(?:On|Am|Le|El|Il|Op|W dniu|Dnia|Em|Den)\b.{3,200}$", re.IGNORECASE)
INTRO_ENDS = re.compile(rf"\b{WROTE}\b.{{0,120}}:\s*+$", re.IGNORECASE)
DASHES = re.compile(r"^(?:--|—|__)\s?$")
FOOTER_LINE = re.compile(
    r"^\s*(?:Sent from (?:my|Mail|Outlook|Yahoo|Proton)|Sent (?:via|with) (?:Proton|my|Outlook|Mail|Yahoo|Spark|BlackBerry)|Sent via |Von meinem .{2,40} gesendet|Gesendet (?:von|mit) (?:meinem|mein|Mail|der|Outlook)|Diese Nachricht wurde von meinem|"
    r"Envoyé (?:de|depuis|à partir de) (?:mon|ma|Outlook|Mail|Yahoo)|Enviado (?:desde (?:mi|Outlook|Mail|Yahoo)|do (?:meu|Outlook|Mail|Yahoo)|pelo (?:meu|Outlook|Mail|Yahoo)|a partir do)|Inviato da|"
    r"Verstuurd (?:vanaf|(?:met|via|vanuit) (?:mijn|Outlook|Mail|Yahoo))|Verzonden (?:vanaf|met|(?:via|vanuit) (?:mijn|Outlook|Mail|Yahoo))|Wysłan[eoy] z|"
    r"(?:(?:Get|Download|Obtener|Descargar|Obter o|Obter|Transferir o|Baixar o|Scarica|Ottieni|Télécharger|Obtenir|Obtenez|Holen Sie sich|Pobierz|Pobierz aplikację|Uzyskaj) )?Outlook (?:for|für|pour|para|per|voor|dla) (?:iOS|Android))"
    r".{0,80}$",
    re.IGNORECASE,
)
NOTICE = re.compile(
    r"confidential|privileged|intended (?:only |solely )?(?:for|recipient)|not the (?:intended|named)|notify the sender|before you print|vertraulich|richtige Adressat|"
    r"nicht der (?:richtige|beabsichtigte|vorgesehene)|informieren Sie bitte den Absender|vernichten Sie|unbefugt|confidentiel|destinataire|exclusivement|confidencial|destinat[aá]ri[oa]|privilegiada|riservat|vietat[ao]|a terzi|"
    r"(?:avant d.|antes de )imprim|prima di stampare|(?:avert|avis|notifi|inform|powiad)\w{0,5}(?: \w{1,15}){0,2} (?:l.)?(?:expéditeur|remitente|remetente|mittente|afzender|nadawcę)|"
    r"vertrouwelijk|geadresseerde|uitsluitend bestemd|poufn|adresat|viruses|Viren(?:freiheit)?|any attachments|Think before|delete (?:it|this)",
    re.IGNORECASE,
)
NOTICE_HINTS = (
    "confid", "privileg", "recipient", "print", "vertraulich", "adressat", "vernicht", "unbefugt", "destinat",
    "riservat", "vertrouwelijk", "geadresseerd",
    "expéditeur", "remitente", "remetente", "mittente", "nadawc", "imprim", "stampa", "bestemd", "poufn", "adresat", "virus", "viren", "attachment",
)  # fmt: skip
SIGN_OFFS = (
    r"(?:mit )?(?:freundliche[nr]?|beste[nr]?|viele[nr]?|liebe[nr]?|schöne[nr]?|herzliche[nr]?) (?:gr(?:ü|ue)(?:ß|ss)en?)|mfg|vg|lg|gru(?:ß|ss)|"
    r"(?:kind|best|warm|many thanks and|with best|with kind|warmest) (?:regards|wishes)|regards|best|cheers|sincerely|yours (?:sincerely|faithfully|truly)|many thanks|thanks|thank you|"
    r"(?:très )?cordialement|bien (?:à vous|cordialement)|(?:(?:sincères|meilleures|cordiales|bonnes) )?salutations|(?:un )?(?:cordial )?saludos?(?: cordial(?:es)?)?|reciban? un (?:cordial )?saludo|(?:muy )?atentamente|"
    r"(?:(?:cordiali|distinti|cari|migliori) )?saluti|cordialmente|"
    r"(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|groet(?:en|jes)?|z poważaniem|z wyrazami szacunku|(?:serdecznie )?pozdrawiam(?: serdecznie)?|(?:serdeczne )?pozdrowienia|atenciosamente|"
    r"(?:(?:com os )?(?:melhores|cordiais) )?cumprimentos|(?:muito )?obrigad[oa]|"
    r"(?:many )?thanks (?:and|&) (?:kind |best )?regards|thanks (?:in advance|a lot|again)|danke(?: und gru(?:ß|ss))?|(?:vielen|besten|herzlichen) dank(?: im voraus)?|merci(?: d'avance| beaucoup)?|(?:muchas )?gracias|grazie(?: mille)?|(?:alvast )?bedankt|dziękuję"
)
SIGN_OFF = re.compile(rf"^\s*+(?:{SIGN_OFFS})\s*+[,.!]?+\s*+$", re.IGNORECASE)
_CONTACT_WORDS = (
    r"(?:\bTel|\bPhone|\bFon|\bFax|\bMobil|\bTél|\bMob\b|☎)\.?|\bCell\.|\bkom\.|\bM[óo]vil\b|"
    r"\b(?:GmbH|AG|Ltd|Inc|LLC|S\.?A\.?|B\.?V\.?|Sp\. z o\.o\.)\b"
)
_CONTACT_NUMBERS = r"\b0\d(?:[ .]\d{2}){4}\b|\+\d[\d\s()/.-]{6,}|\b0\d{2,}[\d\s/-]{5,}|\b\d{5}\s+[A-ZÄÖÜ]"
CONTACT = rf"(?i){_CONTACT_WORDS}|{_CONTACT_NUMBERS}|\S+@\S+\.\w{{2,}}|https?://|www\.| \| "
LONGEST_CONTACT = 120
"""Characters of a line that may be somebody's telephone number, address or company."""
_HAS_WORD = re.compile(_CONTACT_WORDS, re.IGNORECASE)
# In lines of that length, so that it does not matter where an address begins.
_HAS_ADDRESS = re.compile(rf"\S@\S{{1,{LONGEST_CONTACT}}}\.\w{{2}}")
_HAS_NUMBER = re.compile(_CONTACT_NUMBERS.replace(r"\d{5}\s+[", r"\d{5}\s++["), re.IGNORECASE)
_HAS_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


def has_contact(line: str) -> bool:
    """Whether a line of at most LONGEST_CONTACT characters has a telephone number, an address or a company: what
    `CONTACT` finds, asked in turn, for one expression of all takes four times as long."""
    return (
        " | " in line
        or _HAS_NUMBER.search(line) is not None
        or ("@" in line and _HAS_ADDRESS.search(line) is not None)
        or _HAS_WORD.search(line) is not None
        or _HAS_LINK.search(line) is not None
    )


DESK = re.compile(
    r"help.?desk|service.?desk|support|no.?reply|do.?not.?reply|noreply|ticket|it.?service|hotline|kundenservice|kundendienst|customer.?(?:service|care)|servicecenter|"
    r"assistenza|assistance|soporte|klantenservice|obsluga|suporte|atendimento",
    re.IGNORECASE,
)

_BLANKS = r"\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
"""What Python takes for blanks, where RE2 takes ASCII's alone: within brackets."""


def _of_columns(expression: str) -> str:
    """The expression for RE2, with Python's blanks. It finds whatever Python's finds, and now and then more."""
    outside, *classes = expression.split("[")
    parts = [outside.replace(r"\s", f"[{_BLANKS}]")]
    for each in classes:
        inside, _, behind = each.partition("]")
        parts += ["[", inside.replace(r"\s", _BLANKS), "]", behind.replace(r"\s", f"[{_BLANKS}]")]
    return "".join(parts)


_QUOTED_LINE = rf"\s*>|[>\s]*[-_]{{2,}}\s*\w|\s*_{{10,}}\s*$|[>\s*]*{FROM}\s*:"
_DASHED_LINE = r"(?:--|—|__)\s?$"
_FOOTER_LINE = FOOTER_LINE.pattern.removeprefix("^")
QUOTED_MARKS = _of_columns(rf"(?im)^(?:{_QUOTED_LINE})|{WROTE}[^\n]{{0,120}}:\s*$")
DASHED_MARKS = _of_columns(f"(?m)^{_DASHED_LINE}")
FOOTER_MARKS = _of_columns(f"(?im)^{_FOOTER_LINE}")
NOTICE_MARKS = f"(?i){NOTICE.pattern}"
# A greeting, a line, and below it somewhere a telephone number, an address or a company; with a line feed in front.
SIGNED_MARKS = _of_columns(
    rf"(?is)\n\s*(?:{SIGN_OFFS})\s*[,.!]?\s*\n[^\n]*\S[^\n]*\n.*(?:{CONTACT.removeprefix('(?i)')})"
)

# What is asked of whole columns first. It begins with one sign each, to which RE2 jumps: a third of the time of the
# above, which are then asked of what is left.
LINE_MARKS = _of_columns(rf"(?im)\n(?:{_QUOTED_LINE}|{_DASHED_LINE}|{_FOOTER_LINE})")
"""In texts with a line feed in front: some line begins as a quotation, a signature or a footer does."""
INTRODUCED = _of_columns(r"(?m):\s*$")
EMPTY_LINE = _of_columns(r"\n\s*\n")
"""In texts with a line feed in front. A notice is a paragraph of its own."""
