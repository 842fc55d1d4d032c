"""Terms, privacy notice and imprint of whoever runs the installation: where each is, in which version, and who has
accepted which terms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from otai.errors import NotFound, Unavailable
from otai.orgs.languages import languages
from otai.orgs.legal_places import ANY, is_address
from otai.orgs.models import Consent, User

most_bytes = 512 * 1024
"""Of one file: a page, not a book."""


class LegalPageUnreadable(Unavailable):
    code = "legal_page_unreadable"


class Legal(StrEnum):
    TERMS = "terms"
    PRIVACY = "privacy"
    IMPRINT = "imprint"


@dataclass(frozen=True, slots=True)
class LegalPlace:
    """`language` is that of what is found there; empty where nobody said."""

    language: str
    place: str

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is a web address, and no file here."""
        return is_address(self.place)


def given() -> list[Legal]:
    """Those that this installation has, in their order."""
    return [one for one in Legal if settings.OTAI_LEGAL[one.value]]


def place_of(which: Legal, language: str) -> LegalPlace:
    """The page for a reader: in their language, else in that of the installation, else whatever there is. Raises
    NotFound."""
    pages: dict[str, str] = settings.OTAI_LEGAL[which.value]
    for one in (language, language.partition("-")[0], ANY, *languages(), *pages):
        if one in pages:
            return LegalPlace(one, pages[one])
    raise NotFound("legal_page")


def text_of(place: LegalPlace) -> str:
    """What stands in the file. Raises LegalPageUnreadable where there is none, it is too long or no UTF-8."""
    return _read(place.place).decode()


def unreadable() -> list[str]:
    """The files named by settings that cannot be shown."""
    found = []
    for which in Legal:
        for place in settings.OTAI_LEGAL[which.value].values():
            if not is_address(place):
                try:
                    _read(place)
                except LegalPageUnreadable:
                    found.append(place)
    return found


def terms_version() -> str:
    """What the terms in force are called: `OTAI_TERMS_VERSION`, else a fingerprint of files and addresses in all
    languages; empty where there are none."""
    pages: dict[str, str] = settings.OTAI_LEGAL[Legal.TERMS.value]
    if not pages:
        return ""
    if settings.OTAI_TERMS_VERSION:
        return str(settings.OTAI_TERMS_VERSION)
    told = hashlib.sha256()
    for language, place in sorted(pages.items()):
        told.update(f"{language}={place if is_address(place) else ''}\0".encode())
        if not is_address(place):
            told.update(_read(place) + b"\0")
    return told.hexdigest()[:16]


def accept_terms(*, user: User, version: str, language: str, now: datetime) -> Consent:
    """The person accepts this version of the terms, as read in that language; a second time changes nothing."""
    return Consent.objects.get_or_create(
        user=user, version=version, defaults={"language": language, "accepted_at": now}
    )[0]


def _read(place: str) -> bytes:
    try:
        with Path(place).open("rb") as file:
            data = file.read(most_bytes + 1)
        data.decode()
    except (OSError, UnicodeDecodeError):
        raise LegalPageUnreadable("file") from None
    if len(data) > most_bytes:
        raise LegalPageUnreadable("file")
    return data
