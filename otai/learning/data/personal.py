"""Personal data in texts: found, counted, shown masked, and replaced by their kind where the customer wants it.

Patterns with checksums where there are any (IBAN, cards by Luhn, national numbers by python-stdnum), so that an order
number is no card. It finds what has a form; a name in the middle of a sentence has none, and only names below a
greeting are found.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

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

_WORDS_FOR_IT = r"passwor[dt]|passphrase|kennwort|pwd|mot de passe|mdp|contraseña|clave|senha|palavra-passe|wachtwoord|has[łl]o|parola d.ordine|pin|puk"
_NUMBER_WORDS = r"(?:BSN|PESEL|NIF|NISS|INSZ|Steuer-?ID|IdNr\.?|Steueridentifikationsnummer|SVNR|SV-?Nr\.?|Sozialversicherungsnummer)"
_PATTERNS: dict[str, re.Pattern[str]] = {
    IBAN: re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
    CARD: re.compile(r"(?<![\d.-])[3-6]\d{3}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,4})?(?![\d-])"),
    NATIONAL_ID: re.compile(
        r"\b(?:\d{8}-?[A-HJ-NP-TV-Z]|[XYZ]-?\d{7}-?[A-Z]|[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]|[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}|"
        rf"\d{{2}}\.\d{{2}}\.\d{{2}}-\d{{3}}\.\d{{2}}|{_NUMBER_WORDS}[: ]+\d[\d ]{{6,13}}\d)\b"
    ),
    PASSWORD: re.compile(rf"\b(?P<word>{_WORDS_FOR_IT})(?P<between>\s*+[:=]\s*+|\s++(?:is|ist|lautet|est|es|é|to|jest)(?:\s*+:\s++|\s++))(?P<secret>[^\s,;]{{3,64}})", re.IGNORECASE),
    EMAIL: re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"),
    PHONE: re.compile(r"(?<![\w.,-])(?:\+\d{1,3}[ ()/.-]{0,3}|\(\+?\d{2,5}\)[ /-]?|0(?=\d))\d[\d ()/.-]{4,18}\d(?![\w-])"),
    NAME: re.compile(
        r"(?im)^[^\S\n]*+(?:(?:mit )?(?:freundlichen|besten|vielen|lieben|herzlichen|viele|beste|liebe|freundliche)[ ]gr(?:ü|ue)(?:ß|ss)en?|mfg|vg|lg|(?:kind|best|warm)[ ]regards|regards|best|"
        r"cheers|yours[ ]sincerely|sincerely|cordialement|bien[ ]à[ ]vous|saludos(?:[ ]cordiales)?|atentamente|cordiali[ ]saluti|distinti[ ]saluti|(?:met[ ])?vriendelijke[ ]groet(?:en)?|"
        r"z[ ]poważaniem|pozdrawiam|atenciosamente|cumprimentos)[,.!]?[ ]*+\n++(?P<name>(?-i:[^\W\d_a-z][\w'.-]*+)(?:[ ](?-i:[^\W\d_a-z][\w'.-]*+)){0,3})[ ]*+$"
    ),
}  # fmt: skip
MARKS = rf"(?i)@|\d{{4}}|\d{{2}}[a-z]\d{{2}}|\d[ /-]\d|{_WORDS_FOR_IT}|regards|gr(?:ü|ue)(?:ß|ss)|saludo|saluti|groet|cordial|pozdrawiam|poważaniem|atenciosamente|cumprimentos|^best"
"""A text without any of these holds nothing that is found here."""
_MARKS = re.compile(MARKS)
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
    if not _MARKS.search(text):
        return
    taken: list[tuple[int, int]] = []
    """In their order; no two overlap."""
    for kind in PERSONAL_KINDS:
        for match in _PATTERNS[kind].finditer(text):
            group = {PASSWORD: "secret", NAME: "name"}.get(kind, 0)
            start, end = match.span(group)
            at = bisect_left(taken, (start, end))
            if (at and taken[at - 1][1] > start) or (at < len(taken) and taken[at][0] < end):
                continue
            is_valid = _is_valid(kind, match)
            if is_valid or kind == IBAN:
                # Digits inside of what only looks like an IBAN are no card either.
                taken.insert(at, (start, end))
            if is_valid:
                yield kind, start, end


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


def masked_example(value: str) -> str:
    """The first two characters and the last one, for a person to recognise what kind of thing it is; of what is so
    short that these would give it away (a PIN, a first name), nothing, not even how short it is."""
    if len(value) < SHORTEST_SHOWN:
        return "*" * SHORTEST_SHOWN
    return f"{value[:2]}{'*' * min(len(value) - 3, 12)}{value[-1:]}"


def _is_valid(kind: str, match: re.Match[str]) -> bool:
    check = _CHECKS.get(kind)
    return check is None or check(match)


def _iban(match: re.Match[str]) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(match[0], check_country=False))


def _card(match: re.Match[str]) -> bool:
    from stdnum import luhn

    digits = re.sub(r"\D", "", match[0])
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and bool(luhn.is_valid(digits))


def _phone(match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match[0])
    # A date (01.02.2026) and a run of one digit are none.
    return (
        7 <= len(digits) <= 15
        and len(set(digits)) > 2
        and not re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*", match[0])
    )


def _password(match: re.Match[str]) -> bool:
    secret = match["secret"]
    if secret.startswith("["):
        return False
    if match["word"].lower() in ("pin", "puk"):
        return bool(re.fullmatch(r"\d{4,8}[.!]?", secret))
    if re.search(r"[:=]", match["between"]):
        return True
    # "My password is expired" names none; "is Sommer2026" does.
    return bool(re.search(r"\d", secret)) and bool(re.search(r"[^\W\d_]", secret))


def _national_id(match: re.Match[str]) -> bool:
    from stdnum.at import vnr
    from stdnum.be import nn
    from stdnum.de import idnr
    from stdnum.es import dni, nie
    from stdnum.fr import nir
    from stdnum.it import codicefiscale
    from stdnum.nl import bsn
    from stdnum.pl import pesel
    from stdnum.pt import nif

    value = match[0]
    if word := re.match(rf"{_NUMBER_WORDS}[: ]+", value):
        number = value[word.end() :].strip()
        return any(checked.is_valid(number) for checked in (bsn, pesel, nif, idnr, vnr, nn))
    return any(checked.is_valid(value) for checked in (dni, nie, codicefiscale, nir, nn))


_CHECKS: dict[str, Callable[[re.Match[str]], bool]] = {
    IBAN: _iban, CARD: _card, PHONE: _phone, PASSWORD: _password, NATIONAL_ID: _national_id,
}  # fmt: skip
