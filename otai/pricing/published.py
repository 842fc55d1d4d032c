"""Price books as they were published: one JSON file a version, in `published/`, that nothing changes afterwards.

A quote, a purchase and a guarantee name the version of the book they were made by. The book in force lives in code;
once it changes, only its file can still say what an old quote was priced by. A test holds the book in force against its
file, so a changed number needs a new version.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from otai.errors import NotFound
from otai.pricing.price_book import PriceBook

FOLDER = files("otai.pricing") / "published"


class PriceBookUnknown(NotFound):
    code = "not_found"


def versions() -> tuple[str, ...]:
    """Of the published books, oldest first."""
    return tuple(sorted(file.name.removesuffix(".json") for file in FOLDER.iterdir() if file.name.endswith(".json")))


def book_of(version: str, *, in_force: PriceBook) -> PriceBook:
    """The book of that version: the one in force, or as it was published. Raises PriceBookUnknown."""
    return in_force if version == in_force.version else read(version)


@cache
def read(version: str) -> PriceBook:
    """The published book of that version. Raises PriceBookUnknown, naming the versions there are."""
    if version not in versions():
        raise PriceBookUnknown("no_price_book", version=version, known=list(versions()))
    return from_published(json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8")))


def as_published(book: PriceBook) -> dict[str, Any]:
    """Everything in the book as JSON values: exact fractions as "1/2", spans as seconds, what is looked up by a pair as
    "basic standard"."""
    written: dict[str, Any] = _written(book)
    return written


def from_published(values: Mapping[str, Any]) -> PriceBook:
    """The book of `as_published`. What a later version of this program added keeps its default."""
    book: PriceBook = _read(PriceBook, values)
    return book


def _written(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _written(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _written(of) for key, of in value.items()}
    if isinstance(value, frozenset):
        return sorted(_written(item) for item in value)
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction | date):
        return str(value)
    assert value is None or isinstance(value, str | int | bool), f"no way to write a {type(value).__name__}"
    return value


def _key(key: Any) -> str:
    return " ".join(key) if isinstance(key, tuple) else str(key)


def _read(kind: Any, value: Any) -> Any:
    """`value` as the type that the field is declared with; the other way round than `_written`."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        declared = typing.get_type_hints(kind)
        return kind(**{name: _read(declared[name], of) for name, of in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _read(next(one for one in arguments if one is not type(None)), value)
    if origin is Mapping:
        return {_read_key(arguments[0], key): _read(arguments[1], of) for key, of in value.items()}
    if origin in (frozenset, tuple):
        return origin(_read(arguments[0], item) for item in value)
    if kind is timedelta:
        return timedelta(seconds=value)
    if kind is date:
        return date.fromisoformat(value)
    return kind(value)


def _read_key(kind: Any, key: str) -> Any:
    if typing.get_origin(kind) is tuple:
        return tuple(of(part) for of, part in zip(typing.get_args(kind), key.split(" "), strict=True))
    return kind(key)
