"""What a note on a ticket says of a decision, in the helpdesk's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otai_open_ticket_ai.deciding import Decision
from otai_open_ticket_ai.settings import Language


@dataclass(frozen=True)
class _Words:
    subject: str
    applied: str
    suggested: str
    nothing: str
    refused: str
    by: str


_WORDS: Mapping[Language, _Words] = {
    "en": _Words(
        "Classified by {model}",
        "{attribute}: {labels} ({confidence} %), set",
        "{attribute}: {labels} ({confidence} %), a suggestion",
        "{attribute}: nothing",
        "The helpdesk refused this: {reason}",
        "Model {model}; set alone only where it was right {precision} times in 100 when it was measured.",
    ),
    "de": _Words(
        "Klassifiziert von {model}",
        "{attribute}: {labels} ({confidence} %), gesetzt",
        "{attribute}: {labels} ({confidence} %), ein Vorschlag",
        "{attribute}: nichts",
        "Der Helpdesk hat das abgelehnt: {reason}",
        "Modell {model}; allein gesetzt nur, wo es bei der Messung {precision} von 100 Mal richtig lag.",
    ),
    "fr": _Words(
        "Classé par {model}",
        "{attribute} : {labels} ({confidence} %), appliqué",
        "{attribute} : {labels} ({confidence} %), une suggestion",
        "{attribute} : rien",
        "Le helpdesk l\N{RIGHT SINGLE QUOTATION MARK}a refusé : {reason}",
        "Modèle {model} ; appliqué seul uniquement là où il avait raison {precision} fois sur 100 lors de la mesure.",
    ),
}


def subject(model: str, language: Language) -> str:
    return _WORDS[language].subject.format(model=model)


def body(
    decisions: Mapping[str, Decision],
    *,
    applied: Iterable[str],
    model: str,
    precision: float,
    language: Language,
    refused: str | None = None,
) -> str:
    """A line an attribute, which of them were set, what was refused, and what the model promises."""
    words, set_ones = _WORDS[language], set(applied)
    lines = [_line(words, name, one, name in set_ones) for name, one in decisions.items()]
    if refused is not None:
        lines.append(words.refused.format(reason=refused))
    lines.append(words.by.format(model=model, precision=f"{precision * 100:g}"))
    return "\n".join(lines)


def _line(words: _Words, attribute: str, decision: Decision, is_set: bool) -> str:
    if not decision.labels:
        return words.nothing.format(attribute=attribute)
    said = words.applied if is_set else words.suggested
    # Rounded down: what is not certain never reads as 100 %.
    percent = int(decision.confidence * 1000) / 10
    return said.format(attribute=attribute, labels=", ".join(decision.labels), confidence=f"{percent:g}")
