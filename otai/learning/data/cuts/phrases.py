"""Words that stand in the middle of a line and say who dealt with a ticket: names, addresses, what follows a greeting,
sentences of the desk, numbers that begin alike. Known by hashes alone.

A phrase is one to five words. Its key says how many they are, and holds a short hash of the first and a long one of
all: the first tells quickly where a phrase may begin, and no word can be read from it. The key of a beginning says 0
words: it stands for every number that begins so (`numbers.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache

from otai.learning.data.cuts.numbers import numbers_in
from otai.learning.data.privacy.people import people_in

_WORD = re.compile(r"\S+")
_FIRST_SIGNS = re.compile(r"[^\w@+]+")
_LAST_SIGNS = re.compile(r"\W+")
"""Of a word that is read backwards: an expression that looks for an end tries from everywhere."""
_ADDRESS = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b|(?:https?://|www\.)[^\s<>\"']{3,120}")
_NUMBER = re.compile(r"(?<![\w.,/-])(?:\+|\(0|0)\d[\d ()/.-]{5,18}\d(?![\w-])")
MOST_WORDS = 4
_OF_NUMBERS = "0"
"""In place of how many words a phrase has."""
LOOKED_AT_CHARACTERS = 2_000


def phrase_key(words: Sequence[str]) -> str:
    """The key of a phrase of normal words (`normal_word`)."""
    whole = hashlib.blake2b("\x1f".join(words).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{len(words)}{_first_key(words[0])}{whole}"


def beginning_key(beginning: str) -> str:
    """The key of what numbers begin with."""
    return f"{_OF_NUMBERS}{phrase_key([beginning])[1:]}"


@lru_cache(maxsize=1 << 16)
def _first_key(word: str) -> str:
    return hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()


def normal_word(word: str) -> str:
    """Without case and the signs at its ends; empty where nothing else is there."""
    if word.isalnum():
        return word.casefold()
    before, after = _FIRST_SIGNS.match(word), _LAST_SIGNS.match(word[::-1])
    return word[before.end() if before else 0 : len(word) - (after.end() if after else 0)].casefold()


def normal_words(text: str) -> list[str]:
    """The text's words in the form in which phrases are compared; what has none (a lone comma) is left out."""
    return [normal for word in text.split() if (normal := normal_word(word))]


def phrases_of(text: str) -> dict[str, str]:
    """What may be such a phrase in a text (subject, line feed, body): by key, as it stands there. What follows a
    greeting comes first, for whoever takes only some."""
    text = text[:LOOKED_AT_CHARACTERS]
    # Words of a subject are the customer's own.
    body = text[text.find("\n") + 1 :]
    phrases: dict[str, str] = {}
    people = list(people_in(body))
    for greeting, words in people:
        if greeting:
            # With the word of the greeting before it: a first name alone may be anything.
            _note(phrases, [greeting, *words][:MOST_WORDS], range(2, MOST_WORDS + 1), only_first=True)
    for match in _ADDRESS.finditer(text):
        _note(phrases, match[0].split(), (1,))
    for _, words in people:
        if len(words) > 1:
            _note(phrases, words, (2, 3), only_first=True)
    for match in _NUMBER.finditer(text):
        _note(phrases, match[0].split(), (0,))
    return phrases


RUN_WORDS, SHORT_RUN_WORDS = 5, 3
"""Words in a row that are looked for inside of a line; of a longer sentence each five of them are one."""


def runs_of(text: str, *, words: int = RUN_WORDS) -> dict[str, str]:
    """So many words in a row, inside of one line each: by key, as they stand there."""
    runs: dict[str, str] = {}
    for line in text[:LOOKED_AT_CHARACTERS].split("\n"):
        _note(runs, line.split(), (words,))
    return runs


def beginnings_of(text: str, *, only: Container[str]) -> dict[str, str]:
    """What these numbers of a text begin with: by key, as it stands there."""
    return {
        beginning_key(beginning): f"{beginning}…"
        for number in numbers_in(text[:LOOKED_AT_CHARACTERS])
        if number.said in only
        for beginning in number.beginnings
    }


def _note(phrases: dict[str, str], words: Sequence[str], sizes: Sequence[int], *, only_first: bool = False) -> None:
    kept = [(word, normal) for word in words if (normal := normal_word(word))]
    for size in sizes:
        # 0: all of them.
        size = size or min(len(kept), MOST_WORDS)
        for at in range(max(len(kept) - size + 1, 0))[: 1 if only_first else None]:
            part = kept[at : at + size]
            if part:
                phrases.setdefault(phrase_key([normal for _, normal in part]), " ".join(word for word, _ in part))


def without_phrases(text: str, keys: frozenset[str]) -> str:
    """The text without these phrases; what stood around them moves together."""
    spans = sorted([*_spans(text, keys), *_spans_of_numbers(text, keys)])
    if not spans:
        return text
    parts, at = [], 0
    for start, end in spans:
        parts.append(text[at:start].rstrip(" \t") if at < start else "")
        at = max(at, end)
    parts.append(text[at:])
    joined = "".join(
        part if not part or part[0].isspace() or number == 0 else f" {part}" for number, part in enumerate(parts)
    )
    # A line of which only signs are left says nothing.
    lines = (line for line in joined.split("\n") if not line.strip() or re.search(r"\w", line))
    return "\n".join(line.strip() for line in lines).strip()


def _spans(text: str, keys: frozenset[str]) -> Iterator[tuple[int, int]]:
    begins, sizes, _ = _shape(keys)
    if not sizes:
        return
    words = [
        (match.start(), match.end(), normal) for match in _WORD.finditer(text) if (normal := normal_word(match[0]))
    ]
    for at, (start, _, normal) in enumerate(words):
        if _first_key(normal) not in begins:
            continue
        for size in sizes:
            part = words[at : at + size]
            if len(part) == size and phrase_key([word for _, _, word in part]) in keys:
                yield start, part[-1][1]
                break


def _spans_of_numbers(text: str, keys: frozenset[str]) -> Iterator[tuple[int, int]]:
    *_, has_beginnings = _shape(keys)
    if has_beginnings:
        for number in numbers_in(text):
            if any(beginning_key(beginning) in keys for beginning in number.beginnings):
                yield number.start, number.end


@lru_cache(maxsize=64)
def _shape(keys: frozenset[str]) -> tuple[frozenset[str], tuple[int, ...], bool]:
    """Of phrases the short hashes of their first words, and how many words there may be, the most first; and whether
    there are beginnings of numbers."""
    phrases = [key for key in keys if key[0] != _OF_NUMBERS]
    sizes = tuple(sorted({int(key[0]) for key in phrases}, reverse=True))
    return frozenset(key[1:7] for key in phrases), sizes, len(phrases) < len(keys)
