"""Price books that come into force on a day: the one that `OTAI_PRICE_BOOK` names, and those in the folder
`OTAI_PRICE_BOOKS`, JSON files as `otai billing price-book --json` writes them.

A book in the folder is in force from its `effective_on` on, where the seller is, without anything being deployed; what
was ordered or offered before keeps the book that it names.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from otai.billing.seller import seller
from otai.db import new_id, utc_now
from otai.errors import Invalid, Refused
from otai.pricing.price_book import PriceBook
from otai.pricing.published import as_published, book_of, from_published, versions

logger = logging.getLogger(__name__)


class InvalidPriceBook(Invalid):
    """No price book, or one with a gap."""

    code = "invalid_price_book"


class PriceBookNotNew(Refused):
    """Its version was used before, or its day is not in the future: what was promised stays."""

    code = "price_book_not_new"


def price_book(at: datetime | None = None) -> PriceBook:
    """The price book in force at a time; now, if left out."""
    deployed, dated = _load(settings.OTAI_PRICE_BOOK), _dated()
    if not dated:
        return deployed
    day = (at or utc_now()).astimezone(seller().zone).date()
    # Of two of one day the dated one, which was scheduled to take the other's place.
    begun = [book for book in dated if deployed.effective_on <= book.effective_on <= day]
    return begun[-1] if begun else deployed


def to_come(now: datetime) -> list[PriceBook]:
    """The books that are not in force yet, the earliest first."""
    day = now.astimezone(seller().zone).date()
    return [book for book in _dated() if book.effective_on > day]


def book_named(version: str) -> PriceBook:
    """The book of that version: in force, to come, or published. Raises PriceBookUnknown."""
    for book in (_load(settings.OTAI_PRICE_BOOK), *_dated()):
        if book.version == version:
            return book
    return book_of(version, in_force=price_book())


def in_force_since(since: datetime, *, now: datetime) -> list[PriceBook]:
    """The books that were in force at some time between the two, the one in force `now` last."""
    zone = seller().zone
    first, last = (at.astimezone(zone).date() for at in (since, now))
    begun = [book for book in _dated() if first < book.effective_on <= last]
    at_noon = (datetime.combine(book.effective_on, time(12), zone) for book in begun)
    found = [price_book(since), *(price_book(at) for at in at_noon), price_book(now)]
    return list({book.version: book for book in found}.values())


def checked(text: str, *, now: datetime) -> PriceBook:
    """The book that `text` is, if it could be scheduled. Raises InvalidPriceBook and PriceBookNotNew."""
    try:
        book = from_published(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidPriceBook("form", problem=str(error)[:300]) from None
    known = {*versions(), _load(settings.OTAI_PRICE_BOOK).version, *(one.version for one in _dated())}
    if book.version in known or not _is_a_name(book.version):
        raise PriceBookNotNew("version", version=book.version)
    if book.effective_on <= now.astimezone(seller().zone).date():
        raise PriceBookNotNew("day", version=book.version, effective_on=book.effective_on.isoformat())
    currencies = {money.currency for money in (package.price for package in book.packages)}
    currencies |= {terms.monthly_price.currency for terms in book.tiers.values()}
    if currencies != {package.price.currency for package in price_book(now).packages}:
        raise InvalidPriceBook("currency", currencies=sorted(currencies))
    return book


def schedule(text: str, *, now: datetime) -> PriceBook:
    """Keeps a book that comes into force at its day; doors go by `second_operator.price_book`. Raises
    InvalidPriceBook and PriceBookNotNew; nothing is kept then."""
    book = checked(text, now=now)
    folder = Path(settings.OTAI_PRICE_BOOKS)
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{book.version}.{new_id()}.part"
    written.write_text(json.dumps(as_published(book), indent=1), encoding="utf-8")
    try:
        # Of two that schedule one version at once, the second is refused.
        os.link(written, folder / f"{book.version}.json")
    except FileExistsError:
        raise PriceBookNotNew("version", version=book.version) from None
    finally:
        written.unlink()
    return book


def _is_a_name(version: str) -> bool:
    return 0 < len(version) <= 40 and version.isascii() and version.replace("-", "").replace(".", "").isalnum()


def _dated() -> tuple[PriceBook, ...]:
    """The books of the folder, in the order of their days."""
    folder = Path(settings.OTAI_PRICE_BOOKS)
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return ()
    return _read_folder(folder, changed)


@lru_cache(maxsize=4)
def _read_folder(folder: Path, changed: int) -> tuple[PriceBook, ...]:
    books = []
    for file in sorted(folder.glob("*.json")):
        try:
            values: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            books.append(from_published(values))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            # Prices stay as they are, rather than no page being shown any more.
            logger.error("The price book %s cannot be read: %s", file.name, error)
    return tuple(sorted(books, key=lambda book: book.effective_on))


@lru_cache
def _load(name: str) -> PriceBook:
    try:
        book = import_string(name.replace(":", "."))
    except (ImportError, ValueError) as error:
        raise ImproperlyConfigured(f"OTAI_PRICE_BOOK={name!r} cannot be loaded: {error}") from error
    if not isinstance(book, PriceBook):
        raise ImproperlyConfigured(f"OTAI_PRICE_BOOK={name!r} is a {type(book).__name__}, not a PriceBook.")
    return book
