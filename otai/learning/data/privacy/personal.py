"""Personal data in texts: found, counted, shown masked, and replaced by their kind where the customer wants it.

Patterns with checksums where there are any (IBAN, cards by Luhn, national numbers by python-stdnum), so that an order
number is no card. It finds what has a form, and names where something tells that they are some: a greeting above, a
title, an introduction ("my name is"), the field of a form. A name in the middle of a sentence with nothing that tells
is not found.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from otai.learning.data.mail_patterns import DESK, SIGN_OFF, SIGN_OFFS
from otai.learning.data.privacy import national_ids
from otai.learning.data.privacy.companies import COMPANY, COMPANY_BESIDE, COMPANY_LINE, is_company
from otai.learning.data.privacy.people import NO_NAMES
from otai.learning.data.privacy.told_names import HINTS_OF_NAMES, NO_PERSONS, TOLD_NAME

EMAIL, PHONE, IBAN, CARD, PASSWORD, NATIONAL_ID, NAME = (
    "email",
    "phone",
    "iban",
    "card",
    "password",
    "national_id",
    "name",
)
PERSONAL_KINDS = (IBAN, CARD, NATIONAL_ID, PASSWORD, EMAIL, PHONE, NAME)
"""In the order in which they are looked for: what is an IBAN is no telephone number."""

_WORDS_FOR_IT = r"passwor[dt]|passphrase|kennwort|pwd|pw|pass|mot de passe|mdp|contraseña|clave|senha|palavra-passe|wachtwoord|has[łl]o|parola d.ordine|pin|puk"
_SHORT_WORDS_FOR_IT = frozenset(("pw", "pass"))
"""They stand before much else, so that what follows has to look like a secret."""
_PHONE_WORDS = (
    r"(?:tel|t[eé]l[eé](?:fono|fone|fon\w{0,8}|foon\w{0,8}|phone|m[oó]vel)|phone|fone?|mobil(?:e|nummer|telefon)?|handy(?:nummer)?|"
    r"cell(?:ulare|phone)?|m[óo]vil|gsm|kom(?:órk[ai])?|portable|rufnummer|durchwahl|fax|whatsapp)"
)
_CALL = (
    r"ll[aá]m\w{1,8}|zadzwo\w{1,6}|dzwoni\w{1,6}|ligu?[ae]r?|telefon\w{0,8}|chiam\w{1,8}|appel\w{0,6}|bel|bellen|call|ring|"
    r"reach|anruf\w{0,3}|rückruf\w{0,3}|erreich\w{0,5}|contact\w{0,5}|kontakt\w{0,6}"
)
_GREETED = (
    r"(?:mit )?(?:freundliche[nr]?|beste[nr]?|viele[nr]?|liebe[nr]?|herzliche[nr]?)[ ]gr(?:ü|ue)(?:ß|ss)en?|mfg|vg|lg|"
    r"(?:kind|best|warm)[ ]regards|cordialement|saludos|cordiali[ ]saluti|(?:met[ ])?vriendelijke[ ]groet(?:en)?|pozdrawiam"
)
"""Behind them a name stands in their own line, too."""
_CALLED_PART = r"(?-i:[^\W\d_a-z][\w'.-]*+)"
_CALLED = rf"{_CALLED_PART}(?:[ ](?:(?-i:von|van|de|der|den|del|della|di|da|dos|du|la|le|zu|ter|ten|y|e)[ ]){{0,2}}{_CALLED_PART}){{0,3}}"
_PATTERNS: dict[str, re.Pattern[str]] = {
    IBAN: re.compile(
        r"\b[A-Za-z]{2}\d{2}(?:[ \xa0.-]?[A-Za-z0-9]{4}){2,7}(?:[ \xa0.-]?[A-Za-z0-9]{1,3})?\b"
    ),
    CARD: re.compile(
        r"(?<![\d.-])(?:3[47]\d\d[ .-]\d{6}[ .-]\d{5}|3[0689]\d\d[ .-]\d{6}[ .-]\d{4}|"
        r"[2-6]\d{3}(?:[ \xa0.-]?\d{4}){2,3}(?:[ \xa0.-]?\d{1,4})?)(?![\d-])"
    ),
    NATIONAL_ID: national_ids.PATTERN,
    PASSWORD: re.compile(rf"\b(?P<word>{_WORDS_FOR_IT})(?P<between>\s*+[:=]\s*+|\s++(?:is|was|ist|war|lautet|est|es|é|è|to|jest)(?:\s*+:\s++|\s++))(?P<secret>[^\s,;]{{3,64}})", re.IGNORECASE),
    EMAIL: re.compile(r"\b[\w.+-]{1,64}(?:@| ?[\[(](?:[aA][tT]|@)[\])] ?)[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"),
    PHONE: re.compile(
        r"(?<![\w.,-])(?:\+\d{1,3}[ \xa0()/.-]{0,3}|\(\+?\d{2,5}\)[ /-]?|0(?=\d))\d[\d \xa0()/.-]{4,18}\d(?![\w-])|"
        r"(?<![\w.,-])(?:1[ .-])?\d{3}(?P<dash>[.-])\d{3}(?P=dash)\d{4}(?![\w-])|"
        rf"\b(?=[TtPpFfMmHhCcGgKkRrDdWw])(?i:{_PHONE_WORDS}(?:[ .-]{{0,2}}(?:no|nr|number|nummer))?)[.:]{{0,2}}[ \xa0]?(?P<told>\d[\d \xa0()/.-]{{5,17}}\d)(?![\w-])"
    ),
    NAME: re.compile(
        rf"(?im)^[^\S\n]*+(?:(?:(?:{SIGN_OFFS}|--)[^\S\n]*+[,.!]?[^\S\n]*+\n\s*+){{1,3}}+(?:{COMPANY_LINE})?+(?P<name>{_CALLED})|(?:{_GREETED}),?[ ](?P<beside>{_CALLED}))(?:{COMPANY_BESIDE})?+[ ]*+$"
    ),
}  # fmt: skip
_VALUES = {PASSWORD: ("secret",), NAME: ("name", "beside"), PHONE: ("told",)}
"""The part of a match that is the personal data; else the whole."""
_ACCOUNT = re.compile(r"(?<![\d.-])(?P<value>\d{2} ?(?:\d{4} ?){5}\d{4}|\d{4}[ -]\d{4}[ -]\d{2}[ -]\d{10})(?![\d-])")
_CALLED_NUMBER = re.compile(rf"\b(?i:{_CALL})\b[^\d\n+(]{{1,25}}(?<![\w.,-])(?P<value>\d[\d /.-]{{7,15}}\d)(?![\w-])")
_EIGHT_DIGITS, _NINE_SIGNS = re.compile(r"\d{4}[ -]?\d{4}"), re.compile(r"\d[\d /.-]{7,15}\d")
_MORE = {IBAN: _ACCOUNT, PHONE: _CALLED_NUMBER, NAME: TOLD_NAME}
"""What is looked for only in texts that may hold it; `value` is the personal data."""
MARKS = (
    rf"(?i)@|\d{{4}}|\d{{2}}[a-z]\d{{2}}|\d[ /-]\d|\d\d\.\d\d\.\d\d|\d{{3}}\.\d{{3}}|{_WORDS_FOR_IT}|regards|gr(?:ü|ue)(?:ß|ss)|salu|groet|cordial|pozdr|"
    rf"poważaniem|szacunk|aten(?:ta|cio)|cumprimentos|\b(?:mfg|vg|lg|best|cheers)\b|wishes|sincerely|yours|vous|than|dank|merci|gra[czt]i|obrigad|bedankt|dzięk|\n--\s|[\[(]at[\])]"
)
"""A text without any of these holds nothing that is found here."""
_MARKS = re.compile(MARKS)
MARKS = rf"{MARKS}|\b(?:{'|'.join(map(re.escape, HINTS_OF_NAMES))})"
_FOUR_DIGITS = re.compile(r"\d{4}")
_LITERAL_MARKS = ("@", "thank", "dank", "regards", "grüß", "gruess", "merci", "salu", "cordial", "sincerely")
"""These are marks, too, and are found in a hundredth of the time in most of the texts that hold any."""
EXAMPLES = 3
SHORTEST_SHOWN = 6
"""Characters: of a shorter value an example shows none."""


@dataclass(slots=True)
class PersonalCount:
    """How many of `texts` hold personal data, in how many which kind, with masked examples."""

    texts: int = 0
    holding: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def look_at(self, text: str) -> None:
        """Counts one text with the kinds of personal data in it; keeps a few masked examples of each."""
        self.texts += 1
        found = list(personal_data(text))
        self.holding += bool(found)
        for kind in {kind for kind, _, _ in found}:
            self.by_kind[kind] += 1
        for kind, start, end in found:
            shown = self.examples.setdefault(kind, [])
            example = masked_example(text[start:end])
            if len(shown) < EXAMPLES and example not in shown:
                shown.append(example)

    def add(self, other: PersonalCount) -> None:
        """Counts what another counted as well, of other texts; of examples a few of each kind are kept."""
        self.texts += other.texts
        self.holding += other.holding
        self.by_kind.update(other.by_kind)
        for kind, examples in other.examples.items():
            self.examples[kind] = _with_more(self.examples.get(kind, []), examples)


def _with_more(kept: list[str], more: list[str]) -> list[str]:
    return list(dict.fromkeys([*kept, *more]))[:EXAMPLES]


def personal_data(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of what is found, no two of which overlap."""
    lowered = text.lower()
    patterns = _PATTERNS if _holds_mark(text, lowered) else {}
    more = {kind: _MORE[kind] for kind in _MORE if _may_hold_more(kind, text, lowered)}
    taken: list[tuple[int, int]] = []
    """In their order; no two overlap."""
    for kind in PERSONAL_KINDS if patterns or more else ():
        for match in (one for tried in (patterns, more) if kind in tried for one in tried[kind].finditer(text)):
            start, end = _span(kind, match)
            at = bisect_left(taken, (start, end))
            if (at and taken[at - 1][1] > start) or (at < len(taken) and taken[at][0] < end):
                continue
            is_valid = _is_valid(kind, match)
            if is_valid or match.re is _PATTERNS[IBAN]:
                # Digits inside of what only looks like an IBAN are no card either.
                taken.insert(at, (start, end))
            if is_valid:
                yield kind, start, end


