"""Which pages the help has, in which order, and who is shown them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from otai.words.catalogue import ENGLISH

DOCS = Path(__file__).parent / "docs"


@dataclass(frozen=True, slots=True)
class Group:
    """Pages under one word, in the order of reading."""

    title: str | Promise
    names: tuple[str, ...]
    for_operators: bool = False


GROUPS = (
    Group(_("Tickets"), ("importing", "helpdesks", "labels", "deleting")),
    Group(_("Train"), ("when-to-train-again", "report-card", "guarantee")),
    Group(_("Credits"), ("policies", "paying")),
    Group(_("Models"), ("use-elsewhere", "api", "webhooks")),
    Group(_("Your account"), ("finding", "notifications", "accounts", "privacy", "export", "words")),
    Group(
        _("For whoever runs this installation"),
        (
            *("before-strangers-reach-it", "tls", "settings", "billing", "accountant", "ledger", "money-shown"),
            *("vendor-api", "dispatch", "simulation", "encoders", "security", "languages", "glossary"),
        ),
        for_operators=True,
    ),
)


@cache
def names(*, operator: bool) -> tuple[str, ...]:
    """Of all pages that a reader is shown, in order. The pages of single helpdesks follow their list."""
    found: list[str] = []
    for group in GROUPS:
        if operator or not group.for_operators:
            for name in group.names:
                found += [name, *_helpdesks()] if name == "helpdesks" else [name]
    return tuple(found)


@cache
def _helpdesks() -> tuple[str, ...]:
    files = sorted((DOCS / "helpdesks").glob("*.md"))
    return tuple(f"helpdesks/{file.stem}" for file in files if file.stem != "README")


def file_of(name: str, language: str = ENGLISH) -> Path:
    """Where a page lies in a language, whether or not it is there."""
    folder = DOCS if language == ENGLISH else DOCS / language
    return folder / ("helpdesks/README.md" if name == "helpdesks" else f"{name}.md")


def name_of(file: Path) -> str:
    """The page that an English file below `docs/` is: the reverse of `file_of`."""
    name = file.relative_to(DOCS).with_suffix("").as_posix()
    return "helpdesks" if name == "helpdesks/README" else name


def language_of(name: str, language: str) -> str:
    """The language in which a page is shown to a reader: theirs (`de` of `de-at`), or English where it has none."""
    short = language.partition("-")[0]
    return short if short != ENGLISH and file_of(name, short).is_file() else ENGLISH


@cache
def title_of(name: str, language: str = ENGLISH) -> str:
    """A page's title in a language in which it is there: its first line."""
    with file_of(name, language).open(encoding="utf-8") as lines:
        return lines.readline().removeprefix("#").strip()
