"""What billing asks of rooms above, which it cannot know: they write themselves in here when the product starts.

Apart from what asks (`audit.py`, `operations/goodwill.py`), so that a command which asks nothing does not load it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unexplained:
    """`what` names the rule, `where` the row that breaks it."""

    what: str
    where: str
    details: str = ""


causes_above: list[Callable[[], Iterator[Unexplained]]] = []
"""What of the ledger's rows has its cause with them, such as a guarantee's credits."""

RefundRule = Callable[..., bool]
"""`rule(hold=..., who=..., why=..., now=...)` of a room above: whether the hold is one of its own, and it has given the
credits back as its own rules say; it raises what they refuse."""

refund_rules: list[RefundRule] = []
