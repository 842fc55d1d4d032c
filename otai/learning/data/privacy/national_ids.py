"""National numbers of persons in the countries of the eight languages, found by a form that nothing else has or by the
word before them, and taken for one only where the checksum holds (python-stdnum, and what it lacks here)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

_BY_WORD: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"BSN|burgerservicenummer", ("nl.bsn",)),
    (r"PESEL", ("pl.pesel",)),
    (r"NIP", ("pl.nip",)),
    (r"NIF|n[úu]mero de contribuinte|contribuinte", ("pt.nif",)),
    (r"NISS", ("be.nn", "niss")),
    (r"INSZ|rijksregisternummer", ("be.nn",)),
    (r"Steuer-?ID|IdNr\.?|Steuer-?identifikationsnummer", ("de.idnr",)),
    (r"SVNR|SV-?Nr\.?|Sozialversicherungsnummer", ("at.vnr",)),
    (r"NHS", ("gb.nhs",)),
    (r"UTR", ("gb.utr",)),
    (r"personnummer|personnr\.?", ("se.personnummer", "no.fodselsnummer")),
    (r"f[øo]dselsnummer", ("no.fodselsnummer",)),
    (r"CPR", ("dk.cpr",)),
    (r"kennitala", ("is_.kennitala",)),
    (r"CPF", ("br.cpf",)),
    (r"NUSS|NSS|n[úu]mero de (?:la )?seguridad social", ("nuss",)),
    (r"num[ée]ro fiscal|num[ée]ro SPI", ("fr.nif",)),
    (r"RUT", ("cl.rut",)),
    (r"CUI[TL]", ("ar.cuit",)),
    (r"NIT", ("co.nit",)),
    (r"c[ée]dula(?: de identidad)?", ("do.cedula", "ec.ci")),
    (r"matricule", ("matricule",)),
    (r"social insurance number", ("ca.sin",)),
)
"""Words before numbers of digits alone, and what checks them."""
_BY_LETTERED_WORD: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"KVNR|Krankenversicher(?:ten|ungs)nummer|Versichertennummer", ("health",)),
    (r"(?:Personal)?ausweis(?:nummer|nr\.?|-Nr\.?)?", ("identity card",)),
    (r"dow[óo]d(?:u)?(?: osobist(?:y|ego))?", ("dowod",)),
    (r"PPSN?", ("ie.pps",)),
    (r"Rentenversicherungsnummer|RVNR|VSNR|SVNR|Sozialversicherungsnummer|Versicherungsnummer", ("pension",)),
)
"""Words before numbers with letters in them."""
_BETWEEN = r"(?:[-. ]?(?:nummer|number|numer|no|nr|n[ºo°]))?\.?[: ]+(?:(?:is|ist|lautet|to|é|è|es|est)[: ]+)?"


def _any_of(words: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return "|".join(word for word, _ in words)


_TOLD_FIRST = r"(?=[BbCcIiNnPpRrSsFfKkUuMm](?i:[suehivprtoøné]|[úd]|a(?=tr)))"
_TOLD_LETTERED_FIRST = r"(?=[KkVvPpAaDdRrSs](?i:[veruopós]))"
"""What the words begin with: most other words are passed over at once."""
_TOLD = rf"{_TOLD_FIRST}(?i:{_any_of(_BY_WORD)}){_BETWEEN}"
_TOLD_LETTERED = rf"{_TOLD_LETTERED_FIRST}(?i:{_any_of(_BY_LETTERED_WORD)}){_BETWEEN}(?=[A-Za-z\d ]{{0,10}}\d)"
_BY_FORM: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{8}-?[A-HJ-NP-TV-Z]|\d{2}\.\d{3}\.\d{3}-?[A-HJ-NP-TV-Z]", ("dni",)),
    (r"[XYZ]-?\d{7}-?[A-Z]", ("es.nie",)),
    (r"[A-Za-z]{6}\d{2}[A-EHLMPRSTa-ehlmprst]\d{2}[A-Za-z]\d{3}[A-Za-z]", ("it.codicefiscale",)),
    (r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", ("fr.nir",)),
    (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", ("be.nn",)),
    (r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", ("ch.ssn",)),
    (r"\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y]", ("fi.hetu",)),
    (r"\d{2} ?\d{6} ?[A-Za-z] ?\d{2} ?\d", ("pension",)),
    (r"\d{8}[ -]?\d[ -]?[A-Z]{2}\d", ("pt.cc",)),
    (r"\d{3}\.\d{3}\.\d{3}-\d{2}", ("br.cpf",)),
    (r"\d{1,2}\.\d{3}\.\d{3}-[\dKk]", ("cl.rut",)),
    (r"(?:20|23|24|27)-\d{8}-\d", ("ar.cuit",)),
    (r"\d{3}-\d{7}-\d", ("do.cedula",)),
    (r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d", ("mx.curp",)),
    (r"[A-ZÑ&]{4}-?\d{6}-?[A-Z\d]{3}", ("rfc",)),
)
"""Forms that hardly anything else has."""
_WITH_DIGITS_FIRST = "|".join(form for form, _ in _BY_FORM if not form.startswith(("[X", "[A")))
_WITH_LETTERS_FIRST = "|".join(form for form, _ in _BY_FORM if form.startswith(("[X", "[A")))
PATTERN = re.compile(
    rf"\b(?:(?=\d)(?:{_WITH_DIGITS_FIRST})|(?=\w{{1,6}}-?\d)(?:{_WITH_LETTERS_FIRST})|"
    rf"{_TOLD}\d[\d ./-]{{6,16}}[\dKk]|{_TOLD_LETTERED}[A-Za-z\d](?:[ -]?[A-Za-z\d]){{7,12}}|"
    r"(?=[SsNn][SsOoIiAa])(?i:SSN|social security(?: number)?|NINO|NI (?:number|no\.?)|"
    r"national insurance(?: number| no\.?)?)"
    r"[: ]+(?:is )?"
    r"(?:\d{3}-\d{2}-\d{4}|[A-Za-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Da-d]))\b"
)
_NINO = re.compile(r" [A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]$", re.IGNORECASE)
_SSN = re.compile(r" (\d{3}-\d{2}-\d{4})$")
_WORD, _LETTERED_WORD = re.compile(_TOLD), re.compile(_TOLD_LETTERED)
_CHECKS_BY_WORD = tuple((re.compile(word, re.IGNORECASE), checks) for word, checks in _BY_WORD)
_CHECKS_BY_LETTERED_WORD = tuple((re.compile(word, re.IGNORECASE), checks) for word, checks in _BY_LETTERED_WORD)
_CHECKS_BY_FORM = tuple((re.compile(form), checks) for form, checks in _BY_FORM)
_LAST_SIGNS = re.compile(r"[ -][A-Za-z\d]+$")


def end_of(match: re.Match[str]) -> int:
    """Where the number ends: behind it the next words may look like more of its letters."""
    start, end = match.span()
    word = _LETTERED_WORD.match(match[0])
    if word is None:
        return end
    begin = start + word.end()
    at = end
    while not _is_lettered(word[0], match.string[begin:at]):
        before = _LAST_SIGNS.search(match.string, begin, at)
        if before is None:
            return end
        at = before.start()
    return at


def is_valid(match: re.Match[str]) -> bool:
    """Whether a match of the pattern is a person's number, by its checksum."""
    value = match[0]
    if _NINO.search(value) is not None:
        # Of Britain's number nothing checks but its letters; the words before it tell.
        return True
    if (ssn := _SSN.search(value)) is not None:
        return _holds("us.ssn", ssn[1])
    word = _LETTERED_WORD.match(value)
    if word and _is_lettered(word[0], match.string[match.start() + word.end() : end_of(match)]):
        return True
    if word := _WORD.match(value):
        number = value[word.end() :].strip()
        return any(told.match(value) and _hold(checks, number) for told, checks in _CHECKS_BY_WORD)
    return any(form.fullmatch(value) and _hold(checks, value) for form, checks in _CHECKS_BY_FORM)