def _may_hold_more(kind: str, text: str, lowered: str) -> bool:
    if kind == NAME:
        return any(hint in lowered for hint in HINTS_OF_NAMES)
    return (_EIGHT_DIGITS if kind == IBAN else _NINE_SIGNS).search(text) is not None


def _holds_mark(text: str, lowered: str) -> bool:
    return (
        any(mark in lowered for mark in _LITERAL_MARKS)
        or _FOUR_DIGITS.search(text) is not None
        or _MARKS.search(text) is not None
    )


def _span(kind: str, match: re.Match[str]) -> tuple[int, int]:
    """Where in a match the personal data stands."""
    if match.re is _MORE.get(kind):
        value = _name_alone(match["value"]) if kind == NAME else match["value"]
        return match.start("value"), match.start("value") + len(value)
    group = next((name for name in _VALUES.get(kind, ()) if match[name] is not None), 0)
    start, end = match.span(group)
    if kind == NATIONAL_ID:
        return start, national_ids.end_of(match)
    if kind == IBAN:
        # Words that follow an IBAN may look like four more of its signs.
        while not _is_iban(match.string[start:end]) and (before := _LAST_SIGNS.search(match.string, start, end)):
            end = before.start()
        end = end if _is_iban(match.string[start:end]) else match.end()
    return start, end


