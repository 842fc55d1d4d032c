"""Mail addresses of people in answers and refusals, for callers who may not read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from otai.orgs.permissions import Action
from otai.words.catalogue import say_actor_to_programs

A_MEMBER = "a member"
_ADDRESS = re.compile(r"[^\s@()<>]+@[^\s@()<>]+")
WHO = frozenset(
    {
        *("who", "by", "member", "ordered_by", "created_by", "invited_by", "agreed_by", "decided_by", "claimed_by"),
        *("given_by", "withdrawn_by"),
    }
)
"""Under these names answers say who did something."""


def without_addresses(name: str) -> str:
    """The name, with "a member" for each mail address; names of keys and of parts of the Studio stay."""
    return _ADDRESS.sub(A_MEMBER, name)


def reads_addresses(caller: Any) -> bool:
    """Whether this caller sees who did something. A vendor's caller has keys of its own for that."""
    may = getattr(caller, "may", None)
    return may is None or bool(may(Action.READ_MEMBERS))


def as_told(caller: Any, document: Any) -> Any:
    """An answer of JSON's kinds, as this caller may see it."""
    return _told(document, with_addresses=reads_addresses(caller))


def _told(document: Any, name: str = "", *, with_addresses: bool) -> Any:
    if isinstance(document, Mapping):
        return {name: _told(one, name, with_addresses=with_addresses) for name, one in document.items()}
    if isinstance(document, list | tuple):
        return [_told(one, name, with_addresses=with_addresses) for one in document]
    if name not in WHO or not isinstance(document, str):
        return document
    return say_actor_to_programs(document, shown=str if with_addresses else without_addresses)
