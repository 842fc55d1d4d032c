"""Why credits moved, in the one column that a row has for it: a fact as JSON, or a person's own words.

The column is in the hash chain, so a reason's code and values are as safe from tampering as the credits are. Rows of
release 0.1 keep an English sentence there; `reasons_of_before.py` reads those.
"""

from __future__ import annotations

import json

from otai.words.sentences import Fact

MARK = '{"code": '
"""What every fact begins with in its column, and nobody's own words."""


def stored_reason(why: str | Fact) -> str:
    """The column's text: a fact as JSON with its code first; a person's own words as they are.

    Words that would be read as a fact get a blank in front.
    """
    if isinstance(why, Fact):
        return json.dumps(why.as_dict(), ensure_ascii=False)
    return f" {why}" if isinstance(why, str) and why.startswith(MARK) else why


def read_reason(stored: str) -> str | Fact:
    """The fact or the words that `stored_reason` made the text of; what is no fact after all is text."""
    if not stored.startswith(MARK):
        return stored
    try:
        return Fact.from_dict(json.loads(stored))
    except (ValueError, KeyError, TypeError, AttributeError):
        return stored