def mask(text: str, kinds: Sequence[str] = PERSONAL_KINDS) -> str:
    """The text with personal data replaced by their kind: "[iban]", "[email]". Masking twice changes nothing more."""
    found = sorted((start, end, kind) for kind, start, end in personal_data(text) if kind in kinds)
    if not found:
        return text
    parts, at = [], 0
    for start, end, kind in found:
        parts += [text[at:start], f"[{kind}]"]
        at = end
    return "".join([*parts, text[at:]])


def mask_ticket(subject: str, body: str, kinds: Sequence[str] = PERSONAL_KINDS) -> tuple[str, str]:
    """Subject and body masked as the one text that they are: a secret in the body may follow its word in the
    subject."""
    # No mark takes the place of a line feed.
    lines = mask(f"{subject}\n{body}", kinds).split("\n")
    of_subject = subject.count("\n") + 1
    return "\n".join(lines[:of_subject]), "\n".join(lines[of_subject:])


def masked_example(value: str) -> str:
    """The first two characters and the last one, for a person to recognise what kind of thing it is; of what is so
    short that these would give it away (a PIN, a first name), nothing, not even how short it is."""
    if len(value) < SHORTEST_SHOWN:
        return "*" * SHORTEST_SHOWN
    return f"{value[:2]}{'*' * min(len(value) - 3, 12)}{value[-1:]}"


def _is_valid(kind: str, match: re.Match[str]) -> bool:
    check = _CHECKS.get(kind)
    return check is None or check(match)


_LAST_SIGNS = re.compile(r"(?:[ \xa0.-]|(?<=\w{4}))\w{1,4}$")


def _iban(match: re.Match[str]) -> bool:
    start, end = _span(IBAN, match)
    if match.re is _ACCOUNT:
        return _is_account(match["value"])
    return _is_iban(match.string[start:end])


def _is_account(number: str) -> bool:
    """An account as it is written at home: in Poland an IBAN without its country, in Spain with digits that check."""
    from stdnum import iban
    from stdnum.es import ccc

    digits = re.sub(r"\D", "", number)
    if len(set(digits)) == 1:
        return False
    return bool(iban.is_valid(f"PL{digits}")) if len(digits) == 26 else bool(ccc.is_valid(digits))


def _is_iban(text: str) -> bool:
    from stdnum import iban

    return len(text) >= 15 and bool(iban.is_valid(text.replace("\xa0", " "), check_country=False))


