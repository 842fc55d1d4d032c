"""Which encoders suit the languages of a data set, and why, as findings that a report card keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from otai.learning.encoders.known import E5_SMALL, KNOWN, MINILM_EN, USE_MULTILINGUAL, EncoderSpec
from otai.learning.finding import Finding

ENGLISH_DOMINATES = 0.8
"""From this share of English on, the English encoder adds more than it costs; on mixed tickets it did not help
(docs/experiments-encoders.md)."""

LEAST_SHARE_NOT_SPOKEN = 0.1
"""A share of tickets in languages that the default does not speak, below which nobody waits eight times as long for the
rest."""


@dataclass(frozen=True)
class EncoderChoice:
    """Names in the order in which their vectors are put side by side, and the reasons."""

    names: tuple[str, ...]
    why: tuple[Finding, ...]


def encoders_for(
    languages: Mapping[str | None, float], *, present: Collection[str] = (), expected: Collection[str] = ()
) -> EncoderChoice:
    """The encoders for tickets of these languages. `languages` maps ISO 639-1 codes (None: not told) to shares of the
    tickets; `expected` names languages in which tickets will come although the data shows none.

    The multilingual default is always named, present or not: its absence is then an error before anything is paid, not
    a silently weaker model. The others are named only if they are `present` (EncoderStore.available). An English
    encoder is never alone.
    """
    told = {code: share for code, share in languages.items() if code and share > 0}
    all_told = sum(told.values())
    shares = {code: share / all_told for code, share in told.items()} if all_told else {}
    not_spoken = _not_spoken(USE_MULTILINGUAL, shares)
    base, reasons = USE_MULTILINGUAL, []
    if sum(not_spoken.values()) >= LEAST_SHARE_NOT_SPOKEN:
        better = sum(_not_spoken(E5_SMALL, shares).values()) < sum(not_spoken.values())
        if better and E5_SMALL.name in present:
            base = E5_SMALL
            reasons.append(_reason("other_taken", E5_SMALL, not_spoken, other=USE_MULTILINGUAL))
        elif better:
            reasons.append(_reason("other_not_there", USE_MULTILINGUAL, not_spoken, other=E5_SMALL))
        else:
            reasons.append(_reason("none_speaks", USE_MULTILINGUAL, not_spoken))
    elif shares:
        spoken = {code: share for code, share in shares.items() if code not in not_spoken}
        reasons.append(_reason("speaks", USE_MULTILINGUAL, spoken))
    else:
        reasons.append(_reason("language_unknown", USE_MULTILINGUAL))
    names = [base.name]
    english = shares.get("en", 0.0)
    if english >= ENGLISH_DOMINATES:
        if others := sorted(set(expected) - {"en"}):
            # What an English encoder says of a German ticket is noise, and a model trained on English alone trusts it:
            # 0.69 of xsid's German rows right instead of 0.89 (docs/experiments-encoders.md).
            reasons.append(Finding("encoder_english_not_wanted", values={"languages": others}))
        elif MINILM_EN.name in present:
            names.append(MINILM_EN.name)
            reasons.append(_reason("added_for_english", MINILM_EN, {"en": english}))
        else:
            reasons.append(_reason("english_not_there", MINILM_EN, {"en": english}))
    assert all(name in KNOWN for name in names)
    return EncoderChoice(names=tuple(names), why=tuple(reasons))


def _not_spoken(spec: EncoderSpec, shares: Mapping[str, float]) -> dict[str, float]:
    return {code: share for code, share in shares.items() if code not in spec.languages}


def _reason(
    code: str, encoder: EncoderSpec, shares: Mapping[str, float] | None = None, *, other: EncoderSpec | None = None
) -> Finding:
    values: dict[str, Any] = {"encoder": encoder.name}
    if shares:
        most_first = sorted(shares, key=lambda code: (-shares[code], code))
        values |= {"share": sum(shares.values()), "languages": most_first[:5]}
    if other is not None:
        values["other"] = other.name
    return Finding(f"encoder_{code}", values=values)
