"""Search over the help: in memory, by section, made when somebody first asks in a language.

All words have to be found, in the section or in its titles; where no section has them all, those with most are shown.
A word is found whole, as the beginning of one, and, from four letters on, inside one (German compounds). Titles count
more than text, rare words more than frequent ones (inverse document frequency, as in BM25).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from otai.web.handbook import pages
from otai.web.handbook.rendering import HelpPage, Section, page

_WORD = re.compile(r"\w+")
_ENDINGS = ("ungen", "en", "es", "er", "s", "e", "n")
"""Of plurals and cases; what is left of a word of a question is looked for as the beginning of one."""

most_words, longest_question = 8, 200
of_title, of_heading = 4.0, 3.0
whole, beginning, inside = 1.0, 0.7, 0.4
most_of_a_page = 3
excerpt_before, excerpt_length = 60, 190


@dataclass(frozen=True, slots=True)
class FoundSection:
    """A section that answers. `where` is its page and anchor, `importing/#bad-rows`; `excerpt` marks what was asked
    for."""

    page: HelpPage
    section: Section
    excerpt: SafeString

    @property
    def where(self) -> str:
        return f"{self.page.name}/" + (f"#{self.section.anchor}" if self.section.anchor else "")

    @property
    def of_page(self) -> str:
        """The title of the page that the section is part of; empty where the page itself was found."""
        return "" if self.section.level == 1 else self.page.title


@dataclass(frozen=True, slots=True)
class Index:
    """`weights[word][place]`: how much a word says about a section."""

    sections: list[tuple[HelpPage, Section]]
    weights: dict[str, dict[int, float]]


def folded(text: str) -> str:
    """Small letters without their dots and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def words_of(text: str) -> list[str]:
    """The words of a text, folded."""
    return _WORD.findall(folded(text))


def search(question: str, *, language: str, operator: bool, most: int = 20) -> list[FoundSection]:
    """The sections that answer best, at most three of a page."""
    asked = list(dict.fromkeys(words_of(question[:longest_question])))[:most_words]
    if not asked:
        return []
    index = _index(language, operator)
    scores: dict[int, float] = defaultdict(float)
    matched: Counter[int] = Counter()
    for word in asked:
        for place, weight in _places(index, word).items():
            scores[place] += weight
            matched[place] += 1
    if not matched:
        return []
    needed = max(matched.values())
    best = sorted((place for place in matched if matched[place] == needed), key=lambda one: (-scores[one], one))
    answers: list[FoundSection] = []
    of_page: Counter[str] = Counter()
    for place in best:
        in_page, section = index.sections[place]
        of_page[in_page.name] += 1
        if of_page[in_page.name] <= most_of_a_page:
            answers.append(FoundSection(in_page, section, _excerpt(section.text, asked)))
    return answers[:most]


@lru_cache(maxsize=16)
def _index(language: str, operator: bool) -> Index:
    sections = [
        (shown, section)
        for name in pages.names(operator=operator)
        for shown in [page(name, language=language, operator=operator)]
        for section in shown.sections
    ]
    weights: dict[str, dict[int, float]] = defaultdict(dict)
    for place, (shown, section) in enumerate(sections):
        for word, count in Counter(words_of(section.text)).items():
            weights[word][place] = count / (count + 1.2)
        for text, weight in ((section.title, of_heading), (shown.title, of_title if section.level == 1 else 1.0)):
            for word in words_of(text):
                weights[word][place] = weights[word].get(place, 0.0) + weight
    return Index(sections, dict(weights))


def _places(index: Index, asked: str) -> dict[int, float]:
    """How well each section matches one word of a question."""
    found: dict[int, float] = {}
    stem = _stem(asked)
    for word, places in index.weights.items():
        how = _match(word, asked, stem)
        if how:
            rarity = math.log(1 + len(index.sections) / len(places))
            for place, weight in places.items():
                found[place] = max(found.get(place, 0.0), how * rarity * weight)
    return found


def _match(word: str, asked: str, stem: str) -> float:
    if word == asked:
        return whole
    if len(stem) >= 3 and word.startswith(stem):
        return beginning
    return inside if len(stem) >= 4 and stem in word else 0.0


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def _excerpt(text: str, asked: Sequence[str]) -> SafeString:
    """A piece of the text around what was asked for, which is marked."""
    stems = [_stem(word) for word in asked]
    spans = [(one.start(), one.end()) for one in _WORD.finditer(text) if _is_asked(one.group(), stems)]
    start = max(0, spans[0][0] - excerpt_before) if spans else 0
    while 0 < start < len(text) and not text[start - 1].isspace():
        start += 1
    end = min(len(text), start + excerpt_length)
    while end < len(text) and not text[end].isspace():
        end += 1
    inside_it = [(begins, ends) for begins, ends in spans if start <= begins and ends <= end]
    befores = [start, *(ends for _begins, ends in inside_it)]
    shown = format_html_join(
        "",
        "{}<mark>{}</mark>",
        ((text[at:begins], text[begins:ends]) for at, (begins, ends) in zip(befores, inside_it, strict=False)),
    )
    more = " …" if end < len(text) else ""
    return format_html("{}{}{}{}", "… " if start else "", shown, text[befores[-1] : end], more)


def _is_asked(word: str, stems: Sequence[str]) -> bool:
    plain = folded(word)
    return any(
        plain == stem or (len(stem) >= 3 and plain.startswith(stem)) or (len(stem) >= 4 and stem in plain)
        for stem in stems
    )
