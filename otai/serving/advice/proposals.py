"""What a piece of advice proposes to train: attributes and a mode that an order would be taken for."""

from __future__ import annotations

from collections.abc import Sequence

from otai.billing import queries as billing
from otai.errors import OtaiError
from otai.pricing import quote as pricing
from otai.pricing.price_book import Mode
from otai.runs import readiness
from otai.serving.models import ModelVersion
from otai.tickets import expected_quality
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet


def trainable(data_set: DataSet | None, names: Sequence[str]) -> list[str]:
    """Those of the attributes that a run on the data set could learn, in order; none where its tickets are gone."""
    if data_set is None or data_set.deleted_at is not None:
        return []
    usable = set(tickets.usable_attributes(data_set).values_list("name", flat=True))
    return [name for name in names if name in usable]


def proposed_mode(version: ModelVersion, data_set: DataSet, names: Sequence[str]) -> Mode | None:
    """The mode of the version, or the next cheaper one that the tier includes, that is installed and that is expected
    to gain; None where no order of these attributes would be taken."""
    book, tier = billing.price_book(), billing.tier_of(data_set.organisation)
    modes = list(Mode)
    for mode in reversed(modes[: modes.index(Mode(version.run.mode)) + 1]):
        try:
            pricing.require_mode(book, tier=tier, mode=mode)
            readiness.require(mode)
        except OtaiError:
            continue
        if mode is Mode.MAXIMUM and expected_quality.no_gain_expected(data_set, names) is not None:
            continue
        return mode
    return None


def attributes_that_fit(names: Sequence[str], more: Sequence[str]) -> list[str]:
    """Of `more`, the first that a run could take beside `names`."""
    return list(more[: max(billing.price_book().most_attributes - len(names), 0)])
