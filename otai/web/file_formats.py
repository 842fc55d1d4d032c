"""How a file was read, in the language of the page: the import keeps it in English (`source_format`), for programs."""

from __future__ import annotations

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _whole(pattern: str) -> re.Pattern[str]:
    """Between the commas of a description."""
    return re.compile(rf"(?:^|(?<=, )){pattern}(?=, |$)")


PHRASES: tuple[tuple[re.Pattern[str], str | Promise], ...] = (
    (_whole("CSV separated by semicolons"), _("CSV separated by semicolons")),
    (_whole("CSV separated by bars"), _("CSV separated by bars")),
    (_whole(r"CSV separated by (?P<sign>'[^']*')"), _("CSV separated by %(sign)s")),
    (_whole("UTF-8 with lines in cp1252"), _("UTF-8 with lines in cp1252")),
    (_whole("HTML table"), _("HTML table")),
    (_whole("JSON array"), _("JSON array")),
    (_whole(r"mails \(\.eml\)"), _("mails (.eml)")),
    (_whole("lines with labels in front"), _("lines with labels in front")),
    (_whole("list (?P<name>'.+?')"), _("list %(name)s")),
    (_whole("elements (?P<name>'.+?')"), _("elements %(name)s")),
    (_whole("sheet (?P<name>'.+?')"), _("sheet %(name)s")),
    (_whole("sheets (?P<names>'.+')(?: \\.\\.\\.)?"), _("sheets %(names)s")),
    (_whole("(?P<kind>[a-z]+) of 1 file"), _("%(kind)s of one file")),
    (_whole(r"(?P<kind>[a-z]+) of (?P<count>\d+) files"), _("%(kind)s of %(count)s files")),
    (_whole(r"made from version (?P<version>\d+)"), _("made from version %(version)s")),
)


def format_words(written: str) -> str:
    """`CSV separated by semicolons, UTF-8` as the page's language says it. What is no phrase of ours, a name of a sheet
    or of an encoding, stays."""
    for pattern, phrase in PHRASES:
        written = pattern.sub(lambda found, phrase=phrase: str(phrase) % found.groupdict(), written)  # type: ignore[misc]
    return written