def _is_lettered(word: str, number: str) -> bool:
    bare = re.sub(r"[ -]", "", number).upper()
    return any(told.match(word) and _hold(checks, bare) for told, checks in _CHECKS_BY_LETTERED_WORD)


def _hold(checks: tuple[str, ...], number: str) -> bool:
    return any(_holds(check, number) for check in checks)


def _holds(check: str, number: str) -> bool:
    own = _OWN_CHECKS.get(check)
    return own(number) if own is not None else bool(_of_stdnum(check).is_valid(number))


@cache
def _of_stdnum(name: str) -> Any:
    return import_module(f"stdnum.{name}")


# What python-stdnum has no check for.


def _digit_sum(number: int) -> int:
    return number // 10 + number % 10


def _is_pension(number: str) -> bool:
    """Germany's pension insurance number, 65170839J003: area, day of birth, first letter, serial, check digit (§ 2
    VKVV: products with 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1, their digits added, modulo 10)."""
    number = number.replace(" ", "").upper()
    found = re.fullmatch(r"(\d{2})(\d{2})(\d{2})\d{2}([A-Z])\d{3}", number)
    if found is None or not (1 <= int(found[2]) % 50 <= 31 and 1 <= int(found[3]) <= 12):
        return False
    digits = f"{number[:8]}{ord(number[8]) - 64:02}{number[9:11]}"
    weighed = (int(digit) * weight for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return sum(map(_digit_sum, weighed)) % 10 == int(number[11])


def _is_health(number: str) -> bool:
    """Germany's number of a person's health insurance, A123456780 (§ 290 SGB V: weights 1 and 2, modulo 10)."""
    if re.fullmatch(r"[A-Z]\d{9}", number) is None:
        return False
    digits = f"{ord(number[0]) - 64:02}{number[1:9]}"
    return sum(_digit_sum(int(digit) * (1 + at % 2)) for at, digit in enumerate(digits)) % 10 == int(number[9])


def _is_identity_card(number: str) -> bool:
    """Germany's identity card with its check digit, T220001293 (ICAO 9303: weights 7, 3, 1)."""
    if re.fullmatch(r"[CFGHJKLMNPRTVWXYZ\d]{9}\d", number) is None or number.isdigit():
        return False
    return sum(int(sign, 36) * (7, 3, 1)[at % 3] for at, sign in enumerate(number[:9])) % 10 == int(number[9])


def _is_dowod(number: str) -> bool:
    """Poland's identity card, ABA300000: three letters, of whose digits the first checks the others."""
    if re.fullmatch(r"[A-Z]{3}\d{6}", number) is None:
        return False
    weights = (7, 3, 1, 0, 7, 3, 1, 7, 3)
    return sum(int(sign, 36) * weight for sign, weight in zip(number, weights, strict=True)) % 10 == int(number[3])


def _is_spanish_insurance(number: str) -> bool:
    """Spain's social security, 28/12345678/40: province, number, and both modulo 97."""
    digits = re.sub(r"[ ./-]", "", number)
    if re.fullmatch(r"\d{12}", digits) is None:
        return False
    province, own = int(digits[:2]), int(digits[2:10])
    checked = own + province * 10_000_000 if own < 10_000_000 else int(digits[:10])
    return checked % 97 == int(digits[10:])


def _is_portuguese_insurance(number: str) -> bool:
    """Portugal's social security (NISS): eleven digits, the last of which checks the others by primes."""
    digits = re.sub(r"[ .-]", "", number)
    if re.fullmatch(r"[12]\d{10}", digits) is None:
        return False
    primes = (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)
    weighed = sum(int(digit) * prime for digit, prime in zip(digits, primes, strict=False))
    return 9 - weighed % 10 == int(digits[10])


def _is_of_luxembourg(number: str) -> bool:
    """Luxembourg's matricule: thirteen digits, day of birth first, checked by Luhn and by Verhoeff."""
    from stdnum import luhn, verhoeff

    digits = re.sub(r"[ .-]", "", number)
    if re.fullmatch(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{5}", digits) is None:
        return False
    return bool(luhn.is_valid(digits[:12])) and bool(verhoeff.is_valid(digits[:11] + digits[12]))


def _is_rfc(number: str) -> bool:
    """Mexico's tax number of a person, with its check digit."""
    from stdnum.mx import rfc

    return bool(rfc.is_valid(number, validate_check_digits=True))


def _is_dni(number: str) -> bool:
    from stdnum.es import dni

    return bool(dni.is_valid(number.replace(".", "")))


_OWN_CHECKS: dict[str, Callable[[str], bool]] = {
    "pension": _is_pension, "health": _is_health, "identity card": _is_identity_card, "dowod": _is_dowod,
    "nuss": _is_spanish_insurance, "niss": _is_portuguese_insurance, "matricule": _is_of_luxembourg, "rfc": _is_rfc,
    "dni": _is_dni,
}  # fmt: skip
