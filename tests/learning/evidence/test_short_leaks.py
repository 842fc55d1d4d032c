"""What gives a label away in few words: initials, a link whose end differs, three words in a row; and that a phrase is
cut whole, and no word of the customer's with it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from otai.learning.data.cuts.cutting import TextRules
from otai.learning.evidence.leaks import find_leaks
from tests.learning.evidence.test_leaks import FILLERS, QUEUES

pytestmark = pytest.mark.pure

SHORT = {"network": "nw", "billing": "bl", "accounts": "ac", "hardware": "hw"}
NOTES = {
    "network": "moved towards northern bench overnight",
    "billing": "ledger people keep watch here",
    "accounts": "keyring folks look into that",
    "hardware": "workshop basement has spare parts",
}


def said(chance: random.Random) -> str:
    return " ".join(chance.choices(FILLERS, k=9))


def examined(write: Callable[[str, int, random.Random], str], tickets: int = 400) -> tuple[list[str], TextRules]:
    """The texts, and what is cut from them; the labels can be told from nothing else."""
    chance = random.Random(7)
    labels = [QUEUES[n % 4] for n in range(tickets)]
    texts = [f"Request\n{write(label, n, chance)}" for n, label in enumerate(labels)]
    [leak] = find_leaks(texts, {"queue": labels}).measured
    assert leak.coverage > 0.95 and leak.with_lines > 0.9 and leak.without < 0.5
    return texts, TextRules(kinds=(), lines=frozenset(leak.lines), phrases=frozenset(leak.phrases))


@pytest.mark.parametrize(
    "write",
    [
        lambda label, n, chance: f"{said(chance)}\n/{SHORT[label]}",
        lambda label, n, chance: f"{said(chance)} https://desk.example/{SHORT[label]}/form?id={n} {said(chance)}",
        lambda label, n, chance: f"{said(chance)} www.desk.example/{SHORT[label]}/{n} {said(chance)}",
        lambda label, n, chance: f"{said(chance)} {' '.join(NOTES[label].split()[:3])} {said(chance)}",
        lambda label, n, chance: f"Bereich: {SHORT[label]} / {n}\n{said(chance)}",
    ],
    ids=["initials", "link with a query", "link with a number", "three words", "field of a form"],
)
def test_little_that_decides_is_found_and_cut(write: Callable[[str, int, random.Random], str]) -> None:
    texts, rules = examined(write)
    for cut in rules.applied(texts[:20]):
        assert not any(f"/{short}" in cut or f" {short} " in cut for short in SHORT.values())
        assert not any(" ".join(note.split()[:3]) in cut for note in NOTES.values())


def test_a_phrase_is_cut_whole_and_the_customers_words_around_it_stay() -> None:
    """Half of the customers go on with the same word: it is theirs."""
    texts, rules = examined(
        lambda label, n, chance: f"{said(chance)} {NOTES[label]} {'meanwhile' if n % 8 < 4 else 'still'} {said(chance)}"
    )
    for text, cut in zip(texts[:40], rules.applied(texts[:40]), strict=True):
        assert not any(word in cut for note in NOTES.values() for word in note.split())
        assert ("meanwhile" in cut) is ("meanwhile" in text) and ("still" in cut) is ("still" in text)
