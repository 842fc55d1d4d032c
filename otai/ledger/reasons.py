"""Why credits moved, in the one column that a row has for it: a fact as JSON, or a person's own words.

The column is in the hash chain, so a reason's code and values are as safe from tampering as the credits are. Rows of
release 0.1 keep an English sentence there; `reasons_of_before.py` reads those.
"""

from __future__ import annotations

from otai.words.kept_facts import MARK, read_fact, stored_fact
from otai.words.sentences import Fact

__all__ = ["MARK", "read_reason", "stored_reason"]


def stored_reason(why: str | Fact) -> str:
    """The column's text, as `stored_fact` makes it."""
    return stored_fact(why)


def read_reason(stored: str) -> str | Fact:
    """The fact or the words that `stored_reason` made the text of."""
    return read_fact(stored)
