"""A fact in a column of text: as JSON, or a person's own words. Made and read here alone."""

from __future__ import annotations

import json

from otai.words.sentences import Fact

OwnWords = str
"""What a person wrote."""

ColumnText = str
"""The text of a column."""

MARK = '{"code": '
"""What every fact begins with in its column, and nobody's own words."""


def stored_fact(said: OwnWords | Fact) -> ColumnText:
    """The column's text: a fact as JSON with its code first; a person's own words as they are.

    Words that would be read as a fact get a blank in front.
    """
    if isinstance(said, Fact):
        return json.dumps(said.as_dict(), ensure_ascii=False)
    return f" {said}" if isinstance(said, str) and said.startswith(MARK) else said


def stored_within(said: Fact, most: int) -> ColumnText:
    """The column's text in at most so many characters: without its values where they are too long."""
    text = stored_fact(said)
    return text if len(text) <= most else stored_fact(Fact(said.code))


def read_fact(stored: ColumnText) -> OwnWords | Fact:
    """The fact or the words that `stored_fact` made the text of; what is no fact after all is text."""
    if not stored.startswith(MARK):
        return stored
    try:
        return Fact.from_dict(json.loads(stored))
    except (ValueError, KeyError, TypeError, AttributeError):
        return stored
