"""Long lists, a page at a time: `?cursor=` takes `next` of the page before.

A cursor says behind which row to go on, so rows that come or go meanwhile are neither shown twice nor left out, and
page 1 000 costs what page 1 costs. It is signed for its list and organisation: nobody needs to know what is in it, and
one that was changed is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from ninja import Query, Schema
from pydantic import Field

from otai.api.access import Caller
from otai.errors import Invalid

most_items = 200
Listed = TypeVar("Listed")


class InvalidCursor(Invalid):
    code = "invalid_cursor"


class Page(Schema):
    """Which part of a list."""

    limit: int = Field(50, ge=1, le=most_items, description="How many at most.")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")


PageQuery = Annotated[Page, Query()]


def position(caller: Caller, page: Page, *, of: str) -> list[Any] | None:
    """Where the page begins: the values of the last row before it. Raises InvalidCursor."""
    if not page.cursor:
        return None
    try:
        found = signing.loads(page.cursor, salt=_salt(caller, of))
    except signing.BadSignature:
        raise InvalidCursor("of_another_list", field="query.cursor") from None
    assert isinstance(found, list)
    return found


def next_cursor(caller: Caller, values: Sequence[Any], *, of: str) -> str:
    """Where the next page begins, signed for this caller and this list: it cannot be made up or used elsewhere."""
    return signing.dumps(list(values), salt=_salt(caller, of))


def _salt(caller: Caller, of: str) -> str:
    return f"otai.api.cursor:{caller.organisation.id}:{of}"


M = TypeVar("M", bound=Model)


def page_of(
    rows: QuerySet[M], caller: Caller, page: Page, *, of: str, by: Sequence[str], shown: Callable[[M], Any]
) -> dict[str, Any]:
    """A page of `rows`, in the order of the fields `by` ("-number": from high to low; the last one tells rows
    apart)."""
    last = position(caller, page, of=of)
    if last is not None:
        rows = rows.filter(_behind(by, last))
    found = list(rows.order_by(*by)[: page.limit + 1])
    following = None
    if len(found) > page.limit:
        found.pop()
        following = next_cursor(caller, [_plain(found[-1], field.lstrip("-")) for field in by], of=of)
    return {"items": [shown(row) for row in found], "next": following}


def _behind(by: Sequence[str], last: Sequence[Any]) -> Q:
    """(a, b) behind (x, y): a behind x, or a = x and b behind y."""
    condition = Q()
    equal = Q()
    for field, value in zip(by, last, strict=True):
        name, direction = field.lstrip("-"), "lt" if field.startswith("-") else "gt"
        condition |= equal & Q(**{f"{name}__{direction}": value})
        equal &= Q(**{name: value})
    return condition


def _plain(row: Model, path: str) -> Any:
    value: Any = row
    for name in path.split("__"):
        value = getattr(value, name)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, int | str) else str(value)
