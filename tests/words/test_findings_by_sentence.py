"""Of the sentences of a finding the most exact one comes first: none of them leaves out what the next one shows."""

from __future__ import annotations

import itertools

import pytest

from otai.words import findings as words
from otai.words.sentences import Counted
from tests.words.unsaid import shown

pytestmark = pytest.mark.pure


def test_a_sentence_of_a_finding_says_no_less_than_one_that_is_less_exact() -> None:
    """Else a number that is dropped from the first sentence of a code would be seen in the next one, and not missed."""
    more = {
        (f"{kind}:{code}", value)
        for kind, entries in (("data", words.DATA), ("card", words.CARD))
        for code, entry in entries.items()
        for said in (entry.message, entry.advice)
        if not isinstance(said, str | Counted)
        for exact, less in itertools.pairwise(said)
        for value in shown([less]) - shown([exact])
    }
    # The same of tickets and not of rows, or of another time: other words for another case, not fewer.
    assert more == {
        ("data:label_given_away", "without"),
        ("data:labels_missing_in_words", "tickets"),
        ("data:languages_not_read", "tickets"),
        ("data:newest_row_won", "created"),
        ("data:personal_data", "tickets"),
        ("data:personal_data", "masked_tickets"),
        ("data:text_was_cut", "all"),
        ("data:text_was_cut", "tickets"),
        ("data:threads_became_tickets", "tickets"),
        ("data:times_not_read", "tickets"),
    }
