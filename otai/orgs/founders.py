"""Whom gifts are given once: a person, by account and mail address, and a company, by its mail domain.

Only hashes are kept, so that a person who is deleted can be told apart from a new one, and not be read.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from django.conf import settings
from django.utils.encoding import punycode
from publicsuffixlist import PublicSuffixList

ONE_MAILBOX = (
    ("gmail.com", "googlemail.com"),
    ("icloud.com", "mac.com", "me.com"),
    ("proton.me", "pm.me", "protonmail.ch", "protonmail.com"),
    ("yandex.ru", "ya.ru", "yandex.by", "yandex.com", "yandex.kz"),
)
"""Domains of one provider at which a name is the same person's, by the first of which they are known."""
KNOWN_AS = {domain: domains[0] for domains in ONE_MAILBOX for domain in domains}
IGNORED_SIGNS = {"gmail.com": ".", "proton.me": ".-_", "yandex.ru": ".-"}
"""Which signs of a name these providers ignore, or take for one another: a.b@ and ab@ are one person."""
YAHOO = (
    *("rocketmail.com", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.com.br", "yahoo.de"),
    *("yahoo.es", "yahoo.fr", "yahoo.it", "ymail.com"),
)
ALSO_A_PLUS = dict.fromkeys(YAHOO, "-")
"""With what, beside `+`, a part begins that the owner of an address makes up; no name at these providers has it."""
SOLD_BELOW = frozenset(
    {
        *(
            "ae.org",
            "br.com",
            "cn.com",
            "com.de",
            "com.se",
            "de.com",
            "eu.com",
            "gb.net",
            "hu.net",
            "jp.net",
            "jpn.com",
        ),
        *("mex.com", "ru.com", "sa.com", "se.net", "uk.com", "uk.net", "us.com", "za.bz", "za.com"),
    }
)
"""Domains of somebody (CentralNic) below which names are sold as a registry sells them. Below others' (`duckdns.org`,
`eu.org`) they are given away, to anybody and as many as they like."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who signs an organisation up. `is_confirmed`: whether the mail address is known to be theirs."""

    account: int
    email: str
    is_confirmed: bool

    @property
    def own_keys(self) -> tuple[str, ...]:
        """Of the person alone."""
        return _hash("account", str(self.account)), _hash("address", same_person(self.email))

    @property
    def keys(self) -> tuple[str, ...]:
        """Of the person, and of their company where the address is of one."""
        company = company_domain(self.email)
        return (*self.own_keys, *([_hash("company", company)] if company else []))


def same_person(email: str) -> str:
    """The address without what its owner may change at will: case, quotes, a part after `+`, how the domain is
    written, and what the provider takes for the same."""
    name, _, domain = email.strip().lower().rpartition("@")
    name, domain = _unquoted(name).partition("+")[0], _domain(domain)
    domain = KNOWN_AS.get(domain, domain)
    if domain in ALSO_A_PLUS:
        name = name.partition(ALSO_A_PLUS[domain])[0]
    return f"{name.translate(dict.fromkeys(map(ord, IGNORED_SIGNS.get(domain, ''))))}@{domain}"


def company_domain(email: str) -> str:
    """The domain that a company registered (`acme.co.uk` of `alice@mail.acme.co.uk`); empty for an address at a
    public mail provider. Below such a provider's domain somebody has all addresses: that is a company of its own.
    All addresses of the network in the place of a domain (`alice@[192.0.2.7]`) are one company, and so is all below a
    domain of somebody who gives names away."""
    domain = _domain(email.strip().lower().rpartition("@")[2])
    if domain.startswith("["):
        return "[]"
    if domain in public_mail_domains():
        return ""
    registered = _registered(domain)
    return domain if registered in public_mail_domains() else registered


def _unquoted(name: str) -> str:
    """`alice` for `"alice"` and for `"a\\lice"`, which mail servers take for the same (RFC 5321, 4.1.2)."""
    return re.sub(r"\\(.)", r"\1", name[1:-1], flags=re.DOTALL) if re.fullmatch(r'".*"', name, re.DOTALL) else name


def _domain(written: str) -> str:
    """As name servers know it, and as mail is sent to it: `xn--mnchen-3ya.example` for `münchen.example`."""
    with suppress(UnicodeError):
        written = punycode(written)
    return written.rstrip(".")


def _registered(domain: str) -> str:
    """The part of it that was registered with a country's or the world's registry, or bought below another's name."""
    is_sold_below = _suffixes(only_icann=False).publicsuffix(domain) in SOLD_BELOW
    return str(_suffixes(only_icann=not is_sold_below).privatesuffix(domain) or domain)


def public_mail_domains() -> frozenset[str]:
    """Where each person has an address of their own: those we know, and `OTAI_PUBLIC_MAIL_DOMAINS`.

    Not where one person may have as many as they like (throw-away addresses, aliases): such a domain counts as a
    company, so all of it is given to once.
    """
    return _known_providers() | {_domain(domain.lower()) for domain in settings.OTAI_PUBLIC_MAIL_DOMAINS}


@cache
def _known_providers() -> frozenset[str]:
    text = (files("otai.orgs") / "public_mail_domains.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if line)


@cache
def _suffixes(*, only_icann: bool) -> PublicSuffixList:
    # The list that came with the package: nothing is fetched.
    return PublicSuffixList(only_icann=only_icann)


def _hash(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
