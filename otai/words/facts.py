"""Facts that are no findings: where something comes from, what a price is made of. Each code with its sentences, the most exact first.

A value of a sentence may be a fact itself (`{why:fact}`): it is said in the same language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from otai.words.sentences import Sentence

LANGUAGES_READ: Mapping[str, tuple[Sentence, ...]] = {
    "languages_from_column": ("the column {column}",),
    "languages_detected_for_all": ("detected for every ticket",),
    "languages_detected_for_some": ("detected for one ticket in {every:n}",),
    "languages_from_version_before": ("the version before",),
}
"""Where the languages of a data set come from, in brackets behind them."""

FACTS: Mapping[str, tuple[Sentence, ...]] = {**LANGUAGES_READ}


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    for said in FACTS.values():
        yield from said