_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|"
    r"35(?:2[89]|[3-8]\d)\d{12}|(?:50|5[6-8]|6\d)\d{11,17}"
)
"""Numbers that issuers of cards give out, with as many digits as they have: the number of a telephone (IMEI) has one
digit fewer."""


def _card(match: re.Match[str]) -> bool:
    from stdnum import luhn

    digits = re.sub(r"\D", "", match[0])
    return _ISSUED.fullmatch(digits) is not None and len(set(digits)) > 1 and bool(luhn.is_valid(digits))


_DATE = re.compile(r"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2})(?:(?![\d.]).*)?", re.DOTALL)
_NO_PHONE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\d{2}(?:[ .-]\d{2}){5,}|\d{5}-\d{5}")
"""Addresses and versions, numbers of network cards, a stretch of postcodes."""
_NUMBER_OF_A_THING = re.compile(
    r"(?:\b(?:order|auftrag\w*|bestell\w*|rechnung\w*|invoice|facture|fattura|factura|fatura|faktur\w*|ticket\w*|case|vorgang\w*|serial\w*|serien\w*|"
    r"s/n|sn|part|artikel\w*|article|sku|ref\w*|beleg\w*|kostenstelle|asset|chassis|inventar\w*|imei|id|code|version|firmware|plz|zip|postcode|model\w*|"
    r"pedido|commande|ordine|zam[óo]wieni\w*|encomenda|bestelling|dossier|contract\w*|vertrag\w*|contrat\w*|polic\w*|sendung\w*|tracking)(?:[ -]?(?:number|nummer|no|nr|num|n[°ºo]|id|code))?|"
    r"\b(?:customer|account|kunden|konto|client[ei]?|klant)[ -]?(?:number|nummer|no|nr|id))\W{0,4}$",
    re.IGNORECASE,
)
_SAYS_PHONE = re.compile(rf"\b{_PHONE_WORDS}|t[eé]l[eé]f|handy|mobil", re.IGNORECASE)
_BEFORE = 40
"""Characters before a number that say of what it is one."""


def _phone(match: re.Match[str]) -> bool:
    value = match["value"] if match.re is _CALLED_NUMBER else match["told"] or match[0]
    digits = re.sub(r"\D", "", value)
    if not 7 <= len(digits) <= 15 or len(set(digits)) <= 2 or _DATE.fullmatch(value) or _NO_PHONE.fullmatch(value):
        return False
    if match.re is _CALLED_NUMBER:
        start = match.start("value")
        before = match.string[max(start - _BEFORE, 0) : start]
        return len(digits) >= 9 and _NUMBER_OF_A_THING.search(before) is None
    if match["told"] or (value.startswith(("+", "(+", "00")) and " " in value):
        return True
    before = match.string[max(match.start() - _BEFORE, 0) : match.start()]
    return _NUMBER_OF_A_THING.search(before) is None or _SAYS_PHONE.search(before) is not None


def _name(match: re.Match[str]) -> bool:
    """Whether it is a person's: companies and the desk sign, too, and some take leave twice."""
    if match.re is TOLD_NAME:
        line = match.string[match.start("value") :].partition("\n")[0]
        words = match["value"].casefold().replace(".", " ").split()
        if is_company(match["value"]) or COMPANY.match(line, len(match["value"]) + 1):
            return False
        return words[0] not in NO_NAMES - _OF_NAMES and not NO_PERSONS.intersection(words)
    name = match["name"] or match["beside"]
    return not is_company(name) and DESK.search(name) is None and SIGN_OFF.match(name) is None


_OF_NAMES = frozenset(("von", "van", "de", "der", "den", "del", "della", "di", "da", "dos", "du", "zu", "ter", "ten"))


def _name_alone(words: str) -> str:
    """A name without the sentence that begins right behind it: "Meier Das"."""
    kept: list[str] = []
    for word in words.split(" "):
        if kept and word.casefold() in NO_NAMES - _OF_NAMES:
            break
        kept.append(word)
    return " ".join(kept)


def _password(match: re.Match[str]) -> bool:
    secret = match["secret"]
    if secret.startswith("["):
        return False
    if match["word"].lower() in ("pin", "puk"):
        return bool(re.fullmatch(r"\d{4,8}[.!]?", secret))
    if re.search(r"[:=]", match["between"]) and match["word"].lower() not in _SHORT_WORDS_FOR_IT:
        return True
    # "My password is expired" names none; "is Sommer2026" does.
    return bool(re.search(r"\d", secret)) and bool(re.search(r"[^\W\d_]", secret))


_CHECKS: dict[str, Callable[[re.Match[str]], bool]] = {
    IBAN: _iban, CARD: _card, PHONE: _phone, PASSWORD: _password, NATIONAL_ID: national_ids.is_valid,
    NAME: _name,
}  # fmt: skip
