"""What fine-tuning gains on a customer's own tickets, tried before a training is ordered.

Maximum as it is trained, on a few hundred of the tickets: one encoder, one way of learning, no search. Every ticket is
answered by Business and by networks that had not seen it, and the gain is what the training itself would tell
(`finetuning/ensemble_weights.py`). A minute or two of one core; nothing is stored here.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.splitting import rows_with_text
from otai.learning.data.tickets import LabelledTickets
from otai.learning.errors import InputFailure
from otai.learning.evidence.expectation import TriedGain
from otai.learning.features.encoding import Encoding
from otai.learning.recipes import RECIPES, Recipe
from otai.learning.training import train

MOST_TICKETS = 600

# Multiplications, as `Recipe.tuning_work`: about two minutes of a core for tickets of full length.
MOST_WORK = 4e12


def trial_recipe(maximum: Recipe) -> Recipe:
    """Maximum without a search, within the trial's work, which keeps back every ticket once."""
    return dataclasses.replace(
        maximum,
        tunings=tuple((encoder, configurations[:1]) for encoder, configurations in maximum.tunings),
        tuning_work=min(maximum.tuning_work, MOST_WORK),
        tickets_to_combine=MOST_TICKETS,
        agrees=False,
        refit=False,
    )


def tried_gains(
    tickets: LabelledTickets, attributes: Sequence[AttributeSpec], encoding: Encoding, *, seed: int = 0
) -> dict[str, TriedGain]:
    """By attribute; one that too few of the tickets tried have labels of is left out. Raises MissingEncoder and
    EncodersNotInstalled."""
    part = _part_of(tickets, seed=seed)
    recipe = trial_recipe(RECIPES["maximum"])
    specs = [spec for spec in attributes if _can_be_learnt(part, spec, recipe.fewest_tickets)]
    if not specs:
        return {}
    try:
        card = train(part, specs, recipe, seed=seed, encoding=encoding).report_card
    except InputFailure:
        return {}
    return {
        finding.attribute: _gain_of(finding.values, tickets=card.train_tickets)
        for finding in card.findings
        if finding.attribute is not None and finding.code in ("business_is_enough", "fine_tuning_gained")
    }


def _gain_of(values: Mapping[str, Any], *, tickets: int) -> TriedGain:
    names = ("gain", "low", "high", "accuracy", "macro_f1")
    return TriedGain(**{name: float(values[name]) for name in names}, tickets=tickets)


def _part_of(tickets: LabelledTickets, *, seed: int) -> LabelledTickets:
    """Some of the tickets that a training may learn from, drawn at random."""
    rows = rows_with_text(tickets.texts)
    if tickets.splits is not None:
        rows = np.asarray([row for row in rows if tickets.splits[row] == "train"], np.int64)
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_TICKETS])
    return LabelledTickets(
        ids=[tickets.ids[row] for row in drawn],
        texts=[tickets.texts[row] for row in drawn],
        languages=[tickets.languages[row] for row in drawn],
        attributes={name: [column[row] for row in drawn] for name, column in tickets.attributes.items()},
        links=[tickets.links[row] for row in drawn] if tickets.links is not None else None,
    )


def _can_be_learnt(part: LabelledTickets, spec: AttributeSpec, fewest: int) -> bool:
    """Whether two labels have tickets enough on both sides of a split."""
    counted: Counter[str] = Counter()
    for value in part.attributes.get(spec.name, ()):
        counted.update((value,) if isinstance(value, str) else value or ())
    return sum(count >= 2 * fewest for count in counted.values()) >= 2
