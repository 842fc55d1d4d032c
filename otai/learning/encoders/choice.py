"""Which encoders suit the languages of a data set, and why, in words that a report card can quote."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from otai.learning.encoders.known import E5_SMALL, KNOWN, MINILM_EN, USE_MULTILINGUAL, EncoderSpec

ENGLISH_DOMINATES = 0.8
"""From this share of English on, the English encoder adds more than it costs; on mixed tickets it did not help (docs/experiments-encoders.md)."""

WORTH_ANOTHER_ENCODER = 0.1
"""A share of tickets in languages that the default does not speak, below which nobody waits eight times as long for the rest."""


@dataclass(frozen=True)
class EncoderChoice:
    """Names in the order in which their vectors are put side by side, and the reason."""

    names: tuple[str, ...]
    why: str


def encoders_for(
    languages: Mapping[str | None, float], *, present: Collection[str] = (), expected: Collection[str] = ()
) -> EncoderChoice:
    """The encoders for tickets of these languages. `languages` maps ISO 639-1 codes (None: not told) to shares of the tickets;
    `expected` names languages in which tickets will come although the data shows none.

    The multilingual default is always named, present or not: its absence is then an error before anything is paid, not a silently
    weaker model. The others are named only if they are `present` (EncoderStore.available). An English encoder is never alone.
    """
    told = {code: share for code, share in languages.items() if code and share > 0}
    all_told = sum(told.values())
    shares = {code: share / all_told for code, share in told.items()} if all_told else {}
    foreign = _not_spoken(USE_MULTILINGUAL, shares)
    base, reasons = USE_MULTILINGUAL, []
    if sum(foreign.values()) >= WORTH_ANOTHER_ENCODER:
        better = sum(_not_spoken(E5_SMALL, shares).values()) < sum(foreign.values())
        if better and E5_SMALL.name in present:
            base = E5_SMALL
            reasons.append(f"{E5_SMALL.name}, because {_percent(foreign)} of the tickets are in {_named(foreign)}, "
                           f"which {USE_MULTILINGUAL.name} does not speak.")  # fmt: skip
        elif better:
            reasons.append(f"{USE_MULTILINGUAL.name}, although {_percent(foreign)} of the tickets are in {_named(foreign)}, which it "
                           f"does not speak; `otai encoders pull {E5_SMALL.name}` brings one that does.")  # fmt: skip
        else:
            reasons.append(f"{USE_MULTILINGUAL.name}, although no known encoder speaks {_named(foreign)} "
                           f"({_percent(foreign)} of the tickets); words and characters will carry those.")  # fmt: skip
    elif shares:
        spoken = {code: share for code, share in shares.items() if code not in foreign}
        reasons.append(
            f"{USE_MULTILINGUAL.name}, which speaks the language of {_percent(spoken)} of the tickets ({_named(spoken)})."
        )
    else:
        reasons.append(f"{USE_MULTILINGUAL.name}, because the language of the tickets could not be told.")
    names = [base.name]
    english = shares.get("en", 0.0)
    if english >= ENGLISH_DOMINATES:
        if others := sorted(set(expected) - {"en"}):
            # What an English encoder says of a German ticket is noise, and a model trained on English alone trusts it: 0.69 of xsid's
            # German rows right instead of 0.89 (docs/experiments-encoders.md).
            reasons.append(
                f"No English encoder beside it, because tickets in {', '.join(others)} are expected as well."
            )
        elif MINILM_EN.name in present:
            names.append(MINILM_EN.name)
            reasons.append(f"{MINILM_EN.name} beside it, because {english:.0%} is English.")
        else:
            reasons.append(f"{english:.0%} is English: `otai encoders pull {MINILM_EN.name}` would add a little.")
    assert all(name in KNOWN for name in names)
    return EncoderChoice(names=tuple(names), why=" ".join(reasons))


def _not_spoken(spec: EncoderSpec, shares: Mapping[str, float]) -> dict[str, float]:
    return {code: share for code, share in shares.items() if code not in spec.languages}


def _named(shares: Mapping[str, float]) -> str:
    return ", ".join(sorted(shares, key=lambda code: (-shares[code], code))[:5])


def _percent(shares: Mapping[str, float]) -> str:
    return f"{sum(shares.values()):.0%}"
