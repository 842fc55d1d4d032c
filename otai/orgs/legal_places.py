"""Where the vendor's terms, privacy notice and imprint are: for each language a web address or a file. Pure: settings
are read by it before there is a Django."""

from __future__ import annotations

import re
from pathlib import Path

from otai.environment import InvalidSetting

_ENTRY = re.compile(r"(?:(?P<language>[a-z]{2}(?:-[a-z]{2,4})?)=)?(?P<place>\S.*)", re.I)
ANY = ""
"""Stands for every language that has none of its own (`OTAI_LEGAL`)."""


def legal_pages(text: str, *, setting: str) -> dict[str, str]:
    """`en=https://vendor.example/terms, de=...` by language; one place alone is for every language.

    Raises InvalidSetting for a language named twice, and for a place that is neither a web address nor the absolute
    path of a file that ends in .md or .txt.
    """
    found: dict[str, str] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        parts = _ENTRY.fullmatch(entry)
        place = parts["place"].strip() if parts else ""
        language = ((parts["language"] or ANY) if parts else ANY).lower()
        if language in found or not (is_address(place) or _is_file(place)):
            raise InvalidSetting("legal_page", text=entry, setting=setting)
        found[language] = place
    return found


def is_address(place: str) -> bool:
    """Whether the page is somewhere else on the web, rather than a file here."""
    return re.fullmatch(r"https?://[^\s\"'<>]+", place) is not None


def _is_file(place: str) -> bool:
    return Path(place).is_absolute() and Path(place).suffix in (".md", ".txt")
