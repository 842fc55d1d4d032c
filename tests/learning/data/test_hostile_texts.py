"""Bob writes tickets that no customer writes. They take as long as any other of their length: the Studio's pages, and
the imports of Carol's organisation, go on beside them."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest

from otai.learning.data.cuts.boilerplate import tails_of
from otai.learning.data.cuts.cutting import KINDS, TextRules, as_learnt, cut, desk_of, name_key
from otai.learning.data.cuts.phrases import normal_words, phrase_key, phrases_of, without_phrases
from otai.learning.data.language import detect_languages
from otai.learning.data.privacy import personal
from otai.learning.data.splitting import related_numbers_of

from .hostile import MIXED, hostile_to, patterns_of, read_by, seconds_of

pytestmark = pytest.mark.pure

CHARACTERS = 8_000
MOST_SECONDS = 0.3
"""Of the processor, for that many characters; one that works for their square takes half a second at least."""
MOST_SECONDS_FOR_A_MAIL = 1.0

RULES = TextRules(
    kinds=KINDS,
    desk=frozenset({name_key("Help Desk")}),
    lines=frozenset({name_key("a line")}),
    masked=personal.PERSONAL_KINDS,
    phrases=frozenset({phrase_key(["ann", "baker"])}),
    tails=frozenset({name_key(str(number)) + name_key("x") for number in range(500)}),
)

CHATS = dataclasses.replace(RULES, chats=True)


def test_every_expression_for_texts_takes_time_in_proportion() -> None:
    slow = [
        (place, round(seconds, 2), pattern.pattern[:60], text[:30])
        for place, pattern, method in patterns_of("otai.learning.data", "otai.learning.features")
        if "texts.times" not in place  # What it reads is short: cells that are times.
        for text in hostile_to(pattern, CHARACTERS)
        if (seconds := seconds_of(partial(read_by, pattern, method, text))) > MOST_SECONDS
    ]
    assert slow == []


@pytest.mark.parametrize("name", MIXED)
def test_a_hostile_mail_is_read_as_quickly_as_any(name: str) -> None:
    text = MIXED[name]
    readers = {
        "cut": lambda: cut(text, RULES),
        "mask": lambda: personal.mask(text),
        "learnt": lambda: as_learnt([text, text.replace("\n", " ", 1)], CHATS),
        "phrases": lambda: (phrases_of(text), normal_words(text), without_phrases(text, RULES.phrases)),
        "desk": lambda: desk_of([text]),
        "tails": lambda: tails_of([text]),
        "threads": lambda: related_numbers_of([text.replace("\n", " ")]),
    }
    took = {
        reader: round(seconds, 2)
        for reader, work in readers.items()
        if (seconds := seconds_of(work)) > MOST_SECONDS_FOR_A_MAIL
    }
    assert took == {}


def test_the_language_of_hostile_texts_is_told_as_quickly() -> None:
    detect_languages(["the printer is broken again"])
    texts = ["a" * 960, "a@" * 480, "=" * 960, "1a" * 480] * 10
    assert seconds_of(lambda: detect_languages(texts)) < MOST_SECONDS_FOR_A_MAIL
